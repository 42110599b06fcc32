"""What a queue's labels cost and how fast they come: active time, pace, and when it will be done.

Of the labels that the queue's own people gave, checks among them, each in its last version; what came with files cost
nothing here, and what reviewers fixed is counted as its annotator left it. Days are those of UTC.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Count, Sum

from annotate.models import Import, OutsideAnnotator, Queue, Task
from annotate.places import AGAIN, NOTHING_LEFT
from annotate.quality import columns as reading
from annotate.quality import rules
from annotate.quality.columns import Array, Columns, Mask
from annotate.quality.making import DAY, estimate
from annotate.quality.reports import OfQueue
from annotate.scoring.intervals import Estimate

#: The pace is that of so many days before today; with labels on fewer of them nothing is forecast.
RECENT_DAYS = 14
FEWEST_DAYS = 3
#: Without a label for so long, the queue is idle.
IDLE_DAYS = 7
#: Fewer labels say nothing of how long one takes.
FEWEST_LABELS = 10
MOST_DAYS = 120
ROUNDS = 2_000
#: Beyond this a forecast is no forecast.
LONGEST_FORECAST = 3_650

type Tell = Callable[[float], None]


class Cost(OfQueue):
    """See the module's docstring."""

    name = "cost"
    rules = 2

    def rest_on(self, queues: Sequence[Queue]) -> list[dict[str, Any]]:
        """The price, what is left to do, and the day: the pace is that of the days before today."""
        newest = Import.objects.filter(queue__in=queues).order_by("queue_id", "-pk").distinct("queue_id")
        brought = {pk: list(told) for pk, *told in newest.values_list("queue_id", "pk", "rows_added")}
        stopped = _out_of_work(queues)
        return [_rests_on(one) | {"brought": brought.get(one.pk, []), "out": stopped.get(one.pk, [])} for one in queues]

    def make_of(self, queue: Queue, horizon: int, review_horizon: int, tell: Tell) -> dict[str, Any]:
        columns = reading.load(queue, horizon)
        tell(0.7)
        mask = paid_work(columns)
        seconds = columns.seconds[mask]
        work = columns.role[mask] == columns.roles.index("work")
        days = _days(columns, mask)
        return {
            "labels": int(mask.sum()),
            "tasks": len(np.unique(columns.task[mask])),
            "seconds": round(float(seconds.sum()), 1),
            "untimed": int((seconds <= 0).sum()),
            "checks": int((~work).sum()),
            "timed_work": int((work & (seconds > 0)).sum()),
            "quartiles": _quartiles(seconds[seconds > 0]),
            "rate": rules.of(queue).hourly_rate,
            "currency": rules.of(queue).currency,
            "days": days,
            "today": _today().isoformat(),
            "forecast": _forecast(queue, days),
            "people": list(_people(columns, mask)),
        }


def _rests_on(queue: Queue) -> dict[str, Any]:
    """The price, how many labels are asked for, and the day."""
    agreed = rules.of(queue)
    return {
        "rate": agreed.hourly_rate,
        "currency": agreed.currency,
        "overlap": queue.overlap,
        "most": agreed.most_labels,
        "budget": agreed.extra_budget,
        "extra": queue.extra_places,
        "today": _today().isoformat(),
    }


def _out_of_work(queues: Sequence[Queue]) -> dict[int, list[int]]:
    """By queue, what tells one choice of tasks that are flagged or closed from another: how many, and their sum.

    With these, imports, labels and reviews, and what `_rests_on` has, open places are as many as they were: to count a
    million of them whenever somebody looks would take a tenth of a second.
    """
    found = Task.objects.filter(queue__in=queues).exclude(state=Task.State.READY).order_by().values("queue")
    told = found.annotate(n=Count("pk"), ids=Sum("pk")).values_list("queue", "n", "ids")
    return {pk: [n, int(ids)] for pk, n, ids in told}


def paid_work(columns: Columns) -> Mask:
    """By label: whether it is the last that its annotator, one of the queue's own people, said."""
    outside = OutsideAnnotator.objects.filter(project=columns.queue.project_id).values_list("user", flat=True)
    own = ~np.isin(columns.annotator, np.array(list(outside), np.int64))
    mask: Mask = own & columns.last_said
    return mask


def _today() -> date:
    return datetime.now(UTC).date()


def _quartiles(seconds: Array) -> list[float] | None:
    """25, 50, 75 % take at most so long; None of too few."""
    if len(seconds) < FEWEST_LABELS:
        return None
    return [round(float(one), 2) for one in np.quantile(seconds, [0.25, 0.5, 0.75])]


def _days(columns: Columns, mask: Mask) -> list[dict[str, Any]]:
    """Each day with labels, the last ones: how many, how many of them are no checks, and how many seconds they took."""
    day = np.floor_divide(columns.created[mask], DAY).astype(np.int64)
    known, number = np.unique(day, return_inverse=True)
    work = np.bincount(number, columns.role[mask] == columns.roles.index("work")).astype(np.int64)
    counts, seconds = np.bincount(number), np.bincount(number, columns.seconds[mask])
    rows = zip(known.tolist(), counts.tolist(), work.tolist(), seconds.tolist(), strict=True)
    found = [
        {"day": _date(one).isoformat(), "labels": labels, "work": real, "seconds": round(spent, 1)}
        for one, labels, real, spent in rows
    ]
    return found[-MOST_DAYS:]


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)


def _people(columns: Columns, mask: Mask) -> Iterator[dict[str, Any]]:
    """Each annotator: labels, time, pace; who gave most first."""
    seconds, created = columns.seconds[mask], columns.created[mask]
    people, number = np.unique(columns.annotator[mask], return_inverse=True)
    counts = np.bincount(number)
    for nth in np.argsort(-counts, kind="stable"):
        own = number == nth
        yield {
            "who": int(people[nth]),
            "labels": int(counts[nth]),
            "timed": int((seconds[own] > 0).sum()),
            "seconds": round(float(seconds[own].sum()), 1),
            "quartiles": _quartiles(seconds[own & (seconds > 0)]),
            "last": _date(int(created[own].max() // DAY)).isoformat(),
        }


# --- When it will be done --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Left:
    """Places of work that wait or are in hand, and further ones that adaptive overlap may still ask for, as so far."""

    places: int
    expected: int

    @property
    def all(self) -> int:
        return self.places + self.expected


_PLACES = """
SELECT (SELECT count(*) FROM annotate_assignment WHERE queue_id = %(queue)s AND state = 'open')
     + (SELECT count(*) FROM annotate_assignment a JOIN annotate_task t ON t.id = a.task_id
        WHERE a.queue_id = %(queue)s AND a.state = 'leased' AND t.role = 'work')
"""
# By how many places tasks that are labelled through have more than the queue begins with, without those of labels that
# came with files and of labels that others gave again.
_FURTHER = f"""
WITH {AGAIN}, outside AS (
    SELECT a.task_id, count(*) AS n FROM annotate_assignment a
    JOIN annotate_outsideannotator o ON o.user_id = a.annotator_id WHERE a.queue_id = %(queue)s GROUP BY a.task_id
)
SELECT coalesce(sum(greatest(t.places - %(overlap)s - coalesce(o.n, 0) - coalesce(g.n, 0), 0)), 0), count(*)
FROM annotate_task t LEFT JOIN outside o ON o.task_id = t.id LEFT JOIN again g ON g.task_id = t.id
WHERE t.queue_id = %(queue)s AND t.role = 'work' AND t.state = 'ready' AND {NOTHING_LEFT}
"""  # noqa: S608  # put together from our own words
_UNDER_WAY = """
SELECT count(DISTINCT a.task_id) FROM annotate_assignment a JOIN annotate_task t ON t.id = a.task_id
WHERE a.queue_id = %(queue)s AND a.state IN ('open', 'leased') AND t.role = 'work'
"""


def left(queue: Queue) -> Left:
    """What is left to do. Tasks under way are expected to need as many further labels as those done did."""
    places = _numbers(_PLACES, queue)[0]
    agreed = rules.of(queue)
    if not (agreed.is_adaptive and places):
        return Left(places, 0)
    further, done = _numbers(_FURTHER, queue)
    under_way = _numbers(_UNDER_WAY, queue)[0]
    expected = ceil(under_way * further / done) if done else 0
    budget = agreed.extra_budget
    return Left(places, expected if budget is None else min(expected, max(0, budget - queue.extra_places)))


def _numbers(sql: str, queue: Queue) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"queue": queue.pk, "overlap": queue.overlap})
        (row,) = cursor.fetchall()
    return [int(one) for one in row]


def _forecast(queue: Queue, days: list[dict[str, Any]]) -> dict[str, Any]:
    """How many days are left at the pace of the last ones, resampled: also how far that may be off.

    What is left is work, so the pace is that of work: checks are mixed in on top, as they were on those days.
    """
    todo, today = left(queue), _today()
    recent = last_days(days, today)
    found: dict[str, Any] = {"places": todo.places, "expected": todo.expected, "days": None, "why": ""}
    worked = int((recent > 0).sum())
    if not todo.all:
        return found | {"why": "done"}
    if not days:
        return found | {"why": "no labels"}
    if today - date.fromisoformat(days[-1]["day"]) > timedelta(days=IDLE_DAYS):
        return found | {"why": "idle", "since": days[-1]["day"]}
    if worked < FEWEST_DAYS:
        return found | {"why": "few days", "worked": worked}
    return found | {"pace": round(float(recent.mean()), 2), "days": estimate(_days_left(recent, todo.all))}


def last_days(days: list[dict[str, Any]], today: date) -> Array:
    """Labels of work of each of the last whole days, days without any too, from the first that there are labels of."""
    given = {one["day"]: one["work"] for one in days}
    first = date.fromisoformat(days[0]["day"]) if days else today
    span = min(RECENT_DAYS, max(0, (today - first).days))
    return np.array([given.get((today - timedelta(days=ago)).isoformat(), 0) for ago in range(1, span + 1)], np.float64)


def _days_left(recent: Array, todo: int) -> Estimate:
    """Days until so many labels are given: `todo` over the mean of the days, and of the days resampled."""
    drawn = np.random.default_rng(0).choice(recent, (ROUNDS, len(recent))).mean(axis=1)
    days = todo / np.maximum(drawn, todo / LONGEST_FORECAST)
    low, high = np.quantile(days, [0.025, 0.975])
    return Estimate(min(todo / float(recent.mean()), LONGEST_FORECAST), float(low), float(high), len(recent))

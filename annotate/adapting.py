"""Further labels where annotators disagree: adaptive overlap.

The rule, in one sentence: a task whose places are all done gets one more label while its labels agree less than
`enough_agreement` (mean over each two of 1 - their distance), unless so many of them say the same that one more could
not take their majority away, it has `most_labels` already, or the queue's `extra_budget` is spent.

So of plain answers (this one, that one, a tie) it goes on until one answer is two labels ahead of all others together:
Wald's sequential test of two equally likely answers ("Sequential Tests", 1945), cut off at `most_labels`.
Labels that were superseded or rejected don't count, and one label alone has nothing to disagree with.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef

from annotate import consensus, horizons, kinds
from annotate.kinds import Kind, Payload
from annotate.models import Label, Queue
from annotate.places import AGAIN, NOTHING_LEFT, add_places
from annotate.quality import rules
from annotate.quality.rules import Rules

logger = logging.getLogger(__name__)

#: Labels that are looked at before what they ask for is published, and while somebody waits.
AT_ONCE, A_FEW = 500, 20

#: Characters against characters that are compared for these: a few seconds at most, and some tenths of one.
EFFORT = 100_000_000_000
LITTLE = EFFORT // 10

# The labels of the tasks `whole` that count.
_STANDING = """
SELECT w.id, w.places, w.response_ids, l.payload, l.shown
FROM whole w CROSS JOIN LATERAL (
    SELECT id, payload, shown FROM annotate_label WHERE task_id = w.id AND supersedes_id IS NULL
    UNION ALL
    SELECT id, payload, shown FROM annotate_label WHERE task_id = w.id AND supersedes_id IS NOT NULL
) l
WHERE NOT EXISTS (SELECT FROM annotate_label n WHERE n.supersedes_id = l.id OFFSET 0)
  AND (SELECT v.verdict FROM annotate_review v WHERE v.label_id = l.id AND NOT v.trial
       ORDER BY v.id DESC LIMIT 1) IS DISTINCT FROM 'reject'
ORDER BY w.id, l.id
"""
# Those of the tasks of some labels, where all places of a task are done.
_SAID = f"""
WITH fresh AS MATERIALIZED (
    SELECT DISTINCT task_id FROM annotate_label WHERE queue_id = %(queue)s AND id > %(after)s AND id <= %(end)s
), whole AS MATERIALIZED (
    SELECT t.id, t.places, t.response_ids FROM fresh JOIN annotate_task t ON t.id = fresh.task_id
    WHERE t.role = 'work' AND t.state = 'ready'
      AND NOT EXISTS (SELECT FROM annotate_assignment a WHERE a.task_id = t.id AND a.state <> 'done' OFFSET 0)
){_STANDING}"""  # noqa: S608  # put together from our own words
# The next labels, and the newest: their ids, and how long what they say is.
_NEXT = """
SELECT id, length(payload::text) FROM annotate_label WHERE queue_id = %s AND id > %s AND id <= %s ORDER BY id LIMIT %s
"""
_NEWEST = """
SELECT id, length(payload::text) FROM annotate_label WHERE queue_id = %s AND id > %s ORDER BY id DESC LIMIT %s
"""
# Of some tasks, those that got no place since they had so many. Locked, so that it stays so.
_STILL = """
SELECT t.id FROM annotate_task t JOIN unnest(%s::bigint[], %s::int[]) AS known (id, places) USING (id, places)
ORDER BY t.id FOR NO KEY UPDATE OF t
"""
_STILL_AND_FREE = _STILL + "SKIP LOCKED"

# Tasks with nothing left to do, by their labels without those that others gave again. Each state by itself, so that
# the places are read from the index of that state; `NOT IN` would go through all of them for each task.
_FINISHED = f"""
WITH {AGAIN}
SELECT t.places - coalesce(g.n, 0) AS labels, count(*) FROM annotate_task t LEFT JOIN again g ON g.task_id = t.id
WHERE t.queue_id = %(queue)s AND t.role = 'work' AND t.state = 'ready' AND {NOTHING_LEFT}
GROUP BY labels ORDER BY labels
"""  # noqa: S608  # put together from our own words


# --- The rule --------------------------------------------------------------------------------------------------------


def wants_more(kind: Kind, said: Sequence[Payload], asked: Rules) -> bool:
    """Whether a task with these labels, under common letters, is to have another one, the budget aside."""
    if not 1 < len(said) < asked.most_labels or is_decided(kind, said):
        return False
    return kinds.agreement(kind, said) < asked.enough_agreement


def is_decided(kind: Kind, said: Sequence[Payload]) -> bool:
    """Whether so many say the same that they would be more than half even if the next one said otherwise."""
    return 2 * len(consensus.alike(kind, said)) > len(said) + 1


# --- Publishing ------------------------------------------------------------------------------------------------------


def adapt_waiting() -> None:
    """Look at what was labelled since the last time, in all queues with the rule: for the worker's sweep.

    Whatever is wrong with one queue, the others are not to wait for it.
    """
    adaptive = Queue.objects.filter(rules__most_labels__gt=0).exclude(state=Queue.State.CLOSED)
    newer = Exists(Label.objects.filter(queue=OuterRef("pk"), pk__gt=OuterRef("adapted_to")))
    for work in adaptive.filter(newer).order_by("pk"):
        try:
            adapt(work)
        except Exception as error:  # noqa: BLE001  # not the message: that may quote a row
            logger.error("no further labels of queue %d now: %s", work.pk, type(error).__name__)


def adapt(work: Queue) -> int:
    """Publish the further places that a queue's new labels ask for; returns how many.

    Every label is looked at once, before anything is locked; where somebody else is at it, nothing is done.
    """
    horizon, added = horizons.of_labels(work), 0
    while (some := _some(work, horizon)) is not None:
        added += some
    return added


def adapt_now(work: Queue) -> int:
    """The same of the few newest labels alone and without waiting: for somebody who finds the queue empty.

    What it looks at is looked at again by the sweep, because labels that are being stored may come in below.
    """
    fresh = _fresh(work)
    if fresh is None:
        return 0
    ids = _few(fresh, _rows(_NEWEST, fresh.pk, fresh.adapted_to, A_FEW), LITTLE)
    wanted = _wanted(fresh, ids[-1] - 1, ids[0]) if ids else {}
    if not wanted:
        return 0
    with transaction.atomic():
        locked = _locked(fresh)
        return _publish(locked, wanted, _STILL_AND_FREE) if locked else 0


def begin_anew(work: Queue) -> None:
    """Look at all labels once more: what is asked of them has changed. What was published stays."""
    Queue.objects.filter(pk=work.pk).update(adapted_to=0)


def _some(work: Queue, horizon: int) -> int | None:
    """The places added for the next labels; None where there are no more, or somebody else is at it."""
    fresh = _fresh(work)
    rows = _rows(_NEXT, fresh.pk, fresh.adapted_to, horizon, AT_ONCE) if fresh else []
    if fresh is None or not rows:
        return None
    end = (_few(fresh, rows, EFFORT) or [rows[0][0]])[-1]
    wanted = _wanted(fresh, fresh.adapted_to, end)
    with transaction.atomic():
        locked = _locked(fresh)
        if locked is None or locked.adapted_to != fresh.adapted_to:
            return None
        Queue.objects.filter(pk=work.pk).update(adapted_to=end)
        return _publish(locked, wanted, _STILL)


def _fresh(work: Queue) -> Queue | None:
    """The queue as it is now; None where it doesn't have the rule any more."""
    found = Queue.objects.get(pk=work.pk)
    return found if rules.of(found).is_adaptive else None


def _few(work: Queue, rows: Iterable[tuple[int, int]], effort: int) -> list[int]:
    """Of labels with their lengths, the ids of the first that can be compared with those of their tasks by so much."""
    ids = []
    for pk, length in rows:
        effort -= rules.of(work).most_labels * length**2
        if effort < 0:
            break
        ids.append(pk)
    return ids


def _locked(work: Queue) -> Queue | None:
    """The queue, nobody else publishing for it until the transaction ends; None if its rules are others by now."""
    found = Queue.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=work.pk).first()
    return found if found is not None and found.rules == work.rules else None


def _wanted(work: Queue, after: int, end: int) -> dict[int, int]:
    """The tasks with labels of this stretch that want one more, each with how many places it has."""
    asked = rules.of(work)
    said = _said(work, after, end)
    return {task: places for (task, places), payloads in said if wants_more(work.way, payloads, asked)}


def _publish(work: Queue, wanted: dict[int, int], still: str) -> int:
    """One more place for each of these tasks that got none meanwhile, as far as the budget of the locked queue goes."""
    tasks = [pk for (pk,) in _rows(still, [*wanted], [*wanted.values()])] if wanted else []
    budget = rules.of(work).extra_budget
    if budget is not None:
        tasks = tasks[: max(0, budget - work.extra_places)]
    if not tasks:
        return 0
    added = add_places(work, tasks)
    Queue.objects.filter(pk=work.pk).update(extra_places=F("extra_places") + added)
    return added


def _said(work: Queue, after: int, end: int) -> list[tuple[tuple[int, int], list[Payload]]]:
    """The answers that count of the tasks with labels of this stretch."""
    return _grouped(work, _SAID, {"queue": work.pk, "after": after, "end": end})


def _grouped(work: Queue, sql: str, values: dict[str, Any]) -> list[tuple[tuple[int, int], list[Payload]]]:
    """By task and how many places it has, the answers that count, under common letters."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows = cursor.fetchall()
    by_task = groupby(rows, key=itemgetter(0, 1))
    return [(task, [_payload(work.way, *row[2:]) for row in some]) for task, some in by_task]


def _payload(kind: Kind, responses: list[int], payload: str, shown: list[int]) -> Payload:
    return kinds.renamed(kind, msgspec.json.decode(payload, type=dict[str, Any]), shown, responses)


def _rows(sql: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[Any] = cursor.fetchall()
    return rows


# --- Where the overlap gets less -------------------------------------------------------------------------------------

# Tasks with a place that nobody has taken, and more places than the overlap asks for: labels that came with files and
# those that others gave again aside.
_BEYOND = f"""
WITH {AGAIN}
SELECT a.task_id FROM annotate_assignment a
LEFT JOIN annotate_outsideannotator o ON o.user_id = a.annotator_id LEFT JOIN again g ON g.task_id = a.task_id
WHERE a.queue_id = %(queue)s AND o.user_id IS NULL GROUP BY a.task_id
HAVING bool_or(a.state IN ('open', 'held')) AND count(*) - coalesce(max(g.n), 0) > %(overlap)s
"""  # noqa: S608  # put together from our own words
_SAID_OF = f"""
WITH whole AS MATERIALIZED (
    SELECT id, places, response_ids FROM annotate_task WHERE id = ANY(%(tasks)s::bigint[])
){_STANDING}"""  # noqa: S608  # put together from our own words


def still_split(work: Queue) -> list[int]:
    """Tasks with a place that was published as their annotators disagreed, who still do: they keep it."""
    if work.extra_places == 0:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_BEYOND, {"queue": work.pk, "overlap": work.overlap})
        tasks = [task for (task,) in cursor.fetchall()]
    asked, said = rules.of(work), _grouped(work, _SAID_OF, {"tasks": tasks})
    return [task for (task, _places), payloads in said if wants_more(work.way, payloads, asked)]


# --- What it did -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a queue's adaptive overlap is. `used`: further places published so far; `finished`: tasks with nothing
    left to do, by how many labels they have.
    """

    start: int
    most: int
    enough: float
    budget: int | None
    used: int
    finished: dict[int, int]

    @property
    def percent(self) -> int:
        """`enough` in percent."""
        return round(100 * self.enough)

    @property
    def left(self) -> int | None:
        """What is left of the budget; None where there is no limit."""
        return None if self.budget is None else max(0, self.budget - self.used)

    @property
    def tasks(self) -> int:
        return sum(self.finished.values())

    @property
    def mean(self) -> float | None:
        """Labels of a finished task, on average; None where none is finished."""
        return sum(labels * tasks for labels, tasks in self.finished.items()) / self.tasks if self.tasks else None


def standing(work: Queue) -> Standing | None:
    """Where a queue with the rule stands; None for one without."""
    asked = rules.of(work)
    if not asked.is_adaptive:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_FINISHED, {"queue": work.pk})
        finished = dict(cursor.fetchall())
    return Standing(
        work.overlap, asked.most_labels, asked.enough_agreement, asked.extra_budget, work.extra_places, finished
    )

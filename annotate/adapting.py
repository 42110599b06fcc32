"""Further labels where annotators disagree: adaptive overlap.

The rule, in one sentence: a task whose places are all done gets one more label while its labels agree less than
`enough_agreement` (mean over each two of 1 - their distance), unless so many of them say the same that one more could
not take their majority away, it has `most_labels` already, or the queue's `extra_budget` is spent.

So of plain answers (this one, that one, a tie) it goes on until one answer is two labels ahead of all others together:
Wald's sequential test of two equally likely answers ("Sequential Tests", 1945), cut off at `most_labels`.
Labels that were superseded or rejected don't count, and one label alone has nothing to disagree with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
from django.db import connection, transaction
from django.db.models import F

from annotate import consensus, horizons, kinds
from annotate.kinds import Kind, Payload
from annotate.models import Queue
from annotate.places import AGAIN, NOTHING_LEFT, add_places
from annotate.quality import rules
from annotate.quality.rules import Rules

#: Labels that are looked at in one transaction.
AT_ONCE = 500

# The labels that count of the tasks of some labels, where all places of a task are done.
_SAID = """
WITH fresh AS MATERIALIZED (
    SELECT DISTINCT task_id FROM annotate_label WHERE queue_id = %(queue)s AND id > %(after)s AND id <= %(end)s
), whole AS MATERIALIZED (
    SELECT t.id, t.response_ids FROM fresh JOIN annotate_task t ON t.id = fresh.task_id
    WHERE t.role = 'work' AND t.state = 'ready'
      AND NOT EXISTS (SELECT FROM annotate_assignment a WHERE a.task_id = t.id AND a.state <> 'done' OFFSET 0)
)
SELECT w.id, w.response_ids, l.payload, l.shown
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
_END = """
SELECT max(id) FROM (SELECT id FROM annotate_label WHERE queue_id = %s AND id > %s AND id <= %s
                     ORDER BY id LIMIT %s) AS page
"""
_NEWEST = """
SELECT coalesce(min(id), 1) - 1, coalesce(max(id), 0)
FROM (SELECT id FROM annotate_label WHERE queue_id = %s AND id > %s ORDER BY id DESC LIMIT %s) AS page
"""

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
    """Look at what was labelled since the last time, in all queues with the rule: for the worker's sweep."""
    adaptive = Queue.objects.filter(rules__most_labels__gt=0).exclude(state=Queue.State.CLOSED)
    for work in adaptive.order_by("pk"):
        adapt(work)


def adapt(work: Queue) -> int:
    """Publish the further places that a queue's new labels ask for; returns how many.

    Every label is looked at once, in short transactions; where somebody else is at it, nothing is done.
    """
    horizon, added = horizons.of_labels(work), 0
    while (some := _some(work, horizon)) is not None:
        added += some
    return added


def adapt_now(work: Queue) -> int:
    """The same of the newest labels alone and without waiting: for somebody who finds the queue empty.

    What it looks at is looked at again by the sweep, because labels that are being stored may come in below.
    """
    with transaction.atomic():
        locked = _locked(work)
        if locked is None:
            return 0
        after, end = _row(_NEWEST, locked.pk, locked.adapted_to, AT_ONCE)
        return _publish(locked, after, end)


def begin_anew(work: Queue) -> None:
    """Look at all labels once more: what is asked of them has changed. What was published stays."""
    Queue.objects.filter(pk=work.pk).update(adapted_to=0)


def _some(work: Queue, horizon: int) -> int | None:
    """The places added for the next labels; None where there are no more, or somebody else is at it."""
    with transaction.atomic():
        locked = _locked(work)
        if locked is None:
            return None
        (end,) = _row(_END, locked.pk, locked.adapted_to, horizon, AT_ONCE)
        if end is None:
            return None
        added = _publish(locked, locked.adapted_to, end)
        Queue.objects.filter(pk=work.pk).update(adapted_to=end)
    return added


def _locked(work: Queue) -> Queue | None:
    """The queue as it is now, nobody else publishing for it until the transaction ends; None where there's no rule."""
    found = Queue.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=work.pk).first()
    return found if found is not None and rules.of(found).is_adaptive else None


def _publish(work: Queue, after: int, end: int) -> int:
    """One more place for each task with labels of this stretch that wants one, as far as the budget goes."""
    asked = rules.of(work)
    wanted = [task for task, said in _said(work, after, end) if wants_more(work.way, said, asked)]
    if asked.extra_budget is not None:
        wanted = wanted[: max(0, asked.extra_budget - work.extra_places)]
    if not wanted:
        return 0
    added = add_places(work, wanted)
    Queue.objects.filter(pk=work.pk).update(extra_places=F("extra_places") + added)
    return added


def _said(work: Queue, after: int, end: int) -> list[tuple[int, list[Payload]]]:
    """By task, the answers that count, under common letters."""
    with connection.cursor() as cursor:
        cursor.execute(_SAID, {"queue": work.pk, "after": after, "end": end})
        rows = cursor.fetchall()
    return [(task, [_payload(work.way, row) for row in some]) for task, some in groupby(rows, key=itemgetter(0))]


def _payload(kind: Kind, row: Any) -> Payload:
    _task, responses, payload, shown = row
    return kinds.renamed(kind, msgspec.json.decode(payload, type=dict[str, Any]), shown, responses)


def _row(sql: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()


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

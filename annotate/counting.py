"""What is in a queue: each number, and the rows behind it. Both are here, so a count and its list can't differ.

A queue may hold a million tasks: the numbers come in one statement whose parts read indexes, not tables.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Exists, Max, OuterRef, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from annotate.models import Assignment, Exit, Label, OutsideAnnotator, Queue, RefusedRow, Seat, Task

#: People outside who are listed to choose from: files may name thousands.
MOST_OUTSIDE = 200


@dataclass(frozen=True, slots=True)
class Counts:
    """Tasks by what is the matter with them, places by state, and the rest of a queue.

    `held` places belong to flagged and closed tasks; a check that is `flagged` is still at work. A place is done when
    it has its label, so `done` is counted from the labels: there are no others but amendments, and an amendment takes
    the place of a label. `outside` labels came with files, each in a place of its own: the progress of a queue's own
    people is told without them. So is it without `checks`, tasks whose answer is known or that are asked again:
    `checked` labels, `checking` places in hand.
    """

    tasks: int = 0
    flagged: int = 0
    closed: int = 0
    open: int = 0
    leased: int = 0
    held: int = 0
    given: int = 0
    amended: int = 0
    outside: int = 0
    people: int = 0
    refused: int = 0
    checks: int = 0
    checked: int = 0
    checking: int = 0

    @property
    def labels(self) -> int:
        return self.given - self.amended

    @property
    def done(self) -> int:
        return self.labels

    @property
    def answered(self) -> int:
        """Places done by the queue's own people, checks left out."""
        return self.labels - self.outside - self.checked

    @property
    def places(self) -> int:
        """Places for the queue's own people that are done or can be: those held back and checks are left out."""
        return self.open + self.leased - self.checking + self.answered

    @property
    def percent(self) -> int:
        """Rounded down: 100 only when all is done."""
        return 100 * self.answered // self.places if self.places else 0


# Numbers by name. Each is counted for one queue by its id: grouping all queues' rows would cost three times as much.
_NUMBERS = {
    "tasks": "annotate_task WHERE queue_id = %(queue)s",
    "flagged": """(SELECT id FROM annotate_task WHERE queue_id = %(queue)s AND state = 'flagged'
                   UNION SELECT task_id FROM annotate_exit
                   WHERE queue_id = %(queue)s AND way = 'flag' AND resolved_at IS NULL) flagged""",
    "closed": "annotate_task WHERE queue_id = %(queue)s AND state = 'closed'",
    "open": "annotate_assignment WHERE queue_id = %(queue)s AND state = 'open'",
    "leased": "annotate_assignment WHERE queue_id = %(queue)s AND state = 'leased'",
    "held": """annotate_task t JOIN annotate_assignment a ON a.task_id = t.id
               WHERE t.queue_id = %(queue)s AND t.state <> 'ready' AND a.state = 'held'""",
    "given": "annotate_label WHERE queue_id = %(queue)s",
    "amended": "annotate_label WHERE queue_id = %(queue)s AND supersedes_id IS NOT NULL",
    "people": "annotate_seat WHERE queue_id = %(queue)s",
    "refused": "annotate_refusedrow r JOIN annotate_import i ON i.id = r.job_id WHERE i.queue_id = %(queue)s",
    "checks": "annotate_task WHERE queue_id = %(queue)s AND role <> 'work'",
    "checked": """annotate_task t JOIN annotate_label l ON l.task_id = t.id AND l.supersedes_id IS NULL
                  WHERE t.queue_id = %(queue)s AND t.role <> 'work'
                    AND NOT EXISTS (SELECT FROM annotate_outsideannotator o WHERE o.user_id = l.annotator_id)""",
    "checking": """annotate_assignment a JOIN annotate_task t ON t.id = a.task_id
                   WHERE a.queue_id = %(queue)s AND a.state = 'leased' AND t.role <> 'work'""",
}
# Imports count their labels in the transaction that stores them: to count them again would read all labels' people.
_OUTSIDE = "(SELECT coalesce(sum(labels_added), 0) FROM annotate_import WHERE queue_id = %(queue)s)"
_COUNTS = "SELECT " + ", ".join([*(f"(SELECT count(*) FROM {rows})" for rows in _NUMBERS.values()), _OUTSIDE])  # noqa: S608


def of_queue(queue: Queue) -> Counts:
    """The numbers of one queue, in one statement: 0.4 s with 3,000,000 places."""
    (numbers,) = _rows(_COUNTS, queue=queue.pk)
    return Counts(**dict(zip([*_NUMBERS, "outside"], map(int, numbers), strict=True)))


# --- The rows behind the numbers -----------------------------------------------------------------------------------

#: What a list of tasks can be narrowed to.
TASK_STATES = {
    "all": _("all"),
    "open": _("open"),
    "in-hand": _("in hand"),
    "done": _("done"),
    "flagged": _("flagged"),
    "closed": _("closed"),
    "checks": _("checks"),
}


def tasks(queue: Queue, state: str = "all") -> QuerySet[Task]:
    """A queue's tasks: `all`; with an `open` place; `in-hand`; `done` (labelled, nothing left); `flagged`; `closed`;
    and `checks`, which are no work: their answer is known, or they are asked again.
    """
    found = Task.objects.filter(queue=queue)
    if state == "checks":
        return found.exclude(role=Task.Role.WORK)
    if state == Task.State.FLAGGED:
        flags = Exit.objects.filter(queue=queue, way=Exit.Way.FLAG, resolved_at=None)
        return found.filter(pk__in=found.filter(state=state).values("pk").union(flags.values("task")))
    if state == Task.State.CLOSED:
        return found.filter(state=state)
    if state == "open":
        return found.filter(_has_place(Assignment.State.OPEN), state=Task.State.READY)
    if state == "in-hand":
        return found.filter(pk__in=places(queue, Assignment.State.LEASED).values("task"))
    if state == "done":
        labelled = Exists(Label.objects.filter(task=OuterRef("pk")))
        left = _has_place(Assignment.State.OPEN, Assignment.State.LEASED)
        return found.filter(labelled, ~left, state=Task.State.READY)
    return found


def _has_place(*states: str) -> Exists:
    return Exists(Assignment.objects.filter(task=OuterRef("pk"), state__in=states))


def places(queue: Queue, state: str) -> QuerySet[Assignment]:
    return Assignment.objects.filter(queue=queue, state=state)


def labels(queue: Queue, since: datetime | None = None) -> QuerySet[Label]:
    """The labels that stand: where one was amended, the amendment."""
    found = Label.objects.live().filter(queue=queue)
    return found.filter(created_at__gte=since) if since else found


def seats(queue: Queue) -> QuerySet[Seat]:
    """Everybody who was assigned to the queue or asked for work in it."""
    return Seat.objects.filter(queue=queue)


def people(queue: Queue) -> list[int]:
    """The user ids of all whose labels may be here: who has a seat, and people outside whose labels came with files."""
    seated = seats(queue).values_list("user", flat=True)
    outside = OutsideAnnotator.objects.filter(project=queue.project_id).values_list("user", flat=True)[:MOST_OUTSIDE]
    return [*seated, *outside]


def refused(queue: Queue) -> QuerySet[RefusedRow]:
    return RefusedRow.objects.filter(job__queue=queue)


def with_flags(tasks: Iterable[Task]) -> list[tuple[Task, list[Exit]]]:
    """Flagged tasks, each with its flags that nobody has settled."""
    found = list(tasks)
    flags: dict[int, list[Exit]] = {task.pk: [] for task in found}
    for flag in Exit.objects.filter(task__in=found, way=Exit.Way.FLAG, resolved_at=None).order_by("pk"):
        flags[flag.task_id].append(flag)
    return [(task, flags[task.pk]) for task in found]


#: What is told only roughly is at least so many.
STEPS = (0, 1, 10, 50)


def roughly(number: int) -> int:
    """The highest of `STEPS` that a number comes up to: where the exact one would tell what is not to be known."""
    return max(step for step in STEPS if step <= number)


# --- How it goes ---------------------------------------------------------------------------------------------------


def midnight() -> datetime:
    """When today began, where this site is."""
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


# Walks back from the newest label to the first of the day before: it costs what today brought, not what there is.
_SINCE = """
SELECT count(*) FROM annotate_label l
WHERE l.queue_id = %(queue)s AND l.created_at >= %(since)s
  AND l.id > coalesce((SELECT o.id FROM annotate_label o WHERE o.queue_id = %(queue)s AND o.created_at < %(since)s
                       ORDER BY o.id DESC LIMIT 1), 0)
  AND NOT EXISTS (SELECT FROM annotate_label newer WHERE newer.supersedes_id = l.id)
"""


def labels_since(queue: Queue, since: datetime) -> int:
    """How many labels that stand were given since then."""
    ((number,),) = _rows(_SINCE, queue=queue.pk, since=since)
    return int(number)


def active_seconds(queue: Queue) -> float:
    """How long people have worked on this queue's labels, all together."""
    return float(seats(queue).aggregate(seconds=Sum("active_seconds", default=0.0))["seconds"])


def last_labels(queues: Iterable[Queue]) -> dict[int, datetime]:
    """When each queue got its last label, by queue id; queues without labels are left out."""
    sql = """SELECT q.id, l.created_at FROM annotate_queue q CROSS JOIN LATERAL
             (SELECT created_at FROM annotate_label WHERE queue_id = q.id ORDER BY id DESC LIMIT 1) l
             WHERE q.id = ANY(%(queues)s)"""
    return dict(_rows(sql, queues=[one.pk for one in queues]))


def last_labels_of_people(queue: Queue) -> dict[int, datetime]:
    """When each person gave their last label here, by user id. One pass over the queue's labels."""
    found = Label.objects.filter(queue=queue).order_by().values("annotator")
    return dict(found.annotate(last=Max("created_at")).values_list("annotator", "last"))


def _rows(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found

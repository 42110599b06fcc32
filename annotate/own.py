"""A person's own work: what they did, how long it took, what waits for them. Nothing here tells of anybody else."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Greatest, TruncDate
from django.utils import timezone

from annotate import counting
from annotate.models import Label, Project, Queue, Seat, User
from annotate.models.rows import LEFT_FOR_LATER, NOT_MINE
from annotate.quality import rules

DAYS = 7
#: More waiting tasks than this are not counted: "50 or more" says all that matters.
ENOUGH = 50


@dataclass(frozen=True, slots=True)
class Day:
    """Labels first given on one day, and the active time of all work on it, in seconds."""

    date: date
    labels: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a queue has for a person: tasks they could take (`more`: at least so many), tasks in hand, drafts of
    tasks not in hand, and skipped tasks that come back.
    """

    open: int = 0
    more: bool = False
    held: int = 0
    drafts: int = 0
    skipped: int = 0


def labels(user: User) -> QuerySet[Label]:
    """The person's labels in the projects they see, with `guideline_version` and `superseded`; no fixes of others'."""
    found = Label.objects.filter(annotator=user, fixes=None, queue__project__in=Project.objects.seen_by(user))
    newer = Exists(Label.objects.filter(supersedes=OuterRef("pk")))
    return found.annotate(guideline_version=F("guideline__version"), superseded=newer)


def on_day(found: QuerySet[Label], day: date, zone: ZoneInfo) -> QuerySet[Label]:
    """Those handed in on a day as it is in `zone`."""
    return found.filter(created_at__gte=_midnight(day, zone), created_at__lt=_midnight(day + timedelta(1), zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


# An amendment's time includes that of the label it supersedes.
_SPENT = Greatest(F("active_seconds") - Coalesce(F("supersedes__active_seconds"), 0.0), 0.0)


def week(user: User, zone: ZoneInfo) -> list[Day]:
    """The last seven days as they are in `zone`, today last. An amendment adds its time, and is no further label."""
    today = timezone.localdate(timezone=zone)
    first = today - timedelta(DAYS - 1)
    since = _midnight(first, zone)
    # Goes back from the newest label, so it costs what the week brought and not what there is.
    before = Label.objects.filter(annotator=user, created_at__lt=since).order_by("-pk").values_list("pk", flat=True)
    found = labels(user).filter(pk__gt=before.first() or 0, created_at__gte=since)
    days = found.order_by().annotate(day=TruncDate("created_at", tzinfo=zone)).values("day")
    counted = days.annotate(given=Count("pk", filter=Q(supersedes=None)), seconds=Sum(_SPENT))
    by_day = {day: Day(day, given, seconds) for day, given, seconds in counted.values_list("day", "given", "seconds")}
    every = (first + timedelta(n) for n in range(DAYS))
    return [by_day.get(day, Day(day)) for day in every]


def seats(user: User) -> QuerySet[Seat]:
    """Where the person has worked: the queues with what they did there, in projects they see."""
    found = Seat.objects.filter(user=user, done__gt=0, queue__project__in=Project.objects.seen_by(user))
    return found.select_related("queue__project").order_by("queue__project__name", "queue__name")


# Open places are looked at 300 ahead of the person's cursor and 300 behind it: however long the queue and however
# much they have done, it costs the same.
_NEAR = f"""
SELECT count(DISTINCT a.task_id) FILTER (WHERE {NOT_MINE}) AS n, count(*) AS looked
FROM (SELECT a.task_id FROM annotate_assignment a
      WHERE a.queue_id = q.id AND a.state = 'open'
        AND (a.position, a.id) {{side}} (coalesce(s.cursor_position, -1), coalesce(s.cursor_id, 0))
      ORDER BY a.position, a.id LIMIT 300) a
"""  # noqa: S608  # put together from our own words

_WAITING = f"""
SELECT q.id,
    CASE WHEN q.state = 'open' AND coalesce(s.state, 'active') = 'active' THEN ahead.n + behind.n ELSE 0 END,
    ahead.looked = 300 OR behind.looked = 300,
    (SELECT count(*) FROM annotate_assignment a
     WHERE a.annotator_id = %(user)s AND a.queue_id = q.id AND a.state = 'leased'),
    (SELECT count(*) FROM annotate_draft a JOIN annotate_task t ON t.id = a.task_id
     WHERE a.annotator_id = %(user)s AND t.queue_id = q.id AND t.state = 'ready' AND {NOT_MINE}),
    (SELECT count(DISTINCT a.task_id) FROM annotate_exit a JOIN annotate_task t ON t.id = a.task_id
     WHERE a.annotator_id = %(user)s AND a.queue_id = q.id AND a.way = 'skip' AND t.state = 'ready' AND {NOT_MINE}
       AND EXISTS (SELECT FROM annotate_assignment a WHERE a.task_id = t.id AND (a.state = 'open' OR {LEFT_FOR_LATER})))
FROM annotate_queue q
LEFT JOIN annotate_seat s ON s.queue_id = q.id AND s.user_id = %(user)s
CROSS JOIN LATERAL ({_NEAR.format(side=">")}) ahead
CROSS JOIN LATERAL ({_NEAR.format(side="<=")}) behind
WHERE q.id = ANY(%(queues)s)
"""  # noqa: S608  # put together from our own words


def waiting(user: User, queues: Iterable[Queue]) -> dict[int, Waiting]:
    """What waits for the person, by queue id. Where checks come among the work it is told roughly, because an exact
    number would tell a check: it does not grow less by one.
    """
    by_id = {one.pk: one for one in queues}
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"user": user.pk, "queues": [*by_id]})
        rows = cursor.fetchall()
    rough = {pk for pk, one in by_id.items() if one.rules and rules.of(one).mixes_checks}
    return {pk: Waiting(*_told(n, more, pk in rough), *others) for pk, n, more, *others in rows}


def _told(n: int, more: bool, roughly: bool) -> tuple[int, bool]:
    """How many wait, and whether there are more than that."""
    if roughly:
        return counting.roughly(n), n > 0
    return min(n, ENOUGH), n > ENOUGH or (more and n > 0)

"""Whose turn it is: claiming, renewing and giving back places; opening, pausing and resizing queues.

Only PostgreSQL's clock decides leases. The seat is locked before anything else of its owner's, and places are
only ever taken with SKIP LOCKED, so nobody waits for anybody but themselves.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from annotate import adapting
from annotate.checking import mixing
from annotate.models import Assignment, Queue, Seat, Task, User
from annotate.models.queues import BEFORE
from annotate.models.rows import NOT_MINE, columns, first_row, instance
from annotate.places import FURTHER_ON

#: How many places one person may hold in one queue: the task before them, and one ahead that their screen prepares.
MOST_HELD = 2

# One statement. The branches are read lazily, in order, until one gives a row: a place whose lease has run out; the
# next one that was brought forward; the next open place after the seat's cursor; at the end of the queue, one that was
# passed over earlier. Whoever is past all that was brought forward does not look through it again.
LAST_FORWARD = """(
    SELECT max(position) FROM annotate_assignment WHERE queue_id = %(queue)s AND state = 'open' AND position < 0
)"""
_CLAIM = f"""
WITH expired AS (
    SELECT a.id FROM annotate_assignment a
    WHERE a.queue_id = %(queue)s AND a.state = 'leased' AND a.lease_until < now() AND {NOT_MINE}
      AND (SELECT t.state = 'ready' AND t.role = 'work' FROM annotate_task t WHERE t.id = a.task_id)
    ORDER BY a.lease_until LIMIT 1 FOR UPDATE OF a SKIP LOCKED
), forward AS (
    SELECT a.id FROM annotate_assignment a
    WHERE a.queue_id = %(queue)s AND a.state = 'open' AND a.position > %(forward)s AND a.position < 0 AND {NOT_MINE}
    ORDER BY a.position, a.id LIMIT 1 FOR UPDATE OF a SKIP LOCKED
), ahead AS (
    SELECT a.id FROM annotate_assignment a
    WHERE a.queue_id = %(queue)s AND a.state = 'open'
      AND (a.position, a.id) > (%(position)s, %(id)s) AND {NOT_MINE}
    ORDER BY a.position, a.id LIMIT 1 FOR UPDATE OF a SKIP LOCKED
), behind AS (
    SELECT a.id FROM annotate_assignment a
    WHERE a.queue_id = %(queue)s AND a.state = 'open'
      AND (a.position, a.id) <= (%(position)s, %(id)s) AND {NOT_MINE}
    ORDER BY a.position, a.id LIMIT 1 FOR UPDATE OF a SKIP LOCKED
), found AS (
    SELECT id, 'expired' AS way FROM expired
    UNION ALL SELECT id, 'forward' FROM forward
    UNION ALL SELECT id, 'ahead' FROM ahead
    UNION ALL SELECT id, 'ahead' FROM behind
    LIMIT 1
), place AS (
    UPDATE annotate_assignment a
    SET state = 'leased', annotator_id = %(user)s, fence = a.fence + 1,
        holders = array_append(a.holders, %(user)s), leased_at = now(),
        lease_until = now() + make_interval(secs => %(lease)s)
    FROM found WHERE a.id = found.id
    RETURNING a.id, a.position, found.way
), moved AS (
    UPDATE annotate_seat s SET cursor_position = place.position, cursor_id = place.id,
        forward_position = greatest(forward_position, {LAST_FORWARD})
    FROM place WHERE s.id = %(seat)s AND place.way = 'ahead'
), moved_forward AS (
    UPDATE annotate_seat s SET forward_position = place.position
    FROM place WHERE s.id = %(seat)s AND place.way = 'forward'
)
SELECT id FROM place
"""  # noqa: S608  # put together from our own words

#: Of a queue `q`: what may have changed while somebody waited for their seat, as `up_to_date` takes it. A statement
#: that begins with the seat locked reads it; one that waits for a lock sees the rest as of before.
CHANGEABLE = "q.state, q.assigned_only, q.confirm_guidelines, q.rules"

_RENEW = f"""
WITH renewed AS (
    UPDATE annotate_assignment SET lease_until = now() + make_interval(secs => %(lease)s)
    WHERE annotator_id = %(user)s AND queue_id = %(queue)s AND state = 'leased' RETURNING leased_at, id
)
SELECT ARRAY(SELECT id FROM renewed ORDER BY leased_at, id), {CHANGEABLE} FROM annotate_queue q WHERE q.id = %(queue)s
"""  # noqa: S608  # put together from our own words

# Ahead of the foremost seat, so that everybody meets it again, but not at once. The place of a check was made for one
# person: it is put away, and comes again there to them alone.
_FREE = """
WITH front AS (SELECT greatest(-1, max(cursor_position)) AS position FROM annotate_seat WHERE queue_id = %(queue)s)
UPDATE annotate_assignment
SET state = (SELECT CASE WHEN t.state = 'ready' AND t.role = 'work' THEN 'open' ELSE 'held' END
             FROM annotate_task t WHERE t.id = task_id),
    annotator_id = NULL, lease_until = NULL, position = coalesce(
    (SELECT a.position FROM annotate_assignment a, front
     WHERE a.queue_id = %(queue)s AND a.state = 'open' AND a.position > front.position
     ORDER BY a.position, a.id OFFSET %(further_on)s LIMIT 1),
    (SELECT greatest(front.position, (SELECT max(a.position) FROM annotate_assignment a
                                      WHERE a.queue_id = %(queue)s AND a.state = 'open')) + 1 FROM front))
WHERE id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Nothing:
    """Why there is no task for this person now."""

    reason: str
    message: Any


EMPTY = Nothing("empty", _("Nothing is left for you here. New tasks appear when more are imported or given back."))
PAUSED = Nothing("paused", _("This queue is paused. Come back later; your work so far is kept."))
CLOSED = Nothing("closed", _("This queue is closed. Thank you: all your labels are kept."))
SEAT_PAUSED = Nothing("seat_paused", _("Your work in this queue is paused."))
UNREAD = Nothing("guidelines_unread", _("Read the guidelines first: there is a version you have not read."))
ENOUGH = Nothing("enough", _("You hold as many tasks as one may. Hand one of them in first."))
NOT_YOURS = Nothing("not_yours", _("This queue is kept for people assigned to it."))


def lock_seat(user: User, queue: Queue) -> Seat:
    """The user's seat in the queue, locked until the transaction ends; made if there was none."""
    seat = find_seat(user, queue)
    if seat is None:
        Seat.objects.bulk_create([Seat(queue=queue, user=user)], ignore_conflicts=True)
        seat = find_seat(user, queue)
    assert seat is not None
    return seat


_SEAT = f"""
SELECT {columns(Seat, "s")} FROM annotate_seat s WHERE queue_id = %(queue)s AND user_id = %(user)s FOR UPDATE
"""  # noqa: S608  # put together from our own columns


def find_seat(user: User, queue: Queue) -> Seat | None:
    """As `lock_seat`, but None for somebody who never asked for work here."""
    row = first_row(_SEAT, {"queue": queue.pk, "user": user.pk})
    return instance(Seat, iter(row)) if row else None


def lock_seats(queue: Queue) -> None:
    """Lock all seats of a queue until the transaction ends, for what changes places or tasks of many people.

    First of all, as everybody has their own locked first; and by user, as reviews lock those of several.
    """
    list(Seat.objects.filter(queue=queue).order_by("user").select_for_update(no_key=True).values_list("pk"))


def note_rejection(queue: Queue) -> None:
    """Let exports ask each label for its review from now on: one is about to be rejected.

    After the seats and before labels and tasks, as all else locks the queue's row; and only the first time.
    """
    Queue.objects.filter(pk=queue.pk, has_rejected=False).update(has_rejected=True)


def claim(user: User, queue: Queue, having: Collection[int] = ()) -> int | Nothing:
    """Give `user` a task: one they hold, else the next one for them.

    Returns the id of the leased assignment, or why there is none. Asking twice gives the same one, its lease
    renewed. `having`: ids of held places that whoever asks has got already, and wants one more beside.
    """
    with transaction.atomic():
        seat = lock_seat(user, queue)
        return one_of(in_hand(seat, queue), seat, queue, having)


def one_of(held: Sequence[int], seat: Seat, queue: Queue, having: Collection[int] = ()) -> int | Nothing:
    """The first of the held places that is not in `having`, else a new one if the owner may hold one more."""
    for place in held:
        if place not in having:
            return place
    return next_place(seat, queue) if len(held) < MOST_HELD else ENOUGH


def in_hand(seat: Seat, queue: Queue) -> list[int]:
    """The places the seat's owner holds, first given first, their leases renewed; theirs until given to another.

    The seat is locked, and `queue` is brought up to date.
    """
    values = {"user": seat.user_id, "queue": queue.pk, "lease": queue.lease_seconds}
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, values)
        held, *now = cursor.fetchone()
    up_to_date(queue, *now)
    return [] if queue.state == Queue.State.CLOSED else held


def up_to_date(queue: Queue, state: str, assigned_only: bool, confirm_guidelines: bool, said: str) -> None:
    """Set what `CHANGEABLE` read: the queue was loaded before the seat was locked, and somebody may have closed it."""
    queue.state, queue.rules = state, json.loads(said)
    queue.assigned_only, queue.confirm_guidelines = assigned_only, confirm_guidelines


def next_place(seat: Seat, queue: Queue) -> int | Nothing:
    """Lease the next place to the owner of a locked seat; the queue is up to date."""
    if why := _why_not(seat, queue):
        return why
    if queue.rules and (check := mixing.next_check(seat, queue)) is not None:
        return check
    if queue.rules and mixing.must_qualify(seat, queue):
        return SEAT_PAUSED if seat.state == Seat.State.PAUSED else EMPTY
    place = _next_of_work(seat, queue)
    if place is None:
        place = _where_empty(seat, queue)
    return EMPTY if place is None else place


def _where_empty(seat: Seat, queue: Queue) -> int | None:
    """Work that has just been asked for; in a queue without rules, a check left for later when it had some."""
    if not queue.rules:
        return mixing.come_again(seat, queue)
    return _next_of_work(seat, queue) if adapting.adapt_now(queue) else None


def _next_of_work(seat: Seat, queue: Queue) -> int | None:
    values = {
        "queue": queue.pk,
        "user": seat.user_id,
        "seat": seat.pk,
        "position": seat.cursor_position,
        "id": seat.cursor_id,
        "forward": seat.forward_position,
        "lease": queue.lease_seconds,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        row = cursor.fetchone()
    return row[0] if row else None


def _why_not(seat: Seat, queue: Queue) -> Nothing | None:
    """What keeps the seat's owner from work; None where nothing does."""
    if queue.state == Queue.State.PAUSED:
        return PAUSED
    if queue.state == Queue.State.CLOSED:
        return CLOSED
    if seat.state == Seat.State.PAUSED:
        return SEAT_PAUSED
    if queue.confirm_guidelines and _has_unread(seat, queue):
        return UNREAD
    return NOT_YOURS if queue.assigned_only and not seat.assigned else None


def _has_unread(seat: Seat, queue: Queue) -> bool:
    """Whether the guidelines in force are not those the seat's owner last said to have read."""
    now = queue.guideline()
    return now is not None and now.pk != seat.read_guideline_id


def free(assignment: Assignment) -> None:
    """Take a place from whoever holds it and offer it again a little further on; hold it back if its task is out."""
    values = {"id": assignment.pk, "queue": assignment.queue_id, "further_on": FURTHER_ON}
    with connection.cursor() as cursor:
        cursor.execute(_FREE, values)


def hold_back(assignment: Assignment) -> None:
    """Take a flagged task out of the queue. Who holds another place of it may finish.

    A check goes on for everybody else: nobody is to get rid of it for all by a flag. A manager sees the flag alike.
    """
    Task.objects.filter(pk=assignment.task_id, role=Task.Role.WORK).update(state=Task.State.FLAGGED)
    free(assignment)
    opened = Assignment.objects.filter(task=assignment.task_id, state=Assignment.State.OPEN)
    opened.update(state=Assignment.State.HELD)


def settle(task: Task, state: Task.State) -> None:
    """Put a task that was taken out back to work (READY), or leave it out for good (CLOSED)."""
    lock_seats(task.queue)
    Task.objects.filter(pk=task.pk).update(state=state)
    places = Assignment.objects.filter(task=task)
    if state == Task.State.READY:
        if task.role == Task.Role.WORK:
            places.filter(state=Assignment.State.HELD).update(state=Assignment.State.OPEN)
            rewind(task.queue)
    else:
        places.filter(state=Assignment.State.OPEN).update(state=Assignment.State.HELD)


def rewind(queue: Queue) -> None:
    """Let every seat look from the start again: places have appeared behind their cursors."""
    lock_seats(queue)
    Seat.objects.filter(queue=queue).update(cursor_position=BEFORE, cursor_id=0)


_NOBODY = {"annotator": None, "lease_until": None}


def change_state(queue: Queue, state: str) -> None:
    """Open, pause or close. Closing gives tasks in hand back; drafts and labels stay in every case."""
    with transaction.atomic():
        lock_seats(queue)
        Queue.objects.filter(pk=queue.pk).update(state=state)
        queue.state = state
        if state == Queue.State.CLOSED:
            leased = Assignment.objects.filter(queue=queue).leased()
            offered = leased.filter(task__state=Task.State.READY, task__role=Task.Role.WORK)
            offered.update(state=Assignment.State.OPEN, **_NOBODY)
            leased.update(state=Assignment.State.HELD, **_NOBODY)
            rewind(queue)


# Places with a label that came with a file, by task: they are beside those that the queue asks for.
_OUTSIDE = """
outside AS (
    SELECT a.task_id, count(*) AS n FROM annotate_assignment a
    JOIN annotate_outsideannotator o ON o.user_id = a.annotator_id WHERE a.queue_id = %(queue)s GROUP BY a.task_id
)
"""

_MORE_PLACES = f"""
WITH {_OUTSIDE}, wanted AS (
    SELECT t.id, %(overlap)s + coalesce(o.n, 0) AS places
    FROM annotate_task t LEFT JOIN outside o ON o.task_id = t.id WHERE t.queue_id = %(queue)s AND t.role = 'work'
), grown AS (
    UPDATE annotate_task t SET places = w.places FROM wanted w WHERE t.id = w.id AND t.places < w.places
    RETURNING t.id, t.position, t.state, t.places
)
INSERT INTO annotate_assignment (task_id, queue_id, slot, position, state)
SELECT g.id, %(queue)s, fresh.slot, g.position, CASE g.state WHEN 'ready' THEN 'open' ELSE 'held' END
FROM grown g
CROSS JOIN LATERAL (SELECT count(*) AS n, coalesce(max(slot), 0) AS top
                    FROM annotate_assignment a WHERE a.task_id = g.id) there
CROSS JOIN LATERAL generate_series(there.top + 1, there.top + g.places - there.n) AS fresh(slot)
"""  # noqa: S608  # put together from our own words

# Of what nobody has taken, as many as the new overlap doesn't ask for; a label that was rejected still gets its
# replacement. One more place stays where it was published as annotators disagreed, and they still do (`split`).
_FEWER_PLACES = """
WITH rejected AS (
    SELECT l.assignment_id FROM annotate_label l
    JOIN annotate_review v ON v.label_id = l.id AND v.verdict = 'reject' AND NOT v.trial
    WHERE l.queue_id = %(queue)s
      AND NOT EXISTS (SELECT FROM annotate_review n WHERE n.label_id = l.id AND n.id > v.id AND NOT n.trial)
      AND NOT EXISTS (SELECT FROM annotate_label n WHERE n.supersedes_id = l.id)
), places AS (
    SELECT a.id, a.task_id, a.slot, a.state IN ('open', 'held') AS is_free,
           a.state IN ('leased', 'done') AND o.user_id IS NULL AS is_taken, r.assignment_id IS NOT NULL AS is_rejected
    FROM annotate_assignment a
    LEFT JOIN annotate_outsideannotator o ON o.user_id = a.annotator_id
    LEFT JOIN rejected r ON r.assignment_id = a.id
    WHERE a.queue_id = %(queue)s
), free AS (
    SELECT id, is_free, count(*) FILTER (WHERE is_free) OVER task AS free,
           count(*) FILTER (WHERE is_taken AND NOT is_rejected) OVER task AS standing,
           row_number() OVER (PARTITION BY task_id, is_free ORDER BY slot DESC) AS nth
    FROM places WINDOW task AS (PARTITION BY task_id)
), gone AS (
    DELETE FROM annotate_assignment a USING free, annotate_task t
    WHERE a.id = free.id AND free.is_free AND t.id = a.task_id AND t.role = 'work' AND a.state IN ('open', 'held')
      AND free.nth <= free.free - greatest(%(overlap)s - free.standing, (t.id = ANY(%(split)s::bigint[]))::int)
    RETURNING a.task_id
)
UPDATE annotate_task t SET places = t.places - n.places
FROM (SELECT task_id, count(*) AS places FROM gone GROUP BY task_id) n WHERE t.id = n.task_id
"""


def change_overlap(queue: Queue, overlap: int) -> None:
    """More labels per task: finished tasks are opened for the missing ones. Fewer: only places nobody has taken go."""
    values: dict[str, Any] = {"queue": queue.pk, "overlap": overlap}
    with transaction.atomic(), connection.cursor() as cursor:
        lock_seats(queue)
        Queue.objects.filter(pk=queue.pk).update(overlap=overlap)
        if overlap > queue.overlap:
            cursor.execute(_MORE_PLACES, values)
            rewind(queue)
        elif overlap < queue.overlap:
            cursor.execute(_FEWER_PLACES, values | {"split": adapting.still_split(queue)})
    queue.overlap = overlap

"""Handing in: one transaction stores the label, ends the place and its draft, and gives the next task."""

import hashlib
import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from annotate import kinds, queue
from annotate.checking import judging
from annotate.labelling.drafts import write_draft
from annotate.labelling.refusals import AlreadyLabelled, KeyReused, NotTheirs, TooLate
from annotate.models import Assignment, Exit, Queue, Seat, Task, User

#: What a statement is given.
type Values = dict[str, Any]

#: More than this for one task is a tab left open.
MOST_ACTIVE_SECONDS = 6 * 3600


@dataclass(frozen=True, slots=True)
class Answer:
    """What the annotator hands in: a checked payload, the lease it was made under, and the key of this submit."""

    payload: kinds.Payload
    fence: int
    key: uuid.UUID = field(default_factory=uuid.uuid4)
    active_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        return min(max(self.active_seconds, 0.0), MOST_ACTIVE_SECONDS)

    def digest(self, task_id: int) -> bytes:
        """Tells whether a repeated submit is the same submit."""
        body = json.dumps([task_id, self.payload], sort_keys=True)
        return hashlib.sha256(body.encode()).digest()


@dataclass(frozen=True, slots=True)
class Submitted:
    """A stored label, whether it had been stored before, what comes next (if asked), and the labels done here.

    `before`: how many of the places that the page has got they hold, and so do before that next one.
    """

    label_id: int
    replayed: bool = False
    next: int | queue.Nothing | None = None
    done: int = 0
    before: int = 0


# What became of this place, of this key and of this person's work on the task; read with their seat locked, so that
# nobody makes a check of the task meanwhile.
_HAND_IN = f"""
SELECT a.state = 'leased' AND a.annotator_id = %(user)s AND a.fence = %(fence)s AS in_time,
       coalesce(a.holders[%(fence)s] = %(user)s, false) AS was_theirs,
       same.id AS same_id, same.body_digest, mine.id AS mine_id,
       (SELECT t.role FROM annotate_task t WHERE t.id = a.task_id) AS role,
       ARRAY(SELECT o.id FROM annotate_assignment o
             WHERE o.annotator_id = %(user)s AND o.queue_id = a.queue_id AND o.state = 'leased' AND o.id <> a.id
             ORDER BY o.leased_at, o.id) AS others,
       {queue.CHANGEABLE}
FROM annotate_assignment a
JOIN annotate_queue q ON q.id = a.queue_id
LEFT JOIN annotate_label same ON same.annotator_id = %(user)s AND same.key = %(key)s
LEFT JOIN annotate_label mine ON mine.annotator_id = %(user)s AND mine.task_id = a.task_id
                              AND mine.supersedes_id IS NULL
WHERE a.id = %(assignment)s
FOR UPDATE OF a
"""  # noqa: S608  # put together from our own words

# The label, the finished place, the seat's count and the draft's end: all or nothing, one round trip. The lease of a
# place held ahead was running unused: it is renewed where little of it is left.
_STORE = """
WITH label AS (
    INSERT INTO annotate_label (assignment_id, task_id, queue_id, annotator_id, payload, shown, fence,
                                active_seconds, guideline_id, key, body_digest)
    SELECT a.id, a.task_id, a.queue_id, %(user)s, %(payload)s::jsonb, %(shown)s::bigint[], %(fence)s, %(seconds)s,
           (SELECT g.id FROM annotate_guideline g
            WHERE g.project_id = %(project)s AND (g.queue_id = a.queue_id OR g.queue_id IS NULL)
              AND g.created_at <= a.leased_at
            ORDER BY g.queue_id NULLS LAST, g.version DESC LIMIT 1),
           %(key)s, %(digest)s
    FROM annotate_assignment a WHERE a.id = %(assignment)s
    RETURNING id
), place AS (
    UPDATE annotate_assignment SET state = 'done' WHERE id = %(assignment)s
), ahead AS (
    UPDATE annotate_assignment SET lease_until = now() + make_interval(secs => %(lease)s)
    WHERE id = ANY(%(others)s) AND annotator_id = %(user)s AND state = 'leased'
      AND lease_until < now() + make_interval(secs => %(lease)s / 2)
), seat AS (
    UPDATE annotate_seat SET done = done + 1, active_seconds = active_seconds + %(seconds)s,
                             to_judge = to_judge OR %(checks)s
    WHERE id = %(seat)s
), draft AS (
    DELETE FROM annotate_draft WHERE task_id = %(task)s AND annotator_id = %(user)s
)
SELECT id FROM label
"""


# A place for an answer whose lease is over: what they hold of the task by now, else the same one if nobody has it, else
# another of the task. The place of a check was put away meanwhile, and is still theirs alone.
_LATE_PLACE = """
UPDATE annotate_assignment
SET state = 'leased', annotator_id = %(user)s, fence = fence + 1, holders = array_append(holders, %(user)s),
    leased_at = now(), lease_until = now()
WHERE id = (SELECT a.id FROM annotate_assignment a
            WHERE a.task_id = %(task)s AND (
                a.state = 'open' OR (a.state = 'leased' AND (a.lease_until < now() OR a.annotator_id = %(user)s))
                OR (a.state = 'held' AND a.id = %(place)s
                    AND (SELECT t.state = 'ready' AND t.role <> 'work' FROM annotate_task t WHERE t.id = a.task_id)))
            ORDER BY a.annotator_id IS NOT DISTINCT FROM %(user)s DESC, a.id = %(place)s DESC, a.slot
            LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, fence
"""


def submit(
    user: User, assignment: Assignment, answer: Answer, claim_next: bool = False, having: Collection[int] = ()
) -> Submitted:
    """Store an answer as a label, finish its place and, if asked, claim the next task: one transaction.

    The same key and answer again give the first label back. An answer whose lease is over is taken if the place
    (or another place of the task) is free, else kept as a draft. `having`: as for `queue.claim`. Raises a `Refused`.
    """
    with transaction.atomic():
        hold = _lock(user, assignment, answer)
        if hold.label_of_key is not None:
            return _replay(hold, assignment, answer, claim_next, having)
        if hold.label_of_task is not None:
            raise AlreadyLabelled(_("You have already labelled this task. Your first answer is kept."))
        place = (assignment.pk, answer.fence) if hold.in_time else _late_place(user, assignment)
        if place is not None:
            label_id = _store(hold, assignment, place, answer)
            if hold.role == Task.Role.SCREEN:
                judging.qualify(hold.seat, assignment.queue)
            return _submitted(label_id, hold, assignment.queue, hold.others, having if claim_next else None)
        write_draft(user, assignment, answer.payload, answer.fence, answer.seconds)
    raise TooLate(_("Your time for this task ran out and somebody else has it now. Your answer is kept as a draft."))


@dataclass(frozen=True, slots=True)
class _Hold:
    seat: Seat
    in_time: bool
    label_of_key: int | None
    digest_of_key: bytes | None
    label_of_task: int | None
    #: what the task is given for
    role: str
    #: what else they hold in this queue, first given first
    others: list[int]


def _lock(user: User, assignment: Assignment, answer: Answer) -> _Hold:
    seat = queue.find_seat(user, assignment.queue)
    if seat is None:
        raise NotTheirs(_("This task was never given to you."))
    values: Values = {"assignment": assignment.pk, "user": user.pk, "key": answer.key, "fence": answer.fence}
    with connection.cursor() as cursor:
        cursor.execute(_HAND_IN, values)
        in_time, was_theirs, same_id, digest, mine_id, role, others, *now = cursor.fetchone()
    queue.up_to_date(assignment.queue, *now)
    if not was_theirs:
        raise NotTheirs(_("This task was never given to you."))
    return _Hold(seat, in_time, same_id, digest and bytes(digest), mine_id, role, others)


def _replay(
    hold: _Hold, assignment: Assignment, answer: Answer, claim_next: bool, having: Collection[int]
) -> Submitted:
    if hold.label_of_key is None or hold.digest_of_key != answer.digest(assignment.task_id):
        raise KeyReused(_("This key was used for another answer. Nothing was changed."))
    held = queue.in_hand(hold.seat, assignment.queue) if claim_next else []
    stored = _submitted(hold.label_of_key, hold, assignment.queue, held, having if claim_next else None)
    return replace(stored, replayed=True)


def _submitted(
    label_id: int, hold: _Hold, work: Queue, held: Sequence[int], having: Collection[int] | None
) -> Submitted:
    """`having`: None where no next task is asked for."""
    if having is None:
        return Submitted(label_id, done=hold.seat.done)
    following = queue.one_of(held, hold.seat, work, having)
    return Submitted(label_id, next=following, done=hold.seat.done, before=sum(place in having for place in held))


def _late_place(user: User, assignment: Assignment) -> tuple[int, int] | None:
    """(id, fence) of a free place of the task, now leased to `user`; None where there is none for them."""
    left = Exit.objects.filter(task=assignment.task_id, annotator=user).exclude(way=Exit.Way.SKIP)
    if assignment.queue.state == Queue.State.CLOSED or left.exists():
        return None
    values = {"user": user.pk, "task": assignment.task_id, "place": assignment.pk}
    with connection.cursor() as cursor:
        cursor.execute(_LATE_PLACE, values)
        row: tuple[int, int] | None = cursor.fetchone()
    return row


def _store(hold: _Hold, assignment: Assignment, place: tuple[int, int], answer: Answer) -> int:
    place_id, fence = place
    seat = hold.seat
    values: Values = {
        "assignment": place_id,
        "fence": fence,
        "task": assignment.task_id,
        "project": assignment.queue.project_id,
        "seat": seat.pk,
        "user": seat.user_id,
        "payload": json.dumps(answer.payload),
        "shown": assignment.shown(answer.fence),
        "seconds": answer.seconds,
        "key": answer.key,
        "digest": answer.digest(assignment.task_id),
        "others": hold.others,
        "lease": assignment.queue.lease_seconds,
        "checks": hold.role != Task.Role.WORK,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STORE, values)
        (label_id,) = cursor.fetchone()
    seat.done += 1
    return int(label_id)

"""What they say: drafts, submitted labels, amendments, and the three ways out of a task."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from annotate import kinds, queue
from annotate.models import Assignment, Draft, Exit, Label, Queue, Seat, Task, User

#: What a statement is given.
type Values = dict[str, Any]

#: More than this for one task is a tab left open.
MOST_ACTIVE_SECONDS = 6 * 3600


class Refused(Exception):
    """An answer that can't be taken. `code` is for programs, the message for people."""

    code = "refused"

    def __init__(self, message: Any) -> None:
        super().__init__(str(message))
        self.message = message


class TooLate(Refused):
    """The place went to somebody else meanwhile; the answer was kept as a draft."""

    code = "too_late"


class NotTheirs(Refused):
    """The place was never leased to this person under this fencing number."""

    code = "not_theirs"


class AlreadyLabelled(Refused):
    """This person has labelled this task, under another key."""

    code = "already_labelled"


class KeyReused(Refused):
    """The idempotency key was used before, for another answer."""

    code = "key_reused"


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
    """A stored label, whether it had been stored before, what comes next (if asked), and the labels done here."""

    label_id: int
    replayed: bool = False
    next: int | queue.Nothing | None = None
    done: int = 0


def form_for(
    assignment: Assignment, data: Mapping[str, Any] | None = None, initial: kinds.Payload | None = None
) -> kinds.LabelForm:
    """The form of an assignment's kind, over a page's POST or a flattened JSON payload."""
    form = assignment.queue.way.label_form
    return form(
        data,
        letters=kinds.letters_for(len(assignment.task.response_ids)),
        options=assignment.queue.options,
        initial=form.flatten(initial) if initial else None,
    )


def check(assignment: Assignment, payload: object) -> kinds.Payload:
    """A JSON payload, checked and in its canonical form. Raises ValidationError, by field."""
    form = _form_over(assignment, payload)
    if not form.is_valid():
        raise ValidationError({name: list(messages) for name, messages in form.errors.items()})
    return form.payload()


def check_draft(assignment: Assignment, payload: object) -> kinds.Payload:
    """As much of a JSON payload as is right so far. Raises ValidationError for fields and types that never will be."""
    form = _form_over(assignment, payload)
    form.is_valid()
    return form.payload()


def _form_over(assignment: Assignment, payload: object) -> kinds.LabelForm:
    if not isinstance(payload, dict):
        raise ValidationError({"payload": [_("The payload must be an object.")]})
    form = form_for(assignment, assignment.queue.way.label_form.flatten(payload))
    if unknown := form.unknown_fields():
        raise ValidationError({name: [_("This kind of work has no such field.")] for name in unknown})
    if wrong := kinds.wrong_types(form):
        raise ValidationError(wrong)
    return form


# What became of this place, of this key and of this person's work on the task; read with their seat locked.
_HAND_IN = """
SELECT a.state = 'leased' AND a.annotator_id = %(user)s AND a.fence = %(fence)s AS in_time,
       coalesce(a.holders[%(fence)s] = %(user)s, false) AS was_theirs,
       same.id AS same_id, same.body_digest, mine.id AS mine_id
FROM annotate_assignment a
LEFT JOIN annotate_label same ON same.annotator_id = %(user)s AND same.key = %(key)s
LEFT JOIN annotate_label mine ON mine.annotator_id = %(user)s AND mine.task_id = a.task_id
                              AND mine.supersedes_id IS NULL
WHERE a.id = %(assignment)s
FOR UPDATE OF a
"""

# The label, the finished place, the seat's count and the draft's end: all or nothing, one round trip.
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
), seat AS (
    UPDATE annotate_seat SET done = done + 1, active_seconds = active_seconds + %(seconds)s WHERE id = %(seat)s
), draft AS (
    DELETE FROM annotate_draft WHERE task_id = %(task)s AND annotator_id = %(user)s
)
SELECT id FROM label
"""


# A place for an answer whose lease is over: the same one if nobody has it, else another of the task.
_LATE_PLACE = """
UPDATE annotate_assignment
SET state = 'leased', annotator_id = %(user)s, fence = fence + 1, holders = array_append(holders, %(user)s),
    leased_at = now(), lease_until = now()
WHERE id = (SELECT a.id FROM annotate_assignment a
            WHERE a.task_id = %(task)s AND (a.state = 'open' OR (a.state = 'leased' AND a.lease_until < now()))
            ORDER BY a.id = %(place)s DESC, a.slot LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, fence
"""


def submit(user: User, assignment: Assignment, answer: Answer, claim_next: bool = False) -> Submitted:
    """Store an answer as a label, finish its place and, if asked, claim the next task: one transaction.

    The same key and answer again give the first label back. An answer whose lease is over is taken if the place
    (or another place of the task) is free, else kept as a draft. Raises a `Refused`.
    """
    with transaction.atomic():
        hold = _lock(user, assignment, answer)
        if hold.label_of_key is not None:
            return _replay(hold, assignment, answer, claim_next)
        if hold.label_of_task is not None:
            raise AlreadyLabelled(_("You have already labelled this task. Your first answer is kept."))
        place = (assignment.pk, answer.fence) if hold.in_time else _late_place(user, assignment)
        if place is not None:
            label_id = _store(hold.seat, assignment, place, answer)
            following = _next(hold, assignment.queue) if claim_next else None
            return Submitted(label_id, next=following, done=hold.seat.done)
        _write_draft(user, assignment, answer.payload, answer.fence, answer.seconds)
    raise TooLate(_("Your time for this task ran out and somebody else has it now. Your answer is kept as a draft."))


@dataclass(frozen=True, slots=True)
class _Hold:
    seat: Seat
    in_time: bool
    label_of_key: int | None
    digest_of_key: bytes | None
    label_of_task: int | None


def _lock(user: User, assignment: Assignment, answer: Answer) -> _Hold:
    seat = queue.find_seat(user, assignment.queue)
    if seat is None:
        raise NotTheirs(_("This task was never given to you."))
    values: Values = {"assignment": assignment.pk, "user": user.pk, "key": answer.key, "fence": answer.fence}
    with connection.cursor() as cursor:
        cursor.execute(_HAND_IN, values)
        in_time, was_theirs, same_id, digest, mine_id = cursor.fetchone()
    if not was_theirs:
        raise NotTheirs(_("This task was never given to you."))
    return _Hold(seat, in_time, same_id, digest and bytes(digest), mine_id)


def _replay(hold: _Hold, assignment: Assignment, answer: Answer, claim_next: bool) -> Submitted:
    if hold.label_of_key is None or hold.digest_of_key != answer.digest(assignment.task_id):
        raise KeyReused(_("This key was used for another answer. Nothing was changed."))
    following = _next(hold, assignment.queue) if claim_next else None
    return Submitted(hold.label_of_key, replayed=True, next=following, done=hold.seat.done)


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


def _store(seat: Seat, assignment: Assignment, place: tuple[int, int], answer: Answer) -> int:
    place_id, fence = place
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
    }
    with connection.cursor() as cursor:
        cursor.execute(_STORE, values)
        (label_id,) = cursor.fetchone()
    seat.done += 1
    return int(label_id)


def _next(hold: _Hold, work: Queue) -> int | queue.Nothing:
    # Only who came late or came twice can hold another task already.
    held = None if hold.in_time else queue.in_hand(hold.seat, work)
    return held or queue.next_place(hold.seat, work)


_DRAFT = """
INSERT INTO annotate_draft (task_id, annotator_id, payload, shown, version, active_seconds, updated_at)
VALUES (%(task)s, %(user)s, %(payload)s::jsonb, %(shown)s::bigint[], 1, %(seconds)s, now())
ON CONFLICT (task_id, annotator_id) DO UPDATE SET payload = excluded.payload, shown = excluded.shown,
    active_seconds = excluded.active_seconds, updated_at = now(), version = annotate_draft.version + 1
RETURNING version
"""


def save_draft(user: User, assignment: Assignment, payload: kinds.Payload, fence: int, seconds: float = 0) -> int:
    """Keep an unfinished answer and renew the lease if it is still theirs. Returns the draft's version."""
    with transaction.atomic():
        queue.lock_seat(user, assignment.queue)
        place = Assignment.objects.get(pk=assignment.pk)
        if not was_leased_to(place, user, fence):
            raise NotTheirs(_("This task was never given to you."))
        if Label.objects.filter(task=assignment.task_id, annotator=user).exists():
            raise AlreadyLabelled(_("You have already labelled this task. Your first answer is kept."))
        if is_held(place, user, fence):
            queue.renew(place.pk, assignment.queue)
        return _write_draft(user, assignment, payload, fence, seconds)


def _write_draft(user: User, assignment: Assignment, payload: kinds.Payload, fence: int, seconds: float) -> int:
    values: Values = {
        "task": assignment.task_id,
        "user": user.pk,
        "payload": json.dumps(payload),
        "shown": assignment.shown(fence),
        "seconds": seconds,
    }
    with connection.cursor() as cursor:
        cursor.execute(_DRAFT, values)
        return int(cursor.fetchone()[0])


def draft_of(user: User, assignment: Assignment, fence: int | None = None) -> kinds.Payload | None:
    """The person's draft for the task, its responses named as the lease numbered `fence` (the newest) shows them."""
    draft = Draft.objects.filter(task=assignment.task_id, annotator=user).first()
    if draft is None:
        return None
    return named_as_shown(assignment.queue.way, draft.payload, draft.shown, assignment.shown(fence))


def named_as_shown(kind: kinds.Kind, payload: kinds.Payload, old: list[int], new: list[int]) -> kinds.Payload:
    """A payload made under one shown order, its letters changed to those of another."""
    letters = dict(zip(new, kinds.letters_for(len(new)), strict=True))
    return kind.rename(
        payload, {name: letters[one] for name, one in zip(kinds.letters_for(len(old)), old, strict=True)}
    )


def was_leased_to(assignment: Assignment, user: User, fence: int) -> bool:
    """Whether the place's lease number `fence` was this user's."""
    holders = assignment.holders or []
    return 1 <= fence <= len(holders) and holders[fence - 1] == user.pk


def is_held(assignment: Assignment, user: User, fence: int) -> bool:
    """Whether it still is."""
    leased = assignment.state == Assignment.State.LEASED
    return leased and assignment.annotator_id == user.pk and assignment.fence == fence


def give_back(user: User, assignment: Assignment, fence: int) -> None:
    """Let go of a place: nothing is remembered but the draft. Raises TooLate if it isn't held any more."""
    with transaction.atomic():
        queue.free(_held_place(user, assignment, fence))


def leave(user: User, assignment: Assignment, fence: int, way: Exit.Way, reason: str) -> Exit:
    """Leave a task without a label, and say why. What follows is in `Exit.Way`. Raises TooLate."""
    if not reason.strip():
        raise ValidationError({"reason": [_("Say in a few words why.")]})
    with transaction.atomic():
        place = _held_place(user, assignment, fence)
        gone = Exit.objects.create(
            task_id=place.task_id, queue_id=place.queue_id, annotator=user, way=way, reason=reason.strip()
        )
        if way == Exit.Way.FLAG:
            queue.hold_back(place)
        else:
            queue.free(place)
        return gone


def _held_place(user: User, assignment: Assignment, fence: int) -> Assignment:
    queue.lock_seat(user, assignment.queue)
    place = Assignment.objects.select_for_update().get(pk=assignment.pk)
    if not is_held(place, user, fence):
        raise TooLate(_("You no longer hold this task."))
    return place


def resolve_flag(task: Task, resolver: User, state: Task.State) -> None:
    """End a task's flags: READY puts it back to work as it is, CLOSED keeps it out. Its labels stay."""
    with transaction.atomic():
        Exit.objects.filter(task=task, way=Exit.Way.FLAG, resolved_at=None).update(
            resolved_at=Now(), resolved_by=resolver
        )
        queue.settle(task, state)

"""Unfinished answers. They belong to the person and the task, so they outlive leases; a label ends them."""

import json
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from annotate import kinds, queue
from annotate.labelling.checking import named_as_shown
from annotate.labelling.refusals import AlreadyLabelled, DraftNewer, NotTheirs
from annotate.models import Assignment, Draft, Label, User

# The same payload again is no new version: a save whose answer was lost may be repeated.
_DRAFT = """
INSERT INTO annotate_draft AS d (task_id, annotator_id, payload, shown, version, active_seconds, updated_at)
VALUES (%(task)s, %(user)s, %(payload)s::jsonb, %(shown)s::bigint[], 1, %(seconds)s, now())
ON CONFLICT (task_id, annotator_id) DO UPDATE SET payload = excluded.payload, shown = excluded.shown,
    active_seconds = greatest(d.active_seconds, excluded.active_seconds), updated_at = now(),
    version = d.version + ((d.payload, d.shown) IS DISTINCT FROM (excluded.payload, excluded.shown))::int
WHERE %(base)s::int IS NULL OR d.version <= %(base)s::int
   OR (d.payload, d.shown) = (excluded.payload, excluded.shown)
RETURNING version
"""


def save_draft(
    user: User,
    assignment: Assignment,
    payload: kinds.Payload,
    fence: int,
    seconds: float = 0,
    base: int | None = None,
) -> int:
    """Keep an unfinished answer, and renew the leases of what they hold here. Returns the draft's version.

    `base`: the version that this text was made from, 0 for none; a newer one stored meanwhile is not overwritten.
    None overwrites. Raises DraftNewer, NotTheirs, AlreadyLabelled.
    """
    with transaction.atomic():
        seat = queue.lock_seat(user, assignment.queue)
        place = Assignment.objects.get(pk=assignment.pk)
        if not was_leased_to(place, user, fence):
            raise NotTheirs(_("This task was never given to you."))
        if Label.objects.filter(task=assignment.task_id, annotator=user).exists():
            raise AlreadyLabelled(_("You have already labelled this task. Your first answer is kept."))
        if is_held(place, user, fence):
            queue.in_hand(seat, assignment.queue)
        version = write_draft(user, assignment, payload, fence, seconds, base)
        if version is None:
            raise _newer(user, assignment)
        return version


def write_draft(
    user: User,
    assignment: Assignment,
    payload: kinds.Payload,
    fence: int,
    seconds: float,
    base: int | None = None,
) -> int | None:
    """The stored draft's version; None where one newer than `base` is there already."""
    values: dict[str, Any] = {
        "task": assignment.task_id,
        "user": user.pk,
        "payload": json.dumps(payload),
        "shown": assignment.shown(fence),
        "seconds": seconds,
        "base": base,
    }
    with connection.cursor() as cursor:
        cursor.execute(_DRAFT, values)
        row = cursor.fetchone()
    return row and int(row[0])


def _newer(user: User, assignment: Assignment) -> DraftNewer:
    there = Draft.objects.get(task=assignment.task_id, annotator=user)
    words = _("A newer draft of this task was saved in another tab or on another device.")
    return DraftNewer(words, there.version, there.updated_at)


def draft_of(user: User, assignment: Assignment, fence: int | None = None) -> kinds.Payload | None:
    """The person's draft for the task, its responses named as the lease numbered `fence` (the newest) shows them."""
    draft = Draft.objects.filter(task=assignment.task_id, annotator=user).first()
    if draft is None:
        return None
    return named_as_shown(assignment.queue.way, draft.payload, draft.shown, assignment.shown(fence))


def was_leased_to(assignment: Assignment, user: User, fence: int) -> bool:
    """Whether the place's lease number `fence` was this user's."""
    holders = assignment.holders or []
    return 1 <= fence <= len(holders) and holders[fence - 1] == user.pk


def is_held(assignment: Assignment, user: User, fence: int) -> bool:
    """Whether it still is."""
    leased = assignment.state == Assignment.State.LEASED
    return leased and assignment.annotator_id == user.pk and assignment.fence == fence

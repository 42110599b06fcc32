"""The ways out of a task without a label."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from annotate import queue
from annotate.labelling.drafts import is_held
from annotate.labelling.refusals import TooLate
from annotate.models import Assignment, Exit, Task, User


def give_back(user: User, assignment: Assignment, fence: int) -> None:
    """Let go of a place: nothing is remembered but the draft. Raises TooLate if it isn't held any more."""
    with transaction.atomic():
        queue.free(_held_place(user, assignment, fence))


def give_all_back(user: User, assignment: Assignment, fence: int) -> None:
    """As `give_back`, and what else they hold in the queue with it: they go."""
    with transaction.atomic():
        queue.free(_held_place(user, assignment, fence))
        for other in Assignment.objects.in_hand(user, assignment.queue).select_for_update():
            queue.free(other)


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
    place = Assignment.objects.select_for_update().filter(pk=assignment.pk).first()
    if place is None or not is_held(place, user, fence):
        raise TooLate(_("You no longer hold this task."))
    return place


def resolve_flag(task: Task, resolver: User, state: Task.State) -> None:
    """End a task's flags: READY puts it back to work as it is, CLOSED keeps it out. Its labels stay."""
    with transaction.atomic():
        Exit.objects.filter(task=task, way=Exit.Way.FLAG, resolved_at=None).update(
            resolved_at=Now(), resolved_by=resolver
        )
        queue.settle(task, state)

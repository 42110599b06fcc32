"""Qualification: tasks with known answers that come before real work, and whether they let somebody in."""

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from annotate.checking import pausing
from annotate.models import CheckResult, Label, Queue, Review, Seat, Task
from annotate.quality.rules import Rules


def is_due(seat: Seat, asked: Rules) -> bool:
    """Whether the seat's owner has to qualify first. A queue without such tasks lets everybody in meanwhile."""
    return asked.screen_tasks > 0 and seat.qualified_at is None


def tasks(queue: Queue | int) -> QuerySet[Task]:
    """The queue's qualification tasks."""
    return Task.objects.filter(queue=queue, role=Task.Role.SCREEN, state=Task.State.READY, gold__isnull=False)


def conclude(seat: Seat, asked: Rules) -> None:
    """Once enough were answered, or none is left for them: let the seat's owner in, or pause them.

    Who declines what others answer has not answered it right. Nothing is concluded of somebody who holds one.
    Tasks that they labelled as ordinary work, or reviewed, tell nothing of them: whoever knows them all that way is
    let in.
    """
    if not tasks(seat.queue_id).exists():
        return
    results = CheckResult.objects.filter(seat=seat, role=Task.Role.SCREEN)
    answered, right = results.count(), results.filter(right=True).count()
    wanted = min(asked.screen_tasks, _new_to(seat).count())
    if answered < wanted and _are_left(seat):
        return
    if right >= round(asked.screen_pass * max(wanted, answered), 6):  # 0.55 * 20 is a little more than 11
        Seat.objects.filter(pk=seat.pk).update(qualified_at=Now())
        seat.qualified_at = timezone.now()
    elif seat.state == Seat.State.ACTIVE:
        pausing.by_rule(seat, Task.Role.SCREEN, {"right": right, "wrong": answered - right, "wanted": wanted})


def _new_to(seat: Seat) -> QuerySet[Task]:
    """The qualification tasks that they are judged by: they had neither labelled nor reviewed them before."""
    given = Label.objects.filter(task=OuterRef("pk"), annotator=seat.user_id, supersedes=None)
    seen = Review.objects.filter(label__task=OuterRef("pk"), reviewer=seat.user_id)
    before = Exists(given.filter(created_at__lt=OuterRef("check_since"))) | (Exists(seen) & ~Exists(given))
    return tasks(seat.queue_id).exclude(Q(before))


def _are_left(seat: Seat) -> bool:
    """Whether there are some that they hold, or that they can still be given."""
    met = tasks(seat.queue_id).filter(labels__annotator=seat.user_id) | tasks(seat.queue_id).filter(
        exits__annotator=seat.user_id, exits__way__in=["decline", "flag"]
    )
    return _new_to(seat).exclude(pk__in=met.values("pk")).exists()

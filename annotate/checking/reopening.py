"""Letting others label again what a person has labelled: one act."""

from collections.abc import Iterable
from datetime import datetime
from itertools import batched

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from annotate import counting, places, queue
from annotate.models import Pause, Review, Task, ToReview, User

_LEFT = (Review.Verdict.REJECT, Review.Verdict.ACCEPT)
_NEWEST = Review.objects.filter(label=OuterRef("pk"), trial=False).order_by("-pk").values("verdict")[:1]


def reopen(pause: Pause, user: User, since: datetime | None = None) -> int:
    """Set aside the standing labels of a paused seat (given since then), and let somebody else label their tasks.

    A label is set aside by a review that rejects it, for the reason of the pause, and waits for no reviewer any more.
    What a reviewer accepted or rejected before stays as it is, and so do fixes, which this person wrote as a
    reviewer. Labels of checks are set aside like all others, for what is left out would tell which these are; nobody
    labels them again. Returns how many of the work's labels that was. Done again it finds none. Raises ValidationError
    by field.
    """
    seat = pause.seat
    if seat.user_id == user.pk:
        raise ValidationError({"since": [_("These labels are your own. Somebody else re-opens them.")]})
    if pause.outcome == Pause.Outcome.LIFTED:
        raise ValidationError({"since": [_("This pause was lifted: pause the person first.")]})
    with transaction.atomic():
        queue.lock_seats(seat.queue)  # whose owner amends with it locked, too; and nobody changes the overlap meanwhile
        queue.note_rejection(seat.queue)
        found = counting.labels(seat.queue, since).filter(annotator=seat.user_id, fixes=None)
        standing = found.annotate(said=Subquery(_NEWEST)).filter(Q(said=None) | ~Q(said__in=_LEFT))
        locked = standing.select_for_update(no_key=True, of=["self"])  # the rules send none of them to review meanwhile
        labels = list(locked.order_by("pk").values_list("pk", "task", "task__role"))
        rejected = Review.Verdict.REJECT
        Review.objects.bulk_create(
            [Review(label_id=pk, reviewer=user, verdict=rejected, reason=pause.reason) for pk, _task, _role in labels],
            batch_size=5_000,
        )
        _wait_no_more(pk for pk, _task, _role in labels)
        work = [task for _pk, task, role in labels if role == Task.Role.WORK]
        places.add_places(seat.queue, work)
    return len(work)


def _wait_no_more(labels: Iterable[int]) -> None:
    """Take labels from what reviewers are to see: so many at a time as one statement has room for."""
    for some in batched(labels, 10_000):
        ToReview.objects.filter(label__in=some, review=None).exclude(why=ToReview.Why.KNOWN).delete()

"""Was it good: what a reviewer says of a label. Reviews are only ever added; the newest of a label counts."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from annotate import labelling, queue
from annotate.models import Label, Project, Review, User

LONGEST_REASON = 2_000


class OwnLabel(labelling.Refused):
    """Nobody reviews what they said themselves."""

    code = "own_label"


class Amended(labelling.Refused):
    """The label was amended meanwhile: what stands now is another."""

    code = "amended"


def review(user: User, label: Label, verdict: str, reason: str = "") -> Review:
    """Accept or reject a label that stands. The same said again by the same person is the same review.

    The caller has seen to it that `user` may review here. Raises ValidationError by field, OwnLabel, Amended.
    """
    if label.annotator_id == user.pk:
        raise OwnLabel(_("This label is yours. Somebody else reviews it."))
    reason = _checked(verdict, reason)
    with transaction.atomic():
        queue.find_seat(label.annotator, label.queue)  # its owner amends with their seat locked, too
        if Label.objects.filter(supersedes=label).exists():
            raise Amended(_("This label was amended meanwhile. Review the newer one."))
        before = newest([label]).get(label.pk)
        if before and (before.reviewer_id, before.verdict, before.reason) == (user.pk, verdict, reason):
            return before
        return Review.objects.create(label=label, reviewer=user, verdict=verdict, reason=reason)


def _checked(verdict: str, reason: str) -> str:
    reason = reason.replace("\0", "").strip()
    if verdict not in Review.Verdict.values:
        raise ValidationError({"verdict": [_("Accept or reject.")]})
    if verdict == Review.Verdict.REJECT and not reason:
        raise ValidationError({"reason": [_("Say why: its annotator reads it.")]})
    if len(reason) > LONGEST_REASON:
        raise ValidationError({"reason": [_("At most %s characters.") % LONGEST_REASON]})
    return reason


def newest(labels: Iterable[Label]) -> dict[int, Review]:
    """The review that counts, by label id; labels nobody reviewed are left out."""
    found = Review.objects.filter(label__in=[one.pk for one in labels])
    return {one.label_id: one for one in found.order_by("label", "-pk").distinct("label")}


# --- What its annotator sees of it: verdict and reason, not who -------------------------------------------------------


def feedback(user: User) -> QuerySet[Review]:
    """Reviews of the person's own labels, in projects they still see."""
    return Review.objects.filter(label__annotator=user, label__queue__project__in=Project.objects.seen_by(user))


def unseen(user: User) -> int:
    """How many of them they have not marked as read."""
    return feedback(user).filter(seen_at=None).count()


def mark_seen(user: User, up_to: int) -> None:
    """The person has read their feedback, up to the review with this id."""
    Review.objects.filter(label__annotator=user, seen_at=None, pk__lte=up_to).update(seen_at=Now())

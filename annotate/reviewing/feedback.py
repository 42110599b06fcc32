"""What reviews come to: the one that counts, and what a label's annotator sees of it (verdict and reason, not who)."""

from collections.abc import Iterable

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Now

from annotate.models import Label, Project, Queue, Review, User


def newest(labels: Iterable[Label], reader: User | None = None) -> dict[int, Review]:
    """The review that counts, with its fix, by label id; labels nobody reviewed are left out.

    `reader`: a reviewer, who is not to know which of their reviews were trials.
    """
    found = _shown(reader).filter(label__in=[one.pk for one in labels]).select_related("fix")
    return {one.label_id: one for one in found.order_by("label", "-pk").distinct("label")}


def _shown(reader: User | None) -> QuerySet[Review]:
    """Reviews that count, and to a reviewer their own trials among them."""
    return Review.objects.filter(Q(trial=False) | Q(reviewer=reader) if reader else Q(trial=False))


def with_verdict(labels: QuerySet[Label], reader: User | None = None) -> QuerySet[Label]:
    """With the `verdict` of the review that counts, "" where there is none. `reader`: as for `newest`."""
    said = _shown(reader).filter(label=OuterRef("pk")).order_by("-pk")
    return labels.annotate(verdict=Coalesce(Subquery(said.values("verdict")[:1]), Value("")))


def feedback(user: User) -> QuerySet[Review]:
    """Reviews of the person's own labels, in projects they still see; what they fixed as a reviewer is not theirs."""
    seen = Project.objects.seen_by(user)
    mine = Review.objects.filter(label__annotator=user, label__fixes=None)
    return mine.filter(label__queue__project__in=seen, trial=False)


def unseen(user: User) -> int:
    """How many of them they have not marked as read."""
    return feedback(user).filter(seen_at=None).count()


def mark_seen(user: User, up_to: int) -> None:
    """The person has read their feedback, up to the review with this id."""
    Review.objects.filter(label__annotator=user, seen_at=None, pk__lte=up_to).update(seen_at=Now())


def asked_to_change(user: User) -> QuerySet[Review]:
    """Requests for changes that the person has not met yet and still can, oldest first."""
    last = Review.objects.filter(label=OuterRef("label"), trial=False).order_by("-pk").values("pk")[:1]
    newer = Exists(Label.objects.filter(supersedes=OuterRef("label")))
    asked = feedback(user).filter(~newer, verdict=Review.Verdict.CHANGES).annotate(last=Subquery(last))
    return asked.filter(pk=F("last")).exclude(label__queue__state=Queue.State.CLOSED).order_by("pk")

"""What a reviewer says of a label: accept, fix, request changes, reject. Reviews are only added; the newest counts.

Whoever looks at a label of a task is not asked to label that task afterwards: it is noted as declined by them.
"""

import uuid
from collections.abc import Iterable
from hashlib import sha256

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from annotate import labelling, queue
from annotate.models import Assignment, Exit, Label, OutsideAnnotator, Review, Task, ToReview, User
from annotate.quality import rules
from annotate.reviewing.chance import chance
from annotate.reviewing.feedback import newest
from annotate.reviewing.rules import SECOND

LONGEST_REASON = 2_000

#: Verdicts that are an answer to nothing without a reason.
REFUSING = (Review.Verdict.REJECT, Review.Verdict.CHANGES)


class OwnLabel(labelling.Refused):
    """Nobody reviews what they said themselves."""

    code = "own_label"


class Amended(labelling.Refused):
    """The label was amended meanwhile: what stands now is another."""

    code = "amended"


def review(user: User, label: Label, verdict: str, reason: str = "", key: uuid.UUID | None = None) -> Review:
    """Accept, reject or ask for changes of a label that stands. If the label waits for a reviewer, this was its turn.

    What is the person's last word already is the same review; so is, on a trial, what was sent under the same `key`.
    The caller has seen to it that `user` may review here. Raises ValidationError by field, OwnLabel, Amended.
    """
    if verdict == Review.Verdict.FIX:
        raise ValidationError({"payload": [_("Say what is right instead.")]})
    _not_own(user, label)
    reason = _checked(verdict, reason)
    if verdict == Review.Verdict.CHANGES:
        _must_be_changeable(label)
    with transaction.atomic():
        _lock(label, rejects=verdict == Review.Verdict.REJECT)
        _must_stand(label)
        said = sha256(f"{key}:{verdict}:{reason}".encode()).digest() if key else None
        before = _tried(user, label, said) or _last_word(user, label, verdict, reason)
        return before or _give(user, label, verdict, reason, sent=said)


def _must_be_changeable(label: Label) -> None:
    if Review.objects.filter(fix=label).exists():
        raise ValidationError({"verdict": [_("This is a reviewer's fix: nobody can change it. Fix it, or reject it.")]})
    if OutsideAnnotator.objects.filter(user=label.annotator_id).exists():
        told = _("This label came with a file: nobody can change it. Fix it, or reject it.")
        raise ValidationError({"verdict": [told]})


def fix(user: User, label: Label, answer: labelling.Answer, reason: str = "") -> Review:
    """Supersede a label by what is right. The new label is the reviewer's, and counts as accepted.

    `answer.active_seconds` is all the time spent on the task, the annotator's included. The same key and answer again
    give the same review. On a trial nothing is stored but the verdict. Raises OwnLabel, Amended, KeyReused.
    """
    _not_own(user, label)
    reason = _checked(Review.Verdict.FIX, reason)
    with transaction.atomic():
        _lock(label)
        if (there := labelling.stored_before(user, label, answer)) is not None:
            return Review.objects.get(fix=there)
        _must_stand(label)
        said = sha256(answer.key.bytes + labelling.digest(label, answer.payload)).digest()
        if (tried := _tried(user, label, said)) is not None:
            return tried
        if _is_trial(_turn(user, label), user):
            return _give(user, label, Review.Verdict.FIX, reason, sent=said)
        given = _give(user, label, Review.Verdict.FIX, reason, fix=labelling.supersede(user, label, answer))
        ToReview.objects.filter(label=label, review=None).delete()  # nobody can take what was superseded
        return given


def _tried(user: User, label: Label, said: bytes | None) -> Review | None:
    """The person's verdict on a trial, if this very one is sent again: it still counts for nothing.

    The same said another time, under another key, is no trial any more.
    """
    return label.reviews.filter(reviewer=user, trial=True, body_digest=said).first() if said else None


def choose(user: User, label: Label) -> list[Review]:
    """Accept a label, and reject all others of its task that stand. It counts, whatever else the person holds.

    Raises OwnLabel where one of the task's labels is the user's, Amended.
    """
    if Label.objects.filter(task=label.task_id, annotator=user).exists():
        raise OwnLabel(_("One of the answers is yours, so somebody else has to choose."))
    standing = Label.objects.live().filter(task=label.task_id).select_related("queue", "annotator")
    with transaction.atomic():
        found = sorted(standing, key=lambda one: (one.pk != label.pk, one.pk))
        _lock(label, *found, rejects=len(found) > 1)
        for one in (label, *found):
            _must_stand(one)
        # One that is held as a trial would end as one, and count for nothing.
        ToReview.objects.filter(label__in=found, reviewer=user, review=None, why=ToReview.Why.KNOWN).delete()
        return [_for_good(user, one, label) for one in found]


def _for_good(user: User, label: Label, chosen: Label) -> Review:
    """The person's word on one label of several, of which they chose one."""
    said = (Review.Verdict.REJECT, _now("Another answer was chosen."))
    verdict, reason = (Review.Verdict.ACCEPT, "") if label.pk == chosen.pk else said
    return _last_word(user, label, verdict, reason) or _give(user, label, verdict, reason)


def is_own(user: User, label: Label) -> bool:
    """Whether a label is the person's, or came about as one of theirs was changed or fixed."""
    return bool(own(user, [label]))


def own(user: User, labels: Iterable[Label]) -> set[int]:
    """The ids of those of the labels that are the person's, or came about as one of theirs was changed or fixed."""
    before = Label.objects.filter(task=OuterRef("task"), assignment=OuterRef("assignment"), pk__lte=OuterRef("pk"))
    found = Label.objects.filter(Exists(before.filter(annotator=user)), pk__in=[one.pk for one in labels])
    return set(found.values_list("pk", flat=True))


def _not_own(user: User, label: Label) -> None:
    if is_own(user, label):
        raise OwnLabel(_("This label is yours. Somebody else reviews it."))


def _checked(verdict: str, reason: str) -> str:
    reason = reason.replace("\0", "").strip()
    if verdict not in Review.Verdict.values:
        raise ValidationError({"verdict": [_("Accept, fix, ask for changes or reject.")]})
    if verdict in REFUSING and not reason:
        raise ValidationError({"reason": [_("Say why: its annotator reads it.")]})
    if len(reason) > LONGEST_REASON:
        raise ValidationError({"reason": [_("At most %s characters.") % LONGEST_REASON]})
    return reason


def _lock(*labels: Label, rejects: bool = False) -> None:
    """Labels of one queue. Annotators amend with their seats locked, too; and of two reviewers one comes first.

    Seats, then the queue, then labels, and each in one order for everybody: so no two wait for each other.
    """
    for one in sorted({label.annotator_id: label for label in labels}.values(), key=lambda one: one.annotator_id):
        queue.find_seat(one.annotator, one.queue)
    if rejects:
        queue.note_rejection(labels[0].queue)
    wanted = Label.objects.filter(pk__in=[label.pk for label in labels])
    list(wanted.order_by("pk").select_for_update(no_key=True))


def _must_stand(label: Label) -> None:
    if Label.objects.filter(supersedes=label).exists():
        raise Amended(_("This label was amended meanwhile. Review the newer one."))


def _last_word(user: User, label: Label, verdict: str, reason: str) -> Review | None:
    """The review that counts, if it is the person's and says just this."""
    last = newest([label]).get(label.pk)
    said = last and (last.reviewer_id, last.verdict, last.reason)
    return last if said == (user.pk, verdict, reason) else None


def _give(
    user: User, label: Label, verdict: str, reason: str, fix: int | None = None, sent: bytes | None = None
) -> Review:
    turn = _turn(user, label)
    trial = _is_trial(turn, user)
    given = Review.objects.create(
        label=label, reviewer=user, verdict=verdict, reason=reason, fix_id=fix, trial=trial,
        body_digest=sent if trial else None,
    )  # fmt: skip
    if turn is not None:
        ToReview.objects.filter(pk=turn.pk).update(review=given, reviewer=user)
    if turn is None or turn.why not in (ToReview.Why.SECOND, ToReview.Why.KNOWN):
        _ask_for_second(given, label)
    _labels_it_no_more(user, label.task_id)
    return given


def _turn(user: User, label: Label) -> ToReview | None:
    """The label's turn to be reviewed that this person's verdict ends; their trial first, which is theirs alone."""
    free = Q(reviewer=None) | Q(reviewer=user) | Q(held_until__lt=Now())
    waits = ToReview.objects.filter(free, label=label, review=None).exclude(not_for=user)
    mine = waits.exclude(~Q(only_for=user), why=ToReview.Why.KNOWN)
    return max(mine, key=lambda one: one.why == ToReview.Why.KNOWN, default=None)


def _is_trial(turn: ToReview | None, user: User) -> bool:
    return turn is not None and turn.why == ToReview.Why.KNOWN and turn.reviewer_id == user.pk


def _ask_for_second(given: Review, label: Label) -> None:
    """By chance, let another reviewer look too: at the label, or at what the first made of it."""
    rate = rules.of(label.queue).second_review_rate
    if given.verdict == Review.Verdict.CHANGES or chance(label.queue, "second", given.pk) >= rate:
        return
    second = ToReview(
        label_id=given.fix_id or label.pk, queue_id=label.queue_id, not_for=given.reviewer,
        why=ToReview.Why.SECOND, weight=SECOND,
    )  # fmt: skip
    ToReview.objects.bulk_create([second], ignore_conflicts=True)


def _labels_it_no_more(user: User, task_id: int) -> None:
    known = Exit.objects.filter(task=task_id, annotator=user).exclude(way=Exit.Way.SKIP)
    if known.exists() or Assignment.objects.filter(task=task_id, annotator=user).exists():
        return
    task = Task.objects.only("queue_id").get(pk=task_id)
    reason = _now("Reviewed a label of this task.")
    Exit.objects.create(task=task, queue_id=task.queue_id, annotator=user, way=Exit.Way.DECLINE, reason=reason)

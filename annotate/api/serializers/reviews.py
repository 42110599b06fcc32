"""The review queue, discussions, known verdicts and reviewers' grades."""

from typing import Any

from rest_framework import serializers

from annotate.api.base import Strict
from annotate.api.pages import LARGEST_ID
from annotate.api.serializers.reports import EstimateOut
from annotate.api.serializers.work import BlindResponseOut, TurnOut
from annotate.models import Review, ToReview

MOST_SENT = 1_000


class ToReviewOut(serializers.Serializer[Any]):
    """A label as its annotator saw it. Its letters are those of `responses`; who gave it is told under a pseudonym."""

    label = serializers.IntegerField()  # type: ignore[assignment]
    queue = serializers.IntegerField()
    kind = serializers.CharField()
    annotator = serializers.CharField()
    prompt = TurnOut(many=True)
    responses = BlindResponseOut(many=True)
    payload = serializers.DictField()
    active_seconds = serializers.FloatField()
    held_until = serializers.DateTimeField()


class WaitingReviewsOut(serializers.Serializer[Any]):
    total = serializers.IntegerField(
        help_text="Where labels with known verdicts are among them, managers alone are told exactly and by why: others "
        "read 1, 10 or 50, which is at least so many."
    )
    by_reason = serializers.DictField(
        child=serializers.IntegerField(), help_text=f"Of {', '.join(sorted(set(ToReview.Why.values) - {'known'}))}."
    )
    unresolved_threads = serializers.IntegerField()


class SendIn(Strict):
    labels = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST_ID), min_length=1, max_length=MOST_SENT
    )


class SentOut(serializers.Serializer[Any]):
    added = serializers.IntegerField(help_text="How many wait now that did not: one waits once, an amended one never.")


class ReviewerOut(serializers.Serializer[Any]):
    reviewer = serializers.CharField(source="pseudonym")
    verdicts = serializers.DictField(child=serializers.IntegerField())
    known = EstimateOut(help_text="Share that agree with the known verdict.")
    second = EstimateOut(help_text="Share that agree with another reviewer of the same label.")
    kappa = EstimateOut(help_text="The same beyond chance.")
    seconds = serializers.FloatField(allow_null=True, help_text="Median from taking a label to its verdict.")


class ReviewedOut(serializers.Serializer[Any]):
    annotator = serializers.CharField(source="pseudonym")
    verdicts = serializers.DictField(child=serializers.IntegerField())
    accepted = EstimateOut()
    fixed = EstimateOut()
    rejected = EstimateOut()


class GradesOut(serializers.Serializer[Any]):
    all = serializers.BooleanField(help_text="Whether it is of all reviews; else of the newest 20,000.")
    reviewers = ReviewerOut(many=True)
    annotators = ReviewedOut(many=True)


class RemarkIn(Strict):
    text = serializers.CharField(max_length=5_000)


class AboutQuery(Strict):
    about = serializers.ChoiceField(
        choices=["label", "task"], default="label", help_text="The label's own discussion, or that of its task."
    )


class RemarkOut(serializers.Serializer[Any]):
    who = serializers.CharField(help_text="`you`, `a reviewer`, `an annotator`; for managers the name.")
    text = serializers.CharField()
    created_at = serializers.DateTimeField()


class DiscussionOut(serializers.Serializer[Any]):
    thread = serializers.IntegerField(allow_null=True, help_text="null where nothing was said yet.")
    resolved = serializers.BooleanField()
    remarks = RemarkOut(many=True)


class ResolveIn(Strict):
    resolved = serializers.BooleanField(default=True)


class KnownIn(Strict):
    verdict = serializers.ChoiceField(choices=Review.Verdict.choices)
    note = serializers.CharField(max_length=2_000, default="", allow_blank=True)


class KnownOut(KnownIn):
    created_at = serializers.DateTimeField()

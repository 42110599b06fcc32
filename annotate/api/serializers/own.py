"""One's own labels and progress, reviews, and the word that one has read the guidelines."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from annotate.api.base import Strict
from annotate.api.pages import LARGEST_ID
from annotate.api.serializers.checks import ReasonField
from annotate.api.serializers.exports import LabelQuery
from annotate.api.serializers.work import LARGEST_INT, Seconds
from annotate.models import Label, Review


class OwnLabelQuery(LabelQuery):
    queue = serializers.IntegerField(min_value=1, max_value=LARGEST_ID, required=False, help_text="Of this queue.")


class FeedbackOut(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(choices=Review.Verdict.choices)
    reason = ReasonField()
    payload = serializers.DictField(
        source="fix.payload", default=None, allow_null=True, help_text="What a fix put in its place."
    )
    created_at = serializers.DateTimeField()


class MyLabelOut(serializers.ModelSerializer[Label]):
    """`context["reviews"]`: the review that counts, by label id. No ids of tasks and responses: they tell an order."""

    payload = serializers.DictField(help_text="Responses by the letters you saw.")
    guideline = serializers.IntegerField(source="guideline_version", allow_null=True, help_text="Version in force.")
    superseded = serializers.BooleanField(help_text="Whether you changed it later, or a reviewer fixed it.")
    review = serializers.SerializerMethodField(help_text="The newest, by a reviewer whose name is not told.")

    class Meta:
        model = Label
        fields = [
            *("id", "queue", "payload", "active_seconds", "guideline", "supersedes", "superseded", "review"),
            "created_at",
        ]

    @extend_schema_field(FeedbackOut(allow_null=True))
    def get_review(self, label: Label) -> dict[str, Any] | None:
        review = self.context["reviews"].get(label.pk)
        return FeedbackOut(review).data if review else None


class DayOut(serializers.Serializer[Any]):
    date = serializers.DateField()
    labels = serializers.IntegerField()
    active_seconds = serializers.FloatField(source="seconds")


class WaitingOut(serializers.Serializer[Any]):
    open = serializers.IntegerField(help_text="Tasks you could take.")
    more = serializers.BooleanField(help_text="Whether `open` is only at least so many.")
    held = serializers.IntegerField(help_text="Tasks in your hand.")
    drafts = serializers.IntegerField(help_text="Drafts of tasks that are not in your hand.")
    skipped = serializers.IntegerField(help_text="Tasks you skipped that come back.")


class OwnQueueOut(serializers.Serializer[Any]):
    queue = serializers.IntegerField()
    name = serializers.CharField()
    done = serializers.IntegerField()
    active_seconds = serializers.FloatField()
    waiting = WaitingOut()


class ProgressOut(serializers.Serializer[Any]):
    time_zone = serializers.CharField(help_text="Where the days begin; set on the settings page.")
    days = DayOut(many=True, help_text="The last seven, today last.")
    queues = OwnQueueOut(many=True, help_text="Where you have worked.")
    unseen_feedback = serializers.IntegerField()


class ReviewIn(Strict):
    verdict = serializers.ChoiceField(choices=Review.Verdict.choices)
    reason = serializers.CharField(
        max_length=2_000, default="", allow_blank=True, help_text="Needed to reject and to ask for changes."
    )
    payload = serializers.DictField(
        required=False, help_text="With `fix` alone: what is right, letters as in the label."
    )
    active_seconds = Seconds(
        required=False, help_text="With `fix`: all the time spent on the task, the annotator's too."
    )


class ReviewOut(serializers.ModelSerializer[Review]):
    class Meta:
        model = Review
        fields = ["id", "label", "verdict", "reason", "created_at"]


class ConfirmIn(Strict):
    version = serializers.IntegerField(min_value=1, max_value=LARGEST_INT, help_text="The one in force.")

"""Rules, checks, and pauses."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from annotate.api.base import PageQuery, Strict
from annotate.api.pages import LARGEST_ID
from annotate.api.serializers.reports import EstimateOut
from annotate.checking import pausing
from annotate.checking.promoting import ROLES
from annotate.models import Pause, Seat, Task


def _share(**kwargs: Any) -> serializers.FloatField:
    return serializers.FloatField(min_value=0, max_value=1, required=False, **kwargs)


class RulesChange(Strict):
    """A queue's rules; those not named stay as they are. Shares are from 0 to 1."""

    most_labels = serializers.IntegerField(required=False, help_text="At most so many per task; 0: no further labels.")
    enough_agreement = _share(help_text="A task whose labels agree less gets one more.")
    extra_budget = serializers.IntegerField(required=False, allow_null=True, help_text="In all; null: no limit.")
    gold_rate = _share(help_text="Of the tasks given; at most 0.5 with the next two.")
    attention_rate = _share()
    repeat_rate = _share()
    gold_tolerance = _share(help_text="A check is right at this distance from the known answer, or less.")
    screen_tasks = serializers.IntegerField(required=False, help_text="Qualification tasks before real work.")
    screen_pass = _share(help_text="Of them, right.")
    pause = serializers.BooleanField(required=False, help_text="Whether wrong answers to checks pause.")
    pause_good = _share(help_text="Who gets this share of gold right is good.")
    pause_bad = _share(help_text="Who gets no more than this right is bad.")
    pause_error = _share(help_text="Of good ones paused, and of bad ones passed, at most.")
    review_rate = _share(help_text="Of labels, drawn by chance.")
    review_disagreement = _share(allow_null=True, help_text="Tasks that agree less are reviewed; null: none.")
    review_checks = serializers.BooleanField(required=False)
    review_annotators = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, help_text="Pseudonyms."
    )
    second_review_rate = _share()
    known_rate = _share()
    hourly_rate = serializers.FloatField(required=False, allow_null=True)
    currency = serializers.CharField(required=False, max_length=3)


class RulesOut(RulesChange):
    """All of them, the defaults included."""


class AccuracyOut(serializers.Serializer[Any]):
    annotator = serializers.CharField(help_text="A pseudonym.")
    state = serializers.ChoiceField(choices=Seat.State.choices)
    qualified_at = serializers.DateTimeField(allow_null=True)
    gold = EstimateOut()
    attention = EstimateOut()
    screen = EstimateOut()
    same = EstimateOut(help_text="Repeats answered as before.")
    alike = serializers.FloatField(allow_null=True, help_text="How like the first a repeat's answer is, 0 to 1.")


class CheckTaskOut(serializers.Serializer[Any]):
    task = serializers.IntegerField(source="task.pk")
    role = serializers.ChoiceField(choices=Task.Role.choices, source="task.role")
    right = EstimateOut()
    suspect = serializers.BooleanField(source="is_suspect", help_text="Most get it wrong.")


class UseIn(Strict):
    role = serializers.ChoiceField(
        choices=[*(one.value for one in ROLES), Task.Role.WORK.value], help_text="`work` makes it ordinary work again."
    )
    label = serializers.IntegerField(  # type: ignore[assignment]
        min_value=1,
        max_value=LARGEST_ID,
        required=False,
        help_text="The label that is right. Left out, it is what the labels say together.",
    )


class PauseQuery(PageQuery):
    open = serializers.BooleanField(default=False, help_text="Only those that nobody has decided on.")


class ReasonField(serializers.CharField):
    """Of a rule in the reader's language, of a person as they wrote it."""

    def to_representation(self, value: str) -> str:
        return pausing.reason(value)


class OwnPauseOut(serializers.ModelSerializer[Pause]):
    """As its annotator sees it."""

    queue = serializers.IntegerField(source="seat.queue_id")
    reason = ReasonField()

    class Meta:
        model = Pause
        fields = ["id", "queue", "reason", "created_at", "appeal", "appealed_at", "outcome", "answer", "decided_at"]


class PauseOut(OwnPauseOut):
    annotator = serializers.SerializerMethodField(help_text="A pseudonym.")
    facts = serializers.DictField(help_text="On what figures the rule acted.")

    class Meta(OwnPauseOut.Meta):
        fields = [*OwnPauseOut.Meta.fields, "annotator", "rule", "facts"]

    @extend_schema_field(str)
    def get_annotator(self, pause: Pause) -> str:
        return pause.seat.queue.project.pseudonym(pause.seat.user_id)


class PauseIn(Strict):
    annotator = serializers.CharField(max_length=100, help_text="A pseudonym.")
    reason = serializers.CharField(max_length=2_000, help_text="They read it.")


class DecideIn(Strict):
    outcome = serializers.ChoiceField(choices=["lifted", "upheld"])
    answer = serializers.CharField(max_length=5_000, required=False, allow_blank=True, help_text="They read it.")


class ReopenIn(Strict):
    since = serializers.DateTimeField(required=False, help_text="Only labels given since then.")


class ReopenedOut(serializers.Serializer[Any]):
    labels = serializers.IntegerField(help_text="So many were set aside, and their tasks wait for others.")


class AppealIn(Strict):
    appeal = serializers.CharField(max_length=5_000)

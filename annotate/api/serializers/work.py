"""Claiming, drafts, answers and the ways out."""

from typing import Any

from rest_framework import serializers

from annotate.api.base import Strict

LARGEST_INT = 2**31 - 1


class Seconds(serializers.FloatField):
    """A number of seconds: finite, and a number in JSON too."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=LARGEST_INT, **kwargs)

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, (str, bool)):
            self.fail("invalid")
        return super().to_internal_value(data)


class TurnOut(serializers.Serializer[Any]):
    role = serializers.CharField()
    content = serializers.CharField()


class ChoiceOut(serializers.Serializer[Any]):
    value = serializers.JSONField()
    label = serializers.CharField()  # type: ignore[assignment]


class FieldOut(serializers.Serializer[Any]):
    """One field of the payload. A dot in its name leads into an object: `ranks.a` is `{"ranks": {"a": ...}}`."""

    name = serializers.CharField()
    type = serializers.ChoiceField(choices=["text", "integer", "number", "boolean", "choice", "choices"])
    label = serializers.CharField()  # type: ignore[assignment]
    required = serializers.BooleanField()  # type: ignore[assignment]
    choices = ChoiceOut(many=True, required=False)
    min = serializers.FloatField(required=False)
    max = serializers.FloatField(required=False)
    max_length = serializers.IntegerField(required=False)


class BlindResponseOut(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="Blind, and of this assignment alone.")
    text = serializers.CharField()


class AssignmentOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    queue = serializers.IntegerField()
    kind = serializers.CharField()
    prompt = TurnOut(many=True)
    responses = BlindResponseOut(many=True)
    form = FieldOut(many=True, help_text="What the payload may hold.")
    draft = serializers.DictField(allow_null=True, help_text="The payload as last saved.")
    fence = serializers.IntegerField(help_text="Hand it in with the answer.")
    lease_until = serializers.DateTimeField()


class DraftIn(Strict):
    payload = serializers.DictField(help_text="As far as it goes.")
    fence = serializers.IntegerField(min_value=1, max_value=LARGEST_INT)
    active_seconds = Seconds(default=0.0)


class LabelIn(DraftIn):
    payload = serializers.DictField(help_text="See the payloads of the kinds in docs/api.md.")


class DraftOut(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    lease_until = serializers.DateTimeField(allow_null=True, help_text="null: the lease is over, the draft is kept")


class SubmitQuery(Strict):
    next = serializers.BooleanField(default=False, help_text="Claim the next task in the same round trip.")


class OwnLabelOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    payload = serializers.DictField(help_text="As stored.")


class SubmittedOut(serializers.Serializer[Any]):
    label = OwnLabelOut()  # type: ignore[assignment]
    done = serializers.IntegerField(help_text="Your labels in this queue.")
    next = AssignmentOut(required=False, allow_null=True, help_text="With ?next=1; null when nothing is left.")
    why = serializers.CharField(required=False, help_text="Why `next` is null.")


class LeaveIn(Strict):
    fence = serializers.IntegerField(min_value=1, max_value=LARGEST_INT)
    reason = serializers.CharField(max_length=2_000)


class GiveBackIn(Strict):
    fence = serializers.IntegerField(min_value=1, max_value=LARGEST_INT)
    reason = serializers.CharField(max_length=2_000, required=False, help_text="Welcome, but not kept.")

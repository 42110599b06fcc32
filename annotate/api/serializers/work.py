"""Claiming, drafts, answers and the ways out."""

import re
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from annotate.api.base import Strict

LARGEST_INT = 2**31 - 1
MOST_IDS = 20


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
    """One field of the payload. A dot in its name leads into an object: `ranks.a` is `{"ranks": {"a": ...}}`; before a
    number, into a list: `steps.0` is `{"steps": [...]}`.
    """

    name = serializers.CharField()
    type = serializers.ChoiceField(choices=["text", "integer", "number", "boolean", "choice", "choices", "json"])
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


class AnswerIn(Strict):
    payload = serializers.DictField(help_text="See the payloads of the kinds in docs/api.md.")
    active_seconds = Seconds(default=0.0)


class LabelIn(AnswerIn):
    fence = serializers.IntegerField(min_value=1, max_value=LARGEST_INT)


class DraftIn(LabelIn):
    payload = serializers.DictField(help_text="As far as it goes.")
    base = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=LARGEST_INT,
        help_text="The version this text was made from, 0 for none. A newer one stored meanwhile is not overwritten: "
        "409, code `draft_newer`. Left out, it is.",
    )


class AmendIn(AnswerIn):
    active_seconds = Seconds(default=0.0, help_text="All the time spent on the task, the first answer's included.")


class DraftOut(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    lease_until = serializers.DateTimeField(allow_null=True, help_text="null: the lease is over, the draft is kept")


class Ids(serializers.CharField):
    """Ids with commas between, as a list of numbers."""

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        parts = text.split(",") if text else []
        if len(parts) > MOST_IDS or not all(re.fullmatch(r"[0-9]{1,18}", part) for part in parts):
            raise serializers.ValidationError(_("Must be ids with commas between."))
        return [int(part) for part in parts]


class ClaimQuery(Strict):
    having = Ids(
        default=list,  # type: ignore[arg-type]  # what comes of "", not the text itself
        allow_blank=True,
        help_text="Ids of the assignments you hold here and have got already: you get one more beside them, so that "
        "the next task is there before it is wanted. Two at most.",
    )


class SubmitQuery(ClaimQuery):
    next = serializers.BooleanField(default=False, help_text="Claim the next task in the same round trip.")


class OwnLabelOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    payload = serializers.DictField(help_text="As stored.")


class SubmittedOut(serializers.Serializer[Any]):
    label = OwnLabelOut()  # type: ignore[assignment]
    done = serializers.IntegerField(help_text="Your labels in this queue.")
    next = AssignmentOut(required=False, allow_null=True, help_text="With ?next=1; null when nothing is left.")
    why = serializers.CharField(required=False, help_text="Why `next` is null.")


class AmendedOut(serializers.Serializer[Any]):
    label = OwnLabelOut()  # type: ignore[assignment]
    supersedes = serializers.IntegerField(help_text="The label whose place it takes.")


class LeaveIn(Strict):
    fence = serializers.IntegerField(min_value=1, max_value=LARGEST_INT)
    reason = serializers.CharField(max_length=2_000)


class GiveBackIn(Strict):
    fence = serializers.IntegerField(min_value=1, max_value=LARGEST_INT)
    reason = serializers.CharField(max_length=2_000, required=False, help_text="Welcome, but not kept.")

"""Labels, formats and exports."""

from typing import Any

from rest_framework import serializers

from annotate import exporting
from annotate.api.base import PageQuery
from annotate.api.pages import LARGEST_ID
from annotate.api.serializers.work import FieldOut
from annotate.models import Label


class LabelQuery(PageQuery):
    since = serializers.IntegerField(
        min_value=0, max_value=LARGEST_ID, default=0, help_text="Only labels with a higher id than this."
    )


class LabelOut(serializers.ModelSerializer[Label]):
    """Payload and `shown` go together: letter n is the n-th id of `shown`. Annotators see neither ids nor names."""

    payload = serializers.DictField()
    annotator = serializers.CharField(source="pseudonym", allow_null=True, required=False)
    shown = serializers.ListField(child=serializers.IntegerField(), required=False)
    guideline = serializers.IntegerField(source="guideline_version", allow_null=True, help_text="Version in force.")

    class Meta:
        model = Label
        fields = [
            *("id", "queue", "task", "annotator", "payload", "shown", "active_seconds"),
            *("guideline", "supersedes", "created_at"),
        ]


class ColumnOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.CharField(help_text="As Arrow names it.")


class FormatOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    kinds = serializers.ListField(child=serializers.CharField(), help_text="Kinds of queue that give it.")
    trainers = serializers.ListField(child=serializers.CharField(), help_text="Who loads its files unchanged.")
    containers = serializers.ListField(child=serializers.CharField())
    columns = ColumnOut(many=True)
    options = FieldOut(many=True)


class ExportQuery(serializers.Serializer[Any]):
    """What is left over are the options of the format, which refuses those it does not know."""

    format = serializers.CharField(max_length=40)
    container = serializers.ChoiceField(choices=list(exporting.CONTAINERS), default="jsonl")
    since = serializers.IntegerField(
        min_value=0, max_value=LARGEST_ID, default=0, help_text="Only labels with a higher id than this."
    )

    def to_internal_value(self, data: Any) -> Any:
        valid = super().to_internal_value(data)
        options = {name: text for name, text in data.items() if name not in self.fields}
        return {**valid, "options": options}


class ExportCountOut(serializers.Serializer[Any]):
    labels = serializers.IntegerField()
    rows = serializers.IntegerField()
    labels_without_rows = serializers.IntegerField()
    ties_dropped = serializers.IntegerField()
    identical_dropped = serializers.IntegerField(help_text="Pairs of two equal texts.")

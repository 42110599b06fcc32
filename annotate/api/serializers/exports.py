"""Labels, formats and exports."""

from typing import Any

from rest_framework import serializers

from annotate import exporting
from annotate.api.base import PageQuery, Strict
from annotate.api.pages import LARGEST_ID
from annotate.api.serializers.work import FieldOut
from annotate.models import Asset, Label


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
    snippets = serializers.DictField(
        child=serializers.CharField(), help_text="By trainer, what to write into its configuration to load the file."
    )


class FormatPage(serializers.Serializer[Any]):
    results = FormatOut(many=True)
    common_options = FieldOut(many=True, help_text="What every format takes beside its own options.")
    next = serializers.URLField(allow_null=True)


class ExportQuery(serializers.Serializer[Any]):
    """What is left over are the options of the format and those of all; unknown ones are refused by name."""

    format = serializers.CharField(max_length=40)
    container = serializers.ChoiceField(choices=list(exporting.CONTAINERS), default="jsonl")
    since = serializers.IntegerField(
        min_value=0, max_value=LARGEST_ID, default=0, help_text="Only labels with a higher id than this."
    )

    end = serializers.BooleanField(
        default=False,
        help_text='Of JSON lines: a last line `{"$end": {"rows": 3}}`, by which the end is told from a break.',
    )


class LeftOutOut(serializers.Serializer[Any]):
    prompt_id = serializers.CharField()
    reason = serializers.ChoiceField(choices=exporting.REASONS)
    found = serializers.CharField(
        help_text="The number of tokens, the evaluation set and what was met, or what the template said."
    )


class ExportCountOut(serializers.Serializer[Any]):
    labels = serializers.IntegerField()
    rows = serializers.IntegerField()
    labels_without_rows = serializers.IntegerField()
    ties_dropped = serializers.IntegerField()
    identical_dropped = serializers.IntegerField(help_text="Pairs of two equal texts.")
    empty_dropped = serializers.IntegerField(help_text="Rows with a response that says nothing.")
    undecided = serializers.IntegerField(help_text="Tasks whose labels say nothing together.")
    checks_left_out = serializers.IntegerField(help_text="Labels of tasks that check people.")
    rejected_left_out = serializers.IntegerField(help_text="Labels that a reviewer rejected; `reviewed=any` has them.")
    too_long = serializers.IntegerField(help_text="Rows.")
    contaminated = serializers.IntegerField(help_text="Rows that meet an evaluation set.")
    unrenderable = serializers.IntegerField(help_text="Rows that a template refuses.")
    splits = serializers.DictField(child=serializers.IntegerField(), help_text="Rows by split, where there are any.")
    left_out = LeftOutOut(many=True, help_text="Rows that were left out, the first 1,000 of them.")


class AssetIn(Strict):
    sort = serializers.ChoiceField(choices=Asset.Sort.choices)
    name = serializers.CharField(max_length=60)
    file = serializers.FileField()


class AssetOut(serializers.ModelSerializer[Asset]):
    facts = serializers.DictField(help_text="What was found in it: entries, rows, n-grams.")

    class Meta:
        model = Asset
        fields = ["id", "sort", "name", "sha256", "size", "facts", "created_at"]

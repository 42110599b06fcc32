"""Every label as it was given, and all that is known of where it comes from: for audits and statistics, not trainers.

Ids are strings; what has no fixed shape (messages, payload, tags, meta, params) is JSON in a string, so that no
reader can guess it wrong and nothing is lost on the way.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import pyarrow as pa
from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.exporting.base import Counts, Format, Labelled, Row


class RawOptions(forms.Form):
    labels = forms.ChoiceField(
        label=_("Which labels"),
        choices=[("live", _("those that stand")), ("all", _("also those that were amended"))],
        initial="live",
        help_text=_("An amendment names the label whose place it takes in “supersedes”."),
    )


def _texts(*names: str) -> list[tuple[str, pa.DataType]]:
    return [(name, pa.string()) for name in names]


OF_LABEL = ("queue_id", "queue", "task_id", "annotator", "created_at", "supersedes", "key")
OF_PROMPT = ("external_id", "instruction", "input", "system", "messages", "category", "domain", "difficulty")
OF_PROMPT += ("language", "tags", "source", "meta")
OF_RESPONSE = ("external_id", "text", "model", "params")


class Raw(Format[None]):
    name = "raw"
    title = _("Labels with their provenance")
    description = _("A row for each label: prompt, responses in the order shown, answer, annotator's pseudonym, times.")
    trainers = []
    options_form = RawOptions
    tells_all = True
    schema = pa.schema(
        [
            *_texts("label_id", "kind", *OF_LABEL),
            ("guideline_version", pa.int64()),
            ("active_seconds", pa.float64()),
            *_texts("prompt_id", *OF_PROMPT),
            ("responses", pa.list_(pa.struct(_texts("letter", "response_id", *OF_RESPONSE)))),
            *_texts("payload", "payload_by_response"),
        ]
    )

    def wants_amended(self, options: Mapping[str, Any]) -> bool:
        return bool(options["labels"] == "all")

    def picks(self, label: Labelled, counts: Counts) -> Iterable[None]:
        return (None,)

    def row(self, label: Labelled, pick: None) -> Row:
        names = {letter: response.key for letter, response in label.responses.items()}
        return {
            "label_id": str(label.id),
            "kind": label.kind.name,
            **_some(label.facts, OF_LABEL),
            "guideline_version": label.facts.guideline_version,
            "active_seconds": label.facts.active_seconds,
            "prompt_id": label.prompt.key,
            **_some(label.prompt, OF_PROMPT),
            "responses": [
                {"letter": letter, "response_id": one.key, **_some(one, OF_RESPONSE)}
                for letter, one in label.responses.items()
            ],
            "payload": _json(label.payload),
            "payload_by_response": _json(label.kind.rename(label.payload, names)),
        }


def _some(facts: object, names: Iterable[str]) -> Row:
    return {name: getattr(facts, name) for name in names}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


FORMATS = [Raw()]

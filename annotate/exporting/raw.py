"""Every label as it was given, and all that is known of where it comes from: for audits and statistics, not trainers.

Ids are strings; what has no fixed shape (messages, payload, tags, meta, params) is JSON in a string, so that no
reader can guess it wrong and nothing is lost on the way.
"""

from collections.abc import Iterable, Mapping
from copy import copy
from operator import attrgetter
from types import MappingProxyType
from typing import Any

import msgspec
import pyarrow as pa
from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.exporting import votes
from annotate.exporting.base import Counts, Format, Labelled, Row


class RawOptions(forms.Form):
    labels = forms.ChoiceField(
        label=_("Which labels"),
        choices=[("live", _("those that stand")), ("all", _("also those that were amended"))],
        initial="live",
        help_text=_("An amendment names the label whose place it takes in “supersedes”."),
    )
    people = forms.ChoiceField(
        label=_("Annotators"),
        choices=[("pseudonyms", _("pseudonyms")), ("names", _("pseudonyms and names"))],
        initial="pseudonyms",
        help_text=_("Names of people are in no file unless you ask for them here."),
    )


def _texts(*names: str) -> list[tuple[str, pa.DataType]]:
    return [(name, pa.string()) for name in names]


OF_LABEL = ("queue_id", "queue", "task_id", "annotator", "created_at", "supersedes", "key")
OF_PROMPT = (
    "key",
    *("external_id", "instruction", "input", "system", "messages"),
    *("category", "domain", "difficulty", "language", "tags", "source", "meta"),
)
OF_RESPONSE = ("external_id", "text", "model", "params")
_of_label = attrgetter(*OF_LABEL, "guideline_version", "active_seconds")
_of_prompt, _of_response = attrgetter(*OF_PROMPT), attrgetter(*OF_RESPONSE)


class Raw(Format[None]):
    name = "raw"
    title = _("Labels with their provenance")
    description = _("A row for each label: prompt, responses in the order shown, answer, annotator's pseudonym, times.")
    trainers = []
    options_form = RawOptions
    tells_all = True
    keeps_checks = True
    keeps_rejected = True
    schema = pa.schema(
        [
            *_texts("label_id", "kind", *OF_LABEL),
            ("guideline_version", pa.int64()),
            ("active_seconds", pa.float64()),
            *_texts("prompt_id", *OF_PROMPT[1:]),
            ("responses", pa.list_(pa.struct(_texts("letter", "response_id", *OF_RESPONSE)))),
            *_texts("payload", "payload_by_response", "role"),
            *[("fixed", pa.bool_()), *votes.COLUMNS],
        ]
    )
    #: names to write instead of today's, by pseudonym
    people: Mapping[str, str] = MappingProxyType({})

    def configured(self, options: Mapping[str, Any]) -> "Raw":
        if options["people"] != "names":
            return self
        chosen = copy(self)
        chosen.names_people, chosen.schema = True, self.schema.append(pa.field("person", pa.string()))
        return chosen

    def with_people(self, people: Mapping[str, str]) -> "Raw":
        chosen = copy(self)
        chosen.people = people
        return chosen

    def wants_amended(self, options: Mapping[str, Any]) -> bool:
        return bool(options["labels"] == "all")

    def picks(self, label: Labelled, counts: Counts) -> Iterable[None]:
        return (None,)

    def row(self, label: Labelled, pick: None) -> Row:
        names = {letter: response.key for letter, response in label.responses.items()}
        return (
            str(label.id),
            label.kind.name,
            *_of_label(label.facts),
            *_of_prompt(label.prompt),
            [
                {"letter": letter, "response_id": one.key, **dict(zip(OF_RESPONSE, _of_response(one), strict=True))}
                for letter, one in label.responses.items()
            ],
            _json(label.payload),
            _json(label.kind.rename(label.payload, names)),
            label.facts.role,
            label.facts.fixed,
            *votes.columns(label),
            *((self.people.get(label.facts.annotator, label.facts.person),) if self.names_people else ()),
        )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


FORMATS = [Raw()]

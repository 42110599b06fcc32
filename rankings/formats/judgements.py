"""Responses judged by themselves: good or bad, scored, or step by step."""

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any

import pyarrow as pa
from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.exporting.base import MESSAGES, Counts, Format, Labelled, Row
from annotate.kinds import StepLabel, Verdict
from rankings.formats.preferences import as_text

_ABOUT = [("prompt_id", pa.string()), ("group_id", pa.string())]


class Unpaired(Format[Verdict]):
    """A row for each response called good or bad by itself."""

    name = "unpaired"
    title = _("Good and bad responses")
    description = _("The conversation so far, a response, and whether it is good: for KTO and its like.")
    trainers = ["TRL"]
    needs = "verdicts"
    schema = pa.schema([("prompt", MESSAGES), ("completion", MESSAGES), ("label", pa.bool_()), *_ABOUT])

    def picks(self, label: Labelled, counts: Counts) -> Iterable[Verdict]:
        return label.kind.verdicts(label.payload)

    def row(self, label: Labelled, pick: Verdict) -> Row:
        turn = label.text_of(pick.name).turn
        return label.prompt.turns, [turn], bool(pick.good), label.prompt.key, str(label.id)


class StepwiseOptions(forms.Form):
    neither = forms.ChoiceField(
        label=_("Steps that are neither right nor wrong"),
        choices=[("right", _("count as right")), ("wrong", _("count as wrong"))],
        initial="right",
        help_text=_("A trainer reads right and wrong alone."),
    )


class Stepwise(Format[list[StepLabel]]):
    """A row for each response that was judged step by step, as far as it was judged."""

    name = "stepwise"
    title = _("Steps, right or wrong")
    description = _("The prompt as a text, the steps of the response, and whether each is right.")
    trainers = ["TRL 1.13 and before", "Axolotl"]
    needs = "steps"
    options_form = StepwiseOptions
    schema = pa.schema(
        [("prompt", pa.string()), ("completions", pa.list_(pa.string())), ("labels", pa.list_(pa.bool_())), *_ABOUT]
    )
    #: the lowest rating of a right step
    right = 0

    def configured(self, options: Mapping[str, Any]) -> "Stepwise":
        chosen = copy(self)
        chosen.right = 1 if options["neither"] == "wrong" else 0
        return chosen

    def picks(self, label: Labelled, counts: Counts) -> Iterable[list[StepLabel]]:
        texts = {letter: response.text for letter, response in label.responses.items()}
        steps = list(label.kind.steps(label.payload, texts))
        return [steps] if steps else []

    def row(self, label: Labelled, pick: list[StepLabel]) -> Row:
        texts, ratings = [one.text for one in pick], [one.rating >= self.right for one in pick]
        return as_text(label.prompt.turns), texts, ratings, label.prompt.key, str(label.id)


_SCORES = pa.list_(pa.struct([("axis", pa.string()), ("score", pa.int64())]))
_RUBRIC = pa.list_(pa.struct([("criterion", pa.string()), ("weight", pa.float64()), ("verdict", pa.string())]))


class Ratings(Format[str]):
    """A row for each response that was scored, or judged by criteria."""

    name = "ratings"
    title = _("Ratings")
    description = _("The conversation so far, a response, its score on each axis, its flags, its criteria.")
    trainers = []
    needs = "ratings"
    schema = pa.schema(
        [
            *[("prompt", MESSAGES), ("response", MESSAGES)],
            *[("scores", _SCORES), ("flags", pa.list_(pa.string())), ("rubric", _RUBRIC)],
            *_ABOUT,
        ]
    )

    def picks(self, label: Labelled, counts: Counts) -> Iterable[str]:
        return sorted({one.name for one in label.kind.ratings(label.payload)})

    def row(self, label: Labelled, pick: str) -> Row:
        scores = [one for one in label.kind.ratings(label.payload) if one.name == pick]
        return (
            label.prompt.turns,
            [label.text_of(pick).turn],
            [{"axis": one.axis, "score": one.score} for one in scores],
            label.payload.get("flags", {}).get(pick, []),
            _rubric(label.payload, pick),
            label.prompt.key,
            str(label.id),
        )


def _rubric(payload: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    verdicts = payload.get("verdicts", {}).get(name, [])
    return [
        {"criterion": one["text"], "weight": float(one["weight"]), "verdict": verdict}
        for one, verdict in zip(payload.get("criteria", []), verdicts, strict=False)
    ]


FORMATS: list[Format[Any]] = [Unpaired(), Ratings(), Stepwise()]

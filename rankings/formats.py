"""Preferences: pairs of responses, the better one chosen. Which trainer reads what: docs/formats.md."""

from collections.abc import Iterable

import pyarrow as pa
from django.utils.translation import gettext_lazy as _

from annotate.exporting.base import MESSAGES, Counts, Format, Labelled, Messages, Row
from rankings import pairs
from rankings.pairs import Pair

_ABOUT = [
    ("prompt_id", pa.string()),
    ("group_id", pa.string()),
    ("rank_chosen", pa.int64()),
    ("rank_rejected", pa.int64()),
    ("pairs_in_group", pa.int64()),
    ("pair_weight", pa.float64()),
    ("preference_strength", pa.float64()),
]


def _schema(*columns: str, of: pa.DataType) -> pa.Schema:
    return pa.schema([*((name, of) for name in columns), *_ABOUT])


class Preferences(Format[Pair]):
    """A row for each pair; a label's rows stand together, under one `group_id`."""

    needs = "comparisons"

    def picks(self, label: Labelled, counts: Counts) -> Iterable[Pair]:
        return pairs.of_label(label, counts)

    def about(self, label: Labelled, pair: Pair) -> Row:
        """The columns that every preference row has. Strength is 0.0 where none was asked."""
        comparison, in_group = pair
        return {
            "prompt_id": label.prompt.key,
            "group_id": str(label.id),
            "rank_chosen": comparison.rank_winner,
            "rank_rejected": comparison.rank_loser,
            "pairs_in_group": in_group,
            "pair_weight": 1.0 / in_group,
            "preference_strength": float(comparison.strength or 0),
        }


class Preference(Preferences):
    name = "preference"
    title = _("Preferences")
    description = _("The conversation so far, the better response and the worse one, apart.")
    trainers = ["TRL", "OpenRLHF", "Axolotl"]
    schema = _schema("prompt", "chosen", "rejected", of=MESSAGES)

    def row(self, label: Labelled, pick: Pair) -> Row:
        chosen, rejected = _texts(label, pick)
        return {
            "prompt": label.prompt.turns,
            "chosen": [_said(chosen)],
            "rejected": [_said(rejected)],
            **self.about(label, pick),
        }


class PreferenceImplicit(Preferences):
    name = "preference-implicit"
    title = _("Preferences, as two whole conversations")
    description = _("The same conversation twice: once with the better response at its end, once with the worse one.")
    trainers = ["TRL", "OpenRLHF", "Axolotl", "RewardBench"]
    schema = _schema("chosen", "rejected", of=MESSAGES)

    def row(self, label: Labelled, pick: Pair) -> Row:
        chosen, rejected = _texts(label, pick)
        turns = label.prompt.turns
        return {"chosen": [*turns, _said(chosen)], "rejected": [*turns, _said(rejected)], **self.about(label, pick)}


class PreferenceText(Preferences):
    name = "preference-text"
    title = _("Preferences, as plain texts")
    description = _("Prompt, better and worse response as texts. For models without a chat template.")
    trainers = ["TRL", "OpenRLHF", "Axolotl", "LLaMA-Factory"]
    schema = _schema("prompt", "chosen", "rejected", of=pa.string())

    def row(self, label: Labelled, pick: Pair) -> Row:
        chosen, rejected = _texts(label, pick)
        prompt = as_text(label.prompt.turns)
        return {"prompt": prompt, "chosen": chosen, "rejected": rejected, **self.about(label, pick)}


def _texts(label: Labelled, pair: Pair) -> tuple[str, str]:
    comparison = pair.comparison
    return label.responses[comparison.winner].text, label.responses[comparison.loser].text


def _said(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def as_text(turns: Messages) -> str:
    """A prompt as one text. A lone question stays as it is; several turns are named, and the answer announced.

    It ends with a newline, so that no token spans the border between prompt and answer.
    """
    if len(turns) == 1:
        return f"{turns[0]['content']}\n"
    said = [f"{turn['role'].capitalize()}: {turn['content']}" for turn in turns]
    return "\n\n".join([*said, "Assistant:\n"])


FORMATS = [Preference(), PreferenceImplicit(), PreferenceText()]

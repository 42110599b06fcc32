"""Preferences: pairs of responses, the better one chosen. Which trainer reads what: docs/formats.md."""

from abc import abstractmethod
from collections.abc import Iterable

import pyarrow as pa
from django.utils.translation import gettext_lazy as _

from annotate.exporting.base import MESSAGES, Counts, Format, Labelled, Message, PromptFacts, ResponseFacts, Row
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

    @abstractmethod
    def texts(self, prompt: PromptFacts, chosen: ResponseFacts, rejected: ResponseFacts) -> Row:
        """The columns before those of `_ABOUT`."""

    def row(self, label: Labelled, pick: Pair) -> Row:
        pair, in_group = pick
        return (
            *self.texts(label.prompt, label.text_of(pair.winner), label.text_of(pair.loser)),
            label.prompt.key,
            str(label.id),
            pair.rank_winner,
            pair.rank_loser,
            in_group,
            1.0 / in_group,
            float(pair.strength or 0),  # one type in every row: 0.0 where it was not asked
        )


class Preference(Preferences):
    name = "preference"
    title = _("Preferences")
    description = _("The conversation so far, the better response and the worse one, apart.")
    trainers = ["TRL", "OpenRLHF", "Axolotl"]
    schema = _schema("prompt", "chosen", "rejected", of=MESSAGES)

    def texts(self, prompt: PromptFacts, chosen: ResponseFacts, rejected: ResponseFacts) -> Row:
        return prompt.turns, [chosen.turn], [rejected.turn]


class PreferenceImplicit(Preferences):
    name = "preference-implicit"
    title = _("Preferences, as two whole conversations")
    description = _("The same conversation twice: once with the better response at its end, once with the worse one.")
    trainers = ["TRL", "OpenRLHF", "Axolotl", "RewardBench"]
    schema = _schema("chosen", "rejected", of=MESSAGES)

    def texts(self, prompt: PromptFacts, chosen: ResponseFacts, rejected: ResponseFacts) -> Row:
        return [*prompt.turns, chosen.turn], [*prompt.turns, rejected.turn]


class PreferenceText(Preferences):
    name = "preference-text"
    title = _("Preferences, as plain texts")
    description = _("Prompt, better and worse response as texts. For models without a chat template.")
    trainers = ["TRL", "OpenRLHF", "Axolotl", "LLaMA-Factory"]
    schema = _schema("prompt", "chosen", "rejected", of=pa.string())

    def texts(self, prompt: PromptFacts, chosen: ResponseFacts, rejected: ResponseFacts) -> Row:
        return as_text(prompt.turns), chosen.text, rejected.text


def as_text(turns: list[Message]) -> str:
    """A prompt as one text. A lone question stays as it is; several turns are named, and the answer announced.

    It ends with a newline, so that no token spans the border between prompt and answer.
    """
    if len(turns) == 1:
        return f"{turns[0]['content']}\n"
    said = [f"{turn['role'].capitalize()}: {turn['content']}" for turn in turns]
    return "\n\n".join([*said, "Assistant:\n"])


FORMATS = [Preference(), PreferenceImplicit(), PreferenceText()]

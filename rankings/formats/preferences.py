"""Preferences: pairs of responses, the better one chosen. Which trainer reads what: docs/formats.md."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any, ClassVar

import pyarrow as pa
from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.exporting import snippets
from annotate.exporting.base import MESSAGES, Counts, Format, Labelled, PromptFacts, ResponseFacts, Row
from annotate.exporting.texts import as_text
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
    ("raters", pa.int64()),
    ("soft_label", pa.float64()),
    ("agreement", pa.float64()),
]
_MARGIN = pa.field("margin", pa.float64())


class PairOptions(forms.Form):
    pairs = forms.ChoiceField(
        label=_("Pairs of a ranking"),
        choices=[
            (pairs.ALL, _("all")),
            (pairs.BEST_REST, _("the best against each other one")),
            (pairs.BEST_WORST, _("the best against the worst, one pair")),
            (pairs.ADJACENT, _("each against the next")),
        ],
        initial=pairs.ALL,
        help_text=_("A text that was written is always set against the one it was made of."),
    )


class PreferenceOptions(PairOptions):
    ties = forms.ChoiceField(
        label=_("Ties"),
        choices=[("drop", _("are left out")), ("half", _("are kept once, with a soft label of one half"))],
        initial="drop",
        help_text=_("Trainers that read no soft label would take the first of the two for the better one."),
    )
    margin = forms.BooleanField(
        label=_("With a column “margin”"),
        required=False,
        initial=False,
        help_text=_(
            "The strength once more, under the name that TRL's and OpenRLHF's reward trainers put into the loss."
        ),
    )


class Pairs(Format[Pair]):
    """A row for each pair; a label's rows stand together."""

    needs = "comparisons"
    options_form = PairOptions
    which = pairs.ALL
    ties = False

    def configured(self, options: Mapping[str, Any]) -> "Pairs":
        chosen = copy(self)
        chosen.which, chosen.ties = options["pairs"], options.get("ties") == "half"
        return chosen

    def picks(self, label: Labelled, counts: Counts) -> Iterable[Pair]:
        return pairs.of_label(label, counts, self.which, ties=self.ties)

    def answers(self, label: Labelled, pick: Pair) -> Iterable[str]:
        return pick.chosen.text, pick.rejected.text


class Preferences(Pairs):
    """Pairs with all that is known of each; a label's rows have one `group_id`."""

    options_form = PreferenceOptions
    margin = False

    @staticmethod
    def columns(chosen: pa.DataType, prompt: pa.DataType | None = None, name: str = "prompt") -> pa.Schema:
        """A schema: the prompt if it stands apart, `chosen` and `rejected`, then what is known of the pair."""
        before = [] if prompt is None else [(name, prompt)]
        return pa.schema([*before, ("chosen", chosen), ("rejected", chosen), *_ABOUT])

    def configured(self, options: Mapping[str, Any]) -> "Preferences":
        chosen = super().configured(options)
        assert isinstance(chosen, Preferences)
        if options["margin"]:
            chosen.margin, chosen.schema = True, self.schema.append(_MARGIN)
        return chosen

    @abstractmethod
    def texts(self, prompt: PromptFacts, chosen: ResponseFacts, rejected: ResponseFacts) -> Row:
        """The columns before those of `_ABOUT`."""

    def row(self, label: Labelled, pick: Pair) -> Row:
        of, in_group = pick.of, pick.in_group
        strength = float(of.strength or 0)  # one type in every row: 0.0 where it was not asked
        row = (
            *self.texts(label.prompt, pick.chosen, pick.rejected),
            label.prompt.key,
            label.group,
            of.rank_winner,
            of.rank_loser,
            in_group,
            1.0 / in_group,
            strength,
            label.raters,
            pick.soft_label,
            label.agreement,
        )
        return (*row, strength) if self.margin else row


class Preference(Preferences):
    name = "preference"
    title = _("Preferences")
    description = _("The conversation so far, the better response and the worse one, apart.")
    trainers = ["TRL", "OpenRLHF", "Axolotl"]
    schema = Preferences.columns(MESSAGES, MESSAGES)

    def texts(self, prompt: PromptFacts, chosen: ResponseFacts, rejected: ResponseFacts) -> Row:
        return prompt.turns, [chosen.turn], [rejected.turn]

    def snippets(self, file_name: str, options: Mapping[str, Any]) -> dict[str, str]:
        flags = ["--data.prompt_key prompt", "--data.apply_chat_template"]
        margin = ["--model.margin_loss_enable"] if options.get("margin") else []
        return {
            "TRL": snippets.trl("RewardTrainer", file_name),
            "Axolotl": snippets.axolotl(
                file_name, "type: chat_template.default", "field_messages: prompt", head="rl: dpo"
            ),
            "OpenRLHF": snippets.openrlhf("train_rm", file_name, *flags, *margin),
        }


class PreferenceImplicit(Preferences):
    name = "preference-implicit"
    title = _("Preferences, as two whole conversations")
    description = _("The same conversation twice: once with the better response at its end, once with the worse one.")
    trainers = ["TRL", "OpenRLHF", "Axolotl", "RewardBench"]
    schema = Preferences.columns(MESSAGES)

    def texts(self, prompt: PromptFacts, chosen: ResponseFacts, rejected: ResponseFacts) -> Row:
        return [*prompt.turns, chosen.turn], [*prompt.turns, rejected.turn]

    def snippets(self, file_name: str, options: Mapping[str, Any]) -> dict[str, str]:
        margin = ["--model.margin_loss_enable"] if options.get("margin") else []
        return {
            "TRL": snippets.trl("RewardTrainer", file_name),
            "Axolotl": snippets.axolotl(file_name, "type: chat_template.argilla_chat", head="rl: dpo"),
            "OpenRLHF": snippets.openrlhf("train_rm", file_name, "--data.apply_chat_template", *margin),
        }


class PreferenceText(Preferences):
    name = "preference-text"
    title = _("Preferences, as plain texts")
    description = _("Prompt, better and worse response as texts. For models without a chat template.")
    trainers = ["TRL", "OpenRLHF", "Axolotl", "LLaMA-Factory"]
    schema = Preferences.columns(pa.string(), pa.string())
    info: ClassVar[snippets.Info] = {
        "formatting": "alpaca",
        "ranking": True,
        "columns": {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"},
    }

    def texts(self, prompt: PromptFacts, chosen: ResponseFacts, rejected: ResponseFacts) -> Row:
        return as_text(prompt.turns), chosen.text, rejected.text

    def snippets(self, file_name: str, options: Mapping[str, Any]) -> dict[str, str]:
        margin = ["--model.margin_loss_enable"] if options.get("margin") else []
        return {
            "TRL": snippets.trl("RewardTrainer", file_name),
            "LLaMA-Factory": snippets.llama_factory(self.name, file_name, self.info),
            "Axolotl": snippets.axolotl(file_name, "type: chatml.prompt_pairs", head="rl: dpo"),
            "OpenRLHF": snippets.openrlhf("train_rm", file_name, "--data.prompt_key prompt", *margin),
        }

    def companions(self, file_names: Mapping[str, str]) -> dict[str, str]:
        return snippets.dataset_info(self.name, file_names, self.info)


FORMATS: list[Format[Any]] = [Preference(), PreferenceImplicit(), PreferenceText()]

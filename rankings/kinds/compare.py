"""`compare`: which of two responses is better.

Payload: `{"winner": "a" | "b" | "tie" | "both_bad", "strength": 1..3 or absent, "comment": ""}`.
Strength: 1 slightly better, 2 better, 3 much better; only with a winner.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from annotate.kinds import Comparison, Example, Kind, LabelForm, Payload

STRENGTHS = [(1, _("slightly better")), (2, _("clearly better")), (3, _("much better"))]
EVEN = {"tie", "both_bad"}


class CompareOptions(forms.Form):
    strength = forms.BooleanField(
        label=_("Ask by how much"),
        required=False,
        initial=True,
        help_text=_("On: a choice needs a strength from 1 to 3. Choices already made stay as they are."),
    )
    tie = forms.BooleanField(
        label=_("A tie can be chosen"),
        required=False,
        initial=True,
        help_text=_("Off: ties are refused from now on. Ties already given stay."),
    )
    both_bad = forms.BooleanField(
        label=_("“Both bad” can be chosen"),
        required=False,
        initial=True,
        help_text=_("Off: refused from now on. Answers already given stay."),
    )


@dataclass(frozen=True, slots=True)
class Step:
    """One button of the page: what it chooses, in value and words, and the keys that press it."""

    value: str
    side: str
    words: str | Promise
    keys: str
    chosen: bool


# The page's row of buttons, with and without strength: value -> keys.
SCALE = {"a3": "1", "a2": "2", "a1": "3", "tie": "4 t", "b1": "5", "b2": "6", "b3": "7", "both_bad": "b"}
SIDES = {"a": "1", "tie": "t", "b": "2", "both_bad": "b"}


class CompareForm(LabelForm):
    @classmethod
    def posted(cls, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """The page's one field `choice` as winner and strength: "a3" is "a, much better"."""
        winner, strength = _winner_and_strength(data.get("choice", ""))
        return {"winner": winner, "strength": strength, "comment": data.get("comment", "")}

    def steps(self) -> list[Step]:
        """The row of buttons, as far as the queue's options offer them."""
        asked = "strength" in self.fields
        winners = dict(self.fields["winner"].choices)  # type: ignore[attr-defined]
        strengths = {"": _("is better")} | {str(one): words for one, words in STRENGTHS}
        chosen = f"{self['winner'].value() or ''}{self['strength'].value() or '' if asked else ''}"
        steps = []
        for value, keys in (SCALE if asked else SIDES).items():
            winner, strength = _winner_and_strength(value)
            side = "" if winner in EVEN else winner
            words = strengths[strength] if side else winners.get(winner, "")
            if winner in winners:
                steps.append(Step(value, side, words, keys, value == chosen))
        return steps

    def build(self) -> None:
        choices: list[tuple[str, str | Promise]] = [(letter, letter.upper()) for letter in self.letters]
        if self.options.get("tie", True):
            choices.append(("tie", _("About the same")))
        if self.options.get("both_bad", True):
            choices.append(("both_bad", _("Both bad")))
        self.fields["winner"] = forms.ChoiceField(
            label=_("Better response"),
            choices=choices,
            widget=forms.RadioSelect,
            error_messages={"required": _("Choose one first.")},
        )
        if self.options.get("strength", True):
            self.fields["strength"] = forms.TypedChoiceField(
                label=_("By how much"),
                choices=STRENGTHS,
                coerce=int,
                empty_value=None,
                required=False,
                widget=forms.RadioSelect,
            )

    def clean(self) -> dict[str, Any]:
        winner, strength = self.cleaned_data.get("winner"), self.cleaned_data.get("strength")
        if winner in EVEN:
            self.cleaned_data["strength"] = None
        elif winner and strength is None and "strength" in self.fields and "strength" not in self.errors:
            self.add_error("strength", _("Say by how much it is better."))
        return self.cleaned_data

    def payload(self) -> Payload:
        valid = self.cleaned_data
        strength = {"strength": valid["strength"]} if valid.get("strength") else {}
        return {"winner": valid.get("winner", ""), **strength, "comment": valid.get("comment", "")}


def _winner_and_strength(choice: str) -> tuple[str, str]:
    winner = choice.rstrip("123")
    return winner, choice[len(winner) :]


class Compare(Kind):
    name = "compare"
    label = _("Compare two responses")
    description = _("People choose the better of two responses, and by how much.")
    asks = _("Choose the better response.")
    template = "kinds/compare.html"
    script = "js/compare.js"
    responses = (2, 2)
    options_form = CompareOptions
    label_form = CompareForm

    def rename(self, payload: Payload, names: Mapping[str, str]) -> Payload:
        return payload | {"winner": names.get(payload.get("winner", ""), payload.get("winner", ""))}

    def distance(self, first: Payload, second: Payload) -> float:
        """0 the same, 1 opposite winners, 1/2 a winner against none. Both bad and a tie are 1/4 apart."""
        one, other = first["winner"], second["winner"]
        if one == other:
            return 0.0
        return 0.25 if {one, other} == EVEN else 0.5 if {one, other} & EVEN else 1.0

    def consensus(self, payloads: Sequence[Payload]) -> Payload | None:
        """What more than half chose; a tie where no choice has a majority."""
        if not payloads:
            return None
        choice, votes = Counter(one["winner"] for one in payloads).most_common(1)[0]
        return {"winner": choice if 2 * votes > len(payloads) else "tie", "comment": ""}

    def comparisons(self, payload: Payload) -> Iterator[Comparison]:
        """One pair. "Both bad" orders nothing, so it gives none."""
        winner = payload["winner"]
        if winner == "both_bad":
            return
        if winner == "tie":
            yield Comparison("a", "b", tie=True, rank_loser=1)
            return
        yield Comparison(winner, "b" if winner == "a" else "a", strength=payload.get("strength"))

    def example(self) -> Example:
        return Example(
            instruction="What is the capital of Australia?",
            responses=("Canberra.", "Sydney."),
            payload={"winner": "a", "strength": 3, "comment": ""},
            other_payload={"winner": "tie", "comment": ""},
        )

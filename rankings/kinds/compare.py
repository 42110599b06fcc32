"""`compare`: which of two responses is better.

Payload: `{"winner": "a" | "b" | "tie" | "both_bad", "strength": 0..3 or absent, "comment": ""}`, and by option
`dimensions` {name: {"winner": ..., "strength": ...}}, `safety` "preferred" | "both" | "neither" (which of them are
safe), and what `extras` asks for. Strength, only with a winner: 1 slightly, 2 clearly, 3 much better; where four
levels are asked for (Llama 2) also 0, negligibly better or unsure.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from annotate.kinds import Comparison, Example, Level, Measure, Opinion, Options, Payload, Said, Shown
from rankings.kinds import axes, sides
from rankings.kinds.extras import OFF, ExtraOptions, Judging, JudgingForm
from rankings.kinds.scales import ListField
from rankings.kinds.sides import BOTH_BAD, EVEN, TIE, Step

#: Which of the two are safe (Llama 2, section 3.2.1): a safer response is never the worse one.
SAFETY = [("preferred", _("Only the better one")), ("both", _("Both")), ("neither", _("Neither"))]


class DimensionsField(ListField):
    """Names, one a line or a JSON list of texts."""

    most = 8

    def of_line(self, line: str) -> str:
        if len(line) > 60 or "." in line:
            raise ValueError(_("a name has no “.” and at most 60 characters"))
        return line


class CompareOptions(ExtraOptions):
    field_order = ("strength", "levels", "tie", "both_bad", "dimensions", "safety", "submit_at_once")

    strength = forms.BooleanField(
        label=_("Ask by how much"),
        required=False,
        initial=True,
        help_text=_("On: a choice needs a strength. Choices already made stay as they are."),
    )
    levels = forms.TypedChoiceField(
        label=_("By how much, in"),
        choices=[
            (3, _("three levels: slightly, clearly, much")),
            (4, _("four levels: negligibly or unsure, slightly, better, significantly")),
        ],
        coerce=int,
        initial=3,
        required=False,
        empty_value=3,  # type: ignore[arg-type]  # the value given back, not one sent
        help_text=_("Holds for answers from now on. Choices already made stay as they are."),
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
    dimensions = DimensionsField(
        label=_("Dimensions to compare first"),
        required=False,
        help_text=_("One a line, as in “truthfulness”: each is asked on the same scale, then the overall one."
                    " Answers already given stay as they are."),
    )  # fmt: skip
    safety = forms.BooleanField(
        label=_("Ask which of them are safe"),
        required=False,
        help_text=_("Only the better one, both or neither. Answers already given stay as they are."),
    )
    submit_at_once = forms.BooleanField(
        label=_("A choice submits at once"),
        required=False,
        help_text=_("Where nothing else is asked. Answers already given stay as they are."),
    )


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension as the page asks it; `name` is the inputs' name."""

    name: str
    title: str
    steps: list[Step]
    errors: list[str]


class CompareForm(JudgingForm):
    @classmethod
    def posted(cls, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """The page's fields `choice` and `choice.<dimension>`, as winner and strength each."""
        fields = QueryDict(mutable=True)
        fields.update(data)
        for name in ["choice", *(one for one in data if one.startswith("choice."))]:
            start = _start(name.removeprefix("choice."), overall=name == "choice")
            fields[f"{start}winner"], fields[f"{start}strength"] = sides.split(data.get(name, ""))
        return fields

    def build(self) -> None:
        super().build()
        self.starts = {_start(name): name for name in self.options.get("dimensions") or []}
        for start in [*self.starts, ""]:
            self._ask(start)
        if self.options.get("safety"):
            self.fields["safety"] = forms.ChoiceField(
                label=_("Which are safe"),
                choices=SAFETY,
                error_messages={"required": _("Say which of the responses are safe.")},
            )

    def _ask(self, start: str) -> None:
        overall = not start
        of = {} if overall else {"name": self.starts[start]}
        self.fields[f"{start}winner"] = forms.ChoiceField(
            label=_("Better response") if overall else self.starts[start],
            choices=list(sides.winners_in(self.options, overall=overall).items()),
            error_messages={"required": _("Choose one first.") if overall else _("Choose one: %(name)s.") % of},
        )
        if strengths := sides.strengths_in(self.options):
            self.fields[f"{start}strength"] = forms.TypedChoiceField(
                label=_("By how much"), choices=list(strengths.items()), coerce=int, empty_value=None, required=False
            )

    @classmethod
    def flatten(cls, payload: Payload) -> dict[str, Any]:
        flat = super().flatten(payload)
        dimensions = flat.pop("dimensions", {})
        if not isinstance(dimensions, dict) or not all(isinstance(one, dict) for one in dimensions.values()):
            return flat | {"dimensions": dimensions}
        return flat | {_start(name) + key: value for name, one in dimensions.items() for key, value in one.items()}

    def clean(self) -> dict[str, Any]:
        for start in [*self.starts, ""]:
            self._clean_strength(f"{start}winner", f"{start}strength")
        if self.cleaned_data.get("safety") == "preferred" and self.cleaned_data.get("winner") in EVEN:
            self.add_error("safety", _("Neither is the better one: say that both are safe, or neither."))
        self.clean_extras()
        return self.cleaned_data

    def _clean_strength(self, winner: str, strength: str) -> None:
        chosen = self.cleaned_data.get(winner)
        if chosen in EVEN:
            self.cleaned_data[strength] = None
        elif chosen and self.cleaned_data.get(strength, "") is None:  # asked for, right so far, and not there
            self.add_error(strength, _("Say by how much it is better."))

    def best(self) -> list[str]:
        winner = self.cleaned_data.get("winner")
        return list(self.letters) if winner in EVEN else [winner] if winner else []

    def payload(self) -> Payload:
        part = self.extras()
        if self.starts:
            chosen = {name: self._chosen(start) for start, name in self.starts.items()}
            part["dimensions"] = {name: one for name, one in chosen.items() if one["winner"]}
        if self.cleaned_data.get("safety"):
            part["safety"] = self.cleaned_data["safety"]
        return {**self._chosen(""), **part, "comment": self.cleaned_data.get("comment", "")}

    def _chosen(self, start: str) -> Payload:
        strength = self.cleaned_data.get(f"{start}strength")
        by_how_much = {} if strength is None else {"strength": strength}
        return {"winner": self.cleaned_data.get(f"{start}winner", ""), **by_how_much}

    # --- For the page ------------------------------------------------------------------------------------------------

    def steps(self) -> list[Step]:
        """The row of buttons for the two as a whole."""
        return self._steps("")

    def dimensions(self) -> list[Dimension]:
        return [
            Dimension(f"choice.{name}", name, self._steps(start), self._complaints(start))
            for start, name in self.starts.items()
        ]

    def errors_of_choice(self) -> list[str]:
        return self._complaints("")

    @property
    def at_once(self) -> bool:
        """Whether a choice is all there is to say."""
        more = [self.options.get(one) for one in ("dimensions", "safety", "axes", "flags")]
        extra = [self.options.get(one, OFF) != OFF for one in ("reason", "improve")]
        return bool(self.options.get("submit_at_once")) and not any(more + extra)

    def _steps(self, start: str) -> list[Step]:
        winner = self[f"{start}winner"].value()
        strength = self[f"{start}strength"].value() if f"{start}strength" in self.fields else None
        return sides.steps(self.options, sides.joined(winner, strength), overall=not start)

    def _complaints(self, start: str) -> list[str]:
        fields = [name for name in (f"{start}winner", f"{start}strength") if name in self.fields]
        return [str(one) for name in fields for one in self[name].errors]


def _start(name: str, *, overall: bool = False) -> str:
    """What the names of a dimension's fields start with."""
    return "" if overall else f"dimensions.{name}."


class Compare(Judging):
    name = "compare"
    label = _("Compare two responses")
    description = _("People choose the better of two responses, and by how much.")
    asks = _("Choose the better response.")
    template = "kinds/compare.html"
    script = "js/compare.js"
    keys = (
        ("1 … 9", _("The button that shows this number")),
        ("← →", _("One step towards A, towards B")),
        ("t", _("About the same")),
        ("b", _("Both bad")),
        ("r", _("Write the reason, where one is asked for")),
        ("i", _("Improve the best response, where that is asked for")),
    )
    responses = (2, 2)
    options_form = CompareOptions
    label_form = CompareForm

    def answer(self, said: Said, shown: Shown, options: Options) -> Payload | None:
        """Who has the better place of two, and by how much where the queue asks for it.

        Level and both called bad is "both bad", where that can be chosen.
        """
        if said.ranks.keys() != {"a", "b"}:
            return None
        return {**_said_winner(said, options), **self.said_besides(said, shown, options)}

    def asked_outside(self, payload: Payload, options: Options) -> Options:
        given = payload.get("dimensions")
        dimensions = [one for one in options.get("dimensions") or [] if isinstance(given, dict) and one in given]
        asked = {name: bool(options.get(name, default)) for name, default in (("strength", True), ("safety", False))}
        said = {name: on and name in payload for name, on in asked.items()}
        return {**super().asked_outside(payload, options), **said, "dimensions": dimensions}

    def rename(self, payload: Payload, names: Mapping[str, str]) -> Payload:
        renamed = super().rename(payload, names) | {"winner": _named(payload, names)}
        if "dimensions" in payload:
            chosen = payload["dimensions"].items()
            renamed["dimensions"] = {name: one | {"winner": _named(one, names)} for name, one in chosen}
        return renamed

    def distance(self, first: Payload, second: Payload) -> float:
        """0 the same, 1 opposite winners, 1/2 a winner against none. Both bad and a tie are 1/4 apart.

        Of the overall choice alone.
        """
        one, other = first["winner"], second["winner"]
        if one == other:
            return 0.0
        return 0.25 if {one, other} == EVEN else 0.5 if {one, other} & EVEN else 1.0

    def consensus(self, payloads: Sequence[Payload]) -> Payload | None:
        """What more than half chose, overall, by dimension and of safety; a tie where no choice has a majority.

        Strength: the lower median of those who chose the same. Scores and flags: see `axes.consensus`.
        """
        if not payloads:
            return None
        return {**_majority(payloads), **_by_dimension(payloads), **_safety(payloads), **axes.consensus(payloads)} | {
            "comment": ""
        }

    def deciding(
        self, values: Mapping[str, float], names: Sequence[str], payloads: Sequence[Payload]
    ) -> Payload | None:
        """With this winner; a tie where two are level. Strength: the lower median of those who chose the same."""
        winner = [names[0], TIE, names[1], BOTH_BAD][int(values.get("", 1.0))]
        return self._won(winner, payloads)

    def ordered(self, places: Mapping[str, int], payloads: Sequence[Payload]) -> Payload | None:
        """The same; "both bad" stays where more than half say so, and where nobody compares the two."""
        together = self.consensus(payloads)
        if together is None or together["winner"] == BOTH_BAD or len(places) < 2:
            return together
        (best, first), (_other, second) = sorted(places.items(), key=lambda one: one[1])
        return self._won(best if first < second else TIE, payloads)

    def _won(self, winner: str, payloads: Sequence[Payload]) -> Payload | None:
        together = self.consensus(payloads)
        if together is None:
            return None
        rest = {key: value for key, value in together.items() if key not in ("winner", "strength")}
        return {"winner": winner, **_strength(winner, payloads), **rest}

    def measures(self, options: Options) -> Sequence[Measure]:
        sided = (_("first better"), _("tie"), _("second better"))
        safe = Measure("safe", _("Safe"), Level.NOMINAL, (_("not safe"), _("safe")))
        return [
            Measure("preference", _("Preference"), Level.NOMINAL, (*sided, _("both bad"))),
            *sides.measures(options),
            *(Measure(f"dimensions.{one}", one, Level.NOMINAL, sided) for one in options.get("dimensions") or []),
            *([safe] if options.get("safety") else []),
            *axes.measures(options),
        ]

    def opinions(self, payload: Payload, names: Sequence[str], options: Options) -> Iterator[Opinion]:
        """Preference: 0 the first of `names` is better, 1 a tie, 2 the second, 3 both bad. Strength: below 0 for it."""
        codes = {names[0]: 0.0, TIE: 1.0, names[1]: 2.0, BOTH_BAD: 3.0}
        winner = payload["winner"]
        yield Opinion("preference", "", codes[winner])
        yield from sides.opinions(payload, names[0], options)
        for one, chosen in payload.get("dimensions", {}).items():
            if one in (options.get("dimensions") or []):
                yield Opinion(f"dimensions.{one}", "", codes[chosen["winner"]])
        if options.get("safety") and "safety" in payload:
            both = payload["safety"] == "both"
            yield from (Opinion("safe", one, float(both or _only(payload, one))) for one in names)
        yield from axes.opinions(payload, names, options)

    def in_words(self, payload: Payload) -> str:
        return sides.in_words(payload["winner"], payload.get("strength"))

    def comparisons(self, payload: Payload) -> Iterator[Comparison]:
        """One pair, and the improved text. "Both bad" orders nothing, so it gives none."""
        winner = payload["winner"]
        if winner == TIE:
            yield Comparison("a", "b", tie=True, rank_loser=1)
        elif winner != BOTH_BAD:
            yield Comparison(winner, "b" if winner == "a" else "a", strength=payload.get("strength"))
        yield from self.improvement(payload)

    def example(self) -> Example:
        return Example(
            instruction="What is the capital of Australia?",
            responses=("Canberra.", "Sydney."),
            payload={"winner": "a", "strength": 3, "comment": ""},
            other_payload={"winner": "tie", "comment": ""},
        )


def _said_winner(said: Said, options: Options) -> Payload:
    if said.ranks["a"] == said.ranks["b"]:
        bad = bool(said.verdicts) and not any(said.verdicts.values())
        return {"winner": BOTH_BAD if bad and options.get("both_bad", True) else TIE}
    winner = min(said.ranks, key=said.ranks.__getitem__)
    by_how_much = said.strength is not None and sides.strengths_in(options)
    return {"winner": winner, "strength": said.strength} if by_how_much else {"winner": winner}


def _named(chosen: Payload, names: Mapping[str, str]) -> str:
    """The winner under its other name."""
    winner: str = chosen.get("winner", "")
    return names.get(winner, winner)


def _only(payload: Payload, name: str) -> bool:
    """Whether this response alone is safe."""
    return bool(payload["safety"] == "preferred" and payload["winner"] == name)


def _majority(chosen: Sequence[Payload]) -> Payload:
    winner, votes = Counter(one["winner"] for one in chosen).most_common(1)[0]
    if 2 * votes <= len(chosen):
        return {"winner": TIE}
    return {"winner": winner} | _strength(winner, chosen)


def _strength(winner: str, chosen: Sequence[Payload]) -> Payload:
    """By how much, say those who chose this winner: the lower median."""
    strengths = [one["strength"] for one in chosen if one["winner"] == winner and "strength" in one]
    return {"strength": median_low(strengths)} if strengths else {}


def _by_dimension(payloads: Sequence[Payload]) -> Payload:
    given: dict[str, list[Payload]] = {}
    for payload in payloads:
        for name, chosen in payload.get("dimensions", {}).items():
            given.setdefault(name, []).append(chosen)
    return {"dimensions": {name: _majority(some) for name, some in given.items()}} if given else {}


def _safety(payloads: Sequence[Payload]) -> Payload:
    given = [one["safety"] for one in payloads if "safety" in one]
    word, votes = Counter(given).most_common(1)[0] if given else ("", 0)
    return {"safety": word} if 2 * votes > len(given) else {}

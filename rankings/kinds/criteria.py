"""`criteria`: a weighted checklist, each criterion yes, no or not applicable for each response: rubric rewards.

Payload: `{"criteria": [{"text": "Names the capital", "weight": 2}], "verdicts": {"a": ["yes"]}, "comment": ""}`.
`criteria` are those judged, in the order of the verdicts: the queue's, then the prompt's (`meta.criteria`), then
those that the annotator wrote. Who sends an answer may leave the given ones out where nothing is written.
`ratings` gives each response's share of the points (see `checklists.score`) as 0..100 on the axis "criteria".
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from annotate.kinds import (
    Checked,
    Example,
    Kind,
    LabelForm,
    Level,
    Measure,
    Opinion,
    Options,
    Payload,
    Problem,
    Rating,
)
from rankings.kinds import checklists
from rankings.kinds.axes import flat
from rankings.kinds.checklists import CriteriaField, Criterion
from rankings.kinds.rate import BY_KEYS

#: Criteria of an annotator's own that a page has room for.
OWN = 5
WORDS = {"yes": _("Yes"), "no": _("No"), "na": _("Doesn't apply")}
_CODES = {"no": 0, "yes": 1, "na": 2}


class CriteriaOptions(forms.Form):
    criteria = CriteriaField(
        label=_("Criteria for every task"),
        required=False,
        help_text=_(
            "One a line, as in “2 | Names the capital”: weight and text; a fault has a weight below 0. More may come "
            "with a prompt, in meta.criteria. Labels already given keep theirs."
        ),
    )
    not_applicable = forms.BooleanField(
        label=_("“Doesn't apply” can be chosen"),
        required=False,
        initial=True,
        help_text=_("Off: refused from now on. Answers already given stay."),
    )
    own = forms.BooleanField(
        label=_("Annotators can write criteria of their own"),
        required=False,
        help_text=_("Off: refused from now on. Those already written stay with their labels."),
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """One verdict that can be chosen."""

    value: str
    words: str | Promise
    digit: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One criterion as the page shows it: `place` in the list, and by letter what can be chosen and what is wrong."""

    place: int
    text: str
    weight: str
    choices: dict[str, list[Choice]]
    errors: dict[str, list[str]]

    @property
    def shown_weight(self) -> str:
        """With a real minus."""
        return self.weight.replace("-", "\N{MINUS SIGN}")


class CriteriaForm(LabelForm):
    def build(self) -> None:
        self.fields["criteria"] = CriteriaField(required=False)
        self.drop_answers_to_others()
        choices = [(value, words) for value, words in WORDS.items() if value != "na" or self._na]
        for letter in self.letters:
            for place, one in enumerate(self.judged):
                self.fields[_verdict(letter, place)] = forms.ChoiceField(
                    label=f"{letter.upper()}: {one['text']}",
                    choices=choices,
                    error_messages={"required": _("Not judged yet for response %s.") % letter.upper()},
                )

    @property
    def _na(self) -> bool:
        return bool(self.options.get("not_applicable", True))

    @cached_property
    def given(self) -> list[Criterion]:
        """The queue's criteria and the prompt's; a text that both have counts once, with the prompt's weight."""
        both = [*self.options.get("criteria", []), *checklists.of_facts(self.shown.facts)]
        return list({one["text"].casefold(): one for one in both}.values())

    @cached_property
    def own(self) -> list[Criterion]:
        """What the annotator wrote, of what is handed in or in the draft."""
        stated = (self.data if self.is_bound else self.initial).get("criteria")
        if not isinstance(stated, list) or not self.options.get("own"):
            return []
        found: list[Criterion] = []
        for entry in stated[len(self.given) : len(self.given) + checklists.MOST_CRITERIA]:
            try:
                found.append(checklists.read(entry))
            except ValueError:
                break  # `clean_criteria` says what is wrong with it
        return found

    @property
    def judged(self) -> list[Criterion]:
        return [*self.given, *self.own]

    def drop_answers_to_others(self) -> None:
        """A draft made when the task had other criteria says nothing of these."""
        stated = self.initial.get("criteria")
        if stated is not None and stated[: len(self.given)] != self.given:
            self.initial = {"comment": self.initial.get("comment", "")}

    @classmethod
    def flatten(cls, payload: Payload) -> dict[str, Any]:
        rest = {name: value for name, value in payload.items() if name != "verdicts"}
        for name, verdicts in flat("verdicts", payload.get("verdicts", {})):
            rest |= dict(enumerated(name, verdicts))
        return rest

    @classmethod
    def posted(cls, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """The page's lines as the payload has them: a line of one's own that was left empty is none."""
        lines = list(zip(_all(data, "criterion"), _all(data, "weight"), strict=False))
        kept = [(old, text, weight) for old, (text, weight) in enumerate(lines) if text.strip()]
        fields = {name: data[name] for name in data if not name.startswith("verdicts.")}
        for new, (old, _text, _weight) in enumerate(kept):
            mine = [name for name in data if name.startswith("verdicts.") and name.endswith(f".{old}")]
            fields |= {f"{name.rpartition('.')[0]}.{new}": data[name] for name in mine}
        return fields | {"criteria": [{"text": text, "weight": _number(weight)} for _old, text, weight in kept]}

    def clean_criteria(self) -> list[Criterion]:
        stated: list[Criterion] = self.cleaned_data["criteria"]
        if stated and stated[: len(self.given)] != self.given:
            raise forms.ValidationError(_("The criteria of this task have changed. Judge it by the new ones."))
        if stated[len(self.given) :] and not self.options.get("own"):
            raise forms.ValidationError(_("Criteria of your own aren't asked for here."))
        return stated

    def clean(self) -> dict[str, Any]:
        if not self.judged and not self.errors:
            self.add_error("criteria", _("Write at least one criterion."))
        return self.cleaned_data

    def payload(self) -> Payload:
        verdicts = {letter: self._verdicts(letter) for letter in self.letters}
        return {
            "criteria": self.judged,
            "verdicts": {letter: some for letter, some in verdicts.items() if any(some)},
            "comment": self.cleaned_data.get("comment", ""),
        }

    def _verdicts(self, letter: str) -> list[str | None]:
        return [self.cleaned_data.get(_verdict(letter, place)) or None for place in range(len(self.judged))]

    def lines(self) -> list[Line]:
        """The criteria given, for the page."""
        return [self._line(place, one) for place, one in enumerate(self.given)]

    def own_lines(self) -> list[Line]:
        """Lines for the annotator's own, those not yet written empty; none where the queue wants none."""
        if not self.options.get("own"):
            return []
        empty: Criterion = {"text": "", "weight": 1}
        lines = [*self.own, *[empty] * (OWN - len(self.own))]
        return [self._line(place, one) for place, one in enumerate(lines, len(self.given))]

    def _line(self, place: int, one: Criterion) -> Line:
        choices = {letter: self._choices(_verdict(letter, place)) for letter in self.letters}
        errors = {letter: [str(e) for e in self.errors.get(_verdict(letter, place), [])] for letter in self.letters}
        return Line(place, one["text"], str(one["weight"]), choices, errors)

    def _choices(self, name: str) -> list[Choice]:
        given = self[name].value() if name in self.fields else ""
        offered = [value for value in WORDS if value != "na" or self._na]
        return [Choice(one, WORDS[one], str(nth), one == given) for nth, one in enumerate(offered, 1)]


def _verdict(letter: str, place: int) -> str:
    return f"verdicts.{letter}.{place}"


def enumerated(name: str, values: Any) -> Iterator[tuple[str, Any]]:
    """["x", None] as ("name.0", "x"): a hole stays one. Anything else as it is, to be refused by its name."""
    if not isinstance(values, list):
        yield name, values
        return
    for place, value in enumerate(values):
        if value is not None:
            yield f"{name}.{place}", value


def _all(data: Mapping[str, Any], name: str) -> list[str]:
    values: list[str] = data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])
    return values


def _number(text: str) -> Any:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text


class Criteria(Kind):
    name = "criteria"
    label = _("Check criteria")
    description = _("People say which criteria of a weighted checklist each response meets.")
    asks = _("Which criteria does each response meet?")
    template = "kinds/criteria.html"
    script = "js/questions.js"
    keys = (("1", _("Yes")), ("2", _("No")), ("3", _("Doesn't apply")), *BY_KEYS)
    responses = (1, 9)
    reads = True
    options_form = CriteriaOptions
    label_form = CriteriaForm

    def check_task(
        self, responses: Sequence[str], options: Options, facts: Mapping[str, Any] | None = None
    ) -> Iterator[Problem]:
        yield from super().check_task(responses, options, facts)
        try:
            given = checklists.of_facts(facts or {})
        except ValueError as error:
            yield Problem("meta.criteria", str(error))
            return
        if not given and not options.get("criteria") and not options.get("own"):
            yield Problem("meta.criteria", str(_("is missing: neither the row nor the queue has criteria")))

    def rename(self, payload: Payload, names: Mapping[str, str]) -> Payload:
        return payload | {"verdicts": {names[one]: given for one, given in payload.get("verdicts", {}).items()}}

    def distance(self, first: Payload, second: Payload) -> float:
        """Share of the verdicts on criteria that both judged in which they differ, "doesn't apply" counting half."""
        ours, theirs = (dict(_by_text(one)) for one in (first, second))
        both = ours.keys() & theirs.keys()
        return fmean(_apart(ours[one], theirs[one]) for one in both) if both else 0.0

    def consensus(self, payloads: Sequence[Payload]) -> Payload | None:
        """On criteria that all judged, the verdict most gave; where two are level, "doesn't apply"."""
        if not payloads:
            return None
        common = [one for one in payloads[0]["criteria"] if all(one in other["criteria"] for other in payloads)]
        votes = [dict(_by_text(one)) for one in payloads]
        verdicts = {
            name: [_most(vote[name, one["text"]] for vote in votes) for one in common]
            for name in payloads[0]["verdicts"]
        }
        return {"criteria": common, "verdicts": verdicts, "comment": ""} if common else None

    def deciding(
        self, values: Mapping[str, float], names: Sequence[str], payloads: Sequence[Payload]
    ) -> Payload | None:
        """On criteria that all judged; where two verdicts are level, as in `consensus`."""
        together = self.consensus(payloads)
        if together is None:
            return None
        words = {float(code): word for word, code in _CODES.items()}
        found = {item: words[value] for item, value in values.items()}
        verdicts = {
            name: [
                found.get(f"{name}:{one['text']}", word) for one, word in zip(together["criteria"], given, strict=True)
            ]
            for name, given in together["verdicts"].items()
        }
        return together | {"verdicts": verdicts}

    def measures(self, options: Options) -> Sequence[Measure]:
        """All criteria together, the points they make, and each criterion that the queue asks of every task."""
        words = (WORDS["no"], WORDS["yes"], WORDS["na"])
        queues = enumerate(options.get("criteria", []), 1)
        return [
            Measure("criteria", _("All criteria"), Level.NOMINAL, words),
            Measure("points", _("Share of the points"), Level.INTERVAL),
            *(Measure(f"criteria.{nth}", one["text"], Level.NOMINAL, words) for nth, one in queues),
        ]

    def opinions(self, payload: Payload, names: Sequence[str], options: Options) -> Iterator[Opinion]:
        """Verdicts: 0 no, 1 yes, 2 doesn't apply. Points: 0 to 100."""
        queues = {one["text"]: f"criteria.{nth}" for nth, one in enumerate(options.get("criteria", []), 1)}
        for (name, text), verdict in _by_text(payload):
            value = float(_CODES[verdict])
            yield Opinion("criteria", f"{name}:{text}", value)
            if text in queues:
                yield Opinion(queues[text], name, value)
        yield from (Opinion("points", one.name, float(one.score)) for one in self.ratings(payload))

    def in_words(self, payload: Payload) -> str:
        """Each response's share of the weight it could have, in percent."""
        return "; ".join(f"{one.name.upper()}: {one.score} %" for one in sorted(self.ratings(payload)))

    def ratings(self, payload: Payload) -> Iterator[Rating]:
        for name, verdicts in payload["verdicts"].items():
            yield Rating(name, "criteria", round(100 * checklists.score(payload["criteria"], verdicts)))

    def checked(self, payload: Payload) -> Iterator[Checked]:
        for name, verdicts in payload["verdicts"].items():
            for one, verdict in zip(payload["criteria"], verdicts, strict=True):
                yield Checked(name, one["text"], float(one["weight"]), verdict)

    def example(self) -> Example:
        given = [{"text": "Answers in full sentences", "weight": 1}]
        asked = [{"text": "Names Canberra", "weight": 3}, {"text": "Claims that Sydney is the capital", "weight": -2}]
        return Example(
            instruction="What is the capital of Australia, and since when?",
            responses=("Canberra, since 1913.", "The capital is Sydney. It has been since 1788."),
            options={"criteria": given, "not_applicable": True, "own": False},
            facts={"criteria": asked},
            payload={
                "criteria": [*given, *asked],
                "verdicts": {"a": ["no", "yes", "no"], "b": ["yes", "no", "yes"]},
                "comment": "",
            },
            other_payload={
                "criteria": [*given, *asked],
                "verdicts": {"a": ["na", "yes", "no"], "b": ["yes", "no", "yes"]},
                "comment": "",
            },
        )


def _by_text(payload: Payload) -> Iterator[tuple[tuple[str, str], str]]:
    for name, verdicts in payload["verdicts"].items():
        for one, verdict in zip(payload["criteria"], verdicts, strict=True):
            yield (name, one["text"]), verdict


def _apart(one: str, other: str) -> float:
    return 0.0 if one == other else 0.5 if "na" in (one, other) else 1.0


def _most(verdicts: Iterable[str]) -> str:
    (first, count), *others = Counter(verdicts).most_common()
    return "na" if others and others[0][1] == count else first

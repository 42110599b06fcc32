"""Scores on axes and yes/no flags for each response: the part of a form, of a payload and of the arithmetic.

In a payload: `scores` {letter: {axis: score}}, `scales` {axis: [lowest, highest]} as they were when it was given
(written by the form, since a queue's options may change later), `flags` {letter: [flag, ...]}, only letters that
have some. Each key is there only where the queue asks for it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, median
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.kinds import LabelForm, Level, Measure, Opinion, Options, Payload, Rating, Said
from rankings.kinds.scales import AxesField, Axis, FlagsField, axes_in, digits

KEYS = ("scores", "scales", "flags")
#: Scores of more points than this are looked at as measurements: their differences mean something.
MOST_ORDINAL = 7
TICKED = (_("not ticked"), _("ticked"))


def axes_field(**kwargs: Any) -> AxesField:
    """The option `axes` of a queue."""
    given = {
        "label": _("Axes to rate each response on"),
        "required": False,
        "help_text": _(
            "One a line: “helpfulness: 0 useless | 1 poor | 2 fair | 3 good | 4 excellent”, or “overall: 1-7”. "
            "Holds for answers from now on; scores already given keep their axes and scales."
        ),
    }
    return AxesField(**given | kwargs)


def flags_field(**kwargs: Any) -> FlagsField:
    """The option `flags` of a queue."""
    given = {
        "label": _("Flags to tick for a response"),
        "required": False,
        "help_text": _("One a line, as in “made up”. Holds for answers from now on; flags already set stay."),
    }
    return FlagsField(**given | kwargs)


@dataclass(frozen=True, slots=True)
class Choice:
    """One point of an axis, or one flag: its value, its word, the key that picks it."""

    value: str
    word: str
    digit: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Question:
    """One axis or the flags of one response, as the page asks it. `name` is the inputs' name."""

    name: str
    title: str
    choices: list[Choice]
    errors: list[str]


class AxesForm(LabelForm):
    """A label form with the options `axes` and `flags`: fields `scores.<letter>.<axis>` and `flags.<letter>`."""

    #: where the queue's options don't say
    default_axes: ClassVar[Sequence[Mapping[str, Any]]] = ()

    def build(self) -> None:
        for letter in self.letters:
            for axis in self.scales:
                self.fields[_score(letter, axis)] = forms.IntegerField(
                    label=f"{letter.upper()}: {axis.name}",
                    min_value=axis.low,
                    max_value=axis.high,
                    error_messages={
                        "required": _("Response %(letter)s has no score yet: %(axis)s.")
                        % {"letter": letter.upper(), "axis": axis.name}
                    },
                )
            if flags := self.options.get("flags"):
                self.fields[f"flags.{letter}"] = forms.MultipleChoiceField(
                    label=letter.upper(), choices=[(one, one) for one in flags], required=False
                )

    @cached_property
    def scales(self) -> list[Axis]:
        return axes_in(self.options.get("axes", self.default_axes))

    @classmethod
    def flatten(cls, payload: Payload) -> dict[str, Any]:
        rest = {name: value for name, value in super().flatten(payload).items() if name not in KEYS}
        return rest | dict(_flat_scores(payload.get("scores", {}))) | dict(flat("flags", payload.get("flags", {})))

    def excuse(self, letters: Collection[str]) -> None:
        """For `clean`: these responses need no scores after all."""
        for letter in letters:
            for axis in self.scales:
                if self.has_error(name := _score(letter, axis), "required"):
                    del self.errors[name]

    def judged(self) -> Payload:
        """The payload's part: `scores`, `scales` and `flags`, as far as they are asked for and valid."""
        part: Payload = {}
        if self.scales:
            scores = {letter: self._scores(letter) for letter in self.letters}
            part["scores"] = {letter: some for letter, some in scores.items() if some}
            part["scales"] = {axis.name: [axis.low, axis.high] for axis in self.scales}
        if self.options.get("flags"):
            flags = {letter: self._flagged(letter) for letter in self.letters}
            part["flags"] = {letter: some for letter, some in flags.items() if some}
        return part

    def _flagged(self, letter: str) -> list[str]:
        given = self.cleaned_data.get(f"flags.{letter}", [])
        return [one for one in self.options["flags"] if one in given]

    def _scores(self, letter: str) -> dict[str, int]:
        found = {axis.name: self.cleaned_data.get(_score(letter, axis)) for axis in self.scales}
        return {name: score for name, score in found.items() if score is not None}

    def axes(self) -> dict[str, list[Question]]:
        """By letter: its axes, for the page."""
        return {letter: [self._axis(letter, axis) for axis in self.scales] for letter in self.letters}

    def _axis(self, letter: str, axis: Axis) -> Question:
        field = self[_score(letter, axis)]
        given = "" if field.value() is None else str(field.value())
        points = zip(axis.points, digits(axis.low, len(axis.points)), strict=True)
        choices = [
            Choice(str(value), word, digit, str(value) == given) for value, (word, digit) in enumerate(points, axis.low)
        ]
        return Question(field.html_name, axis.name, choices, [str(one) for one in field.errors])

    def flags(self) -> dict[str, Question]:
        """By letter: its flags, for the page; nothing where the queue has none."""
        return {letter: self._flags(letter) for letter in self.letters if self.options.get("flags")}

    def _flags(self, letter: str) -> Question:
        field, names = self[f"flags.{letter}"], self.options["flags"]
        given = field.value() or []
        keys = zip(names, [*digits(1, 10), *[""] * len(names)], strict=False)
        choices = [Choice(name, name, digit, name in given) for name, digit in keys]
        return Question(field.html_name, "", choices, [str(one) for one in field.errors])


def _score(letter: str, axis: Axis) -> str:
    return f"scores.{letter}.{axis.name}"


def flat(name: str, by_letter: Any) -> Iterator[tuple[str, Any]]:
    """{"a": x} as ("name.a", x); anything else as it is, to be refused by its name."""
    if not isinstance(by_letter, dict):
        yield name, by_letter
        return
    for letter, value in by_letter.items():
        yield f"{name}.{letter}", value


def _flat_scores(scores: Any) -> Iterator[tuple[str, Any]]:
    for name, value in flat("scores", scores):
        yield from flat(name, value)


# --- Payloads --------------------------------------------------------------------------------------------------------


def rename(payload: Payload, names: Mapping[str, str]) -> Payload:
    """The part of the payload that names responses, with their other names; {} where there is none."""
    found = {key: payload[key] for key in ("scores", "flags") if key in payload}
    return {key: {names[one]: value for one, value in by_name.items()} for key, by_name in found.items()}


def distance(first: Payload, second: Payload) -> float:
    """Mean over scores that both give of |x - y| / (highest - lowest), and over flags of the Jaccard distance.

    Each axis of each response counts one, the flags of a response count one. 0 where nothing can be compared.
    """
    far = [*_score_distances(first, second), *_flag_distances(first, second)]
    return fmean(far) if far else 0.0


def _score_distances(first: Payload, second: Payload) -> Iterator[float]:
    ours, theirs = (_by_question(one) for one in (first, second))
    for letter, axis in ours.keys() & theirs.keys():
        low = min(one["scales"][axis][0] for one in (first, second))
        high = max(one["scales"][axis][1] for one in (first, second))
        yield abs(ours[letter, axis] - theirs[letter, axis]) / (high - low)


def _flag_distances(first: Payload, second: Payload) -> Iterator[float]:
    if "flags" not in first or "flags" not in second:
        return
    for letter in first["flags"].keys() | second["flags"].keys():
        ours, theirs = (set(one["flags"].get(letter, [])) for one in (first, second))
        yield len(ours ^ theirs) / len(ours | theirs)


def _by_question(payload: Payload) -> dict[tuple[str, str], int]:
    return {(one.name, one.axis): one.score for one in ratings(payload)}


def consensus(payloads: Sequence[Payload]) -> Payload:
    """The median of each score (halves to the even number), and the flags that more than half set."""
    part: Payload = {}
    if any("scores" in one for one in payloads):
        part["scores"] = _median_scores(payloads)
        part["scales"] = {axis: scale for one in payloads for axis, scale in one.get("scales", {}).items()}
    if any("flags" in one for one in payloads):
        part["flags"] = _common_flags(payloads)
    return part


def _median_scores(payloads: Sequence[Payload]) -> dict[str, dict[str, int]]:
    given: dict[str, dict[str, list[int]]] = {}
    for one in payloads:
        for rating in ratings(one):
            given.setdefault(rating.name, {}).setdefault(rating.axis, []).append(rating.score)
    return {
        name: {axis: round(median(scores)) for axis, scores in by_axis.items()}
        for name, by_axis in sorted(given.items())
    }


def _common_flags(payloads: Sequence[Payload]) -> dict[str, list[str]]:
    votes: dict[tuple[str, str], int] = {}
    for one in payloads:
        for letter, flags in one.get("flags", {}).items():
            for flag in flags:
                votes[letter, flag] = votes.get((letter, flag), 0) + 1
    common: dict[str, list[str]] = {}
    for (letter, flag), count in sorted(votes.items()):
        if 2 * count > len(payloads):
            common.setdefault(letter, []).append(flag)
    return common


def said_outside(said: Said, letters: Sequence[str], axes: Sequence[Axis]) -> Payload:
    """The part of an answer with scores given outside, on axes of the same names that every response has a score on."""
    given = {
        letter: {_alike(name): _whole(score) for name, score in said.scores.get(letter, {}).items()}
        for letter in letters
    }
    common = [axis.name for axis in axes if all(_alike(axis.name) in some for some in given.values())]
    if not (letters and common):
        return {}
    return {"scores": {letter: {name: some[_alike(name)] for name in common} for letter, some in given.items()}}


def _alike(name: str) -> str:
    return name.casefold().replace("_", " ").strip()


def _whole(score: float) -> float:
    return int(score) if float(score).is_integer() else score


def asked_outside(payload: Payload, options: Options) -> Options:
    """These options with only the axes that the answer has scores on, and with flags only where it has some."""
    scores = payload.get("scores")
    by_letter = scores.values() if isinstance(scores, dict) else []
    scored = {axis for some in by_letter if isinstance(some, dict) for axis in some}
    axes = [axis for axis in options.get("axes", []) if axis["name"] in scored]
    return {**options, "axes": axes, "flags": options.get("flags", []) if "flags" in payload else []}


def ratings(payload: Payload) -> Iterator[Rating]:
    """Every score, as `Kind.ratings` gives them."""
    for name, by_axis in payload.get("scores", {}).items():
        for axis, score in by_axis.items():
            yield Rating(name, axis, score)


def measures(options: Options, default_axes: Sequence[Mapping[str, Any]] = ()) -> Iterator[Measure]:
    """Each axis and each flag that a queue asks for: `scores.<axis>` and `flags.<flag>`."""
    for axis in axes_in(options.get("axes", default_axes)):
        level = Level.ORDINAL if len(axis.points) <= MOST_ORDINAL else Level.INTERVAL
        words = tuple(word or str(value) for value, word in enumerate(axis.points, axis.low))
        yield Measure(f"scores.{axis.name}", axis.name, level, words, axis.low)
    for flag in options.get("flags", []):
        yield Measure(f"flags.{flag}", flag, Level.NOMINAL, TICKED)


def opinions(
    payload: Payload, names: Sequence[str], options: Options, default_axes: Sequence[Mapping[str, Any]] = ()
) -> Iterator[Opinion]:
    """Scores on the scales of today, and of each response whether it has each flag."""
    asked = {axis.name: [axis.low, axis.high] for axis in axes_in(options.get("axes", default_axes))}
    scales = payload.get("scales", {})
    for one in ratings(payload):
        if one.axis in asked and scales.get(one.axis) == asked[one.axis]:
            yield Opinion(f"scores.{one.axis}", one.name, float(one.score))
    for name in names if "flags" in payload else []:
        ticked = payload["flags"].get(name, [])
        yield from (Opinion(f"flags.{flag}", name, float(flag in ticked)) for flag in options.get("flags", []))


def in_words(payload: Payload) -> str:
    """The scores of each response, then what was ticked for it."""
    scores, flags = payload.get("scores", {}), payload.get("flags", {})
    told = {name: [f"{axis} {score}" for axis, score in given.items()] for name, given in scores.items()}
    names = sorted(told.keys() | flags.keys())
    return "; ".join(f"{one.upper()}: {', '.join([*told.get(one, []), *flags.get(one, [])])}" for one in names)

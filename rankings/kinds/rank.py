"""`rank`: put the responses in order, ties allowed.

Payload: `{"ranks": {"a": 1, "b": 2, "c": 2}, "unusable": ["d"], "comment": ""}`, and what `extras` asks for. 1 is
best, equal numbers tie. Every response is ranked or marked unusable: one that was not touched is refused, never given
a place by default.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.kinds import Comparison, Example, Level, Measure, Opinion, Options, Payload, Said, Shown
from rankings.kinds import axes, orders
from rankings.kinds.extras import ExtraOptions, Judging, JudgingForm


class RankOptions(ExtraOptions):
    field_order = ("ties", "unusable")

    ties = forms.BooleanField(
        label=_("Ties allowed"),
        required=False,
        initial=True,
        help_text=_("Off: two responses can't share a place. Rankings already given keep their ties."),
    )
    unusable = forms.BooleanField(
        label=_("Responses can be marked unusable"),
        required=False,
        initial=True,
        help_text=_("Off: every response has to be ranked. Marks already given stay."),
    )


@dataclass(frozen=True, slots=True)
class Row:
    """What a page shows of one response's answer so far."""

    place: str
    unusable: bool
    errors: list[str]


class RankForm(JudgingForm):
    def build(self) -> None:
        super().build()
        for letter in self.letters:
            self.fields[f"ranks.{letter}"] = forms.IntegerField(
                label=letter.upper(), min_value=1, max_value=len(self.letters), required=False
            )
        if self.options.get("unusable", True):
            self.fields["unusable"] = forms.MultipleChoiceField(
                label=_("Unusable"), choices=[(letter, letter.upper()) for letter in self.letters], required=False
            )

    @classmethod
    def flatten(cls, payload: Payload) -> dict[str, Any]:
        flat = super().flatten(payload)
        ranks = flat.pop("ranks", {})
        if not isinstance(ranks, dict):
            return flat | {"ranks": ranks}
        return flat | {f"ranks.{letter}": rank for letter, rank in ranks.items()}

    def clean(self) -> dict[str, Any]:
        ranks, unusable = self._ranks(), self._unusable()
        for letter in self.letters:
            name = f"ranks.{letter}"
            if letter in ranks and letter in unusable:
                self.add_error(name, _("Response %s is ranked and unusable: choose one.") % letter.upper())
            elif letter not in ranks and letter not in unusable and name not in self.errors:
                self.add_error(name, _("Response %s has no place yet.") % letter.upper())
        if not self.ties and len(set(ranks.values())) < len(ranks):
            self.add_error(None, _("Ties are off in this queue: give every response a place of its own."))
        self.excuse(unusable)
        self.clean_extras()
        return self.cleaned_data

    def best(self) -> list[str]:
        ranks = self._ranks()
        return [letter for letter, rank in ranks.items() if rank == min(ranks.values())]

    def payload(self) -> Payload:
        # A draft keeps the places as they were given: closing a gap would tie what is still to come.
        ranks = self._ranks()
        return {
            "ranks": ranks if self.errors else orders.dense(ranks),
            "unusable": self._unusable(),
            **self.extras(),
            "comment": self.cleaned_data.get("comment", ""),
        }

    @property
    def ties(self) -> bool:
        """Whether two responses may share a place."""
        return bool(self.options.get("ties", True))

    @property
    def places(self) -> list[str]:
        """The places that can be given, as the page writes them."""
        return [str(place) for place in range(1, len(self.letters) + 1)]

    def rows(self) -> dict[str, Row]:
        """By letter: the place, the mark and what is wrong, for the page."""
        unusable = self["unusable"].value() or [] if "unusable" in self.fields else []
        places = {letter: self[f"ranks.{letter}"] for letter in self.letters}
        return {
            letter: Row(str(field.value() or ""), letter in unusable, [str(one) for one in field.errors])
            for letter, field in places.items()
        }

    def _ranks(self) -> dict[str, int]:
        found = {letter: self.cleaned_data.get(f"ranks.{letter}") for letter in self.letters}
        return {letter: rank for letter, rank in found.items() if rank is not None}

    def _unusable(self) -> list[str]:
        return sorted(self.cleaned_data.get("unusable", []))


class Rank(Judging):
    name = "rank"
    label = _("Rank responses")
    description = _("People put two to nine responses in order, best first.")
    asks = _("Put the responses in order, best first.")
    template = "kinds/rank.html"
    script = "js/rank.js"
    keys = (
        ("1 … 9", _("Place of the marked response, 1 is best; goes on to the next")),
        ("=", _("Same place as the one before: a tie")),
        ("[ ]", _("One place better, one place worse; so do Shift ↑ and Shift ↓")),
        ("u", _("Unusable")),
        ("← →", _("Response before, response after")),
        ("Backspace", _("Take the place back")),
        ("Ctrl+Z", _("Undo the last move")),
        ("r", _("Write the reason, where one is asked for")),
        ("i", _("Improve the best response, where that is asked for")),
    )
    responses = (2, 9)
    options_form = RankOptions
    label_form = RankForm

    def answer(self, said: Said, shown: Shown, options: Options) -> Payload | None:
        if not said.ranks:
            return None
        return {"ranks": orders.dense(said.ranks), **self.said_besides(said, shown, options)}

    def rename(self, payload: Payload, names: Mapping[str, str]) -> Payload:
        return super().rename(payload, names) | {
            "ranks": {names[one]: rank for one, rank in payload.get("ranks", {}).items()},
            "unusable": sorted(names[one] for one in _unusable(payload)),
        }

    def distance(self, first: Payload, second: Payload) -> float:
        """See `orders.distance`; unusable responses share the place after the last. Of the order alone."""
        return orders.distance(_places(first), _places(second))

    def consensus(self, payloads: Sequence[Payload]) -> Payload | None:
        """Order by mean place; unusable where more than half say so; scores and flags as `axes.consensus` has them."""
        if not payloads:
            return None
        votes = Counter(one for payload in payloads for one in _unusable(payload))
        unusable = sorted(one for one, count in votes.items() if 2 * count > len(payloads))
        places = [{k: v for k, v in _places(one).items() if k not in unusable} for one in payloads]
        ranks = orders.mean_order(places)
        return {"ranks": ranks, "unusable": unusable, **axes.consensus(payloads), "comment": ""}

    def ordered(self, places: Mapping[str, int], payloads: Sequence[Payload]) -> Payload | None:
        together = self.consensus(payloads)
        if together is None:
            return None
        ranks = {name: places.get(name, place) for name, place in together["ranks"].items()}
        return together | {"ranks": orders.dense(ranks)}

    def measures(self, options: Options) -> Sequence[Measure]:
        marks = Measure("unusable", _("Unusable"), Level.NOMINAL, (_("usable"), _("unusable")))
        return [
            Measure("order", _("Order"), Level.ORDER, (_("first better"), _("tie"), _("second better")), -1),
            *([marks] if options.get("unusable", True) else []),
            *axes.measures(options),
        ]

    def opinions(self, payload: Payload, names: Sequence[str], options: Options) -> Iterator[Opinion]:
        """Of each two responses which is better; unusable ones share the place after the last, as in `distance`."""
        places = _places(payload)
        for first, second in combinations([name for name in names if name in places], 2):
            yield Opinion("order", f"{first}:{second}", float(orders.sign(places, first, second)))
        if options.get("unusable", True):
            yield from (Opinion("unusable", name, float(name in _unusable(payload))) for name in names)
        yield from axes.opinions(payload, names, options)

    def in_words(self, payload: Payload) -> str:
        """As "B > A = C", best first."""
        ranks = payload["ranks"]
        groups = [sorted(one for one in ranks if ranks[one] == place) for place in sorted(set(ranks.values()))]
        order = " > ".join(" = ".join(one.upper() for one in group) for group in groups)
        bad = ", ".join(one.upper() for one in _unusable(payload))
        return "; ".join(filter(None, [order, bad and _("unusable: %s") % bad]))

    def comparisons(self, payload: Payload) -> Iterator[Comparison]:
        """Pairs of ranked responses, and the improved text. Unusable ones are not in the order, so in no pair."""
        yield from orders.comparisons(payload["ranks"])
        yield from self.improvement(payload)

    def outdone(self, payload: Payload) -> Iterator[Comparison]:
        """A ranked response is better than an unusable one. Two unusable ones say nothing of each other."""
        ranks = payload["ranks"]
        last = max(ranks.values(), default=0) + 1
        for one, place in ranks.items():
            yield from (Comparison(one, bad, rank_winner=place, rank_loser=last) for bad in _unusable(payload))

    def example(self) -> Example:
        return Example(
            instruction="Give one tip for learning a language.",
            responses=(
                "Speak a little every day, even to yourself.",
                "Languages are hard.",
                "Learn ten words a day and use each in a sentence.",
                "As an unrelated note, buy my course.",
            ),
            payload={"ranks": {"a": 1, "b": 2, "c": 1}, "unusable": ["d"], "comment": ""},
            other_payload={"ranks": {"a": 2, "b": 3, "c": 1}, "unusable": ["d"], "comment": ""},
        )


def _places(payload: Payload) -> dict[str, float]:
    ranks = payload["ranks"]
    return {**ranks, **dict.fromkeys(_unusable(payload), max(ranks.values(), default=0) + 1)}


def _unusable(payload: Payload) -> list[str]:
    """Empty too where an answer does not say."""
    found: list[str] = payload.get("unusable", [])
    return found

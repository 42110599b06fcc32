"""The row of buttons between two responses: which is better, by how much, a tie, both bad.

A choice on the page is the winner and the strength in one: "a3" is "a, much better", "tie" is a tie.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from annotate.kinds import Level, Measure, Opinion, Options, Payload

TIE, BOTH_BAD = "tie", "both_bad"
EVEN = {TIE, BOTH_BAD}
EVEN_WORDS = {TIE: _("About the same"), BOTH_BAD: _("Both bad")}

#: By the number of levels: the strength of a preference, from slight to much, and its words. Four are Llama 2's.
STRENGTHS: Mapping[int, Mapping[int, str | Promise]] = {
    3: {1: _("slightly better"), 2: _("clearly better"), 3: _("much better")},
    4: {
        0: _("negligibly better, or unsure"),
        1: _("slightly better"),
        2: _("better"),
        3: _("significantly better"),
    },
}


@dataclass(frozen=True, slots=True)
class Step:
    """One button: what it chooses, its words, the digit that picks it, and its own key where it has one."""

    value: str
    side: str
    words: str | Promise
    digit: str
    key: str
    chosen: bool


def strengths_in(options: Options) -> Mapping[int, str | Promise]:
    """The strengths that a queue asks for, and their words; none where it does not ask by how much."""
    return STRENGTHS[options.get("levels") or 3] if options.get("strength", True) else {}


def measures(options: Options) -> Iterator[Measure]:
    """By how much, where it is asked: from "first: much better" (below 0) over a tie (0) to "second: much better"."""
    words = list(strengths_in(options).values())
    if words:
        first = [format_lazy("{}: {}", _("first"), one) for one in reversed(words)]
        second = [format_lazy("{}: {}", _("second"), one) for one in words]
        values = (*first, EVEN_WORDS[TIE], *second)
        yield Measure("strength", _("By how much"), Level.ORDINAL, values, -len(words))


def opinions(payload: Payload, first: str, options: Options) -> Iterator[Opinion]:
    """A choice on that measure. "Both bad", and a choice without a strength of today's, say nothing on it."""
    sizes = {strength: float(size) for size, strength in enumerate(strengths_in(options), 1)}
    winner, strength = payload["winner"], payload.get("strength")
    if sizes and winner == TIE:
        yield Opinion("strength", "", 0.0)
    elif winner not in EVEN and strength in sizes:
        yield Opinion("strength", "", -sizes[strength] if winner == first else sizes[strength])


def in_words(winner: str, strength: int | None) -> str:
    """A choice in a few words; responses of a page are letters, on others they may be called otherwise."""
    if winner in EVEN:
        return str(EVEN_WORDS[winner])
    words = _("better") if strength is None else STRENGTHS[3 if strength else 4][strength]
    return f"{winner.upper()}: {words}"


def winners_in(options: Options, *, overall: bool) -> dict[str, str | Promise]:
    """What may be chosen as the winner. "Both bad" is said of two responses, not of one dimension of theirs."""
    even = [name for name in (TIE, BOTH_BAD) if options.get(name, True) and (overall or name == TIE)]
    return {"a": "A", "b": "B"} | {name: EVEN_WORDS[name] for name in even}


def steps(options: Options, chosen: str, *, overall: bool) -> list[Step]:
    """The row of buttons, from "A is much better" to "B is much better", then "both bad"."""
    strengths, winners = strengths_in(options), winners_in(options, overall=overall)
    digits = _digits(strengths, winners)
    keys = {TIE: "t", BOTH_BAD: "b"} if overall else {}
    made = []
    for value in _values(strengths, winners):
        winner, strength = split(value)
        side = "" if winner in EVEN else winner
        words = winners[winner] if not side else strengths[int(strength)] if strength else _("is better")
        made.append(Step(value, side, words, digits.get(value, ""), keys.get(value, ""), value == chosen))
    return made


def split(choice: str) -> tuple[str, str]:
    """ "a3" as "a", "3"; "tie" as "tie", ""."""
    winner = choice.rstrip("0123")
    return winner, choice[len(winner) :]


def joined(winner: Any, strength: Any) -> str:
    """The choice that says this; "" where there is none yet."""
    return f"{winner or ''}{'' if strength is None else strength}"


def _values(strengths: Mapping[int, Any], winners: Mapping[str, Any]) -> Iterator[str]:
    marks = [str(one) for one in strengths] or [""]
    yield from (f"a{mark}" for mark in reversed(marks))
    yield from (name for name in (TIE,) if name in winners)
    yield from (f"b{mark}" for mark in marks)
    yield from (name for name in (BOTH_BAD,) if name in winners)


def _digits(strengths: Mapping[int, Any], winners: Mapping[str, Any]) -> dict[str, str]:
    """With strengths, the buttons in their row; without, 1 and 2 for the sides, 3 for a tie."""
    row = [one for one in _values(strengths, winners) if one != BOTH_BAD] if strengths else ["a", "b", TIE]
    return {value: str(nth) for nth, value in enumerate(row, 1)}

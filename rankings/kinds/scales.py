"""What a queue's options say of scores and flags, as a JSON list and as the lines of a text field.

Axes: `[{"name": "helpfulness", "low": 0, "points": ["useless", "poor", "fair", "good", "excellent"]}]`, the points
from the lowest up, "" for one without a word; in a text field `helpfulness: 0 useless | 1 poor | 2 fair | 3 good |
4 excellent`, or `overall: 1-7`. Flags: `["made up", "off topic"]`, one a line.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

MOST_AXES, MOST_POINTS, MOST_FLAGS = 12, 10, 30
LONGEST_NAME, LONGEST_WORD = 60, 100

#: What may be a name: it is a part of a field's name, and the start of a line.
_NAME = re.compile(rf"[^\W_][^.:|\x00-\x1f]{{0,{LONGEST_NAME - 1}}}")
_WORD = re.compile(rf"[^|\x00-\x1f]{{0,{LONGEST_WORD}}}")
_RANGE = re.compile(r"(-?\d{1,3})\s*(?:-|\u2013|to)\s*(-?\d{1,3})")
_POINT = re.compile(r"(-?\d{1,3})\b\s*(.*)")


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale of whole numbers from `low` up, a word (or "") for each point."""

    name: str
    low: int
    points: tuple[str, ...]

    @property
    def high(self) -> int:
        return self.low + len(self.points) - 1

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "low": self.low, "points": list(self.points)}

    def as_line(self) -> str:
        if any(self.points):
            return f"{self.name}: " + " | ".join(f"{n} {word}".strip() for n, word in enumerate(self.points, self.low))
        return f"{self.name}: {self.low}{' to ' if self.low < 0 else '-'}{self.high}"


def axes_in(stored: Iterable[Mapping[str, Any]]) -> list[Axis]:
    """The axes that checked options hold."""
    return [Axis(one["name"], one["low"], tuple(one["points"])) for one in stored]


class ListField(forms.Field):
    """A list in JSON, a line for each entry in a text field; gives the canonical JSON list. Errors name the line."""

    widget = forms.Textarea
    most = 0

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget.attrs |= {"rows": 4, "dir": "auto"}

    def to_python(self, value: Any) -> list[Any]:
        if value in self.empty_values:
            return []
        entries = enumerate(value.splitlines(), 1) if isinstance(value, str) else enumerate(self._listed(value), 1)
        found = [(nth, self._read(nth, entry)) for nth, entry in entries if not _is_blank(entry)]
        if len(found) > self.most:
            raise forms.ValidationError(_("At most %d are possible.") % self.most)
        self._refuse_repeats(found)
        return [self.as_json(one) for _nth, one in found]

    def prepare_value(self, value: Any) -> Any:
        """What stands in the text field."""
        return value if isinstance(value, str) or value is None else "\n".join(map(self.as_line, value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial or []) != self.prepare_value(data or []))

    def _listed(self, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise forms.ValidationError(_("Must be a list."))
        return value

    def _read(self, nth: int, entry: Any) -> Any:
        try:
            return self.of_line(entry.strip()) if isinstance(entry, str) else self.of_json(entry)
        except ValueError as error:
            raise forms.ValidationError(_("Line %(line)d: %(reason)s") % {"line": nth, "reason": error}) from None

    def _refuse_repeats(self, found: Iterable[tuple[int, Any]]) -> None:
        seen: set[str] = set()
        for nth, one in found:
            name = self.name_of(one).casefold()
            if name in seen:
                reason = _("this name stands in a line above")
                raise forms.ValidationError(_("Line %(line)d: %(reason)s") % {"line": nth, "reason": reason})
            seen.add(name)

    def of_line(self, line: str) -> Any:
        """The entry that a line of text says. Raises ValueError with the reason."""
        raise NotImplementedError

    def of_json(self, entry: Any) -> Any:
        """The entry that a JSON value says. Raises ValueError with the reason."""
        raise ValueError(_("must be a text"))

    def name_of(self, one: Any) -> str:
        return str(one)

    def as_json(self, one: Any) -> Any:
        return one

    def as_line(self, stored: Any) -> str:
        return str(stored)


def _is_blank(entry: Any) -> bool:
    return isinstance(entry, str) and not entry.strip()


class AxesField(ListField):
    """Axes of scores: see the module's docstring for both forms."""

    most = MOST_AXES

    def of_line(self, line: str) -> Axis:
        name, colon, rest = (part.strip() for part in line.partition(":"))
        if not colon or not rest:
            raise ValueError(_("write a name, a colon and the points, as in “overall: 1-5”"))
        if found := _RANGE.fullmatch(rest):
            return _axis(name, int(found[1]), [""] * max(0, min(int(found[2]) - int(found[1]) + 1, MOST_POINTS + 1)))
        low, words = _points(rest)
        return _axis(name, low, words)

    def of_json(self, entry: Any) -> Axis:
        if not isinstance(entry, dict) or entry.keys() != {"name", "low", "points"}:
            raise ValueError(_("must be an object with name, low and points"))
        name, low, points = entry["name"], entry["low"], entry["points"]
        if not isinstance(name, str) or type(low) is not int or not isinstance(points, list):
            raise ValueError(_("name must be a text, low a whole number, points a list of texts"))
        if not all(isinstance(one, str) for one in points):
            raise ValueError(_("name must be a text, low a whole number, points a list of texts"))
        return _axis(name.strip(), low, [one.strip() for one in points])

    def name_of(self, one: Axis) -> str:
        return one.name

    def as_json(self, one: Axis) -> dict[str, Any]:
        return one.as_json()

    def as_line(self, stored: Any) -> str:
        return axes_in([stored])[0].as_line() if isinstance(stored, dict) else str(stored)


def _points(text: str) -> tuple[int, list[str]]:
    """The lowest point and the words of "0 useless | 1 poor | ..."."""
    found = [_POINT.fullmatch(part.strip()) for part in text.split("|")]
    numbers = [int(one[1]) for one in found if one]
    if len(numbers) < len(found) or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        raise ValueError(_("give the points from the lowest up without gaps, as in “0 poor | 1 fair | 2 good”"))
    return numbers[0], [one[2].strip() for one in found if one]


def _axis(name: str, low: int, points: list[str]) -> Axis:
    if not _NAME.fullmatch(name):
        raise ValueError(_("a name begins with a letter or digit and has no “.”, “:” or “|”; at most 60 characters"))
    if not 2 <= len(points) <= MOST_POINTS or abs(low) > 100:
        raise ValueError(_("an axis has 2 to %d points") % MOST_POINTS)
    if not all(_WORD.fullmatch(word) for word in points):
        raise ValueError(_("a point's word has at most 100 characters and no “|”"))
    return Axis(name, low, tuple(points))


class FlagsField(ListField):
    """Yes/no flags: their names, one a line or a JSON list of texts."""

    most = MOST_FLAGS

    def of_line(self, line: str) -> str:
        if not _WORD.fullmatch(line):
            raise ValueError(_("a flag has at most 100 characters and no “|”"))
        return line


def digits(low: int, count: int) -> Iterator[str]:
    """The key for each of `count` points from `low` up: the number itself where it is a digit, else its position."""
    high = low + count - 1
    plain = low >= 0 and (high <= 9 or (low, high) == (1, 10))
    for nth in range(count):
        number = low + nth if plain else nth + 1
        yield str(number % 10) if number <= 10 else ""

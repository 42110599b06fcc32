"""A figure as pages, CSV and REST show it: the number, how sure it is, what it means, what is behind it."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from annotate.charts.scale import Numbers, numbers

#: What is said beside a figure, so that colour is not the only sign.
WORRIES = {"fine": _("fine"), "look": _("worth a look"), "worry": _("worry")}
#: A spreadsheet takes a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Figure:
    """`worry`: "fine", "look" or "worry"; "" where it is neither good nor bad. `href`: the labels behind it.

    `value` None: not enough data, and the sentence says what is missing. `unit`: "%" (the value is a share, 0 to 1),
    "" or a word. `count`: how many labels are behind it. `known`: for programs, beside the number (such as
    `{"tasks": 12}`).
    """

    name: str
    title: str | Promise
    value: float | None
    low: float | None = None
    high: float | None = None
    count: int = 0
    unit: str | Promise = ""
    sentence: str | Promise = ""
    worry: str = ""
    href: str = ""
    known: dict[str, Any] = field(default_factory=dict)
    #: how many are written; None: as many as the number is worth
    decimals: int | None = None

    @property
    def _numbers(self) -> Numbers:
        if self.decimals is not None:
            return Numbers(str(self.unit), self.decimals)
        found = (self.value, self.low, self.high)
        return numbers([one for one in found if one is not None], str(self.unit))

    @property
    def shown(self) -> str:
        """The number as people read it; "" where there is none. With a + where it is that much or more."""
        more = "+" if self.known.get("roughly") else ""
        return "" if self.value is None else self._numbers.say(self.value) + more

    @property
    def interval(self) -> str:
        return "" if self.value is None else self._numbers.interval(self.low, self.high)

    @property
    def word(self) -> str:
        """The unit, where it is a word."""
        return "" if self.unit == "%" else str(self.unit)

    @property
    def worry_word(self) -> str | Promise:
        return WORRIES.get(self.worry, "")

    def as_json(self) -> dict[str, Any]:
        """For programs: shares 0 to 1, null where there is not enough data."""
        return {
            "name": self.name,
            "title": str(self.title),
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "labels": self.count,
            "unit": str(self.unit),
            "sentence": str(self.sentence),
            "worry": self.worry,
            "known": self.known,
        }


class _Line:
    """What the csv module writes to: gives the line back."""

    def write(self, line: str) -> str:
        return line


def csv_lines(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """A table for a spreadsheet, line by line. A text that it would take for a formula gets a ' before it."""
    writer = csv.writer(_Line())
    for row in (heads, *rows):
        yield writer.writerow([_cell(cell) for cell in row])


def _cell(value: Any) -> Any:
    if isinstance(value, str | Promise):
        text = str(value)
        return f"'{text}" if text.startswith(FORMULA) else text
    return "" if value is None else value

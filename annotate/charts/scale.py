"""From figures to places on the drawing, and to numbers as people read them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.formats import number_format

#: Steps between ticks: these, times a power of ten.
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
PERCENT = "\u00a0%"


@dataclass(frozen=True, slots=True)
class Scale:
    """The stretch of numbers that a drawing shows."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Where a number is: 0 at the low end, 100 at the high one; what is beyond is at the end."""
        return round(100 * min(max((value - self.low) / (self.high - self.low), 0), 1), 2)

    def ticks(self, wanted: int) -> list[float]:
        """Round numbers on it, about so many steps apart."""
        step = _step((self.high - self.low) / wanted)
        first = math.ceil(round(self.low / step, 9))
        last = math.floor(round(self.high / step, 9))
        return [round(nth * step, 10) for nth in range(first, last + 1)]


def _step(about: float) -> float:
    power: float = 10.0 ** math.floor(math.log10(about))
    return next(one * power for one in STEPS if one * power >= about * 0.999)


def scale(numbers: Iterable[float], low: float | None, high: float | None, unit: str, wanted: int = 4) -> Scale:
    """A scale that holds all the numbers: as asked for, for shares 0 to 1, else between round numbers."""
    found = [*numbers, *(end for end in (low, high) if end is not None)]
    if unit == "%":
        found += [0.0, 1.0]
    least, most = min(found, default=0.0), max(found, default=1.0)
    if least == most:
        least, most = min(least, 0.0), max(most, 0.0) if most else 1.0
    step = _step((most - least) / wanted)
    least, most = math.floor(round(least / step, 9)) * step, math.ceil(round(most / step, 9)) * step
    return Scale(least if low is None else low, most if high is None or high <= least else high)


@dataclass(frozen=True, slots=True)
class Numbers:
    """How the numbers of one chart are written: all with as many decimals."""

    unit: str
    decimals: int

    def say(self, value: float) -> str:
        return f"{self.bare(value)}{PERCENT}" if self.unit == "%" else self.bare(value)

    def bare(self, value: float) -> str:
        """Without the unit."""
        shown = _no_minus(100 * value if self.unit == "%" else value, self.decimals)
        return number_format(shown, self.decimals, use_l10n=True, force_grouping=True)

    def exact(self, value: float) -> bool:
        """Whether nothing is lost as it is written."""
        shown = 100 * value if self.unit == "%" else value
        return abs(round(shown, self.decimals) - shown) < 1e-9

    def interval(self, low: float | None, high: float | None) -> str:
        """As an interval is written, "68 to 76 %" with a dash; "" where there is none."""
        if low is None or high is None:
            return ""
        between = " … " if low < 0 or high < 0 else "\u2013"
        return f"{self.bare(low)}{between}{self.say(high)}"


def _no_minus(value: float, decimals: int) -> float:
    """Without the minus of what is rounded to nothing."""
    return round(value, decimals) + 0.0


def numbers(values: Iterable[float], unit: str) -> Numbers:
    """Enough decimals to tell these apart, and no more than they are worth."""
    found = [abs(one) for one in values]
    largest = max(found, default=0.0)
    if unit == "%":
        return Numbers(unit, 1 if 0 < largest < 0.1 else 0)
    if all(one == int(one) for one in found) and largest > 1:
        return Numbers(unit, 0)
    return Numbers(unit, 2 if largest < 10 else 1 if largest < 100 else 0)

"""What charts are made of."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """A figure by name, with its interval where there is one; None: not enough data, drawn as a gap and said so."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    count: int | None = None
    #: where the labels behind it are
    href: str = ""

    @property
    def numbers(self) -> list[float]:
        """All that a scale has to hold."""
        return [one for one in (self.value, self.low, self.high) if one is not None]


@dataclass(frozen=True, slots=True)
class Series:
    """Several points in order, drawn as one line with its band."""

    label: str
    points: Sequence[Point]

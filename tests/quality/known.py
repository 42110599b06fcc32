"""An estimate that has to be there: where there is not enough data, the test fails here. And one made of opinions."""

from typing import NamedTuple

import numpy as np

from annotate.scoring import agreement
from annotate.scoring.intervals import Estimate, Floats, Ints


class Known(NamedTuple):
    value: float
    low: float
    high: float
    n: int

    @property
    def width(self) -> float:
        return self.high - self.low


def known(found: Estimate) -> Known:
    assert found.value is not None and found.low is not None and found.high is not None, "not enough data"
    return Known(found.value, found.low, found.high, found.n)


def percent(unit: Ints, value: Floats, task: Ints) -> Estimate:
    """How often two raters of a unit say the same, as `quality.pairs` finds it."""
    nth = np.arange(len(value), dtype=np.float64)
    *_raters, left, right, of_pair = agreement.rater_pairs(unit, unit, nth, task)
    left, right = left.astype(np.int64), right.astype(np.int64)
    return agreement.mean_agreement((value[left] != value[right]).astype(np.float64), unit[left], of_pair)

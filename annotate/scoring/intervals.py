"""Intervals: how far a figure may be off. All are two-sided, at 95 % where nothing else is said."""

from collections.abc import Callable
from functools import lru_cache
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]

#: Fewer tasks than this say nothing of other tasks: no figure is given of them.
FEWEST_TASKS = 5
#: So many clusters are resampled at most. The width of an interval is then right within some 2 %.
CLUSTERS = 1_000


class Estimate(NamedTuple):
    """A figure with its interval. `n`: of how many (pairs, labels, tasks: whoever makes it says which).

    All three are None where there is not enough data: never NaN.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Estimate:
    """A share with Wilson's score interval (Wilson 1927; Brown, Cai & DasGupta 2001, section 3.1.1).

    `n` is the number of trials; without any there is no figure. ValueError where there are more successes than trials.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"successes: {successes} of {trials} trials")
    if not trials:
        return Estimate()
    z = float(ndtri((1 + confidence) / 2))
    share = successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2)
    low = max(middle - half, 0.0) if successes else 0.0
    high = min(middle + half, 1.0) if successes < trials else 1.0
    return Estimate(share, low, high, trials)


def clusters(task: Ints, seed: int = 0) -> Ints:
    """By entry, the row of `bootstrap`'s sums that it adds to: its task's own, or one that is shared by chance.

    Many tasks are put into `CLUSTERS` groups at random, as alike in size as can be, and groups are resampled instead:
    this leaves the variance of a figure as it is, however many tasks there are (the random group method: Wolter,
    Introduction to Variance Estimation, 2nd ed. 2007, chapter 2).
    """
    known, row = np.unique(task, return_inverse=True)
    if len(known) <= CLUSTERS:
        return row
    cluster: Ints = np.random.default_rng(seed).permutation(len(known)) % CLUSTERS
    return cluster[row]


def summed(row: Ints, *parts: Floats) -> Floats:
    """(rows, parts): what the entries of each row add. `row`: as `clusters` gives it; parts: one value an entry."""
    return np.column_stack([np.bincount(row, part) for part in parts]).astype(np.float64)


def table(row: Ints, code: Ints, codes: int, weight: Floats | None = None) -> Floats:
    """(rows, codes): how often each code is among the entries of a row, or the sum of their weights."""
    rows = int(row.max()) + 1 if len(row) else 0
    counted = np.bincount(row * codes + code, weight, rows * codes)
    return counted.reshape(rows, codes).astype(np.float64)


def bootstrap(
    sums: Floats, figure: Callable[[Floats], Floats], confidence: float = 0.95, rounds: int = 1000, seed: int = 0
) -> Estimate:
    """A figure that is a function of sums over tasks, with a percentile interval from resampled tasks.

    `sums`: (tasks, parts), what each task adds (or each of the `clusters` of many). `figure`: maps (rounds, parts)
    totals to (rounds,) figures, NaN where undefined. `n` is the number of rows. Fewer than `FEWEST_TASKS` rows, a
    figure that is undefined, or undefined for most resamples: not enough data.

    Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 13; for few tasks the percentiles are moved
    outwards, since a plain percentile interval is too short then (the expanded percentile interval: Hesterberg, What
    Teachers Should Know About the Bootstrap, The American Statistician 69(4), 2015).
    """
    rows = len(sums)
    if rows < FEWEST_TASKS:
        return Estimate(n=rows)
    value = float(figure(sums.sum(axis=0, keepdims=True))[0])
    return percentiles(value, figure(resampled(sums, rounds, seed)), rows, confidence)


def resampled(sums: Floats, rounds: int = 1000, seed: int = 0) -> Floats:
    """(rounds, parts): totals over as many rows as there are, drawn with replacement. `sums`: (rows, parts)."""
    totals: Floats = _times(len(sums), rounds, seed) @ sums
    return totals


@lru_cache(maxsize=2)  # at most 8 MB each: figures of the same tasks come one after the other
def _times(rows: int, rounds: int, seed: int) -> Floats:
    """(rounds, rows): how often each row is drawn."""
    drawn = np.random.default_rng(seed).integers(rows, size=(rounds, rows))
    drawn += np.arange(rounds)[:, None] * rows
    return np.bincount(drawn.ravel(), minlength=rounds * rows).reshape(rounds, rows).astype(np.float64)


def percentiles(value: float, figures: Floats, rows: int, confidence: float = 0.95) -> Estimate:
    """The interval of a `value` from its resampled figures, of which NaN are left out. See `bootstrap`."""
    defined = figures[~np.isnan(figures)]
    if np.isnan(value) or 2 * len(defined) < len(figures):
        return Estimate(n=rows)
    tail = float(ndtr(-sqrt(rows / (rows - 1)) * stdtrit(rows - 1, (1 + confidence) / 2)))
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Estimate(value, min(float(low), value), max(float(high), value), rows)


def ratio(above: Floats, below: Floats) -> Floats:
    """`above / below`, NaN where `below` is not positive: a figure that is undefined there."""
    result: Floats = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    np.divide(above, below, out=result, where=below > 0)
    return result

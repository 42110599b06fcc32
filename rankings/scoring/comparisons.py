"""Comparisons as columns of numbers: who was preferred to whom, on which prompt."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.special import ndtri

from annotate.scoring.intervals import Floats, Ints

type Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Of `items`, numbered from 0; an entry for each comparison. For a tie `winner` and `loser` are just the two sides.

    `weight`: how much it counts, above 0; `cluster`: numbered from 0, the same for what isn't independent (a prompt).
    """

    items: int
    winner: Ints
    loser: Ints
    tie: Bools
    weight: Floats
    cluster: Ints

    @classmethod
    def of(
        cls,
        items: int,
        winner: ArrayLike,
        loser: ArrayLike,
        tie: ArrayLike | None = None,
        weight: ArrayLike | None = None,
        cluster: ArrayLike | None = None,
    ) -> Self:
        """Nothing is tied, all count 1, and each is a cluster of its own, where nothing else is said.

        `cluster` may be any whole numbers. An item against itself says nothing and is left out. Raises ValueError where
        arrays differ in length, or an item isn't in 0..items-1.
        """
        won, lost = np.asarray(winner, np.int64), np.asarray(loser, np.int64)
        tied = np.zeros(len(won), bool) if tie is None else np.asarray(tie, bool)
        counts = np.ones(len(won)) if weight is None else np.asarray(weight, np.float64)
        of = np.arange(len(won)) if cluster is None else numbered(cluster)
        if not len(won) == len(lost) == len(tied) == len(counts) == len(of):
            raise ValueError("winner, loser, tie, weight and cluster must have one length")
        if len(won) and not 0 <= min(won.min(), lost.min()) <= max(won.max(), lost.max()) < items:
            raise ValueError(f"winner and loser must be in 0..{items - 1}")
        whole = cls(items, won, lost, tied, counts, of)
        return whole.only(won != lost) if bool((won == lost).any()) else whole

    def __len__(self) -> int:
        return len(self.winner)

    def only(self, which: Bools | Ints) -> Self:
        """Those that `which` (bool, or indices) names; items and clusters keep their numbers."""
        return type(self)(
            self.items,
            self.winner[which],
            self.loser[which],
            self.tie[which],
            self.weight[which],
            self.cluster[which],
        )

    def table(self, values: Floats) -> Floats:
        """The sum of `values`, one for each comparison, by winner (row) and loser (column): (items, items)."""
        cell = self.winner * self.items + self.loser
        sums = np.bincount(cell, values, self.items**2).astype(np.float64)  # of none they are whole numbers
        return sums.reshape(self.items, self.items)

    def wins(self) -> Floats:
        """How often the row was preferred to the column, by weight: (items, items)."""
        return self.table(self.weight * ~self.tie)

    def ties(self) -> Floats:
        """How often the two were tied, by weight: (items, items), symmetric."""
        once = self.table(self.weight * self.tie)
        return once + once.T


@dataclass(frozen=True, slots=True)
class Rates:
    """Of each two items, row against column: (items, items). `rate`: share won, a tie half; 0.5 where nothing is known.

    `low`, `high`: Wilson's interval (0 to 1 where nothing is known). `decided`: comparisons without a tie, by weight.
    `prompts`: clusters in which the two met; the interval goes by these, as votes on one prompt aren't independent.
    """

    rate: Floats
    low: Floats
    high: Floats
    decided: Floats
    prompts: Ints


def numbered(names: ArrayLike) -> Ints:
    """The same numbers from 0 on, without large gaps. What is numbered so already is given back as it is."""
    given = np.asarray(names, np.int64)
    if not len(given) or (given.min() >= 0 and given.max() < 2 * len(given)):
        return given
    return np.unique(given, return_inverse=True)[1]


def distinct(values: Ints) -> Ints:
    """What `numpy.unique` gives, an order of magnitude sooner for a million of whole numbers: sorted, not hashed."""
    ordered = np.sort(values)
    return np.concatenate([ordered[:1], ordered[1:][ordered[1:] != ordered[:-1]]])


def groups(comparisons: Comparisons) -> Ints:
    """Which items are connected by comparisons: each one's group, numbered from 0. One that never met any is alone."""
    many = comparisons.items
    if not many:
        return np.zeros(0, np.int64)
    graph = sparse.coo_array((np.ones(len(comparisons)), (comparisons.winner, comparisons.loser)), shape=(many, many))
    return np.asarray(connected_components(graph, connection="weak")[1], np.int64)


def connected(met: Floats, how: str) -> Ints:
    """Components of the graph of `met` > 0, row to column: (items,). `how`: "weak" or "strong"."""
    if not len(met):
        return np.zeros(0, np.int64)
    return np.asarray(connected_components(sparse.csr_array(met > 0), connection=how)[1], np.int64)


def win_rates(comparisons: Comparisons) -> Rates:
    """How often each item was preferred to each other, as it is, no model behind it."""
    wins, ties = comparisons.wins(), comparisons.ties()
    met = wins + wins.T + ties
    rate = np.divide(wins + ties / 2, met, out=np.full_like(met, 0.5), where=met > 0)
    prompts = _prompts(comparisons)
    low, high = score_interval(rate, prompts)
    return Rates(rate, low, high, wins + wins.T, prompts)


def _prompts(comparisons: Comparisons) -> Ints:
    """In how many clusters each two items met: (items, items), symmetric."""
    many = comparisons.items
    first, second = np.minimum(comparisons.winner, comparisons.loser), np.maximum(comparisons.winner, comparisons.loser)
    met = distinct(comparisons.cluster * many**2 + first * many + second)
    once = np.bincount(met % many**2, minlength=many**2).reshape(many, many)
    return once + once.T


def score_interval(rate: Floats, trials: ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Wilson's score interval of shares of any number of trials, also fractions of one; 0 to 1 of no trial.

    Wilson 1927; Brown, Cai & DasGupta 2001, section 3.1.1.
    """
    many = np.maximum(np.asarray(trials, np.float64), 1e-9)
    z2 = ndtri((1 + confidence) / 2) ** 2
    middle = (rate + z2 / (2 * many)) / (1 + z2 / many)
    half = np.sqrt(z2 * (rate * (1 - rate) / many + z2 / (4 * many**2))) / (1 + z2 / many)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)

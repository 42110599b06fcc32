"""Strengths from whole orders: Plackett-Luce (Luce 1959; Plackett 1975) with ties.

An order is a row of choices: the best of all, the best of the rest, and so on. Who is tied is chosen together: of
those left, a set S has the odds `exp(mean strength of S + t of its size)`, with t 0 for a single one, and a parameter
for every size of tie that occurs: Davidson-Luce (Firth, Kosmidis & Turner 2019; Turner, van Etten, Firth & Kosmidis
2020, "Modelling rankings in R: the PlackettLuce package", section 2.2). Of two items it is Davidson's model, without
ties Plackett's. As a choice among sets it is a multinomial logit: concave, so Newton's method finds its top.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from annotate.scoring.intervals import Floats, Ints
from rankings.scoring import bradley_terry, robust
from rankings.scoring.bradley_terry import Fit
from rankings.scoring.comparisons import numbered

#: The place of those that are behind all others of their ranking, and of which nothing more is said.
BEHIND = 2**31
_STEPS = 100
_CLOSE = 1e-6
_LONGEST = 2.0


@dataclass(frozen=True, slots=True)
class Rankings:
    """Orders of some of `items`, numbered from 0; an entry for each place given, those of a ranking together.

    `ranking`: numbered from 0, ascending; `place`: 1 is best, equal for a tie, or `BEHIND`; `cluster`: (rankings,), the
    same for rankings that aren't independent (of one prompt). An item may be in a ranking twice (two responses of one
    model).
    """

    items: int
    ranking: Ints
    item: Ints
    place: Ints
    cluster: Ints

    @classmethod
    def of(cls, items: int, ranking: ArrayLike, item: ArrayLike, place: ArrayLike, cluster: ArrayLike) -> Self:
        """From entries in any order; `cluster` too has an entry for each place given, any whole number.

        Raises ValueError where an item isn't in 0..items-1.
        """
        _names, of = np.unique(np.asarray(ranking, np.int64), return_inverse=True)
        what, where = np.asarray(item, np.int64), np.asarray(place, np.int64)
        if len(what) and not 0 <= what.min() <= what.max() < items:
            raise ValueError(f"item must be in 0..{items - 1}")
        order = np.lexsort((where, of))
        _first, begins = np.unique(of, return_index=True)
        return cls(items, of[order], what[order], where[order], numbered(np.asarray(cluster, np.int64)[begins]))

    @classmethod
    def of_comparisons(
        cls,
        items: int,
        label: ArrayLike,
        winner: ArrayLike,
        loser: ArrayLike,
        tie: ArrayLike,
        item_of: ArrayLike,
        cluster: ArrayLike,
    ) -> Self:
        """From all comparisons of labels: a response's place comes after those that were preferred to it in its label.

        Of those that share a place but were not tied nothing is known.
        `winner`, `loser`: responses, numbered from 0; `item_of`: (responses,), the item each counts for.
        """
        of, tied = np.asarray(label, np.int64), np.asarray(tie, bool)
        won, lost, prompt = np.asarray(winner, np.int64), np.asarray(loser, np.int64), np.asarray(cluster, np.int64)
        many = len(np.asarray(item_of)) or 1
        named, at = np.unique(np.concatenate([of * many + won, of * many + lost]), return_inverse=True)
        beaten = np.bincount(at[len(of) :], ~tied, len(named)).astype(np.int64)
        ties = np.bincount(at, np.tile(tied, 2), len(named))
        place = np.where(_untold(named // many, beaten, ties), BEHIND, 1 + beaten)
        prompts = np.zeros(len(named), np.int64)
        prompts[at] = np.concatenate([prompt, prompt])
        return cls.of(items, named // many, np.asarray(item_of, np.int64)[named % many], place, prompts)


def _untold(ranking: Ints, beaten: Ints, ties: Floats) -> NDArray[np.bool_]:
    """By entry: whether others of the ranking share its place without having been tied with it."""
    place = ranking * (beaten.max(initial=0) + 1) + beaten
    _places, at, many = np.unique(place, return_inverse=True, return_counts=True)
    return np.asarray(many[at] - 1 > ties)


def fit(rankings: Rankings, prior: float = 0.5) -> Fit:
    """Strengths with intervals that hold though rankings of one prompt aren't independent; see `bradley_terry.Fit`.

    Comparable to Bradley-Terry's: natural logarithms, mean 0 in each group. `Fit.tie` is t of ties of two.
    """
    choices = list(_choices(rankings))
    sizes = sorted({int(size) for one in choices for size in one.sizes()} - {1})
    model = _Model(rankings.items, sizes, choices, prior)
    found = model.top()
    bread = np.linalg.inv(model.slopes(found)[1])
    many = rankings.items
    tie = float(found[many]) if sizes[:1] == [2] else -np.inf
    return bradley_terry.summary(
        found[:many],
        robust.sandwich(bread, *model.scores(found, rankings.cluster))[:many, :many],
        bread[:many, :many],
        _met(rankings),
        tie=tie,
        clusters=robust.clusters(rankings.cluster),
        count=np.bincount(rankings.item, minlength=many).astype(np.float64),
    )


@dataclass(frozen=True, slots=True)
class _Choices:
    """Choices among equally many: `left`: (choices, many) items; `chosen`: which `_sets(many)`; `ranking`: whose."""

    left: Ints
    chosen: Ints
    ranking: Ints

    def sizes(self) -> Ints:
        return np.unique(_sets(self.left.shape[1])[self.chosen].sum(axis=1))


@cache
def _sets(many: int) -> Ints:
    """All sets of `many` but the empty one: (2 ** many - 1, many) of 0 and 1; set number n is n + 1 in binary."""
    numbers = np.arange(1, 2**many)
    return (numbers[:, None] >> np.arange(many)) & 1


def _choices(rankings: Rankings) -> Iterator[_Choices]:
    """Each choice of each ranking, those among equally many together; the last one left is no choice."""
    many = np.bincount(rankings.ranking, minlength=len(rankings.cluster))
    begin = np.cumsum(many) - many
    stage: dict[int, list[_Choices]] = {}
    for size in np.unique(many):
        whose = np.flatnonzero(many == size)
        at = begin[whose, None] + np.arange(size)
        _of_size(rankings.item[at], rankings.place[at], whose, stage)
    for _left, parts in sorted(stage.items()):
        yield _Choices(*(np.concatenate([getattr(one, name) for one in parts]) for name in _Choices.__slots__))


def _of_size(item: Ints, place: Ints, whose: Ints, stage: dict[int, list[_Choices]]) -> None:
    """The choices of rankings of one size, (rankings, size) with the best first, into `stage` by how many are left."""
    for begin in range(item.shape[1] - 1):
        starts = place[:, begin] < BEHIND
        if begin:
            starts &= place[:, begin] > place[:, begin - 1]
        if not starts.any():
            continue
        left, where = item[starts, begin:], place[starts, begin:]
        together = where == where[:, :1]
        chosen = (together << np.arange(left.shape[1])).sum(axis=1) - 1
        stage.setdefault(left.shape[1], []).append(_Choices(left, chosen, whose[starts]))


@dataclass(frozen=True, slots=True)
class _Model:
    """The likelihood. Parameters: the strengths, then t of each size of tie."""

    items: int
    sizes: list[int]
    choices: list[_Choices]
    prior: float

    def top(self) -> Floats:
        at = np.zeros(self.items + len(self.sizes))
        for _step in range(_STEPS):
            slope, bend = self.slopes(at)
            step = np.linalg.solve(bend, slope)
            at = at + np.clip(step, -_LONGEST, _LONGEST)
            if not len(step) or np.abs(step).max() < _CLOSE:
                break
        return at

    def slopes(self, at: Floats) -> tuple[Floats, Floats]:
        """First derivatives of the log-likelihood, prior included, and second ones with their sign turned."""
        held, many = robust.logistic(at), len(at)
        slope = self.prior * (0.5 - held)
        bend = np.diag(self.prior * held * (1 - held)).ravel()
        for one in self.choices:
            columns, facts, chance = self._odds(one, at)
            mean = chance @ facts
            slope += np.bincount(columns.ravel(), (facts[self._rows(one)] - mean).ravel(), many)
            wide = facts.shape[1]
            both = chance @ (facts[:, :, None] * facts[:, None, :]).reshape(len(facts), -1)
            both -= (mean[:, :, None] * mean[:, None, :]).reshape(len(mean), -1)
            cell = np.repeat(columns, wide, axis=1) * many + np.tile(columns, wide)
            bend += np.bincount(cell.ravel(), both.ravel(), many**2)
        return slope, bend.reshape(many, many)

    def scores(self, at: Floats, cluster: Ints) -> tuple[Ints, Ints, Floats]:
        """Each choice's derivatives: (cluster, parameter, score), for `robust.sandwich`."""
        found: list[tuple[Ints, Ints, Floats]] = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
        for one in self.choices:
            columns, facts, chance = self._odds(one, at)
            score = facts[self._rows(one)] - chance @ facts
            found.append((np.repeat(cluster[one.ranking], facts.shape[1]), columns.ravel(), score.ravel()))
        rows, parameters, values = zip(*found, strict=True)
        return np.concatenate(rows), np.concatenate(parameters), np.concatenate(values)

    def _odds(self, one: _Choices, at: Floats) -> tuple[Ints, Floats, Floats]:
        """Of choices: the parameters they are about, what each set has of them, and the probability of each set.

        (choices, facts), (sets, facts), (choices, sets); facts are the items left and the sizes of ties.
        """
        sets, many = self._allowed(one.left.shape[1]), one.left.shape[1]
        size = sets.sum(axis=1)
        ties = [(size == tie).astype(np.float64) for tie in self.sizes if tie <= many]
        facts = np.column_stack([sets / size[:, None], *ties])
        own = self.items + np.arange(len(ties))
        columns = np.concatenate([one.left, np.broadcast_to(own, (len(one.left), len(own)))], axis=1)
        odds = at[columns] @ facts.T
        odds -= odds.max(axis=1, keepdims=True)
        chance = np.exp(odds)
        return columns, facts, chance / chance.sum(axis=1, keepdims=True)

    def _allowed(self, many: int) -> Ints:
        """The sets of `many` whose size occurs."""
        sets = _sets(many)
        return sets[np.isin(sets.sum(axis=1), [1, *self.sizes])]

    def _rows(self, one: _Choices) -> Ints:
        """Which of the allowed sets was chosen, choice by choice."""
        sets = _sets(one.left.shape[1])
        allowed = np.isin(sets.sum(axis=1), [1, *self.sizes])
        return (np.cumsum(allowed) - 1)[one.chosen]


def _met(rankings: Rankings) -> Floats:
    """How often the row was placed before the column, or tied with it: (items, items)."""
    many, met = rankings.items, np.zeros(rankings.items**2)
    length = np.bincount(rankings.ranking, minlength=len(rankings.cluster)).max(initial=0)
    for lag in range(1, int(length)):
        same = (rankings.ranking[:-lag] == rankings.ranking[lag:]) & (rankings.place[:-lag] < BEHIND)
        better, worse = rankings.item[:-lag][same], rankings.item[lag:][same]
        tied = (rankings.place[:-lag] == rankings.place[lag:])[same]
        met += np.bincount(better * many + worse, minlength=many**2)
        met += np.bincount(worse * many + better, tied, many**2)
    np.fill_diagonal(table := met.reshape(many, many), 0)
    return table

"""Strengths from comparisons: Bradley & Terry 1952 (Biometrika 39), with ties as Davidson 1970 (JASA 65).

Of items with strengths a and b, x = a - b and a tie parameter t, a comparison has these odds:

    first wins : second wins : tie  =  exp(x / 2) : exp(-x / 2) : exp(t)

so that `exp(x)` is the odds of the first among decided comparisons. With `ties="half"` a tie is half a win for each
side and the odds are exp(x) : 1, as Chatbot Arena has it (Chiang et al. 2024): strengths are nearer to each other then.

Each strength (and t) is held by `prior` comparisons with an average item, won half of the time: it keeps the
undefeated finite and says nothing where data do (Firth 1993 and Caron & Doucet 2012 have the like). The fit is Newton's
on sums over pairs, so its steps cost the same for a thousand comparisons and for a million. Memory grows with the
square of the items.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from annotate.scoring.intervals import Floats, Ints
from rankings.scoring import robust
from rankings.scoring.comparisons import Bools, Comparisons, connected

DAVIDSON, HALF = "davidson", "half"
#: An Elo point is this many units of strength: a difference of 400 points is odds of ten to one.
ELO = 400 / np.log(10)
_STEPS = 100
_CLOSE = 1e-5


@dataclass(frozen=True, slots=True)
class Fit:
    """Strengths of items, (items,) each where nothing else is said; natural logarithms, with mean 0 in each `group`.

    `low`, `high`: 95 % interval of the strength; -inf or inf where it is open (`open_ends`): who never lost has no
    upper bound, who never met anyone has neither. `error`: standard error; `spread`: (items, items), that of the
    difference of each two. `group`: items connected by comparisons; between two groups nothing is known. `count`: an
    item's comparisons, by weight. `tie`: Davidson's t, -inf where ties are halves. `clusters`: how many prompts it
    stands on. `posterior`: (items, items), what `information` goes by: the inverse of the model's information, prior
    included, not centred.
    """

    strength: Floats
    low: Floats
    high: Floats
    error: Floats
    spread: Floats
    group: Ints
    count: Floats
    tie: float
    clusters: int
    posterior: Floats

    def chances(self) -> Floats:
        """Probability that the row is preferred to the column, a tie counting half; 0.5 between groups."""
        won, tied = outcomes(self.strength[:, None] - self.strength, self.tie)
        chances: Floats = np.where(self.together(), won + tied / 2, 0.5)
        return chances

    def together(self) -> Bools:
        """Whether row and column are on one scale."""
        return np.asarray(self.group[:, None] == self.group)

    def separable(self) -> Bools:
        """Whether row and column differ: the 95 % interval of their difference doesn't hold 0."""
        apart = np.abs(self.strength[:, None] - self.strength)
        return self.together() & (apart > robust.reach(self.clusters) * self.spread + 1e-9)

    def places(self) -> tuple[Ints, Ints]:
        """The best and the worst place each may have in its group, 1 for the best, as far as others are separable."""
        apart, stronger = self.separable(), self.strength[:, None] < self.strength
        best = 1 + (apart & stronger).sum(axis=1)
        worst = self.together().sum(axis=1) - (apart & ~stronger).sum(axis=1)
        return best.astype(np.int64), worst.astype(np.int64)


def elo(strength: Floats) -> Floats:
    """Strengths, errors or differences as Elo points: 400 are odds of ten to one."""
    return np.asarray(strength * ELO)


def fit(comparisons: Comparisons, ties: str = DAVIDSON, prior: float = 0.5) -> Fit:
    """Strengths with intervals that hold though a prompt's comparisons aren't independent (`robust.sandwich`).

    `ties`: "davidson" or "half". `prior`: above 0. A variance is at least the model's own, because the sandwich of an
    item that is in a few clusters, or whose answers are all as expected, is next to nothing. Where only the prior keeps
    strengths finite (`open_ends`), it is that times what clusters cost elsewhere; and intervals are open.
    """
    pairs = _Pairs.of(comparisons.wins(), comparisons.ties(), ties)
    found = _newton(pairs, prior)
    bread = np.linalg.inv(pairs.slopes(found, prior)[1])
    robustly = robust.sandwich(bread, *_scores(comparisons, found, pairs.ties))
    return _finished(comparisons, found, robustly, bread, pairs.ties)


def strengths(wins: Floats, tied: Floats, ties: str = DAVIDSON, prior: float = 0.5) -> Floats:
    """The strengths that `fit` gives, without intervals, from sums alone: whatever these are of, it takes as long.

    `wins`, `tied`: (items, items), as `Comparisons.wins` and `Comparisons.ties` give them.
    """
    found = _newton(_Pairs.of(wins, tied, ties), prior)[:-1]
    return np.asarray(_centre(connected(wins + tied, "weak")) @ found)


def open_ends(met: Floats, part: Ints, group: Ints) -> tuple[Bools, Bools]:
    """Whose strength has no lower bound, and whose no upper one.

    `met`: how often the row beat or tied the column; `part`: its strong components, `group`: its weak ones.

    Strengths are finite if, however a group is split in two, each side won from the other once (Ford 1957): if it is
    one part. Of several parts those that won may be as far above the others as one likes, and take the group's mean
    with them. So only one that is above all others has a lower bound, one below all an upper one; and who never met
    anyone has neither.
    """
    winner, loser = np.nonzero((part[:, None] != part) & (met > 0))
    alone = np.bincount(group, minlength=len(met))[group] == 1
    return alone | ~_only(part, loser, group), alone | ~_only(part, winner, group)


def _only(part: Ints, others: Ints, group: Ints) -> Bools:
    """By item: whether its part is the only one of its group that none of `others` (items) is in."""
    left = ~np.isin(part, part[others])
    _parts, first = np.unique(part, return_index=True)
    many = np.bincount(group[first], left[first], len(part))
    return np.asarray(left & (many[group] == 1))


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Sums over the comparisons of each two items that met. `lead`: wins of the first less those of the second."""

    items: int
    ties: str
    first: Ints
    second: Ints
    lead: Floats
    tied: Floats
    met: Floats

    @classmethod
    def of(cls, wins: Floats, tied: Floats, ties: str) -> Self:
        """From `Comparisons.wins` and `Comparisons.ties`."""
        first, second = np.nonzero(np.triu(wins + wins.T + tied, 1))
        sums = wins[first, second], wins[second, first], tied[first, second]
        return cls.summed(len(wins), ties, first, second, *sums)

    @classmethod
    def summed(cls, items: int, ties: str, first: Ints, second: Ints, won: Floats, lost: Floats, tied: Floats) -> Self:
        return cls(items, ties, first, second, won - lost, tied, won + lost + tied)

    def value(self, at: Floats, prior: float) -> float:
        """The logarithm of the likelihood, prior included."""
        x, tie = at[self.first] - at[self.second], self.tie(at)
        won, lost, tied = _odds(x, tie)
        total = np.log(won + lost + tied)
        ties = 0.0 if self.ties == HALF else float(self.tied.sum() * tie)
        held = np.logaddexp(at / 2, -at / 2).sum()
        return float((self.lead * x / 2 - self.met * total).sum() + ties - prior * held)

    def slopes(self, at: Floats, prior: float) -> tuple[Floats, Floats]:
        """The first derivatives of `value` and the second ones with their sign turned (the information)."""
        won, tied = outcomes(at[self.first] - at[self.second], self.tie(at))
        mean = won + tied / 2
        held = robust.logistic(at)
        slope = prior * (0.5 - held)
        pull = (self.lead + self.met) / 2 - self.met * mean
        slope[:-1] += self._spread(pull)
        slope[-1] += (self.tied - self.met * tied).sum() if self.ties != HALF else 0.0
        bend = np.diag(prior * held * (1 - held))
        self._bend(bend, self.met * (won + tied / 4 - mean**2), self.met * tied * (0.5 - mean))
        bend[-1, -1] += (self.met * tied * (1 - tied)).sum()
        return slope, bend

    def tie(self, at: Floats) -> float:
        return -np.inf if self.ties == HALF else float(at[-1])

    def _spread(self, value: Floats) -> Floats:
        """What each item has of values that count for the first and against the second."""
        gained = np.bincount(self.first, value, self.items)
        return np.asarray(gained - np.bincount(self.second, value, self.items))

    def _bend(self, bend: Floats, across: Floats, with_tie: Floats) -> None:
        bend[self.first, self.second] -= across
        bend[self.second, self.first] -= across
        both = np.bincount(self.first, across, self.items) + np.bincount(self.second, across, self.items)
        bend[np.arange(self.items), np.arange(self.items)] += both
        bend[:-1, -1] += self._spread(with_tie)
        bend[-1, :-1] += self._spread(with_tie)


def outcomes(x: Floats, tie: float) -> tuple[Floats, Floats]:
    """Of differences `x`: the probabilities that the first wins, and of a tie."""
    won, lost, tied = _odds(x, tie)
    total = won + lost + tied
    return won / total, tied / total


def _odds(x: Floats, tie: float) -> tuple[Floats, Floats, float]:
    """Of differences `x`, far from where an exponential overflows: the prior sees to that."""
    won = np.exp(np.clip(x / 2, -300, 300))
    return won, 1 / won, float(np.exp(min(tie, 300)))


def _newton(pairs: _Pairs, prior: float) -> Floats:
    """Where `value` is greatest: the strengths, then t (0 where ties are halves). It is concave: there is one place."""
    at = np.zeros(pairs.items + 1)
    best = pairs.value(at, prior)
    for _step in range(_STEPS):
        slope, bend = pairs.slopes(at, prior)
        step = np.linalg.solve(bend, slope)
        value = pairs.value(at + step, prior)
        while value < best - 1e-9 * abs(best) - 1e-12:
            step = step / 2
            value = pairs.value(at + step, prior)
        at, best = at + step, value
        if np.abs(step).max() < _CLOSE:
            break
    return at


def _scores(comparisons: Comparisons, found: Floats, ties: str) -> tuple[Ints, Ints, Floats]:
    """Each comparison's derivatives: (cluster, parameter, score), for `robust.sandwich`."""
    many = comparisons.items
    tie = -np.inf if ties == HALF else float(found[-1])
    won, tied = outcomes(found[:many, None] - found[:many], tie)
    cell = comparisons.winner * many + comparisons.loser
    pull = comparisons.weight * (np.where(comparisons.tie, 0.5, 1.0) - (won + tied / 2).ravel()[cell])
    rows, columns, scores = [comparisons.cluster] * 2, [comparisons.winner, comparisons.loser], [pull, -pull]
    if ties != HALF:
        rows.append(comparisons.cluster)
        columns.append(np.full(len(cell), many))
        scores.append(comparisons.weight * (comparisons.tie - tied.ravel()[cell]))
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(scores)


def _finished(comparisons: Comparisons, found: Floats, robustly: Floats, bread: Floats, ties: str) -> Fit:
    many = comparisons.items
    return summary(
        found[:many],
        robustly[:many, :many],
        bread[:many, :many],
        comparisons.wins() + comparisons.ties(),
        tie=-np.inf if ties == HALF else float(found[-1]),
        clusters=robust.clusters(comparisons.cluster),
        count=counts(comparisons),
    )


def counts(comparisons: Comparisons) -> Floats:
    """How many comparisons each item is in, by weight."""
    many = comparisons.items
    won = np.bincount(comparisons.winner, comparisons.weight, many)
    return np.asarray(won + np.bincount(comparisons.loser, comparisons.weight, many), np.float64)


def summary(
    found: Floats, robustly: Floats, posterior: Floats, met: Floats, *, tie: float, clusters: int, count: Floats
) -> Fit:
    """A `Fit` of strengths, their sandwich and the model's own covariance.

    `met`: how often the row beat or tied the column, (items, items).
    """
    group, part = connected(met, "weak"), connected(met, "strong")
    below, above = open_ends(met, part, group)
    middle, together = _centre(group), part[:, None] == part
    strength, robustly, model = middle @ found, middle @ robustly @ middle.T, middle @ posterior @ middle.T
    told, plain = _apart(robustly), _apart(model)
    cost = _cost(told, plain, together)
    spread = np.sqrt(np.maximum(told, plain * np.where(together, 1.0, cost)))
    least = np.diagonal(model) * np.where(below | above, cost, 1.0)
    error = np.sqrt(np.maximum(np.diagonal(robustly), least))
    half = robust.reach(clusters) * error
    low, high = np.where(below, -np.inf, strength - half), np.where(above, np.inf, strength + half)
    return Fit(strength, low, high, error, spread, group, count, tie, clusters, posterior)


def _apart(covariance: Floats) -> Floats:
    """The variance of the difference of each two."""
    variance = np.diagonal(covariance)
    return np.asarray(np.maximum(variance[:, None] + variance - 2 * covariance, 0))


def _cost(told: Floats, plain: Floats, together: Bools) -> float:
    """What clusters cost: how many times the model's variance of a difference the sandwich has, where it can tell."""
    known = together & (plain > 0)
    return max(1.0, float(np.median(told[known] / plain[known]))) if known.any() else 1.0


def _centre(group: Ints) -> Floats:
    """The matrix that takes the mean of its group from each item."""
    same = (group[:, None] == group).astype(np.float64)
    return np.asarray(np.eye(len(group)) - same / np.maximum(same.sum(axis=1, keepdims=True), 1))

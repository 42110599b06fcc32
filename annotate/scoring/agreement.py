"""How far annotators agree beyond chance. Arrays are columns of opinions: one entry for each (unit, rater, value).

A *unit* is what several raters said something about: an item of a task; each rater says one thing of it. `task` tells
units apart for the bootstrap, which resamples tasks: units of one task are not independent. Fewer than
`intervals.FEWEST_TASKS` tasks with two opinions on something (`FEWEST_BEYOND_CHANCE` where chance is taken off, since
that is learned from the same few), or opinions that don't differ at all, are not enough data: an `Estimate` of Nones,
with `n` all the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from annotate.scoring.intervals import (
    Estimate,
    Floats,
    Ints,
    bootstrap,
    clusters,
    percentiles,
    ratio,
    resampled,
    summed,
    table,
    wilson,
)

#: Of fewer tasks nothing is said beyond chance: of five, 40 % of alpha's intervals would miss.
FEWEST_BEYOND_CHANCE = 10
#: Ordinal values up to so many are ranked anew in each resample; the ranks of more stay as they are.
RANKED_ANEW = 100

#: Of (rounds, parts) totals: how many opinions (n), the disagreement seen, and that expected by chance, in such measure
#: that alpha is 1 - (n - 1) seen / expected.
type Disagreement = Callable[[Floats], tuple[Floats, Floats, Floats]]


def mean_agreement(distance: Floats, unit: Ints, task: Ints) -> Estimate:
    """1 - the mean distance (0 to 1; of values: whether they differ) of two opinions on one unit, given pair by pair.

    A unit is the mean of its pairs and counts once, however many raters it had (Fleiss 1971, Psychological Bulletin
    76(5), there with as many raters for each). `n` is the number of pairs.
    """
    _known, number, pairs = np.unique(unit, return_inverse=True, return_counts=True)
    weight = 1 / pairs[number]
    sums = summed(clusters(task), weight * distance, weight)
    return _certain(bootstrap(sums, lambda totals: 1 - _mean(totals)), lambda share: share)._replace(n=len(distance))


def distance_alpha(within: Floats, task: Ints, between: Floats) -> Estimate:
    """1 - the mean distance within tasks / the mean distance between tasks: alpha of answers that have no values.

    `within`: distances of two answers to one task, and `task`: which. `between`: distances of answers to different
    tasks, drawn at random (as many as can be afforded): they tell what distance chance makes. (Krippendorff's
    expected disagreement is of all pairs, those within tasks too; with many tasks it is the same.) `n` is the number
    of `within`.
    """
    inside = summed(clusters(task), within, np.ones(len(within)))
    outside = summed(clusters(np.arange(len(between))), between, np.ones(len(between)))
    if min(len(inside), len(outside)) < FEWEST_BEYOND_CHANCE:
        return Estimate(n=len(within))
    value = _alpha_of_means(inside.sum(axis=0, keepdims=True), outside.sum(axis=0, keepdims=True))
    figures = _alpha_of_means(resampled(inside), resampled(outside, seed=1))
    found = percentiles(float(value[0]), figures, len(inside))
    return _certain(found, _beyond(float((between > 0).mean())))._replace(n=len(within))


def _alpha_of_means(inside: Floats, outside: Floats) -> Floats:
    return 1 - ratio(_mean(inside), _mean(outside))


def alpha(unit: Ints, value: Floats, task: Ints, level: str) -> Estimate:
    """Krippendorff's alpha; `level`: "nominal", "ordinal", "interval", or "order". `n`: opinions that can be compared.

    Krippendorff, Content Analysis (4th ed. 2019), chapter 12, canonical form; "order" is for signs of pairs of
    responses (-1, 0, 1): the distance of two orders is the mean of |sign - sign| / 2 over pairs (Kendall's with
    ties, as `rankings.kinds.orders.distance`), and chance is an order of the same ties whose responses are
    renamed at random, because which of the two is the first has no meaning. So where nothing ties it is the mean of
    Kendall's tau. ValueError for another level.
    """
    if level not in LEVELS:
        raise ValueError(f"level: {level} is none of {', '.join(LEVELS)}")
    opinions = _Opinions.of(unit, value, task)
    sums, disagreement = LEVELS[level](opinions)

    def figure(totals: Floats) -> Floats:
        count, seen, expected = disagreement(totals)
        return 1 - ratio((count - 1) * seen, expected)

    by_chance = opinions.turned() if level == "order" else opinions.differing()
    return _certain(_enough(sums, figure), _beyond(by_chance))._replace(n=len(opinions.value))


@dataclass(frozen=True, slots=True)
class _Opinions:
    """Opinions on units that have at least two, and each two of a unit.

    `value`, `row` (of the bootstrap's sums): by opinion. `first`, `second` (indices of opinions), `weight`
    (2 / (m - 1) where the unit has m opinions, for both orders of the two): by pair.
    """

    value: Floats
    row: Ints
    first: Ints
    second: Ints
    weight: Floats

    @classmethod
    def of(cls, unit: Ints, value: Floats, task: Ints) -> Self:
        order = np.argsort(unit, kind="stable")
        begin = np.flatnonzero(np.diff(unit[order], prepend=unit[order[:1]] - 1))
        size = np.diff(begin, append=len(unit))
        size = np.repeat(size, size)
        order, size = order[size > 1], size[size > 1]
        first, second = _pairs(unit[order])
        return cls(value[order].astype(np.float64), clusters(task[order]), first, second, 2 / (size[first] - 1))

    def seen(self, apart: Floats) -> Floats:
        """(rows, 1): observed disagreement, given how far the two of each pair are apart."""
        return summed(self.row[self.first], self.weight * apart)

    def differing(self) -> float:
        """How often two opinions, drawn at random, differ."""
        counts, many = np.bincount(self.coded()[0]), len(self.value)
        return float(1 - (counts * (counts - 1)).sum() / max(1, many * (many - 1)))

    def turned(self) -> float:
        """How far two signs of orders whose responses are renamed at random are apart: half, but for two ties."""
        tied, many = int((self.value == 0).sum()), len(self.value)
        return (1 - tied * (tied - 1) / max(1, many * (many - 1))) / 2

    def coded(self) -> tuple[Ints, int]:
        """The values numbered from 0 in their order, and how many different ones there are."""
        known, code = np.unique(self.value, return_inverse=True)
        return code, len(known)


def _pairs(unit: Ints) -> tuple[Ints, Ints]:
    """Indices of each two entries of one unit. `unit`: sorted."""
    firsts, seconds = [], []
    first, apart = np.arange(len(unit)), 0
    while len(first):
        apart += 1
        first = first[: np.searchsorted(first, len(unit) - apart)]
        first = first[unit[first] == unit[first + apart]]
        firsts.append(first)
        seconds.append(first + apart)
    return np.concatenate([first, *firsts]), np.concatenate([first, *seconds])


def _nominal(opinions: _Opinions) -> tuple[Floats, Disagreement]:
    code, codes = opinions.coded()
    apart = code[opinions.first] != code[opinions.second]

    def disagreement(totals: Floats) -> tuple[Floats, Floats, Floats]:
        count = totals[:, 1:].sum(axis=1)
        return count, totals[:, 0], count**2 - (totals[:, 1:] ** 2).sum(axis=1)

    return np.hstack([opinions.seen(apart.astype(np.float64)), table(opinions.row, code, codes)]), disagreement


def _ordinal(opinions: _Opinions) -> tuple[Floats, Disagreement]:
    """Krippendorff's ordinal difference of two values is that of their mean ranks among all opinions."""
    code, codes = opinions.coded()
    if codes > RANKED_ANEW:
        return _interval(opinions, _mean_ranks(np.bincount(code)[None].astype(np.float64))[0][code])
    cell = code[opinions.first] * codes + code[opinions.second]

    def disagreement(totals: Floats) -> tuple[Floats, Floats, Floats]:
        together = totals.reshape(-1, codes, codes)
        counts = (together.sum(axis=1) + together.sum(axis=2)) / 2
        rank = _mean_ranks(counts)
        spread = (counts * rank**2).sum(axis=1)
        alike = np.einsum("ra,rab,rb->r", rank, together, rank, optimize=True)
        count = counts.sum(axis=1)
        return count, 2 * spread - 2 * alike, 2 * count * spread

    return table(opinions.row[opinions.first], cell, codes**2, opinions.weight), disagreement


def _mean_ranks(counts: Floats) -> Floats:
    """The mean rank of each value as a share of all, from -1/2 to 1/2, so that their mean is 0. (rounds, values)."""
    count = counts.sum(axis=1, keepdims=True)
    ranks: Floats = (counts.cumsum(axis=1) - counts / 2) / count - 0.5
    return ranks


def _interval(opinions: _Opinions, value: Floats | None = None) -> tuple[Floats, Disagreement]:
    value = opinions.value if value is None else value
    value = value - value[:1].sum()  # near zero, or sums of squares lose what values differ by
    seen = opinions.seen((value[opinions.first] - value[opinions.second]) ** 2)

    def disagreement(totals: Floats) -> tuple[Floats, Floats, Floats]:
        seen, count, total, squares = totals.T
        return count, seen, 2 * (count * squares - total**2)

    return np.hstack([seen, summed(opinions.row, np.ones(len(value)), value, value**2)]), disagreement


def _order(opinions: _Opinions) -> tuple[Floats, Disagreement]:
    """Renamed at random, two signs are half apart on the mean unless both are ties."""
    seen = opinions.seen(abs(opinions.value[opinions.first] - opinions.value[opinions.second]) / 2)

    def disagreement(totals: Floats) -> tuple[Floats, Floats, Floats]:
        seen, tied, strict = totals.T
        return tied + strict, seen, strict * (strict - 1) / 2 + strict * tied

    tied = opinions.value == 0
    return np.hstack([seen, summed(opinions.row, tied, ~tied)]), disagreement


LEVELS = {"nominal": _nominal, "ordinal": _ordinal, "interval": _interval, "order": _order}


def weighted_kappa(first: Floats, second: Floats, task: Ints) -> Estimate:
    """Cohen's kappa with quadratic weights of two raters' values of the same units (Cohen 1968). `n`: of how many.

    Values are numbers, not codes: the weight of two is the square of what they differ by.
    """
    first, second = first - first[:1].sum(), second - first[:1].sum()  # near zero, as in alpha
    parts = (np.ones(len(first)), (first - second) ** 2, first, second, first**2 + second**2)
    found = _enough(summed(clusters(task), *parts), _kappa_of_squares)
    return _certain(found, _beyond(_differing(first, second)))._replace(n=len(first))


def _kappa_of_squares(totals: Floats) -> Floats:
    count, seen, first, second, squares = totals.T
    return 1 - ratio(count * seen, count * squares - 2 * first * second)


def cohen(first: Floats, second: Floats, task: Ints) -> Estimate:
    """Cohen's kappa of two raters' nominal values of the same units (Cohen 1960). `n`: of how many."""
    known, code = np.unique(np.concatenate([first, second]), return_inverse=True)
    left, right = np.split(code, 2)
    row, codes = clusters(task), len(known)

    def figure(totals: Floats) -> Floats:
        lefts, rights = totals[:, 1 : codes + 1], totals[:, codes + 1 :]
        count = lefts.sum(axis=1)
        return 1 - ratio(count * totals[:, 0], count**2 - (lefts * rights).sum(axis=1))

    sums = np.hstack([summed(row, left != right), table(row, left, codes), table(row, right, codes)])
    return _certain(_enough(sums, figure), _beyond(_differing(first, second)))._replace(n=len(first))


def _differing(first: Floats, second: Floats) -> float:
    """How often a value of each rater, drawn at random, would differ."""
    known, code = np.unique(np.concatenate([first, second]), return_inverse=True)
    left, right = (np.bincount(one, minlength=len(known)) for one in np.split(code, 2))
    return float(1 - (left * right).sum() / max(1, len(first)) ** 2)


def tau_b(first: Floats, second: Floats, task: Ints, orders: Ints | None = None) -> Estimate:
    """Kendall's tau-b with ties of two raters' signs of the same pairs: the mean over tasks (Kendall 1945).

    `first`, `second`: signs (-1, 0, 1) of the same pairs of responses, entry by entry. `orders`: the same for the
    entries of the same two orders, where a task has been ordered by more than two raters; without it a task has two.
    Where one of the two ties everything there is no tau, and it is left out. `n` is the number of taus.
    """
    known, begin, order = np.unique(task if orders is None else orders, return_index=True, return_inverse=True)
    both, left, right = (np.bincount(order, part, len(known)) for part in (first * second, first**2, second**2))
    tau = ratio(both, np.sqrt(left * right))
    defined = ~np.isnan(tau)
    row = clusters(task[begin][defined])
    sums = summed(row, tau[defined], np.ones(len(row)))
    return _certain(_enough(sums, _mean), _beyond(0.5))._replace(n=len(row))


def rater_pairs(unit: Ints, rater: Ints, value: Floats, task: Ints) -> tuple[Ints, Ints, Floats, Floats, Ints]:
    """Each two raters of a unit: (rater, rater, value, value, task), the smaller rater number first."""
    order = np.lexsort((rater, unit))
    left, right = (order[one] for one in _pairs(unit[order]))
    return rater[left], rater[right], value[left], value[right], task[left]


def _mean(totals: Floats) -> Floats:
    return ratio(totals[:, 0], totals[:, 1])


def _enough(sums: Floats, figure: Callable[[Floats], Floats]) -> Estimate:
    return bootstrap(sums, figure) if len(sums) >= FEWEST_BEYOND_CHANCE else Estimate(n=len(sums))


def _beyond(by_chance: float) -> Callable[[float], float]:
    """Agreement beyond chance, -1 at least, by the share that agrees; `by_chance`: the share that differs by chance.

    Where values have an order or a scale: if those that differ do so by as much as chance makes them, it is the same.
    """
    return lambda share: max(-1.0, 1 - (1 - share) / by_chance) if by_chance else share


def _certain(estimate: Estimate, figure: Callable[[float], float]) -> Estimate:
    """Where all agree, or nobody, resamples can't differ: the far end is then that of Wilson's interval for as many
    tasks, on the scale of the `figure`, which is one of the share that agrees. So ten tasks without a disagreement
    don't pass for certainty. Where values have an order or a scale, a value below that of nobody is in the middle of
    others: its resamples differ. `n`: the number of rows.
    """
    value, low, high, rows = estimate
    if value is None or low is None or high is None:
        return estimate
    if value > 1 - 1e-9:
        return estimate._replace(value=1.0, low=min(low, figure(wilson(rows, rows).low or 0.0)), high=1.0)
    if abs(value - figure(0.0)) < 1e-9:
        return estimate._replace(high=max(high, figure(wilson(0, rows).high or 0.0)))
    return estimate

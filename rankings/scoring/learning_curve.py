"""How well preferences can be learned: accuracy on prompts that were not learned from, by how many were.

Prompts are dealt into `FOLDS`; the model for a fold is made of prompts of the others alone, of fewer and fewer of
them, several draws each. Every pair so gets chances from models that never saw its prompt. Intervals are 95 %, from
resampled prompts and draws, since neither pairs of a prompt nor models of one draw are independent (Bouthillier et al.
2021, "Accounting for Variance in Machine Learning Benchmarks"). For the shape of such curves: Viering & Loog 2022,
"The Shape of Learning Curves: a Review", section 4.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import comb
from threadpoolctl import threadpool_limits

from annotate.scoring import intervals
from annotate.scoring.intervals import Estimate
from rankings.scoring import preference_model
from rankings.scoring.preference_model import Pairs

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]

FOLDS, DRAWS = 5, 4
#: Prompts that the smallest model of a curve is made of, and how many sizes there are at most.
SMALLEST, SIZES = 12, 7
#: With fewer prompts than this nothing is said.
FEWEST_PROMPTS = 40
ROUNDS = 1_000
#: Folds learn from one another's prompts, so their accuracies are not independent: what resampling says is too short
#: by the root of 1 + folds * tested / learned from (Nadeau & Bengio 2003, "Inference for the Generalization Error",
#: section 3). Accuracies of 12 sets of labels by chance lay 1.6 times as far apart as it says.
WIDER = sqrt(1 + FOLDS / (FOLDS - 1))
#: Powers that are tried for the trend: how fast what is left to learn dwindles.
_POWERS = np.linspace(0.1, 1.0, 10)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Chances of models that never saw the prompt, the pairs' own order.

    `sizes`: prompts that models were made of, rising, (sizes,); the last is all there are. `chance`: (sizes, draws,
    pairs), all draws of the last size are one. `fold`: of each pair. `penalty`: of each fold.
    """

    sizes: Ints
    chance: Floats
    fold: Ints
    penalty: Floats

    @property
    def whole(self) -> Floats:
        """By pair, the chance from all other folds."""
        last: Floats = self.chance[-1, 0]
        return last

    @property
    def right(self) -> Floats:
        """(sizes, draws, pairs)."""
        return preference_model.right(self.chance)


def sizes(prompts: int) -> Ints:
    """Numbers of prompts to learn from, each twice the one before; where that gives few, 1.4 times."""
    step = 2.0 if prompts >= SMALLEST * 2 ** (SIZES - 1) else sqrt(2)
    found = [round(prompts / step**nth) for nth in range(SIZES)]
    return np.array(sorted({one for one in found if one >= min(SMALLEST, prompts)}), np.int64)


def dealt(prompt: Ints, seed: int = 0) -> Ints:
    """By pair, which fold its prompt is in."""
    known, number = np.unique(prompt, return_inverse=True)
    fold: Ints = np.random.default_rng(seed).permutation(len(known)) % FOLDS
    return fold[number]


def held_out(
    responses: sparse.csr_array, pairs: Pairs, seed: int = 0, tell: Callable[[float], None] = lambda share: None
) -> HeldOut:
    """Chances by size and draw. `responses`: (responses, features). `tell` takes how far it is, 0 to 1.

    Raises ValueError where there are fewer than `FEWEST_PROMPTS` prompts.
    """
    prompts = len(np.unique(pairs.prompt))
    if prompts < FEWEST_PROMPTS:
        raise ValueError(f"prompts: {prompts}, at least {FEWEST_PROMPTS} are needed")
    with threadpool_limits(1, "blas"):  # on a busy machine its threads wait for one another: 28 s in place of 2
        return _held_out(responses, pairs, sizes(prompts - -(-prompts // FOLDS)), seed, tell)


def _held_out(
    responses: sparse.csr_array, pairs: Pairs, wanted: Ints, seed: int, tell: Callable[[float], None]
) -> HeldOut:
    fold = dealt(pairs.prompt, seed)
    chance, penalty = np.zeros((len(wanted), DRAWS, len(pairs))), np.zeros(FOLDS)
    for own in range(FOLDS):
        inside, rest = pairs.pick(fold != own), pairs.pick(fold == own)
        penalty[own] = preference_model.best_penalty(responses, inside, seed)
        tell((own + 0.4) / FOLDS)
        for draw in range(DRAWS):
            for nth, found in _grown(responses, inside, wanted, penalty[own], draw):
                chance[nth, draw, fold == own] = preference_model.chances(responses, found, rest)
            tell((own + 0.4 + 0.6 * (draw + 1) / DRAWS) / FOLDS)
    chance[-1, 1:] = chance[-1, 0]
    return HeldOut(wanted, chance, fold, penalty)


def _grown(
    responses: sparse.csr_array, pairs: Pairs, wanted: Ints, penalty: float, draw: int
) -> Iterator[tuple[int, Floats]]:
    """Models of more and more prompts, each of those before and others; that of all in the first draw alone."""
    turn = turns(pairs.prompt, draw)
    weights: Floats | None = None
    for nth, size in enumerate(wanted):
        whole = nth == len(wanted) - 1
        if whole and draw:
            return
        weights = preference_model.fit(responses, pairs if whole else pairs.pick(turn < size), penalty, weights)
        yield nth, weights


def turns(prompt: Ints, draw: int) -> Ints:
    """By pair, as the how manieth its prompt is learned from in this draw."""
    known, number = np.unique(prompt, return_inverse=True)
    turn: Ints = np.random.default_rng(1 + draw).permutation(len(known))
    return turn[number]


# --- How sure it is --------------------------------------------------------------------------------------------------


class Resampled:
    """Accuracies of resampled prompts and draws: any figure of them has its interval."""

    def __init__(self, right: Floats, prompt: Ints, seed: int = 0) -> None:
        """`right`: (figures, draws, pairs), 0 to 1."""
        row, shape = intervals.clusters(prompt), right.shape
        self.sums = intervals.summed(row, np.ones(shape[2]), *right.reshape(-1, shape[2]))
        self.shape, self.seed, self.rows = shape, seed, len(self.sums)
        self._rounds = self._means(intervals.resampled(self.sums, ROUNDS, seed), self._drawn(ROUNDS))
        self.means: Floats = self._means(self.sums.sum(axis=0, keepdims=True), np.ones((1, shape[1])))

    def _drawn(self, rounds: int) -> Floats:
        """(rounds, draws): how often each draw is taken."""
        chosen = np.random.default_rng(self.seed).multinomial(
            self.shape[1], np.full(self.shape[1], 1 / self.shape[1]), rounds
        )
        return chosen.astype(np.float64)

    def _means(self, totals: Floats, drawn: Floats) -> Floats:
        """(rounds, figures)."""
        each = totals[:, 1:].reshape(len(totals), *self.shape[:2]) / totals[:, :1, None]
        means: Floats = np.einsum("rfd,rd->rf", each, drawn) / self.shape[1]
        return means

    def estimate(self, figure: Callable[[Floats], Floats], wider: float = WIDER) -> Estimate:
        """`figure`: from (rounds, figures) to (rounds,); `wider`: 1 for what isn't learned. `n`: of pairs."""
        found = intervals.percentiles(float(figure(self.means)[0]), figure(self._rounds), self.rows)
        if found.value is None or found.low is None or found.high is None:
            return found._replace(n=self.shape[2])
        value = found.value
        low, high = value + wider * (found.low - value), value + wider * (found.high - value)
        return Estimate(value, max(low, -1.0), min(high, 1.0), self.shape[2])


def next_doubling(sizes: Ints) -> Callable[[Floats], Floats]:
    """What twice as many will bring, by the trend accuracy = a - b * size ** -c: from (rounds, sizes) to (rounds,).

    For each of some powers c, a and b by least squares; that which fits best. A curve that falls will bring nothing.
    """
    scale = np.asarray(sizes / sizes[-1], np.float64)
    bases = [np.column_stack([np.ones(len(scale)), -(scale**-power)]) for power in _POWERS]

    def gain(accuracy: Floats) -> Floats:
        errors, gains = [], []
        for power, base in zip(_POWERS, bases, strict=True):
            found = accuracy @ np.linalg.pinv(base).T
            errors.append(((found @ base.T - accuracy) ** 2).sum(axis=1))
            gains.append(np.maximum(found[:, 1], 0) * (1 - 2.0**-power))
        best = np.argmin(np.array(errors), axis=0)
        return np.asarray(np.array(gains)[best, np.arange(len(best))])

    return gain


# --- What people could reach -----------------------------------------------------------------------------------------


def agreed(right: Ints, votes: Ints) -> Floats:
    """By pair of responses, the chance that two of its votes are the same: k of n are for the one. NaN for one vote."""
    same = right * (right - 1) + (votes - right) * (votes - right - 1)
    return intervals.ratio(same.astype(np.float64), (votes * (votes - 1)).astype(np.float64))


def ceiling(agreement: float, raters: int = 1) -> float:
    """How often whoever knows what most people prefer is right about the majority of so many votes: 0.5 to 1.

    Where each vote is with most people with probability p, two votes agree with p * p + (1 - p) * (1 - p); so
    p = (1 + sqrt(2 * agreement - 1)) / 2, and the majority of n votes is right as Condorcet (1785) has it. If pairs
    differ in p, a single vote is predicted at most so well (Jensen), and at least as well as two votes agree.
    """
    one = (1 + sqrt(max(0.0, 2 * agreement - 1))) / 2
    many = np.arange(raters + 1)
    chance = comb(raters, many) * one**many * (1 - one) ** (raters - many)
    return float(chance[2 * many > raters].sum() + chance[2 * many == raters].sum() / 2)


# --- Whether chances can be believed ---------------------------------------------------------------------------------

BINS = 10


@dataclass(frozen=True, slots=True)
class Calibration:
    """`bins`: (predicted, observed, pairs), by how sure the model is of its own choice, 0.5 to 1.

    `error`: the expected calibration error, the mean distance of the two (Naeini et al. 2015; Guo et al. 2017).
    `by_chance`, `most`: what a model that is right about its chances would have, on average and in 19 of 20 cases
    (consistency resampling: Bröcker & Smith 2007). `over`: mean chance less accuracy, above 0 where it is too sure.
    """

    bins: list[tuple[float, float, int]]
    error: float
    by_chance: float
    most: float
    over: Estimate


def calibration(chance: Floats, prompt: Ints, rounds: int = 500, seed: int = 0) -> Calibration:
    """Of the chances of the labels' own choices: (pairs,). Labels of a prompt go the same way when drawn by chance."""
    sure, right = np.maximum(chance, 1 - chance), preference_model.right(chance)
    bins = _bins(sure)
    count = np.bincount(bins)
    _known, number = np.unique(prompt, return_inverse=True)
    drawn = np.random.default_rng(seed).random((rounds, int(number.max()) + 1))
    chancy = np.array([_error((one[number] < sure) - sure, bins) for one in drawn])
    predicted, observed = np.bincount(bins, sure) / count, np.bincount(bins, right) / count
    told = [(float(p), float(o), int(n)) for p, o, n in zip(predicted, observed, count, strict=True)]
    sums = intervals.summed(intervals.clusters(prompt), sure - right, np.ones(len(sure)))
    over = intervals.bootstrap(sums, lambda totals: intervals.ratio(totals[:, 0], totals[:, 1]))
    error = _error(right - sure, bins)
    return Calibration(told, error, float(chancy.mean()), float(np.quantile(chancy, 0.95)), over)


def _bins(sure: Floats) -> Ints:
    """By pair its bin, all of about the same size; equal chances share one."""
    edges = np.unique(np.quantile(sure, np.linspace(0, 1, BINS + 1)[1:-1]))
    _used, number = np.unique(np.searchsorted(edges, sure, side="right"), return_inverse=True)
    return number


def _error(gap: Floats, bins: Ints) -> float:
    return float(np.abs(np.bincount(bins, gap)).sum() / len(gap))

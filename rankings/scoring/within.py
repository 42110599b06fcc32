"""What a few people's orders of one prompt's responses say together: Bradley-Terry within a prompt.

A handful of votes can't separate responses at 95 %, so the order is told as it is with how likely it is to be right:
strengths are held by one comparison with an average response, won half of the time, which makes what one vote says
about as certain as a uniform prior would (3 to 1), and errors are those of the normal approximation there (Laplace's).
Ties count half for each side. What the votes leave equal stays a tie, and so does a majority cycle (a over b, b over c,
c over a): its responses share a place, since any order of them would be made up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from scipy.special import ndtr

from annotate.scoring.intervals import Floats, Ints
from rankings.scoring.comparisons import Bools
from rankings.scoring.robust import logistic

_EQUAL = 1e-6
_CLOSE = 1e-9
_STEPS = 100
#: No step is longer: where all is won the curve is flat, and Newton would jump too far.
_LONGEST = 2.0


@dataclass(frozen=True, slots=True)
class Small:
    """Many prompts with up to k responses each. `strength`: (prompts, k), 0 for an average response.

    `covariance`: (prompts, k, k). `places`: (prompts, k), 1 for the best, equal for a tie, no gaps.
    `cyclic`: (prompts, k, k), whether both are in one majority cycle.
    """

    strength: Floats
    covariance: Floats
    places: Ints
    cyclic: Bools

    def chances(self) -> Floats:
        """How likely it is that the row is better than the column: (prompts, k, k)."""
        return np.asarray(ndtr(_apart(self.strength) / np.sqrt(spread(self.covariance))))


@dataclass(frozen=True, slots=True)
class Agreed:
    """One prompt. `places`: 1 for the best, equal for a tie, no gaps. `strength`: natural logarithm, 0 for an average.

    `chance`: of (a, b) how likely it is that a is better, for every two names. `certainty`: the mean, over
    pairs that somebody compares, of how likely their order is to be right, 0.5 to 1; a tie counts 0.5. Without any pair
    it is 1.
    """

    places: dict[str, int]
    strength: dict[str, float]
    chance: dict[tuple[str, str], float]
    certainty: float


def consensus(
    rankings: Sequence[Mapping[str, float]], weights: Sequence[float] | None = None, sure: float = 0.5
) -> Agreed:
    """What these orders say together. Each: name -> place, 1 is best, equal numbers tie; it may leave some names out.

    Those at place infinity are behind all others, and nothing is said of one against the other.

    `weights`: how much each order counts, 1 where nothing is said; `raters.Raters.reliability` of who gave it.
    `sure`: two responses that follow each other share a place unless it is at least so likely that one is better.
    """
    names = sorted({name for one in rankings for name in one})
    said = wins(rankings, names)
    table = said if weights is None else wins(rankings, names, weights)
    strength, places, chance = _one(table.tobytes(), len(names), sure)
    place = dict(zip(names, places, strict=True))
    pairs = [(i, j) for i, j in combinations(range(len(names)), 2) if said[i, j] + said[j, i] > 0]
    right = [_right(chance[i][j], place[names[i]], place[names[j]]) for i, j in pairs]
    return Agreed(
        place,
        dict(zip(names, strength, strict=True)),
        {(a, b): chance[i][j] for i, a in enumerate(names) for j, b in enumerate(names) if i != j},
        sum(right) / len(right) if right else 1.0,
    )


def wins(
    rankings: Sequence[Mapping[str, float]], names: Sequence[str], weights: Sequence[float] | None = None
) -> Floats:
    """How many prefer the row to the column, by weight, a tie half for each: (names, names)."""
    table = np.zeros((len(names), len(names)))
    for one, weight in zip(rankings, weights or [1.0] * len(rankings), strict=True):
        place = np.array([one.get(name, np.nan) for name in names])
        table += weight * ((place[:, None] < place) + 0.5 * ((place[:, None] == place) & np.isfinite(place)))
    np.fill_diagonal(table, 0)
    return table


def fit_each(wins: Floats, prior: float = 1.0, sure: float = 0.5, start: Floats | None = None) -> Small:
    """Each prompt by itself. `wins`: (prompts, k, k), how many prefer the row to the column, a tie half for each.

    Where a prompt has fewer responses its last rows and columns are 0. `prior`: comparisons with an average response.
    """
    strength, covariance = solve(wins, prior, start)
    cyclic = _cycles(wins > np.swapaxes(wins, 1, 2))
    return Small(strength, covariance, _places(strength, covariance, cyclic, sure), cyclic)


def solve(wins: Floats, prior: float, start: Floats | None = None) -> tuple[Floats, Floats]:
    """Strengths, (prompts, k), and their covariances, (prompts, k, k), by Newton's method on all prompts at once."""
    met = wins + np.swapaxes(wins, 1, 2)
    at = np.zeros(wins.shape[:2]) if start is None else start
    eye = np.eye(wins.shape[1])
    bend = np.broadcast_to(eye, wins.shape)
    for _step in range(_STEPS):
        chance, held = logistic(_apart(at)), logistic(at)
        across = met * chance * (1 - chance)
        bend = eye * (across.sum(axis=2) + prior * held * (1 - held))[:, :, None] - across
        slope = (wins - met * chance).sum(axis=2) + prior * (0.5 - held)
        step = np.linalg.solve(bend, slope[:, :, None])[:, :, 0]
        at = at + np.clip(step, -_LONGEST, _LONGEST)
        if not step.size or np.abs(step).max() < _CLOSE:
            break
    return at, np.linalg.inv(bend)


def spread(covariance: Floats) -> Floats:
    """The variance of the difference of each two: (prompts, k, k); 1 on the diagonal."""
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    apart: Floats = variance[:, :, None] + variance[:, None, :] - 2 * covariance
    return np.where(apart > 0, apart, 1.0)


def _apart(strength: Floats) -> Floats:
    return np.asarray(strength[:, :, None] - strength[:, None, :])


def _right(chance: float, first: int, second: int) -> float:
    """How likely it is that the order of two is right; a coin's toss for a tie."""
    if first == second:
        return 0.5
    return chance if first < second else 1 - chance


@lru_cache(maxsize=1 << 16)
def _one(table: bytes, many: int, sure: float) -> tuple[list[float], list[int], list[list[float]]]:
    """Strengths, places and chances of one table of `wins`: a few votes give the same tables over and over."""
    found = fit_each(np.frombuffer(table).reshape(1, many, many), sure=sure)
    return found.strength[0].tolist(), found.places[0].tolist(), found.chances()[0].tolist()


def _cycles(over: Bools) -> Bools:
    """Which two are in one cycle of `over`, (prompts, k, k): each reaches the other (Warshall 1962)."""
    reached = over.copy()
    for via in range(over.shape[1]):
        reached |= reached[:, :, via, None] & reached[:, None, via, :]
    return np.asarray(reached & np.swapaxes(reached, 1, 2))


def _places(strength: Floats, covariance: Floats, cyclic: Bools, sure: float) -> Ints:
    """From the strongest on: a new place for whoever isn't a tie with the first of the place before."""
    many, size = strength.shape
    level = _levelled(strength, cyclic)
    order = np.argsort(-level, axis=1, kind="stable")
    rows, apart = np.arange(many), np.sqrt(spread(covariance))
    places, place = np.ones((many, size), np.int64), np.ones(many, np.int64)
    head = order[:, 0] if size else rows
    for at in order.T:
        lead = level[rows, head] - level[rows, at]
        new = (lead > _EQUAL) & (ndtr(lead / apart[rows, head, at]) >= sure)
        place, head = place + new, np.where(new, at, head)
        places[rows, at] = place
    return places


def _levelled(strength: Floats, cyclic: Bools) -> Floats:
    """Strengths with the mean of its cycle for whoever is in one."""
    same = cyclic.astype(np.float64)
    many = same.sum(axis=2)
    mean = np.einsum("pij,pj->pi", same, strength) / np.maximum(many, 1)
    return np.where(many > 0, mean, strength)

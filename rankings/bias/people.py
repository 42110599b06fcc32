"""Figures of annotators from their comparisons: what they prefer whoever wrote it, and how fast they are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotate.scoring.intervals import Estimate
from rankings.boards.meetings import Meetings
from rankings.scoring import positions

type Bools = NDArray[np.bool_]
type Floats = NDArray[np.float64]

#: Nobody reads faster: 238 words a minute is usual, and beyond 700 people skim (Brysbaert, "How many words do we
#: read per minute?", 2019). With six characters a word, this is 700 words a minute, in characters a second.
FASTEST = 70.0

#: Annotators whose pace and quality are set against each other: with fewer, any order comes about by chance.
FEWEST = 5


@dataclass(frozen=True, slots=True)
class Sways:
    """What one person, or all, prefer whoever wrote it."""

    first: Estimate
    longer: Estimate


def sways(met: Meetings) -> Sways:
    """How often the response shown first, and the longer one, wins; ties say nothing of either."""
    length = met.winner_style[:, 0].astype(np.int64), met.loser_style[:, 0].astype(np.int64)
    return Sways(
        positions.first_wins(met.winner_place, met.loser_place, met.tie, met.prompt),
        positions.longer_wins(*length, met.tie, met.prompt),
    )


def with_majority(met: Meetings) -> tuple[Bools, Bools]:
    """By comparison: whether the others who compared these two responses have a majority, and whether this one is it.

    A majority is the one answer (the first, the second, a tie) that more of the others gave than any other.
    """
    if not len(met):
        return np.zeros(0, bool), np.zeros(0, bool)
    winner, loser, many = _numbered(met)
    _units, unit = np.unique(np.minimum(winner, loser) * many + np.maximum(winner, loser), return_inverse=True)
    said = np.where(met.tie, 1, np.where(winner < loser, 0, 2))
    votes = np.zeros((int(unit.max()) + 1, 3), np.int64)
    np.add.at(votes, (unit, said), 1)
    others = votes[unit]
    others[np.arange(len(met)), said] -= 1
    most = others.max(axis=1)
    decided: Bools = (most > 0) & ((others == most[:, None]).sum(axis=1) == 1)
    return decided, decided & (others.argmax(axis=1) == said)


def _numbered(met: Meetings) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Winners and losers by numbers from 0, and how many responses there are."""
    names, number = np.unique(np.concatenate([met.winner_response, met.loser_response]), return_inverse=True)
    return number[: len(met)], number[len(met) :], len(names)


def majority(met: Meetings, decided: Bools, agrees: Bools) -> Estimate:
    """Share of comparisons that say what the majority of the others says."""
    return positions.share(agrees[decided], met.prompt[decided])


# --- Haste ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Timed:
    """Labels whose time is known: one entry each. `hasty`: taken in less time than reading the responses would take."""

    annotator: NDArray[np.int64]
    prompt: NDArray[np.int64]
    seconds: Floats
    hasty: Bools


def timed(met: Meetings) -> Timed:
    """The labels with a known time; those that came with files have none."""
    label, first, of = np.unique(met.label, return_index=True, return_inverse=True)
    winner, loser, many = _numbered(met)
    lengths = np.concatenate([met.winner_style[:, 0], met.loser_style[:, 0]])
    once, nth = np.unique(np.concatenate([of * many + winner, of * many + loser]), return_index=True)
    characters = np.bincount(once // max(many, 1), lengths[nth], minlength=len(label))
    seconds = met.seconds[first]
    known = seconds > 0
    hasty = (seconds < characters / FASTEST)[known]
    return Timed(met.annotator[first][known], met.prompt[first][known], seconds[known], hasty)


def haste(of: Timed) -> Estimate:
    """Share of labels that were given faster than anybody reads."""
    return positions.share(of.hasty, of.prompt)


def median(values: Floats) -> float | None:
    return float(np.median(values)) if len(values) else None


def rank_correlation(first: list[float], second: list[float]) -> Estimate:
    """Spearman's rank correlation; `n` is the number of pairs. None with fewer than `FEWEST`, or all alike.

    Interval by Fisher's z with the variance of Bonett & Wright, "Sample size requirements for estimating Pearson,
    Kendall and Spearman correlations", 2000, section 3: (1 + r^2 / 2) / (n - 3).
    """
    many = len(first)
    if many < FEWEST or len(set(first)) < 2 or len(set(second)) < 2:
        return Estimate(n=many)
    from scipy import stats  # as much to load as all else here, and of use to workers alone

    value = float(stats.spearmanr(first, second).statistic)
    z, half = np.arctanh(np.clip(value, -0.999999, 0.999999)), 1.96 * np.sqrt((1 + value**2 / 2) / (many - 3))
    return Estimate(value, float(np.tanh(z - half)), float(np.tanh(z + half)), many)

"""How often the one shown first wins, and the longer one: shares of decided comparisons, with intervals by prompts."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from annotate.scoring.intervals import Estimate, Floats, Ints
from rankings.scoring import robust
from rankings.scoring.comparisons import Bools, numbered, score_interval


def first_wins(winner_place: Ints, loser_place: Ints, tie: Bools, cluster: Ints) -> Estimate:
    """P(the one shown earlier wins), ties left out; 0.5 where order means nothing. `n`: comparisons.

    Places from 0, below it where not known; two at one place say nothing.
    """
    told = ~tie & (winner_place != loser_place) & (winner_place >= 0) & (loser_place >= 0)
    return share(winner_place[told] < loser_place[told], cluster[told])


def longer_wins(winner_length: Ints, loser_length: Ints, tie: Bools, cluster: Ints) -> Estimate:
    """P(the longer one wins), ties and equal lengths left out. `n`: comparisons.

    Not a bias by itself: the longer one may be the better one. See `styled` for what length does at equal strength.
    """
    told = ~tie & (winner_length != loser_length)
    return share(winner_length[told] > loser_length[told], cluster[told])


def share(hits: ArrayLike, cluster: ArrayLike) -> Estimate:
    """The share of `hits` that are true, with an interval that holds though those of a cluster aren't independent.

    Wilson's interval of an effective number of trials: as many independent ones as would give the share the variance
    it has between clusters (a ratio's, with Student's t), no more than there are: Korn & Graubard 1998, "Confidence
    intervals for proportions with small expected number of positive counts estimated from survey data", section 3;
    with Wilson's instead of Clopper-Pearson's: Franco, Little, Louis & Slud 2019.
    """
    hit = np.asarray(hits, np.float64)
    if not len(hit):
        return Estimate()
    rate, trials = float(hit.mean()), _effective(hit, numbered(cluster))
    low, high = score_interval(np.array(rate), trials)
    return Estimate(rate, float(low), float(high), len(hit))


def _effective(hit: Floats, cluster: Ints) -> float:
    """How many independent trials would tell as much."""
    many, rate = robust.clusters(cluster), hit.mean()
    off = np.bincount(cluster, hit - rate)
    variance = float((off**2).sum()) / len(hit) ** 2 * many / max(many - 1, 1)
    if variance < 1e-12:
        return float(many)
    normal = ndtri(0.975)
    return float(min(rate * (1 - rate) / variance * (normal / robust.reach(many)) ** 2, len(hit)))

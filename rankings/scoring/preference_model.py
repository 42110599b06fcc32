"""A small preference model: a score for each response, so that the better of two is likely to have the higher one.

The loss is Bradley-Terry's: P(a is preferred to b) = 1 / (1 + exp(-(s(a) - s(b)))), with s linear in the features of a
response; so it is a logistic regression without an intercept on differences of features, and as every reward model is
trained (Ouyang et al. 2022, equation 1). It knows no order: swapped, a pair has the opposite chance. Weights are held
to zero by a penalty, a share of training prompts tells how hard.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rankings.scoring.robust import logistic

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]
type Mask = NDArray[np.bool_]

#: What is tried for the penalty, the hardest first: each begins where the one before ended.
PENALTIES = (10.0, 2.0, 0.4)
#: Of the training prompts, what is held out to choose the penalty.
_KEPT_BACK = 0.2
#: Nobody's choice changes by further steps, or by smaller slopes.
_SOLVER = {"maxiter": 40, "maxcor": 5, "gtol": 3e-4}


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of responses, one entry a pair: the rows of the better and the worse one, and what is asked (`prompt`).

    `target`: how sure it is that `chosen` is the better one, 1 for a single label. `weight`: how much it counts.
    """

    chosen: Ints
    rejected: Ints
    prompt: Ints
    target: Floats
    weight: Floats

    def __len__(self) -> int:
        return len(self.chosen)

    def pick(self, which: Ints | Mask) -> "Pairs":
        rows = self.chosen[which], self.rejected[which], self.prompt[which]
        return Pairs(*rows, self.target[which], self.weight[which])


def fit(responses: sparse.csr_array, pairs: Pairs, penalty: float, start: Floats | None = None) -> Floats:
    """The weight of each feature. `responses`: (responses, features). `start`: where to begin, for speed alone.

    Minimises the weighted log loss + `penalty` / 2 times the sum of squared weights, by L-BFGS.
    """
    begin = np.zeros(responses.shape[1]) if start is None else start
    if not len(pairs):
        return begin
    near, pairs = _needed(responses, pairs)
    transposed = near.T
    total = float(pairs.weight.sum())

    def loss(weights: Floats) -> tuple[float, Floats]:
        gap = differences(near @ weights.astype(np.float32), pairs)  # of the matrix's own type, or it is copied
        value = pairs.weight @ (np.logaddexp(0, gap) - pairs.target * gap)
        pull = pairs.weight * (logistic(gap) - pairs.target)
        own = np.bincount(pairs.chosen, pull, near.shape[0]) - np.bincount(pairs.rejected, pull, near.shape[0])
        slope = transposed @ own.astype(np.float32) + penalty * weights
        return float(value + penalty / 2 * weights @ weights) / total, slope / total

    from scipy.optimize import minimize  # here, for only a worker that makes a model needs it

    found: Floats = minimize(loss, begin, jac=True, method="L-BFGS-B", options=_SOLVER).x
    return found


def _needed(responses: sparse.csr_array, pairs: Pairs) -> tuple[sparse.csr_array, Pairs]:
    """Only the rows that the pairs are of, where that spares more than a copy costs."""
    used, number = np.unique(np.concatenate([pairs.chosen, pairs.rejected]), return_inverse=True)
    if 4 * len(used) > responses.shape[0]:
        return responses, pairs
    many = len(pairs)
    return responses[used], Pairs(number[:many], number[many:], pairs.prompt, pairs.target, pairs.weight)


def differences(scores: Floats, pairs: Pairs) -> Floats:
    """By pair, how much higher the better one scores."""
    return np.asarray(scores[pairs.chosen] - scores[pairs.rejected], np.float64)


def chances(responses: sparse.csr_array, weights: Floats, pairs: Pairs) -> Floats:
    """By pair, the probability that the model gives to `chosen` being the better one."""
    return logistic(differences(responses @ weights.astype(np.float32), pairs))


def best_penalty(responses: sparse.csr_array, pairs: Pairs, seed: int = 0) -> float:
    """The penalty of `PENALTIES` whose model is least surprised by prompts kept back from these pairs."""
    inside = ~kept_back(pairs.prompt, _KEPT_BACK, seed)
    train, rest = pairs.pick(inside), pairs.pick(~inside)
    start: Floats | None = None
    surprise: list[float] = []
    for penalty in PENALTIES:
        start = fit(responses, train, penalty, start)
        surprise.append(log_loss(chances(responses, start, rest), rest))
    return PENALTIES[int(np.argmin(surprise))]


def log_loss(chance: Floats, pairs: Pairs) -> float:
    """Mean surprise in nats, by weight; log 2 for who knows nothing."""
    sure = np.clip(chance, 1e-12, 1 - 1e-12)
    each = pairs.target * np.log(sure) + (1 - pairs.target) * np.log(1 - sure)
    return -float(np.average(each, weights=pairs.weight)) if len(pairs) else 0.0


def kept_back(prompt: Ints, share: float, seed: int) -> Mask:
    """By pair, whether its prompt is one of a random share of them: all of a prompt's pairs or none."""
    known, number = np.unique(prompt, return_inverse=True)
    chosen = np.random.default_rng(seed).permutation(len(known)) < share * len(known)
    return np.asarray(chosen[number], np.bool_)


def right(chance: Floats | Sequence[float]) -> Floats:
    """1 where the model chooses as the label did, 0 where it doesn't, a half where it can't tell."""
    gap = np.asarray(chance, np.float64) - 0.5
    return np.where(np.abs(gap) < 1e-9, 0.5, (gap > 0).astype(np.float64))

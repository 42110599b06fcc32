"""What to ask next: how much an answer to each task would tell of the items' strengths.

Strengths are known up to a covariance V (the model's, prior included, so two groups that never met differ by a lot that
is unknown). An answer adds information J; what it takes from the sum of the strengths' variances is the gain
(A-optimality): tr((I + J V)^-1 J V V). J is that of the expected comparisons under the fit, each pair of a task by
itself, h = the variance of an outcome: Glickman & Jensen 2005, "Adaptive paired comparison designs" (there with the
determinant); Chiang et al. 2024, "Chatbot Arena", section 5, samples pairs by the same reduction.
"""

import numpy as np

from annotate.scoring.intervals import Floats, Ints
from rankings.scoring.bradley_terry import Fit, outcomes

#: In how many rounds an order is made: what was chosen so far counts as known from the next round on.
ROUNDS = 50


def gain(fit: Fit, tasks: Ints) -> Floats:
    """What each task would take from the sum of all strengths' variances: (tasks,), above 0, or 0 where nothing.

    `tasks`: (tasks, k), the items of its responses, -1 for none; two responses of one item tell nothing of each other.
    """
    return _gains(_centred(fit.posterior), _information(fit), tasks)


def order(fit: Fit, tasks: Ints, wanted: int) -> Ints:
    """The `wanted` tasks to ask next (their rows), the best first; of equal ones the earlier.

    What was chosen counts as answered from the next round on, so that not all ask the same.
    """
    sets, of = np.unique(np.sort(tasks, axis=1), axis=0, return_inverse=True)
    of = of.reshape(-1)
    waiting = np.argsort(of, kind="stable")
    begin, stock = np.searchsorted(of[waiting], np.arange(len(sets))), np.bincount(of, minlength=len(sets))
    known, information = _centred(fit.posterior), _information(fit)
    taken, chosen = np.zeros(len(sets), np.int64), np.zeros(0, np.int64)
    wanted = min(wanted, len(tasks))
    while len(chosen) < wanted:
        gains = np.where(taken < stock, _gains(known, information, sets), -1.0)
        some = min(-(-wanted // ROUNDS), wanted - len(chosen), int((taken < stock).sum()))
        best = np.argsort(-gains, kind="stable")[:some]
        chosen = np.append(chosen, waiting[begin[best] + taken[best]])
        taken[best] += 1
        known = _told(known, information, sets[best])
    return chosen


def _centred(covariance: Floats) -> Floats:
    """Of strengths less the mean of all: a common shift means nothing."""
    rows = covariance - covariance.mean(axis=0, keepdims=True) if len(covariance) else covariance
    return np.asarray(rows - rows.mean(axis=1, keepdims=True) if len(rows) else rows)


def _information(fit: Fit) -> Floats:
    """What a comparison of row and column tells of their difference: the variance of its outcome (1, 1/2, 0)."""
    won, tied = outcomes(fit.strength[:, None] - fit.strength, fit.tie)
    return np.asarray(won + tied / 4 - (won + tied / 2) ** 2)


def _gains(known: Floats, information: Floats, tasks: Ints) -> Floats:
    if not tasks.size:
        return np.zeros(len(tasks))
    told, row, column = _of_tasks(information, tasks)
    squared = (known @ known)[row, column]
    change = np.linalg.solve(np.eye(tasks.shape[1]) + told @ known[row, column], told)
    return np.asarray(np.maximum(np.einsum("tij,tji->t", change, squared), 0.0))


def _of_tasks(information: Floats, tasks: Ints) -> tuple[Floats, Ints, Ints]:
    """The information of each task, (tasks, k, k), and the items it is about, as an index into (items, items)."""
    row, column = tasks[:, :, None], tasks[:, None, :]
    across = np.where((row >= 0) & (column >= 0) & (row != column), information[row, column], 0.0)
    return np.eye(tasks.shape[1]) * across.sum(axis=2)[:, :, None] - across, row, column


def _told(known: Floats, information: Floats, tasks: Ints) -> Floats:
    """The covariance when these were answered."""
    told, row, column = _of_tasks(information, tasks)
    total = np.zeros_like(known)
    np.add.at(total, np.broadcast_arrays(row, column), told)
    return np.asarray(np.linalg.solve(np.eye(len(known)) + known @ total, known))

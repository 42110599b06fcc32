"""Answers and annotators' reliability, learned together (Dawid & Skene 1979, Applied Statistics 28(1))."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from annotate.scoring.intervals import Floats, Ints

#: Posteriors that move by less are where they will be.
STILL = 1e-6


@dataclass(frozen=True, slots=True)
class Fit:
    """`posterior`: (tasks, classes), the probability of each answer. `confusion`: (raters, classes, classes), of what
    a rater says (last axis) given the true class. `prior`: (classes,). `skill`: (raters,), the probability of saying
    what is true, averaged over the classes by the prior.
    """

    posterior: Floats
    confusion: Floats
    prior: Floats
    skill: Floats
    rounds: int


def fit(task: Ints, rater: Ints, answer: Ints, classes: int, rounds: int = 100, smoothing: float = 1.0) -> Fit:
    """By expectation maximisation, begun from the shares of votes. `task`, `rater`, `answer`: numbered from 0.

    `smoothing`: added to each cell of a rater's confusion, `classes` times as much to its diagonal, so that few labels
    say little (maximum a posteriori). Ties stay: a task whose votes are even among equals has an even posterior.
    A round costs two products with a sparse matrix of one entry a label. The same labels in the same order give the
    same fit to the bit. ValueError for an answer that is none of the classes, and where nobody said anything.
    """
    if not len(answer) or rounds < 1:
        raise ValueError("rounds: at least one" if rounds < 1 else "answer: there is none")
    if answer.min() < 0 or answer.max() >= classes:
        raise ValueError(f"answer: not all are of 0 to {classes - 1}")
    raters = int(rater.max()) + 1
    said = _said(task, rater * classes + answer, raters * classes)
    added = smoothing * (np.ones((classes, classes)) + (classes - 1) * np.eye(classes))
    posterior = _shares(said @ np.tile(np.eye(classes), (raters, 1)))
    moved, turns = np.inf, 0
    while moved > STILL and turns < rounds:
        before = posterior
        confusion, prior = _maximised(said, posterior, added)
        posterior = _expected(said, confusion, prior)
        moved, turns = np.abs(posterior - before).max(), turns + 1
    skill = np.diagonal(confusion, axis1=1, axis2=2) @ prior
    return Fit(posterior, confusion, prior, skill, turns)


def _said(task: Ints, cell: Ints, cells: int) -> csr_array:
    """(tasks, raters x classes): how often a rater gave an answer to a task."""
    return csr_array((np.ones(len(task)), (task, cell)), shape=(int(task.max()) + 1, cells))


def _maximised(said: csr_array, posterior: Floats, added: Floats) -> tuple[Floats, Floats]:
    """Confusion and prior, given what is thought to be true: equations 2.3 and 2.4."""
    classes = posterior.shape[1]
    counts = (said.T @ posterior).reshape(-1, classes, classes).transpose(0, 2, 1) + added
    return _shares(counts), posterior.mean(axis=0)


def _expected(said: csr_array, confusion: Floats, prior: Floats) -> Floats:
    """What is thought to be true, given confusion and prior: equation 2.5, in logarithms."""
    classes = len(prior)
    with np.errstate(divide="ignore"):  # a class that nobody is thought to be of stays so
        likely = said @ np.log(confusion).transpose(0, 2, 1).reshape(-1, classes) + np.log(prior)
    return _shares(np.exp(likely - likely.max(axis=1, keepdims=True)))


def _shares(counts: Floats) -> Floats:
    shares: Floats = counts / counts.sum(axis=-1, keepdims=True)
    return shares

"""Stopping as soon as enough is known, with stated error rates (Wald, "Sequential Tests", 1945)."""

from collections.abc import Iterator
from enum import StrEnum
from math import log
from typing import NamedTuple

import numpy as np


class Finding(StrEnum):
    GOOD = "good"
    BAD = "bad"
    OPEN = "open"


class Course(NamedTuple):
    """Where the test of somebody stands after `answers` answers: the probability of each finding by then."""

    answers: int
    good: float
    bad: float
    open: float


def ratio_test(right: int, wrong: int, good: float, bad: float, error: float) -> Finding:
    """Wald's sequential probability ratio test of accuracy `good` against accuracy `bad`.

    `error`: at most about this share of good ones is ever called bad, and of bad ones called good, however often one
    looks (Wald's bounds, alpha = beta = error; Wald 1945, section 3.2). It holds too where one goes on counting after
    GOOD (Ville's inequality). But who turns careless after a long good record is found sooner if the counts begin
    anew after each GOOD, and then the share of errors holds for each such run.

    ValueError for accuracies or an error that make no test.
    """
    step_right, step_wrong, bound = _steps(good, bad, error)
    weight = right * step_right + wrong * step_wrong
    if weight >= bound:
        return Finding.GOOD
    return Finding.BAD if weight <= -bound else Finding.OPEN


def course(accuracy: float, good: float, bad: float, error: float, most: int = 10_000) -> Iterator[Course]:
    """What `ratio_test`, asked after every answer, finds of somebody with this accuracy: exact, by their answers.

    Ends when nearly nobody is left open (1e-9), or after `most` answers. ValueError as `ratio_test`.
    """
    step_right, step_wrong, bound = _steps(good, bad, error)
    still_open = np.ones(1)  # by number of right answers: the probability of being there without a finding
    found_good = found_bad = 0.0
    for answers in range(1, most + 1):
        still_open = np.convolve(still_open, [1 - accuracy, accuracy])
        weight = np.arange(answers + 1) * step_right + np.arange(answers, -1, -1) * step_wrong
        found_good += float(still_open[weight >= bound].sum())
        found_bad += float(still_open[weight <= -bound].sum())
        still_open[abs(weight) >= bound] = 0
        yield Course(answers, found_good, found_bad, float(still_open.sum()))
        if still_open.sum() < 1e-9:
            return


def expected_length(accuracy: float, good: float, bad: float, error: float) -> float:
    """How many answers the test takes on average of somebody with this accuracy: exact, from `course`.

    (Wald 1945, section 3.5 gives the approximation that leaves out by how much a bound is overstepped.)
    """
    return 1.0 + sum(one.open for one in course(accuracy, good, bad, error))


def _steps(good: float, bad: float, error: float) -> tuple[float, float, float]:
    """What a right and a wrong answer add to the log of the likelihood ratio, and the bound to reach."""
    if not 0 < bad < good < 1:
        raise ValueError(f"good, bad: {good} and {bad} are not 0 < bad < good < 1")
    if not 0 < error < 0.5:
        raise ValueError(f"error: {error} is not between 0 and 0.5")
    return log(good / bad), log((1 - good) / (1 - bad)), log((1 - error) / error)

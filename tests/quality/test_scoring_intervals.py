"""Intervals: against scipy and published examples, and whether they hold what they promise over many seeds."""

import numpy as np
import pytest
from scipy.stats import binomtest

from annotate.scoring import intervals
from annotate.scoring.intervals import Estimate, bootstrap, clusters, ratio, resampled, summed, wilson
from tests.quality.known import known


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("trials", [1, 2, 7, 30, 1000])
def test_wilson_is_scipys(trials, confidence):
    for successes in {0, 1, trials // 3, trials - 1, trials}:
        found = wilson(successes, trials, confidence)
        scipys = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
        assert found == pytest.approx((successes / trials, scipys.low, scipys.high, trials), abs=1e-12)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_in_print(successes, trials, low, high):
    """Newcombe, Two-sided confidence intervals for the single proportion (1998), table I, method 3."""
    found = known(wilson(successes, trials))
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_no_trials_no_share():
    assert wilson(0, 0) == Estimate(None, None, None, 0)
    with pytest.raises(ValueError, match="successes"):
        wilson(3, 2)


def mean(totals):
    return ratio(totals[:, 0], totals[:, 1])


def of_tasks(values):
    return np.column_stack([values, np.ones(len(values))])


def test_bootstrap_of_a_mean_is_as_wide_as_its_standard_error():
    values = np.random.default_rng(5).exponential(size=400)
    found = known(bootstrap(of_tasks(values), mean))
    error = values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert found.n == 400
    assert found.width / (2 * 1.96 * error) == pytest.approx(1, abs=0.08)
    assert known(bootstrap(of_tasks(values), mean)) == found, "the same data, the same interval"
    narrow = known(bootstrap(of_tasks(values), mean, confidence=0.5))
    assert found.low < narrow.low < narrow.value < narrow.high < found.high


@pytest.mark.parametrize(("tasks", "confidence"), [(8, 0.95), (60, 0.95), (60, 0.8)])
def test_bootstrap_covers_at_the_stated_level(tasks, confidence):
    """300 samples of a skewed quantity whose mean is 1. Eight tasks cover less than they should, but not by much."""
    covered = 0
    for seed in range(300):
        values = np.random.default_rng(seed).gamma(2, 0.5, tasks)
        found = known(bootstrap(of_tasks(values), mean, confidence, rounds=400, seed=seed))
        covered += found.low <= 1 <= found.high
    assert confidence - (0.07 if tasks < 10 else 0.04) <= covered / 300 <= confidence + 0.04


def test_clusters_of_many_tasks_leave_the_interval_as_it_was():
    """20,000 tasks in a thousand clusters: the standard error of the resampled mean is that of all tasks."""
    values = np.random.default_rng(1).exponential(size=20_000)
    task = np.arange(20_000) * 7
    row = clusters(task)
    assert row.max() + 1 == intervals.CLUSTERS
    assert set(np.bincount(row)) == {20}, "clusters of one size"
    totals = resampled(summed(row, values, np.ones(20_000)))
    assert mean(totals).std() == pytest.approx(values.std() / np.sqrt(20_000), rel=0.08)
    assert (clusters(np.repeat(task, 2)) == np.repeat(row, 2)).all(), "all entries of a task go together"


def test_few_tasks_have_a_row_each():
    assert clusters(np.array([70, 3, 3, 9])).tolist() == [2, 0, 0, 1]


def test_not_enough_data_is_nothing_rather_than_nan():
    assert bootstrap(np.empty((0, 2)), mean) == Estimate()
    assert bootstrap(of_tasks(np.ones(4)), mean) == Estimate(n=4), "fewer tasks than say anything"
    assert bootstrap(np.zeros((50, 2)), mean) == Estimate(n=50), "a figure that is undefined"
    rare = np.zeros((50, 2))
    rare[0] = 1
    found = bootstrap(rare, lambda totals: ratio(totals[:, 0], np.maximum(totals[:, 1] - 1, 0)))
    assert found == Estimate(n=50), "undefined as it stands"
    assert bootstrap(rare, mean).value == 1, "undefined in a third of the resamples alone"

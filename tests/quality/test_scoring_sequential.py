"""The sequential test: its stated error rates, exactly and in simulation, and the numbers that queues begin with."""

from math import log

import numpy as np
import pytest

from annotate.quality.rules import Rules
from annotate.scoring.sequential import Finding, course, expected_length, ratio_test

RULES = Rules()
DEFAULT = (RULES.pause_good, RULES.pause_bad, RULES.pause_error)
OTHER = (0.85, 0.6, 0.02)


def find(answers, good, bad, error):
    """What is found of these answers by asking after each, and after how many."""
    right = np.cumsum(answers)
    for count, correct in enumerate(right.tolist(), start=1):
        finding = ratio_test(correct, count - correct, good, bad, error)
        if finding is not Finding.OPEN:
            return finding, count
    return Finding.OPEN, len(answers)


def simulated(accuracy, test, answers, people=400):
    """Of that many people: their findings."""
    rng = np.random.default_rng(int(accuracy * 1000))
    return [find(rng.random(answers) < accuracy, *test) for _ in range(people)]


def test_bounds_by_hand():
    """0.85 against 0.6 at 0.02: a wrong answer counts ln(0.15/0.4) = -0.98, and the bound is ln 49 = 3.89."""
    assert [ratio_test(0, wrong, *OTHER) for wrong in (3, 4)] == [Finding.OPEN, Finding.BAD]
    needed = int(np.ceil(log(49) / log(0.85 / 0.6)))
    assert needed == 12
    assert [ratio_test(right, 0, *OTHER) for right in (11, 12)] == [Finding.OPEN, Finding.GOOD]
    assert ratio_test(0, 0, *OTHER) is Finding.OPEN


@pytest.mark.parametrize("test", [DEFAULT, OTHER, (0.9, 0.7, 0.05)])
def test_error_rates_are_held_exactly(test):
    """Wald's bounds: neither error is more than error / (1 - error), and both together no more than twice the error."""
    good, bad, error = test
    *_, of_good = course(good, *test)
    *_, of_bad = course(bad, *test)
    assert of_good.bad <= error / (1 - error)
    assert of_bad.good <= error / (1 - error)
    assert of_good.bad + of_bad.good <= 2 * error
    assert of_good.open < 1e-8, "everybody is found out some day"
    assert of_good.good + of_good.bad + of_good.open == pytest.approx(1)


@pytest.mark.parametrize("accuracy", [0.5, 0.85])
def test_course_is_what_simulation_shows(accuracy):
    found = simulated(accuracy, OTHER, answers=400)
    within = np.mean([finding is Finding.BAD and count <= 30 for finding, count in found])
    known = [one for one in course(accuracy, *OTHER) if one.answers <= 30][-1]
    assert within == pytest.approx(known.bad, abs=0.03)
    length = np.mean([count for _, count in found])
    assert length == pytest.approx(expected_length(accuracy, *OTHER), rel=0.1)


@pytest.mark.parametrize(("accuracy", "caught"), [(1 / 2, 0.963), (1 / 3, 0.9998)])
def test_a_random_rater_against_085_and_060(accuracy, caught):
    """With these numbers a coin is found out within 30 checks in 96.3 %, less than the 98 % that one would state."""
    known = [one for one in course(accuracy, *OTHER) if one.answers <= 30][-1]
    assert known.bad == pytest.approx(caught, abs=0.0005)


@pytest.mark.parametrize("accuracy", [1 / 2, 1 / 3, 1 / 4])
def test_a_random_rater_is_paused_within_30_checks_by_default(accuracy):
    """In at least the stated share of cases, 98 %: 98.6 % of those who toss a coin, and more of the others."""
    thirty = [one for one in course(accuracy, *DEFAULT) if one.answers <= 30][-1]
    assert thirty.bad >= 1 - RULES.pause_error
    found = simulated(accuracy, DEFAULT, answers=30)
    assert np.mean([finding is Finding.BAD for finding, _ in found]) >= 1 - 1.5 * RULES.pause_error


def test_a_careful_rater_is_hardly_ever_paused_by_default():
    """Of those who get 88 % right 1.2 % are ever paused, of 95 % 0.02 %; and of 85 % 4.3 %, who may appeal."""
    ever = {accuracy: [*course(accuracy, *DEFAULT)][-1].bad for accuracy in (0.95, 0.88, 0.85)}
    assert ever == pytest.approx({0.95: 0.0002, 0.88: 0.012, 0.85: 0.043}, abs=0.0006)
    found = simulated(RULES.pause_good, DEFAULT, answers=300)
    assert np.mean([finding is Finding.BAD for finding, _ in found]) <= 1.5 * RULES.pause_error


def test_going_on_after_good_keeps_the_error():
    """Counts that are never begun anew, looked at 300 times: still no more than the share stated (Ville)."""
    good, bad, error = DEFAULT
    rng = np.random.default_rng(3)
    right = np.cumsum(rng.random((2000, 300)) < good, axis=1)
    wrong = np.arange(1, 301) - right
    weight = right * log(good / bad) + wrong * log((1 - good) / (1 - bad))
    paused = (weight <= -log((1 - error) / error)).any(axis=1)
    assert paused.mean() <= error / (1 - error)


def test_expected_length():
    """Somebody between good and bad takes longest; nobody fewer than the fewest that can decide."""
    lengths = [expected_length(accuracy, *DEFAULT) for accuracy in (0.0, 1 / 3, 0.5, 0.76, 0.95, 1.0)]
    assert lengths[0] == pytest.approx(4)
    assert lengths[-1] == pytest.approx(11)
    assert max(lengths) == lengths[3]
    assert lengths[1] < lengths[2] < 12


@pytest.mark.parametrize(
    ("numbers", "field"),
    [((0.6, 0.85, 0.02), "good"), ((1.0, 0.6, 0.02), "good"), ((0.9, 0.0, 0.02), "bad"), ((0.9, 0.6, 0.5), "error")],
)
def test_no_test_of_such_numbers(numbers, field):
    with pytest.raises(ValueError, match=field):
        ratio_test(1, 1, *numbers)

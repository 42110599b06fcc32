"""Dawid and Skene's method: their own example, and raters of known reliability."""

import numpy as np
import pytest

from annotate.scoring import dawid_skene
from annotate.scoring.intervals import Ints

#: Dawid & Skene (1979), table 1: 45 patients, said by observer 1 (three times), 2, 3, 4 and 5 to be of class 1 to 4.
PATIENTS = """
1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343 1111111 2223212
1211111 1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222 1111111 1111111 2322222 1111111
1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343 2212232 2323233 3333432 1111111 1111111 1212111
2322222 1211111 2222222
"""


def of_patients() -> tuple[Ints, Ints, Ints]:
    answer = np.array([[int(one) for one in patient] for patient in PATIENTS.split()]).ravel() - 1
    task, place = np.divmod(np.arange(len(answer)), 7)
    return task, np.maximum(place - 2, 0), answer


def test_the_example_of_the_paper():
    """Its table 2: the shares of the four classes are estimated as 0.40, 0.42, 0.11 and 0.07; the first observer says
    1 of 89 % and 2 of 11 % of the patients of class 1, and 2 of 88 % of those of class 2. Smoothed by nearly nothing.
    """
    fit = dawid_skene.fit(*of_patients(), 4, rounds=1000, smoothing=1e-9)
    assert fit.prior.round(2).tolist() == [0.40, 0.42, 0.11, 0.07]
    assert fit.confusion[0, 0].round(2).tolist() == [0.89, 0.11, 0.0, 0.0]
    assert fit.confusion[0, 1].round(2)[1] == 0.88
    assert fit.rounds < 1000, "it came to rest"


def simulate(tasks, confusion, per_task, seed=0, prior=None) -> tuple[Ints, Ints, Ints, Ints]:
    """Labels of `per_task` raters a task, each drawn from their confusion given the task's true class."""
    rng = np.random.default_rng(seed)
    raters, classes, _ = confusion.shape
    truth = rng.choice(classes, tasks, p=prior)
    rater = np.argsort(rng.random((tasks, raters)), axis=1)[:, :per_task].ravel()
    task = np.repeat(np.arange(tasks), per_task)
    likely = confusion[rater, truth[task]].cumsum(axis=1)
    answer = (rng.random(len(task))[:, None] > likely).sum(axis=1)
    return truth, task, rater, np.minimum(answer, classes - 1)


def confusions(skills, classes=3):
    wrong = (1 - np.asarray(skills)) / (classes - 1)
    return wrong[:, None, None] + np.eye(classes) * (np.asarray(skills) - wrong)[:, None, None]


def test_known_confusion_is_found_again():
    known = confusions([0.95, 0.9, 0.8, 0.7, 0.6, 1 / 3])
    known[3] = [[0.8, 0.2, 0.0], [0.0, 1.0, 0.0], [0.0, 0.5, 0.5]]  # calls doubtful things the second
    _, task, rater, answer = simulate(4000, known, per_task=4, prior=[0.5, 0.3, 0.2])
    fit = dawid_skene.fit(task, rater, answer, classes=3)
    assert fit.prior == pytest.approx([0.5, 0.3, 0.2], abs=0.02)
    assert np.abs(fit.confusion - known).max() < 0.06
    assert fit.confusion.sum(axis=2) == pytest.approx(1)
    expected = np.diagonal(known, axis1=1, axis2=2) @ [0.5, 0.3, 0.2]
    assert fit.skill == pytest.approx(expected, abs=0.03)
    assert (np.argsort(fit.skill) == np.argsort(expected)).all()


def test_it_beats_the_majority_where_raters_differ():
    """Two who know against three who guess: the majority is right in 83 %, the fit in 94 %."""
    truth, task, rater, answer = simulate(1500, confusions([0.95, 0.95, 0.4, 0.4, 0.4]), per_task=5)
    votes = np.zeros((1500, 3))
    np.add.at(votes, (task, answer), 1)
    fit = dawid_skene.fit(task, rater, answer, classes=3)
    of_majority, of_fit = (np.mean(one.argmax(axis=1) == truth) for one in (votes, fit.posterior))
    assert of_majority < 0.85
    assert of_fit > 0.93


def test_posteriors_are_as_sure_as_they_are_right():
    truth, task, rater, answer = simulate(5000, confusions([0.9, 0.8, 0.7, 0.7, 0.6, 0.6]), per_task=3)
    posterior = dawid_skene.fit(task, rater, answer, classes=3).posterior
    sure, right = posterior.max(axis=1), posterior.argmax(axis=1) == truth
    for low, high in [(0.4, 0.6), (0.6, 0.8), (0.8, 0.95), (0.95, 1.01)]:
        those = (low <= sure) & (sure < high)
        assert right[those].mean() == pytest.approx(sure[those].mean(), abs=0.06)


def test_even_votes_of_equals_stay_even():
    task = np.repeat(np.arange(6), 2)
    rater = np.tile([0, 1], 6)
    answer = np.array([0, 0, 1, 1, 0, 1, 1, 0, 0, 0, 1, 1])
    fit = dawid_skene.fit(task, rater, answer, classes=2)
    assert fit.posterior[2] == pytest.approx([0.5, 0.5], abs=1e-6)
    assert fit.posterior[3] == pytest.approx([0.5, 0.5], abs=1e-6)
    assert fit.skill[0] == pytest.approx(fit.skill[1])


def test_few_labels_say_little():
    """Somebody with one label that agrees is not taken for perfect; the more smoothing, the less."""
    truth, task, rater, answer = simulate(200, confusions([0.9, 0.9, 0.9]), per_task=3)
    task, rater, answer = np.append(task, 0), np.append(rater, 3), np.append(answer, truth[0])
    skills = [dawid_skene.fit(task, rater, answer, 3, smoothing=much).skill[3] for much in (0.01, 1.0, 10.0)]
    assert skills == sorted(skills, reverse=True)
    assert 0.5 < skills[1] < 0.75


def test_the_same_labels_give_the_same_fit():
    _, task, rater, answer = simulate(500, confusions([0.9, 0.7, 0.5]), per_task=3)
    first, second = (dawid_skene.fit(task, rater, answer, classes=3) for _ in range(2))
    assert first.posterior.tobytes() == second.posterior.tobytes()


@pytest.mark.parametrize(("answer", "field"), [([], "answer"), ([0, 3], "answer"), ([-1, 0], "answer")])
def test_answers_that_are_none_are_refused(answer, field):
    several = np.arange(len(answer))
    with pytest.raises(ValueError, match=field):
        dawid_skene.fit(several, several, np.array(answer, np.int64), classes=3)


@pytest.mark.parametrize("rounds", [0, -1])
def test_it_asks_for_a_round(rounds):
    with pytest.raises(ValueError, match="rounds: at least one"):
        dawid_skene.fit(*of_patients(), 4, rounds=rounds)

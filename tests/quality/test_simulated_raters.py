"""People of known skill and bias, simulated: the figures find again who they are, over many seeds."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import spearmanr

from annotate.scoring import agreement, dawid_skene
from annotate.scoring.intervals import Floats, Ints, wilson
from tests.quality.known import known

#: Of eight people, how often they say what is right of two answers. The last tosses a coin.
SKILLS = np.array([0.97, 0.93, 0.89, 0.85, 0.8, 0.75, 0.65, 0.5])


def votes(seed, tasks=1200, overlap=3) -> tuple[Ints, Ints, Ints, Ints]:
    """Truth (0 or 1) by task; then task, rater and vote of each label, `overlap` raters drawn for a task."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, tasks)
    rater = np.argsort(rng.random((tasks, len(SKILLS))), axis=1)[:, :overlap].ravel()
    task = np.repeat(np.arange(tasks), overlap)
    right = rng.random(len(task)) < SKILLS[rater]
    return truth, task, rater, np.where(right, truth[task], 1 - truth[task])


def against_the_rest(task: Ints, rater: Ints, vote: Ints):
    """Of each person: how often another said the same of a task."""
    left, right, first, second, of_pair = agreement.rater_pairs(task, rater, vote.astype(float), task)
    apart = (first != second).astype(float)
    theirs = [(left == one) | (right == one) for one in range(len(SKILLS))]
    return [known(agreement.mean_agreement(apart[mine], of_pair[mine], of_pair[mine])) for mine in theirs]


@pytest.mark.parametrize("seed", range(5))
def test_agreement_with_the_rest_finds_who_guesses(seed):
    """It ranks people by skill, and the interval of the coin holds 50 % and none of the others' figures."""
    _, task, rater, vote = votes(seed)
    found = against_the_rest(task, rater, vote)
    assert spearmanr([one.value for one in found], SKILLS).statistic > 0.9
    *others, coin = found
    assert coin.low < 0.5 < coin.high
    assert coin.high < min(one.value for one in others)


def test_agreement_with_the_rest_is_as_high_as_skills_make_it():
    """Two people agree when both are right or both wrong; intervals hold that in 95 % of 40 seeds x 8 people."""
    mean = (SKILLS.sum() - SKILLS) / (len(SKILLS) - 1)
    truth = SKILLS * mean + (1 - SKILLS) * (1 - mean)
    found = [against_the_rest(*votes(seed, tasks=300)[1:]) for seed in range(40)]
    covered = [one.low <= of_person <= one.high for run in found for one, of_person in zip(run, truth, strict=True)]
    assert 0.91 <= np.mean(covered) <= 0.98


def test_skill_is_learned_without_knowing_the_truth():
    """Dawid and Skene's method, over 20 seeds: each skill within 0.03 on the mean, and never out of order by much."""
    skills, ranks = [], []
    for seed in range(20):
        fit = dawid_skene.fit(*votes(seed)[1:], classes=2)
        skills.append(fit.skill)
        ranks.append(spearmanr(fit.skill, SKILLS).statistic)
    assert np.mean(skills, axis=0) == pytest.approx(SKILLS, abs=0.03)
    assert min(ranks) > 0.9


def test_learned_answers_are_more_often_right_than_the_majority():
    """1,200 tasks, 20 seeds: the majority of three is right in 89.6 %, with reliability learned in 92.7 %."""
    shares = []
    for seed in range(20):
        truth, task, rater, vote = votes(seed)
        majority = np.bincount(task, vote) >= 2
        learned = dawid_skene.fit(task, rater, vote, classes=2).posterior.argmax(axis=1)
        shares.append((np.mean(majority == truth), np.mean(learned == truth)))
    of_majority, of_learned = np.mean(shares, axis=0)
    assert (of_majority, of_learned) == pytest.approx((0.896, 0.927), abs=0.002)
    assert all(second > first for first, second in shares)


def test_accuracy_on_gold_is_covered():
    """Wilson's interval of 40 gold answers holds the person's skill in 95 %, whoever they are."""
    rng = np.random.default_rng(0)
    right = rng.binomial(40, SKILLS, size=(300, len(SKILLS)))
    found = [[known(wilson(one, 40)) for one in run] for run in right.tolist()]
    covered = np.array(
        [[one.low <= skill <= one.high for one, skill in zip(run, SKILLS, strict=True)] for run in found]
    )
    assert 0.93 <= covered.mean() <= 0.98
    assert (covered.mean(axis=0) > 0.9).all()


def scores(rng, tasks, noise, lenient) -> tuple[Ints, Ints, Floats]:
    """Task, rater and score (0 to 6): what a response is worth, as far as each person sees it, and what they add."""
    worth = rng.normal(3, 1.5, tasks)
    seen = worth[:, None] + rng.normal(size=(tasks, len(noise))) * noise + lenient
    task, rater = np.indices(seen.shape)
    return task.ravel(), rater.ravel(), np.clip(np.round(seen), 0, 6).ravel()


def test_a_lenient_rater_lowers_kappa_but_not_the_order():
    """Two points more for everything: quadratic kappa falls from 0.82 to 0.42, Kendall's tau stays at 0.71."""
    rng = np.random.default_rng(1)
    task, rater, score = scores(rng, 400, noise=np.array([0.5, 0.5, 0.5]), lenient=np.array([0, 0, 2]))
    left, right, first, second, of_pair = agreement.rater_pairs(task, rater, score, task)
    kappas = {}
    for two in [(0, 1), (0, 2)]:
        those = (left == two[0]) & (right == two[1])
        kappas[two] = known(agreement.weighted_kappa(first[those], second[those], of_pair[those]))
    assert kappas[0, 1].low > 0.75
    assert kappas[0, 2].high < 0.5
    pairs = rng.integers(0, 400, (2, 400))
    by_rater = score.reshape(400, 3)
    signs = np.sign(by_rater[pairs[0]] - by_rater[pairs[1]])
    task = np.arange(400) // 10  # ten pairs a task
    alike, lenient = (known(agreement.tau_b(signs[:, 0], signs[:, other], task)) for other in (1, 2))
    assert alike.value == pytest.approx(lenient.value, abs=0.05)


@pytest.mark.parametrize("level", ["ordinal", "interval"])
def test_alpha_of_scores_falls_with_noise(level):
    found = []
    for noise in (0.2, 0.7, 1.5, 3):
        task, _, score = scores(np.random.default_rng(2), 300, np.full(3, noise), np.zeros(3))
        found.append(known(agreement.alpha(task, score, task, level)))
    assert all(better.low > worse.high for better, worse in pairwise(found))
    assert found[0].value > 0.9
    assert found[-1].value < 0.35


def test_alpha_of_orders_tells_position_bias_from_judgement():
    """People who take what is shown first, in an order shuffled for each: no agreement at all, of four responses."""
    rng = np.random.default_rng(3)
    tasks, raters, responses = 300, 3, 4
    biased = np.argsort(rng.random((tasks, raters, responses)), axis=2)
    judged = np.round((rng.normal(size=(tasks, 1, responses)) + rng.normal(size=biased.shape) * 0.5) * 2)
    found = []
    for places in (biased, judged):
        left, right = np.triu_indices(responses, 1)
        sign = np.sign(places[:, :, left] - places[:, :, right]).astype(float)
        task, _, pair = np.indices(sign.shape)
        found.append(known(agreement.alpha((task * 6 + pair).ravel(), sign.ravel(), task.ravel(), "order")))
    by_place, by_judgement = found
    assert by_place.low < 0 < by_place.high
    assert by_judgement.low > 0.5

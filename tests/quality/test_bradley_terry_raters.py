"""Several people on one prompt: raters' reliability, and what a few votes say together."""

from itertools import combinations

import numpy as np
import pytest

from rankings.scoring import raters, within
from rankings.scoring.comparisons import Comparisons


def logistic(x):
    return 1 / (1 + np.exp(-x))


# Raters


def by_raters(seed, prompts=400, size=2, votes=5):
    """Ten raters: two by chance who mostly take the first shown, the others of reliability 0.3 to 0.95."""
    random = np.random.default_rng(seed)
    reliability = np.array([0.02, 0.02, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
    strength = random.logistic(size=(prompts, size))
    rows = []
    for prompt in range(prompts):
        for rater in random.choice(10, votes, replace=False):
            place = random.permutation(size)
            for a, b in combinations(range(size), 2):
                by_responses = random.random() < reliability[rater]
                chance = (
                    logistic(strength[prompt, a] - strength[prompt, b])
                    if by_responses
                    else 0.2 + 0.6 * (place[a] < place[b])
                )
                won, lost = (a, b) if random.random() < chance else (b, a)
                rows.append((prompt * size + won, prompt * size + lost, rater, place[lost] - place[won], prompt))
    winner, loser, rater, first, prompt = np.array(rows).T
    comparisons = Comparisons.of(prompts * size, winner, loser, None, None, prompt)
    return reliability, strength, comparisons, rater, np.sign(first).astype(float)


@pytest.mark.parametrize(("size", "votes"), [(2, 5), (4, 3)])
def test_reliability_is_learned(size, votes):
    """20 simulations: raters by chance are told from the others, and the order of all is close to the true one.

    95 % intervals hold the true reliability of 8 good and middling raters, and strengths are nearer to the
    truth than where everybody counts the same.
    """
    held, alike, better = [], [], []
    for seed in range(20):
        reliability, strength, comparisons, rater, first = by_raters(seed, 300, size, votes)
        found = raters.fit(comparisons, rater, first, 10)
        held.append(((found.low <= reliability) & (reliability <= found.high))[2:])
        alike.append(np.corrcoef(found.reliability, reliability)[0, 1])
        assert found.reliability[:2].max() < found.reliability[7:].min()
        assert found.first[:2].min() > 0.6
        true = strength - strength.mean(axis=1, keepdims=True)
        plain = within.solve(_table(comparisons, 300, size), 2.0, None)[0]
        plain = plain - plain.mean(axis=1, keepdims=True)
        better.append(np.corrcoef(found.strength, true.ravel())[0, 1] - np.corrcoef(plain.ravel(), true.ravel())[0, 1])
    assert 0.91 <= np.mean(held) <= 0.99
    assert np.mean(alike) > 0.9
    assert np.mean(better) > 0.01


def _table(comparisons, prompts, size):
    wins = np.zeros((prompts, size, size))
    np.add.at(wins, (comparisons.winner // size, comparisons.winner % size, comparisons.loser % size), 1.0)
    return wins


def test_raters_of_a_board():
    """One big group: 12 models compared by 20 raters on 400 prompts."""
    random = np.random.default_rng(5)
    strength, reliability = np.linspace(-2, 2, 12), np.linspace(0.1, 0.95, 20)
    first = random.integers(12, size=6000)
    second = (first + random.integers(1, 12, size=6000)) % 12
    rater = random.integers(20, size=6000)
    chance = np.where(random.random(6000) < reliability[rater], logistic(strength[first] - strength[second]), 0.7)
    won = random.random(6000) < chance
    comparisons = Comparisons.of(
        12, np.where(won, first, second), np.where(won, second, first), None, None, random.integers(400, size=6000)
    )
    found = raters.fit(comparisons, rater, np.where(won, 1.0, -1.0), 20)
    assert np.corrcoef(found.reliability, reliability)[0, 1] > 0.93
    assert np.corrcoef(found.strength, strength)[0, 1] > 0.99
    assert np.abs(found.strength - strength).max() < 0.6


@pytest.mark.parametrize(
    ("comparisons", "rater", "first", "many"),
    [
        (Comparisons.of(0, [], []), [], [], 0),
        (Comparisons.of(3, [], []), [], [], 2),
        (Comparisons.of(2, [0], [1]), [0], [1.0], 1),
        (Comparisons.of(2, [0] * 50, [1] * 50, [True] * 50), [0] * 50, [0.0] * 50, 1),
        (Comparisons.of(2, [0] * 500, [1] * 500), [1] * 500, [1.0] * 500, 3),
        (Comparisons.of(50, np.arange(49), np.arange(1, 50)), [0] * 49, [1.0] * 49, 1),
    ],
    ids=["empty", "no-answers", "one-answer", "all-ties", "undefeated", "large"],
)
def test_raters_give_no_nan(comparisons, rater, first, many):
    found = raters.fit(comparisons, np.array(rater, np.int64), np.array(first, np.float64), many)
    arrays = (found.strength, found.error, found.reliability, found.low, found.high, found.first)
    assert all(np.isfinite(array).all() for array in arrays)
    assert ((found.low <= found.reliability) & (found.reliability <= found.high)).all()
    with pytest.raises(ValueError, match="rater"):
        raters.fit(comparisons, np.zeros(len(comparisons) + 1, np.int64), np.array(first), many + 1)


# One prompt


def test_cycles_and_even_votes_stay_ties():
    cycle = [{"a": 1, "b": 2, "c": 3}, {"b": 1, "c": 2, "a": 3}, {"c": 1, "a": 2, "b": 3}]
    assert within.consensus(cycle).places == {"a": 1, "b": 1, "c": 1}
    assert within.consensus(cycle).certainty == pytest.approx(0.5)
    # the cycle holds by majority though its margins differ, and d is below it
    lopsided = [{"d": 9} | one for one in [*cycle, {"a": 1, "b": 2, "c": 3}, {"b": 1, "c": 2, "a": 3}]]
    assert within.consensus(lopsided).places == {"a": 1, "b": 1, "c": 1, "d": 2}
    assert within.consensus([{"a": 1, "b": 2}, {"a": 2, "b": 1}]).places == {"a": 1, "b": 1}
    assert within.consensus([{"a": 1, "b": 1, "c": 2}] * 3).places == {"a": 1, "b": 1, "c": 2}


def test_a_single_vote_is_its_own_order_and_more_make_it_surer():
    one, three = within.consensus([{"a": 3, "b": 1, "c": 2}]), within.consensus([{"a": 3, "b": 1, "c": 2}] * 3)
    assert one.places == three.places == {"b": 1, "c": 2, "a": 3}
    assert 0.7 < one.certainty < three.certainty < 1
    assert one.chance["b", "c"] == pytest.approx(1 - one.chance["c", "b"])
    # a uniform prior on the share gives 3/4 after one vote of two, 15/16 after three
    assert within.consensus([{"a": 1, "b": 2}]).certainty == pytest.approx(3 / 4, abs=0.05)
    assert within.consensus([{"a": 1, "b": 2}] * 3).certainty == pytest.approx(15 / 16, abs=0.05)


def test_others_decide_where_votes_are_even():
    """Responses a and b have a vote each; both of a's raters put it over c, only one of b's does."""
    votes = [{"a": 1, "b": 2, "c": 3}, {"b": 1, "a": 2, "c": 3}, {"a": 1, "c": 2}, {"c": 1, "b": 2}]
    assert within.consensus(votes).places["a"] < within.consensus(votes).places["b"]


def test_who_must_be_surer_ties_more():
    votes = [{"a": 1, "b": 2, "c": 3}, {"a": 2, "b": 1, "c": 3}, {"a": 1, "b": 2, "c": 3}]
    assert within.consensus(votes).places == {"a": 1, "b": 2, "c": 3}
    assert within.consensus(votes, sure=0.8).places == {"a": 1, "b": 1, "c": 2}


def test_votes_by_weight():
    votes = [{"a": 1, "b": 2}, {"b": 1, "a": 2}, {"b": 1, "a": 2}]
    assert within.consensus(votes).places == {"b": 1, "a": 2}
    assert within.consensus(votes, [0.9, 0.2, 0.2]).places == {"a": 1, "b": 2}


@pytest.mark.parametrize("votes", [[], [{}], [{"a": 1}], [{"a": 1}, {"b": 1}]])
def test_no_votes(votes):
    found = within.consensus(votes)
    assert set(found.places.values()) <= {1}
    assert found.certainty in (0.5, 1.0)


def test_many_prompts_are_each_like_alone():
    random = np.random.default_rng(1)
    wins = random.integers(0, 3, size=(40, 5, 5)) * (1 - np.eye(5))
    wins[:20, 4], wins[:20, :, 4] = 0, 0
    together = within.fit_each(wins)
    for prompt in range(40):
        size = 4 if prompt < 20 else 5
        alone = within.fit_each(wins[prompt : prompt + 1, :size, :size])
        assert together.strength[prompt, :size] == pytest.approx(alone.strength[0])
    unpadded = [within.fit_each(wins[prompt : prompt + 1]).places[0].tolist() for prompt in range(20, 40)]
    assert together.places[20:].tolist() == unpadded

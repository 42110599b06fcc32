"""The kin of Bradley-Terry: whole orders, style, and what to ask next."""

from itertools import combinations

import choix
import numpy as np
import pytest

from rankings.scoring import bradley_terry as bt
from rankings.scoring import information, plackett_luce, styled
from rankings.scoring.comparisons import Comparisons
from rankings.scoring.plackett_luce import Rankings

NONE = 1e-6
EMPTY = np.zeros(0, np.int64)


def logistic(x):
    return 1 / (1 + np.exp(-x))


# Plackett-Luce


def orders(seed, items=10, many=300, size=4, prompts=None):
    """Rankings of `size` of the items, the best first; those of one prompt are of the same ones."""
    random = np.random.default_rng(seed)
    strength = np.linspace(-1.5, 1.5, items)
    prompt = np.arange(many) if prompts is None else np.arange(many) % prompts
    shown = np.array([random.choice(items, size, replace=False) for _prompt in range(prompt.max() + 1)])[prompt]
    order = np.argsort(-(strength[shown] + random.gumbel(size=shown.shape)), axis=1)
    return strength, np.take_along_axis(shown, order, axis=1), prompt


def rankings(items, best_first, places=None, prompt=None):
    many, size = best_first.shape
    place = np.tile(np.arange(size), many) if places is None else places.ravel()
    ranking = np.repeat(np.arange(many), size)
    return Rankings.of(
        items, ranking, best_first.ravel(), place, ranking if prompt is None else np.repeat(prompt, size)
    )


def test_orders_without_ties_like_choix():
    _strength, best_first, _prompt = orders(1)
    theirs = choix.ilsr_rankings(10, [tuple(map(int, one)) for one in best_first])
    ours = plackett_luce.fit(rankings(10, best_first), NONE)
    assert ours.strength == pytest.approx(theirs - theirs.mean(), abs=1e-3)
    assert ours.tie == -np.inf


def test_orders_of_two_are_davidsons():
    _strength, best_first, _prompt = orders(2, size=2)
    tie = np.arange(300) % 4 == 0
    as_orders = rankings(10, best_first, np.where(tie[:, None], 0, [0, 1]))
    as_pairs = Comparisons.of(10, best_first[:, 0], best_first[:, 1], tie)
    ours, theirs = plackett_luce.fit(as_orders), bt.fit(as_pairs)
    assert ours.strength == pytest.approx(theirs.strength) and ours.tie == pytest.approx(theirs.tie)
    assert ours.spread == pytest.approx(theirs.spread)


def test_ties_by_hand():
    """Three items, each order a > (b, c tied): of {a} b {c} {ab} {ac} {bc} first a, then the pair of two left.

    With all strengths 0 and t: P = 1 / (3 + 3 e^t) * e^t / (2 + e^t); the fit's likelihood is no smaller than that of
    any other strengths.
    """
    model = plackett_luce._Model(
        3, [2], list(plackett_luce._choices(rankings(3, np.array([[0, 1, 2]]), np.array([[1, 2, 2]])))), 0.0
    )
    for t in (-1.0, 0.5):
        chances = [model._odds(one, np.array([0, 0, 0, t]))[2][0, model._rows(one)[0]] for one in model.choices]
        assert sorted(chances) == pytest.approx(sorted([1 / (3 + 3 * np.exp(t)), np.exp(t) / (2 + np.exp(t))]))
    # the geometric mean: with strengths a, b, c the pair (b, c) weighs sqrt(e^b e^c)
    at = np.array([0.3, -0.4, 0.9, 0.2])
    last = next(one for one in model.choices if one.left.shape[1] == 2)
    pair, total = np.exp(0.2 + (at[1] + at[2]) / 2), np.exp(at[1]) + np.exp(at[2])
    assert model._odds(last, at)[2][0, model._rows(last)[0]] == pytest.approx(pair / (pair + total))


def test_slopes_are_the_likelihoods():
    """First and second derivatives against differences of the likelihood, with ties of two and three."""
    _strength, best_first, _prompt = orders(3, items=5, many=12)
    places = np.array([[1, 2, 2, 3], [1, 1, 1, 2], [1, 2, 3, 4]] * 4)
    model = plackett_luce._Model(5, [2, 3], list(plackett_luce._choices(rankings(5, best_first, places))), 0.7)

    def value(at):
        told = sum(
            np.log(model._odds(one, at)[2][np.arange(len(one.left)), model._rows(one)]).sum() for one in model.choices
        )
        return told - 0.7 * np.logaddexp(at / 2, -at / 2).sum()

    at, step = np.random.default_rng(0).normal(size=7), 1e-5
    slope, bend = model.slopes(at)
    for number, along in enumerate(np.eye(7) * step):
        assert slope[number] == pytest.approx((value(at + along) - value(at - along)) / (2 * step), abs=1e-5)
        turned = (model.slopes(at + along)[0] - model.slopes(at - along)[0]) / (2 * step)
        assert -bend[number] == pytest.approx(turned, abs=1e-5)


def test_intervals_of_orders_hold_what_they_say():
    """200 simulations, three orders of four items on each of 60 prompts: 95 % intervals hold the true strengths."""
    held = []
    for seed in range(200):
        strength, best_first, prompt = orders(seed, items=6, many=180, prompts=60)
        fit = plackett_luce.fit(rankings(6, best_first, prompt=prompt))
        held.append((fit.low <= strength) & (strength <= fit.high))
    assert 0.91 <= np.mean(held) <= 0.98


def test_places_from_comparisons():
    """Two labels: one of responses 0, 1, 2 with the last two tied, one of 3 over 4."""
    found = Rankings.of_comparisons(
        3, [7, 7, 7, 9], [0, 0, 1, 3], [1, 2, 2, 4], [False, False, True, False], [0, 1, 2, 0, 1], [50, 50, 50, 60]
    )
    assert found.ranking.tolist() == [0, 0, 0, 1, 1]
    assert found.item.tolist() == [0, 1, 2, 0, 1]
    assert found.place.tolist() == [1, 2, 2, 1, 2]
    assert len(found.cluster) == 2 and found.cluster[0] != found.cluster[1]


@pytest.mark.parametrize(
    "found",
    [
        Rankings.of(0, EMPTY, EMPTY, EMPTY, EMPTY),
        Rankings.of(3, EMPTY, EMPTY, EMPTY, EMPTY),
        Rankings.of(3, [0], [1], [1], [0]),
        Rankings.of(3, [0, 0, 0], [0, 1, 2], [1, 1, 1], [0, 0, 0]),
        Rankings.of(3, [0, 0, 0, 1, 1, 1], [0, 1, 2] * 2, [1, 2, 3] * 2, [0] * 6),
        Rankings.of(2, [0, 0, 0], [0, 0, 1], [1, 2, 3], [0, 0, 0]),
        Rankings.of(9, np.zeros(9), np.arange(9), [1] * 5 + [2] * 4, np.zeros(9)),
    ],
    ids=["nothing", "no-orders", "alone", "all-ties", "undefeated", "twice", "nine"],
)
def test_orders_give_no_nan(found):
    fit = plackett_luce.fit(found)
    arrays = (fit.strength, fit.low, fit.high, fit.spread, fit.chances())
    assert not any(np.isnan(array).any() for array in arrays)
    assert ((fit.low <= fit.strength) & (fit.strength <= fit.high)).all()


# Style


def answers_with_style(seed, prompts=300, votes=2):
    """Five models; each is longer the weaker it is, longer ones are preferred by 0.6, the first shown by 0.4."""
    random = np.random.default_rng(seed)
    strength = np.linspace(-1, 1, 5)
    first = random.integers(5, size=prompts)
    second = (first + random.integers(1, 5, size=prompts)) % 5
    length = random.gamma(4, np.exp(-0.5 * strength[np.stack([first, second])]) * 50)
    differs = styled.difference(length[0], length[1])
    lean = strength[first] - strength[second] + 0.6 * differs / np.sqrt(np.mean(differs**2))
    place = random.integers(2, size=(prompts, votes))
    won = random.random((prompts, votes)) < logistic(lean[:, None] + 0.4 * (1 - 2 * place))
    winner, loser = np.where(won, first[:, None], second[:, None]), np.where(won, second[:, None], first[:, None])
    sign = np.where(won, 1, -1)
    features = {"length": (sign * differs[:, None]).ravel(), "first": (sign * (1 - 2 * place)).ravel().astype(float)}
    cluster = np.repeat(np.arange(prompts), votes)
    return strength, Comparisons.of(5, winner.ravel(), loser.ravel(), None, None, cluster), features


def holds(estimate, truth):
    return estimate.low is not None and estimate.high is not None and estimate.low <= truth <= estimate.high


def test_style_is_taken_out():
    """200 simulations: the 95 % intervals of the effects and of strengths at equal length hold the true ones.

    Without style in the model, strengths (2 apart at most) are nearer to each other: the weaker ones write more.
    """
    effects, strengths, raw = [], [], []
    for seed in range(200):
        strength, comparisons, features = answers_with_style(seed)
        found = styled.fit(comparisons, features)
        for name, truth in (("length", 0.6), ("first", 0.4)):
            effects.append(holds(found.effects[name], truth))
        strengths.append((found.fit.low <= strength) & (strength <= found.fit.high))
        raw.append(np.ptp(bt.fit(comparisons, "half").strength))
    assert 0.91 <= np.mean(effects) <= 0.98
    assert 0.91 <= np.mean(strengths) <= 0.98
    assert np.mean(raw) < 1.7


@pytest.mark.parametrize("differing", [1, 2, 3, 5, 10])
def test_a_feature_that_seldom_differs_sways_nobody(differing):
    """Of 100 prompts so many have code on one side, without any effect: one in 20 may look like one, no more."""
    alarms = []
    for seed in range(100):
        random = np.random.default_rng(seed)
        winner, code = random.integers(0, 2, size=100), np.zeros(100)
        code[:differing] = random.choice([-1, 1], size=differing)
        features = {"length": random.normal(0, 0.3, size=100), "code": code}
        found = styled.fit(Comparisons.of(2, winner, 1 - winner), features).effects["code"]
        alarms.append(not holds(found, 0))
    assert np.mean(alarms) <= 0.05


def test_without_features_it_is_bradley_terry():
    _strength, comparisons, _features = answers_with_style(1)
    found = styled.fit(comparisons, {})
    assert found.fit.strength == pytest.approx(bt.fit(comparisons, "half").strength, abs=1e-6)
    assert found.fit.spread == pytest.approx(bt.fit(comparisons, "half").spread, abs=1e-6)
    assert found.effects == {}


def test_style_that_never_differs_says_nothing():
    _strength, comparisons, features = answers_with_style(1)
    same = features | {"lists": np.zeros(len(comparisons)), "bold": features["length"]}
    found = styled.fit(comparisons, same)
    assert found.effects["lists"] == (None, None, None, 0) and found.deviations["lists"] == 0
    assert np.isfinite(found.fit.strength).all()
    assert holds(found.effects["bold"], found.effects["bold"].value)
    nothing = styled.fit(Comparisons.of(2, [], []), {"length": np.zeros(0)})
    assert nothing.effects == {"length": (None, None, None, 0)} and nothing.fit.strength.tolist() == [0, 0]


def test_differences_of_style():
    assert styled.difference(np.array([30, 0, 5]), np.array([10, 0, 0])).tolist() == [0.5, 0, 1]
    assert styled.shown_first(np.array([0, 2, 1, -1]), np.array([1, 0, 1, 0])).tolist() == [1, -1, 0, 0]
    with pytest.raises(ValueError, match="length has 1 entries for 0"):
        styled.fit(Comparisons.of(2, [], []), {"length": np.zeros(1)})


def test_those_behind_all_others_say_nothing_of_each_other():
    """One over three others, of which nothing more is said: a single choice among four, no tie."""
    one = np.arange(1, 4)
    told = Rankings.of_comparisons(4, np.zeros(3), np.zeros(3), one, np.zeros(3, bool), np.arange(4), np.zeros(3))
    assert sum(len(choice.left) for choice in plackett_luce._choices(told)) == 1
    met = plackett_luce._met(told)
    assert met[0].tolist() == [0, 1, 1, 1] and not met[1:].any()
    tied = Rankings.of_comparisons(3, [0, 0, 0], [0, 0, 1], [1, 2, 2], [False, False, True], np.arange(3), [0, 0, 0])
    assert sum(len(choice.left) for choice in plackett_luce._choices(tied)) == 2
    assert plackett_luce.fit(told).tie == -np.inf


# What to ask next


def test_gain_is_the_fall_of_the_variance():
    """A task of three against the inverse of the information with and without it; a useless and a padded one."""
    random = np.random.default_rng(0)
    winner = random.integers(5, size=60)
    fit = bt.fit(Comparisons.of(5, winner, (winner + random.integers(1, 5, size=60)) % 5))
    chances, asked = fit.chances(), [0, 2, 3]
    tied = np.exp(fit.tie) / (2 * np.cosh((fit.strength[:, None] - fit.strength) / 2) + np.exp(fit.tie))
    told = np.zeros((5, 5))
    for i, j in combinations(asked, 2):
        along = np.eye(5)[i] - np.eye(5)[j]
        told += (chances[i, j] - tied[i, j] / 4 - chances[i, j] ** 2) * np.outer(along, along)
    middle = np.eye(5) - 1 / 5
    before, after = fit.posterior, np.linalg.inv(np.linalg.inv(fit.posterior) + told)
    gains = information.gain(fit, np.array([[0, 2, 3, -1], [1, 1, -1, -1], [3, 0, 2, -1]]))
    assert gains[0] == pytest.approx(np.trace(middle @ (before - after) @ middle))
    assert gains[1] == pytest.approx(0) and gains[2] == pytest.approx(gains[0])


def test_models_that_never_met_are_asked_first():
    fit = bt.fit(Comparisons.of(4, [0, 1] * 50 + [2, 3] * 50, [1, 0] * 50 + [3, 2] * 50))
    assert information.order(fit, np.array([[0, 1], [2, 3], [1, 2], [0, 1]]), 4).tolist() == [2, 0, 1, 3]


def asked(seed, active):
    """Ten models with unequal beginnings, 300 answers after the first 60: how far strengths are from the true ones."""
    random = np.random.default_rng(seed)
    strength, odds = np.linspace(-2, 2, 10), np.arange(1, 11) / 55
    left = np.array([random.choice(10, 2, replace=False, p=odds) for _task in range(1500)])
    winner, loser, chosen, fit = EMPTY, EMPTY, np.arange(60), None
    for _round in range(7):
        first, second = left[chosen].T
        left = np.delete(left, chosen, axis=0)
        won = random.random(len(first)) < logistic(strength[first] - strength[second])
        winner, loser = np.append(winner, np.where(won, first, second)), np.append(loser, np.where(won, second, first))
        fit = bt.fit(Comparisons.of(10, winner, loser))
        chosen = information.order(fit, left, 50) if active else np.arange(50)
    return np.sqrt(np.mean((fit.strength - strength) ** 2))


def test_asking_by_information_is_worth_more():
    """Over 6 simulations: nearer to the truth than as many answers asked in turn."""
    assert np.mean([asked(seed, True) for seed in range(6)]) < 0.9 * np.mean([asked(seed, False) for seed in range(6)])


def test_orders_of_tasks():
    fit = bt.fit(Comparisons.of(3, [0, 1], [1, 0]))
    tasks = np.array([[0, 1], [1, 2], [2, 0], [0, 1]])
    assert sorted(information.order(fit, tasks, 10).tolist()) == [0, 1, 2, 3]
    assert len(information.order(fit, tasks, 2)) == 2
    assert information.order(fit, np.zeros((0, 2), np.int64), 5).tolist() == []
    assert information.gain(bt.fit(Comparisons.of(0, [], [])), np.zeros((0, 2), np.int64)).tolist() == []

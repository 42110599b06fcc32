"""Strengths from comparisons: known ones are found again, with intervals that hold what they say; nothing gives NaN."""

import choix
import evalica
import numpy as np
import pytest
from scipy import stats

from rankings.scoring import bradley_terry as bt
from rankings.scoring import comparisons as compared
from rankings.scoring import positions, robust
from rankings.scoring.comparisons import Comparisons

#: next to no prior: what other packages have
NONE = 1e-6


def drawn(seed, items=8, prompts=60, votes=3, tie=None, shared=0.0):
    """Comparisons of items of known strengths: `votes` of two of them on each prompt.

    `tie`: Davidson's t. `shared`: how much the prompt itself favours one of the two, the same for all its votes.
    """
    random = np.random.default_rng(seed)
    strength = np.linspace(-1.5, 1.5, items)
    first = random.integers(items, size=prompts)
    second = (first + random.integers(1, items, size=prompts)) % items
    lean = strength[first] - strength[second] + shared * random.normal(size=prompts)
    first, second, lean = (np.repeat(array, votes) for array in (first, second, lean))
    odds = np.exp(np.stack([lean / 2, -lean / 2, np.full(len(lean), -np.inf if tie is None else tie)]))
    said = (random.random(len(lean)) > np.cumsum(odds / odds.sum(axis=0), axis=0)).sum(axis=0)
    winner, loser = np.where(said == 1, second, first), np.where(said == 1, first, second)
    return strength, Comparisons.of(items, winner, loser, said == 2, None, np.repeat(np.arange(prompts), votes))


def finite(fit):
    """No figure of a fit is NaN, and its intervals hold its strengths."""
    arrays = (fit.strength, fit.low, fit.high, fit.error, fit.spread, fit.posterior, fit.chances())
    return not any(np.isnan(array).any() for array in arrays) and bool(
        ((fit.low <= fit.strength) & (fit.strength <= fit.high)).all()
    )


# By hand, and against others


def test_two_items_by_hand():
    """Three wins to one: odds of 3, so a difference of ln 3, with the variance 1/3 + 1/1 of a log-odds."""
    fit = bt.fit(Comparisons.of(2, [0, 0, 0, 1], [1, 1, 1, 0]), prior=NONE)
    assert fit.strength == pytest.approx([np.log(3) / 2, -np.log(3) / 2], abs=1e-4)
    spread = fit.posterior[0, 0] + fit.posterior[1, 1] - 2 * fit.posterior[0, 1]
    assert spread == pytest.approx(1 / 3 + 1, rel=1e-3)
    assert fit.chances()[0, 1] == pytest.approx(0.75, abs=1e-4)
    assert bt.elo(fit.strength[0] - fit.strength[1]) == pytest.approx(400 * np.log10(3), abs=0.05)


@pytest.mark.parametrize("ties", [bt.DAVIDSON, bt.HALF])
def test_strengths_of_sums_are_those_of_the_comparisons(ties):
    _strength, comparisons = drawn(3, tie=0.5)
    apart = Comparisons.of(10, comparisons.winner, comparisons.loser, comparisons.tie)  # two that met nobody
    found = bt.strengths(apart.wins(), apart.ties(), ties)
    assert found.tolist() == bt.fit(apart, ties).strength.tolist() and found[8:].tolist() == [0, 0]


def test_ties_by_hand():
    """Davidson, two items: 8 wins, 2 losses, 4 ties give exp(x) = 8 / 2 and exp(t) = 4 / sqrt(8 * 2)."""
    fit = bt.fit(
        Comparisons.of(2, [0] * 8 + [1] * 2 + [0] * 4, [1] * 8 + [0] * 2 + [1] * 4, [False] * 10 + [True] * 4),
        prior=NONE,
    )
    assert fit.strength[0] - fit.strength[1] == pytest.approx(np.log(4), abs=1e-4)
    assert np.exp(fit.tie) == pytest.approx(1, abs=1e-4)
    assert fit.chances()[0, 1] == pytest.approx((8 + 4 / 2) / 14, abs=1e-4)


def test_like_choix():
    _strength, comparisons = drawn(1, prompts=400, votes=1)
    theirs = choix.ilsr_pairwise(8, list(zip(comparisons.winner.tolist(), comparisons.loser.tolist(), strict=True)))
    assert bt.fit(comparisons, prior=NONE).strength == pytest.approx(theirs - theirs.mean(), abs=1e-3)


@pytest.mark.parametrize(("ties", "theirs"), [("half", evalica.bradley_terry), ("davidson", evalica.newman)])
def test_like_evalica(ties, theirs):
    """Newman's iteration is Davidson's model, with half of its tie parameter."""
    _strength, comparisons = drawn(2, prompts=400, tie=-0.5)
    said = [evalica.Winner.Draw if tie else evalica.Winner.X for tie in comparisons.tie]
    found = theirs(comparisons.winner, comparisons.loser, said, tolerance=1e-9, limit=10_000)
    strength = np.log(found.scores.sort_index().to_numpy())
    ours = bt.fit(comparisons, ties, prior=NONE)
    assert ours.strength == pytest.approx(strength - strength.mean(), abs=1e-3)
    if ties == "davidson":
        assert ours.tie == pytest.approx(np.log(2 * found.v), abs=1e-3)


def test_sandwich_by_hand():
    """Two items: the score of an answer is its distance from the share won, so the variance is that of a share."""
    winner = np.array([0, 0, 0, 1, 0, 1, 1, 0, 0, 0])
    cluster = np.repeat(np.arange(5), 2)
    fit = bt.fit(Comparisons.of(2, winner, 1 - winner, None, None, cluster), "half", NONE)
    off = np.bincount(cluster, (winner == 0) - 0.7)
    variance = 5 / 4 * (off**2).sum() / (10 * 0.7 * 0.3) ** 2
    bread = 1 / (10 * 0.7 * 0.3)
    plain = robust.sandwich(np.array([[bread]]), cluster, np.zeros(10, int), (winner == 0) - 0.7)
    assert plain[0, 0] == pytest.approx(variance)
    # never less than what the model itself gives
    assert fit.spread[0, 1] ** 2 == 4 * fit.error[0] ** 2 == pytest.approx(max(variance, bread), rel=1e-3)


# Intervals


@pytest.mark.parametrize("shared", [0.0, 1.0])
@pytest.mark.parametrize("ties", ["half", "davidson"])
def test_intervals_hold_what_they_say(ties, shared):
    """200 simulations of 8 items: 95 % intervals hold the true strengths about so often.

    Also where the three votes on a prompt share its lean. (That pulls strengths together, by the same for all: so the
    true ones are what a hundred times the prompts give.)
    """
    tie = None if ties == "half" else -0.5
    truth = bt.fit(drawn(10_000, prompts=20_000, tie=tie, shared=shared)[1], ties, NONE).strength
    held = []
    for seed in range(200):
        fit = bt.fit(drawn(seed, prompts=200, tie=tie, shared=shared)[1], ties)
        held.append((fit.low <= truth) & (truth <= fit.high))
    assert 0.91 <= np.mean(held) <= 0.98


def test_without_clusters_intervals_are_too_narrow():
    """The test above isn't idle: taken one by one, votes that share a prompt's lean give intervals that hold less."""
    truth = bt.fit(drawn(10_000, prompts=20_000, shared=2.0)[1], "half", NONE).strength
    held = []
    for seed in range(60):
        comparisons = drawn(seed, prompts=200, shared=2.0)[1]
        fit = bt.fit(Comparisons.of(8, comparisons.winner, comparisons.loser, comparisons.tie), "half")
        held.append((fit.low <= truth) & (truth <= fit.high))
    assert np.mean(held) < 0.88


def with_a_newcomer(seed, answers):
    """200 prompts on which two equal models met, and so many on which a third, as strong, met the first; 30 % ties."""
    random = np.random.default_rng(seed)
    many = 200 + answers
    pairs = np.array([[0, 1]] * 200 + [[2, 0]] * answers)
    winner, loser = random.permuted(pairs, axis=1).T
    return bt.fit(Comparisons.of(3, winner, loser, random.random(many) < 0.3))


@pytest.mark.parametrize("answers", [1, 2, 5, 20])
def test_who_was_hardly_compared_is_seldom_told_apart(answers):
    """The sandwich of a few answers that all say the same has no width: five told 15 % of equal models apart."""
    assert np.mean([with_a_newcomer(seed, answers).separable()[0, 2] for seed in range(200)]) <= 0.07


def test_a_single_answer_is_no_certainty_and_takes_none():
    """140 of 200 tell two models apart; one tie with the better of them says next to nothing of a third."""
    winner, loser = [0] * 140 + [1] * 60, [1] * 140 + [0] * 60
    fit = bt.fit(Comparisons.of(3, [*winner, 2], [*loser, 0], [False] * 200 + [True]))
    assert fit.low[2] < -2 and fit.high[2] > 2
    assert fit.places()[0].tolist() == [1, 2, 1] and fit.places()[1].tolist() == [2, 3, 3]


def test_ties_alone_give_no_interval_without_width():
    fit = bt.fit(Comparisons.of(2, [0] * 300, [1] * 300, [True] * 300))
    assert (fit.high - fit.low > 0.1).all()


def test_strengths_are_found_again():
    orders = [
        stats.kendalltau(bt.fit(c).strength, s).statistic for s, c in (drawn(seed, prompts=300) for seed in range(20))
    ]
    assert np.mean(orders) > 0.85


def test_places_say_who_is_separable():
    comparisons = drawn(4, items=4, prompts=3000)[1]
    fit = bt.fit(comparisons)
    best, worst = fit.places()
    assert best.tolist() == worst.tolist() == [4, 3, 2, 1]
    few = bt.fit(drawn(4, items=4, prompts=6)[1])
    assert (few.places()[0] < few.places()[1]).any()


# What has no answer


@pytest.mark.parametrize(
    "comparisons",
    [
        Comparisons.of(0, [], []),
        Comparisons.of(1, [], []),
        Comparisons.of(3, [], []),
        Comparisons.of(2, [0, 1], [0, 1]),
        Comparisons.of(2, [0], [1]),
        Comparisons.of(3, [0, 1, 2], [1, 2, 0]),
        Comparisons.of(3, [0, 1, 0], [1, 2, 2], [True, True, True]),
        Comparisons.of(4, [0, 0, 2, 3], [1, 1, 3, 2]),
        Comparisons.of(3, [0] * 1000 + [1] * 1000, [1] * 1000 + [2] * 1000, cluster=[7] * 2000),
        Comparisons.of(2, [0, 1], [1, 0], weight=[1e-9, 1e9]),
    ],
    ids=[
        "empty",
        "one",
        "no-answers",
        "itself",
        "one-answer",
        "cycle",
        "all-ties",
        "two-groups",
        "undefeated",
        "weights",
    ],
)
@pytest.mark.parametrize("ties", ["half", "davidson"])
def test_nothing_gives_nan(comparisons, ties):
    assert finite(bt.fit(comparisons, ties))
    rates = compared.win_rates(comparisons)
    assert not any(np.isnan(array).any() for array in (rates.rate, rates.low, rates.high))


def test_the_undefeated_have_no_upper_bound():
    fit = bt.fit(Comparisons.of(3, [0] * 20 + [1, 2] * 20, [1] * 10 + [2] * 10 + [2, 1] * 20))
    assert fit.high[0] == np.inf
    assert fit.low[0] > fit.strength[1]
    assert np.isinf(fit.low[1:]).all() and np.isfinite(fit.high[1:]).all()
    assert fit.places()[0].tolist() == [1, 2, 2]


def test_what_the_prior_alone_keeps_finite_is_open():
    """In a chain nothing bounds how far the first is above the second, so nor where the second is in the group."""
    chain = bt.fit(Comparisons.of(4, [0] * 30 + [1] * 30 + [2] * 30, [1] * 30 + [2] * 30 + [3] * 30))
    assert np.isinf(chain.low).tolist() == [False, True, True, True]
    assert np.isinf(chain.high).tolist() == [True, True, True, False]
    assert chain.places()[0].tolist() == chain.places()[1].tolist() == [1, 2, 3, 4]
    two_above = bt.fit(Comparisons.of(3, [0, 2] * 20, [1, 1] * 20))
    assert np.isinf(two_above.low).all() and np.isinf(two_above.high).tolist() == [True, False, True]


def test_groups_that_never_met_are_not_compared():
    apart = Comparisons.of(5, [0, 0, 1] * 30 + [2, 2, 3] * 30, [1, 1, 0] * 30 + [3, 3, 2] * 30)
    fit = bt.fit(apart)
    assert fit.group[0] == fit.group[1] != fit.group[2] == fit.group[3]
    assert len(set(fit.group.tolist())) == 3
    assert fit.strength[:2].sum() == pytest.approx(0) and fit.strength[2:4].sum() == pytest.approx(0)
    assert fit.chances()[0, 2] == 0.5 and not fit.separable()[0, 2:].any()
    assert np.isinf(fit.low[4]) and np.isinf(fit.high[4])
    assert fit.places()[1].tolist() == [1, 2, 1, 2, 1]


@pytest.mark.parametrize(
    ("winner", "loser", "tie"), [([0], [2], None), ([-1], [0], None), ([0, 1], [1], None), ([0], [1], [True, False])]
)
def test_wrong_numbers_are_refused(winner, loser, tie):
    with pytest.raises(ValueError, match="winner"):
        Comparisons.of(2, winner, loser, tie)


# Shares


def test_win_rates():
    rates = compared.win_rates(
        Comparisons.of(3, [0, 0, 1, 0], [1, 1, 0, 1], [False, False, False, True], cluster=[5, 5, 6, 7])
    )
    assert rates.rate[0, 1] == pytest.approx(2.5 / 4) and rates.rate[1, 0] == pytest.approx(1.5 / 4)
    assert rates.decided[0, 1] == rates.decided[1, 0] == 3 and rates.prompts[0, 1] == 3
    assert (rates.rate[0, 2], rates.low[0, 2], rates.high[0, 2]) == (
        0.5,
        pytest.approx(0, abs=1e-3),
        pytest.approx(1, abs=1e-3),
    )


def test_wilson_interval_is_scipys():
    low, high = compared.score_interval(np.array([0.7, 0.0, 1.0]), [10, 10, 25])
    for at, (hits, of) in enumerate([(7, 10), (0, 10), (25, 25)]):
        theirs = stats.binomtest(hits, of).proportion_ci(method="wilson")
        assert (low[at], high[at]) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


def test_first_and_longer_wins():
    places = np.array([0, 0, 1, 0]), np.array([1, 1, 0, 1])
    tie, cluster = np.array([False, False, False, True]), np.arange(4)
    first = positions.first_wins(*places, tie, cluster)
    assert first.value == pytest.approx(2 / 3) and first.n == 3
    longer = positions.longer_wins(np.array([10, 5, 7, 9]), np.array([5, 5, 9, 1]), tie, cluster)
    assert (longer.value, longer.n) == (0.5, 2)
    assert positions.first_wins(*places, np.ones(4, bool), cluster) == (None, None, None, 0)
    unknown = np.array([-1, -1, 0, 1])
    assert positions.first_wins(unknown, unknown[::-1], np.zeros(4, bool), cluster).n == 0


@pytest.mark.parametrize("rate", [0.5, 0.9])
def test_share_of_votes_that_are_not_independent(rate):
    """500 simulations of 60 prompts with 5 votes that share half of their variance: 95 % intervals hold the share."""
    random, held = np.random.default_rng(0), []
    for _simulation in range(500):
        of_prompt = random.beta(rate, 1 - rate, size=60)
        hits = random.random((60, 5)) < of_prompt[:, None]
        found = positions.share(hits.ravel(), np.repeat(np.arange(60), 5))
        held.append(found.low <= rate <= found.high)
    assert 0.91 <= np.mean(held) <= 0.98

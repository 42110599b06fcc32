"""Agreement: against the krippendorff package, scikit-learn, scipy, and examples worked by hand in print."""

from itertools import combinations

import krippendorff
import numpy as np
import pytest
from scipy.stats import kendalltau
from sklearn.metrics import cohen_kappa_score

from annotate.scoring import agreement, intervals
from annotate.scoring.agreement import FEWEST_BEYOND_CHANCE
from annotate.scoring.intervals import Estimate, Floats, Ints
from rankings.kinds.orders import distance
from tests.quality.known import known, percent

#: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: four observers, twelve units.
OBSERVERS = ["1233214 1 2...", "1233224 1 25.3", ".333234 2 251.", "1233244 1 251."]


def columns(rows):
    """Opinions (unit, rater, value) of a table of raters by units, in which NaN is nothing said."""
    rater, unit = np.nonzero(~np.isnan(rows))
    return unit, rater, rows[rater, unit]


def table(rows):
    return np.array([[float(one) if one != "." else np.nan for one in row.replace(" ", "")] for row in rows])


def random_table(raters, units, values, missing=0.3, seed=0):
    """Raters who repeat the first one's value in half of all cases."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, values, (raters, units)).astype(float)
    rows = np.where(rng.random(rows.shape) < 0.5, rows[0], rows)
    rows[rng.random(rows.shape) < missing] = np.nan
    return rows


def alpha(rows, level):
    unit, _, value = columns(rows)
    return known(agreement.alpha(unit, value, unit, level))


@pytest.mark.parametrize(("level", "printed"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_in_print(level, printed):
    found = alpha(table(OBSERVERS), level)
    assert round(found.value, 3) == printed
    assert found.n == 40, "the paper counts 40 values that can be paired"
    assert found.low < found.value < found.high


def test_alpha_of_two_values_in_print():
    """Krippendorff (2011), section A: two observers, ten units, alpha = 0.095."""
    found = alpha(table(["0100000010", "1110010000"]), "nominal")
    assert round(found.value, 3) == 0.095
    assert found.low < 0 < found.high


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
@pytest.mark.parametrize(
    ("raters", "units", "values"), [(2, 30, 2), (4, 50, 3), (3, 200, 7), (9, 40, 30), (3, 300, 150)]
)
def test_alpha_is_the_packages(raters, units, values, level):
    for seed in range(2):
        rows = random_table(raters, units, values, seed=seed)
        packages = krippendorff.alpha(reliability_data=rows, level_of_measurement=level)
        assert alpha(rows, level).value == pytest.approx(packages, abs=1e-9)
        scaled = alpha(rows * 0.1 - 7, level)
        assert scaled.value == pytest.approx(packages, abs=1e-9), "the scale's unit and origin mean nothing"


def test_alpha_of_numbers_far_from_zero():
    rows = random_table(3, 100, 5)
    assert alpha(rows + 1e9, "interval").value == pytest.approx(alpha(rows, "interval").value, abs=1e-6)


def test_alpha_asks_for_a_level():
    with pytest.raises(ValueError, match="level: distance is none of nominal, ordinal, interval, order"):
        alpha(random_table(2, 9, 2), "distance")


def orders(rng, tasks, raters, responses, levels):
    """(tasks, raters, responses) places with ties, those of a task leaning one way."""
    truth = rng.normal(size=(tasks, 1, responses))
    return np.round((truth + rng.normal(size=(tasks, raters, responses))) * levels)


def signs(places):
    """Opinions of level "order": unit, rater, value, task."""
    pairs = list(combinations(range(places.shape[2]), 2))
    value = np.stack([np.sign(places[:, :, left] - places[:, :, right]) for left, right in pairs], axis=2)
    task, rater, pair = np.indices(value.shape)
    return (task * len(pairs) + pair).ravel(), rater.ravel(), value.ravel(), task.ravel()


def test_alpha_of_orders_by_brute_force():
    """1 - observed / expected distance, by the distance that rankings have.

    Expected: every opinion against every other, all four ways to turn the two round.
    """
    places = orders(np.random.default_rng(2), tasks=12, raters=3, responses=4, levels=0.7)
    unit, _, value, task = signs(places)
    seen = [
        distance(dict(zip("abcd", first, strict=True)), dict(zip("abcd", second, strict=True)))
        for one in places
        for first, second in combinations(one.tolist(), 2)
    ]
    chance = [
        abs(turn * left - other * right) / 2
        for left, right in combinations(value.tolist(), 2)
        for turn in (-1, 1)
        for other in (-1, 1)
    ]
    found = agreement.alpha(unit, value, task, "order")
    assert found.value == pytest.approx(1 - np.mean(seen) / np.mean(chance))
    assert found.n == len(value)


def test_alpha_of_orders_does_not_hang_on_which_response_is_first():
    places = orders(np.random.default_rng(4), tasks=40, raters=3, responses=4, levels=1)
    found = []
    for each in (places, places[:, :, ::-1]):
        unit, _, value, task = signs(each)
        found.append(agreement.alpha(unit, value, task, "order"))
    assert found[0] == pytest.approx(found[1])


def test_alpha_of_orders_without_ties_is_the_mean_tau():
    places = orders(np.random.default_rng(6), tasks=50, raters=2, responses=5, levels=1e6)
    unit, rater, value, task = signs(places)
    taus = [kendalltau(*one).statistic for one in places]
    assert agreement.alpha(unit, value, task, "order").value == pytest.approx(np.mean(taus))
    *_, first, second, of_pair = agreement.rater_pairs(unit, rater, value, task)
    assert agreement.tau_b(first, second, of_pair).value == pytest.approx(np.mean(taus))


@pytest.mark.parametrize("raters", [2, 4])
def test_tau_b_is_scipys(raters):
    """With ties; with several raters a tau for each two of a task, and none where one ties everything."""
    places = orders(np.random.default_rng(raters), tasks=30, raters=raters, responses=4, levels=0.6)
    places[0] = 1
    taus = [kendalltau(*two).statistic for one in places for two in combinations(one, 2)]
    left, right, first, second, task = agreement.rater_pairs(*signs(places))
    found = known(agreement.tau_b(first, second, task, orders=(task * raters + left) * raters + right))
    defined = [tau for tau in taus if not np.isnan(tau)]
    assert len(defined) < len(taus)
    assert found.n == len(defined)
    assert found.value == pytest.approx(np.mean(defined))
    assert found.low < found.value < found.high


def test_percent_by_hand():
    """Units with 3, 2 and 1 opinions: a third and all of their pairs say the same; and four units that agree."""
    unit = np.array([9, 9, 9, 4, 4, 7, *np.repeat([20, 21, 22, 23], 2)])
    value = np.array([1, 1, 2, 5, 5, 1, *np.repeat([1, 2, 3, 4], 2)], float)
    found = known(percent(unit, value, unit))
    assert found.value == pytest.approx((1 / 3 + 1 + 4) / 6)
    assert found.n == 8
    shuffled = np.random.default_rng(0).permutation(len(unit))
    assert percent(unit[shuffled], value[shuffled], unit[shuffled]).value == pytest.approx(found.value)


def test_a_unit_counts_once_however_many_said_something_of_it():
    """70 units on which two agree, 30 on which five are split 3 to 2: a mean of 0.82. By pairs it would be 0.51."""
    unit = np.concatenate([np.repeat(np.arange(70), 2), np.repeat(np.arange(70, 100), 5)])
    value = np.concatenate([np.zeros(140), np.tile([0.0, 0, 0, 1, 1], 30)])
    found = known(percent(unit, value, unit))
    assert found.value == pytest.approx(0.7 + 0.3 * 0.4)
    assert found.n == 70 + 300
    assert found.low < 0.82 < found.high


def of_counts(counts):
    """Two raters' values from a table of how often the first said the row and the second the column."""
    row, column = np.indices(counts.shape)
    return np.repeat(row.ravel(), counts.ravel()).astype(float), np.repeat(column.ravel(), counts.ravel()).astype(float)


#: Cohen, A coefficient of agreement for nominal scales (1960), table 2: 200 cases in three classes.
COHEN = np.array([[88, 10, 2], [14, 40, 6], [18, 10, 12]])


def test_cohen_in_print():
    """Kappa = 0.49: 140 agree, 82 would by chance, so 58 / 118."""
    first, second = of_counts(COHEN)
    found = known(agreement.cohen(first, second, np.arange(200)))
    assert found.value == pytest.approx(58 / 118)
    assert found.n == 200
    # His standard error without ties of chance, sqrt(po (1 - po) / (N (1 - pe)^2)) = 0.055, against the bootstrap's.
    assert found.width / (2 * 1.96) == pytest.approx(0.055, abs=0.006)


def test_weighted_kappa_by_hand():
    """The same table: squares of the differences sum to 24 + 16 + 4 * 20 = 120; by chance to 66 + 18 + 4 * 34 = 220."""
    first, second = of_counts(COHEN)
    assert agreement.weighted_kappa(first, second, np.arange(200)).value == pytest.approx(1 - 120 / 220)


@pytest.mark.parametrize("seed", range(5))
def test_kappas_are_scikit_learns(seed):
    first, second = random_table(2, 60, 5, missing=0, seed=seed)
    task = np.arange(60)
    assert agreement.cohen(first, second, task).value == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)
    weighted = cohen_kappa_score(first, second, labels=range(5), weights="quadratic")
    assert agreement.weighted_kappa(first, second, task).value == pytest.approx(weighted, abs=1e-12)


def test_rater_pairs():
    unit, rater = np.array([5, 5, 5, 6, 7, 7]), np.array([30, 10, 20, 10, 20, 10])
    value, task = np.array([3.0, 1, 2, 9, 7, 8]), np.array([50, 50, 50, 60, 70, 70])
    left, right, first, second, of_pair = agreement.rater_pairs(unit, rater, value, task)
    found = set(zip(left.tolist(), right.tolist(), first.tolist(), second.tolist(), of_pair.tolist(), strict=True))
    assert found == {(10, 20, 1, 2, 50), (10, 30, 1, 3, 50), (20, 30, 2, 3, 50), (10, 20, 8, 7, 70)}


def test_mean_agreement():
    found = known(agreement.mean_agreement(np.array([0.0, 0.5, 1, 0, 0, 0.5]), np.arange(6), np.arange(6)))
    assert found.value == pytest.approx(2 / 3)
    assert found.n == 6


def test_alpha_of_distances_is_alpha_where_tasks_are_many():
    """Texts that are really codes: within tasks every pair, between them random pairs, against the nominal alpha."""
    rows = random_table(2, 3000, 4, missing=0)
    unit, _, value = columns(rows)
    rng = np.random.default_rng(1)
    left, right = rng.integers(0, len(value), (2, 60_000))
    between = (value[left] != value[right])[unit[left] != unit[right]].astype(float)
    found = known(agreement.distance_alpha((rows[0] != rows[1]).astype(float), np.arange(3000), between))
    nominal = alpha(rows, "nominal")
    assert found.value == pytest.approx(nominal.value, abs=0.01)
    assert found.width == pytest.approx(nominal.width, rel=0.2)
    assert found.n == 3000


def test_alpha_of_distances_without_distances():
    assert agreement.distance_alpha(np.empty(0), np.empty(0, np.int64), np.ones(50)) == Estimate()
    assert agreement.distance_alpha(np.ones(50), np.arange(50), np.empty(0)) == Estimate(n=50)
    assert agreement.distance_alpha(np.zeros(50), np.arange(50), np.zeros(50)) == Estimate(n=50)


def covers(find, truth, seeds=300):
    found = [known(find(np.random.default_rng(seed))) for seed in range(seeds)]
    return np.mean([one.low <= truth <= one.high for one in found])


def drawn(rng, tasks, items=3, raters=3, sure=0.6) -> tuple[Ints, Floats, Ints]:
    """Opinions on `items` of each task; a rater says what the task is about with chance `sure`, else anything of 4.

    Items of a task are about the same thing: so they are not independent, and tasks have to be resampled.
    """
    about = rng.integers(0, 4, tasks)
    task, _, _ = np.indices((tasks, items, raters))
    value = np.where(rng.random(task.shape) < sure, about[:, None, None], rng.integers(0, 4, task.shape))
    unit = np.arange(tasks * items).repeat(raters)
    return unit, value.ravel().astype(float), task.ravel()


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_interval_of_alpha_covers_at_95_percent(level):
    """True alpha: two raters say the same thing surely with chance 0.6 * 0.6, and else as chance has it."""
    share = covers(lambda rng: agreement.alpha(*drawn(rng, 60), level), 0.36)
    assert 0.91 <= share <= 0.98


def test_interval_of_percent_covers_at_95_percent():
    share = covers(lambda rng: percent(*drawn(rng, 60)), 0.36 + 0.64 / 4)
    assert 0.91 <= share <= 0.98


def test_interval_of_kappa_covers_at_95_percent():
    def find(rng):
        value = drawn(rng, 80, items=1, raters=2)[1].reshape(-1, 2)
        return agreement.cohen(value[:, 0], value[:, 1], np.arange(80))

    assert 0.91 <= covers(find, 0.36) <= 0.98


def test_items_of_one_task_are_not_taken_for_many_tasks():
    """The same opinions on ten items each: an interval over items would be a third as wide."""
    unit, value, task = drawn(np.random.default_rng(0), 60, items=1)
    item = np.repeat(unit, 10) * 10 + np.tile(np.arange(10), len(unit))
    value, task = np.repeat(value, 10), np.repeat(task, 10)
    by_task, by_item = (known(agreement.alpha(item, value, one, "nominal")) for one in (task, item))
    assert by_task.value == by_item.value
    assert by_task.width / by_item.width == pytest.approx(np.sqrt(10), rel=0.15)


@pytest.mark.parametrize("level", agreement.LEVELS)
def test_not_enough_data(level):
    nobody = np.empty(0, np.int64)
    assert agreement.alpha(nobody, np.empty(0), nobody, level) == Estimate()
    alone = np.arange(50)
    assert agreement.alpha(alone, np.ones(50), alone, level) == Estimate(), "nobody said anything of the same unit"
    few = np.repeat(np.arange(FEWEST_BEYOND_CHANCE - 1), 2)
    assert agreement.alpha(few, (few % 2).astype(float), few, level) == Estimate(n=len(few))
    many = np.repeat(np.arange(50), 2)
    assert agreement.alpha(many, np.zeros(100), many, level) == Estimate(n=100), "opinions that never differ"


def test_not_enough_data_for_two():
    nobody = np.empty(0)
    task = np.empty(0, np.int64)
    for find in (agreement.cohen, agreement.weighted_kappa, agreement.tau_b):
        assert find(nobody, nobody, task) == Estimate()
        assert find(np.zeros(9), np.zeros(9), np.arange(9)).value is None
    assert percent(task, nobody, task) == Estimate()
    assert [len(one) for one in agreement.rater_pairs(task, task, nobody, task)] == [0] * 5


def test_no_disagreement_is_no_certainty():
    """Twelve tasks on which all agree: a quarter may be another matter, as Wilson's interval of 12 of 12 has it.

    Two of three values that are as frequent differ in 2/3 of cases by chance (two of 24 drawn opinions in 16/23): so
    kappa may be 1 - (1/4) / (2/3).
    """
    unit = np.repeat(np.arange(12), 2)
    value = (unit % 3).astype(float)
    low = known(intervals.wilson(12, 12)).low
    assert low == pytest.approx(0.757, abs=0.001)
    assert percent(unit, value, unit) == Estimate(1.0, low, 1.0, 12)
    beyond = 1 - (1 - low) / (16 / 23)
    for level in ("nominal", "ordinal", "interval"):
        assert tuple(agreement.alpha(unit, value, unit, level)) == pytest.approx((1, beyond, 1, 24))
    beyond = 1 - (1 - low) / (2 / 3)
    for find in (agreement.cohen, agreement.weighted_kappa):
        assert tuple(find(value[::2], value[::2], unit[::2])) == pytest.approx((1, beyond, 1, 12))
    apart = percent(unit, np.arange(24.0), unit)
    assert apart == Estimate(0.0, 0.0, intervals.wilson(0, 12).high, 12)


def test_no_disagreement_on_orders_is_no_certainty():
    """Two orders of two responses are half apart by chance: alpha and tau are 2 * share - 1. So is -1."""
    unit, ones = np.repeat(np.arange(12), 2), np.ones(12)
    low = 2 * known(intervals.wilson(12, 12)).low - 1
    assert tuple(agreement.alpha(unit, np.ones(24), unit, "order")) == pytest.approx((1, low, 1, 24))
    assert tuple(agreement.tau_b(ones, ones, unit[::2])) == pytest.approx((1, low, 1, 12))
    assert tuple(agreement.tau_b(ones, -ones, unit[::2])) == pytest.approx((-1, -1, -low, 12))
    apart = known(agreement.alpha(unit, np.tile([-1.0, 1.0], 12), unit, "nominal"))
    assert apart.value == pytest.approx(1 - 23 / 12) and apart.high > -0.5, "nobody agrees, and chance tells half"
    assert agreement.tau_b(ones[:5], -ones[:5], np.arange(5)) == Estimate(n=5)


def test_values_apart_on_a_scale_are_not_taken_for_nobody_agreeing():
    """Below what as many who differ would make by chance, but not at an end: the interval is that of the resamples."""
    value = np.random.default_rng(0).integers(1, 6, 500).astype(float)
    task = np.arange(500)
    unit, both = task.repeat(2), np.column_stack([value, 6 - value]).ravel()
    found = [agreement.alpha(unit, both, unit, level) for level in ("ordinal", "interval")]
    found.append(agreement.weighted_kappa(value, 6 - value, task))
    for one in map(known, found):
        assert one.value < -0.98 and one.high < -0.9
    within, between = (np.random.default_rng(1).normal(mean, 0.05, 500) for mean in (0.9, 0.65))
    texts = known(agreement.distance_alpha(within, task, between))
    assert texts.value == pytest.approx(-0.39, abs=0.02) and texts.high < -0.36


@pytest.mark.parametrize("tasks", [FEWEST_BEYOND_CHANCE, 15, 20])
@pytest.mark.parametrize("agreed", [0.5, 0.8])
def test_interval_of_alpha_covers_where_tasks_are_few(tasks, agreed):
    """Two raters, two values, each right so often that alpha is truly 0.5 and 0.8."""
    right = (1 + np.sqrt(agreed)) / 2

    def find(rng):
        truth = rng.integers(2, size=(tasks, 1))
        value = np.where(rng.random((tasks, 2)) < right, truth, 1 - truth)
        unit = np.repeat(np.arange(tasks), 2)
        return agreement.alpha(unit, value.ravel().astype(float), unit, "nominal")

    found = [find(np.random.default_rng(seed)) for seed in range(400)]
    sure = [known(one) for one in found if one.value is not None]
    assert len(sure) > 390, "they may all say the same thing of every task"
    assert np.mean([one.low <= agreed <= one.high for one in sure]) >= 0.92


def test_many_tasks_in_clusters(monkeypatch):
    """In a thousand clusters or task by task, an interval is nearly the same."""
    opinions = drawn(np.random.default_rng(8), 3000)
    clustered = known(agreement.alpha(*opinions, "ordinal"))
    monkeypatch.setattr(intervals, "CLUSTERS", 5000)
    apart = known(agreement.alpha(*opinions, "ordinal"))
    assert clustered.value == pytest.approx(apart.value)
    assert clustered.width == pytest.approx(apart.width, rel=0.1)

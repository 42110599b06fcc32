"""Is it learnable: what the small preference model finds where we know what there is to be found."""

import random
from typing import Any

import numpy as np
import pytest

from rankings.learning import making
from rankings.learning.reading import Handed
from rankings.scoring import learning_curve, preference_model
from rankings.scoring.text_features import matrix, seen
from tests.quality.known import known

WORDS = [f"word{number}" for number in range(60)]


def drawn(prompts: int, votes: int = 1, strength: float = 2.5, seed: int = 0) -> Handed:
    """Two texts a prompt, each preferred by the worth of its words as Bradley and Terry have it, `votes` times."""
    rng, handed = random.Random(seed), Handed()
    worth = {word: rng.gauss(0, 1) for word in WORDS}
    for prompt in range(prompts):
        texts = [" ".join(rng.choices(WORDS, k=20)) for _ in range(2)]
        first, second = (strength * sum(worth[word] for word in text.split()) / 20**0.5 for text in texts)
        chance = 1 / (1 + np.exp(second - first))
        for _ in range(votes):
            wins = rng.random() < chance
            better, worse = texts if wins else texts[::-1]
            add(handed, prompt, better, worse, votes)
    return handed


def add(handed: Handed, prompt: int, better: str, worse: str, votes: int = 1) -> None:
    """A label of its own, with one pair."""
    there = handed.responses
    numbers = {one.text: nth for nth, one in enumerate(there[-4:], max(0, len(there) - 4))}
    for text in (better, worse):
        if text not in numbers:
            numbers[text] = len(there)
            there.append(seen(f"What of {prompt}?", text))
    handed.chosen.append(numbers[better])
    handed.rejected.append(numbers[worse])
    handed.prompt.append(prompt)
    handed.group.append(str(len(handed)))
    for column, value in (("target", 1.0), ("weight", 1.0), ("raters", votes), ("agreement", 1.0), ("split", "train")):
        getattr(handed, column).append(value)
    handed.rows += 1


@pytest.fixture(scope="module")
def learned() -> dict[str, Any]:
    return making.report(drawn(400, votes=2))


def test_what_can_be_learned_is_learned(learned):
    accuracy, curve = learned["accuracy"], learned["curve"]
    assert accuracy["low"] > 0.7 and learned["beyond"]["low"] > 0.15
    assert learned["longer"]["low"] < 0.5 < learned["longer"]["high"]
    assert curve[-1]["value"] == accuracy["value"]
    assert curve[0]["value"] < 0.7 and curve[-1]["low"] > curve[0]["high"]
    assert [one["labels"] for one in curve] == [2 * one["prompts"] for one in curve]
    assert curve[-1]["prompts"] == 320
    assert learned["last_doubling"]["value"] > 0 and learned["next_doubling"]["value"] > 0


def test_the_ceiling_is_over_the_model_and_near_what_is_true(learned):
    """Of such texts whoever knows the worth of each word is right about 0.85 of all labels."""
    rng = np.random.default_rng(0)
    gap = 2.5 * np.sqrt(2) * rng.standard_normal(200_000)  # of two texts, nearly
    true = np.mean(1 / (1 + np.exp(-np.abs(gap))))
    found = learned["ceiling"]
    assert found["of"] == "pairs" and found["agreement"]["n"] == 400
    assert found["agreement"]["value"] < true < found["value"] + 0.03
    assert learned["accuracy"]["value"] < found["value"]


def test_its_chances_can_be_believed(learned):
    found = learned["calibration"]
    assert found["error"] <= found["most"] + 0.02
    assert sum(one["pairs"] for one in found["bins"]) == 800 and len(found["bins"]) == 10
    assert found["bins"][-1]["observed"] > 0.8 > found["bins"][0]["observed"]


def test_chance_is_not_learned():
    report = making.report(drawn(200, strength=0.0, seed=5))
    assert report["accuracy"]["low"] <= 0.5 <= report["accuracy"]["high"]
    assert report["last_doubling"]["low"] <= 0 <= report["last_doubling"]["high"]


def test_a_prompt_is_never_on_both_sides():
    """Each prompt has a word of its own which all of its better responses have: no use for any other prompt."""
    handed, rng = Handed(), random.Random(1)
    for prompt in range(120):
        secret, nothing = ("".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=8)) for _ in range(2))
        for _ in range(4):
            same = " ".join(rng.choices(WORDS, k=15))
            add(handed, prompt, f"{same} {secret}", f"{same} {nothing}")
    pairs = handed.pairs
    responses = matrix(handed.responses)
    held = learning_curve.held_out(responses, pairs)
    for prompt in range(120):
        assert len(set(held.fold[pairs.prompt == prompt])) == 1
    accuracy = held.right[-1, 0].mean()
    assert 0.35 < accuracy < 0.65
    inside = preference_model.fit(responses, pairs, 0.4)
    assert preference_model.right(preference_model.chances(responses, inside, pairs)).mean() > 0.95


def test_labels_that_were_turned_around_are_doubted():
    """One label in ten is turned around: among the 20 most doubtful it is at least half."""
    clean, turned = drawn(300, strength=12, seed=3), drawn(300, strength=12, seed=3)
    rng = random.Random(9)
    wrong = {nth for nth in range(300) if rng.random() < 0.1}
    for nth in wrong:
        turned.chosen[nth], turned.rejected[nth] = clean.rejected[nth], clean.chosen[nth]
    report = making.report(turned)
    first = [one["label"] - 1 for one in report["doubted"][:20]]
    assert sum(nth in wrong for nth in first) >= 10
    assert [one["chance"] for one in report["doubted"]] == sorted(one["chance"] for one in report["doubted"])
    assert all(one["chance"] < 0.5 for one in report["doubted"])


def test_the_same_again():
    handed = drawn(60, seed=2)
    assert making.report(handed) == making.report(handed)


def test_swapped_a_pair_has_the_opposite_chance():
    handed = drawn(60)
    responses, pairs = matrix(handed.responses), handed.pairs
    weights = preference_model.fit(responses, pairs, 1.0)
    swapped = preference_model.Pairs(pairs.rejected, pairs.chosen, pairs.prompt, 1 - pairs.target, pairs.weight)
    chances = preference_model.chances(responses, weights, pairs)
    assert preference_model.chances(responses, weights, swapped) == pytest.approx(1 - chances, abs=1e-6)
    again = preference_model.fit(responses, swapped, 1.0)
    assert preference_model.chances(responses, again, pairs) == pytest.approx(chances, abs=1e-3)


def test_sure_labels_teach_more_than_split_ones():
    handed = drawn(60)
    responses, pairs = matrix(handed.responses), handed.pairs
    half = preference_model.Pairs(pairs.chosen, pairs.rejected, pairs.prompt, np.full(60, 0.5), pairs.weight)
    assert np.abs(preference_model.fit(responses, half, 1.0)).max() < 1e-6


@pytest.mark.parametrize(
    ("agreement", "raters", "reached"),
    [(1.0, 1, 1.0), (0.5, 1, 0.5), (0.4, 1, 0.5), (0.68, 1, 0.8), (0.68, 3, 0.896), (0.68, 2, 0.8)],
)
def test_the_ceiling(agreement, raters, reached):
    """0.68 is 0.8 * 0.8 + 0.2 * 0.2; the majority of three is right in 0.8 ** 3 + 3 * 0.8 ** 2 * 0.2 of cases."""
    assert learning_curve.ceiling(agreement, raters) == pytest.approx(reached)


def test_how_far_two_votes_agree():
    """Of 3 votes, 2 for the one: one of three pairs is the same. One vote says nothing."""
    found = learning_curve.agreed(np.array([3, 2, 1, 1]), np.array([3, 3, 2, 1]))
    assert found[:3] == pytest.approx([1, 1 / 3, 0]) and np.isnan(found[3])


def test_the_trend_goes_on_as_the_curve_did():
    """0.9 - 0.3 * (size / 1000) ** -0.5, doubled from 1000: 0.3 * (1 - 0.5 ** 0.5)."""
    sizes = np.array([62, 125, 250, 500, 1000])
    accuracy = 0.9 - 0.3 * (sizes / 1000) ** -0.5
    gain = learning_curve.next_doubling(sizes)
    assert gain(accuracy[None])[0] == pytest.approx(0.3 * (1 - 0.5**0.5), abs=1e-6)
    assert gain(np.array([[0.7, 0.69, 0.68, 0.67, 0.66]]))[0] == 0


def test_sizes_double_where_there_is_much():
    assert learning_curve.sizes(1600).tolist() == [25, 50, 100, 200, 400, 800, 1600]
    assert learning_curve.sizes(80).tolist() == [14, 20, 28, 40, 57, 80]


def test_a_model_that_boasts_is_found_out():
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, 2_000)
    right = rng.random(2_000) < 0.5 + (sure - 0.5) / 2
    found = learning_curve.calibration(np.where(right, sure, 1 - sure), np.arange(2_000))
    assert found.error > found.most and known(found.over).low > 0.08
    honest = learning_curve.calibration(np.where(rng.random(2_000) < sure, sure, 1 - sure), np.arange(2_000))
    assert honest.error <= honest.most and known(honest.over).low < 0 < known(honest.over).high


def test_too_few_prompts():
    handed = drawn(20)
    with pytest.raises(ValueError, match="prompts: 20, at least 40"):
        learning_curve.held_out(matrix(handed.responses), handed.pairs)

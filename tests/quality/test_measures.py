"""What answers say on what annotators may agree on: the contract of every kind, and what each measure's values mean."""

import itertools
import random

import pytest

from annotate import kinds
from annotate.kinds import Level

each_kind = pytest.mark.parametrize("kind", kinds.all_kinds(), ids=lambda kind: kind.name)


def opinions(kind, payload, names=None, **options):
    """By measure: the values by item."""
    example = kind.example()
    names = names or kinds.letters_for(len(example.responses))
    found: dict[str, dict[str, float]] = {}
    for one in kind.opinions(payload, names, example.options | options):
        assert one.item not in found.setdefault(one.measure, {}), "an answer has one opinion of an item"
        found[one.measure][one.item] = one.value
    return found


def levels(kind, **options):
    return {one.name: one.level for one in kind.measures(kind.example().options | options)}


# --- Of every kind ---------------------------------------------------------------------------------------------------


@each_kind
def test_it_has_measures_of_different_names_and_words_for_their_values(kind):
    measures = kind.measures(kind.example().options)
    assert measures and len({one.name for one in measures}) == len(measures)
    for one in measures:
        assert str(one.label)
        assert all(str(word) for word in one.values)
        assert one.level not in {Level.NOMINAL, Level.ORDER} or one.values


@each_kind
def test_every_opinion_is_on_a_measure_of_its_and_has_a_word(kind):
    measures = {one.name: one for one in kind.measures(kind.example().options)}
    said = set()
    for payload in (kind.example().payload, kind.example().other_payload):
        for name, values in opinions(kind, payload).items():
            said.add(name)
            assert measures[name].level != Level.DISTANCE
            if words := measures[name].values:
                assert all(0 <= value - measures[name].low < len(words) for value in values.values())
    assert said == {name for name, one in measures.items() if one.level != Level.DISTANCE}


@each_kind
def test_two_answers_that_differ_differ_on_something(kind):
    one, other = kind.example().payload, kind.example().other_payload
    level = Level.DISTANCE in levels(kind).values()
    assert level or opinions(kind, one) != opinions(kind, other)


@each_kind
def test_the_order_in_which_responses_were_shown_changes_nothing(kind):
    """The same answer given under other letters is, by the responses' own names, the same opinions."""
    letters = kinds.letters_for(len(kind.example().responses))
    for payload in (kind.example().payload, kind.example().other_payload):
        straight = opinions(kind, payload, letters)
        for shown in itertools.permutations(letters):
            shuffled = dict(zip(letters, shown, strict=True))  # the letter that a response had on that page
            back = {page: own for own, page in shuffled.items()}
            as_given = kind.rename(payload, shuffled)
            assert opinions(kind, kind.rename(as_given, back), letters) == straight


@each_kind
def test_options_of_later_leave_out_what_was_not_asked(kind):
    """Labels given under richer options have no opinions on what the queue has no measure for now."""
    for payload in (kind.example().payload, kind.example().other_payload):
        names = kinds.letters_for(len(kind.example().responses))
        found = {one.measure for one in kind.opinions(payload, names, {})}
        assert found <= {one.name for one in kind.measures({})}


# --- What the values mean --------------------------------------------------------------------------------------------


def test_a_comparison_says_which_and_by_how_much():
    compare = kinds.get("compare")

    def said(payload, **options):
        return opinions(compare, payload | {"comment": ""}, **options)

    assert said({"winner": "a", "strength": 3}) == {"preference": {"": 0}, "strength": {"": -3}}
    assert said({"winner": "b", "strength": 1}) == {"preference": {"": 2}, "strength": {"": 1}}
    assert said({"winner": "tie"}) == {"preference": {"": 1}, "strength": {"": 0}}
    assert said({"winner": "both_bad"}) == {"preference": {"": 3}}
    assert said({"winner": "a"}) == {"preference": {"": 0}}  # somebody outside, who was not asked by how much
    assert said({"winner": "a", "strength": 3}, strength=False) == {"preference": {"": 0}}
    # of four levels the slightest, 0, is still a preference
    assert said({"winner": "b", "strength": 0}, levels=4)["strength"] == {"": 1}
    assert said({"winner": "a", "strength": 3}, levels=4)["strength"] == {"": -4}
    assert said({"winner": "a", "strength": 0}, levels=3) == {"preference": {"": 0}}
    (by_how_much,) = [one for one in compare.measures({}) if one.name == "strength"]
    words = {value: str(word) for value, word in enumerate(by_how_much.values, by_how_much.low)}
    assert words[-3] == "first: much better" and words[0] == "About the same" and words[1] == "second: slightly better"


def test_a_comparison_has_dimensions_and_safety_where_they_are_asked():
    compare = kinds.get("compare")
    payload = {
        "winner": "b",
        "strength": 2,
        "dimensions": {"truth": {"winner": "a", "strength": 1}, "tone": {"winner": "tie"}, "old": {"winner": "a"}},
        "safety": "preferred",
        "comment": "",
    }
    found = opinions(compare, payload, dimensions=["truth", "tone"], safety=True)
    assert found["dimensions.truth"] == {"": 0} and found["dimensions.tone"] == {"": 1}
    assert found["safe"] == {"a": 0, "b": 1}
    assert "dimensions.old" not in found
    for word, expected in (("both", 1), ("neither", 0)):
        assert set(opinions(compare, payload | {"safety": word}, safety=True)["safe"].values()) == {expected}


def test_a_ranking_says_of_each_two_which_is_better():
    rank = kinds.get("rank")
    payload = {"ranks": {"a": 1, "b": 2, "c": 2}, "unusable": ["d", "e"], "comment": ""}
    found = opinions(rank, payload, ["a", "b", "c", "d", "e"])
    level = {pair for pair, value in found["order"].items() if value == 0}
    assert level == {"b:c", "d:e"} and len(found["order"]) == 10
    assert all(found["order"][pair] == -1 for pair in found["order"].keys() - level)
    assert found["unusable"] == {"a": 0, "b": 0, "c": 0, "d": 1, "e": 1}
    turned = opinions(rank, payload, ["e", "c", "a", "d", "b"])
    assert turned["order"]["e:c"] == 1 and turned["order"]["c:b"] == 0
    assert "unusable" not in opinions(rank, payload, ["a", "b", "c", "d", "e"], unusable=False)


def test_the_order_of_a_ranking_is_apart_as_far_as_its_distance_says():
    rank, chance = kinds.get("rank"), random.Random(5)
    for _nth in range(50):
        one, other = (
            {
                "ranks": {name: chance.randint(1, 4) for name in "abcd"[:bad]},
                "unusable": list("abcd"[bad:]),
                "comment": "",
            }
            for bad in (chance.randint(1, 4), chance.randint(1, 4))
        )
        ours, theirs = (opinions(rank, said)["order"] for said in (one, other))
        apart = sum(abs(ours[pair] - theirs[pair]) for pair in ours) / (2 * len(ours))
        assert apart == pytest.approx(rank.distance(one, other))


def test_scores_are_ordinal_unless_points_are_many_and_only_on_the_scale_of_today():
    rate = kinds.get("rate")
    axes = [{"name": "overall", "low": 1, "points": [""] * 5}, {"name": "fine", "low": 0, "points": [""] * 10}]
    options = {"axes": axes, "flags": ["made up", "off.topic"]}
    assert levels(rate, **options) == {
        "scores.overall": "ordinal",
        "scores.fine": "interval",
        "flags.made up": "nominal",
        "flags.off.topic": "nominal",
    }
    payload = {
        "scores": {"a": {"overall": 4, "fine": 7, "gone": 1}, "b": {"overall": 1, "fine": 0, "gone": 2}},
        "scales": {"overall": [1, 7], "fine": [0, 9], "gone": [1, 2]},
        "flags": {"b": ["off.topic", "no longer asked"]},
        "comment": "",
    }
    assert opinions(rate, payload, **options) == {
        "scores.fine": {"a": 7, "b": 0},
        "flags.made up": {"a": 0, "b": 0},
        "flags.off.topic": {"a": 0, "b": 1},
    }
    (overall, *_others) = rate.measures(options)
    assert (overall.low, overall.values[0], overall.values[-1]) == (1, "1", "5")
    assert [one.name for one in rate.measures({})] == ["scores.overall"]


def test_what_is_asked_beside_a_ranking_is_measured_too():
    rank = kinds.get("rank")
    axes = [{"name": "helpful", "low": 0, "points": ["no", "yes"]}]
    payload = {
        "ranks": {"a": 1, "b": 2},
        "unusable": [],
        "scores": {"a": {"helpful": 1}, "b": {"helpful": 0}},
        "scales": {"helpful": [0, 1]},
        "flags": {"a": ["odd"]},
        "comment": "",
    }
    found = opinions(rank, payload, ["a", "b"], axes=axes, flags=["odd"])
    assert found["scores.helpful"] == {"a": 1, "b": 0}
    assert found["flags.odd"] == {"a": 1, "b": 0}
    assert list(levels(rank, axes=axes, flags=["odd"])) == ["order", "unusable", "scores.helpful", "flags.odd"]


def test_thumbs_criteria_and_steps_say_each_of_theirs():
    thumbs = kinds.get("thumbs")
    payload = {"thumbs": {"a": True, "b": False}, "flags": {"b": ["wrong"]}, "comment": ""}
    found = opinions(thumbs, payload, ["a", "b"])
    assert found["thumbs"] == {"a": 1, "b": 0} and found["flags.wrong"] == {"a": 0, "b": 1}

    criteria = kinds.get("criteria")
    found = opinions(criteria, criteria.example().payload)
    assert found["criteria"]["a:Names Canberra"] == 1 and found["criteria"]["a:Answers in full sentences"] == 0
    assert found["criteria.1"] == {"a": 0, "b": 1}  # the queue's own criterion
    assert found["points"] == {"a": 75, "b": 0}

    steps = kinds.get("steps")
    payload = {"steps": [1, 0, -1], "split": "paragraphs", "comment": ""}
    assert opinions(steps, payload) == {"steps": {"0": 1, "1": 0, "2": -1}}
    assert opinions(steps, payload, split="lines") == {}  # cut otherwise, they are other steps


def test_texts_are_told_apart_by_distance_alone():
    assert levels(kinds.get("write")) == {"answer": "distance"}
    edit = kinds.get("edit")
    assert levels(edit) == {"answer": "distance", "unchanged": "nominal"}
    assert opinions(edit, {"text": "x", "unchanged": True, "comment": ""}) == {"unchanged": {"": 1}}

"""What a ranking and a comparison ask besides, by option: in the form, in the payload, in what it gives a trainer."""

import pytest
from django.core.exceptions import ValidationError
from django.http import QueryDict

from annotate import exporting, kinds, labelling, running
from annotate.exporting import streams
from rankings.kinds import sides
from tests import factories

AXES = [{"name": "helpfulness", "low": 0, "points": ["useless", "poor", "fair"]}]
RANKED = {"ranks": {"a": 1, "b": 2, "c": 2}, "unusable": ["d"], "comment": ""}
ALL = {"axes": AXES, "flags": ["made up"], "reason": "required", "improve": "optional"}
SCORES = {letter: {"helpfulness": 1} for letter in "abc"}
FULL = RANKED | {
    "scores": SCORES,
    "flags": {"c": ["made up"]},
    "reason": "A is concrete.",
    "improved": {"of": "a", "text": "Speak daily."},
}


def form_of(kind, payload, **options):
    way = kinds.get(kind)
    options = running.checked_options(kind, options)
    return way.label_form(way.label_form.flatten(payload), shown=way.example().shown(), options=options)


def posted(kind, query, **options):
    way = kinds.get(kind)
    return way.label_form(way.label_form.posted(QueryDict(query)), shown=way.example().shown(), options=options)


def checked(kind, payload, **options):
    form = form_of(kind, payload, **options)
    assert form.is_valid(), form.errors
    assert not form.unknown_fields()
    return form.payload()


# --- Options ---------------------------------------------------------------------------------------------------------


def test_options_stored_before_there_were_more_still_hold():
    stored = {"strength": True, "tie": True, "both_bad": False}
    form = kinds.get("compare").label_form(
        {"winner": "a", "strength": 3}, shown=kinds.Shown(["a", "b"]), options=stored
    )
    assert form.is_valid() and form.payload() == {"winner": "a", "strength": 3, "comment": ""}
    assert running.checked_options("compare", stored)["levels"] == 3
    assert checked("rank", RANKED) == RANKED


def test_options_are_the_same_from_a_page_and_from_a_program():
    of_program = running.checked_options("compare", {"levels": 4, "reason": "required", "dimensions": ["a b", "c"]})
    page = QueryDict("strength=on&levels=4&tie=on&both_bad=on&reason=required&improve=off&dimensions=a+b%0D%0A%0D%0Ac")
    of_page = kinds.get("compare").options_form(page)
    assert of_page.is_valid(), of_page.errors
    assert of_page.cleaned_data == of_program


@pytest.mark.parametrize(
    ("option", "value"),
    [("levels", 5), ("reason", "often"), ("dimensions", ["a.b"]), ("dimensions", ["x"] * 2), ("dimensions", "x" * 61)],
)
def test_options_that_mean_nothing_are_refused_by_name(option, value):
    with pytest.raises(ValidationError) as caught:
        running.checked_options("compare", {option: value})
    assert list(caught.value.message_dict) == [f"options.{option}"]


# --- Scores, flags, a reason -----------------------------------------------------------------------------------------


def test_a_ranking_with_everything_comes_back_as_it_went_in():
    scales = {"scales": {"helpfulness": [0, 2]}}
    assert checked("rank", FULL, **ALL) == FULL | scales
    assert checked("rank", FULL | scales, **ALL) == FULL | scales


@pytest.mark.parametrize("extra", ["scores", "flags", "reason", "improved", "dimensions", "safety"])
@pytest.mark.parametrize("kind", ["rank", "compare"])
def test_what_a_queue_does_not_ask_for_is_refused_by_name_and_left_out(kind, extra):
    value = {"dimensions": {"x": {"winner": "a"}}, "safety": "both", "reason": "r"}.get(extra, FULL.get(extra))
    form = form_of(kind, kinds.get(kind).example().payload | {extra: value})
    assert form.is_valid()
    assert [name.split(".")[0] for name in form.unknown_fields()][:1] == [extra]
    assert extra not in form.payload()


@pytest.mark.parametrize("value", ["x", ["a"], None, 3])
@pytest.mark.parametrize("extra", ["improved", "dimensions"])
def test_an_extra_of_the_wrong_shape_is_refused_by_name(extra, value):
    form = form_of("compare", {"winner": "tie", extra: value}, improve="optional", dimensions=["x"])
    assert extra in form.unknown_fields()


def test_unusable_responses_need_no_scores_and_the_others_do():
    form = form_of("rank", RANKED | {"scores": {"a": {"helpfulness": 2}}}, axes=AXES)
    assert sorted(form.errors) == ["scores.b.helpfulness", "scores.c.helpfulness"]


def test_a_reason_is_required_only_where_the_queue_says_so():
    assert list(form_of("rank", RANKED, reason="required").errors) == ["reason"]
    assert checked("rank", RANKED, reason="optional") == RANKED | {"reason": ""}


# --- The best one improved -------------------------------------------------------------------------------------------


def test_unchanged_text_is_no_improvement():
    same = kinds.get("rank").example().responses[0]
    for text in (same, f"  {same}\r\n", "", " \n"):
        assert "improved" not in checked("rank", RANKED | {"improved": {"of": "a", "text": text}}, improve="optional")
        form = form_of("rank", RANKED | {"improved": {"of": "a", "text": text}}, improve="required")
        assert list(form.errors) == ["improved.text"]


def test_an_improvement_is_of_the_best_and_understood_where_only_one_is():
    assert checked("rank", RANKED | {"improved": {"text": "Better."}}, improve="optional")["improved"]["of"] == "a"
    form = form_of("rank", RANKED | {"improved": {"of": "b", "text": "Better."}}, improve="optional")
    assert list(form.errors) == ["improved.of"]
    for winner in ("tie", "both_bad"):
        given = {"winner": winner, "improved": {"of": "b", "text": "Better."}}
        assert checked("compare", given, improve="optional")["improved"]["of"] == "b"
    nothing_best = {"ranks": {}, "unusable": list("abcd"), "improved": {"text": "Better."}}
    assert list(form_of("rank", nothing_best, improve="optional").errors) == ["improved.of"]


def test_a_draft_keeps_what_was_typed_before_there_is_a_best():
    form = form_of("rank", {"improved": {"text": "Half a"}}, improve="optional", reason="required")
    assert not form.is_valid()
    draft = form.payload()
    assert draft["improved"] == {"of": "", "text": "Half a"}
    assert kinds.get("rank").rename(draft, dict(zip("abcd", "dcba", strict=True)))["improved"] == draft["improved"]


@pytest.mark.parametrize(("kind", "payload"), [("rank", FULL), ("compare", FULL | {"winner": "a", "strength": 2})])
def test_an_improvement_is_a_demonstration_and_a_preference_over_what_it_improves(kind, payload):
    way = kinds.get(kind)
    assert list(way.demonstrations(payload)) == ["Speak daily."]
    assert way.written(payload) == {"improved": "Speak daily."}
    last = list(way.comparisons(payload))[-1]
    assert (last.winner, last.loser, last.rank_winner, last.rank_loser) == ("improved", "a", 0, 1)
    assert not list(way.demonstrations(RANKED)) and not way.written(RANKED)


@pytest.mark.parametrize("kind", ["rank", "compare"])
def test_every_name_of_a_response_follows_a_renaming(kind):
    way = kinds.get(kind)
    chosen = {"winner": "a", "strength": 1, "dimensions": {"x": {"winner": "b"}, "y": {"winner": "tie"}}}
    payload = FULL if kind == "rank" else {**FULL, **chosen}
    names = dict(zip("abcd", ["r4", "r3", "r2", "r1"], strict=True))
    there = way.rename(payload, names)
    assert (there["scores"].keys(), there["flags"]) == ({"r4", "r3", "r2"}, {"r2": ["made up"]})
    assert there["improved"]["of"] == "r4"
    if kind == "compare":
        assert there["dimensions"] == {"x": {"winner": "r3"}, "y": {"winner": "tie"}}
    assert way.rename(there, {new: old for old, new in names.items()}) == payload


# --- Compare: levels, dimensions, safety -----------------------------------------------------------------------------


def test_the_row_of_buttons_is_what_the_options_say_and_each_has_its_digit():
    def row(**options):
        return [(one.value, one.digit) for one in sides.steps(options, "", overall=True)]

    three = ["a3", "a2", "a1", "tie", "b1", "b2", "b3"]
    assert row() == [*((one, str(nth)) for nth, one in enumerate(three, 1)), ("both_bad", "")]
    four = ["a3", "a2", "a1", "a0", "b0", "b1", "b2", "b3"]
    forced = {"tie": False, "both_bad": False}
    assert row(levels=4, **forced) == [(one, str(nth)) for nth, one in enumerate(four, 1)]
    assert row(strength=False) == [("a", "1"), ("tie", "3"), ("b", "2"), ("both_bad", "")]
    assert [one.value for one in sides.steps({}, "", overall=False)] == three


def test_four_levels_reach_down_to_nought_and_a_forced_choice_has_no_tie():
    options = {"levels": 4, "tie": False, "both_bad": False}
    assert checked("compare", {"winner": "b", "strength": 0}, **options)["strength"] == 0
    assert posted("compare", "choice=b0", **options).is_valid()
    assert list(form_of("compare", {"winner": "tie"}, **options).errors) == ["winner"]
    assert list(form_of("compare", {"winner": "b", "strength": 0}).errors) == ["strength"]
    (pair,) = kinds.get("compare").comparisons({"winner": "b", "strength": 0})
    assert (pair.winner, pair.strength) == ("b", 0)


def test_dimensions_are_asked_on_the_same_scale_each_of_them():
    options = {"dimensions": ["truth", "style"]}
    whole = {
        "winner": "a",
        "strength": 1,
        "dimensions": {"truth": {"winner": "tie"}, "style": {"winner": "b", "strength": 3}},
    }
    assert checked("compare", whole, **options) == whole | {"comment": ""}
    page = posted("compare", "choice=a1&choice.truth=tie&choice.style=b3", **options)
    assert page.is_valid() and page.payload() == whole | {"comment": ""}
    assert [[step.value for step in one.steps if step.chosen] for one in page.dimensions()] == [["tie"], ["b3"]]
    missing = form_of(
        "compare", {"winner": "a", "strength": 1, "dimensions": {"truth": {"winner": "both_bad"}}}, **options
    )
    assert sorted(missing.errors) == ["dimensions.style.winner", "dimensions.truth.winner"]


def test_only_the_better_one_is_safe_needs_a_better_one():
    assert (
        checked("compare", {"winner": "a", "strength": 1, "safety": "preferred"}, safety=True)["safety"] == "preferred"
    )
    assert checked("compare", {"winner": "both_bad", "safety": "neither"}, safety=True)["safety"] == "neither"
    assert list(form_of("compare", {"winner": "tie", "safety": "preferred"}, safety=True).errors) == ["safety"]
    assert list(form_of("compare", {"winner": "tie"}, safety=True).errors) == ["safety"]


def test_a_comparison_together_is_the_majority_in_every_part():
    votes = [
        {"winner": "a", "strength": 3, "dimensions": {"x": {"winner": "a"}}, "safety": "both"},
        {"winner": "a", "strength": 1, "dimensions": {"x": {"winner": "b"}}, "safety": "both"},
        {"winner": "b", "strength": 2, "dimensions": {"x": {"winner": "tie"}}, "safety": "neither"},
    ]
    assert kinds.get("compare").consensus(votes) == {
        "winner": "a",
        "strength": 1,
        "dimensions": {"x": {"winner": "tie"}},
        "safety": "both",
        "comment": "",
    }


def test_a_choice_submits_at_once_only_where_it_is_all():
    assert posted("compare", "", submit_at_once=True).at_once
    for more in (
        {"safety": True},
        {"axes": AXES},
        {"reason": "optional"},
        {"dimensions": ["x"]},
        {"improve": "optional"},
    ):
        assert not posted("compare", "", submit_at_once=True, **more).at_once


# --- From the database to a file -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_improvement_is_checked_against_the_text_shown_and_reaches_both_files():
    work = factories.a_queue(kind="compare", options=running.checked_options("compare", {"improve": "required"}))
    task = factories.a_task(work, responses=["Canberra.", "Sydney."])
    noor = factories.a_member(work.project)
    place = factories.a_lease(noor, work)
    shown = {
        letter: ["Canberra.", "Sydney."][task.response_ids.index(pk)]
        for letter, pk in zip("ab", place.shown(), strict=True)
    }
    with pytest.raises(ValidationError) as caught:
        labelling.check(place, {"winner": "a", "strength": 1, "improved": {"of": "a", "text": shown["a"]}})
    assert list(caught.value.message_dict) == ["improved.text"]
    payload = labelling.check(place, {"winner": "a", "strength": 1, "improved": {"of": "a", "text": "It is Canberra."}})
    labelling.submit(noor, place, labelling.Answer(payload, place.fence))
    rows = list(streams.rows(work, "preference"))
    pairs = [(row["chosen"][0]["content"], row["rejected"][0]["content"], row["preference_strength"]) for row in rows]
    assert pairs == [(shown["a"], shown["b"], 1.0), ("It is Canberra.", shown["a"], 0.0)]
    assert {row["pairs_in_group"] for row in rows} == {2}
    (taught,) = streams.rows(work, "sft-messages")
    assert taught["messages"][-1]["content"] == "It is Canberra."
    assert exporting.count(work, "preference").rows == 2

"""The kind contract, held by every kind in settings; and what each kind means by its own numbers."""

import itertools

import pytest
from django.template.loader import get_template

from annotate import kinds
from rankings.kinds import orders

ALL = kinds.all_kinds()
each_kind = pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)


def the_form(kind, payload, **options):
    example = kind.example()
    return kind.label_form(kind.label_form.flatten(payload), shown=example.shown(), options=example.options | options)


@each_kind
def test_its_examples_are_valid_and_come_back_as_they_went_in(kind):
    for payload in (kind.example().payload, kind.example().other_payload):
        form = the_form(kind, payload)
        assert form.is_valid(), form.errors
        assert form.payload() == payload
        assert not form.unknown_fields()


@each_kind
def test_an_empty_answer_is_refused_and_makes_an_empty_draft(kind):
    form = the_form(kind, {})
    assert not form.is_valid()
    assert isinstance(form.payload(), dict)


@each_kind
def test_its_example_is_a_task_it_can_show_and_its_template_exists(kind):
    example = kind.example()
    assert list(kind.check_task(example.responses, example.options)) == []
    low, high = kind.responses
    assert low <= len(example.responses) <= high
    problems = list(kind.check_task(["one too many"] * (high + 1), {}))
    assert problems and problems[0].field == "responses"
    assert get_template(kind.template)


@each_kind
def test_its_distance_is_one(kind):
    first, second = kind.example().payload, kind.example().other_payload
    assert kind.distance(first, first) == 0
    assert 0 < kind.distance(first, second) == kind.distance(second, first) <= 1


@each_kind
def test_one_answer_is_its_own_consensus_and_none_have_none(kind):
    payload = kind.example().payload
    assert kind.distance(kind.consensus([payload]), payload) == 0
    assert kind.consensus([]) is None


@each_kind
def test_names_can_be_changed_and_changed_back(kind):
    payload = kind.example().payload
    letters = kinds.letters_for(len(kind.example().responses))
    there = {letter: f"r{nth}" for nth, letter in enumerate(reversed(letters))}
    back = {name: letter for letter, name in there.items()}
    assert kind.rename(kind.rename(payload, there), back) == payload


@each_kind
def test_it_gives_a_trainer_something(kind):
    example = kind.example()
    payload, texts = example.payload, example.shown().texts
    gives = [kind.demonstrations, kind.comparisons, kind.verdicts, kind.ratings]
    assert any(list(method(payload)) for method in gives) or list(kind.steps(payload, texts))


@each_kind
def test_its_options_have_a_sentence_on_work_already_done(kind):
    assert all(field.help_text for field in kind.options_form().fields.values())


def ranking(ranks, unusable=()):
    return {"ranks": ranks, "unusable": list(unusable), "comment": ""}


def test_rank_gives_every_pair_once_ties_marked_and_unusable_left_out():
    rank = kinds.get("rank")
    pairs = list(rank.comparisons(ranking({"a": 2, "b": 1, "c": 2}, ["d"])))
    assert [(one.winner, one.loser, one.tie, one.rank_winner, one.rank_loser) for one in pairs] == [
        ("b", "a", False, 1, 2),
        ("b", "c", False, 1, 2),
        ("a", "c", True, 2, 2),
    ]


def test_rank_closes_gaps_in_the_places():
    form = the_form(kinds.get("rank"), ranking({"a": 4, "b": 2, "c": 4, "d": 1}))
    assert form.is_valid()
    assert form.payload()["ranks"] == {"a": 3, "b": 2, "c": 3, "d": 1}


def test_rank_without_ties_or_unusable_refuses_them():
    rank = kinds.get("rank")
    assert not the_form(rank, ranking({"a": 1, "b": 1, "c": 2, "d": 3}), ties=False).is_valid()
    form = the_form(rank, ranking({"a": 1, "b": 2, "c": 3}, ["d"]), unusable=False)
    assert "ranks.d" in form.errors and form.unknown_fields() == ["unusable"]


def test_rank_distance_is_the_share_of_pairs_turned_round():
    rank = kinds.get("rank")
    straight = ranking({"a": 1, "b": 2, "c": 3})
    assert rank.distance(straight, ranking({"a": 3, "b": 2, "c": 1})) == 1
    assert rank.distance(straight, ranking({"a": 1, "b": 3, "c": 2})) == pytest.approx(1 / 3)
    assert rank.distance(straight, ranking({"a": 1, "b": 1, "c": 2})) == pytest.approx(1 / 6)
    assert rank.distance(straight, ranking({"a": 1, "b": 2}, ["c"])) == 0


def test_rank_consensus_is_the_mean_place_and_keeps_ties():
    rank = kinds.get("rank")
    votes = [ranking({"a": 1, "b": 2, "c": 3}), ranking({"a": 2, "b": 1, "c": 3})]
    assert rank.consensus(votes) == ranking({"a": 1, "b": 1, "c": 2})


@pytest.mark.parametrize(
    ("one", "other", "far"),
    [("a", "b", 1), ("a", "tie", 0.5), ("a", "both_bad", 0.5), ("tie", "both_bad", 0.25), ("b", "b", 0)],
)
def test_compare_distances(one, other, far):
    compare = kinds.get("compare")
    assert compare.distance({"winner": one}, {"winner": other}) == far


def test_compare_consensus_needs_a_majority():
    compare = kinds.get("compare")
    votes = [{"winner": "a"}, {"winner": "a"}, {"winner": "b"}]
    assert compare.consensus(votes) == {"winner": "a", "comment": ""}
    assert compare.consensus(votes[1:]) == {"winner": "tie", "comment": ""}


def test_compare_asks_a_strength_only_of_a_winner():
    compare = kinds.get("compare")
    assert "strength" in the_form(compare, {"winner": "a"}).errors
    assert the_form(compare, {"winner": "a"}, strength=False).is_valid()
    tie = the_form(compare, {"winner": "tie", "strength": 2})
    assert tie.is_valid() and "strength" not in tie.payload()
    assert "winner" in the_form(compare, {"winner": "tie"}, tie=False).errors
    assert "winner" in the_form(compare, {"winner": "both_bad"}, both_bad=False).errors


def test_both_bad_orders_nothing():
    compare = kinds.get("compare")
    assert list(compare.comparisons({"winner": "both_bad"})) == []
    assert [one.tie for one in compare.comparisons({"winner": "tie"})] == [True]


def test_write_keeps_to_the_asked_length_and_to_the_text():
    write = kinds.get("write")
    text = "  Two words \n"
    whole = the_form(write, {"text": text})
    assert whole.is_valid() and whole.payload()["text"] == text
    form = the_form(write, {"text": text}, min_words=3)
    assert not form.is_valid() and form.payload()["text"] == text
    assert not the_form(write, {"text": text}, max_words=1).is_valid()
    assert not the_form(write, {"text": " \n"}).is_valid()


@pytest.mark.parametrize("name", ["write", "edit"])
def test_texts_are_as_far_apart_as_their_words_in_common_say(name):
    kind = kinds.get(name)
    assert kind.distance({"text": "the cat sat"}, {"text": "the  cat\nsat"}) == 0
    assert kind.distance({"text": "the cat sat"}, {"text": "the dog sat down"}) == pytest.approx(1 - 2 * 2 / 7)
    assert kind.distance({"text": "b c a"}, {"text": "a b c"}) == pytest.approx(1 / 3)
    assert kind.distance({"text": ""}, {"text": "a"}) == 1
    # Words again and again: where comparing takes time as the third power of the length, this never ends.
    assert kind.distance({"text": "a " * 20_000}, {"text": "a b " * 10_000}) == pytest.approx(0.5)


def test_orders_agree_with_counting_by_hand():
    places = {"a": 1, "b": 1, "c": 2}
    for other in itertools.product((1, 2, 3), repeat=3):
        named = dict(zip("abc", other, strict=True))
        by_hand = 0.0
        for left, right in itertools.combinations("abc", 2):
            mine = (places[left] > places[right]) - (places[left] < places[right])
            theirs = (named[left] > named[right]) - (named[left] < named[right])
            by_hand += 0 if mine == theirs else (1 if mine * theirs < 0 else 0.5)
        assert orders.distance(places, named) == pytest.approx(by_hand / 3)


def test_a_mean_order_is_written_the_same_in_every_process():
    rankings = [{name: place for place, name in enumerate(some)} for some in ("hgfedcba", "abcdefgh")]
    assert list(orders.mean_order(rankings)) == list("abcdefgh")

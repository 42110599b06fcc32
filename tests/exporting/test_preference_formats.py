"""What the formats of pairs and of whole rankings write, on payloads alone."""

import pyarrow as pa
import pytest
from msgspec.structs import replace

from annotate import exporting
from annotate.exporting.base import Counts
from annotate.exporting.texts import as_dialogue, as_text
from tests.exporting.labels import TALK, a_label, a_prompt, asked, configured, ranking, rows_of, said

# --- Preferences ---------------------------------------------------------------------------------------------------


def test_every_ordered_pair_of_a_ranking_is_a_row_and_the_group_weighs_one():
    counts = Counts()
    label = a_label(payload=ranking({"a": 2, "b": 1, "c": 2}, ["d"]), texts=["A", "B", "C", "D"])
    rows = rows_of(exporting.get("preference"), label, counts)
    assert [(row["chosen"], row["rejected"]) for row in rows] == [(said("B"), said("A")), (said("B"), said("C"))]
    assert sum(row["pair_weight"] for row in rows) == 1
    assert rows[0] == {
        "prompt": asked("Why?"),
        "chosen": said("B"),
        "rejected": said("A"),
        "prompt_id": "p-1",
        "group_id": "7",
        "rank_chosen": 1,
        "rank_rejected": 2,
        "pairs_in_group": 2,
        "pair_weight": 0.5,
        "preference_strength": 0.0,
        "raters": 1,
        "soft_label": 1.0,
        "agreement": 1.0,
    }
    assert (counts.ties_dropped, counts.identical_dropped) == (1, 0)


def test_two_equal_texts_are_no_pair():
    counts = Counts()
    label = a_label(payload=ranking({"a": 1, "b": 2, "c": 3}), texts=["same", "same", "other"])
    rows = rows_of(exporting.get("preference-text"), label, counts)
    assert [(row["chosen"], row["rejected"], row["pair_weight"]) for row in rows] == [("same", "other", 0.5)] * 2
    assert (counts.ties_dropped, counts.identical_dropped) == (0, 1)


@pytest.mark.parametrize(
    ("winner", "rows", "ties"), [("a", [("A", "B")], 0), ("b", [("B", "A")], 0), ("tie", [], 1), ("both_bad", [], 0)]
)
def test_a_comparison_is_one_pair_or_none(winner, rows, ties):
    counts = Counts()
    label = a_label("compare", {"winner": winner, "strength": 3, "comment": ""}, ["A", "B"])
    found = rows_of(exporting.get("preference-text"), label, counts)
    assert [(row["chosen"], row["rejected"]) for row in found] == rows
    assert counts.ties_dropped == ties
    assert all(row["preference_strength"] == 3.0 for row in found)


ORDER = {"a": 1, "b": 2, "c": 2, "d": 3}


@pytest.mark.parametrize(
    ("which", "pairs"),
    [
        ("all", ["AB", "AC", "AD", "BD", "CD"]),
        ("best-rest", ["AB", "AC", "AD"]),
        ("best-worst", ["AD"]),
        ("adjacent", ["AB", "AC", "BD", "CD"]),
    ],
)
@pytest.mark.parametrize("improved", [False, True])
def test_which_pairs_of_a_ranking(which, pairs, improved):
    more = {"improved": {"of": "a", "text": "A+"}} if improved else {}
    label = a_label(payload=ranking(ORDER) | more, texts=["A", "B", "C", "D"])
    rows = rows_of(configured("preference-text", pairs=which), label)
    assert [row["chosen"] + row["rejected"] for row in rows] == pairs + ["A+A"] * improved
    assert {row["pairs_in_group"] for row in rows} == {len(rows)}
    assert sum(row["pair_weight"] for row in rows) == pytest.approx(1)


@pytest.mark.parametrize(
    ("which", "pairs"),
    [
        ("all", ["AB", "AC", "AD", "BC", "BD", "CD"]),
        ("best-rest", ["AB", "AC", "AD", "BC", "BD"]),
        ("best-worst", ["AD"]),
        ("adjacent", ["AB", "AC", "BC", "CD"]),
    ],
)
def test_ties_are_dropped_or_kept_once_with_a_soft_label_of_one_half(which, pairs):
    label = a_label(payload=ranking({"a": 1, "b": 1, "c": 2, "d": 3}), texts=["A", "B", "C", "D"])
    half, drop, counts = configured("preference-text", pairs=which, ties="half"), Counts(), Counts()
    rows = rows_of(half, label, counts)
    assert [row["chosen"] + row["rejected"] for row in rows] == pairs
    assert [row["soft_label"] for row in rows] == [0.5 if pair == "AB" else 1.0 for pair in pairs]
    assert all((row["rank_chosen"] == row["rank_rejected"]) == (row["soft_label"] == 0.5) for row in rows)
    rows_of(configured("preference-text", pairs=which), label, drop)
    assert (counts.ties_dropped, drop.ties_dropped) == (0, "AB" in pairs)


def test_a_margin_is_there_only_on_request_and_in_every_row():
    label = a_label("compare", {"winner": "b", "strength": 3, "comment": ""}, ["A", "B"])
    for name in ("preference", "preference-implicit", "preference-text", "preference-hh", "preference-llama-factory"):
        (row,) = rows_of(configured(name, margin=True), label)
        assert row["margin"] == row["preference_strength"] == 3.0
        assert "margin" not in exporting.get(name).schema.names
    (row,) = rows_of(configured("preference", margin=True), a_label("edit"))
    assert row["margin"] == 0.0


def test_a_text_that_stands_twice_gives_no_pair_in_both_directions():
    counts = Counts()
    label = a_label(payload=ranking({"a": 1, "b": 2, "c": 3}), texts=["same", "other", "same"])
    assert rows_of(exporting.get("preference-text"), label, counts) == []
    assert counts.identical_dropped == 3


def test_what_several_say_is_a_soft_label_and_their_agreement():
    votes = [{"winner": one, "comment": ""} for one in ("a", "a", "b", "tie", "both_bad")]
    label = a_label("compare", {"winner": "a", "comment": ""}, ["A", "B"], votes=votes)
    (row,) = rows_of(exporting.get("preference"), label)
    assert (row["group_id"], row["raters"], row["soft_label"]) == ("task-3", 5, 0.6)  # (2 + 1/2 + 1/2) of 5
    apart = [0, 1, 0.5, 0.5, 1, 0.5, 0.5, 0.5, 0.5, 0.25]
    assert row["agreement"] == pytest.approx(1 - sum(apart) / len(apart))
    (alone,) = rows_of(exporting.get("preference"), replace(label, votes=tuple(votes[:1]), raters=1, agreement=1.0))
    assert (alone["raters"], alone["soft_label"], alone["agreement"]) == (1, 1.0, 1.0)


SYSTEM = {"role": "system", "content": "Be brief"}


def test_llama_factory_gets_one_object_each_and_an_odd_number_of_turns():
    label = a_label("compare", {"winner": "b", "comment": ""}, ["A", "B"], a_prompt(system="Be brief", messages=TALK))
    (row,) = rows_of(exporting.get("preference-llama-factory"), label)
    assert (row["chosen"], row["rejected"]) == ({"from": "gpt", "value": "B"}, {"from": "gpt", "value": "A"})
    assert [one["from"] for one in row["conversations"]] == ["system", "human", "gpt", "human"]


def test_hh_is_a_dialogue_with_the_system_text_in_the_first_turn():
    label = a_label("compare", {"winner": "b", "comment": ""}, ["A", "B"], a_prompt(system="Be brief", messages=TALK))
    (row,) = rows_of(exporting.get("preference-hh"), label)
    before = "\n\nHuman: Be brief\n\nHello\n\nAssistant: Hi\n\nHuman: Why?\n\nAssistant:"
    assert (row["chosen"], row["rejected"]) == (f"{before} B", f"{before} A")
    assert as_dialogue(asked("Why?")) == "\n\nHuman: Why?\n\nAssistant:"


def test_openai_gets_its_own_keys_and_no_other():
    label = a_label("compare", {"winner": "b", "comment": ""}, ["A", "B"], a_prompt(system="Be brief"))
    assert rows_of(exporting.get("preference-openai"), label) == [
        {
            "input": {"messages": [SYSTEM, *asked("Why?")], "tools": [], "parallel_tool_calls": True},
            "preferred_output": said("B"),
            "non_preferred_output": said("A"),
        }
    ]


@pytest.mark.parametrize(("winner", "strength", "number"), [("a", 3, -3), ("b", 2, 2), ("b", 0, 1)])
def test_helpsteer3_is_negative_for_the_first(winner, strength, number):
    form = exporting.get("preference-helpsteer3")
    (row,) = rows_of(form, a_label("compare", {"winner": winner, "strength": strength, "comment": ""}, ["A", "B"]))
    assert (row["response1"], row["response2"], row["overall_preference"]) == ("A", "B", number)
    for unsaid in ({"winner": "tie", "comment": ""}, {"winner": "a", "comment": ""}):
        assert rows_of(form, a_label("compare", unsaid, ["A", "B"])) == []


def test_an_implicit_prompt_is_in_both_conversations():
    label = a_label(payload=ranking({"a": 1, "b": 2}), texts=["A", "B"], prompt=a_prompt(system="S"))
    (row,) = rows_of(exporting.get("preference-implicit"), label)
    before = [{"role": "system", "content": "S"}, *asked("Why?")]
    assert (row["chosen"], row["rejected"]) == ([*before, *said("A")], [*before, *said("B")])
    assert "prompt" not in row


def test_a_plain_prompt_ends_with_a_newline_and_names_its_turns_where_there_are_several():
    assert as_text(asked("Why?")) == "Why?\n"
    assert as_text(TALK) == "User: Hello\n\nAssistant: Hi\n\nUser: Why?\n\nAssistant:\n"


# --- Lists ---------------------------------------------------------------------------------------------------------

LIST = ranking({"a": 2, "b": 1, "c": 2}, ["d"])


def test_lists_keep_ties_and_leave_out_what_is_unusable():
    label = a_label(payload=LIST, texts=["A", "B", "C", "D"])
    (row,) = rows_of(exporting.get("listwise-nectar"), label)
    assert row["prompt"] == "\n\nHuman: Why?\n\nAssistant: "
    assert [(one["answer"], one["rank"], one["model"], one["id"]) for one in row["answers"]] == [
        ("B", 1, "m", "r-b"),
        ("A", 2, "m", "r-a"),
        ("C", 2, "m", "r-c"),
    ]
    assert rows_of(exporting.get("listwise-nemo-rl"), label) == [
        {
            "context": asked("Why?"),
            "completions": [{"rank": rank, "completion": said(text)} for text, rank in (("B", 1), ("A", 2), ("C", 2))],
        }
    ]


def test_a_list_without_any_order_is_none_and_an_improved_text_is_its_first():
    counts = Counts()
    form = exporting.get("listwise-nemo-rl")
    assert rows_of(form, a_label(payload=ranking({"a": 1, "b": 1}), texts=["A", "B"]), counts) == []
    assert rows_of(form, a_label(payload=ranking({}, ["a", "b"]), texts=["A", "B"]), counts) == []
    assert counts.ties_dropped == 1
    improved = ranking({"a": 1, "b": 1}) | {"improved": {"of": "b", "text": "B+"}}
    (row,) = rows_of(form, a_label(payload=improved, texts=["A", "B"]))
    assert [(one["rank"], one["completion"]) for one in row["completions"]] == [
        (1, said("B+")),
        (2, said("A")),
        (2, said("B")),
    ]


def chain(tree):
    """The messages of a tree down to the ranked ones, and those."""
    found = [tree]
    while len(found[-1]["replies"]) == 1:
        found += found[-1]["replies"]
    return found, found[-1]["replies"]


@pytest.mark.parametrize("turns", [1, 3, 7, 9])
def test_a_tree_has_the_conversation_above_its_ranked_replies(turns):
    talk = [*asked("Q"), *said("R")] * (turns // 2) + asked("Why?")
    label = a_label(payload=LIST, texts=["A", "B", "C", "D"], prompt=a_prompt(system="S", messages=talk))
    form = configured("listwise-oasst", earlier="messages")
    (row,) = rows_of(form, label)
    above, replies = chain(row["prompt"])
    assert row["message_tree_id"] == above[0]["message_id"] == "7"
    assert [one["role"] for one in above] == (["prompter", "assistant"] * 4)[: min(turns, 7)]
    assert above[-1]["text"] == ("S\n\nWhy?" if turns == 1 else "Why?") and above[0]["text"].startswith("S\n\n")
    assert [one["parent_id"] for one in above] == ["", *(one["message_id"] for one in above[:-1])]
    assert [(one["text"], one["rank"], one["model_name"]) for one in replies] == [
        ("B", 0, "m"),
        ("A", 1, "m"),
        ("C", 1, "m"),
    ]
    assert {one["parent_id"] for one in replies} == {above[-1]["message_id"]}
    table = pa.Table.from_pylist([row], form.schema)
    assert table.to_pylist() == [row]
    (flat,) = rows_of(exporting.get("listwise-oasst"), label)
    assert flat["prompt"]["text"] == "\n\n".join(["S", *["Q", "R"] * (turns // 2), "Why?"])
    assert [one["text"] for one in flat["prompt"]["replies"]] == ["B", "A", "C"]

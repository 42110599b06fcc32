"""The contract of a format, held by every one in settings; and what each writes, on payloads alone."""

import itertools
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from annotate import exporting, kinds
from annotate.exporting.base import Counts, LabelFacts, Labelled, PromptFacts, ResponseFacts
from annotate.models.prompts import turns_of
from rankings import formats as preferences

#: Columns that TRL's trainers make themselves.
TRLS_OWN = {"input_ids", "attention_mask", "labels", "completion_mask", "assistant_masks", "seq_lengths", "images"}
TRLS_OWN |= {"chosen_ids", "rejected_ids", "prompt_ids", "completion_ids", "image", "margin"}

PAIRS = [
    pytest.param(form, kind, id=f"{form.name}-{kind.name}") for form in exporting.formats() for kind in form.kinds()
]


def a_prompt(instruction="Why?", more="", system="", messages=None):
    turns = turns_of(instruction, more, system, messages)
    text = json.dumps(messages) if messages else ""
    return PromptFacts(turns, "p-1", "" if messages else instruction, more, system, text, external_id="p-1")


def a_label(kind="rank", payload=None, texts=None, prompt=None):
    """A label as the reader gives it; the kind's example unless more is said."""
    way = kinds.get(kind)
    texts = list(way.example().responses) if texts is None else texts
    responses = {
        letter: ResponseFacts(text, {"role": "assistant", "content": text}, f"r-{letter}", model="m")
        for letter, text in zip(kinds.letters_for(len(texts)), texts, strict=True)
    }
    payload = payload or way.example().payload
    written = {name: ResponseFacts(text, *said(text)) for name, text in way.written(payload).items()}
    return Labelled(7, way, payload, prompt or a_prompt(), responses, LabelFacts(task_id="3"), written)


#: What these kinds give a format only where a queue asks for it.
MORE = {
    "improved": {"of": "a", "text": "A better text."},
    "scores": {"a": {"overall": 4}},
    "scales": {"overall": [1, 5]},
}


def a_full_label(kind):
    """The kind's example; of a ranking and a comparison, with all that can be asked besides."""
    more = MORE if kind in ("rank", "compare") else {}
    return a_label(kind, kinds.get(kind).example().payload | more)


def rows_of(form, label, counts=None):
    """The rows of one label, as dictionaries."""
    counts = counts or Counts()
    return [dict(zip(form.schema.names, form.row(label, pick), strict=True)) for pick in form.picks(label, counts)]


def ranking(ranks, unusable=()):
    return {"ranks": ranks, "unusable": list(unusable), "comment": ""}


def said(text):
    return [{"role": "assistant", "content": text}]


def asked(text):
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize(("form", "kind"), PAIRS)
def test_a_label_of_every_kind_that_gives_it_makes_rows_of_its_schema(form, kind, tmp_path):
    label = a_full_label(kind.name)
    rows = [form.row(label, pick) for pick in form.picks(label, Counts())]
    assert rows
    lines = b"".join(exporting.CONTAINERS["jsonl"].write(rows, form.schema)).splitlines()
    as_json = [json.loads(line) for line in lines]
    file = tmp_path / "file.parquet"
    file.write_bytes(b"".join(exporting.CONTAINERS["parquet"].write(rows, form.schema)))
    table = pq.read_table(file)
    assert table.schema.equals(form.schema)
    assert table.to_pylist() == as_json == rows_of(form, label)
    assert pa.Table.from_pylist(as_json, form.schema).equals(table)
    assert "null" not in str(as_json) and None not in itertools.chain.from_iterable(rows)
    assert all(type(one[name]) is type(two[name]) for one, two in itertools.pairwise(as_json) for name in one)


@pytest.mark.parametrize("form", exporting.formats(), ids=lambda form: form.name)
def test_its_columns_get_in_no_trainers_way(form):
    own = TRLS_OWN - ({"labels"} if form.name == "stepwise" else set())  # what its step trainer asks for
    assert not own & set(form.schema.names)
    assert {"tool_calls", "name"}.isdisjoint(form.schema.names)


@pytest.mark.parametrize("form", exporting.formats(), ids=lambda form: form.name)
def test_the_docs_tell_of_it_and_of_who_reads_it(form):
    docs = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
    (line,) = [line for line in docs.splitlines() if line.startswith(f"| `{form.name}` |")]
    assert all(trainer in line for trainer in form.trainers)


def test_which_kinds_give_which_format_follows_from_what_the_kind_gives():
    by_kind = {kind.name: {form.name for form in exporting.for_kind(kind)} for kind in kinds.all_kinds()}
    demonstrations = {"sft-messages", "sft-prompt-completion", "alpaca"}
    preferences = {"preference", "preference-implicit", "preference-text"}
    assert by_kind["write"] == demonstrations | {"raw"}
    assert by_kind["edit"] == demonstrations | preferences | {"edits", "raw"}
    assert by_kind["rank"] == by_kind["compare"] == demonstrations | preferences | {"edits", "ratings", "raw"}
    assert by_kind["rate"] == by_kind["criteria"] == {"ratings", "raw"}
    assert (by_kind["thumbs"], by_kind["steps"]) == ({"unpaired", "raw"}, {"stepwise", "raw"})
    assert [kind.name for kind in exporting.get("unpaired").kinds()] == ["thumbs"]
    with pytest.raises(KeyError):
        exporting.get("nothing")


# --- Demonstrations ------------------------------------------------------------------------------------------------

WRITTEN = {"text": "Because.", "comment": "not for trainers"}
TALK = [*asked("Hello"), *said("Hi"), *asked("Why?")]


def test_sft_messages_are_the_conversation_and_nothing_else():
    label = a_label("write", WRITTEN, [], a_prompt("Sum up", "a text", system="Be brief"))
    assert rows_of(exporting.get("sft-messages"), label) == [
        {"messages": [{"role": "system", "content": "Be brief"}, *asked("Sum up\n\na text"), *said("Because.")]}
    ]


def test_sft_prompt_and_completion_stand_apart():
    label = a_label("write", WRITTEN, [], a_prompt(messages=TALK))
    row = {"prompt": TALK, "completion": said("Because."), "prompt_id": "p-1"}
    assert rows_of(exporting.get("sft-prompt-completion"), label) == [row]


def test_alpaca_keeps_instruction_and_input_apart_and_says_empty_not_null():
    label = a_label("write", WRITTEN, [], a_prompt("Sum up", "a text"))
    row = {"instruction": "Sum up", "input": "a text", "output": "Because.", "system": "", "history": []}
    assert rows_of(exporting.get("alpaca"), label) == [row]


def test_alpaca_writes_a_conversation_as_history_and_the_last_question():
    label = a_label("write", WRITTEN, [], a_prompt(system="Be brief", messages=TALK))
    (row,) = rows_of(exporting.get("alpaca"), label)
    assert (row["system"], row["history"], row["instruction"]) == ("Be brief", [["Hello", "Hi"]], "Why?")


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


def test_an_implicit_prompt_is_in_both_conversations():
    label = a_label(payload=ranking({"a": 1, "b": 2}), texts=["A", "B"], prompt=a_prompt(system="S"))
    (row,) = rows_of(exporting.get("preference-implicit"), label)
    before = [{"role": "system", "content": "S"}, *asked("Why?")]
    assert (row["chosen"], row["rejected"]) == ([*before, *said("A")], [*before, *said("B")])
    assert "prompt" not in row


def test_a_plain_prompt_ends_with_a_newline_and_names_its_turns_where_there_are_several():
    assert preferences.as_text(asked("Why?")) == "Why?\n"
    assert preferences.as_text(TALK) == "User: Hello\n\nAssistant: Hi\n\nUser: Why?\n\nAssistant:\n"


# --- Judged by themselves ------------------------------------------------------------------------------------------


def test_a_verdict_is_a_row_with_a_real_boolean():
    thumbs = {"thumbs": {"a": True, "b": False}, "comment": ""}
    rows = rows_of(exporting.get("unpaired"), a_label("thumbs", thumbs, ["A", "B"]))
    assert [(row["completion"], row["label"]) for row in rows] == [(said("A"), True), (said("B"), False)]
    assert all(type(row["label"]) is bool and row["prompt"] == asked("Why?") for row in rows)


STEPS = {"steps": [1, 0, -1], "split": "paragraphs", "comment": ""}


@pytest.mark.parametrize(("neither", "labels"), [("right", [True, True, False]), ("wrong", [True, False, False])])
def test_steps_are_lists_of_texts_and_booleans_and_neither_is_what_one_says(neither, labels):
    form = exporting.get("stepwise").configured({"neither": neither})
    (row,) = rows_of(form, a_label("steps", STEPS, ["One.\n\nTwo.\n\nThree.\n\nFour."]))
    assert row["completions"] == ["One.", "Two.", "Three."]  # nobody judged the fourth
    assert (row["prompt"], row["labels"]) == ("Why?\n", labels)
    assert all(type(one) is bool for one in row["labels"])
    assert form is not exporting.get("stepwise")  # which stays as it is


def test_ratings_are_a_row_for_each_response_with_its_scores_and_flags():
    payload = {"scores": {"b": {"help": 0, "truth": 4}, "a": {"help": 3, "truth": 1}}, "flags": {"b": ["rude"]}}
    first, second = rows_of(exporting.get("ratings"), a_label("rate", payload, ["A", "B"]))
    assert (first["response"], first["flags"], first["rubric"]) == (said("A"), [], [])
    assert first["scores"] == [{"axis": "help", "score": 3}, {"axis": "truth", "score": 1}]
    assert (second["response"], second["flags"]) == (said("B"), ["rude"])


def test_criteria_give_the_share_of_points_and_the_checklist_with_its_verdicts():
    first, second = rows_of(exporting.get("ratings"), a_label("criteria"))
    assert first["scores"] == [{"axis": "criteria", "score": 75}]  # 3 of 1 + 3
    assert second["scores"] == [{"axis": "criteria", "score": 0}]  # 1 - 2, not below 0
    assert first["rubric"][1] == {"criterion": "Names Canberra", "weight": 3.0, "verdict": "yes"}


# --- Edits ---------------------------------------------------------------------------------------------------------


def test_an_edit_is_the_text_before_and_after_and_the_words_between():
    label = a_label("edit", {"text": "One small step.", "unchanged": False, "comment": ""}, ["One step."])
    (row,) = rows_of(exporting.get("edits"), label)
    assert (row["original"], row["edited"]) == (said("One step."), said("One small step."))
    kept = "".join(one["text"] for one in row["diff"] if one["how"] != "removed")
    assert kept == "One small step." and {"how": "added", "text": "small "} in row["diff"]
    (pair,) = rows_of(exporting.get("preference"), label)
    assert (pair["chosen"], pair["rejected"]) == (said("One small step."), said("One step."))


def test_nothing_to_improve_is_a_demonstration_and_no_edit():
    label = a_label("edit", {"text": "Good.", "unchanged": True, "comment": ""}, ["Good."])
    assert rows_of(exporting.get("edits"), label) == rows_of(exporting.get("preference"), label) == []
    (row,) = rows_of(exporting.get("sft-messages"), label)
    assert row["messages"][-1:] == said("Good.")


def test_an_improved_response_of_a_ranking_is_an_edit_too():
    (row,) = rows_of(exporting.get("edits"), a_full_label("rank"))
    assert row["edited"] == said("A better text.")


# --- Raw -----------------------------------------------------------------------------------------------------------


def test_raw_gives_the_answer_in_letters_and_by_the_responses_own_names():
    label = a_label(payload=ranking({"a": 1, "b": 1, "c": 2}, ["d"]), texts=["A", "B", "C", "D"])
    (row,) = rows_of(exporting.get("raw"), label)
    assert json.loads(row["payload"]) == label.payload
    assert json.loads(row["payload_by_response"]) == ranking({"r-a": 1, "r-b": 1, "r-c": 2}, ["r-d"])
    assert [(one["letter"], one["response_id"], one["text"]) for one in row["responses"]] == [
        ("a", "r-a", "A"),
        ("b", "r-b", "B"),
        ("c", "r-c", "C"),
        ("d", "r-d", "D"),
    ]


# --- Containers ----------------------------------------------------------------------------------------------------

NUMBERS = pa.schema([("n", pa.int64()), ("text", pa.string())])


def test_a_parquet_file_comes_in_pieces_while_it_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(exporting.containers, "ROW_GROUP_ROWS", 1_000)
    taken = []

    def rows():
        for n in range(10_000):
            taken.append(n)
            yield n, f"text {n}"

    pieces = exporting.CONTAINERS["parquet"].write(rows(), NUMBERS)
    assert next(pieces) == b"PAR1" and not taken
    file = tmp_path / "file.parquet"
    with file.open("wb") as out:
        out.write(b"PAR1" + next(pieces))
        assert len(taken) <= 2_500
        out.writelines(pieces)
    found = pq.ParquetFile(file)
    assert (found.num_row_groups, found.metadata.num_rows) == (10, 10_000)
    assert found.read().column("n").to_pylist() == list(range(10_000))


def test_a_stream_cut_short_is_no_valid_file(tmp_path):
    def broken():
        yield from ((n, "") for n in range(600))
        raise ConnectionError

    pieces = exporting.CONTAINERS["parquet"].write(broken(), NUMBERS)
    file = tmp_path / "file.parquet"
    with pytest.raises(ConnectionError), file.open("wb") as out:
        out.writelines(pieces)
    with pytest.raises(pa.ArrowInvalid):
        pq.read_table(file)


def test_a_row_that_lacks_a_column_is_refused_in_both_containers():
    for container in exporting.CONTAINERS.values():
        with pytest.raises((TypeError, ValueError)):
            b"".join(container.write([(1,)], NUMBERS))

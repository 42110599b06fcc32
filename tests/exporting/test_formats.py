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
    return Labelled(7, way, payload or way.example().payload, prompt or a_prompt(), responses, LabelFacts(task_id="3"))


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
    label = a_label(kind.name)
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
    assert not TRLS_OWN & set(form.schema.names)
    assert {"tool_calls", "name"}.isdisjoint(form.schema.names)


@pytest.mark.parametrize("form", exporting.formats(), ids=lambda form: form.name)
def test_the_docs_tell_of_it_and_of_who_reads_it(form):
    docs = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
    (line,) = [line for line in docs.splitlines() if line.startswith(f"| `{form.name}` |")]
    assert all(trainer in line for trainer in form.trainers)


def test_which_kinds_give_which_format_follows_from_what_the_kind_gives():
    by_kind = {
        kind: {form.name for form in exporting.for_kind(kinds.get(kind))} for kind in ("write", "rank", "compare")
    }
    assert by_kind["write"] == {"sft-messages", "sft-prompt-completion", "alpaca", "raw"}
    assert by_kind["rank"] == by_kind["compare"] == {"preference", "preference-implicit", "preference-text", "raw"}
    assert [kind.name for kind in exporting.get("sft-messages").kinds()] == ["write"]
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

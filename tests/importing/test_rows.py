"""Rows: which are taken, and why the others are not, by field and in words."""

import json

import pytest

from annotate.importing import limits, rows
from annotate.importing.problems import Refused
from annotate.importing.shapes import SHAPES, shape_of

USER, ASSISTANT = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
SYSTEM = {"role": "system", "content": "s"}


def read(row, shape="native"):
    data = row if isinstance(row, bytes) else json.dumps(row).encode()
    (row,) = rows.read(data, SHAPES[shape].turn)
    return row


def refusal(row, shape="native"):
    with pytest.raises(Refused) as caught:
        read(row, shape)
    return caught.value.problem.field, caught.value.problem.reason


def test_a_whole_native_row():
    row = read(
        {
            "external_id": "p-17",
            "instruction": "Summarize.",
            "input": "Text",
            "system": "Be brief.",
            "responses": [{"text": "A", "model": "m-1", "external_id": "r-1", "params": {"t": 0.5}}, {"text": ""}],
            "category": "summarization",
            "domain": "news",
            "difficulty": "hard",
            "language": "en",
            "tags": ["batch-3"],
            "source": "somewhere",
            "meta": {"a": [1, None]},
            "gold": {"winner": "a"},
            "priority": -3,
        }
    )
    assert (row.external_id, row.instruction, row.input, row.system) == ("p-17", "Summarize.", "Text", "Be brief.")
    assert [(one.text, one.model, one.params) for one in row.responses] == [("A", "m-1", {"t": 0.5}), ("", "", {})]
    assert (row.category, row.domain, row.difficulty, row.language) == ("summarization", "news", "hard", "en")
    assert (row.tags, row.source, row.meta) == (["batch-3"], "somewhere", {"a": [1, None]})
    assert (row.gold, row.priority) == ({"winner": "a"}, -3)


def test_the_system_turn_of_messages_is_the_system_text():
    row = read({"messages": [SYSTEM, USER, ASSISTANT, USER]})
    assert row.system == "s"
    assert [one.role for one in row.messages] == ["user", "assistant", "user"]


def test_null_means_left_out():
    row = read(
        {
            "instruction": "a",
            "input": None,
            "tags": None,
            "messages": None,
            "responses": [{"text": "x", "model": None}],
            "priority": 2.0,
        }
    )
    assert (row.input, row.tags, row.messages, row.priority) == ("", [], None, 2)
    assert read({"messages": [USER | {"name": None}]}).messages[0].content == "q"


REFUSED = [
    # types, and keys that nobody knows
    ({"instruction": 5}, "instruction", "must be text, not a whole number"),
    ({"instruction": ["a"]}, "instruction", "must be text, not a list"),
    ({"instruction": "a", "promt": "b"}, "promt", "is not a key we know"),
    ({"instruction": "a", "responses": "b"}, "responses", "must be a list, not text"),
    ({"instruction": "a", "responses": [{"text": "b", "score": 1}]}, "responses[0].score", "is not a key we know"),
    ({"instruction": "a", "responses": [{"text": "b"}, {}]}, "responses[1].text", "is missing"),
    ({"instruction": "a", "responses": ["b"]}, "responses[0]", "must be an object, not text"),
    ({"instruction": "a", "tags": "b"}, "tags", "must be a list, not text"),
    ({"instruction": "a", "tags": [1]}, "tags[0]", "must be text, not a whole number"),
    ({"instruction": "a", "meta": []}, "meta", "must be an object, not a list"),
    ({"instruction": "a", "check": "gold"}, "check", "stands without gold"),
    ({"instruction": "a", "gold": {}, "check": "silver"}, "check", "must be gold, screen or attention"),
    ({"instruction": "a", "gold": "x"}, "gold", "must be an object, not text"),
    ({"instruction": "a", "priority": "high"}, "priority", "must be a whole number, not text"),
    ({"instruction": "a", "priority": 1.5}, "priority", "must be a whole number, not a number"),
    ({"instruction": "a", "priority": 40_000}, "priority", "from -32768 to 32767"),
    # lengths
    ({"instruction": "a" * (limits.MOST_TEXT + 1)}, "instruction", "has more than 200000 characters"),
    ({"instruction": "a", "external_id": "x" * 256}, "external_id", "has more than 255 characters"),
    ({"instruction": "a", "language": "x" * 36}, "language", "has more than 35 characters"),
    ({"instruction": "a", "tags": ["x" * 201]}, "tags[0]", "has more than 200 characters"),
    ({"instruction": "a", "tags": ["x"] * 101}, "tags", "has more than 100 entries"),
    ({"instruction": "a", "responses": [{"text": "x"}] * 27}, "responses", "has more than 26 entries"),
    ({"instruction": "a", "meta": {"x": "y" * limits.MOST_EXTRA_BYTES}}, "meta", "is larger than 100 kB"),
    # what a prompt is
    ({}, "instruction", "is missing"),
    ({"instruction": "  \n"}, "instruction", "is missing"),
    ({"input": "alone"}, "instruction", "is missing"),
    ({"instruction": "a", "messages": [USER]}, "messages", "give one or the other"),
    ({"messages": []}, "messages", "must end with a turn of the user"),
    ({"messages": [SYSTEM]}, "messages", "must end with a turn of the user"),
    ({"messages": [USER, ASSISTANT]}, "messages", "must end with a turn of the user"),
    ({"messages": [ASSISTANT, USER]}, "messages[0]", "one of the user is due"),
    ({"messages": [SYSTEM, USER, USER]}, "messages[2]", "one of the assistant is due"),
    ({"messages": [USER, SYSTEM, USER]}, "messages[1]", "one of the assistant is due"),
    ({"messages": [SYSTEM, USER], "system": "x"}, "messages[0]", "has a system text besides"),
    ({"messages": [{"role": "user", "content": " "}]}, "messages", "ends with an empty turn"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role", "must be system, user or assistant"),
    ({"messages": [{"role": "user"}]}, "messages[0].content", "is missing"),
    (
        {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
        "messages[0].content",
        "must be text, not a list",
    ),
    ({"messages": [USER | {"name": "x"}]}, "messages[0].name", "is not a key we know"),
    # what PostgreSQL can't hold
    ({"instruction": "a\0b"}, "instruction", "holds a NUL character"),
    ({"instruction": "a", "responses": [{"text": "\0"}]}, "responses[0].text", "holds a NUL character"),
    ({"instruction": "a", "meta": {"x": {"y": ["\0"]}}}, "meta.x.y[0]", "holds a NUL character"),
    ({"instruction": "a", "meta": {"\0": 1}}, "meta", "holds a NUL character"),
    ({"instruction": "a \ud800"}, "instruction", "lone surrogate"),
    ({"instruction": "a", "meta": {"x": "\udfff"}}, "meta.x", "lone surrogate"),
    # what is not JSON
    (b"{", "row", "is not JSON: Expecting property name enclosed in double quotes at character 2"),
    (b'{"instruction": "a"} x', "row", "is not JSON: Extra data at character 22"),
    (b"[1]", "row", "must be a JSON object"),
    (b'"text"', "row", "must be a JSON object"),
    (b'{"instruction": "\xff"}', "row", "is not UTF-8 text"),
    (b'{"instruction": "a", "meta": {"x": NaN}}', "row", "holds NaN"),
    (b'{"instruction": "a", "meta": {"x": -Infinity}}', "row", "holds -Infinity"),
    (b'{"instruction": "a", "meta": {"x": 1e400}}', "meta.x", "too large"),
    (b'{"instruction": "a", "meta": {"x": %s}}' % (b"9" * 5_000), "row", "too large"),
    (b'{"instruction": "a", "meta": {"x": %s}}' % (b"[" * 60 + b"]" * 60), "meta", "more than 50 levels deep"),
    (b'{"instruction": "a", "meta": {"x": %s}}' % (b"[" * 99_999 + b"]" * 99_999), "row", "more than 50 levels deep"),
    (b"{%s}" % b",".join(b'"k%d": 1' % n for n in range(1_001)), "row", "has more than 1000 keys"),
]


@pytest.mark.parametrize(("row", "field", "reason"), REFUSED, ids=lambda value: str(value)[:50])
def test_refused_rows_say_the_field_and_the_reason(row, field, reason):
    found, words = refusal(row)
    assert found == field
    assert reason in words


def test_what_looks_odd_but_is_fine():
    for instruction in ("\\u0000 in words", "𝄞 and 🎉", "\u2028\x7f", "a" * limits.MOST_TEXT):
        assert read({"instruction": instruction}).instruction == instruction
    brackets: dict[str, list[list[int]]] = {"x": [[]] * 200}
    assert read({"instruction": "a", "meta": brackets}).meta == brackets
    assert read(b'{"instruction": "first", "instruction": "last"}').instruction == "last"
    assert read({"instruction": "a", "meta": {"big": 10**100}}).meta == {"big": 10**100}


# --- Foreign shapes --------------------------------------------------------------------------------------------------


def turned(row, shape):
    """What a foreign row says: prompt, response texts, the rest."""
    native = read(row, shape)
    prompt = [(one.role, one.content) for one in native.messages] if native.messages else native.instruction
    return prompt, [one.text for one in native.responses], native


def test_alpaca():
    prompt, responses, native = turned(
        {"instruction": "i", "input": "n", "output": "o", "system": "s", "category": "c", "id": 7}, "alpaca"
    )
    assert (prompt, native.input, native.system, native.category, responses) == ("i", "n", "s", "c", ["o"])
    assert native.meta == {"id": 7}
    assert turned({"instruction": "i", "input": "", "output": ""}, "alpaca")[1] == []


def test_alpaca_with_history_is_a_conversation():
    row = {"instruction": "i", "input": "n", "output": "o", "history": [["q1", "a1"], ["q2", "a2"]]}
    prompt, responses, native = turned(row, "alpaca")
    assert prompt == [("user", "q1"), ("assistant", "a1"), ("user", "q2"), ("assistant", "a2"), ("user", "i\n\nn")]
    assert responses == ["o"] and native.input == ""


@pytest.mark.parametrize(
    ("row", "prompt", "responses"),
    [
        ({"messages": [USER, ASSISTANT]}, [("user", "q")], ["a"]),
        ({"messages": [SYSTEM, USER, ASSISTANT, USER]}, [("user", "q"), ("assistant", "a"), ("user", "q")], []),
        ({"prompt": "p", "completion": "c"}, "p", ["c"]),
        ({"prompt": [USER], "completion": [ASSISTANT]}, [("user", "q")], ["a"]),
        ({"prompt": [SYSTEM, USER]}, [("user", "q")], []),
        ({"prompt": "p"}, "p", []),
    ],
)
def test_messages(row, prompt, responses):
    assert turned(row, "messages")[:2] == (prompt, responses)


CHOSEN, REJECTED = {"role": "assistant", "content": "good"}, {"role": "assistant", "content": "bad"}


@pytest.mark.parametrize(
    ("row", "prompt"),
    [
        ({"prompt": "p", "chosen": "good", "rejected": "bad"}, "p"),
        ({"prompt": [USER], "chosen": [CHOSEN], "rejected": [REJECTED]}, [("user", "q")]),
        ({"chosen": [USER, CHOSEN], "rejected": [USER, REJECTED]}, [("user", "q")]),
        ({"prompt": "q", "chosen": [USER, CHOSEN], "rejected": [USER, REJECTED]}, [("user", "q")]),
        ({"prompt": [USER], "chosen": [USER, CHOSEN], "rejected": [USER, REJECTED]}, [("user", "q")]),
    ],
)
def test_preference_gives_two_responses_and_remembers_which_was_chosen(row, prompt):
    found, responses, native = turned(row | {"score_chosen": 8.5}, "preference")
    assert (found, responses) == (prompt, ["good", "bad"])
    assert [one.params for one in native.responses] == [{"preference": "chosen"}, {"preference": "rejected"}]
    assert native.meta == {"score_chosen": 8.5}


FOREIGN_REFUSED = [
    ("alpaca", {"instruction": "i", "output": 5}, "output", "must be text"),
    ("alpaca", {"instruction": "", "output": "o"}, "instruction", "is missing"),
    ("alpaca", {"instruction": "i", "output": "o", "history": [["q"]]}, "history[0]", "question and answer"),
    ("alpaca", {"instruction": "i", "output": "o", "category": 3}, "category", "must be text"),
    ("messages", {"messages": "hi"}, "messages", "must be a list of messages"),
    ("messages", {"messages": [USER, {"role": "tool", "content": "x"}]}, "messages[1].role", "must be system, user"),
    ("messages", {"messages": [USER, ASSISTANT | {"tool_calls": [1]}]}, "messages[1].tool_calls", "can't be imported"),
    ("messages", {"messages": [USER, USER, ASSISTANT]}, "messages[1]", "one of the assistant is due"),
    ("messages", {"messages": [ASSISTANT]}, "messages", "must end with a turn of the user"),
    ("messages", {"completion": "c"}, "prompt", "is missing"),
    ("messages", {"prompt": 5}, "prompt", "must be text"),
    ("messages", {"prompt": "p", "completion": [USER]}, "completion", "must end with a turn of the assistant"),
    ("preference", {"prompt": "p", "chosen": "a"}, "rejected", "is missing"),
    ("preference", {"chosen": "a", "rejected": "b"}, "prompt", "is missing"),
    ("preference", {"chosen": [USER, CHOSEN], "rejected": [REJECTED]}, "rejected", "begins otherwise than chosen"),
    ("preference", {"chosen": [USER], "rejected": [USER]}, "chosen", "must end with a turn of the assistant"),
    (
        "preference",
        {"prompt": "other", "chosen": [USER, CHOSEN], "rejected": [USER, REJECTED]},
        "prompt",
        "is not what chosen and rejected begin with",
    ),
]


@pytest.mark.parametrize(("shape", "row", "field", "reason"), FOREIGN_REFUSED, ids=lambda value: str(value)[:50])
def test_foreign_rows_that_do_not_fit(shape, row, field, reason):
    found, words = refusal(row, shape)
    assert found == field
    assert reason in words


@pytest.mark.parametrize(
    ("row", "shape"),
    [
        ({"instruction": "i"}, "native"),
        ({"instruction": "i", "responses": []}, "native"),
        ({"messages": [USER]}, "native"),
        ({"instruction": "i", "output": "o"}, "alpaca"),
        ({"messages": [USER, ASSISTANT]}, "messages"),
        ({"prompt": "p", "completion": "c"}, "messages"),
        ({"prompt": "p"}, "messages"),
        ({"prompt": "p", "chosen": "c", "rejected": "r"}, "preference"),
        ({"chosen": [], "rejected": []}, "preference"),
    ],
)
def test_the_shape_is_told_from_the_rows(row, shape):
    assert shape_of([row]) is SHAPES[shape]


def test_most_rows_decide_and_strange_ones_do_not_count():
    answered = {"messages": [USER, ASSISTANT]}
    assert shape_of([{"messages": [USER]}, answered, answered]) is SHAPES["messages"]
    assert shape_of([{"question": 1}, {"instruction": "i", "output": "o"}]) is SHAPES["alpaca"]
    assert shape_of([{"question": 1}, {"answer": 2}]) is None

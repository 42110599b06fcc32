"""Exports of labelling tools, and what our own files hold that nobody else's do."""

import json

import pytest

from tests.importing.shaped import assistant, refusal, turned, user

SAMPLES = [
    (
        "label-studio",
        {
            "id": 12, "project": 3, "inner_id": 1, "created_at": "2026-01-01", "drafts": [], "meta": {},
            "data": {"prompt": "Capital?", "answer2": "Sydney.", "answer1": "Canberra.", "model1": "m-1",
                     "topic": "geo"},
            "annotations": [
                {"completed_by": {"id": 7, "email": "who@example.org"}, "was_cancelled": False, "result": [
                    {"type": "pairwise", "from_name": "comparison", "to_name": "answer1,answer2",
                     "value": {"selected": "left"}},
                    {"type": "textarea", "from_name": "why", "to_name": "answer1", "value": {"text": ["It is."]}}]},
                {"completed_by": 8, "was_cancelled": True,
                 "result": [{"type": "pairwise", "value": {"selected": "right"}}]},
                {"completed_by": 9, "result": [
                    {"type": "rating", "from_name": "quality", "to_name": "answer1", "value": {"rating": 4}},
                    {"type": "rating", "from_name": "quality", "to_name": "answer2", "value": {"rating": 2}},
                    {"type": "choices", "from_name": "issues", "value": {"choices": ["none"]}}]},
            ],
        },
        {
            "external_id": "label-studio-12",
            "instruction": "Capital?",
            "responses": [{"text": "Canberra.", "model": "m-1"}, {"text": "Sydney."}],
            "labels": [
                {"annotator": "Label Studio 7", "ranks": [1, 2], "comment": "It is."},
                {"annotator": "Label Studio 9", "scores": [{"quality": 4.0}, {"quality": 2.0}],
                 "comment": "issues: none"},
            ],
            "meta": {"topic": "geo", "project": 3},
        },
    ),
    (
        "label-studio",
        {
            "id": 1,
            "data": {"messages": [{"author": "Human", "text": "Capital?"}],
                     "items": [{"id": "x", "title": "1", "body": "Sydney."}, {"id": "y", "body": "Canberra."}]},
            "annotations": [
                {"completed_by": 1, "result": [{"type": "ranker", "from_name": "rank",
                                                "value": {"ranker": {"rank": ["y", "x"]}}}]},
                {"completed_by": 2, "result": [{"type": "ranker", "from_name": "rank",
                                                "value": {"ranker": {"_": [], "good": ["x", "y"], "bad": []}}}]},
            ],
        },
        {
            "external_id": "label-studio-1",
            "messages": [user("Capital?")],
            "responses": [{"text": "Sydney."}, {"text": "Canberra."}],
            "labels": [{"annotator": "Label Studio 1", "ranks": [2, 1]},
                       {"annotator": "Label Studio 2", "ranks": [1, 1]}],
            "meta": {},
        },
    ),
    (
        "label-studio",
        {"data": {"text": "Capital?", "response": "Sydney."},
         "annotations": [{"completed_by": 1, "result": [
                             {"type": "choices", "from_name": "correct", "value": {"choices": ["No"]}}]},
                         {"completed_by": 2, "result": [
                             {"type": "textarea", "from_name": "t", "value": {"text": ["Canberra."]}}]},
                         {"completed_by": 3, "result": []}]},
        {
            "instruction": "Capital?",
            "responses": [{"text": "Sydney."}],
            "labels": [{"annotator": "Label Studio 1", "verdicts": [False]},
                       {"annotator": "Label Studio 2", "text": "Canberra."}],
            "meta": {},
        },
    ),
    (
        "argilla",
        {
            "id": "r-1", "_server_id": "5f0", "status": "completed", "vectors": {},
            "fields": {"prompt": "Capital?", "response-1": "Sydney.", "response-2": "Canberra.", "hint": "h"},
            "metadata": {"topic": "geo"},
            "suggestions": {"best": {"value": "response-1", "score": 0.9, "agent": "judge-1"}},
            "responses": {"order": [{"value": ["response-2", "response-1"], "user_id": "u-1"}],
                          "response-1 quality": [{"value": 2, "user_id": "u-1"}],
                          "comment": [{"value": "Easy.", "user_id": "u-1"}, {"value": "Hm.", "user_id": "u-2"}]},
        },
        {
            "external_id": "r-1",
            "instruction": "Capital?",
            "responses": [{"text": "Sydney."}, {"text": "Canberra."}],
            "labels": [
                {"annotator": "Argilla u-1", "ranks": [2, 1], "scores": [{"response-1 quality": 2.0}, {}],
                 "comment": "Easy."},
                {"annotator": "judge-1", "ranks": [1, 2]},
            ],
            "meta": {"hint": "h", "topic": "geo", "argilla_id": "5f0", "status": "completed"},
        },
    ),
    (  # version 1
        "argilla",
        {
            "fields": {"instruction": "Capital?", "response": "Sydney."},
            "metadata": {}, "external_id": "r-2", "suggestions": [],
            "responses": [
                {"user_id": "u-1", "status": "submitted",
                 "values": {"corrected-response": {"value": "Canberra."}, "is it good": {"value": "no"},
                            "topics": {"value": ["geo", "facts"]}}},
                {"user_id": "u-2", "status": "discarded", "values": {"is it good": {"value": "yes"}}},
            ],
        },
        {
            "external_id": "r-2",
            "instruction": "Capital?",
            "responses": [{"text": "Sydney."}],
            "labels": [{"annotator": "Argilla u-1", "text": "Canberra.", "verdicts": [False],
                        "comment": "topics: geo, facts"}],
        },
    ),
    (
        "argilla-flat",
        {
            "id": "r-3", "status": "completed", "_server_id": "5f1", "chat": [user("Capital?")],
            "response_a": "Sydney.", "response_b": "Canberra.", "topic": "geo",
            "rank.responses": [[{"value": "response_b", "rank": 1}, {"value": "response_a", "rank": 2}], None],
            "rank.responses.users": ["u-1", "u-2"], "rank.responses.status": ["submitted", "draft"],
            "which is better.suggestion": "B", "which is better.suggestion.agent": None,
            "which is better.suggestion.score": 0.5,
        },
        {
            "external_id": "r-3",
            "messages": [user("Capital?")],
            "responses": [{"text": "Sydney."}, {"text": "Canberra."}],
            "labels": [{"annotator": "Argilla u-1", "ranks": [2, 1]},
                       {"annotator": "Argilla suggestions", "ranks": [2, 1]}],
            "meta": {"topic": "geo", "argilla_id": "5f1", "status": "completed"},
        },
    ),
    (
        "raw",
        {
            "label_id": "5", "kind": "rank", "queue_id": "1", "queue": "Q", "task_id": "2", "annotator": "a1b2",
            "created_at": "2026-11-01T00:00:00Z", "supersedes": "", "key": "k", "guideline_version": 1,
            "active_seconds": 3.5, "prompt_id": "p-1", "external_id": "p-1", "instruction": "Capital?",
            "input": "Australia", "system": "", "messages": "", "category": "qa", "domain": "", "difficulty": "",
            "language": "en", "tags": '["t"]', "source": "", "meta": '{"k": 1}',
            "responses": [{"letter": "a", "response_id": "9", "external_id": "", "text": "Sydney.", "model": "m-1",
                           "params": "{}"},
                          {"letter": "b", "response_id": "8", "external_id": "r-2", "text": "Canberra.", "model": "",
                           "params": '{"t": 0.5}'}],
            "payload": '{"ranks": {"a": 2, "b": 1}}', "payload_by_response": '{"ranks": {"9": 2, "8": 1}}',
        },
        {
            "external_id": "p-1",
            "instruction": "Capital?",
            "input": "Australia",
            "category": "qa",
            "language": "en",
            "tags": ["t"],
            "meta": {"k": 1},
            "responses": [{"text": "Sydney.", "model": "m-1"},
                          {"text": "Canberra.", "external_id": "r-2", "params": {"t": 0.5}}],
            "labels": [{"annotator": "a1b2", "payload": {"ranks": {"a": 2, "b": 1}}, "in_order": True}],
        },
    ),
    (
        "rated",
        {"prompt": [user("Capital?")], "response": [assistant("Sydney.")], "scores": [{"axis": "true", "score": 1}],
         "flags": ["made up"], "rubric": [], "prompt_id": "p-1", "group_id": "7"},
        {
            "external_id": "p-1",
            "messages": [user("Capital?")],
            "responses": [{"text": "Sydney.", "params": {"flags": ["made up"]}}],
            "labels": [{"annotator": "ratings of the file", "scores": [{"true": 1.0}]}],
            "meta": {"group_id": "7"},
        },
    ),
    (
        "checked",
        {"prompt": [user("Capital?")], "response": [assistant("Sydney.")],
         "criteria": [{"criterion": "Is right", "weight": 2.0}], "verdicts": ["no"], "score": 0.0},
        {
            "messages": [user("Capital?")],
            "responses": [{"text": "Sydney."}],
            "labels": [{"annotator": "checklists of the file",
                        "payload": {"criteria": [{"text": "Is right", "weight": 2}], "verdicts": {"a": ["no"]}}}],
        },
    ),
    (
        "edits",
        {"prompt": [user("Capital?")], "original": [assistant("Sydney.")], "edited": [assistant("Canberra.")],
         "diff": [{"how": "removed", "text": "Sydney."}], "prompt_id": "p-1"},
        {
            "external_id": "p-1",
            "messages": [user("Capital?")],
            "responses": [{"text": "Sydney."}],
            "labels": [{"annotator": "edits of the file", "text": "Canberra."}],
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "row", "native"), SAMPLES)
def test_a_row_becomes_a_native_one(shape, row, native):
    assert turned(shape, row) == native


def test_nobody_s_address_is_taken_over():
    assert "@" not in json.dumps(turned(*SAMPLES[0][:2]))


@pytest.mark.parametrize(
    ("question", "answer", "label"),
    [
        ("preference", "Tie", {"ranks": [1, 1]}),
        ("which one", "left", {"ranks": [1, 2]}),
        ("anything", "two", {"ranks": [2, 1]}),  # a response's own name
        ("issues", "none", None),  # a word for a tie, but nothing was compared
        ("language", "b", None),
        ("order", ["two"], None),  # not all of them
        ("two is good", True, {"scores": [{}, {"two is good": 1.0}]}),
    ],
)
def test_what_a_question_of_two_responses_says(question, answer, label):
    row = {
        "fields": {"prompt": "q", "items": [{"id": "one", "text": "a"}, {"id": "two", "text": "b"}]},
        "responses": {question: [{"value": answer, "user_id": "u"}]},
    }
    expected = [] if label is None else [{"annotator": "Argilla u"} | label]
    assert turned("argilla", row)["labels"] == expected


REFUSED = [
    ("label-studio", {"data": {"image": "x.png"}, "annotations": []}, "data", "holds no prompt"),
    ("label-studio", {"data": {"prompt": 3}, "annotations": []}, "data.prompt", "must be text"),
    ("label-studio", {"data": {"messages": [{"author": "tool", "text": "4"}]}, "annotations": []},
     "data.messages[0].role", "must be system, user or assistant"),
    ("label-studio", {"data": {"prompt": "q"}, "annotations": [{"result": ["x"]}]}, "annotations[0].result[0]",
     "must be an object"),
    ("argilla", {"fields": {"image": "x"}, "responses": []}, "fields", "holds no prompt"),
    ("argilla", {"fields": {"prompt": 5}, "responses": []}, "fields.prompt", "must be text"),
    ("argilla", {"fields": {"prompt": "q"}, "responses": "x"}, "responses", "must be a list"),
    ("raw", {"label_id": "1", "annotator": "a", "instruction": "q", "payload": "x"}, "payload", "must be an object"),
    ("raw", {"label_id": "1", "instruction": "q", "payload": "{}"}, "annotator", "is missing"),
    ("rated", {"prompt": "q", "response": "a", "scores": [{"axis": "x"}]}, "scores[0].score", "is missing"),
    ("checked", {"prompt": "q", "response": "a", "criteria": [], "verdicts": ["yes"]}, "verdicts", "one for each"),
    ("edits", {"prompt": "q", "original": "a"}, "edited", "is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "row", "field", "reason"), REFUSED, ids=lambda value: str(value)[:50])
def test_what_can_t_be_read_is_refused_by_field(shape, row, field, reason):
    found, words = refusal(shape, row)
    assert found == field
    assert reason in words

"""Published data sets: lists and trees with ranks, scores, preferences, votes; and the research data itself."""

import json

import pytest

from annotate import importing
from annotate.importing import rows
from annotate.importing.shapes import shape_of
from annotate.models import Import, Label, OutsideAnnotator, Prompt
from tests import factories as make
from tests.importing import test_shapes_training
from tests.importing.shaped import assistant, refusal, turned, user
from tests.journeys import research


def message(name, text, role, replies=(), **more):
    return {"message_id": name, "parent_id": None, "text": text, "role": role, "lang": "en", "deleted": False,
            "rank": None, "synthetic": False, "model_name": None, "replies": [*replies], **more}  # fmt: skip


TREE = {
    "message_tree_id": "m-1",
    "tree_state": "ready_for_export",
    "prompt": message("m-1", "Capital?", "prompter", created_date="2023-02-01", replies=[
        message("m-2", "Sydney.", "assistant", rank=1),
        message("m-3", "Canberra.", "assistant", rank=0, model_name="a-1", replies=[
            message("m-5", "Since when?", "prompter", replies=[message("m-6", "1913.", "assistant")]),
            message("m-7", "Ignore that", "prompter", deleted=True,
                    replies=[message("m-8", "No.", "assistant")]),
            message("m-9", "Thanks", "prompter"),
        ]),
        message("m-4", "spam", "assistant", rank=2, deleted=True),
    ]),
}  # fmt: skip

SAMPLES = [
    (
        "nectar",
        {
            "prompt": "\n\nHuman: Hi \n\nAssistant: Hello\n\nHuman: Capital? \n\nAssistant: ",
            "answers": [
                {"answer": "Sydney.", "model": "a-1", "rank": 2.0},
                {"answer": "Canberra.", "model": "b-2", "rank": 1.0},
                {"answer": "Perth.", "model": "c-3", "rank": 4.0},
            ],
            "turns": 2,
            "num_responses": 3,
            "source": "x",
            "good_natured": True,
        },
        {
            "messages": [user("Hi"), assistant("Hello"), user("Capital?")],
            "responses": [{"text": "Sydney.", "model": "a-1"}, {"text": "Canberra.", "model": "b-2"},
                          {"text": "Perth.", "model": "c-3"}],
            "labels": [{"annotator": "Nectar (GPT-4)", "ranks": [2, 1, 3]}],
            "source": "x",
            "meta": {"turns": 2, "num_responses": 3, "good_natured": True},
        },
    ),
    (  # as exported here
        "nectar",
        {"prompt": "\n\nHuman: Capital?\n\nAssistant: ", "prompt_id": "p-1",
         "answers": [{"answer": "x", "rank": 1, "model": "", "id": "sha256:0"},
                     {"answer": "y", "rank": 1, "model": "", "id": "r-1"}]},
        {
            "messages": [user("Capital?")],
            "external_id": "p-1",
            "responses": [{"text": "x"}, {"text": "y", "external_id": "r-1"}],
            "labels": [{"annotator": "ranks of the file", "ranks": [1, 1]}],
        },
    ),
    (
        "nemo-rl",
        {"context": [user("Capital?")],
         "completions": [{"rank": 1, "completion": [assistant("Sydney.")]},
                         {"rank": 0, "completion": [assistant("Canberra.")]}]},
        {
            "messages": [user("Capital?")],
            "responses": [{"text": "Sydney."}, {"text": "Canberra."}],
            "labels": [{"annotator": "ranks of the file", "ranks": [2, 1]}],
        },
    ),
    (
        "oasst",
        TREE,
        [
            {
                "external_id": "m-1",
                "language": "en",
                "messages": [user("Capital?")],
                "responses": [{"text": "Sydney.", "external_id": "m-2"},
                              {"text": "Canberra.", "external_id": "m-3", "model": "a-1"}],
                "labels": [{"annotator": "Open Assistant", "ranks": [2, 1]}],
                "meta": {"tree_state": "ready_for_export", "message_tree_id": "m-1"},
            },
            {
                "external_id": "m-5",
                "language": "en",
                "messages": [user("Capital?"), assistant("Canberra."), user("Since when?")],
                "responses": [{"text": "1913.", "external_id": "m-6"}],
                "meta": {"tree_state": "ready_for_export", "message_tree_id": "m-1"},
            },
        ],
    ),
    (
        "ultrafeedback",
        {
            "source": "evol", "instruction": "Capital?", "models": ["a-1", "b-2"],
            "completions": [
                {"model": "a-1", "principle": "honesty", "custom_system_prompt": "Be honest.", "response": "Canberra.",
                 "overall_score": 8.5,
                 "annotations": {"helpfulness": {"Rating": "5", "Rationale": "Right.", "Type": ["1"]},
                                 "honesty": {"Rating": "N/A", "Rationale": "Nothing to rate."}}},
                {"response": "Sydney.", "annotations": {"helpfulness": {"Rating": "1", "Rationale": "Wrong."}}},
            ],
            "correct_answers": ["None"], "incorrect_answers": [],
        },
        {
            "instruction": "Capital?",
            "source": "evol",
            "responses": [
                {"text": "Canberra.", "model": "a-1",
                 "params": {"principle": "honesty", "custom_system_prompt": "Be honest.", "overall_score": 8.5}},
                {"text": "Sydney.", "model": "b-2"},
            ],
            "labels": [{"annotator": "UltraFeedback (GPT-4)",
                        "scores": [{"helpfulness": 5.0}, {"helpfulness": 1.0}],
                        "comment": "1, helpfulness: Right.\n2, helpfulness: Wrong."}],
            "meta": {"correct_answers": ["None"], "incorrect_answers": []},
        },
    ),
    (
        "helpsteer2",
        {"prompt": "Hi\n<extra_id_1>Assistant\nHello\n<extra_id_1>User\nCapital?", "response": "Canberra.",
         "helpfulness": 4, "correctness": 4, "coherence": 3, "complexity": 0, "verbosity": 1},
        {
            "messages": [user("Hi"), assistant("Hello"), user("Capital?")],
            "responses": [{"text": "Canberra."}],
            "labels": [{"annotator": "ratings of the file",
                        "scores": [{"helpfulness": 4.0, "correctness": 4.0, "coherence": 3.0, "complexity": 0.0,
                                    "verbosity": 1.0}]}],
        },
    ),
    (
        "helpsteer2-preference",
        {"split": "train", "prompt": "Capital?", "response_1": "Sydney.", "response_2": "Canberra.",
         "preference_strength": 3, "preference_statement": "The second is right.", "preference_elaboration": ""},
        {
            "instruction": "Capital?",
            "responses": [{"text": "Sydney."}, {"text": "Canberra."}],
            "labels": [{"annotator": "preferences of the file", "ranks": [2, 1], "strength": 3,
                        "comment": "The second is right."}],
            "meta": {"split": "train", "preference_strength": 3},
        },
    ),
    (
        "helpsteer2-preference",
        {"prompt": "Capital?", "response_1": "Sydney.", "response_2": "Canberra.", "preference_strength": 1,
         "all_preferences_unprocessed": [{"strength": 1, "justification": "So."},
                                         {"strength": -100, "justification": "Both are no use."},
                                         {"strength": -2, "justification": ""}]},
        {
            "instruction": "Capital?",
            "responses": [{"text": "Sydney."}, {"text": "Canberra."}],
            "labels": [{"annotator": "HelpSteer2, annotator 1", "ranks": [2, 1], "strength": 1, "comment": "So."},
                       {"annotator": "HelpSteer2, annotator 3", "ranks": [1, 2], "strength": 2}],
            "meta": {"preference_strength": 1},
        },
    ),
    (
        "helpsteer3",
        {"domain": "general", "language": "english", "context": [user("Capital?")], "response1": "Canberra.",
         "response2": "Sydney.", "overall_preference": -2,
         "individual_preference": [{"score": -3, "reasoning": "Right.", "feedback1": "", "feedback2": "Wrong."},
                                   {"score": -1, "reasoning": "", "feedback1": "", "feedback2": ""}]},
        {
            "messages": [user("Capital?")],
            "domain": "general",
            "language": "english",
            "responses": [{"text": "Canberra."}, {"text": "Sydney."}],
            "labels": [
                {"annotator": "HelpSteer3, annotator 1", "ranks": [1, 2], "strength": 3, "comment": "Right.\n\nWrong."},
                {"annotator": "HelpSteer3, annotator 2", "ranks": [1, 2], "strength": 1},
            ],
            "meta": {"overall_preference": -2},
        },
    ),
    (
        "helpsteer3",
        {"context": [user("q")], "response1": "a", "response2": "b", "overall_preference": 1},
        {
            "messages": [user("q")],
            "responses": [{"text": "a"}, {"text": "b"}],
            "labels": [{"annotator": "preferences of the file", "ranks": [2, 1], "strength": 1}],
            "meta": {"overall_preference": 1},
        },
    ),
    (
        "pandalm",
        {"idx": 3, "motivation_app": "Maps", "cmp_key": "a-7b_b-6.9b", "instruction": "Capital?", "input": "Australia",
         "response1": True, "response2": "Sydney.", "annotator1": 1, "annotator2": 0, "annotator10": 2},
        {
            "external_id": "pandalm-3",
            "instruction": "Capital?",
            "input": "Australia",
            "domain": "Maps",
            "responses": [{"text": "True", "model": "a-7b"}, {"text": "Sydney.", "model": "b-6.9b"}],
            "labels": [{"annotator": "PandaLM, annotator1", "ranks": [1, 2], "in_order": True},
                       {"annotator": "PandaLM, annotator2", "ranks": [1, 1], "in_order": True},
                       {"annotator": "PandaLM, annotator10", "ranks": [2, 1], "in_order": True}],
        },
    ),
    (
        "self-instruct",
        {"id": "seed_1", "name": "capitals", "instruction": "Name the capital.", "is_classification": False,
         "instances": [{"input": "Australia", "output": "Canberra"}, {"input": "", "output": ""}]},
        [
            {
                "external_id": "seed_1",
                "instruction": "Name the capital.",
                "input": "Australia",
                "category": "generation",
                "responses": [{"text": "Canberra", "params": {"reference": True}}],
                "meta": {"name": "capitals"},
            },
            {
                "external_id": "seed_1-1",
                "instruction": "Name the capital.",
                "category": "generation",
                "responses": [],
                "meta": {"name": "capitals"},
            },
        ],
    ),
    (
        "self-instruct-answers",
        {"prompt": "Capital?\nOutput:", "instruction": "Capital?\n", "input": "", "target": "Canberra",
         "response": {"model": "a-1", "choices": [{"text": "Sydney"}]}},
        {
            "instruction": "Capital?",
            "input": "",
            "responses": [{"text": "Sydney", "model": "a-1"}],
            "meta": {"target": "Canberra"},
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "row", "native"), SAMPLES)
def test_a_row_becomes_a_native_one(shape, row, native):
    assert turned(shape, row) == native


PANDALM = {"instruction": "i", "response1": "a", "response2": "b"}
REFUSED = [
    ("nectar", {"prompt": "p", "answers": "x"}, "answers", "must be a list"),
    ("nectar", {"prompt": "p", "answers": ["x"]}, "answers[0]", "must be an object"),
    ("nectar", {"prompt": "p", "answers": [{"rank": 1}]}, "answers[0].answer", "is missing"),
    ("nectar", {"prompt": "p", "answers": [{"answer": "a", "rank": "1"}]}, "answers[0].rank", "must be a number"),
    ("nectar", {"answers": []}, "prompt", "is missing"),
    ("nemo-rl", {"context": [user("q")], "completions": [{"rank": 0, "completion": [user("a")]}]},
     "completions[0].completion", "one turn of the assistant"),
    ("nemo-rl", {"context": [user("q")], "completions": [{"rank": 0}]}, "completions[0].completion", "is missing"),
    ("nemo-rl", {"context": "q", "completions": []}, "context", "must be a list"),
    ("oasst", {"message_tree_id": "1", "prompt": message("1", "q", "prompter")}, "prompt.replies", "no answer"),
    ("oasst", {"message_tree_id": "1", "prompt": message("1", "q", "assistant")}, "prompt.role", "must be prompter"),
    ("oasst", {"message_tree_id": "1",
               "prompt": message("1", "q", "prompter", replies=[message("2", "a", "prompter")])},
     "prompt.replies[0].role", "must be assistant"),
    ("ultrafeedback", {"instruction": "q", "completions": [{"model": "a"}]}, "completions[0].response", "is missing"),
    ("ultrafeedback", {"instruction": "q", "completions": [
        {"response": "a", "annotations": {"honesty": {"Rating": "good"}}}]},
     "completions[0].annotations.honesty.Rating", "must be a number"),
    ("ultrafeedback", {"instruction": "q", "completions": [{"response": "a", "annotations": {"honesty": 3}}]},
     "completions[0].annotations.honesty", "must be an object"),
    ("helpsteer2", {"prompt": "p", "response": "r", "helpfulness": 5}, "helpfulness", "from 0 to 4"),
    ("helpsteer2", {"prompt": "p", "response": "r", "helpfulness": "high"}, "helpfulness", "must be a whole number"),
    ("helpsteer2-preference", {"prompt": "p", "response_1": "a", "response_2": "b", "preference_strength": 4},
     "preference_strength", "from -3 to 3"),
    ("helpsteer3", {"context": [user("q")], "response1": "a", "response2": "b", "overall_preference": None},
     "overall_preference", "is missing"),
    ("helpsteer3", {"context": [user("q")], "response1": "a", "response2": "b", "overall_preference": 1,
                    "individual_preference": [{"score": 9}]}, "individual_preference[0].score", "from -3 to 3"),
    ("pandalm", PANDALM | {"annotator1": 3}, "annotator1", "from 0 to 2"),
    ("pandalm", PANDALM | {"response2": None, "annotator1": 1}, "response2", "is missing"),
    ("self-instruct", {"instruction": "i", "instances": []}, "instances", "is missing"),
    ("self-instruct-answers", {"instruction": "i", "response": {"error": 1}, "target": ""}, "response",
     "an answer with choices"),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "row", "field", "reason"), REFUSED, ids=lambda value: str(value)[:50])
def test_what_can_t_be_read_is_refused_by_field(shape, row, field, reason):
    found, words = refusal(shape, row)
    assert found == field
    assert reason in words


# --- Into a queue ----------------------------------------------------------------------------------------------------


@pytest.fixture
def uploads(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def imported(path, kind, *found, **options):
    """An import of these rows into a new queue of this kind, told by their shape."""
    path = path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in found))
    queue = make.a_queue(kind=kind, **options)
    with path.open("rb") as file:
        job = importing.run_now(queue, queue.created_by, file, path.name)
    assert job.state == Import.State.DONE, job.error
    return job, {label.annotator.name: label.payload for label in Label.objects.select_related("annotator")}


@pytest.mark.django_db
def test_ranks_of_a_file_are_labels_of_a_ranking_queue(uploads):
    row = next(row for shape, row, _native in SAMPLES if shape == "nectar")
    job, said = imported(uploads, "rank", row)
    assert (job.format, job.rows_added, job.labels_added) == ("nectar", 1, 1)
    assert said["Nectar (GPT-4)"]["ranks"] == {"a": 2, "b": 1, "c": 3}
    assert OutsideAnnotator.objects.get().project_id == job.queue.project_id


@pytest.mark.django_db
def test_rated_steps_of_a_file_are_labels_of_a_queue_for_steps(uploads):
    row = next(row for shape, row, _native in test_shapes_training.SAMPLES if shape == "prm800k")
    job, said = imported(uploads, "steps", row)
    assert (job.format, job.rows_added, job.labels_added) == ("prm800k", 1, 1)
    assert said["c0ffee"]["steps"] == [1, 1, -1]


@pytest.mark.django_db
def test_of_a_tree_each_prompt_is_taken_or_refused_by_itself(uploads):
    job, said = imported(uploads, "rank", TREE)
    assert (job.rows_read, job.rows_added, job.rows_refused) == (1, 1, 1)
    assert said["Open Assistant"]["ranks"] == {"a": 2, "b": 1}
    assert Prompt.objects.get().external_id == "m-1"


@pytest.mark.django_db
def test_votes_of_the_research_data_are_labels(uploads):
    job, _said = imported(uploads, "compare", *research.votes(), options={"strength": False})
    assert (job.format, job.rows_added, job.rows_refused, job.labels_added) == ("pandalm", 500, 0, 1_500)
    winners = Label.objects.values_list("payload__winner", flat=True)
    assert {one: list(winners).count(one) for one in ("a", "b")} == {"a": 599, "b": 636}
    assert OutsideAnnotator.objects.count() == 3


def test_the_research_files_are_told_and_read_to_the_last_row():
    home = research.folder() / "self-instruct"
    counts = {}
    for path in home.glob("*.jsonl"):
        lines = path.read_bytes().splitlines()
        shape = shape_of(json.loads(line) for line in lines[:20])
        assert shape is not None
        found = [row for line in lines for row in rows.read(line, shape.turn)]
        assert all(row.instruction for row in found)
        counts[path.stem] = shape.name, len(found)
    assert counts.pop("seed_tasks") == ("self-instruct", 175)
    assert counts.pop("user_oriented_instructions") == ("self-instruct", 252)
    assert set(counts.values()) == {("self-instruct-answers", 252)} and len(counts) == 4

"""Imports from a file to the rows of the database: what is written, what is counted, and what survives."""

import io
import json
import random
import time
from datetime import timedelta

import celery
import psycopg
import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from annotate import importing, jobs, labelling, queue, running, tasks
from annotate.importing import limits, sources, writing
from annotate.models import Assignment, Import, Prompt, Queue, Response, Seat, Task
from tests import factories as make

pytestmark = pytest.mark.django_db

SECRET = "hunter2"  # what an error's message may quote


@pytest.fixture(autouse=True)
def uploads(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path / "imports"


def as_lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def prompts(count, start=0):
    return [{"external_id": f"p-{n}", "instruction": f"Instruction {n}"} for n in range(start, start + count)]


def load(work, rows, form="", tell=lambda job: None):
    """Import rows (or a file's bytes) into a queue; the job, over."""
    data = rows if isinstance(rows, bytes) else as_lines(rows)
    return importing.run_now(work, work.created_by, io.BytesIO(data), "rows.jsonl", form, tell)


def waiting(work, rows):
    """A job that no worker has taken yet."""
    return importing.start(work, work.created_by, io.BytesIO(as_lines(rows)), "rows.jsonl")


def counts(job):
    job.refresh_from_db()
    return job.rows_read, job.rows_added, job.rows_unchanged, job.rows_refused


def refusals(job):
    return {row.line: (row.field, row.reason) for row in job.refused.all()}


# --- What is written -------------------------------------------------------------------------------------------------


def test_a_row_becomes_a_prompt_its_responses_a_task_and_its_places():
    work = make.a_queue(overlap=3)
    row = {
        "external_id": "p-1",
        "instruction": 'Tabs\t, "quotes", \\slashes\\ and\nlines',
        "input": "ünïcödé 𝄞",
        "system": "s",
        "category": "c",
        "domain": "d",
        "difficulty": "hard",
        "language": "en",
        "tags": ['a "b"', "c\\d, e", "{}", "null", ""],
        "source": "here",
        "meta": {"a": [1, None, "\\N"]},
        "priority": 5,
        "responses": [
            {"text": "\\N", "model": "m-1", "external_id": "r-1", "params": {"t": 0.1}},
            {"text": "", "model": "m-2"},
        ],
    }
    job = load(work, [row])
    assert (job.state, job.format, job.error) == ("done", "native", "")
    assert counts(job) == (1, 1, 0, 0)
    prompt = Prompt.objects.get()
    same = ["external_id", "instruction", "input", "system", "category", "domain", "difficulty", "language"]
    assert {name: getattr(prompt, name) for name in same} == {name: row[name] for name in same}
    assert (prompt.tags, prompt.source, prompt.meta, prompt.messages) == (row["tags"], "here", row["meta"], None)
    assert (prompt.project, prompt.key) == (work.project, "p-1")
    one, two = Response.objects.order_by("pk")
    assert (one.text, one.model, one.external_id, one.key, one.params) == ("\\N", "m-1", "r-1", "r-1", {"t": 0.1})
    assert (two.text, two.model, two.external_id, two.params) == ("", "m-2", "", {})
    task = Task.objects.get()
    assert (task.queue, task.prompt, task.response_ids) == (work, prompt, [one.pk, two.pk])
    assert (task.places, task.priority, task.state, task.role) == (3, 5, "ready", "work")
    places = Assignment.objects.order_by("slot").values_list("slot", "position", "state", "queue")
    assert list(places) == [(slot, task.position, "open", work.pk) for slot in (1, 2, 3)]


def test_a_row_with_the_right_answer_is_a_check_and_gets_no_places():
    work = make.a_queue(kind="rank", overlap=2)
    pair = [{"text": "one"}, {"text": "two"}]
    rows = [{"instruction": str(nth), "responses": pair, "gold": {"ranks": {"a": 1, "b": 2}}} for nth in range(3)]
    load(work, [rows[0], rows[1] | {"check": "screen"}, rows[2] | {"check": "attention"}])
    found = Task.objects.order_by("pk")
    assert [(one.role, one.places, one.gold) for one in found] == [
        (role, 0, {"ranks": {"a": 1, "b": 2}, "unusable": [], "comment": ""})
        for role in ("gold", "screen", "attention")
    ]
    assert not Assignment.objects.exists()
    load(work, [rows[0]])
    assert Task.objects.count() == 3


def test_messages_are_stored_without_their_system_turn():
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}, {"role": "user", "content": "r"}]
    load(make.a_queue(kind="write"), [{"messages": [{"role": "system", "content": "s"}, *turns]}])
    prompt = Prompt.objects.get()
    assert (prompt.messages, prompt.system, prompt.instruction) == (turns, "s", "")


def test_what_was_imported_can_be_labelled():
    work = make.a_queue(kind="write", overlap=2)
    load(work, prompts(3))
    people = [make.a_member(work.project) for _ in range(2)]
    for person in people:
        for _ in range(3):
            make.a_label(person, work)
        assert queue.claim(person, work) == queue.EMPTY


@pytest.mark.parametrize("form", ["", "alpaca"])
def test_a_kind_that_shows_no_responses_keeps_them_with_the_prompt(form):
    work = make.a_queue(kind="write")
    job = load(work, [{"instruction": "i", "output": "o"}], form)
    assert (job.format, counts(job)) == ("alpaca", (1, 1, 0, 0))
    assert Response.objects.get().text == "o"
    assert Task.objects.get().response_ids == []


# --- The same again --------------------------------------------------------------------------------------------------


def everything():
    found = Prompt.objects.all(), Response.objects.all(), Task.objects.all(), Assignment.objects.all()
    return [list(rows.order_by("pk").values()) for rows in found]


def ranked(number, **fields):
    answers = [{"text": f"{letter} {number}", "model": letter} for letter in "xyz"]
    return {"instruction": f"Instruction {number}", "responses": answers} | fields


@pytest.mark.parametrize("named", [True, False])
def test_the_same_file_twice_changes_nothing(named):
    work = make.a_queue(overlap=2)
    rows = [ranked(n, **({"external_id": f"p-{n}"} if named else {})) for n in range(20)]
    load(work, rows)
    before = everything()
    assert counts(load(work, rows)) == (20, 0, 20, 0)
    assert everything() == before


def test_the_same_row_twice_in_a_file_is_one_task():
    work = make.a_queue()
    again = ranked(1) | {"responses": ranked(1)["responses"][::-1]}
    assert counts(load(work, [ranked(1), ranked(1), again])) == (3, 1, 2, 0)
    assert Task.objects.count() == 1 and Response.objects.count() == 3


def test_more_responses_to_a_known_prompt_are_another_task():
    work = make.a_queue()
    load(work, [ranked(1)])
    more = ranked(1) | {"responses": [*ranked(1)["responses"], {"text": "w"}]}
    assert counts(load(work, [more])) == (1, 1, 0, 0)
    assert (Prompt.objects.count(), Response.objects.count(), Task.objects.count()) == (1, 4, 2)


def test_two_queues_of_a_project_share_its_prompts():
    first = make.a_queue()
    second = make.a_queue(first.project)
    elsewhere = make.a_queue()
    for work in (first, second, elsewhere):
        assert counts(load(work, [ranked(1)])) == (1, 1, 0, 0)
    assert Prompt.objects.filter(project=first.project).count() == 1
    assert (Prompt.objects.count(), Response.objects.count(), Task.objects.count()) == (2, 6, 3)


def test_an_external_id_stands_for_one_prompt_and_one_response():
    work = make.a_queue(kind="compare")
    pair = [{"text": "x", "external_id": "r-1"}, {"text": "y", "external_id": "r-2"}]
    good = {"external_id": "p-17", "instruction": "i", "responses": pair}
    changed = good | {"responses": [pair[0], {"text": "other", "external_id": "r-2"}]}
    load(work, [good])
    job = load(work, [good | {"instruction": "other"}, changed, good, good | {"external_id": "p-18"}])
    assert refusals(job) == {
        1: ("external_id", "p-17 already stands for a different prompt"),
        2: ("responses[1].external_id", "r-2 already stands for a different response to this prompt"),
    }
    assert counts(job) == (4, 1, 1, 2)


def test_also_within_one_file_and_a_refused_row_leaves_nothing():
    work = make.a_queue(kind="compare")
    pair = [{"text": "x"}, {"text": "y", "external_id": "r-2"}]
    rows = [
        {"external_id": "p-1", "instruction": "one", "responses": pair},
        {"external_id": "p-1", "instruction": "two", "responses": pair},
        {
            "external_id": "p-1",
            "instruction": "one",
            "responses": [{"text": "new"}, {"text": "z", "external_id": "r-2"}],
        },
    ]
    job = load(work, rows)
    assert counts(job) == (3, 1, 0, 2)
    assert [one.text for one in Response.objects.order_by("pk")] == ["x", "y"]


# --- Refused rows ----------------------------------------------------------------------------------------------------


def test_refused_rows_name_line_field_and_reason_and_the_others_are_in():
    work = make.a_queue(kind="compare")
    pair = [{"text": "x"}, {"text": "y"}]
    lines = [
        json.dumps({"instruction": "good", "responses": pair}),
        json.dumps({"instruction": "one only", "responses": pair[:1]}),
        "",
        json.dumps({"instruction": "alike", "responses": [pair[0], pair[0]]}),
        "{not json \x00",
        json.dumps({"instruction": "gold", "responses": pair, "gold": {"winner": "c"}}),
        json.dumps({"instruction": "gold", "responses": pair, "gold": {"winner": "a", "strength": 1, "x": 1}}),
        json.dumps({"instruction": "also good", "responses": pair, "gold": {"winner": "tie"}}),
    ]
    job = load(work, "\n".join(lines).encode())
    assert (job.state, counts(job)) == ("done", (7, 2, 0, 5))
    found = refusals(job)
    assert {line: field for line, (field, _) in found.items()} == {
        2: "responses",
        4: "responses[1]",
        5: "row",
        6: "gold.winner",
        7: "gold.x",
    }
    assert found[2][1] == "compare needs 2 responses, this row has 1"
    assert "is there twice" in found[4][1]
    assert job.refused.get(line=5).row == "{not json \N{REPLACEMENT CHARACTER}"
    assert job.refused.get(line=2).row == lines[1]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b'[{"instruction": "a"},\n\n {"instruction": 1}]', 2),
        (b'instruction,external_id\na,\n"two\nlines",\n,x\n', 5),
        (as_lines([{"instruction": "a"}, {"instruction": 1}]), 2),
    ],
    ids=["json list", "csv", "json lines"],
)
def test_the_number_of_a_refused_row_by_container(data, line):
    assert list(refusals(load(make.a_queue(kind="write"), data))) == [line]


def test_long_rows_and_fields_are_cut_when_refused():
    work = make.a_queue(kind="write")
    key = "k" * 5_000
    job = load(work, [{"instruction": "a"}, {"instruction": "ü" * 5_000, key: 1}])
    row = job.refused.get()
    assert row.field == key[:200] and len(row.row) == 500


def test_only_the_first_refused_rows_are_kept_but_all_are_counted(monkeypatch):
    monkeypatch.setattr(limits, "KEPT_REFUSALS", 7)
    monkeypatch.setattr(limits, "BATCH_ROWS", 3)
    rows = [{"instruction": "a"}, *({"instruction": n} for n in range(20))]
    job = load(make.a_queue(kind="write"), rows)
    assert counts(job) == (21, 1, 0, 20)
    assert list(refusals(job)) == [2, 3, 4, 5, 6, 7, 8]


# --- Order -----------------------------------------------------------------------------------------------------------


def claimed_order(work):
    """The instructions in the order in which somebody gets them."""
    person, found = make.a_member(work.project), []
    while isinstance(place := queue.claim(person, work), int):
        assignment = Assignment.objects.select_related("task__prompt", "queue").get(pk=place)
        found.append(int(assignment.task.prompt.external_id[2:]))
        labelling.submit(person, assignment, labelling.Answer(work.way.example().payload, assignment.fence))
    return found


def test_fifo_is_the_file_s_order_and_later_files_come_later():
    work = make.a_queue(kind="write")
    load(work, prompts(5))
    load(work, prompts(5, start=5))
    assert claimed_order(work) == list(range(10))


def test_priority_comes_first_then_the_file_s_order():
    work = make.a_queue(kind="write", order=Queue.Order.PRIORITY)
    priorities = [0, 5, -32_768, 32_767, 5, 0]
    load(work, [row | {"priority": one} for row, one in zip(prompts(6), priorities, strict=True)])
    assert claimed_order(work) == [3, 1, 4, 0, 5, 2]


def test_random_is_another_order_and_another_one_in_another_queue():
    orders = []
    for _ in range(2):
        work = make.a_queue(kind="write", order=Queue.Order.RANDOM)
        load(work, prompts(30))
        orders.append(claimed_order(work))
    assert [sorted(one) for one in orders] == [list(range(30))] * 2
    assert orders[0] != orders[1] and list(range(30)) not in orders


@pytest.mark.parametrize("order", [Queue.Order.RANDOM, Queue.Order.PRIORITY])
def test_tasks_that_land_behind_somebody_are_found(order):
    work = make.a_queue(kind="write", order=order)
    load(work, [row | {"priority": 0} for row in prompts(4)])
    person = make.a_member(work.project)
    make.a_label(person, work)
    load(work, [row | {"priority": 9} for row in prompts(4, start=4)])
    assert Seat.objects.get(user=person).cursor_position < 0
    for _ in range(7):
        make.a_label(person, work)
    assert queue.claim(person, work) == queue.EMPTY


@pytest.mark.parametrize("order", Queue.Order)
def test_no_two_tasks_stand_at_one_place(order):
    work = make.a_queue(kind="write", order=order, overlap=2)
    load(work, prompts(50))
    positions = Task.objects.values_list("position", flat=True)
    assert len(set(positions)) == 50 and min(positions) >= 0
    assert not Assignment.objects.exclude(position__in=positions).exists()


def test_the_overlap_is_the_queue_s_when_a_batch_is_written(monkeypatch):
    monkeypatch.setattr(limits, "BATCH_ROWS", 2)
    work = make.a_queue(kind="write", overlap=1)

    def raise_overlap(job):
        if job.rows_read == 2:
            running.change_queue(work, overlap=3)

    load(work, prompts(6), tell=raise_overlap)
    assert set(Task.objects.values_list("places", flat=True)) == {3}
    assert Assignment.objects.count() == 18


# --- As a job --------------------------------------------------------------------------------------------------------


def test_starting_keeps_the_file_under_a_name_of_its_own(uploads):
    work = make.a_queue(kind="write")
    name = '../../etc/\x00pass\r\nwd"\u202egnp.exe' + "x" * 300
    job = importing.start(work, work.created_by, io.BytesIO(as_lines(prompts(1))), name)
    (path,) = uploads.iterdir()
    assert path.read_bytes() == as_lines(prompts(1)) and len(path.name) == 32
    assert job.name.startswith('../../etc/ pass  wd" gnp.exe') and len(job.name) == 255
    assert (job.state, job.queue, job.created_by) == ("queued", work, work.created_by)


def test_starting_wakes_a_worker_once_the_row_is_there(monkeypatch, django_capture_on_commit_callbacks):
    sent = []
    monkeypatch.setattr(celery.current_app, "send_task", lambda name, arguments, **_: sent.append((name, arguments)))
    with django_capture_on_commit_callbacks() as callbacks:
        job = waiting(make.a_queue(kind="write"), prompts(1))
    assert sent == []
    for callback in callbacks:
        callback()
    assert sent == [("annotate.tasks.run_import", [job.pk])]
    assert "annotate.tasks.run_import" in celery.current_app.tasks


def test_a_broker_that_is_down_loses_nothing(monkeypatch, django_capture_on_commit_callbacks, caplog):
    def refuse(*args, **options):
        raise ConnectionError(SECRET)

    monkeypatch.setattr(celery.current_app, "send_task", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        job = waiting(make.a_queue(kind="write"), prompts(1))
    assert "waits" in caplog.text and SECRET not in caplog.text
    sent = []
    monkeypatch.setattr(celery.current_app, "send_task", lambda name, arguments, **_: sent.append(arguments))
    tasks.sweep()
    assert sent == [[job.pk]]
    tasks.run_import(job.pk)
    assert counts(job) == (1, 1, 0, 0)
    tasks.sweep()
    assert sent == [[job.pk]]


@pytest.mark.parametrize(
    ("data", "form", "field"), [(b"", "", "file"), (b"{}", "nonsense", "format")], ids=["empty", "unknown format"]
)
def test_what_can_t_be_a_job_is_refused_and_leaves_nothing(uploads, data, form, field):
    work = make.a_queue(kind="write")
    with pytest.raises(ValidationError) as caught:
        importing.start(work, work.created_by, io.BytesIO(data), "x", form)
    assert list(caught.value.message_dict) == [field]
    assert not Import.objects.exists()
    assert not uploads.exists() or not list(uploads.iterdir())


def test_a_forced_format_holds_for_every_row():
    work = make.a_queue(kind="write")
    job = load(work, [{"prompt": "p"}, {"instruction": "i"}], "messages")
    assert refusals(job) == {2: ("prompt", "is missing")}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK\x03\x04", "This is a zip archive"),
        (b'{"question": "q", "answer": "a"}', "in none of the formats that are read. Their columns: answer, question"),
        (b'{"instruction": 5}', "None of the rows can be imported"),
        (b"instruction\n", "The file holds no rows"),
        (b"[]", "The file holds no rows"),
    ],
)
def test_a_file_that_gives_nothing_fails_with_a_reason(data, reason):
    job = load(make.a_queue(kind="write"), data)
    assert job.state == "failed" and reason in job.error
    assert job.finished_at is not None and not Prompt.objects.exists()


def test_a_file_that_breaks_says_what_stays(monkeypatch):
    monkeypatch.setattr(limits, "BATCH_ROWS", 2)
    job = load(make.a_queue(kind="write"), json.dumps(prompts(5)).encode()[:-1], "native")
    assert job.state == "failed"
    assert "broken after row 5" in job.error and "5 rows were imported before that; they stay." in job.error
    assert counts(job) == (5, 5, 0, 0) and Task.objects.count() == 5


def test_a_hopeless_file_is_given_up(monkeypatch):
    monkeypatch.setattr(limits, "HOPELESS", 10)
    monkeypatch.setattr(limits, "BATCH_ROWS", 5)
    job = load(make.a_queue(kind="write"), [{"instruction": n} for n in range(1_000)])
    assert job.state == "failed" and job.error == "None of the first 10 rows can be imported."
    assert job.refused.count() == 10


def test_our_own_mistakes_fail_the_job_without_a_trace_of_the_rows(monkeypatch, caplog):
    def stumble(*args, **options):
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr(writing, "write", stumble)
    job = load(make.a_queue(kind="write"), prompts(1))
    assert job.state == "failed" and "ZeroDivisionError" in job.error
    assert SECRET not in job.error + caplog.text


def test_cancelling_stops_before_the_next_batch(monkeypatch):
    monkeypatch.setattr(limits, "BATCH_ROWS", 2)
    work = make.a_queue(kind="write")
    job = load(work, prompts(10), tell=lambda job: job.rows_read == 4 and importing.cancel(job))
    assert job.state == "cancelled" and counts(job) == (4, 4, 0, 0)
    assert Task.objects.count() == 4
    assert not importing.cancel(job)
    importing.run(job.pk)
    assert counts(job) == (4, 4, 0, 0)


def test_progress_and_signs_of_life_with_every_batch(monkeypatch):
    monkeypatch.setattr(limits, "BATCH_ROWS", 10)
    seen = []

    def look(job):
        stored = Import.objects.get(pk=job.pk)
        seen.append((stored.rows_read, stored.progress, stored.beat_at))

    load(make.a_queue(kind="write"), prompts(40), tell=look)
    assert [read for read, _, _ in seen] == [10, 20, 30, 40, 40]
    assert seen[-1][1] == 1.0
    assert all(beat for _, _, beat in seen)


# --- What survives ---------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """Nobody catches it: the worker is gone, its job's row is as it was."""


def killed_after(rows):
    def kill(job):
        if job.rows_read >= rows:
            raise Killed

    return kill


def fall_silent(job):
    Import.objects.filter(pk=job.pk).update(beat_at=Now() - timedelta(minutes=2))


def test_an_import_killed_at_any_point_is_finished_once_by_others(monkeypatch):
    monkeypatch.setattr(limits, "BATCH_ROWS", 7)
    monkeypatch.setattr(limits, "MOST_ATTEMPTS", 20)
    work = make.a_queue(kind="compare", overlap=2)
    chance = random.Random(7)
    rows = [ranked(n) | {"responses": ranked(n)["responses"][:2]} for n in range(100)]
    for n in (3, 30, 60, 99):
        rows[n] = {"instruction": n}
    rows += rows[:10]
    job = waiting(work, rows)
    for stop in sorted(chance.sample(range(1, 100), 10)):
        with pytest.raises(Killed):
            importing.run(job.pk, tell=killed_after(stop))
        fall_silent(job)
    importing.run(job.pk)
    assert counts(job) == (110, 96, 9, 5)
    assert (job.state, job.attempt) == ("done", 11)
    assert sorted(job.refused.values_list("line", flat=True)) == [4, 31, 61, 100, 104]
    assert (Prompt.objects.count(), Response.objects.count(), Task.objects.count()) == (96, 192, 96)
    assert Assignment.objects.count() == 192
    found = Prompt.objects.order_by("pk").values_list("instruction", flat=True)
    assert list(found) == [row["instruction"] for row in rows[:100] if isinstance(row["instruction"], str)]


@pytest.mark.parametrize("place", ["_known", "_store", "_store_refusals", "_count"])
def test_killed_in_the_middle_of_a_batch_nothing_of_it_is_there(monkeypatch, place):
    monkeypatch.setattr(limits, "BATCH_ROWS", 5)
    work = make.a_queue(kind="write")
    job = waiting(work, prompts(20))
    usual, calls = getattr(writing, place), []

    def kill_the_third(*arguments):
        done = usual(*arguments)
        calls.append(1)
        if len(calls) == 3:
            raise Killed
        return done

    monkeypatch.setattr(writing, place, kill_the_third)
    with pytest.raises(Killed):
        importing.run(job.pk)
    assert counts(job) == (10, 10, 0, 0) and Task.objects.count() == 10
    fall_silent(job)
    importing.run(job.pk)
    assert counts(job) == (20, 20, 0, 0) and Task.objects.count() == 20


def test_a_job_in_hand_is_nobody_else_s_until_its_worker_falls_silent():
    job = waiting(make.a_queue(kind="write"), prompts(3))
    with pytest.raises(Killed):
        importing.run(job.pk, tell=killed_after(0))
    importing.run(job.pk)
    assert Import.objects.get().attempt == 1
    fall_silent(job)
    importing.run(job.pk)
    assert (Import.objects.get().state, counts(job)) == ("done", (3, 3, 0, 0))


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_heard_of_while_one_step_takes_long(monkeypatch):
    monkeypatch.setattr(jobs, "BEAT_SECONDS", 0.02)
    job = waiting(make.a_queue(kind="write"), prompts(3))
    read = sources.read

    def weigh_for_long(file, skip):
        fall_silent(job)
        deadline = time.monotonic() + 10
        while Import.objects.waiting().exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return read(file, skip)

    monkeypatch.setattr(sources, "read", weigh_for_long)
    importing.run(job.pk)
    assert (counts(job), job.state, job.attempt) == ((3, 3, 0, 0), "done", 1)


def test_a_worker_that_was_given_up_writes_nothing_more(monkeypatch):
    monkeypatch.setattr(limits, "BATCH_ROWS", 5)
    work = make.a_queue(kind="write")
    job = waiting(work, prompts(20))

    def another_takes_over(mine):
        if mine.attempt == 1 and mine.rows_read == 10:
            fall_silent(job)
            importing.run(job.pk)

    importing.run(job.pk, tell=another_takes_over)
    assert counts(job) == (20, 20, 0, 0)
    assert (job.state, job.attempt) == ("done", 2)
    assert Task.objects.count() == 20


def test_the_shape_stays_what_the_first_worker_found(monkeypatch):
    monkeypatch.setattr(limits, "BATCH_ROWS", 2)
    monkeypatch.setattr(limits, "LOOKED_AT", 2)
    rows = [{"prompt": "p1"}, {"prompt": "p2"}, {"instruction": "i1"}, {"instruction": "i2"}]
    job = waiting(make.a_queue(kind="write"), rows)
    with pytest.raises(Killed):
        importing.run(job.pk, tell=killed_after(2))
    fall_silent(job)
    importing.run(job.pk)
    assert (job.pk, counts(job)) == (job.pk, (4, 2, 0, 2)) and job.format == "messages"


def test_a_poison_job_ends_after_some_workers():
    job = waiting(make.a_queue(kind="write"), prompts(3))
    for _ in range(limits.MOST_ATTEMPTS):
        with pytest.raises(Killed):
            importing.run(job.pk, tell=killed_after(0))
        fall_silent(job)
    importing.run(job.pk)
    job.refresh_from_db()
    assert job.state == "failed" and "5 workers tried, and none came to the end." in job.error


@pytest.mark.parametrize("trouble", [OperationalError, psycopg.errors.QueryCanceled], ids=["a query", "a copy"])
def test_a_database_in_trouble_leaves_the_job_for_later(monkeypatch, caplog, trouble):
    def refuse(*args, **options):
        raise trouble(SECRET)

    work = make.a_queue(kind="write")
    job = waiting(work, prompts(3))
    with monkeypatch.context() as patch:
        patch.setattr(writing, "write", refuse)
        importing.run(job.pk)
    job.refresh_from_db()
    assert job.state == "running" and SECRET not in caplog.text
    fall_silent(job)
    importing.run(job.pk)
    assert counts(job) == (3, 3, 0, 0)


def test_a_worker_that_is_asked_to_stop_gives_the_job_back(monkeypatch):
    monkeypatch.setattr(limits, "BATCH_ROWS", 2)
    job = waiting(make.a_queue(kind="write"), prompts(5))

    def stop(job):
        raise SystemExit

    with pytest.raises(SystemExit):
        importing.run(job.pk, tell=stop)
    assert Import.objects.waiting().get().state == "queued"
    importing.run(job.pk)
    assert counts(job) == (5, 5, 0, 0)


def test_an_uploaded_file_that_is_gone_fails_the_job(uploads):
    job = waiting(make.a_queue(kind="write"), prompts(1))
    for path in uploads.iterdir():
        path.unlink()
    importing.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "The uploaded file is gone.")


# --- Cost ------------------------------------------------------------------------------------------------------------


def test_statements_do_not_grow_with_the_rows():
    def statements(count, start):
        with CaptureQueriesContext(connection) as captured:
            load(work, prompts(count, start))
        return len(captured)

    work = make.a_queue(kind="write", overlap=2)
    statements(1, 0)
    assert statements(10, 100) == statements(1_000, 1_000)


def test_formats_are_described():
    formats = importing.formats()
    assert {"native", "alpaca", "messages", "preference"} < {one.name for one in formats} == set(importing.FORMATS)
    assert all(str(one.title) and str(one.description) for one in formats)

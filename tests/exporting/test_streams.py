"""Labels out of the database: which, in what order, what is counted, and what a stream holds on to meanwhile."""

import json
import threading
import uuid

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection, transaction

from annotate import exporting, horizons, projects
from annotate.exporting import reading
from annotate.models import Label, Member, Prompt
from tests import factories as make

RANKED = {"ranks": {"a": 1, "b": 2, "c": 2}, "unusable": ["d"], "comment": ""}
TIED = {"ranks": {"a": 1, "b": 1}, "unusable": ["c", "d"], "comment": ""}
ALL_BAD = {"ranks": {}, "unusable": ["a", "b", "c", "d"], "comment": "none of them"}
PAIRS_OF_RANKED = 2


def a_labelled_queue(payloads, kind="rank", **fields):
    """A queue with a label for each payload, all by one person; (queue, label ids)."""
    work = make.a_queue(kind=kind, **fields)
    for _ in payloads:
        make.a_task(work)
    annotator = make.a_member(work.project)
    return work, [make.a_label(annotator, work, payload) for payload in payloads]


def amend(label_id, payload):
    """An amendment of a label; its id."""
    old = Label.objects.get(pk=label_id)
    same = {name: getattr(old, name) for name in ("assignment", "task", "queue", "annotator", "shown", "guideline")}
    new = Label.objects.create(payload=payload, fence=old.fence, supersedes=old, body_digest=b"", **same)
    return new.pk


def groups(work, **asked):
    return [row["group_id"] for row in exporting.rows(work, "preference", **asked)]


@pytest.mark.django_db
def test_a_payload_reaches_the_file_as_it_was_handed_in():
    work, (label,) = a_labelled_queue([RANKED])
    shown = Label.objects.get(pk=label).shown
    texts = [work.project.prompts.get().responses.get(pk=pk).text for pk in shown]
    (prompt,) = Prompt.objects.values_list("instruction", flat=True)
    data = b"".join(exporting.stream(work, "preference-text"))
    rows = [json.loads(line) for line in data.splitlines()]
    assert [(row["prompt"], row["chosen"], row["rejected"]) for row in rows] == [
        (f"{prompt}\n", texts[0], texts[1]),
        (f"{prompt}\n", texts[0], texts[2]),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("page", [1, 2, 100])
def test_pages_of_any_length_give_every_label_once_in_order_and_groups_together(monkeypatch, page):
    monkeypatch.setattr(reading, "FIRST_PAGE", page)
    monkeypatch.setattr(reading, "LONGEST_PAGE", page)
    work, labels = a_labelled_queue([RANKED] * 5)
    a_labelled_queue([RANKED])  # of another queue
    assert groups(work) == [str(label) for label in labels for _ in range(PAIRS_OF_RANKED)]


@pytest.mark.django_db
def test_pages_shrink_where_texts_are_long(monkeypatch):
    monkeypatch.setattr(reading, "PAGE_CHARACTERS", 50)
    monkeypatch.setattr(reading, "FIRST_PAGE", 2)
    work, labels = a_labelled_queue([RANKED] * 6)
    asked = []

    def listening(execute, sql, params, many, context):
        asked.append(params["limit"]) if "%(limit)s" in sql else None
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listening):
        assert len(groups(work)) == len(labels) * PAIRS_OF_RANKED
    assert asked[:3] == [2, 1, 1]


@pytest.mark.django_db
def test_what_is_left_out_is_counted_and_counting_reads_no_texts():
    work, _ = a_labelled_queue([RANKED, TIED, ALL_BAD])
    make.a_task(work, responses=["same", "same", "better"])
    annotator = make.a_member(work.project)
    while not Label.objects.filter(task__prompt__responses__text="better").exists():
        place = make.a_lease(annotator, work)
        texts = dict(place.task.prompt.responses.values_list("pk", "text"))
        order = sorted(place.shown(), key=texts.__getitem__)
        ranks = {letter: order.index(pk) + 1 for letter, pk in zip("abcd", place.shown(), strict=False)}
        make.a_label(annotator, work, {"ranks": ranks, "unusable": [], "comment": ""})
    counts = exporting.Counts()
    lines = b"".join(exporting.stream(work, "preference", counts=counts)).splitlines()
    asked = []

    def listening(execute, sql, params, many, context):
        asked.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listening):
        assert exporting.count(work, "preference") == counts
    assert not [sql for sql in asked if "FROM annotate_prompt" in sql or "id, text" in sql]
    assert counts.rows == len(lines)
    assert (counts.labels_without_rows, counts.ties_dropped, counts.identical_dropped) == (2, 2, 1)
    assert counts.labels == Label.objects.of_queue(work).count()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["preference", "listwise-nectar"])
def test_responses_that_say_nothing_are_left_out_and_counted_alike_without_reading_them(name):
    work = make.a_queue(kind="compare")
    for text in (" \n\u3000", "No."):
        make.a_task(work, responses=[text, "Yes."])
    annotator = make.a_member(work.project)
    for _ in range(2):
        make.a_label(annotator, work)
    counts = exporting.Counts()
    assert len(b"".join(exporting.stream(work, name, counts=counts)).splitlines()) == 1
    assert (counts.empty_dropped, counts.rows, counts.labels_without_rows) == (1, 1, 1)
    assert exporting.count(work, name) == counts
    assert exporting.count(work, "raw").rows == 2


@pytest.mark.django_db
def test_since_is_of_labels_and_refused_together_with_reviews():
    """A label accepted after the last file is in none that begins with newer labels."""
    work, (first, _second) = a_labelled_queue([RANKED, RANKED])
    for reviewed in ("accepted", "not_rejected"):
        with pytest.raises(ValidationError) as refused:
            exporting.count(work, "preference", {"reviewed": reviewed}, since=first)
        assert list(refused.value.message_dict) == ["since"]
        exporting.count(work, "preference", {"reviewed": reviewed})
    assert exporting.count(work, "preference", {"reviewed": "any"}, since=first).labels == 1


@pytest.mark.django_db
def test_only_the_newest_of_a_chain_of_amendments_is_exported():
    work, (first, second) = a_labelled_queue([RANKED, RANKED])
    amended = amend(amend(first, ALL_BAD), TIED)
    assert groups(work) == [str(second)] * PAIRS_OF_RANKED
    assert [row["label_id"] for row in exporting.rows(work, "raw")] == [str(second), str(amended)]
    live = Label.objects.of_queue(work).live().order_by("pk").values_list("pk", flat=True)
    assert list(live) == [second, amended]


@pytest.mark.django_db
def test_raw_can_tell_the_whole_history():
    work, (label,) = a_labelled_queue([RANKED])
    amendment = amend(label, TIED)
    rows = exporting.rows(work, "raw", options={"labels": "all"})
    assert [(row["label_id"], row["supersedes"]) for row in rows] == [
        (str(label), ""),
        (str(amendment), str(label)),
    ]
    assert exporting.count(work, "raw", {"labels": "all"}).rows == 2
    assert exporting.count(work, "raw").rows == 1


@pytest.mark.django_db(transaction=True)  # within one, PostgreSQL's clock stands still for leases
def test_raw_rows_say_all_of_where_a_label_comes_from_and_nobodys_name():
    work = make.a_queue()
    make.a_task(work)
    projects.publish_guideline(work.project, work.created_by, "Be fair.")
    projects.publish_guideline(work.project, work.created_by, "Be quick.")
    label = make.a_label(make.a_member(work.project), work, RANKED)
    stored = Label.objects.select_related("annotator", "task__prompt").get(pk=label)
    member = Member.objects.get(project=work.project, user=stored.annotator)
    prompt = stored.task.prompt
    Prompt.objects.filter(pk=prompt.pk).update(tags=["x", "ü"], meta={"n": [1, None]}, language="de")
    (row,) = exporting.rows(work, "raw")
    assert row["annotator"] == member.pseudonym
    assert (row["task_id"], row["queue_id"], row["queue"]) == (str(stored.task_id), str(work.pk), work.name)
    assert uuid.UUID(row["key"]) == stored.key
    assert row["created_at"] == stored.created_at.isoformat(timespec="microseconds")
    assert (row["active_seconds"], row["guideline_version"]) == (stored.active_seconds, 2)
    assert (json.loads(row["tags"]), json.loads(row["meta"]), row["language"]) == (["x", "ü"], {"n": [1, None]}, "de")
    assert [one["external_id"] for one in row["responses"]] == [
        prompt.responses.get(pk=pk).external_id for pk in stored.shown
    ]
    assert json.loads(row["payload"]) == stored.payload
    person = stored.annotator
    assert not [value for value in row.values() if person.name in str(value) or person.email in str(value)]


@pytest.mark.django_db
def test_who_has_left_keeps_one_name_that_is_not_theirs():
    work, _ = a_labelled_queue([RANKED, TIED])
    Member.objects.filter(project=work.project, role="annotator").delete()
    names = {row["annotator"] for row in exporting.rows(work, "raw")}
    assert names == {work.project.pseudonym(pk) for pk in Label.objects.values_list("annotator", flat=True)}


@pytest.mark.django_db
def test_since_gives_only_what_is_new():
    work, (first, second) = a_labelled_queue([RANKED, RANKED])
    assert groups(work, since=first) == [str(second)] * PAIRS_OF_RANKED
    assert groups(work, since=second) == []
    assert exporting.count(work, "preference", since=first).labels == 1


@pytest.mark.django_db
def test_labels_added_while_a_stream_runs_are_not_in_it_and_an_amendment_does_not_hide_what_it_began_with(monkeypatch):
    monkeypatch.setattr(reading, "FIRST_PAGE", 1)
    monkeypatch.setattr(reading, "LONGEST_PAGE", 1)
    work, labels = a_labelled_queue([RANKED] * 3)
    make.a_task(work)
    rows = exporting.rows(work, "raw")
    begun = [next(rows)]
    make.a_label(make.a_member(work.project), work, RANKED)
    amend(labels[2], TIED)
    assert [row["label_id"] for row in [*begun, *rows]] == [str(label) for label in labels]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"format_name": "stepwise"}, "format"),
        ({"format_name": "nothing"}, "format"),
        ({"format_name": "preference", "container": "csv"}, "container"),
        ({"format_name": "preference", "options": {"labels": "all"}}, "labels"),
        ({"format_name": "raw", "options": {"labels": "some"}}, "labels"),
        ({"format_name": "raw", "options": {"label": "all"}}, "label"),
    ],
)
def test_what_cannot_be_is_refused_by_field_before_the_first_byte(asked, field):
    with pytest.raises(ValidationError) as refused:
        exporting.stream(make.a_queue(), **asked)
    assert set(refused.value.message_dict) == {field}


# --- With other connections at work --------------------------------------------------------------------------------

_OPEN = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
  AND backend_type = 'client backend'
"""


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_and_no_connection_kept_between_the_pieces_of_a_stream(monkeypatch):
    monkeypatch.setattr(reading, "FIRST_PAGE", 1)
    monkeypatch.setattr(reading, "LONGEST_PAGE", 1)
    work, labels = a_labelled_queue([RANKED] * 4)
    seen = []
    for _row in exporting.rows(work, "raw"):
        assert connection.connection is None  # it went back to the pool
        seen.append(in_a_thread(open_transactions))
    assert seen == [0] * len(labels)


def open_transactions():
    with connection.cursor() as cursor:
        cursor.execute(_OPEN)
        return cursor.fetchone()[0]


def in_a_thread(act):
    found = []

    def run():
        found.append(act())
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


class Slow:
    """A label of another person, stored in a transaction that stays open until `finish`."""

    def __init__(self, work):
        self.work, self.stored, self.may_end = work, threading.Event(), threading.Event()
        self.label = None
        self.thread = threading.Thread(target=self.run)

    def run(self):
        with transaction.atomic():
            self.label = make.a_label(make.a_member(self.work.project), self.work, RANKED)
            self.stored.set()
            self.may_end.wait(10)
        connection.close()

    def __enter__(self):
        self.thread.start()
        assert self.stored.wait(10)
        return self

    def finish(self):
        self.may_end.set()
        self.thread.join()

    def __exit__(self, *_error):
        self.finish()


@pytest.mark.django_db(transaction=True)
def test_a_label_that_is_being_stored_under_a_lower_id_is_waited_for():
    work = make.a_queue(overlap=2)
    make.a_task(work)
    with Slow(work) as slow:
        later = make.a_label(make.a_member(work.project), work, RANKED)
        assert slow.label < later
        timer = threading.Timer(0.3, slow.finish)
        timer.start()
        found = groups(work)
        timer.join()
    assert found == [str(label) for label in (slow.label, later) for _ in range(PAIRS_OF_RANKED)]


@pytest.mark.django_db(transaction=True)
def test_it_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(horizons, "LONGEST_WAIT", 0.1)
    work = make.a_queue(overlap=2)
    make.a_task(work)
    with Slow(work), pytest.raises(OperationalError, match="try again"):
        exporting.stream(work, "raw")

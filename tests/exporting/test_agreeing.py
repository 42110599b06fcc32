"""What of a task's other labels rides in a label's row; and which labels are none of the work."""

import json
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotate import exporting, horizons, releasing, reviewing
from annotate.exporting import agreeing
from annotate.models import Label, Queue, Review, Task
from tests import factories as make
from tests.exporting.test_combining import a_rated_queue, better
from tests.exporting.test_streams import amend

pytestmark = pytest.mark.django_db


def told(work, name="raw", **options):
    """(raters, agreement) of each row."""
    return [(row["raters"], row["agreement"]) for row in exporting.rows(work, name, options)]


def a_fix(label: Label, payload: dict[str, Any], reviewer: Any) -> Label:
    """A reviewer's label in place of another's."""
    about = {"assignment": label.assignment, "task": label.task, "queue": label.queue, "shown": label.shown}
    fixed = Label.objects.create(
        **about, annotator=reviewer, payload=payload, fence=label.fence, body_digest=b"", supersedes=label
    )
    Review.objects.create(label=label, reviewer=reviewer, verdict="fix", fix=fixed)
    return fixed


# --- Agreement -------------------------------------------------------------------------------------------------------


def test_each_raters_row_tells_how_far_all_of_the_task_agree(monkeypatch):
    work = a_rated_queue([better("a"), better("a"), better("b")], [better("a"), better("tie")], [better("b")])
    by_task = [(3, pytest.approx(1 / 3)), (2, 0.5), (1, 1.0)]
    looked: list[int] = []
    true = agreeing.Agreeing._look

    def look(self, tasks):
        looked.extend(tasks)
        return true(self, tasks)

    monkeypatch.setattr(agreeing.Agreeing, "_look", look)
    assert told(work) == [*by_task, *by_task[:2], by_task[0]]
    assert len(looked) == 2, "a task was looked at more than once, or one that has a single place"
    assert told(work, "preference") == [*by_task, by_task[0], by_task[0]]  # without the tie
    rows = [(row["raters"], row["soft_label"]) for row in exporting.rows(work, "preference")]
    assert rows[0] == (3, 1.0), "the row is of one person alone"
    assert told(work, raters="consensus") == by_task


def test_rejected_labels_teach_nobody_unless_they_are_asked_for():
    work = a_rated_queue([better("a"), better("a"), better("b")], [better("b")])
    first, other, _third, rejected = Label.objects.order_by("pk")
    reviewer = work.created_by
    reviewing.review(reviewer, rejected, "reject", "guessed")
    Review.objects.create(label=other, reviewer=reviewer, verdict="reject", reason="on trial", trial=True)
    for name, rows, left_out in (("preference", 3, 1), ("raw", 4, 0), ("prompts", 2, 1)):
        counts = exporting.count(work, name)
        assert (counts.rows, counts.rejected_left_out) == (rows, left_out), name
    assert told(work, "preference") == [(2, 1.0), (1, 1.0), (2, 1.0)]  # its task without it
    for reviewed, rows, left_out in (("any", 4, 0), ("not_rejected", 3, 1), ("usual", 3, 1)):
        counts = exporting.count(work, "preference", {"reviewed": reviewed})
        assert (counts.rows, counts.rejected_left_out) == (rows, left_out), reviewed
    assert exporting.count(work, "raw", {"reviewed": "not_rejected"}).rejected_left_out == 1
    assert exporting.count(work, "preference", since=first.pk).rows == 2
    asked = exporting.ask(work, "preference")
    Review.objects.create(label=rejected, reviewer=reviewer, verdict="accept")
    counts = exporting.count(work, "preference")
    assert (counts.rows, counts.rejected_left_out) == (4, 0), "what was accepted since is there again"
    assert exporting.rejected_left_out(asked) == 1 == 4 - len(list(exporting.examples(asked, exporting.Counts())))


def test_where_nothing_was_rejected_no_label_is_asked_for_its_review_nor_are_those_of_other_queues():
    work, other = a_rated_queue([better("a"), better("a")]), a_rated_queue([better("b")])
    reviewing.review(other.created_by, Label.objects.get(queue=other), "reject", "guessed")
    with CaptureQueriesContext(connection) as asked:
        assert len(list(exporting.stream(work, "preference"))) > 0
    reading = [one["sql"] for one in asked if "annotate_label" in one["sql"]]
    assert reading and not any("annotate_review" in sql for sql in reading)


def test_queues_with_rejected_labels_of_before_say_so_themselves():
    rejected, accepted, _fresh = works = [a_rated_queue([better("a")]) for _ in range(3)]
    for work, verdict in ((rejected, "reject"), (accepted, "accept")):
        label = Label.objects.get(queue=work)
        Review.objects.create(label=label, reviewer=work.created_by, verdict=verdict, reason="so")
    assert exporting.count(rejected, "preference").rows == 1
    with connection.cursor() as cursor:
        cursor.execute(import_module("annotate.migrations.0005_labels_you_can_trust").NOTE_REJECTIONS)
    assert [exporting.count(work, "preference").rows for work in works] == [0, 1, 1]
    assert list(Queue.objects.filter(has_rejected=True)) == [rejected]


def test_what_was_asked_before_the_first_rejection_stays_the_same_file_after_it():
    work = a_rated_queue([better("a")])
    before = exporting.ask(work, "preference")
    reviewing.review(work.created_by, Label.objects.get(), "reject", "guessed")
    horizons_then = before.label_horizon, before.review_horizon
    again = exporting.ask(work, "preference", {}, 0, *horizons_then)
    files = [b"".join(exporting.written(asked)) for asked in (before, again)]
    assert files[0] == files[1] and files[0].count(b"\n") == 1
    assert exporting.rejected_left_out(again) == 0 and exporting.count(work, "preference").rows == 0


def test_only_short_answers_are_kept_for_the_next_task_that_got_the_same():
    work = make.a_queue(kind="write", overlap=2)
    for text in ("word ", "words " * 100):
        task = make.a_task(work).pk
        for _ in range(2):
            make.a_label(make.a_member(work.project), work, {"text": text, "comment": ""})
        ours = agreeing.Agreeing(work.way, {"horizon": Label.objects.latest("pk").pk, "reviews": 0}, "any")
        assert ours.of({task}) == {task: (2, 1.0)}
        assert ours._remembered.cache_info().currsize == (text == "word ")


def test_it_is_of_the_labels_that_stand_and_are_wanted():
    work = a_rated_queue([better("a"), better("a"), better("b")])
    newest = Label.objects.latest("pk")
    Review.objects.create(label=newest, reviewer=work.created_by, verdict="reject", reason="guessed")
    assert told(work) == [(3, pytest.approx(1 / 3))] * 3
    assert told(work, reviewed="not_rejected") == [(2, 1.0)] * 2
    before = horizons.of_labels(work)
    wins = {"a": "b", "b": "a"}[newest.payload["winner"]]
    amend(newest.pk, newest.payload | {"winner": wins})
    assert told(work) == [(3, 1.0)] * 3
    asked = exporting.ask(work, "raw", {}, label_horizon=before)
    names = asked.format.schema.names
    rows = [dict(zip(names, one.row, strict=True)) for one in exporting.examples(asked, exporting.Counts())]
    assert [row["raters"] for row in rows] == [3] * 3 and rows[0]["agreement"] == pytest.approx(1 / 3)


def test_formats_without_the_columns_have_them_on_request():
    work = make.a_queue(kind="write", overlap=2)
    make.a_task(work)
    for text in ("one two", "one two three four"):
        make.a_label(make.a_member(work.project), work, {"text": text, "comment": ""})
    for name in ("sft-messages", "alpaca", "prompts"):
        plain, more = exporting.get(name).schema.names, next(exporting.rows(work, name, {"agreement": True}))
        assert list(more) == [*plain, "raters", "agreement"] and more["raters"] == 2 and 0 < more["agreement"] < 1
        assert list(next(exporting.rows(work, name))) == plain
    together = next(exporting.rows(work, "sft-messages", {"agreement": True, "raters": "consensus"}), None)
    assert together is None, "two texts have none in their middle"
    work = a_rated_queue([better("a"), better("a")])
    (row,) = exporting.rows(work, "preference", {"raters": "majority", "agreement": True})
    assert list(row)[-1] == "certainty" and row["certainty"] == 0.875
    file = b"".join(exporting.stream(work, "preference-openai", {"raters": "majority"}))
    assert json.loads(file).keys() == {"input", "preferred_output", "non_preferred_output"}


# --- Checks and fixes ------------------------------------------------------------------------------------------------


def test_labels_of_checks_are_left_out_and_counted_but_not_of_raw():
    work = a_rated_queue([better("a"), better("a")], [better("a")], [better("b")], [better("b")])
    _plain, gold, attention, repeat = Task.objects.order_by("pk")
    for task, role in ((gold, "gold"), (attention, "attention"), (repeat, "repeat")):
        Task.objects.filter(pk=task.pk).update(role=role)
    counts = exporting.Counts()
    lines = b"".join(exporting.stream(work, "preference", counts=counts)).splitlines()
    assert len(lines) == 2 == counts.rows and counts.checks_left_out == 3 == len(Label.objects.all()) - counts.labels
    assert exporting.count(work, "preference") == counts
    assert exporting.count(work, "preference", {"raters": "majority"}).rows == 1
    assert exporting.count(work, "preference", {"checks": "included"}).rows == 5
    assert exporting.count(work, "preference", {"checks": "included"}).checks_left_out == 0
    rows = list(exporting.rows(work, "raw"))
    assert [row["role"] for row in rows] == ["work", "gold", "attention", "repeat", "work"]
    amend(Label.objects.get(task=gold).pk, {"winner": "tie", "comment": ""})
    assert exporting.count(work, "preference").checks_left_out == 3, "an amended label was counted too"


def test_a_release_keeps_to_the_checks_of_its_day(settings, tmp_path):
    settings.MEDIA_ROOT, settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "media", tmp_path
    work = a_rated_queue([better("a")], [better("b")])
    first, second = Task.objects.order_by("pk")
    Task.objects.filter(pk=first.pk).update(role="gold")
    release = releasing.run_now(work, work.created_by, [{"format": "preference"}, {"format": "raw"}])
    Task.objects.filter(pk=first.pk).update(role="work")
    Task.objects.filter(pk=second.pk).update(role="gold")
    labels = release.manifest["labels"]
    assert (labels["count"], labels["of_check_tasks"], labels["fixed_by_reviewers"]) == (1, 1, 0)
    again = releasing.freezing.parts(release)
    rows = {part.folder: list(exporting.examples(part.ask, exporting.Counts())) for part in again}
    assert len(rows["preference"]) == 1 and len(rows["raw"]) == 2
    names = again[1].ask.format.schema.names
    assert [row.row[names.index("role")] for row in rows["raw"]] == ["gold", "work"]


def test_a_fix_is_the_reviewers_and_counts_as_accepted_unless_it_is_rejected():
    work = a_rated_queue([better("a"), better("b")])
    first, second = Label.objects.order_by("pk")
    reviewer = make.a_member(work.project)
    Review.objects.create(label=second, reviewer=reviewer, verdict="accept", trial=True)
    assert exporting.count(work, "raw", {"reviewed": "accepted"}).rows == 0, "a trial says nothing of the label"
    fixed = a_fix(first, {"winner": "tie", "comment": ""}, reviewer)
    (row,) = exporting.rows(work, "raw", {"reviewed": "accepted"})
    assert (row["label_id"], row["fixed"], row["supersedes"]) == (str(fixed.pk), True, str(first.pk))
    assert row["annotator"] == work.project.pseudonym(reviewer.pk)
    assert [one["fixed"] for one in exporting.rows(work, "raw")] == [False, True]
    Review.objects.create(label=fixed, reviewer=work.created_by, verdict="reject", reason="no")
    assert exporting.count(work, "raw", {"reviewed": "accepted"}).rows == 0
    assert exporting.count(work, "raw", {"reviewed": "not_rejected"}).rows == 1

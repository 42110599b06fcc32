"""Reports: made once, at once or by a worker, kept until something changes, and ended whatever happens."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Any

import celery
import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from annotate import horizons, jobs, tasks
from annotate.models import Label, Report, Review, Role, Segment, Task
from annotate.quality import columns, reports, staleness
from annotate.quality.reports import Maker, Subject
from config import settings as everywhere
from tests import factories

HERE = "tests.quality.test_reports"


class Counted(Maker):
    """How many labels there are."""

    name = "counted"

    def options(self, subject):
        return {"rules": subject.queue.rules} if subject.queue else {}

    def make(self, subject, horizon, review_horizon, tell):
        counts = [len(columns.load(one, horizon).label) for one in subject.queues()]
        tell(0.5)
        return {"labels": sum(counts), "reviews_to": review_horizon}


class Large(Counted):
    name = "large"
    at_once = 0


class Broken(Maker):
    """Ends with whatever is put into `error`; once only, if it is told so."""

    name = "broken"
    error: Exception | None = None

    def make(self, subject, horizon, review_horizon, tell):
        if Broken.error:
            raise Broken.error
        return {"share": float("nan")}


@pytest.fixture(autouse=True)
def makers(settings):
    settings.REPORTS = {one.name: f"{HERE}.{one.__name__}" for one in (Counted, Large, Broken)}
    Broken.error = None


@pytest.fixture
def sent(monkeypatch):
    """What workers were told to do."""
    found: list[Any] = []
    monkeypatch.setattr(celery.current_app, "send_task", lambda name, given, **options: found.append((name, given)))
    return found


def a_labelled_queue():
    work = factories.a_queue(kind="compare", overlap=3)
    factories.a_task(work)
    label = Label.objects.get(pk=factories.a_label(factories.a_member(work.project), work))
    return work, work.created_by, Subject.of_queue(work), label


@pytest.mark.django_db
def test_a_small_one_is_made_while_somebody_waits(sent):
    _work, user, subject, label = a_labelled_queue()
    shown = reports.show("counted", subject, user)
    assert shown.result == {"labels": 1, "reviews_to": 0}
    assert (shown.stale, shown.newer, shown.failed, sent) == (False, None, None, [])
    report = shown.report
    assert report is not None and report == reports.newest("counted", subject)
    assert (report.state, report.progress, report.label_horizon) == ("done", 1.0, label.pk)
    assert report.seconds > 0 and report.options == {"rules": {}, "checks": [0, 0]}
    assert reports.show("counted", subject, user).report == report  # nothing changed


@pytest.mark.django_db
def test_a_large_one_is_a_workers_and_the_one_before_is_shown(sent, django_capture_on_commit_callbacks):
    work, user, subject, _label = a_labelled_queue()
    with django_capture_on_commit_callbacks(execute=True):
        shown = reports.show("large", subject, user)
    assert shown.report is None and shown.stale and shown.result == {}
    assert shown.newer is not None and shown.newer.state == "queued"
    assert sent == [(reports.TASK, [shown.newer.pk])]
    assert reports.refresh("large", subject, user) == shown.newer
    tasks.run_report(shown.newer.pk)
    first = reports.show("large", subject, user)
    assert first.result["labels"] == 1 and not first.stale and first.newer is None
    factories.a_label(factories.a_member(work.project), work)
    second = reports.show("large", subject, user)
    assert second.report == first.report and second.stale and second.newer is not None
    tasks.run_report(second.newer.pk)
    assert reports.show("large", subject, user).result["labels"] == 2


@pytest.mark.django_db
def test_it_is_stale_when_something_it_rests_on_changed(monkeypatch):
    work, user, subject, label = a_labelled_queue()

    def made_anew():
        before = reports.newest("counted", subject)
        found = reports.show("counted", subject, user).report
        assert found is not None
        return found != before

    assert made_anew() and not made_anew()
    reviewer = factories.a_member(work.project, role=Role.REVIEWER)
    Review.objects.create(label=label, reviewer=reviewer, verdict="accept")
    assert made_anew() and not made_anew()
    work.rules = {"gold_rate": 0.1}
    work.save()
    assert made_anew() and not made_anew()
    factories.a_task(work, role=Task.Role.REPEAT, repeats=label.task)
    assert not made_anew()
    factories.a_task(work, role=Task.Role.GOLD)
    assert made_anew() and not made_anew()
    monkeypatch.setattr(Counted, "rules", 2)
    assert made_anew() and not made_anew()
    elsewhere, *_others = a_labelled_queue()
    other = Label.objects.get(queue=elsewhere)
    Review.objects.create(label=other, reviewer=reviewer, verdict="accept")
    assert not made_anew()


@pytest.mark.django_db
def test_what_grades_a_reviewer_alone_makes_no_report_stale():
    work, user, subject, label = a_labelled_queue()
    reports.show("counted", subject, user)
    reviewer = factories.a_member(work.project, role=Role.REVIEWER)
    Review.objects.create(label=label, reviewer=reviewer, verdict="accept", trial=True)
    assert not reports.look("counted", subject).stale


@pytest.mark.django_db
def test_of_a_quiet_queue_the_reviews_of_all_others_are_not_read_again_and_again(monkeypatch):
    monkeypatch.setattr(staleness, "FAR", 3)
    work, user, subject, label = a_labelled_queue()
    reviewer = factories.a_member(work.project, role=Role.REVIEWER)

    def horizon():
        assert not reports.show("counted", subject, user).stale
        report = reports.newest("counted", subject)
        assert report is not None
        return report.review_horizon

    def reviewed(one):
        return Review.objects.create(label=one, reviewer=reviewer, verdict="accept").pk

    reviewed(label)
    begun = horizon()
    elsewhere, *_others = a_labelled_queue()
    other = Label.objects.get(queue=elsewhere)
    reviewed(other)
    assert horizon() == begun, "not yet far"
    last = [reviewed(other) for _ in range(5)][-1]
    assert horizon() == last
    own = reviewed(label)
    assert reports.look("counted", subject).stale
    assert horizon() == own


@pytest.mark.django_db(transaction=True)
def test_a_report_is_not_said_to_be_of_reviews_that_are_not_in_sight(monkeypatch):
    """Another transaction may have taken a lower id: what it says would be missed."""
    monkeypatch.setattr(staleness, "FAR", 0)
    work, user, subject, label = a_labelled_queue()
    elsewhere, *_others = a_labelled_queue()
    other = Label.objects.get(queue=elsewhere)
    reviewer = factories.a_member(work.project, role=Role.REVIEWER)
    reports.show("counted", subject, user)
    stored, over = threading.Event(), threading.Event()

    def store():
        try:
            with transaction.atomic():
                Review.objects.create(label=label, reviewer=reviewer, verdict="accept")
                stored.set()
                over.wait(10)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        storing = pool.submit(store)
        stored.wait(10)
        Review.objects.create(label=other, reviewer=reviewer, verdict="accept")
        assert not reports.look("counted", subject).stale
        over.set()
        storing.result()
    assert reports.look("counted", subject).stale


@pytest.mark.django_db
def test_a_project_is_all_of_its_queues_and_a_release_does_not_change():
    work, user, subject, label = a_labelled_queue()
    other = factories.a_queue(work.project, kind="rank")
    factories.a_task(other)
    project = Subject(work.project)
    assert reports.show("counted", project, user).result["labels"] == 1
    factories.a_label(factories.a_member(work.project), other)
    assert reports.show("counted", project, user).result["labels"] == 2
    release = factories.a_release(work)
    release.label_horizon = label.pk
    release.save()
    frozen = Subject.of_release(release)
    first = reports.show("counted", frozen, user)
    factories.a_label(factories.a_member(work.project), work)
    assert reports.show("counted", frozen, user).report == first.report
    assert first.result["labels"] == 1
    assert reports.newest("counted", subject) is None  # each has its own


@pytest.mark.django_db
def test_only_the_newest_few_are_kept():
    _work, user, subject, _label = a_labelled_queue()
    made = [reports.refresh("counted", subject, user).pk for _nth in range(reports.KEPT + 2)]
    other = reports.refresh("counted", Subject(subject.project), user).pk
    assert list(Report.objects.order_by("pk").values_list("pk", flat=True)) == [*made[2:], other]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValidationError("Nothing was compared yet."), "Nothing was compared yet."),
        (ZeroDivisionError("secret"), "ZeroDivisionError"),
        (None, "ValueError"),  # a figure that is no number
    ],
)
def test_what_breaks_fails_with_a_reason_and_is_not_tried_again_in_vain(error, reason):
    work, user, subject, _label = a_labelled_queue()
    Broken.error = error
    shown = reports.show("broken", subject, user)
    assert shown.report is None and shown.stale and shown.newer is None
    assert shown.failed is not None and shown.failed.state == "failed"
    assert reason in shown.failed.error and "secret" not in shown.failed.error
    assert reports.show("broken", subject, user).failed == shown.failed
    factories.a_label(factories.a_member(work.project), work)
    assert reports.show("broken", subject, user).failed != shown.failed
    assert reports.refresh("broken", subject, user).state == "failed"


@pytest.mark.django_db
def test_the_databases_trouble_leaves_it_for_the_next_worker(sent):
    _work, user, subject, _label = a_labelled_queue()
    Broken.error = OperationalError("the connection is lost")
    shown = reports.show("broken", subject, user)
    assert shown.failed is None and shown.newer is not None and shown.newer.state == "queued"
    tasks.sweep()
    assert (reports.TASK, [shown.newer.pk]) in sent
    for _nth in range(reports.MOST_ATTEMPTS):
        reports.run(shown.newer.pk)
    failed = reports.show("broken", subject, user).failed
    assert failed is not None and "5 workers tried" in failed.error


@pytest.mark.django_db
def test_a_dead_workers_report_is_the_next_ones_and_the_dead_one_changes_nothing():
    _work, user, subject, _label = a_labelled_queue()
    report = reports.refresh("large", subject, user)
    dead = jobs.take(Report, report.pk)
    assert dead is not None
    reports.run(report.pk)
    report.refresh_from_db()
    assert (report.state, report.attempt) == ("running", 1)  # it is the other's still
    Report.objects.filter(pk=report.pk).update(beat_at=Now() - timedelta(minutes=2))
    reports.run(report.pk)
    report.refresh_from_db()
    assert (report.state, report.attempt, report.result["labels"]) == ("done", 2, 1)
    with pytest.raises(jobs.Taken):
        reports._work(dead)
    report.refresh_from_db()
    assert (report.state, report.attempt) == ("done", 2)


@pytest.mark.django_db
def test_one_that_is_cancelled_meanwhile_stays_so(monkeypatch):
    _work, user, subject, _label = a_labelled_queue()

    def cancelled(maker, subject, horizon, review_horizon, tell):
        assert jobs.cancel(Report.objects.get(name="large"))
        return {}

    monkeypatch.setattr(Large, "make", cancelled)
    report = reports.refresh("large", subject, user)
    reports.run(report.pk)
    report.refresh_from_db()
    assert (report.state, report.result) == ("cancelled", {})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["counted", "large"])
def test_many_who_ask_at_once_begin_one(name, sent):
    _work, user, subject, _label = a_labelled_queue()
    together = threading.Barrier(4)

    def ask(_nth):
        try:
            together.wait()
            return reports.refresh(name, subject, user).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(ask, range(4)))
    if name == "large":
        assert len(made) == len(sent) == 1
    under_way = Report.objects.filter(state__in=["queued", "running"])
    assert under_way.count() == (name == "large")


@pytest.mark.django_db(transaction=True)
def test_while_labels_are_stored_for_long_it_waits_for_a_worker(monkeypatch, sent):
    work, user, subject, _label = a_labelled_queue()
    monkeypatch.setattr(horizons, "LONGEST_WAIT", 0.05)
    stored, over = threading.Event(), threading.Event()

    def store():
        try:
            with transaction.atomic():
                factories.a_label(factories.a_member(work.project), work)
                stored.set()
                over.wait(10)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        storing = pool.submit(store)
        stored.wait(10)
        shown = reports.show("counted", subject, user)
        over.set()
        storing.result()
    assert shown.report is None and shown.newer is not None and shown.newer.state == "queued"
    reports.run(shown.newer.pk)
    assert reports.show("counted", subject, user).result["labels"] == 2


@pytest.mark.django_db
def test_all_that_was_computed_can_be_thrown_away_and_is_the_same_again():
    work, user, subject, _label = a_labelled_queue()
    other = factories.a_queue(work.project)
    whole = reports.show("counted", Subject(work.project), user).report
    own = reports.show("counted", subject, user).report
    assert whole is not None and own is not None
    before = Segment.objects.get(queue=work)
    said = StringIO()
    call_command("recompute_quality", project=work.project.slug, stdout=said)
    assert "counted" in said.getvalue() and "2 reports" in said.getvalue()
    assert not Report.objects.filter(pk__in=[whole.pk, own.pk]).exists()
    after = reports.newest("counted", subject)
    assert after is not None and after.result == own.result
    again = Segment.objects.get(queue=work)
    assert again.pk != before.pk and bytes(again.data) == bytes(before.data)
    call_command("recompute_quality", queue=work.pk, stdout=said)
    assert reports.newest("counted", Subject(work.project)) is not None  # the project's own stays
    newest = reports.newest("counted", subject)
    assert newest is not None and newest.pk > after.pk
    call_command("recompute_quality", queue=other.pk, stdout=said)
    for wrong in ({"queue": 0}, {"project": "nowhere"}, {}):
        with pytest.raises(CommandError):
            call_command("recompute_quality", **wrong)


@pytest.mark.parametrize(("name", "path"), everywhere.REPORTS.items())
def test_every_maker_has_the_name_it_is_asked_for_by(name, path):
    pytest.importorskip(path.rpartition(".")[0])
    assert import_string(path).name == name

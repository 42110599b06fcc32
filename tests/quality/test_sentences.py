"""What figures say of themselves is true, also where there is little data, or all of it says the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection, transaction
from django.urls import reverse

from annotate import places, queue, reviewing, running
from annotate.models import Queue, Report, Task, User
from annotate.quality import making, reports, saying
from annotate.quality.reports import Subject
from rankings.boards import telling
from tests import factories as make
from tests.pages.desk import client_of
from tests.quality.bench import a_bench, written
from tests.quality.test_boards import compared, the_board
from tests.quality.test_learning_release import a_compared_queue, released

pytestmark = pytest.mark.django_db


def judged(payloads: list[dict[str, Any]], kind: str = "compare", people: int = 2, **fields: Any) -> Queue:
    """A task for each payload, which all people give."""
    work = make.a_queue(kind=kind, overlap=people, **fields)
    for _ in payloads:
        make.a_task(work)
    for person in [make.a_member(work.project) for _ in range(people)]:
        for payload in payloads:
            make.a_label(person, work, payload)
    return work


def figures(work: Queue, name: str = "quality", who: User | None = None, **asked: str) -> dict[str, str]:
    """The sentence of each figure of a page, by name."""
    args = [work.pk, *([work.project.pseudonym(who.pk)] if who else [])]
    page = client_of(work.created_by).get(reverse(name, args=args), asked)
    return {one.name: str(one.sentence).replace("\u00a0", " ") for one in page.context["figures"]}


# --- Agreement -------------------------------------------------------------------------------------------------------


def test_where_all_say_the_same_it_is_not_for_want_of_tasks() -> None:
    work = judged([{"winner": "tie", "comment": ""}] * 15, options={"strength": False, "tie": True})
    said = figures(work)
    assert said["alpha"].startswith("All answers are the same") and "needs" not in said["alpha"]
    assert said["percent"].endswith("Answers given by chance would in 100 %. So it is no more than by chance.")


def test_texts_need_a_task_more_to_tell_what_chance_makes() -> None:
    work = judged([{"text": f"Text number {nth} of some words.", "comment": ""} for nth in range(10)], kind="write")
    assert "at least 11 tasks" in figures(work)["alpha"] and "there are 10." in figures(work)["alpha"]


def test_what_was_not_asked_then_has_no_tasks_to_compare() -> None:
    """A scale was added after the labels."""
    work = make.a_queue(kind="rate")
    measure = {
        "name": "scores.truth", "level": "ordinal", "compared": 0, "chance": None,
        "percent": [None] * 3 + [0], "alpha": [None] * 3 + [0], "kappa": [None] * 3 + [0],
    }  # fmt: skip
    result = {"shared_labels": 30, "shared_tasks": 15, "agreed": {}, "measures": [measure]}
    percent, alpha = saying.of_queue(work, result, measure)
    assert "at least 5 tasks" in str(percent.sentence) and "there are 0." in str(percent.sentence)
    assert "at least 10 tasks" in str(alpha.sentence) and "there are 0." in str(alpha.sentence)


def test_whoever_gave_only_further_labels_is_compared_on_no_task() -> None:
    work = judged([{"winner": "a", "comment": ""}] * 6, options={"strength": False})
    work.rules = {"most_labels": 5}
    work.save()
    places.add_places(work, list(work.tasks.values_list("pk", flat=True)))
    late = make.a_member(work.project)
    for _ in range(6):
        make.a_label(late, work, {"winner": "b", "comment": ""})
    assert "needs at least 5 tasks" in (said := figures(work, "quality-annotator", late)["percent"])
    assert said.endswith("there are 0.")


def two_measures() -> Queue:
    """Six tasks with scores by two people, for two things each."""
    options = running.checked_options("rate", {"axes": "help: 1-5\ntruth: 1-5"})
    work = make.a_queue(kind="rate", overlap=2, options=options)
    for _ in range(6):
        make.a_task(work, responses=["Yes."])
    for person in (make.a_member(work.project), make.a_member(work.project)):
        for nth in range(6):
            make.a_label(person, work, {"scores": {"a": {"help": 1 + nth % 3, "truth": 2}}, "comment": ""})
    return work


def test_tasks_are_told_of_what_is_asked_first_alone() -> None:
    work = two_measures()
    report = reports.show("quality", Subject.of_queue(work), work.created_by)
    _chief, other, *_rest = (one["name"] for one in report.result["measures"])
    client, address = client_of(work.created_by), reverse("quality", args=[work.pk])
    assert "unanimous" in figures(work) and "unanimous" not in figures(work, measure=other)
    assert client.get(address).context["spread"] and not client.get(address, {"measure": other}).context["spread"]
    table = client.get(reverse("quality-file", args=[work.pk]), {"table": "tasks", "measure": other})
    assert b"".join(table).decode().splitlines()[0] == "measure,task,agreement"


# --- Cost ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.0, 18.0])
def test_what_a_label_and_a_task_cost_has_a_sentence_whatever_the_price(rate: float) -> None:
    bench = a_bench()
    for nth in range(12):
        label = bench.label(payload=written(f"Answer {nth}."))
        bench.amend(label, written(f"Another answer {nth}."))
    bench.rules(hourly_rate=rate)
    said = figures(bench.work, "cost")
    assert said["cost_per_label"] == "The mean of the labels with their time."
    assert said["cost_per_task"] == "All of its labels so far together."


def test_a_forecast_is_made_anew_when_what_is_left_changes() -> None:
    bench = a_bench()
    bench.label()
    bench.tasks(3)
    subject, work = Subject.of_queue(bench.work), bench.work

    def stale() -> bool:
        work.refresh_from_db()
        before = reports.look("cost", Subject.of_queue(work)).stale
        reports.show("cost", Subject.of_queue(work), work.created_by)
        return before

    assert stale() and not stale()
    bench.rules(most_labels=3)
    assert stale() and not stale()
    bench.rules(most_labels=3, extra_budget=5)
    assert stale() and not stale()
    Queue.objects.filter(pk=work.pk).update(extra_places=2)
    assert stale() and not stale()
    queue.settle(work.tasks.latest("pk"), Task.State.CLOSED)
    assert stale() and not stale()
    assert reports.newest("cost", subject).result["forecast"]["places"] == 2


# --- Releases, boards, and a database that ends sessions -------------------------------------------------------------


def test_a_release_stays_as_it_is_when_a_task_becomes_a_check() -> None:
    work = a_compared_queue(3)
    release = released(work)
    subject = Subject.of_release(release)
    begun = reports.refresh("learnability", subject, work.created_by, by_worker=True)
    made_by = reports.maker("learnability")
    (options,) = reports._options(made_by, [subject])
    Report.objects.filter(pk=begun.pk).update(state="done", rules=made_by.rules, options=options)
    assert not reports.look("learnability", subject).stale
    Task.objects.filter(pk=work.tasks.earliest("pk").pk).update(role="gold")
    assert not reports.look("learnability", subject).stale


def test_models_between_which_all_went_one_way_are_not_said_to_have_always_won() -> None:
    work = make.a_queue(kind="compare", options={"strength": False, "tie": True})
    for models in (["a", "b"], ["b", "a"], ["a", "c"], ["b", "c"], ["c", "d"], ["d", "c"], ["c", "e"], ["d", "e"]):
        compared(work, models, 0)
    (told,) = [one.text for one in telling.notes(the_board(work)) if "one way" in one.text]
    assert told.startswith("Comparisons between some of these only ever went one way")
    assert sorted(re.findall("“(.)”", told)) == list("abcde")


def test_a_model_that_met_nobody_is_not_said_to_have_been_compared() -> None:
    board = {"models": [
        {"model": "a", "group": 0, "low": None, "high": None}, {"model": "b", "group": 1, "low": None, "high": None},
    ]}  # fmt: skip
    assert telling._open(board) is None


def ended_for_idling(*_given: Any) -> Any:
    """What the driver says of a session that held a transaction too long."""
    with connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'terminating connection' USING ERRCODE = '25P03'; END $$")


def test_a_report_whose_session_was_ended_is_left_for_the_next_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = a_bench()
    bench.label()

    def make_of(*given: Any) -> Any:
        with transaction.atomic():
            ended_for_idling()

    monkeypatch.setattr(making.Quality, "make_of", make_of)
    report = reports.refresh("quality", Subject.of_queue(bench.work), bench.work.created_by)
    assert (report.state, report.error) == ("queued", "")


def test_a_sweep_goes_on_with_other_queues_when_a_session_was_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, other = a_bench(), a_bench()
    looked: list[int] = []

    def fill(work: Queue) -> bool:
        looked.append(work.pk)
        with transaction.atomic():
            ended_for_idling()
        return False

    for one in (bench, other):
        one.rules(review_rate=1.0)
        one.label()
    monkeypatch.setattr(reviewing.turns, "fill", fill)
    reviewing.fill_all()
    assert len(looked) == 2

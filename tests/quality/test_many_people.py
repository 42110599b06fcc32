"""Pages and answers of queues with many people, and of tasks with many labels: short, and made with few statements."""

import html
import json
import re
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from annotate import reviewing
from annotate.kinds import several
from annotate.models import Assignment, Label, OutsideAnnotator, Report, Task, User, WorkerBeat
from annotate.quality import reports, telling
from annotate.quality.reports import Subject
from tests.api.callers import Caller
from tests.pages.desk import client_of
from tests.quality.bench import Bench, a_bench, written

pytestmark = pytest.mark.django_db


def people(bench: Bench, count: int) -> list[User]:
    """People from a file, who need no memberships."""
    project, before = bench.work.project, OutsideAnnotator.objects.count()
    users = User.objects.bulk_create(
        User(email=f"{uuid.uuid4()}@example.org", name=f"Rater {before + nth}", password="!") for nth in range(count)
    )
    OutsideAnnotator.objects.bulk_create(OutsideAnnotator(project=project, user=one, name=one.name) for one in users)
    return users


# --- Many labels of one task -----------------------------------------------------------------------------------------


def crowded(bench: Bench, count: int) -> Task:
    """A task with so many labels, each with another answer."""
    first = bench.label()
    task = first.task
    Task.objects.filter(pk=task.pk).update(places=count)
    for nth, person in enumerate(people(bench, count - 1), 2):
        place = Assignment.objects.create(
            task=task, queue=bench.work, slot=nth, position=0, state="done", annotator=person
        )
        Label.objects.create(
            assignment=place, task=task, queue=bench.work, annotator=person, payload=written(f"Text {nth}"),
            shown=first.shown, body_digest=b"", fence=1, active_seconds=1,
        )  # fmt: skip
    return task


def side_by_side(bench: Bench, task: Task) -> tuple[Any, int]:
    """The page, and how many statements it took."""
    client = client_of(bench.rita)
    with CaptureQueriesContext(connection) as made:
        answer = client.get(reverse("adjudicate", args=[task.pk]))
    return answer, len(made)


def test_side_by_side_shows_the_first_and_leads_to_all() -> None:
    bench = a_bench()
    few, many = crowded(bench, 3), crowded(bench, 60)
    _answer, statements = side_by_side(bench, few)
    answer, more = side_by_side(bench, many)
    assert more == statements
    assert len(answer.context["columns"]) == 24 and "The first 24 of 60 answers" in answer.content.decode()
    listed = client_of(bench.rita).get(answer.context["all_answers"])
    assert listed.context["counted"] == (60, True)
    numbers = {nth for column in answer.context["columns"] for _percent, others in column.apart for nth in others}
    assert numbers <= {*range(1, 25)}, "nobody is compared with an answer that isn't there"
    keys = re.findall(r"<kbd>(\d+)</kbd>", answer.content.decode())
    assert keys == [str(nth) for nth in range(1, 10)], "a number of two digits is no key"


def test_of_many_labels_so_many_pairs_are_compared() -> None:
    bench = a_bench()
    task = crowded(bench, 60)
    labels = list(Label.objects.filter(task=task).select_related("queue").order_by("pk"))
    found = reviewing.among(task, labels)
    assert len(found.pairs) <= several.MOST_PAIRS
    assert all(one < other for one, other in found.pairs)
    assert {pk for pair in found.pairs for pk in pair} == {one.pk for one in labels}


# --- Many people in one queue ----------------------------------------------------------------------------------------


def reported(bench: Bench, name: str, count: int) -> None:
    """A report of the queue in which so many people have given labels."""
    for nth in range(3):
        bench.label(payload={"winner": "a", "strength": 1, "comment": str(nth)})
    report = reports.refresh(name, Subject.of_queue(bench.work), bench.work.created_by)
    users, result = people(bench, count), report.result
    key = "annotator" if name == "bias" else "who"
    result["people"] = [result["people"][0] | {key: one.pk} for one in users]
    nothing = [0.7, 0.6, 0.8, 30]
    for measure in result.get("measures", []):
        measure["annotators"] = [
            {"who": one.pk, "labels": 3, "percent": nothing, "kappa": nothing, "time": []} for one in users
        ]
    Report.objects.filter(pk=report.pk).update(result=result)


@pytest.mark.parametrize(("name", "address"), [("quality", "quality"), ("cost", "cost"), ("bias", "queue-bias")])
def test_a_page_and_an_answer_have_room_for_so_many(name: str, address: str) -> None:
    bench = a_bench(kind="compare")
    reported(bench, name, telling.IN_ANSWER + 20)
    page = client_of(bench.work.created_by).get(reverse(address, args=[bench.work.pk]))
    text = html.unescape(page.content.decode())
    assert "Those with most labels; 420 further people are in the file." in text
    assert len({*re.findall(r"Rater (\d+),", text)}) == telling.ON_PAGE
    told = Caller(bench.work.created_by).get(f"/queues/{bench.work.pk}/{name}").json()
    assert (told["annotators"], len(told["people"])) == (telling.IN_ANSWER + 20, telling.IN_ANSWER)
    assert all(len(one["annotators"]) == telling.IN_ANSWER for one in told.get("measures", []))


def test_the_file_has_everybody() -> None:
    bench = a_bench(kind="compare")
    reported(bench, "quality", 120)
    address = reverse("quality-file", args=[bench.work.pk]) + "?table=annotators"
    answer: Any = client_of(bench.work.created_by).get(address)
    assert len(b"".join(answer.streaming_content).splitlines()) == 121


# --- What programs are told of a report ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["quality", "cost", "bias", "board"])
def test_whoever_has_a_report_made_is_told_how_far_it_is(name: str) -> None:
    bench = a_bench(kind="compare")
    api, path = Caller(bench.work.created_by), f"/queues/{bench.work.pk}/{name}"
    assert api.get(path).json()["state"] == "missing"
    report = reports.refresh(name, Subject.of_queue(bench.work), bench.work.created_by, by_worker=True)
    begun = api.post(path)
    assert begun.headers["Location"].endswith(f"/api/v1{path}")
    assert begun.json()["state"] == "queued" and begun.json()["worker_alive"] is False
    reports.run(report.pk)
    assert api.get(path).json()["state"] == "done"
    assert json.loads(begun.content).keys() == api.get(path).json().keys()


@pytest.mark.parametrize(("name", "address"), [("quality", "quality"), ("cost", "cost")])
def test_a_page_that_waits_for_a_worker_says_when_there_is_none(name: str, address: str) -> None:
    bench = a_bench()
    bench.label()
    client, where = client_of(bench.work.created_by), reverse(address, args=[bench.work.pk])
    assert "No worker is running" not in client.get(where).content.decode()
    reports.refresh(name, Subject.of_queue(bench.work), bench.work.created_by, by_worker=True)
    assert "No worker is running" in client.get(where).content.decode()
    WorkerBeat.objects.create(name="worker-1", seen_at=timezone.now())
    assert "No worker is running" not in client.get(where).content.decode()

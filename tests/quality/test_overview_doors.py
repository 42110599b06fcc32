"""A project's queues side by side: made by a worker if somebody asks, and at each door to each what they may see."""

import csv
import json
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotate import tasks
from annotate.models import Label, Project, Queue, Report, Review, Role, User
from annotate.quality import overview, reports
from annotate.quality.reports import Subject
from tests import factories as make
from tests.api.callers import Caller
from tests.pages.desk import HTMX, client_of
from tests.quality.test_overview import (
    ALIKE,
    ASKS,
    a_queue_of,
    api,
    cell,
    checked,
    made,
    page,
    plain,
    reviewed,
    seen,
    sentences,
    told,
    waiting,
)
from tests.quality.test_quality_pages import given_on

pytestmark = pytest.mark.django_db


# --- Stale, missing, being made --------------------------------------------------------------------------------------


def test_looking_makes_nothing_and_a_button_has_a_worker_make_all_that_is_missing() -> None:
    work, _team = a_queue_of(*ALIKE)
    empty = make.a_queue(work.project)
    text = page(work.project)
    assert Report.objects.count() == 0 and "not made yet" in text and "1 queue has labels and no figures yet" in text
    assert not seen(work.project).is_well
    address = reverse("project-quality", args=[work.project.slug])
    assert client_of(work.created_by).post(address, {"refresh": "1"}).status_code == 303
    begun = Report.objects.order_by("name")
    assert [(one.name, one.queue_id, one.state) for one in begun] == [
        ("cost", work.pk, "queued"),
        ("quality", work.pk, "queued"),
    ]
    text = page(work.project)
    assert "2 reports are being made" in text and 'data-refresh="2"' in text and "no worker is running" in text
    part = client_of(work.created_by).get(address, headers=HTMX).content.decode()
    assert "<html" not in part and "2 reports are being made" in part
    client_of(work.created_by).post(address, {"refresh": "1"})
    assert Report.objects.count() == 2, "one at a time"
    for one in begun:
        tasks.run_report(one.pk)
    text = page(work.project)
    assert "data-refresh" not in text and "Make the" not in text and cell(text, work, "percent").startswith("94 %")
    assert cell(text, empty, "percent") == "-"


def test_what_is_stale_is_said_and_only_that_is_made_anew() -> None:
    work, (ann, *_rest) = a_queue_of(*ALIKE)
    other, _team = a_queue_of("tbtbt", project=work.project)
    made(work, other)
    make.a_task(work)
    make.a_label(ann, work, {"winner": "tie", "comment": ""})
    text = page(work.project)
    assert text.count("something changed since") == 1 and "Make the older ones anew" in text
    assert overview.make(work.project, work.created_by) == 2
    begun = Report.objects.filter(state="queued")
    assert {(one.name, one.queue_id) for one in begun} == {("quality", work.pk), ("cost", work.pk)}
    assert overview.make(work.project, work.created_by) == 0


def test_of_many_queues_at_once_as_of_each_by_itself() -> None:
    """Fresh, stale for each reason there is, being made, failed, and never made."""
    queues = {name: a_queue_of("t")[0] for name in STATES}
    project = queues["fresh"].project
    Queue.objects.update(project=project)
    made(*Queue.objects.exclude(pk=queues["missing"].pk))
    for name, change in STATES.items():
        change(Queue.objects.get(pk=queues[name].pk))
    found = list(Queue.objects.select_related("project"))
    for name in ("quality", "cost"):
        each = reports.look_each(name, found)
        assert {one.pk: reports.look(name, Subject.of_queue(one)) for one in found} == each
    quality = reports.look_each("quality", found)
    stale = {name for name, one in queues.items() if quality[one.pk].stale}
    assert stale == {"label", "review", "check", "judged", "options", "rules", "missing"}
    assert quality[queues["newer"].pk].newer and quality[queues["failed"].pk].failed


def _label(work: Queue) -> None:
    make.a_task(work)
    make.a_label(make.a_member(work.project), work, {"winner": "tie", "comment": ""})


def _job(work: Queue, **facts: Any) -> None:
    Report.objects.create(name="quality", project=work.project, queue=work, created_by=work.created_by, **facts)


STATES: dict[str, Any] = {
    "fresh": lambda work: None,
    "missing": lambda work: None,
    "label": _label,
    "review": lambda work: reviewed(work, 1, 0),
    "trial": lambda work: Review.objects.create(
        label=work.labels.order_by("pk")[0], reviewer=work.created_by, verdict="accept", trial=True
    ),
    "check": lambda work: make.a_task(work, role="gold", gold={"winner": "a"}, places=0),
    "judged": lambda work: checked(work, 1, 0),
    "options": lambda work: Queue.objects.filter(pk=work.pk).update(options=ASKS | {"strength": True}),
    "rules": lambda work: Report.objects.filter(queue=work).update(rules=0),
    "newer": lambda work: _job(work, state="running", progress=0.4),
    "failed": lambda work: _job(work, state="failed", error="No."),
}


def test_twelve_queues_take_as_many_statements_as_three() -> None:
    project = make.a_project()
    caller, client = Caller(project.created_by), client_of(project.created_by)
    pages = [reverse(name, args=[project.slug]) for name in ("project-quality", "project-quality-file")]
    looks = [partial(caller.get, f"/projects/{project.slug}/quality"), *(partial(client.get, one) for one in pages)]

    def statements(queues: int) -> list[int]:
        made(*(a_queue_of("t", project=project)[0] for _ in range(queues - project.queues.count())))
        assert len(looks[0]().json()["queues"]) == queues
        counts = []
        for look in looks:
            with CaptureQueriesContext(connection) as found:
                assert look().status_code == 200
            counts.append(len(found))
        return counts

    assert statements(3) == statements(12)


# --- Next to nothing -------------------------------------------------------------------------------------------------


def test_a_project_without_queues_and_one_without_labels() -> None:
    project = make.a_project()
    reviewer = make.a_member(project, role=Role.REVIEWER)
    assert "No queues yet" in page(project) and reverse("queue-new", args=[project.slug]) in page(project)
    assert reverse("queue-new", args=[project.slug]) not in page(project, reviewer)
    bare, full = make.a_queue(project), make.a_queue(project)
    make.a_task(full)
    text = page(project)
    assert "No labels to look at yet" in text and "all is well" not in text
    assert f'no tasks yet: <a href="{reverse("import-new", args=[bare.pk])}">' in text
    assert f'no labels yet: <a href="{reverse("queue-people", args=[full.pk])}">' in text
    assert overview.make(project, project.created_by) == 0, "there is nothing to compute"
    assert "tasks wait for people" in page(project, reviewer)
    assert api(project) == {"worker_alive": False, "well": False, "first": [], "queues": told(bare)}


# --- Who sees what ---------------------------------------------------------------------------------------------------


def test_money_and_forecasts_are_for_managers() -> None:
    work, _team = a_queue_of(*ALIKE, rules={"hourly_rate": 18.0, "currency": "EUR"})
    given_on(work, 1, list(Label.objects.values_list("pk", flat=True)))
    made(work)
    manager, reviewer = (make.a_member(work.project, role=role) for role in (Role.MANAGER, Role.REVIEWER))
    assert "EUR" in page(work.project, manager) and "Days to finish" in page(work.project, manager)
    text = page(work.project, reviewer)
    assert "EUR" not in text and "Days to finish" not in text and "Cost" not in text
    assert cell(text, work, "pace") == "36"
    names = [{one["name"] for one in told(work, who)[0]["figures"]} for who in (manager, reviewer)]
    assert names[0] - names[1] == {"cost", "days_left"}
    heads = [table(work.project, who)[0] for who in (manager, reviewer)]
    assert set(heads[0]) - set(heads[1]) == {"days_left", "days_left_low", "days_left_high", "cost", "currency"}


def table(project: Project, who: User | None = None) -> list[list[str]]:
    answer = client_of(who or project.created_by).get(reverse("project-quality-file", args=[project.slug]))
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(b"".join(answer).decode().splitlines()))


def test_rest_says_the_same_as_the_page() -> None:
    work, _team = a_queue_of(*ALIKE)
    made(work)
    waiting(work, labels=2, days=3)
    found = api(work.project)
    (row,) = found["queues"]
    figures = {one["name"]: one for one in row["figures"]}
    own = Caller(work.created_by).get(f"/queues/{work.pk}/quality").json()
    assert [figures["percent"], figures["alpha"]] == [one for one in own["figures"] if one["name"] in figures]
    assert row["quality"]["as_of"] == own["as_of"] and row["measure"] == "preference"
    assert figures["waits"]["value"] == 2 and figures["waits"]["known"]["since"]
    assert [plain(one["sentence"]) for one in found["first"]] == sentences(work.project)
    assert (found["first"][0]["queue"], row["worry"], found["well"]) == (work.pk, "look", False)
    heads, values = table(work.project)
    row_of = dict(zip(heads, values, strict=True))
    assert float(row_of["percent"]) == figures["percent"]["value"] and row_of["waits"] == "2"
    assert plain(row_of["look_first"]) == sentences(work.project)[0] and row_of["stale"] == "no"


def test_rest_has_a_worker_make_what_is_missing() -> None:
    work, _team = a_queue_of("t")
    answer = Caller(work.created_by).post(f"/projects/{work.project.slug}/quality")
    (row,) = answer.json()["queues"]
    assert answer.status_code == 202 and row["quality"]["state"] == row["cost"]["state"] == "queued"


def test_names_of_others_choosing() -> None:
    work, _team = a_queue_of(*ALIKE, name="<b>=2</b>\u202e")
    Project.objects.filter(pk=work.project_id).update(name="<i>project</i>")
    waiting(work, labels=1, days=5)
    made(work)
    answer = client_of(work.created_by).get(reverse("project-quality", args=[work.project.slug])).content.decode()
    assert "<b>" not in answer and "<i>" not in answer and "&lt;b&gt;=2&lt;/b&gt;" in answer
    assert api(work.project)["first"][0]["name"] == "<b>=2</b>\u202e"


def test_a_spreadsheet_takes_no_name_for_a_formula() -> None:
    work, _team = a_queue_of("t", name='=HYPERLINK("http://evil.example")')
    made(work)
    _heads, row = table(work.project)
    assert row[1] == '\'=HYPERLINK("http://evil.example")'


def test_it_is_json_all_through() -> None:
    work, _team = a_queue_of("t" * 12, "t" * 12)
    made(work)
    assert json.dumps(api(work.project), allow_nan=False)

"""Long lists: all rows once, whatever is added meanwhile, and no page dearer than the first."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotate.models import Import, Task
from tests.api.callers import API, Caller, lines
from tests.factories import a_label, a_member, a_project, a_queue, a_task, a_user

pytestmark = pytest.mark.django_db


def follow(caller: Caller, path: str) -> list[list[Any]]:
    """Every page, by the addresses that the server gives."""
    pages, address = [], path
    while address:
        answer = caller.get(address).json()
        pages.append(answer["results"])
        address = answer["next"] and urlsplit(answer["next"])._replace(scheme="", netloc="").geturl().removeprefix(API)
    return pages


def test_each_list_gives_each_row_once() -> None:
    owner = a_user()
    project = a_project(owner)
    queue = a_queue(project, "write")
    for _ in range(4):
        a_project(owner)
        a_member(project)
        a_queue(project)
        a_task(queue)
        Import.objects.create(queue=queue, name="rows", file="rows", created_by=owner)
    for _ in range(4):
        a_label(owner, queue)
    caller = Caller(owner)
    base, inside = f"/projects/{project.slug}", f"/queues/{queue.pk}"
    lists = {"/projects": 5, f"{base}/members": 5, f"{base}/queues": 5}
    lists |= {f"{inside}/imports": 4, f"{inside}/tasks": 4, f"{inside}/labels": 4}
    for path, count in lists.items():
        pages = follow(caller, f"{path}?limit=2")
        names = [row.get("id", row.get("slug")) for page in pages for row in page]
        assert [len(page) for page in pages] == [2] * (count // 2) + [1] * (count % 2), path
        assert len(set(names)) == count, path
        assert caller.get(path).json() == {"results": [row for page in pages for row in page], "next": None}


def test_rows_added_meanwhile_come_last_and_once() -> None:
    owner = a_user()
    queue = a_queue(a_project(owner))
    for _ in range(3):
        a_task(queue)
    caller = Caller(owner)
    first = caller.get(f"/queues/{queue.pk}/tasks?limit=2").json()
    a_task(queue)
    second = caller.get(first["next"].partition(API)[2]).json()
    seen = [row["id"] for row in first["results"] + second["results"]]
    assert seen == list(Task.objects.filter(queue=queue).order_by("pk").values_list("pk", flat=True))


def test_a_page_costs_the_same_with_more_rows() -> None:
    owner = a_user()
    queue = a_queue(a_project(owner))
    caller = Caller(owner)

    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            caller.get(f"/queues/{queue.pk}/tasks")
        return len(seen)

    a_task(queue)
    caller.get("/me")
    before = cost()
    for _ in range(5):
        a_task(queue)
    assert cost() == before


def test_tasks_are_narrowed_by_state_and_name() -> None:
    owner = a_user()
    queue = a_queue(a_project(owner))
    task = a_task(queue)
    flagged = a_task(queue, state=Task.State.FLAGGED)
    caller = Caller(owner)

    def found(query: str) -> list[int]:
        return [row["id"] for row in caller.get(f"/queues/{queue.pk}/tasks?{query}").json()["results"]]

    assert found("state=flagged") == [flagged.pk]
    assert found("state=open") == [task.pk]
    assert found(f"external_id={task.prompt.external_id}") == [task.pk]
    assert found(f"external_id={task.prompt.external_id}&state=flagged") == []
    assert found("external_id=%25") == []


def test_labels_as_a_list_and_as_a_stream_are_the_same_rows() -> None:
    owner = a_user()
    queue = a_queue(a_project(owner), "compare")
    for _ in range(3):
        a_task(queue)
    ids = [a_label(owner, queue) for _ in range(3)]
    caller, path = Caller(owner), f"/queues/{queue.pk}/labels"
    listed = caller.get(path).json()["results"]
    assert [row["id"] for row in listed] == ids
    assert lines(caller.get(path, Accept="application/x-ndjson")) == listed
    assert lines(caller.get(f"{path}?since={ids[0]}", Accept="application/x-ndjson")) == listed[1:]
    assert caller.get(f"{path}?since={ids[2]}").json() == {"results": [], "next": None}


def test_a_label_has_its_provenance() -> None:
    owner = a_user()
    project = a_project(owner)
    queue = a_queue(project)
    task = a_task(queue)
    annotator = a_member(project)
    pk = a_label(annotator, queue)
    row = Caller(owner).get(f"/queues/{queue.pk}/labels").json()["results"][0]
    assert sorted(row.pop("shown")) == sorted(task.response_ids)
    assert row.pop("created_at")
    pseudonym = project.members.get(user=annotator).pseudonym
    assert row == {
        "id": pk,
        "queue": queue.pk,
        "task": task.pk,
        "annotator": pseudonym,
        "payload": queue.way.example().payload,
        "active_seconds": 0.0,
        "guideline": None,
        "supersedes": None,
    }


def test_who_has_left_keeps_one_pseudonym_in_list_and_export() -> None:
    owner = a_user()
    project = a_project(owner)
    queue = a_queue(project)
    a_task(queue)
    annotator = a_member(project)
    a_label(annotator, queue)
    project.members.get(user=annotator).delete()
    caller = Caller(owner)
    name = caller.get(f"/queues/{queue.pk}/labels").json()["results"][0]["annotator"]
    assert name == lines(caller.get(f"/queues/{queue.pk}/export?format=raw"))[0]["annotator"]

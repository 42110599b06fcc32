"""What an annotator's program gets never tells whose a response is, what others said, or which task is gold."""

import itertools
from typing import Any

import pytest
from django.db import connection

from annotate.models import Project, Prompt, Queue, Response, Role, Task, User
from tests.api import world
from tests.api.callers import Caller
from tests.api.world import World
from tests.factories import a_label, a_lease, a_member, a_project, a_queue, a_task, a_user

pytestmark = pytest.mark.django_db
CALLS = world.calls()
_numbers = itertools.count()


def canary() -> str:
    return f"cnry{next(_numbers)}x"


def mark(queue: Queue) -> None:
    """Put canaries into everything that an annotator must not see."""
    for response in Response.objects.filter(prompt__project=queue.project):
        Response.objects.filter(pk=response.pk).update(
            model=canary(), external_id=canary(), key=canary(), params={"provider": canary()}
        )
    for prompt in Prompt.objects.filter(project=queue.project):
        Prompt.objects.filter(pk=prompt.pk).update(
            external_id=canary(), key=canary(), source=canary(), meta={"line": canary()}, tags=[canary()],
            category=canary(), domain=canary(), difficulty=canary(),
        )  # fmt: skip
    Task.objects.filter(queue=queue).update(gold={"ranks": {"a": 1}, "comment": canary()})


def others_said(queue: Queue) -> bytes:
    """Another annotator's labels, under a name that would be seen; their pseudonym."""
    person = a_user(f"{canary()}@example.org", name=canary())
    a_member(queue.project, person)
    a_label(person, queue, queue.way.example().payload | {"comment": canary()})
    return queue.project.pseudonym(person.pk).encode()


def everything(answer: Any) -> bytes:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return repr(sorted(answer.headers.items())).encode() + content


def test_no_canary_in_any_answer_to_an_annotator() -> None:
    here = World.make()
    queue = here.queue
    Queue.objects.filter(pk=queue.pk).update(overlap=2)
    for task in queue.tasks.all():
        Task.objects.filter(pk=task.pk).update(places=2)
        task.assignments.create(queue=queue, slot=2, position=task.position)
    pseudonym = others_said(queue)
    mark(queue)
    annotator = Caller(here.people["annotator"])
    said = {}
    for route in sorted(CALLS, key=lambda one: (not one.startswith("GET"), "submit" in one)):
        method, path = route.split()
        said[route] = annotator(method, here.path(path), here.body(route))
    last = annotator.post(f"/queues/{queue.pk}/claim")
    labels = annotator.get(f"/queues/{queue.pk}/labels", Accept="application/x-ndjson")
    said |= {"claim": last, "labels": labels}
    contents = {route: everything(answer) for route, answer in said.items()}
    assert {route for route, content in contents.items() if b"cnry" in content or pseudonym in content} == set()
    assert last.json()["responses"]


def test_the_canaries_are_seen_by_a_manager() -> None:
    """Or else the test above would not see a leak."""
    here = World.make()
    pseudonym = others_said(here.queue)
    mark(here.queue)
    manager, reviewer = Caller(here.people["manager"]), Caller(here.people["reviewer"])
    task = manager.get(f"/queues/{here.queue.pk}/tasks").json()["results"][0]
    assert all("cnry" in one["model"] and "cnry" in one["external_id"] for one in task["responses"])
    assert "cnry" in task["gold"]["comment"]
    blind = reviewer.get(f"/tasks/{task['id']}").json()
    assert all(set(one) == {"id", "text"} for one in blind["responses"])
    assert "gold" not in blind
    label = reviewer.get(f"/queues/{here.queue.pk}/labels").json()["results"][-1]
    assert label["annotator"] == pseudonym.decode()
    assert "@" not in str(label)


def test_annotators_read_their_own_labels_alone_and_no_ids_of_responses() -> None:
    project = a_project()
    queue = a_queue(project, overlap=2)
    a_task(queue)
    mine, other = a_member(project), a_member(project)
    own = a_label(mine, queue)
    a_label(other, queue)
    rows = Caller(mine).get(f"/queues/{queue.pk}/labels").json()["results"]
    assert [row["id"] for row in rows] == [own]
    assert not {"annotator", "shown", "task"} & set(rows[0])
    assert len(Caller(project.created_by).get(f"/queues/{queue.pk}/labels").json()["results"]) == 2


def test_gold_and_normal_tasks_are_given_alike() -> None:
    """B5: the same answer but for the number of the place and the end of the lease."""
    project = a_project()
    told = [first_task(project, gold) for gold in (None, {"ranks": {"a": 1, "b": 2}, "unusable": [], "comment": ""})]
    for one in told:
        del one["id"], one["queue"], one["lease_until"]
        one["responses"].sort(key=lambda response: response["text"])
        for response in one["responses"]:
            del response["id"]
    assert told[0] == told[1]


def first_task(project: Project, gold: Any) -> Any:
    queue = a_queue(project)
    a_task(queue, "Say hello.", ["Hello", "Hi"], gold=gold)
    return Caller(worker(project)).post(f"/queues/{queue.pk}/claim").json()


def worker(project: Project) -> User:
    return a_member(project, role=Role.ANNOTATOR)


def test_counts_of_others_work_are_for_reviewers() -> None:
    here = World.make()
    assert Caller(here.people["annotator"]).get(f"/queues/{here.queue.pk}").json()["counts"] is None
    assert Caller(here.people["reviewer"]).get(f"/queues/{here.queue.pk}").json()["counts"] == {
        "tasks": 3, "flagged": 0, "open": 1, "leased": 1, "done": 1, "outside": 0,
    }  # fmt: skip


def test_a_place_that_went_to_somebody_else_tells_nothing_of_them() -> None:
    here = World.make()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE annotate_assignment SET lease_until = now() - interval '1 second' WHERE state = 'leased'"
        )
    other = a_member(here.project, a_user(f"{canary()}@example.org", name=canary()))
    assert a_lease(other, here.queue).pk == here.place.pk
    body = here.body("POST /assignments/{pk}/submit")
    answer = Caller(here.people["annotator"]).post(f"/assignments/{here.place.pk}/submit", body)
    assert answer.json()["code"] == "too_late"
    assert b"cnry" not in everything(answer)

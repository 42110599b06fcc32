"""`Idempotency-Key`: once is once, however often it is sent."""

import threading
import uuid
from typing import Any

import pytest
from django.db import connection

from annotate.models import Exit, Import, Invitation, Label, Project, Queue, Replay
from tests.api import world
from tests.api.callers import Caller
from tests.api.world import World, who_posts
from tests.factories import a_project, a_user

pytestmark = pytest.mark.django_db
POSTS = [route for route in world.calls() if route.startswith("POST")]


def poster(here: World, route: str) -> Any:
    """What sends a correct request, with a key."""
    caller = Caller(here.people[who_posts(route)])
    path, body = here.path(route.split()[1]), here.body(route)
    return lambda key, change=None: caller.post(path, change or body, Idempotency_Key=key)


@pytest.mark.parametrize("route", POSTS)
def test_the_same_again_gives_the_first_answer(route: str) -> None:
    here = World.make()
    post = poster(here, route)
    first, again = post("key"), post("key")
    assert first.status_code < 300
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers.get("Location") == first.headers.get("Location")
    assert again.headers.get("Content-Type") == first.headers.get("Content-Type")
    if route.endswith(("/submit", "/amend")):
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.content == again.content
    elif route.endswith("/invitations"):
        assert again.json() == first.json() | {"link": None}
    else:
        assert (again.status_code, again.content) == (first.status_code, first.content)


@pytest.mark.parametrize("route", POSTS)
def test_another_body_is_refused(route: str) -> None:
    here = World.make()
    post = poster(here, route)
    post("key")
    other = here.body(route) or {}
    change = other + b" " if isinstance(other, bytes) else other | {"x": 1}
    if route.endswith(("/submit", "/amend")):
        change = other | {"payload": {"ranks": dict.fromkeys("abcd", 1)}}
    refused = post("key", change)
    assert refused.status_code == 422
    assert refused.json()["code"] == "key_reused"


def test_it_is_done_once() -> None:
    here = World.make()
    counts = {}
    for route in POSTS:
        post = poster(here, route)
        post(route), post(route)
    for model in (Queue, Import, Invitation, Exit, Label):
        counts[model.__name__] = model.objects.count()
    # two queues were there, and one in the stranger's project; one import was there, and two files are joined; the
    # first way out is final; two labels were there, and one is amended
    assert counts == {"Queue": 4, "Import": 3, "Invitation": 1, "Exit": 0, "Label": 4}


def test_keys_belong_to_people_and_to_paths() -> None:
    body = {"slug": "fresh", "name": "Fresh"}
    first, second = Caller(a_user()), Caller(a_user())
    assert first.post("/projects", body, Idempotency_Key="k").status_code == 201
    assert second.post("/projects", body, Idempotency_Key="k").status_code == 409
    other = first.post("/projects/fresh/queues", {"name": "Q", "kind": "write"}, Idempotency_Key="k")
    assert other.status_code == 422


def test_a_refusal_is_not_remembered() -> None:
    caller = Caller(a_user())
    taken = a_project(slug="taken")
    body = {"slug": "taken", "name": "Mine"}
    assert caller.post("/projects", body, Idempotency_Key="k").status_code == 409
    Project.objects.filter(pk=taken.pk).update(slug="renamed")
    assert caller.post("/projects", body, Idempotency_Key="k").status_code == 201
    assert caller.post("/projects", body, Idempotency_Key="k").headers["Idempotent-Replayed"] == "true"


def test_while_it_is_carried_out_the_repeat_has_to_wait() -> None:
    user = a_user()
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"{user.pk}:k"])
                held.set()
                done.wait(10)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(10)
        answer = Caller(user).post("/projects", {"slug": "fresh", "name": "Fresh"}, Idempotency_Key="k")
    finally:
        done.set()
        holder.join()
    assert (answer.status_code, answer.json()["code"]) == (409, "in_flight")
    assert not Project.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 201, "\x7f", "\u00e9", "a\tb"])
def test_keys_that_are_none(key: str) -> None:
    answer = Caller(a_user()).post("/projects", {"slug": "fresh", "name": "Fresh"}, Idempotency_Key=key)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["Idempotency-Key"]


def test_a_submit_takes_any_key_and_keeps_it_with_the_label() -> None:
    here = World.make()
    key = str(uuid.uuid4())
    poster(here, "POST /assignments/{pk}/submit")(key)
    assert str(Label.objects.get(task=here.task).key) == key
    assert not Replay.objects.exists()


def test_old_answers_are_forgotten() -> None:
    user = a_user()
    caller = Caller(user)
    for number in range(4):
        Replay.objects.create(user=user, key=f"old {number}", body_digest=b"", status=200)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE annotate_replay SET created_at = now() - interval '25 hours'")
    for number in range(2):
        caller.post("/projects", {"slug": f"fresh-{number}", "name": "Fresh"}, Idempotency_Key=f"new {number}")
    assert set(Replay.objects.values_list("key", flat=True)) == {"new 0", "new 1"}

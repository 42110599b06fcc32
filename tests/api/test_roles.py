"""Every route by every kind of caller, against the checked-in table; and what is not yours looks like nothing."""

import json
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from annotate.api.documents import document
from tests.api import world
from tests.api.callers import API, PROBLEM, Caller
from tests.api.expected_roles import CALLERS, EXPECTED
from tests.api.world import World
from tests.factories import a_project, a_user

CALLS = world.calls()
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
pytestmark = pytest.mark.django_db


def send(here: World, who: str, route: str) -> Any:
    """One caller's correct request, undone afterwards."""
    method, path = route.split()
    caller = here.caller(who, CALLS[route])
    path, body = here.path(path), here.body(route)
    with transaction.atomic():
        answer = caller(method, path, body)
        if answer.streaming:
            answer.read = b"".join(answer.streaming_content)
        transaction.set_rollback(answer.status_code < 400)  # a refusal leaves nothing to undo
    return answer


def test_the_table_lists_every_route() -> None:
    assert set(EXPECTED) == set(CALLS)


def test_the_document_lists_every_route() -> None:
    paths: dict[str, Any] = json.loads(document())["paths"]
    told = {f"{method.upper()} {path}" for path, calls in paths.items() for method in calls}
    assert told == {f"{method} {API}{path.replace('{pk}', '{id}')}" for method, path in map(str.split, CALLS)}


def test_who_may_do_what() -> None:
    here = World.make()
    got = {route: tuple(send(here, who, route).status_code for who in CALLERS) for route in EXPECTED}
    assert got == EXPECTED


def test_what_is_not_yours_answers_like_nothing() -> None:
    here = World.make()
    for route in (one for one in EXPECTED if "{" in one):
        method, path = route.split()
        theirs = send(here, "stranger", route)
        nowhere = here.path(path.replace("{pk}", "987654321").replace("{slug}", "no-such-project"))
        nothing = here.caller("stranger", CALLS[route])(method, nowhere, here.body(route))
        assert theirs.status_code == nothing.status_code == 404, route
        assert (theirs.content, theirs.headers) == (nothing.content, nothing.headers), route


def test_no_other_methods() -> None:
    here = World.make()
    owner = Caller(here.people["owner"])
    for path, view in world.views():
        head = {"HEAD"} if "head" in view.http_method_names else set()
        for method in {*METHODS, "HEAD", "OPTIONS"} - set(vars(view)["calls"]) - head:
            assert owner(method, here.path(path)).status_code == 405, (method, path)


def test_reading_writes_nothing() -> None:
    here = World.make()
    for route in (one for one in EXPECTED if one.startswith("GET")):
        method, path = route.split()
        owner, path = here.caller("owner", CALLS[route]), here.path(path)
        with CaptureQueriesContext(connection) as seen:
            answer = owner(method, path)
            if answer.streaming:
                list(answer.streaming_content)
        assert [query["sql"] for query in seen if not query["sql"].startswith(("SELECT", "\nSELECT"))] == [], route


def test_members_of_one_project_in_the_path_of_another() -> None:
    here = World.make()
    other = a_project(here.people["owner"])
    theirs = here.project.members.get(user=here.people["annotator"]).pk
    assert Caller(here.people["owner"]).get(f"/projects/{other.slug}/members/{theirs}").status_code == 404


@pytest.mark.parametrize("method", [*METHODS, "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/nothing", "/projects/", "/queues/x", "/queues/-1", "/queues/1/"])
def test_unknown_paths_are_problems(method: str, path: str) -> None:
    answer = Caller(a_user())(method, path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == PROBLEM
    assert answer.json() == {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "Not found."}

"""Bad input: refused in words, by field, with nothing changed; and never an error of ours."""

import io
import itertools
from typing import Any

import pytest
from django.apps import apps
from django.db import OperationalError, transaction
from rest_framework.exceptions import Throttled

from annotate import running
from annotate.api.problems import handler
from annotate.models import Draft, Import, Label, Project, Queue
from tests.api import world
from tests.api.callers import API, PROBLEM, Caller
from tests.api.world import World, who_posts
from tests.factories import a_lease, a_member, a_queue, a_task

pytestmark = pytest.mark.django_db
CALLS = world.calls()
# The three ways out with a reason take the same; an asset comes in parts: see test_assets.
LEFT = {"skip", "decline", "add_asset"}
TAKING = [route for route, call in CALLS.items() if isinstance(call.takes, type) and call.name not in LEFT]

WRONG: list[Any] = [
    *(None, True, -1, 1.5, 2**63 - 1, " ", "x" * 100_000, "nan"),
    *([], {}, [[None]], [{}], {"a": {"": {}}}, ["a"] * 1000),
    *("\u202e", "'; DROP TABLE annotate_label; -- %s%n{{7*7}}\r\nSet-Cookie: a=b"),
]
BODIES = {
    "empty": b"",
    "no json": b"{",
    "not utf-8": b'{"name": "\xff"}',
    "nul": rb'{"name": "a\u0000b", "payload": {"text": "\u0000"}}',
    "nul in a key": rb'{"payload": {"\u0000": 1}, "options": {"\u0000": 1}}',
    "raw nul": b'{"name": "\x00"}',
    "lone surrogate": rb'{"name": "\ud800", "payload": {"text": "\udc00"}}',
    "nan": b'{"active_seconds": NaN, "overlap": Infinity}',
    "too large a float": b'{"active_seconds": 1e400}',
    "huge number": b'{"overlap": 1' + b"0" * 400 + b', "fence": 1' + b"0" * 400 + b"}",
    "beyond 64 bits": b'{"fence": 9223372036854775808, "active_seconds": 18446744073709551616}',
    "deep": b'{"payload": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "quite deep": b'{"payload": ' + b'{"a":' * 200 + b"1" + b"}" * 200 + b"}",
    "list": b"[]",
    "list of lists": b"[[[]]]",
    "string": b'"name"',
    "number": b"7",
    "null": b"null",
    "bom": b"\xef\xbb\xbf{}",
}


def send(here: World, route: str, body: Any, **headers: str) -> Any:
    """A request of whoever may make it, undone afterwards."""
    method, path = route.split()
    caller, path = here.caller(who_posts(route), CALLS[route]), here.path(path)
    with transaction.atomic():
        answer = caller(method, path, body, **headers)
        transaction.set_rollback(answer.status_code < 400)  # a refusal leaves nothing to undo
    return answer


def is_refusal(answer: Any) -> bool:
    told = answer.headers.get("Content-Type") == PROBLEM and answer.json()["status"] == answer.status_code
    return bool(told and 400 <= answer.status_code < 500)


@pytest.mark.parametrize("subject", sorted({route.split("/")[1] for route in TAKING}))
def test_bodies_that_are_none(subject: str) -> None:
    here = World.make()
    for route in (one for one in TAKING if one.split("/")[1] == subject):
        answers = {name: send(here, route, body) for name, body in BODIES.items()}
        # An empty change is a correct change of nothing.
        nothing_needed = not any(field.required for field in CALLS[route].takes().fields.values())
        harmless = {"empty"} if nothing_needed else set()
        assert {name for name, answer in answers.items() if not is_refusal(answer)} == harmless, route


@pytest.mark.parametrize("route", TAKING)
def test_fields_of_wrong_types(route: str) -> None:
    here = World.make()
    correct = here.body(route)
    for name, value in itertools.product(CALLS[route].takes().fields, WRONG):
        answer = send(here, route, correct | {name: value})
        assert is_refusal(answer) or answer.status_code < 300, (name, value)


@pytest.mark.parametrize("kind", ["rank", "compare", "write"])
def test_payloads_of_wrong_types(kind: str) -> None:
    here = World.make()
    queue = a_queue(here.project, kind)
    a_task(queue)
    here.place = a_lease(a_member(here.project, here.people["stranger"]), queue)
    here.people["annotator"] = here.people["stranger"]
    example = queue.way.example().payload
    for name, value in itertools.product([*example, "ranks.a", "other"], WRONG):
        body = {"fence": here.place.fence, "payload": example | {name: value}}
        submitted = send(here, "POST /assignments/{pk}/submit", body)
        assert is_refusal(submitted) or submitted.status_code == 201, (name, value)
        drafted = send(here, "PUT /assignments/{pk}/draft", body)
        assert is_refusal(drafted) or drafted.status_code == 200, (name, value)
    assert not Label.objects.filter(queue=queue).exists()


@pytest.mark.parametrize(
    "payload",
    [
        {"ranks": {"a": "1", "b": 2, "c": 3, "d": 4}},
        {"ranks": {"a": 1, "b": 2, "c": 3}},
        {"ranks": {"a": 1, "b": 2, "c": 3, "d": 5}},
        {"ranks": {"a": 1, "b": 2, "c": 3, "d": 4, "e": 4}},
        {"ranks": {"a": 1, "b": 2, "c": 3, "d": 4}, "unusable": ["d"]},
        {"ranks": {"a": 1, "b": 2, "c": 3, "d": 4}, "comment": ["no"]},
    ],
)
def test_answers_that_are_not_right_are_refused_by_field(payload: dict[str, Any]) -> None:
    here = World.make()
    answer = send(here, "POST /assignments/{pk}/submit", {"fence": here.place.fence, "payload": payload})
    assert answer.status_code == 400
    assert len(answer.json()["errors"]) == 1


def test_no_field_is_set_that_is_not_named() -> None:
    """S04: every field of every model is sent along; all are refused by name, so nothing changes."""
    here = World.make()
    every = {field.name for model in apps.get_app_config("annotate").get_models() for field in model._meta.get_fields()}
    for route in TAKING:
        others = sorted(every - set(CALLS[route].takes().fields))
        answer = send(here, route, here.body(route) | dict.fromkeys(others, 1))
        assert answer.status_code == 400, route
        assert sorted(answer.json()["errors"]) == others, route


def test_the_kind_of_a_queue_stays() -> None:
    here = World.make()
    answer = send(here, "PATCH /queues/{pk}", {"kind": "write"})
    assert answer.json()["errors"] == {"kind": ["There is no such field."]}


@pytest.mark.parametrize(
    "query",
    [
        *("ordering=created_by__password", "created_by__password__startswith=a", "search=x", "filter=1"),
        *("_connector=OR", "offset=1000000000", "state=nothing", "state=ready)", "token=prc_x"),
        *("limit=0", "limit=501", "limit=1000000000", "limit=x", "limit=-1", "limit=1e3", "limit=1%00"),
        *("cursor=x", "cursor=%00", "cursor=%FF", "cursor=" + "A" * 10_000, "cursor=LTE"),
        *("since=-1", "since=9223372036854775808", "since=x"),
    ],
)
def test_only_named_parameters(query: str) -> None:
    here = World.make()
    for route in [one for one in CALLS if one.startswith("GET")]:
        path = here.path(route.split()[1])
        answer = here.caller("owner", CALLS[route]).get(f"{path}{'&' if '?' in path else '?'}{query}")
        assert is_refusal(answer), route
        assert list(answer.json()["errors"]) == [query.partition("=")[0]]


@pytest.mark.parametrize(
    "pk", ["0", str(2**63 - 1), str(2**63), "9" * 400, "9" * 5000, "00001" * 9, "%00", "1%00", "٣"]
)
def test_ids_that_no_object_has(pk: str) -> None:
    here = World.make()
    owner = Caller(here.people["owner"])
    for path in ("queues", "tasks", "imports", "assignments", f"projects/{here.project.slug}/members", "projects"):
        method, end = ("POST", "/skip") if path == "assignments" else ("GET", "")
        assert owner(method, f"/{path}/{pk}{end}").status_code == 404, path


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x", ""]
)
def test_other_content_types(content_type: str) -> None:
    here = World.make()
    answer = send(here, "POST /projects", b"slug=fresh&name=Fresh", Content_Type=content_type)
    assert answer.status_code in {400, 415}
    assert is_refusal(answer)
    assert not Project.objects.filter(slug="fresh").exists()


def test_bodies_too_large(settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    here = World.make()
    answer = send(here, "POST /projects", {"slug": "fresh", "name": "Fresh", "description": "x" * 2000})
    assert answer.status_code == 413
    assert is_refusal(answer)


@pytest.mark.parametrize("secret", ["", " ", "x", "prc_x", "Bearer", "\udce9", "a" * 10_000, "prc_\t"])
def test_headers_that_are_no_token(secret: str) -> None:
    for header in (f"Bearer {secret}", f"bearer  {secret}", f"Basic {secret}", secret):
        answer = Caller()("GET", "/me", Authorization=header.encode("utf-8", "surrogateescape").decode("latin-1"))
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_file_that_ends_early_is_not_imported() -> None:
    here = World.make()
    owner = Caller(here.people["owner"])
    before = Import.objects.count()
    cut: dict[str, Any] = {"wsgi.input": io.BytesIO(b'{"instruction": "Say'), "CONTENT_LENGTH": "100"}
    answer = owner.client.generic("POST", API + here.path("/queues/{pk}/import"), headers=owner.headers, **cut)
    assert answer.status_code == 400
    assert Import.objects.count() == before


def test_a_queue_is_not_half_changed() -> None:
    here = World.make()
    answer = send(here, "PATCH /queues/{pk}", {"name": "New", "overlap": 3, "options": {"ties": False, "no": 1}})
    assert answer.json()["errors"] == {"options.no": ["This kind has no such option."]}
    again = Queue.objects.get(pk=here.queue.pk)
    assert (again.name, again.overlap, again.options) == (here.queue.name, 1, {})
    assert not Draft.objects.exists()


def test_errors_of_the_whole_body_are_named_so() -> None:
    here = World.make()
    assert list(send(here, "POST /projects", b"[]").json()["errors"]) == ["body"]
    running.change_queue(here.queue, options={"ties": False})
    ties = {"fence": here.place.fence, "payload": {"ranks": dict.fromkeys("abcd", 1)}}
    assert list(send(here, "POST /assignments/{pk}/submit", ties).json()["errors"]) == ["body"]


def test_limits_and_outages_say_when_to_come_back() -> None:
    for error, status in ((Throttled(wait=3), 429), (OperationalError("too many clients"), 503)):
        answer = handler(error, {})
        assert answer is not None
        assert answer.status_code == answer.data["status"] == status
        assert int(answer.headers["Retry-After"]) >= 3
    assert handler(ZeroDivisionError(), {}) is None

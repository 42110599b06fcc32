"""The OpenAPI document: valid, made without a warning, naming no other host, and true of what is answered."""

import json
from functools import cache
from typing import Any

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from annotate.api.documents import document
from tests.api import world
from tests.api.callers import Caller
from tests.api.world import World
from tests.factories import a_user

pytestmark = pytest.mark.django_db
CALLS = world.calls()


@cache
def told() -> Any:
    return json.loads(document())


def test_it_is_valid_and_made_without_a_warning() -> None:
    document.cache_clear()
    GENERATOR_STATS.reset()
    validate_schema(json.loads(document()))
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache


def test_it_is_given_to_whoever_has_signed_in() -> None:
    answer = Caller(a_user(), ["read"]).get("/schema")
    assert answer.json() == told()
    assert b"://" not in answer.content


def test_every_call_is_described() -> None:
    for path, calls in told()["paths"].items():
        for method, call in calls.items():
            assert call["description"], path
            assert call["security"] == [{"token": []}, {"cookieAuth": []}]
            refused = {status for status in call["responses"] if status >= "400"}
            assert {"400", "401", "403"} <= refused
            assert ("404" in refused) == ("{" in path)
            for status in refused:
                assert list(call["responses"][status]["content"]) == ["application/problem+json"]
            keys = [one for one in call.get("parameters", []) if one["name"] == "Idempotency-Key"]
            assert bool(keys) == (method == "post")


def test_names_are_given_once() -> None:
    names = [call.name for call in CALLS.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("route", CALLS)
def test_answers_are_as_described(route: str) -> None:
    """Each JSON answer has the keys the document tells, and no others, and null only where it may be."""
    here = World.make()
    method, path = route.split()
    who = "annotator" if "assignments" in path else "owner"
    answer = here.caller(who, CALLS[route])(method, here.path(path), here.body(route))
    if answer.streaming:
        list(answer.streaming_content)  # read to its end, a file is closed
    assert "Location" in answer.headers or answer.status_code != 202, "whoever has begun long work is told where"
    document_path = f"/api/v1{path.replace('{pk}', '{id}')}"
    described = told()["paths"][document_path][method.lower()]["responses"][str(answer.status_code)]
    if route == "GET /schema" or answer.headers.get("Content-Type") != "application/json":
        return
    assert differences(described["content"]["application/json"]["schema"], answer.json()) == []


def differences(schema: Any, value: Any, where: str = "") -> list[str]:
    """Where a value and its description differ: what is missing, what was not told, what is null and must not be."""
    if value is None:
        return [] if schema.get("nullable") or not schema else [f"{where} is null"]
    if "$ref" in schema:
        schema = told()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "allOf" in schema:
        return differences(schema["allOf"][0], value, where)
    if isinstance(value, list):
        return [one for inner in value for one in differences(schema.get("items", {}), inner, f"{where}[]")]
    if not isinstance(value, dict):
        return []
    if "properties" not in schema:
        each = schema.get("additionalProperties") or {}
        return [one for name, inner in value.items() for one in differences(each, inner, f"{where}.{name}")]
    known = schema["properties"]
    wrong = [f"{where}.{name}" for name in value.keys() ^ known.keys() if name in value or name in schema["required"]]
    return wrong + [
        one for name in value.keys() & known.keys() for one in differences(known[name], value[name], f"{where}.{name}")
    ]

"""Tokens: shown once, read from the header alone, held to their scopes, their project and their end; and sessions."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from annotate.models import Project, Scope, Token
from tests.api.callers import API, PROBLEM, Caller
from tests.factories import a_member, a_project, a_queue, a_user

pytestmark = pytest.mark.django_db


def bearer(secret: str) -> Any:
    return Caller().get("/me", Authorization=f"Bearer {secret}")


def test_only_a_digest_and_the_first_characters_are_stored() -> None:
    user = a_user()
    token, secret = Token.issue(user, "mine", ["read"])
    assert bearer(secret).status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM annotate_token t WHERE id = %s", [token.pk])
        stored = cursor.fetchone()[0]
    assert secret not in stored
    assert secret[:12] in stored


def test_a_token_in_the_address_opens_nothing() -> None:
    _token, secret = Token.issue(a_user(), "mine", ["read"])
    for name in ("token", "access_token", "authorization"):
        assert Caller().get(f"/me?{name}={secret}").status_code == 401


def test_ended_tokens_are_refused_at_once() -> None:
    user = a_user()
    token, secret = Token.issue(user, "mine", ["read"])
    for change in ({"revoked_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(seconds=1)}):
        Token.objects.filter(pk=token.pk).update(**{"revoked_at": None, "expires_at": None, **change})
        assert bearer(secret).status_code == 401
    Token.objects.filter(pk=token.pk).update(revoked_at=None, expires_at=timezone.now() + timedelta(hours=1))
    assert bearer(secret).status_code == 200
    user.is_active = False
    user.save()
    assert bearer(secret).status_code == 401


def test_removed_members_lose_the_project_at_once() -> None:
    project = a_project()
    user = a_member(project)
    caller = Caller(user)
    assert caller.get(f"/projects/{project.slug}").status_code == 200
    project.members.get(user=user).delete()
    assert caller.get(f"/projects/{project.slug}").status_code == 404


def test_the_last_use_is_noted_once_a_minute() -> None:
    token, secret = Token.issue(a_user(), "mine", ["read"])
    bearer(secret)
    first = Token.objects.get(pk=token.pk).last_used_at
    assert first is not None
    bearer(secret)
    assert Token.objects.get(pk=token.pk).last_used_at == first
    Token.objects.filter(pk=token.pk).update(last_used_at=timezone.now() - timedelta(seconds=61))
    bearer(secret)
    assert Token.objects.filter(pk=token.pk, last_used_at__gte=first).exists()


def test_a_bound_token_sees_its_project_alone() -> None:
    owner = a_user()
    mine, other = a_project(owner), a_project(owner)
    caller = Caller(owner, project=mine)
    assert [one["slug"] for one in caller.get("/projects").json()["results"]] == [mine.slug]
    assert caller.get(f"/queues/{a_queue(other).pk}").status_code == 404
    assert caller.get(f"/queues/{a_queue(mine).pk}").status_code == 200
    assert caller.get("/me").json()["token"]["project"] == mine.slug


def test_a_missing_scope_is_named() -> None:
    answer = Caller(a_user(), ["read"]).post("/projects", {"slug": "p", "name": "P"})
    assert answer.status_code == 403
    assert answer.json()["detail"] == "This token does not have the scope “write”."


# --- The command ---------------------------------------------------------------------------------------------------


def issue(*arguments: str) -> str:
    out = StringIO()
    call_command("token", *arguments, stdout=out)
    return out.getvalue().strip()


def test_the_command_prints_a_token_that_works() -> None:
    user = a_user("ada@example.org")
    project = a_project(user)
    words = ("--scope", "export", "--scope", "read", "--project", project.slug, "--name", "nightly", "--days", "7")
    secret = issue("Ada@example.org", *words)
    told = bearer(secret).json()["token"]
    assert (told["name"], told["scopes"], told["project"]) == ("nightly", ["read", "export"], project.slug)
    ends = Token.objects.get().expires_at
    assert ends is not None
    assert timedelta(days=6, hours=23) < ends - timezone.now() < timedelta(days=7)


@pytest.mark.parametrize(
    "arguments",
    [
        ("nobody@example.org", "--scope", "read"),
        ("ada@example.org",),
        ("ada@example.org", "--scope", "all"),
        ("ada@example.org", "--scope", "read", "--project", "not-hers"),
        ("ada@example.org", "--scope", "read", "--days", "0"),
        ("ada@example.org", "--scope", "read", "--name", "x" * 101),
    ],
)
def test_the_command_refuses(arguments: tuple[str, ...]) -> None:
    a_user("ada@example.org")
    a_project(slug="not-hers")
    with pytest.raises(CommandError):
        issue(*arguments)
    assert not Token.objects.exists()


# --- The browser's session -----------------------------------------------------------------------------------------


def session(user: Any) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    return client


def make(client: Client, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"slug": "fresh", "name": "Fresh"}
    return client.post(f"{API}/projects", body, content_type="application/json", headers=named)


def test_a_session_reads_and_needs_its_csrf_token_to_write() -> None:
    client = session(a_user())
    assert client.get(f"{API}/me").json()["token"] is None
    refused = make(client)
    assert refused.status_code == 403
    assert refused.headers["Content-Type"] == PROBLEM
    secret = "a" * 32
    client.cookies["preceptor_csrf"] = secret
    assert make(client, X_CSRFToken="b" * 32).status_code == 403
    assert make(client, X_CSRFToken=secret, Origin="https://evil.example").status_code == 403
    assert make(client, X_CSRFToken=secret, Origin="null").status_code == 403
    assert not Project.objects.exists()
    assert make(client, X_CSRFToken=secret).status_code == 201


def test_a_session_cannot_be_made_to_post_a_form() -> None:
    client = session(a_user())
    assert client.post(f"{API}/projects", {"slug": "fresh", "name": "Fresh"}).status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil.example"])
def test_other_origins_are_given_nothing(origin: str) -> None:
    answer = Caller(a_user()).get("/me", Origin=origin)
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_answers_are_kept_by_no_cache() -> None:
    for caller in (Caller(a_user()), Caller()):
        for path in ("/me", "/nothing", "/schema"):
            answer = caller.get(path)
            assert answer.headers["Cache-Control"] == "no-store"
            assert {"Authorization", "Cookie"} <= set(answer.headers["Vary"].split(", "))


def test_every_scope_is_used() -> None:
    from tests.api.world import calls

    assert {call.scope for call in calls().values()} == set(Scope)

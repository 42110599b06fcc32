"""Signing in and out, taking an invitation up, and tokens."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from annotate import access, projects
from annotate.models import Invitation, Member, Role, Token, User
from tests import factories
from tests.pages.desk import client_of

pytestmark = pytest.mark.django_db


def sign_in(email: str, password: str = "correct horse", **fields: str) -> tuple[Client, object]:
    client = Client()
    return client, client.post(reverse("sign-in"), {"username": email, "password": password} | fields)


def test_sign_in_with_an_address_however_it_is_written() -> None:
    factories.a_user("kim@example.org")
    client, answer = sign_in("Kim@Example.ORG")
    assert answer["Location"] == reverse("home")  # type: ignore[index]
    assert client.get(reverse("home")).status_code == 200


def test_a_wrong_password_and_an_unknown_address_look_alike() -> None:
    factories.a_user("kim@example.org")
    wrong = sign_in("kim@example.org", "no")[1].text  # type: ignore[attr-defined]
    unknown = sign_in("who@example.org", "no")[1].text  # type: ignore[attr-defined]
    assert "don&#x27;t go together" in wrong
    strip = re.compile(r'name="csrfmiddlewaretoken" value="\w+"|\w+@example.org')
    assert strip.sub("", wrong) == strip.sub("", unknown)


@pytest.mark.parametrize(
    "target", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_never_leads_to_another_site(target: str) -> None:
    factories.a_user("kim@example.org")
    assert sign_in("kim@example.org", next=target)[1]["Location"] == reverse("home")  # type: ignore[index]


def test_signing_in_leads_back_to_where_one_was_going() -> None:
    factories.a_user("kim@example.org")
    assert sign_in("kim@example.org", next="/tokens/")[1]["Location"] == "/tokens/"  # type: ignore[index]


def test_signing_out_is_a_press_and_not_a_look() -> None:
    client = client_of(factories.a_user())
    assert client.get(reverse("sign-out")).status_code == 405
    assert client.get(reverse("home")).status_code == 200
    assert client.post(reverse("sign-out"))["Location"] == reverse("sign-in")
    assert client.get(reverse("home")).status_code == 302


# --- Invitations -----------------------------------------------------------------------------------------------------


@pytest.fixture
def link() -> str:
    project = factories.a_project(name="Kitchen")
    _invitation, secret = projects.invite(project, project.created_by, "new@example.org", Role.REVIEWER)
    return reverse("accept-invitation", args=[secret])


def test_an_invitation_makes_an_account_and_a_member_and_signs_in(link: str) -> None:
    client = Client()
    page = client.get(link).text
    assert "Join Kitchen" in page
    assert "new@example.org" in page
    answer = client.post(link, {"name": "New One", "password": "a quite long secret"})
    assert (answer.status_code, answer["Location"]) == (303, reverse("home"))
    member = Member.objects.get(user__email="new@example.org")
    assert (member.role, member.user.name) == (Role.REVIEWER, "New One")
    assert "Welcome to Kitchen." in client.get(reverse("home")).text
    assert Client().get(link).status_code == 404


@pytest.mark.parametrize("password", ["short", "password1234", "12345678901234"])
def test_a_weak_password_is_refused_and_nothing_is_used_up(link: str, password: str) -> None:
    answer = Client().post(link, {"name": "New One", "password": password})
    assert answer.status_code == 422
    assert "errors" in answer.text
    assert f'value="{password}"' not in answer.text
    assert not User.objects.filter(email="new@example.org").exists()
    assert Invitation.objects.get().is_open


def test_who_is_signed_in_joins_with_a_press(link: str) -> None:
    kim = factories.a_user("kim@example.org")
    client = client_of(kim)
    assert "You are signed in as kim@example.org." in client.get(link).text
    assert not Member.objects.filter(user=kim).exists()
    assert client.post(link).status_code == 303
    assert Member.objects.get(user=kim).role == Role.REVIEWER


def test_an_address_with_an_account_is_told_to_sign_in(link: str) -> None:
    factories.a_user("new@example.org")
    answer = Client().post(link, {"name": "New One", "password": "a quite long secret"})
    assert answer.status_code == 422
    assert "has an account" in answer.text


def test_a_link_nobody_sent_is_not_there() -> None:
    assert Client().get(reverse("accept-invitation", args=["x" * 43])).status_code == 404


# --- Tokens ----------------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_and_only_its_digest_is_kept() -> None:
    kim = factories.a_user()
    client = client_of(kim)
    page = client.post(reverse("tokens"), {"name": "nightly", "scopes": ["read", "export"], "life": "30"}).text
    (secret,) = re.findall(r"prc_[\w-]{30,}", page)
    token = access.bearer(secret)
    assert (token.user, token.scopes, token.project) == (kim, ["read", "export"], None)
    assert token.expires_at is not None
    again = client.get(reverse("tokens")).text
    assert "nightly" in again
    assert secret not in again
    assert not Token.objects.filter(secret_digest__contains=secret).exists()


def test_a_token_may_be_for_one_project_of_ones_own_and_never_end() -> None:
    mine, other = factories.a_project(), factories.a_project()
    client = client_of(mine.created_by)
    fields = {"name": "one", "scopes": ["read"], "life": ""}
    assert client.post(reverse("tokens"), fields | {"project": other.pk}).status_code == 422
    assert client.post(reverse("tokens"), fields | {"project": mine.pk}).status_code == 200
    token = Token.objects.get()
    assert (token.project, token.expires_at) == (mine, None)


def test_a_token_needs_a_name_and_a_scope() -> None:
    answer = client_of(factories.a_user()).post(reverse("tokens"), {"name": "", "life": "30"})
    assert answer.status_code == 422
    assert answer.text.count("This field is required.") == 2
    assert not Token.objects.exists()


def test_revoking_ends_a_token_of_ones_own_alone() -> None:
    kim, other = factories.a_user(), factories.a_user()
    token, secret = Token.issue(kim, "nightly", ["read"])
    assert client_of(other).post(reverse("tokens"), {"revoke": token.pk}).status_code == 404
    assert access.bearer(secret)
    client = client_of(kim)
    assert client.post(reverse("tokens"), {"revoke": token.pk}).status_code == 303
    assert access.bearer(secret) is None
    assert "is revoked" in client.get(reverse("tokens")).text
    for nonsense in ("x", "-1", str(2**70)):
        assert client.post(reverse("tokens"), {"revoke": nonsense}).status_code == 404

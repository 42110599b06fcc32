"""Pages for when something is wrong: plain words, the way home, nothing of what went on inside."""

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views.defaults import server_error

from tests import factories
from tests.pages.desk import client_of

pytestmark = pytest.mark.django_db


def test_an_address_that_is_not_there() -> None:
    answer = client_of(factories.a_user()).get("/no/such/page/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert "no/such" not in answer.text
    assert "Content-Security-Policy" in answer.headers


def test_a_fault_of_ours_needs_nothing_to_be_told() -> None:
    answer = server_error(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text


def test_a_post_without_its_token_is_refused_in_words() -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post(reverse("sign-in"), {"username": "kim@example.org", "password": "x"})
    assert answer.status_code == 403
    assert "Please try once more" in answer.text

"""Two responses with their differences marked: who is told, and what."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import Assignment, Draft
from tests import factories
from tests.pages.desk import HTMX, client_of
from tests.pages.test_reading import a_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Assignment:
    work, noor = a_desk(4)
    return factories.a_lease(noor, work)


def ask(client: Client, place: Assignment, headers: Any = None, **fields: Any) -> Any:
    given: dict[str, Any] = {"fence": place.fence, "of": "a", "with": "b"} | fields
    return client.get(reverse("diff", args=[place.pk]), given, headers=headers)


def reader(place: Assignment) -> Client:
    assert place.annotator
    return client_of(place.annotator)


def test_the_differences_are_a_part_for_scripts_and_a_page_without(place: Assignment) -> None:
    part = ask(reader(place), place, HTMX).text
    page = ask(reader(place), place).text
    assert "<html" not in part and "<html" in page
    for text in (part, page):
        assert "Differences between A and B" in text
        assert len(re.findall("<mark>", text)) >= 2


def test_two_letters_are_told_in_the_order_shown(place: Assignment) -> None:
    assert (
        ask(reader(place), place, HTMX, of="c", **{"with": "b"}).text
        == ask(reader(place), place, HTMX, of="b", **{"with": "c"}).text
    )


@pytest.mark.parametrize("fields", [{"of": "b"}, {"of": "z"}, {"of": ""}, {"with": "1"}, {"fence": "x"}, {"fence": 0}])
def test_what_no_page_of_ours_asks_is_a_bad_request(place: Assignment, fields: dict[str, Any]) -> None:
    assert ask(reader(place), place, **fields).status_code == 400


def test_only_who_holds_or_held_the_lease_is_told(place: Assignment) -> None:
    other = factories.a_member(place.queue.project)
    for client in (client_of(other), client_of(place.queue.project.created_by)):
        assert ask(client, place).status_code == 404
    assert Client().get(reverse("diff", args=[place.pk])).status_code == 302
    Assignment.objects.filter(pk=place.pk).update(annotator=other, fence=2, holders=[place.annotator_id, other.pk])
    assert ask(reader(place), place).status_code == 200
    assert ask(reader(place), place, fence=2).status_code == 404
    assert ask(client_of(other), place).status_code == 404


def test_only_letters_and_texts_are_told(place: Assignment) -> None:
    page = ask(reader(place), place, HTMX).text
    for response in place.task.response_ids:
        assert str(response) not in re.sub("<mark>.*?</mark>|<[^>]*>", "", page, flags=re.DOTALL)
    assert "model-" not in page and "response-" not in page


def test_looking_changes_nothing(place: Assignment) -> None:
    before = list(Assignment.objects.order_by("pk").values())
    ask(reader(place), place)
    assert list(Assignment.objects.order_by("pk").values()) == before
    assert not Draft.objects.exists()
    assert reader(place).post(reverse("diff", args=[place.pk])).status_code == 405

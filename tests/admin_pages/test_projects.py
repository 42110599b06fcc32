"""Making projects and queues, and publishing guidelines."""

import re

import pytest
from django.urls import reverse

from annotate import kinds
from annotate.models import Guideline, Project, Queue
from tests import factories as make
from tests.admin_pages.cast import HTMX, a_busy_cast, a_cast
from tests.pages.desk import client_of

pytestmark = pytest.mark.django_db


def test_a_project_gets_a_short_name_from_its_name():
    client = client_of(make.a_user())
    answer = client.post(reverse("project-new"), {"name": "Größe & Maß 2"})
    assert answer.status_code == 303
    assert Project.objects.get().slug == "groe-ma-2"


@pytest.mark.parametrize(("sent", "field"), [
    ({"name": ""}, "name"),
    ({"name": "日本"}, "slug"),
    ({"name": "A", "slug": "no spaces"}, "slug"),
    ({"name": "A", "slug": "taken"}, "slug"),
])  # fmt: skip
def test_what_is_wrong_with_a_new_project_is_said_beside_the_field(sent, field):
    make.a_project(slug="taken")
    answer = client_of(make.a_user()).post(reverse("project-new"), sent)
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert Project.objects.count() == 1


def test_an_empty_project_says_what_to_do_next():
    owner = make.a_user()
    project = make.a_project(owner)
    html = client_of(owner).get(reverse("project", args=[project.slug])).content.decode()
    assert reverse("queue-new", args=[project.slug]) in html


def test_an_archived_project_is_gone_for_everybody():
    cast = a_busy_cast()
    cast.post("owner", "project-settings", cast.project.slug, archive="1")
    assert cast.get("owner", "project", cast.project.slug).status_code == 404
    assert cast.get("annotator", "work", cast.queue.pk).status_code == 404


@pytest.mark.parametrize("kind", [kind.name for kind in kinds.all_kinds()])
def test_each_kind_can_be_chosen_with_its_options_and_preview(kind):
    cast = a_cast()
    address = reverse("queue-new", args=[cast.project.slug]) + f"?kind={kind}"
    client = cast.client("manager")
    for headers in ({}, HTMX):
        html = client.get(address, headers=headers).content.decode()
        assert ("<!doctype html>" in html) == (headers == {})
        assert kinds.get(kind).example().instruction in html
        for name in kinds.get(kind).options_form.base_fields:
            assert f'name="options-{name}"' in html
    answer = client.post(address, {"name": "Fresh", "overlap": "3", "order": "random", "lease_seconds": "90"})
    assert answer.status_code == 303
    made = Queue.objects.get(name="Fresh")
    assert (made.kind, made.overlap, made.order, made.lease_seconds) == (kind, 3, "random", 90)


def test_a_kind_that_there_is_not_is_not_found():
    cast = a_cast()
    answer = cast.get("manager", "queue-new", cast.project.slug, query={"kind": "juggle"})
    assert answer.status_code == 404


def test_a_changed_option_changes_the_preview():
    cast = a_cast()
    asked = {"kind": "rank", "preview": "1", "options-ties": "on"}
    html = cast.get("manager", "queue-new", cast.project.slug, query=asked, headers=HTMX).content.decode()
    assert 'name="unusable"' not in html
    html = cast.get(
        "manager", "queue-new", cast.project.slug, query=asked | {"options-unusable": "on"}, headers=HTMX
    ).content.decode()
    assert 'name="unusable"' in html


def test_a_queue_can_bring_its_own_guidelines():
    cast = a_cast()
    sent = {"name": "Fresh", "overlap": "1", "order": "fifo", "lease_seconds": "90", "guidelines": "Only here."}
    cast.client("manager").post(reverse("queue-new", args=[cast.project.slug]) + "?kind=write", sent)
    own = Queue.objects.get(name="Fresh").guideline()
    assert own
    assert own.text == "Only here."
    assert cast.queue.guideline() is None


def test_publishing_keeps_the_older_versions_and_shows_what_changed():
    cast = a_busy_cast()
    cast.post("manager", "guidelines", cast.project.slug, text="Be fair.\nBe quick.")
    assert list(Guideline.objects.order_by("version").values_list("text", flat=True)) == [
        "Be fair.",
        "Be fair.\nBe quick.",
    ]
    page = cast.get("annotator", "guidelines", cast.project.slug).content.decode()
    assert '<a href="?from=1&amp;to=2">since version 1</a>' in page
    html = cast.get("annotator", "guidelines", cast.project.slug, query={"from": "1", "to": "2"}).content.decode()
    assert re.search(r"<ins>.*Be quick\..*</ins>", html, re.DOTALL)
    old = cast.get("annotator", "guidelines", cast.project.slug, query={"version": "1"}).content.decode()
    assert "version 2 is in force" in old
    assert cast.get("annotator", "guidelines", cast.project.slug, query={"version": "9"}).status_code == 404


def test_guidelines_are_shown_without_their_html():
    cast = a_cast()
    cast.post("manager", "guidelines", cast.project.slug, text="<script>alert(1)</script> **bold**")
    html = cast.get("annotator", "guidelines", cast.project.slug).content.decode()
    assert "<script>alert" not in html
    assert "<strong>bold</strong>" in html

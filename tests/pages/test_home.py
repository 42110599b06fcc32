"""What a person finds when they come in."""

import pytest
from django.urls import reverse

from annotate import queue
from annotate.models import Queue, Role
from tests import factories
from tests.pages.desk import client_of

pytestmark = pytest.mark.django_db


def test_somebody_new_is_told_what_to_do_next() -> None:
    page = client_of(factories.a_user(name="Kim")).get(reverse("home")).text
    assert "Hello, Kim" in page
    assert "No work for you yet" in page
    assert reverse("project-new") in page


def test_queues_stand_under_their_project_with_what_one_did() -> None:
    project = factories.a_project(name="Kitchen")
    kim = factories.a_member(project)
    rank = factories.a_queue(project, name="Recipes")
    factories.a_queue(project, name="Paused one", state=Queue.State.PAUSED)
    factories.a_queue(project, name="Closed one", state=Queue.State.CLOSED)
    factories.a_queue(project, name="For others", assigned_only=True)
    factories.a_queue(name="Of strangers")
    for _number in range(3):
        factories.a_task(rank)
    factories.a_label(kim, rank)
    page = client_of(kim).get(reverse("home")).text
    assert page.index("Kitchen") < page.index("Recipes")
    assert "1 done by you" in page
    assert "Paused one" in page
    for hidden in ("Closed one", "For others", "Of strangers", "Projects you run\n"):
        assert hidden not in page


def test_who_holds_a_task_goes_on_with_it() -> None:
    work = factories.a_queue()
    factories.a_task(work)
    kim = factories.a_member(work.project)
    queue.claim(kim, work)
    page = client_of(kim).get(reverse("home")).text
    assert "you hold a task" in page
    assert f'<a class="button primary" href="{reverse("work", args=[work.pk])}">Continue' in page


def test_managers_and_reviewers_find_their_projects_and_annotators_do_not() -> None:
    project = factories.a_project(name="Kitchen")
    for role, sees in ((Role.ANNOTATOR, False), (Role.REVIEWER, True), (Role.MANAGER, True)):
        page = client_of(factories.a_member(project, role=role)).get(reverse("home")).text
        assert (f'href="{reverse("project", args=[project.slug])}"' in page) is sees


def test_home_takes_a_handful_of_statements(django_assert_max_num_queries: object) -> None:
    project = factories.a_project()
    kim = factories.a_member(project)
    for _number in range(12):
        factories.a_queue(project)
    client = client_of(kim)
    with django_assert_max_num_queries(9):  # type: ignore[operator]
        client.get(reverse("home"))

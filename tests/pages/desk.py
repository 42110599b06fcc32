"""An annotator at their desk: signed in, a queue before them. What the tests of the pages start from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.test import Client
from django.urls import reverse

from annotate.models import Assignment, Queue, User
from tests import factories

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

HTMX = {"HX-Request": "true"}


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def let_in(context: BrowserContext, user: User, origin: str) -> None:
    """Sign `user` in to a browser without typing."""
    cookie = client_of(user).cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": origin}])


def start(page: Page, user: User, work: Queue, origin: str) -> None:
    """Sign in, open the queue's page and take the first task, as a person does."""
    let_in(page.context, user, origin)
    page.goto(reverse("work", args=[work.pk]))
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector("#panel")
    page.wait_for_load_state()


def held(user: User) -> Assignment:
    """The place before the user: the first they were given of those they hold."""
    mine = Assignment.objects.leased().filter(annotator=user).order_by("leased_at")
    found = mine.select_related("task", "queue").first()
    assert found is not None
    return found


def arrived(page: Page, passing: int = 0) -> None:
    """Wait until every answer that was handed in has reached the server; each look puts the page's clock forward."""
    for _time in range(100):
        if passing:
            page.clock.run_for(passing)
        if not page.evaluate("Object.keys(localStorage).some((name) => name.includes(':outbox:'))"):
            return
        page.wait_for_timeout(50)
    raise AssertionError("an answer still waits to be sent")


def a_desk(kind: str, tasks: int = 3, **fields: Any) -> tuple[Queue, User]:
    """A queue with tasks and somebody who works in it."""
    work = factories.a_queue(kind=kind, **fields)
    for number in range(tasks):
        factories.a_task(work, instruction=f"Instruction {number}")
    return work, factories.a_member(work.project, factories.a_user(name="Noor"))


def in_store(page: Page) -> None:
    """Wait until the page has the next task in store."""
    for _time in range(200):
        if page.evaluate("import('/static/js/ahead.js').then((ahead) => ahead.held())"):
            return
        page.wait_for_timeout(25)
    raise AssertionError("the next task is not in store")


def slip(place: Assignment, **fields: object) -> dict[str, object]:
    """The hidden fields of the panel's form."""
    return {"fence": place.fence, "key": "8d7f4cf2-0000-4000-8000-000000000001", "active_seconds": "12.5"} | fields

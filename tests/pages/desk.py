"""An annotator at their desk: signed in, a queue before them. What the tests of the pages start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.test import Client
from django.urls import reverse

from annotate.models import Assignment, Queue, User

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
    """The one place the user holds."""
    return Assignment.objects.leased().select_related("task", "queue").get(annotator=user)


def slip(place: Assignment, **fields: object) -> dict[str, object]:
    """The hidden fields of the panel's form."""
    return {"fence": place.fence, "key": "8d7f4cf2-0000-4000-8000-000000000001", "active_seconds": "12.5"} | fields

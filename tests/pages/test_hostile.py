"""Hostile texts everywhere a person's words are shown: nothing runs, nothing leaves, nothing passes for the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from annotate import projects
from tests import factories
from tests.pages.desk import let_in
from tests.pages.payloads import XSS

if TYPE_CHECKING:
    from playwright.sync_api import Dialog, Page

pytestmark = pytest.mark.django_db(transaction=True)

# Attributes that rendered text may carry; everything else would be a way in.
PLAIN = {"href", "rel", "class", "start"}
FOUND = """
() => [...document.querySelectorAll('.prose *')].flatMap(
  (one) => [one.localName, ...one.getAttributeNames().map((name) => '@' + name)])
"""
TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "em", "strong", "s", "blockquote", "a", "ul", "ol", "li"),
    *("pre", "code", "span", "div", "table", "thead", "tbody", "tr", "th", "td"),
}


def dialogs_of(page: Page) -> list[str]:
    """Messages of the dialogs that open on the page from now on."""
    messages: list[str] = []

    def note(dialog: Dialog) -> None:
        messages.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    return messages


def test_there_are_enough_of_them() -> None:
    assert len(set(XSS)) >= 60


def test_hostile_texts_are_only_read(page: Page, live_server: object) -> None:
    dialogs = dialogs_of(page)
    work = factories.a_queue(kind="rank")
    for at in range(0, len(XSS), 4):
        four = (XSS[at : at + 4] + XSS)[:4]
        factories.a_task(work, instruction=XSS[-at - 1], responses=four)
    noor = factories.a_member(work.project)
    let_in(page.context, noor, str(live_server))
    page.goto(reverse("work", args=[work.pk]))
    page.get_by_role("button", name="Start").click()
    for number in range(1, work.tasks.count() + 1):
        page.get_by_role("heading", name=f"Task {number}", exact=True).wait_for()
        found = set(page.evaluate(FOUND))
        assert {one for one in found if not one.startswith("@")} <= TAGS
        assert {one[1:] for one in found if one.startswith("@")} <= PLAIN
        for article in page.locator(".response").all():
            article.hover(position={"x": 5, "y": 5}, force=True)
        page.keyboard.type("1234")
        page.keyboard.press("Enter")  # every panel but the first comes in by a swap, which is another way in
    page.get_by_role("heading", name="That was all for now").wait_for()
    assert dialogs == []


def test_hostile_names_are_only_read(page: Page, live_server: object) -> None:
    dialogs = dialogs_of(page)
    kim = factories.a_user(name="kim")
    let_in(page.context, kim, str(live_server))
    for number, text in enumerate(XSS[:60:3]):
        project = factories.a_project(name=text[:120], description=text)
        factories.a_member(project, kim)
        projects.publish_guideline(project, project.created_by, text)
        work = factories.a_queue(project, kind="write", name=f"{number} {text}"[:120])
        factories.a_task(work)
        kim.name = text[:100]
        kim.save()
        page.goto(reverse("work", args=[work.pk]))
        page.get_by_role("button", name="Start").click()
        page.wait_for_selector("#panel")
        page.keyboard.press("g")
    page.goto(reverse("home"))
    assert page.locator(".row").count() == 20
    assert dialogs == []

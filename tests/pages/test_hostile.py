"""Hostile texts everywhere a person's words are shown: nothing runs, nothing leaves, nothing passes for the page."""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from annotate import rendering
from annotate.rendering.cleaning import ATTRIBUTES, MATH, TAGS, VALUES
from tests import factories
from tests.pages.desk import let_in
from tests.pages.payloads import PAYLOADS

if TYPE_CHECKING:
    from playwright.sync_api import Dialog, Page

pytestmark = pytest.mark.django_db(transaction=True)

#: PostgreSQL takes no NUL in a text; the renderer's own tests see them.
STORED = [one.replace("\0", "") for one in PAYLOADS]
# Attributes that rendered text may carry; everything else would be a way in.
PLAIN = {"href", "rel", "target"}.union(*ATTRIBUTES.values(), *(values.keys() for values in VALUES.values()))
FOUND = """
() => [...document.querySelectorAll('.prose *')].flatMap(
  (one) => [one.localName, ...one.getAttributeNames().map((name) => '@' + name)])
"""
# What a browser makes of a text when it reads it, and when it reads again what it wrote down.
TWICE = """
(texts) => texts.map((text) => {
  const read = (html) => new DOMParser().parseFromString(`<div>${html}</div>`, 'text/html').body.firstChild;
  const once = read(text);
  const twice = read(once.innerHTML);
  const names = [...once.querySelectorAll('*')].flatMap(
    (one) => [one.localName, ...one.getAttributeNames().map((name) => '@' + name)]);
  const links = [...once.querySelectorAll('[href]')].map((one) => one.protocol);
  return {same: once.innerHTML === twice.innerHTML && once.nextSibling === null, names, links};
})
"""


def dialogs_of(page: Page) -> list[str]:
    """Messages of the dialogs that open on the page from now on."""
    messages: list[str] = []

    def note(dialog: Dialog) -> None:
        messages.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    return messages


def assert_plain(names: list[str], also: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    assert {one for one in names if not one.startswith("@")} <= TAGS | MATH
    assert {one[1:] for one in names if one.startswith("@")} <= PLAIN | also


def test_there_are_enough_of_them() -> None:
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 200


def test_a_browser_reads_rendered_texts_as_they_are_meant_also_the_second_time(page: Page) -> None:
    texts = [str(rendering.to_html(one)) for one in [*PAYLOADS, *(f"- x\n\n  {one}" for one in PAYLOADS)]]
    for text, read in zip(texts, page.evaluate(TWICE, texts), strict=True):
        assert read["same"], text
        assert_plain(read["names"])
        assert set(read["links"]) <= {"http:", "https:", "mailto:"}, text


def test_hostile_texts_are_only_read_as_one_works_through_them(page: Page, live_server: object) -> None:
    """Some of each sort; tests/sweep opens every page with all of them, and with names as hostile."""
    page.set_default_timeout(30_000)  # some of the texts are heavy
    dialogs = dialogs_of(page)
    work = factories.a_queue(kind="rank")
    for instruction, *responses in batched(STORED[::3], 10):
        factories.a_task(work, instruction=instruction, responses=responses)
    noor = factories.a_member(work.project)
    let_in(page.context, noor, str(live_server))
    page.goto(reverse("work", args=[work.pk]))
    page.get_by_role("button", name="Start").click()
    for number in range(1, work.tasks.count() + 1):
        page.get_by_role("heading", name=f"Task {number}", exact=True).wait_for()
        assert_plain(page.evaluate(FOUND), {"tabindex"})  # given by our own scripts to what scrolls
        for article in page.locator(".response").all():
            article.hover(position={"x": 5, "y": 5}, force=True)
        page.keyboard.press("x")
        page.locator(".differences mark").first.wait_for(state="attached")  # some are of nothing one can see
        page.keyboard.type("123456789")
        page.keyboard.press("Enter")  # every panel but the first comes in by a swap, which is another way in
    page.get_by_role("heading", name="That was all for now").wait_for()
    assert dialogs == []

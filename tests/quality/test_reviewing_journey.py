"""Reviewing in a real browser, by keys: reject and answer, ask for changes, fix."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from annotate import reviewing
from annotate.models import Label, Review, Thread, ToReview
from tests.pages.desk import let_in
from tests.quality.bench import a_bench, written

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)


def seen(page: Page, words: str) -> None:
    """Wait for the notice on the page that comes, and for its scripts: a key before them does nothing."""
    expect(page.locator("#notices")).to_contain_text(words)
    page.wait_for_load_state()


def test_reject_and_answer_ask_for_changes_and_fix(page: Page, live_server: LiveServer) -> None:
    bench = a_bench()
    labels = [bench.label(payload=written(f"Answer {n}.")) for n in range(3)]
    for label in labels:
        reviewing.add([label], ToReview.Why.CHOSEN)
    let_in(page.context, bench.rita, live_server.url)
    page.goto(reverse("reviewing", args=[bench.work.pk]))
    expect(page.get_by_role("heading", name="3 labels wait for a reviewer")).to_be_visible()
    page.keyboard.press("a")  # review next
    heading = page.get_by_role("heading", name="Is this answer good?")
    expect(heading).to_be_focused()
    page.wait_for_load_state()

    # Rejected: the key asks for the reason first, then Ctrl+Enter sends it and the next label comes.
    page.keyboard.press("r")
    reason = page.get_by_label("Reason")
    expect(reason).to_be_focused()
    page.keyboard.type("It says nothing, r or not.")
    page.keyboard.press("Control+Enter")
    seen(page, "The label is rejected.")
    page.keyboard.press("c")
    page.keyboard.type("Name a source.")
    page.keyboard.press("Control+Enter")
    seen(page, "to be changed")

    # Fixed, in the kind's own form.
    page.keyboard.press("f")
    field = page.get_by_label("Your response")
    expect(field).to_have_value("Answer 2.")
    page.wait_for_load_state()
    field.fill("Answer 2, put right.")
    page.get_by_label("What was wrong").fill("A word was missing.")
    page.keyboard.press("Control+Enter")
    seen(page, "Nothing waits for you now.")
    said = [one.verdict for one in Review.objects.order_by("pk")]
    assert said == ["reject", "changes", "fix"]
    assert Label.objects.get(supersedes=labels[2]).payload["text"] == "Answer 2, put right."

    # Her annotator answers, and changes what was asked for.
    page.context.clear_cookies()
    let_in(page.context, bench.noor, live_server.url)
    page.goto("/")
    page.get_by_role("link", name="A reviewer asks you to change 1 answer").click()
    page.get_by_role("link", name=re.compile("^Change it")).click()
    page.get_by_label("Your response").fill("Answer 1, from a book.")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("#answer")).to_have_count(0)
    page.goto(reverse("you-label", args=[labels[0].pk]))
    page.get_by_label("Your words").fill("It says what was asked.")
    page.get_by_role("button", name="Say it").click()
    expect(page.get_by_text("It says what was asked.")).to_be_visible()
    page.goto(reverse("you-label", args=[labels[2].pk]))
    expect(page.get_by_text("A reviewer fixed this answer.")).to_be_visible()
    expect(page.locator(".changes ins")).to_contain_text("put right")

    # The reviewer settles the discussion and accepts what was changed.
    page.context.clear_cookies()
    let_in(page.context, bench.rita, live_server.url)
    page.goto(reverse("reviewing", args=[bench.work.pk]))
    page.locator("#threads + ul").get_by_role("link").first.click()
    expect(page.get_by_text("It says what was asked.")).to_be_visible()
    page.get_by_role("button", name="Mark as settled").click()
    expect(page.get_by_text("settled", exact=True)).to_be_visible()
    assert Thread.objects.get().resolved_by == bench.rita
    page.goto(reverse("reviewing", args=[bench.work.pk]))
    page.get_by_role("button", name="Review next").click()
    expect(page.get_by_text("You asked for changes:")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("a")
    seen(page, "Nothing waits for you now.")
    newest = Label.objects.get(supersedes=labels[1])
    assert reviewing.newest([newest])[newest.pk].verdict == "accept"


def test_side_by_side_by_keys(page: Page, live_server: LiveServer) -> None:
    bench = a_bench("rank", overlap=2)
    bench.tasks()
    one = bench.label(bench.noor, {"ranks": {"a": 1, "b": 2, "c": 3, "d": 4}})
    other = bench.label(bench.bea, {"ranks": {"a": 4, "b": 3, "c": 2, "d": 1}})
    let_in(page.context, bench.rita, live_server.url)
    page.goto(reverse("adjudicate", args=[one.task_id]))
    page.keyboard.press("u")  # none is chosen: nothing happens
    for key, column in (("ArrowRight", 1), ("2", 2), ("ArrowLeft", 1), ("ArrowRight", 2), ("ArrowRight", 2)):
        page.keyboard.press(key)
        expect(page.locator(f"#column-{column}")).to_be_focused()
    page.keyboard.press("u")
    seen(page, "Accepted. The other answers are rejected.")
    found = reviewing.newest([one, other])
    assert (found[one.pk].verdict, found[other.pk].verdict) == ("reject", "accept")


def test_a_ranking_is_fixed_by_its_own_keys(page: Page, live_server: LiveServer) -> None:
    bench = a_bench("rank")
    label = bench.label(payload={"ranks": {"a": 1, "b": 2, "c": 3, "d": 4}})
    let_in(page.context, bench.rita, live_server.url)
    page.goto(reverse("label", args=[label.pk]))
    page.get_by_role("link", name="Fix").click()
    expect(page.get_by_role("heading", name="Put it right")).to_be_focused()
    page.wait_for_load_state()
    page.locator("#response-a").focus()
    page.keyboard.press("4")
    page.locator("#response-d").focus()
    page.keyboard.press("1")
    page.get_by_role("button", name="Send the fix").click()
    expect(page.get_by_text("A reviewer fixed it:")).to_be_visible()
    ranks = Label.objects.get(supersedes=label).payload["ranks"]
    assert (ranks["d"] < ranks["b"]) and (ranks["a"] > ranks["b"])

"""Single keys: moved to where the person wants them, and silent wherever they would get in the way (E07)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from annotate import kinds, preferences
from annotate.models import Queue, User
from tests import factories
from tests.pages.desk import client_of, let_in, start

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def origin(live_server: object) -> str:
    return str(live_server)


def a_desk(kind: str = "rank", **fields: Any) -> tuple[Queue, User]:
    work = factories.a_queue(kind=kind, **fields)
    for _number in range(3):
        factories.a_task(work)
    return work, factories.a_member(work.project)


def at_work(page: Page, origin: str, kind: str = "rank", **keys: str) -> None:
    work, noor = a_desk(kind)
    preferences.change(noor, keys=keys)
    start(page, noor, work, origin)


def skip(page: Page) -> Locator:
    return page.locator("#skip")


def place_of(page: Page, letter: str) -> Locator:
    return page.locator(f"#response-{letter} .places input:checked")


def press_raw(page: Page, key: str, code: int) -> None:
    """A key press with the code that browsers give while an input method has it."""
    raw = page.context.new_cdp_session(page)
    raw.send("Input.dispatchKeyEvent", {"type": "keyDown", "key": key, "windowsVirtualKeyCode": code})
    raw.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": key, "windowsVirtualKeyCode": code})


# --- Moved -----------------------------------------------------------------------------------------------------------


def test_a_moved_key_acts_where_it_was_put_and_not_where_it_was(page: Page, origin: str) -> None:
    at_work(page, origin, s="k")
    page.keyboard.press("s")
    expect(skip(page)).to_be_hidden()
    page.keyboard.press("k")
    expect(skip(page)).to_be_visible()


def test_two_keys_can_be_swapped(page: Page, origin: str) -> None:
    at_work(page, origin, s="d", d="s")
    page.keyboard.press("d")
    expect(skip(page)).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    expect(page.locator("#decline")).to_be_visible()


def test_places_of_a_ranking_follow_moved_digits_and_letters(page: Page, origin: str) -> None:
    at_work(page, origin, **{"1": "q", "2": "p", "u": "o"})
    page.keyboard.press("q")
    expect(place_of(page, "a")).to_have_value("1")
    page.keyboard.press("p")
    expect(place_of(page, "b")).to_have_value("2")
    page.keyboard.press("1")  # means nothing now
    page.keyboard.press("o")
    expect(page.locator("#response-c [name=unusable]")).to_be_checked()


def test_arrows_of_a_comparison_can_be_letters(page: Page, origin: str) -> None:
    at_work(page, origin, "compare", ArrowLeft="h")
    page.keyboard.press("h")
    expect(page.locator("#scale input:checked")).to_have_count(1)


def test_letters_of_another_script_work(page: Page, origin: str) -> None:
    at_work(page, origin, s="س")
    press_raw(page, "س", 83)
    expect(skip(page)).to_be_visible()


def test_caps_lock_does_not_silence_keys(page: Page, origin: str) -> None:
    at_work(page, origin)
    press_raw(page, "S", 83)
    expect(skip(page)).to_be_visible()


def test_every_key_on_the_page_and_in_the_help_is_the_persons_own(page: Page, origin: str) -> None:
    at_work(page, origin, s="k", **{"?": "h"})
    expect(page.locator("[popovertarget=skip] kbd")).to_have_text("k")
    page.keyboard.press("h")
    help_ = page.locator("#keys")
    expect(help_).to_be_visible()
    assert "k" in help_.locator("kbd").all_inner_texts()
    assert "s" not in help_.locator("kbd").all_inner_texts()
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    page.locator("#skip input[type=radio]").first.check()
    page.get_by_role("button", name="Skip this task").click()
    expect(skip(page)).to_be_hidden()
    expect(page.locator("[popovertarget=skip] kbd")).to_have_text("k")


@pytest.mark.parametrize("kind", [kind.name for kind in kinds.all_kinds()])
def test_every_single_key_that_a_page_carries_can_be_moved(kind: str) -> None:
    work, noor = a_desk(kind)
    factories.a_lease(noor, work)
    page = client_of(noor).get(reverse("work", args=[work.pk])).content.decode()
    carried = set(" ".join(re.findall(r'data-(?:key|digit|pick)="([^"]*)"', page)).split())
    assert carried
    assert carried <= preferences.shortcuts().keys()


# --- Silent ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moved", [{}, {"s": "k"}])
def test_no_key_acts_in_a_text_field(page: Page, origin: str, moved: dict[str, str]) -> None:
    at_work(page, origin, **moved)
    page.get_by_label("Comment").click()
    page.keyboard.type("skdfgz?123")
    expect(page.get_by_label("Comment")).to_have_value("skdfgz?123")
    expect(page.locator(":popover-open")).to_have_count(0)
    expect(place_of(page, "a")).to_have_count(0)


def test_no_key_acts_with_a_modifier(page: Page, origin: str) -> None:
    at_work(page, origin)
    for modifier in ("Control", "Alt", "Meta"):
        for key in ("1", "d"):
            page.keyboard.press(f"{modifier}+{key}")
    expect(page.locator(":popover-open")).to_have_count(0)
    expect(place_of(page, "a")).to_have_count(0)


def test_no_key_acts_while_composing(page: Page, origin: str) -> None:
    at_work(page, origin)
    page.get_by_label("Comment").click()
    raw = page.context.new_cdp_session(page)
    raw.send("Input.imeSetComposition", {"text": "す", "selectionStart": 1, "selectionEnd": 1})
    press_raw(page, "s", 229)
    press_raw(page, "Enter", 229)
    expect(page.locator(":popover-open")).to_have_count(0)
    raw.send("Input.insertText", {"text": "すし"})
    expect(page.get_by_label("Comment")).to_have_value("すし")
    expect(page.get_by_role("heading", name="Task 1", exact=True)).to_be_visible()


def test_a_key_that_an_input_method_has_taken_acts_nowhere(page: Page, origin: str) -> None:
    at_work(page, origin)
    press_raw(page, "s", 229)
    press_raw(page, "1", 229)
    expect(page.locator(":popover-open")).to_have_count(0)
    expect(place_of(page, "a")).to_have_count(0)


def test_no_key_acts_behind_a_dialog(page: Page, origin: str) -> None:
    at_work(page, origin)
    page.keyboard.press("s")
    for key in ("d", "1", "?"):
        page.keyboard.press(key)
    expect(skip(page)).to_be_visible()
    expect(page.locator("#decline")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(place_of(page, "a")).to_have_count(0)


def test_switched_off_on_the_settings_page_they_are_silent_and_ctrl_enter_is_not(page: Page, origin: str) -> None:
    work, noor = a_desk("write")
    let_in(page.context, noor, origin)
    page.goto(reverse("you-settings"))
    page.get_by_label("Single keys work").uncheck()
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("Saved.").first).to_be_visible()
    start(page, noor, work, origin)
    page.keyboard.press("s")
    expect(skip(page)).to_be_hidden()
    page.get_by_label("Your response").fill("Long enough to be an answer.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Task 2", exact=True)).to_be_visible()

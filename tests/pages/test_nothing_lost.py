"""Whatever happens to the tab, the connection, the session or the lease: nothing that was entered is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Error, expect

from annotate import labelling
from annotate.models import Assignment, Draft, Label, Queue, User
from tests import factories
from tests.pages.desk import a_desk, arrived, held, in_store, let_in, start

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def origin(live_server: object) -> str:
    return str(live_server)


@pytest.fixture(autouse=True)
def own_time(page: Page) -> None:
    """The page has a clock of its own, that can be put forward."""
    page.clock.install()


@pytest.fixture
def elsewhere(browser: Browser, origin: str) -> Iterator[Page]:
    """Another device."""
    context = browser.new_context(base_url=origin, locale="en-GB")
    context.clock.install()
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()


def response(page: Page):
    return page.get_by_label("Your response")


def pause(page: Page) -> None:
    """As long as a draft waits before it is saved, and an answer before it is sent again for the first time."""
    page.clock.run_for(1000)


def saved(page: Page) -> None:
    pause(page)
    expect(page.locator("#saved")).to_have_text(re.compile(r"Saved \d\d:\d\d"), timeout=10_000)


def kill(page: Page) -> None:
    """End the tab's process, so that no script of it hears of its end."""
    with page.expect_event("crash"), suppress(Error):
        page.goto("chrome://crash")
    page.close()


def reopen(page: Page, work: Queue) -> Page:
    """The same browser, another tab: the first one has crashed."""
    context = page.context
    kill(page)
    fresh = context.new_page()
    fresh.set_default_timeout(10_000)
    fresh.goto(reverse("work", args=[work.pk]))
    return fresh


def only_here(page: Page) -> None:
    """The server can't be reached with drafts."""
    page.context.route("**/draft/", lambda route: route.abort())


def go_on(page: Page) -> None:
    page.context.unroute_all()


def texts() -> list[str]:
    return [label.payload["text"] for label in Label.objects.order_by("pk")]


# --- E11: the tab dies -----------------------------------------------------------------------------------------------


def test_what_was_typed_is_there_on_another_device_after_the_tab_died(page: Page, elsewhere: Page, origin: str) -> None:
    work, noor = a_desk("write")
    start(page, noor, work, origin)
    response(page).press_sequentially("Half a thought")
    saved(page)
    kill(page)
    let_in(elsewhere.context, noor, origin)
    elsewhere.goto(reverse("work", args=[work.pk]))
    expect(response(elsewhere)).to_have_value("Half a thought")
    expect(elsewhere.locator("#saved")).to_have_text("Your draft from before is here again.")


def test_what_the_server_never_got_is_restored_in_the_same_browser_with_a_word(page: Page, origin: str) -> None:
    work, noor = a_desk("write")
    start(page, noor, work, origin)
    only_here(page)
    response(page).press_sequentially("Only here")
    pause(page)
    fresh = reopen(page, work)
    expect(response(fresh)).to_have_value("Only here")
    expect(fresh.locator("#notices")).to_contain_text(re.compile(r"Restored what you had entered here at \d\d:\d\d"))
    expect(fresh.locator("#said")).to_contain_text("Restored")
    assert not Draft.objects.exists()
    go_on(fresh)
    saved(fresh)
    assert Draft.objects.get().payload["text"] == "Only here"


def test_a_half_made_ranking_is_restored(page: Page, origin: str) -> None:
    work, noor = a_desk("rank")
    start(page, noor, work, origin)
    only_here(page)
    page.keyboard.type("31u")
    pause(page)
    fresh = reopen(page, work)
    assert fresh.locator('[name="ranks.a"][value="3"]').is_checked()
    assert fresh.locator('[name="ranks.b"][value="1"]').is_checked()
    assert fresh.locator('[name="unusable"][value="c"]').is_checked()


def test_a_copy_that_is_older_than_the_draft_is_offered_and_overwrites_nothing(
    page: Page, elsewhere: Page, origin: str
) -> None:
    work, noor = a_desk("write")
    start(page, noor, work, origin)
    only_here(page)
    response(page).press_sequentially("Older, from here")
    pause(page)
    let_in(elsewhere.context, noor, origin)
    elsewhere.goto(reverse("work", args=[work.pk]))
    response(elsewhere).fill("Newer, from there")
    saved(elsewhere)
    go_on(page)
    fresh = reopen(page, work)
    expect(response(fresh)).to_have_value("Newer, from there")
    pause(fresh)
    fresh.wait_for_timeout(100)  # were it saved now, it would arrive
    assert Draft.objects.get().payload["text"] == "Newer, from there"
    fresh.get_by_role("button", name="Keep mine").click()
    expect(response(fresh)).to_have_value("Older, from here")
    saved(fresh)
    assert Draft.objects.get().payload["text"] == "Older, from here"


# --- Two tabs, two devices -------------------------------------------------------------------------------------------


def two_devices(page: Page, elsewhere: Page, origin: str) -> User:
    """Both show one task; the other device has saved, then this one enters something else."""
    work, noor = a_desk("write")
    start(page, noor, work, origin)
    let_in(elsewhere.context, noor, origin)
    elsewhere.goto(reverse("work", args=[work.pk]))
    response(elsewhere).fill("From there")
    saved(elsewhere)
    response(page).fill("From here")
    pause(page)
    expect(page.locator("#notices")).to_contain_text("A newer draft of this task was saved in another tab")
    assert Draft.objects.get().payload["text"] == "From there"
    return noor


def test_the_newer_draft_of_another_device_can_be_taken(page: Page, elsewhere: Page, origin: str) -> None:
    two_devices(page, elsewhere, origin)
    page.get_by_role("button", name="Take the other").click()
    expect(response(page)).to_have_value("From there")
    response(page).fill("From there, and on")
    saved(page)
    assert Draft.objects.get().payload["text"] == "From there, and on"


def test_or_ones_own_can_be_kept(page: Page, elsewhere: Page, origin: str) -> None:
    two_devices(page, elsewhere, origin)
    page.get_by_role("button", name="Keep mine").click()
    saved(page)
    assert Draft.objects.get().payload["text"] == "From here"


# --- E12: offline ----------------------------------------------------------------------------------------------------


def test_a_minute_offline_while_typing_and_submitting_loses_nothing(page: Page, origin: str) -> None:
    work, noor = a_desk("write", tasks=4)
    start(page, noor, work, origin)
    in_store(page)
    page.context.set_offline(True)
    banner = page.locator("#outbox")
    response(page).press_sequentially("First, offline")
    expect(banner).to_have_text("Offline. What you enter is kept here.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Task 2")).to_be_focused()  # it was in store
    expect(banner).to_have_text("Offline. Answers that wait here: 1. They are sent when you are back.")
    page.clock.run_for(1000)
    response(page).press_sequentially("Second, offline")
    page.keyboard.press("Control+Enter")
    expect(banner).to_contain_text("wait here: 2.")
    page.clock.run_for(60_000)
    assert not Label.objects.exists()
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Task 3")).to_be_focused()
    arrived(page)
    expect(banner).to_be_hidden()
    assert texts() == ["First, offline", "Second, offline"]


def test_an_answer_that_waits_survives_the_death_of_the_tab_and_is_sent_once(page: Page, origin: str) -> None:
    work, noor = a_desk("write", tasks=2)
    start(page, noor, work, origin)
    page.context.route("**/submit/", lambda route: route.abort())
    response(page).fill("Sent later")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#outbox")).to_contain_text("Answers that wait here: 1.")
    go_on(page)
    fresh = reopen(page, work)
    arrived(fresh)
    assert texts() == ["Sent later"]


def test_who_leaves_the_page_right_after_handing_in_has_handed_in(page: Page, origin: str) -> None:
    work, noor = a_desk("write", tasks=2)
    start(page, noor, work, origin)
    in_store(page)
    waiting: list[Route] = []
    page.route("**/submit/", lambda route: waiting.append(route) if not waiting else route.continue_())
    response(page).fill("And off")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Task 2")).to_be_focused()
    page.get_by_role("link", name="Preceptor").click()
    expect(page.get_by_role("heading", name="Hello")).to_be_visible()
    for _time in range(100):
        if Label.objects.exists():
            break
        page.wait_for_timeout(50)
    assert texts() == ["And off"]
    page.goto(reverse("work", args=[work.pk]))
    arrived(page)
    assert texts() == ["And off"]


def test_a_submit_whose_answer_was_lost_is_stored_once(page: Page, origin: str) -> None:
    work, noor = a_desk("write", tasks=2)
    start(page, noor, work, origin)
    times = []

    def lose(route: Route) -> None:
        route.fetch()
        times.append(1)
        if len(times) > 2:
            route.continue_()
        else:
            route.abort()

    page.route("**/submit/", lose)
    response(page).fill("Once")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Task 2")).to_be_focused()
    arrived(page, passing=1000)
    assert texts() == ["Once"]
    assert Label.objects.count() == 1


def test_a_draft_whose_answer_was_lost_is_no_conflict_with_itself(page: Page, origin: str) -> None:
    work, noor = a_desk("write")
    start(page, noor, work, origin)

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/draft/", lose)
    response(page).fill("One")
    pause(page)
    expect(page.locator("#saved")).to_have_text("Not saved yet; trying again")
    response(page).fill("One and two")
    page.unroute("**/draft/")
    saved(page)
    page.wait_for_timeout(100)  # a refusal of it would arrive
    assert Draft.objects.get().payload["text"] == "One and two"
    expect(page.get_by_role("button", name="Keep mine")).to_have_count(0)


def test_who_goes_on_writing_while_the_answer_waits_hands_in_the_newer_text(page: Page, origin: str) -> None:
    work, noor = a_desk("write", tasks=1)
    start(page, noor, work, origin)
    page.context.set_offline(True)
    response(page).fill("Too early")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#outbox")).to_contain_text("wait here: 1.")
    response(page).press_sequentially(", now right")
    pause(page)
    expect(page.locator("#outbox")).to_have_text("Offline. What you enter is kept here.")
    page.context.set_offline(False)
    pause(page)
    page.wait_for_timeout(100)  # were it sent now, it would arrive
    assert not Label.objects.exists()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("That was all for now")).to_be_visible()
    assert texts() == ["Too early, now right"]


# --- E13, S22: the session ends --------------------------------------------------------------------------------------


def sign_in_again(page: Page) -> None:
    dialog = page.get_by_role("dialog", name="You are signed out")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_label("Password")).to_be_focused()
    page.keyboard.type("wrong horse")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("don't go together")
    dialog.get_by_label("Password").fill("correct horse")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()


def test_the_session_ends_in_the_middle_of_a_draft(page: Page, origin: str) -> None:
    work, noor = a_desk("write")
    start(page, noor, work, origin)
    Session.objects.all().delete()
    response(page).fill("Do not lose me")
    pause(page)
    sign_in_again(page)
    expect(response(page)).to_have_value("Do not lose me")
    saved(page)
    assert Draft.objects.get().payload["text"] == "Do not lose me"


def test_the_session_ends_before_the_submit_and_it_arrives_all_the_same(page: Page, origin: str) -> None:
    work, noor = a_desk("write", tasks=1)
    start(page, noor, work, origin)
    response(page).fill("Do not lose me")
    saved(page)
    page.context.clear_cookies()
    page.keyboard.press("Control+Enter")
    sign_in_again(page)
    expect(page.get_by_text("That was all for now")).to_be_visible()
    assert texts() == ["Do not lose me"]


def test_signing_in_can_be_put_off_and_what_was_entered_stays(page: Page, origin: str) -> None:
    work, noor = a_desk("write", tasks=1)
    start(page, noor, work, origin)
    response(page).fill("Do not lose me")
    saved(page)
    Session.objects.all().delete()
    page.keyboard.press("Control+Enter")
    page.get_by_role("button", name="Later").click()
    expect(page.locator("#outbox")).to_have_text("You are signed out. Answers that wait here: 1.")
    expect(response(page)).to_have_value("Do not lose me")
    page.get_by_role("button", name="Sending").click()
    sign_in_again(page)
    expect(page.get_by_text("That was all for now")).to_be_visible()
    assert texts() == ["Do not lose me"]


def test_a_way_out_after_the_session_ended(page: Page, origin: str) -> None:
    work, noor = a_desk("write", tasks=2)
    start(page, noor, work, origin)
    Session.objects.all().delete()
    page.keyboard.press("s")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    sign_in_again(page)
    expect(page.locator("#said")).to_contain_text("Skipped.")


def test_signing_out_forgets_what_the_browser_kept(page: Page, origin: str) -> None:
    work, noor = a_desk("write")
    start(page, noor, work, origin)
    response(page).fill("Mine alone")
    saved(page)
    assert "Mine alone" in page.evaluate("JSON.stringify(localStorage)")
    page.goto("/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "Mine alone" not in page.evaluate("JSON.stringify(localStorage)")


# --- The lease ends --------------------------------------------------------------------------------------------------


def take_over(place: Assignment) -> User:
    """Let the lease run out and somebody else take the place."""
    Assignment.objects.filter(pk=place.pk).update(lease_until=timezone.now() - timedelta(hours=1))
    other = factories.a_member(place.queue.project)
    factories.a_lease(other, place.queue)
    return other


def test_a_lost_lease_is_told_and_the_text_is_kept(page: Page, origin: str) -> None:
    work, noor = a_desk("write", tasks=1)
    start(page, noor, work, origin)
    page.wait_for_load_state("networkidle")
    take_over(held(noor))
    response(page).fill("Slow but good")
    pause(page)
    expect(page.locator("#notices")).to_contain_text("somebody else has it now")
    assert Draft.objects.get(annotator=noor).payload["text"] == "Slow but good"
    page.keyboard.press("Control+Enter")
    notice = page.locator("#panel").get_by_role("alert")
    expect(notice).to_contain_text("Your answer is kept as a draft.")
    expect(response(page)).to_have_value("Slow but good")


def test_a_refusal_of_an_answer_left_behind_is_told_and_brings_it_back(page: Page, origin: str) -> None:
    work, noor = a_desk("write", tasks=2)
    start(page, noor, work, origin)
    in_store(page)
    place = held(noor)
    other = take_over(place)
    taken = Assignment.objects.select_related("task", "queue").get(pk=place.pk)
    payload = {"text": "Quicker", "comment": ""}
    labelling.submit(other, taken, labelling.Answer(payload, taken.fence))
    response(page).fill("Slow but good")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Task 2")).to_be_visible()
    notice = page.locator("#notices").get_by_role("alert").filter(has_text="was not taken")
    expect(notice).to_contain_text("Your answer to “Task 1” was not taken: Your time for this task ran out")
    response(page).fill("Begun already")
    notice.get_by_role("button", name="Bring it back").click()
    expect(response(page)).to_have_value("Slow but good")
    page.get_by_role("button", name="Next task").click()
    expect(response(page)).to_have_value("Begun already")
    assert texts() == ["Quicker"]


def test_an_answer_the_server_finds_wrong_comes_back_and_can_be_put_right(page: Page, origin: str) -> None:
    work, noor = a_desk("write", tasks=3)
    start(page, noor, work, origin)
    in_store(page)
    work.options = {**work.options, "min_words": 4}
    work.save()
    response(page).fill("Too short")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Task 2")).to_be_visible()
    page.get_by_role("button", name="Bring it back").click()
    expect(page.get_by_text("At least 4 words are asked for; this has 2.")).to_be_visible()
    expect(response(page)).to_have_value("Too short")
    response(page).fill("Long enough for them now")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Task 2")).to_be_visible()
    arrived(page)
    assert texts() == ["Long enough for them now"]


# --- E14: undo -------------------------------------------------------------------------------------------------------


def test_the_last_ten_answers_can_be_undone_by_one_key_and_history_is_kept(page: Page, origin: str) -> None:
    work, noor = a_desk("write", tasks=12)
    given = [factories.a_label(noor, work, {"text": f"Answer {number}"}) for number in range(11)]
    factories.a_lease(noor, work)
    let_in(page.context, noor, origin)
    page.goto(reverse("work", args=[work.pk]))
    response(page).fill("Begun")
    page.keyboard.press("Escape")
    for number in range(10, 0, -1):
        page.keyboard.press("z")
        expect(response(page)).to_have_value(f"Answer {number}")
    expect(page.get_by_text("You are changing your answer to “Instruction 1”")).to_be_visible()
    expect(page.get_by_role("link", name="Undo last")).to_have_count(0)
    response(page).fill("Better")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Task 12")).to_be_focused()
    expect(page.locator("#said")).to_have_text("Changed.")
    expect(response(page)).to_have_value("Begun")
    newest = Label.objects.order_by("-pk")[0]
    assert (newest.payload["text"], newest.supersedes_id) == ("Better", given[1])
    assert Label.objects.count() == 12


def test_undo_comes_to_the_answer_just_sent_and_back_to_the_task(page: Page, origin: str) -> None:
    work, noor = a_desk("rank", tasks=3)
    start(page, noor, work, origin)
    in_store(page)
    page.keyboard.type("1234")
    page.keyboard.press("Enter")
    page.keyboard.press("z")
    expect(page.get_by_role("heading", name="Change an answer")).to_be_focused()
    assert page.title() == f"Change an answer · {work.name} · Preceptor"
    assert page.locator('[name="ranks.d"][value="4"]').is_checked()
    page.get_by_role("link", name="Back to the task").click()
    expect(page.get_by_role("heading", name="Task 2")).to_be_focused()
    assert Label.objects.count() == 1


def test_what_is_changed_survives_the_death_of_the_tab(page: Page, origin: str) -> None:
    work, noor = a_desk("write", tasks=2)
    label = factories.a_label(noor, work, {"text": "As sent"})
    let_in(page.context, noor, origin)
    page.goto(reverse("amend", args=[label]))
    response(page).fill("Half changed")
    pause(page)
    context = page.context
    kill(page)
    fresh = context.new_page()
    fresh.goto(reverse("amend", args=[label]))
    expect(response(fresh)).to_have_value("Half changed")
    expect(fresh.locator("#notices")).to_contain_text("Restored what you had entered here")
    fresh.keyboard.press("Control+Enter")
    expect(fresh.get_by_role("heading", name="No task now")).to_be_visible()
    assert Label.objects.order_by("-pk")[0].payload["text"] == "Half changed"
    assert not Assignment.objects.leased().exists()

"""The annotator's loop in a real browser: by keys alone, by clicks alone, without scripts, and when things go wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from annotate import kinds
from annotate.models import Assignment, Draft, Exit, Label, Task
from tests import factories
from tests.pages.desk import a_desk, arrived, client_of, held, let_in, start

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def origin(live_server: object) -> str:
    return str(live_server)


def on_task(page: Page, number: int) -> None:
    """Wait until the task with this number is there, has the focus on its heading, and the one before is stored."""
    expect(page.get_by_role("heading", name=f"Task {number}", exact=True)).to_be_focused()
    arrived(page)


def said(page: Page) -> str:
    return page.locator("#said").inner_text()


# --- Rank ------------------------------------------------------------------------------------------------------------


def test_rank_by_keys_in_five_presses(page: Page, origin: str) -> None:
    work, noor = a_desk("rank")
    start(page, noor, work, origin)
    on_task(page, 1)
    for key in ["2", "1", "2", "u", "Enter"]:
        page.keyboard.press(key)
    on_task(page, 2)
    assert Label.objects.get().payload == {"ranks": {"a": 2, "b": 1, "c": 2}, "unusable": ["d"], "comment": ""}
    assert page.title() == f"Task 2 · {work.name} · Preceptor"
    assert said(page) in {"Sent.", "Saved."}


def test_rank_by_single_clicks(page: Page, origin: str) -> None:
    work, noor = a_desk("rank")
    start(page, noor, work, origin)
    for letter, mark in {"A": "4", "B": "Unusable", "C": "1", "D": "1"}.items():
        page.get_by_role("article", name=f"Response {letter}").locator("label", has_text=mark).click()
    page.get_by_role("article", name="Response D").locator("label", has_text="1").click()  # taken back
    expect(page.locator("#order")).to_have_text("C > A · unusable: B · open: D")
    page.get_by_role("article", name="Response D").locator("label", has_text="2").click()
    page.get_by_role("button", name="Submit").click()
    on_task(page, 2)
    assert Label.objects.get().payload["ranks"] == {"a": 3, "c": 1, "d": 2}
    assert Label.objects.get().payload["unusable"] == ["b"]


def test_rank_tells_each_act_once_and_shows_the_order(page: Page, origin: str) -> None:
    work, noor = a_desk("rank")
    start(page, noor, work, origin)
    order = page.locator("#order")
    expect(order).to_have_text("No place given yet")
    page.keyboard.press("2")
    assert said(page) == "Response A, now rank 2 of 4"
    page.keyboard.press("1")
    page.keyboard.press("2")
    assert said(page) == "Response C, now rank 2 of 4, tied with A"
    expect(order).to_have_text("B > A = C · open: D")
    page.keyboard.press("=")
    assert said(page) == "Response D, now rank 2 of 4, tied with A, C"
    page.keyboard.press("Backspace")
    assert said(page) == "Response D has no place"
    page.keyboard.press("Backspace")  # D is bare, so the one before it
    assert said(page) == "Response C has no place"
    expect(page.locator("#response-c")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#response-b")).to_be_focused()
    page.keyboard.press("u")
    assert said(page) == "Response B is unusable"
    expect(order).to_have_text("A · unusable: B · open: C D")
    expect(page.locator("#response-a .place")).to_have_text("2")


def test_an_untouched_response_is_refused_and_gets_the_focus(page: Page, origin: str) -> None:
    work, noor = a_desk("rank")
    start(page, noor, work, origin)
    page.keyboard.type("13")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Response C has no place yet.")).to_be_visible()
    expect(page.locator("#response-c")).to_be_focused()
    assert not Label.objects.exists()
    page.keyboard.type("24")
    page.keyboard.press("Enter")
    on_task(page, 2)
    assert Label.objects.get().payload["ranks"] == {"a": 1, "b": 3, "c": 2, "d": 4}


# --- Compare ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "payload"),
    [
        (["1"], {"winner": "a", "strength": 3}),
        (["6"], {"winner": "b", "strength": 2}),
        (["4"], {"winner": "tie"}),
        (["t"], {"winner": "tie"}),
        (["b"], {"winner": "both_bad"}),
        (["ArrowLeft"], {"winner": "a", "strength": 1}),
        (["ArrowRight", "ArrowRight"], {"winner": "b", "strength": 2}),
    ],
)
def test_compare_by_keys(page: Page, origin: str, keys: list[str], payload: dict[str, Any]) -> None:
    work, noor = a_desk("compare")
    start(page, noor, work, origin)
    for key in [*keys, "Enter"]:
        page.keyboard.press(key)
    on_task(page, 2)
    assert Label.objects.get().payload == payload | {"comment": ""}


def test_compare_without_strength_takes_two_presses(page: Page, origin: str) -> None:
    work, noor = a_desk("compare", options={"strength": False})
    start(page, noor, work, origin)
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    on_task(page, 2)
    assert Label.objects.get().payload == {"winner": "b", "comment": ""}


def test_compare_by_clicks(page: Page, origin: str) -> None:
    work, noor = a_desk("compare")
    start(page, noor, work, origin)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("Choose one first.")).to_be_visible()
    page.locator("label", has_text="B clearly better").click()
    page.get_by_label("Comment").fill("shorter")
    page.get_by_role("button", name="Submit").click()
    on_task(page, 2)
    assert Label.objects.get().payload == {"winner": "b", "strength": 2, "comment": "shorter"}


def test_responses_stand_side_by_side_where_there_is_room(page: Page, origin: str) -> None:
    work, noor = a_desk("compare")
    page.set_viewport_size({"width": 1280, "height": 800})
    start(page, noor, work, origin)
    boxes = [one.bounding_box() for one in page.locator(".response").all()]
    left, right = (box for box in boxes if box)
    assert left["y"] == right["y"]
    assert left["width"] == right["width"]
    page.set_viewport_size({"width": 390, "height": 800})
    boxes = [one.bounding_box() for one in page.locator(".response").all()]
    above, below = (box for box in boxes if box)
    assert above["x"] == below["x"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


# --- Write -----------------------------------------------------------------------------------------------------------


def test_write_by_keys(page: Page, origin: str) -> None:
    work, noor = a_desk("write")
    start(page, noor, work, origin)
    page.keyboard.press("w")
    page.keyboard.type("Skip it? Decline it? Not me: I wrote 12 words, s d f c u all.")
    expect(page.locator("#words-count")).to_have_text("16 words")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    page.keyboard.type("easy")
    page.keyboard.press("Control+Enter")
    on_task(page, 2)
    label = Label.objects.get()
    assert label.payload["text"].endswith("c u all.\n")
    assert label.payload["comment"] == "easy"


def test_write_by_clicks_and_too_short(page: Page, origin: str) -> None:
    work, noor = a_desk("write", options={"min_words": 3})
    start(page, noor, work, origin)
    page.get_by_label("Your response").fill("Too short")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("At least 3 words are asked for; this has 2.")).to_be_visible()
    expect(page.get_by_label("Your response")).to_be_focused()
    expect(page.get_by_label("Your response")).to_have_value("Too short")
    page.get_by_label("Your response").fill("Long enough now")
    page.get_by_role("button", name="Submit").click()
    on_task(page, 2)
    assert Label.objects.get().payload["text"] == "Long enough now"


# --- Drafts ----------------------------------------------------------------------------------------------------------


def test_a_written_draft_is_there_after_a_reload(page: Page, origin: str) -> None:
    work, noor = a_desk("write")
    page.clock.install()
    start(page, noor, work, origin)
    page.get_by_label("Your response").fill("Half a thought\n\nand a break")
    page.clock.run_for(1000)
    expect(page.locator("#saved")).to_have_text(re.compile(r"Saved \d\d:\d\d"))
    page.reload()
    expect(page.get_by_label("Your response")).to_have_value("Half a thought\n\nand a break")
    expect(page.locator("#saved")).to_have_text("Your draft from before is here again.")
    assert not Label.objects.exists()


def test_a_half_made_ranking_is_there_after_a_reload(page: Page, origin: str) -> None:
    work, noor = a_desk("rank")
    page.clock.install()
    start(page, noor, work, origin)
    page.keyboard.type("3u")
    page.clock.run_for(1000)
    expect(page.locator("#saved")).to_have_text(re.compile("Saved"))
    page.reload()
    expect(page.locator("#order")).to_have_text("A · unusable: B · open: C D")
    expect(page.locator("#response-a .place")).to_have_text("3")


def test_a_draft_waits_for_the_connection(page: Page, origin: str) -> None:
    work, noor = a_desk("write")
    page.clock.install()
    start(page, noor, work, origin)
    page.route("**/draft/", lambda route: route.abort())
    page.get_by_label("Your response").fill("offline")
    page.clock.run_for(1000)
    expect(page.locator("#saved")).to_have_text("Not saved yet; trying again")
    page.unroute("**/draft/")
    page.clock.run_for(5000)
    expect(page.locator("#saved")).to_have_text(re.compile("Saved"))
    assert Draft.objects.get().payload["text"] == "offline"


# --- Ways out --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "way"), [("s", "skip"), ("d", "decline"), ("f", "flag")])
def test_ways_out_by_keys(page: Page, origin: str, key: str, way: str) -> None:
    work, noor = a_desk("rank")
    start(page, noor, work, origin)
    first = held(noor)
    page.keyboard.press(key)
    expect(page.locator(f"#{way}")).to_be_visible()
    page.keyboard.press("ArrowDown")  # the second reason
    page.keyboard.press("Enter")
    expect(page.locator("#said")).not_to_be_empty()
    on_task(page, 1)
    gone = Exit.objects.get()
    assert (gone.way, gone.task_id) == (way, first.task_id)
    assert gone.reason
    assert held(noor).task_id != first.task_id
    assert (Task.objects.get(pk=first.task_id).state == Task.State.FLAGGED) is (way == "flag")


@pytest.mark.parametrize(("key", "way"), [("s", "skip"), ("d", "decline"), ("f", "flag")])
def test_a_way_out_takes_two_keys(page: Page, origin: str, key: str, way: str) -> None:
    """E19: the dialog's digits choose the reason and send it."""
    work, noor = a_desk("rank")
    start(page, noor, work, origin)
    first = held(noor)
    page.keyboard.press(key)
    page.keyboard.press("2")
    expect(page.locator("#said")).not_to_be_empty()
    gone = Exit.objects.get()
    assert (gone.way, gone.task_id) == (way, first.task_id)


def test_the_last_reason_asks_for_words(page: Page, origin: str) -> None:
    work, noor = a_desk("rank")
    start(page, noor, work, origin)
    page.keyboard.press("s")
    page.keyboard.press("4")
    page.keyboard.type("4 of them are the same")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).not_to_be_empty()
    assert Exit.objects.get().reason == "4 of them are the same"


def test_a_way_out_by_clicks_in_ones_own_words(page: Page, origin: str) -> None:
    work, noor = a_desk("write")
    start(page, noor, work, origin)
    page.get_by_role("button", name="Flag").click()
    page.get_by_label("Something else").locator("visible=true").check()
    page.get_by_label("In your words").locator("visible=true").fill("the table is missing")
    page.get_by_role("button", name="Flag this task").click()
    expect(page.locator("#said")).to_have_text("Flagged. The admin looks at it.")
    on_task(page, 1)
    assert Exit.objects.get().reason == "the table is missing"


def test_staying_changes_nothing(page: Page, origin: str) -> None:
    work, noor = a_desk("rank")
    start(page, noor, work, origin)
    page.get_by_role("button", name="Decline").click()
    page.get_by_role("button", name="Stay").locator("visible=true").click()
    expect(page.locator("#decline")).to_be_hidden()
    page.keyboard.press("s")
    page.keyboard.press("Escape")
    expect(page.locator("#skip")).to_be_hidden()
    assert not Exit.objects.exists()


def test_leaving_goes_home(page: Page, origin: str) -> None:
    work, noor = a_desk("rank")
    start(page, noor, work, origin)
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_text("You gave the task back.")).to_be_visible()
    assert not Assignment.objects.leased().exists()


# --- Keys mind their place -------------------------------------------------------------------------------------------


def test_keys_are_silent_in_text_in_dialogs_and_with_modifiers(page: Page, origin: str) -> None:
    work, noor = a_desk("rank")
    start(page, noor, work, origin)
    page.get_by_label("Comment").click()
    page.keyboard.type("s1u=d")
    expect(page.get_by_label("Comment")).to_have_value("s1u=d")
    page.keyboard.press("Escape")
    page.keyboard.press("Alt+1")
    page.keyboard.press("Control+1")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("1")
    page.keyboard.press("s")
    page.keyboard.press("Escape")
    page.evaluate(
        "document.activeElement.dispatchEvent("
        "new KeyboardEvent('keydown', {key: '1', isComposing: true, bubbles: true}))"
    )
    expect(page.locator("#order")).to_have_text("No place given yet")
    expect(page.locator("#skip")).to_be_hidden()
    page.keyboard.press("1")
    expect(page.locator("#order")).to_have_text("A · open: B C D")


def test_single_keys_can_be_switched_off(page: Page, origin: str) -> None:
    work, noor = a_desk("rank")
    start(page, noor, work, origin)
    page.keyboard.press("?")
    with page.expect_response("**/you/settings/"):
        page.get_by_label("Single keys work").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    page.keyboard.press("1")
    page.keyboard.press("s")
    expect(page.locator("#order")).to_have_text("No place given yet")
    expect(page.locator("#skip")).to_be_hidden()


def test_every_kind_lists_its_keys(page: Page, origin: str) -> None:
    noor = factories.a_user()
    let_in(page.context, noor, origin)
    for kind in kinds.all_kinds():
        work, _other = a_desk(kind.name)
        factories.a_member(work.project, noor)
        factories.a_lease(noor, work)
        page.goto(reverse("work", args=[work.pk]))
        page.keyboard.press("?")
        listed = page.locator("#keys kbd").all_inner_texts()
        carriers = page.locator("#panel [data-key]")
        for keys in carriers.evaluate_all("(all) => all.map((one) => one.dataset.key.split(' '))"):
            assert set(keys) & {*listed, "l", "y", "x"} or kind.name == "compare"  # those of reading are not the kind's


# --- When things go wrong --------------------------------------------------------------------------------------------


def test_a_double_click_gives_one_label(page: Page, origin: str) -> None:
    work, noor = a_desk("write")
    start(page, noor, work, origin)
    page.get_by_label("Your response").fill("Once")
    page.get_by_role("button", name="Submit").dblclick()
    on_task(page, 2)
    page.wait_for_timeout(100)  # a second one would arrive
    assert Label.objects.count() == 1
    assert page.locator(".errors").count() == 0


def test_a_double_click_does_not_submit_a_draft_that_comes_next(page: Page, origin: str) -> None:
    work, noor = a_desk("write", tasks=2)
    first, second = Task.objects.order_by("position")
    Draft.objects.create(task=second, annotator=noor, payload={"text": "not ready", "comment": ""}, shown=[])
    start(page, noor, work, origin)
    page.get_by_label("Your response").fill("Ready")
    page.get_by_role("button", name="Submit").dblclick()
    on_task(page, 2)
    page.wait_for_timeout(100)  # a second one would arrive
    assert [label.task_id for label in Label.objects.all()] == [first.pk]
    expect(page.get_by_label("Your response")).to_have_value("not ready")


def test_no_connection_keeps_what_was_entered_and_sends_it(page: Page, origin: str) -> None:
    work, noor = a_desk("write", tasks=1)
    start(page, noor, work, origin)
    page.get_by_label("Your response").fill("Do not lose me")
    page.route("**/submit/", lambda route: route.abort())
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("#outbox")).to_contain_text("Answers that wait here: 1.")
    expect(page.get_by_label("Your response")).to_have_value("Do not lose me")
    page.unroute("**/submit/")
    page.get_by_role("button", name="Sending").click()
    expect(page.get_by_text("That was all for now")).to_be_visible()
    expect(page.locator("#outbox")).to_be_hidden()
    assert Label.objects.get().payload["text"] == "Do not lose me"


@pytest.mark.parametrize("status", [500, 503])
def test_a_fault_of_the_server_keeps_what_was_entered(page: Page, origin: str, status: int) -> None:
    work, noor = a_desk("write", tasks=1)
    page.clock.install()
    start(page, noor, work, origin)
    page.get_by_label("Your response").fill("Do not lose me")
    page.route("**/submit/", lambda route: route.fulfill(status=status, body="<h1>Oh</h1>", content_type="text/html"))
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("#outbox")).to_contain_text("The server can't be reached.")
    expect(page.get_by_label("Your response")).to_have_value("Do not lose me")
    assert page.get_by_text("Oh", exact=True).count() == 0
    page.unroute("**/submit/")
    page.clock.run_for(1000)  # it is sent again by itself
    expect(page.get_by_text("That was all for now")).to_be_visible()
    assert Label.objects.get().payload["text"] == "Do not lose me"


def test_too_late_in_the_browser(page: Page, origin: str) -> None:
    work, noor = a_desk("write", tasks=1)
    start(page, noor, work, origin)
    page.wait_for_load_state("networkidle")  # asking for the task ahead renews the lease
    place = held(noor)
    Assignment.objects.filter(pk=place.pk).update(lease_until="2020-01-01T00:00:00Z")
    other = factories.a_member(work.project)
    factories.a_label(other, work)
    page.get_by_label("Your response").fill("Slow but good")
    page.get_by_role("button", name="Submit").click()
    notice = page.locator("#panel").get_by_role("alert")
    expect(notice).to_contain_text("Your answer is kept as a draft.")
    expect(notice).to_be_focused()
    expect(page.get_by_label("Your response")).to_have_value("Slow but good")
    notice.get_by_role("button", name="Next task").click()
    expect(page.get_by_text("That was all for now")).to_be_visible()


def test_time_counts_while_somebody_is_there(page: Page, origin: str) -> None:
    work, noor = a_desk("rank")
    page.clock.install()
    start(page, noor, work, origin)
    page.clock.run_for(20_000)
    page.keyboard.press("1")
    page.clock.run_for(300_000)  # gone: a minute of it counts
    page.keyboard.type("234")
    page.clock.run_for(5_000)
    page.keyboard.press("Enter")
    on_task(page, 2)
    assert Label.objects.get().active_seconds == pytest.approx(20 + 60 + 5, abs=3)
    field = page.locator("#answer [name=active_seconds]")
    assert float(field.input_value()) < 2


# --- Without scripts -------------------------------------------------------------------------------------------------


@pytest.fixture
def plain(browser: Browser, origin: str) -> Iterator[Page]:
    """A page in a browser that runs no scripts."""
    context = browser.new_context(base_url=origin, java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()


def test_the_whole_loop_without_scripts(plain: Page, origin: str) -> None:
    rank, noor = a_desk("rank", tasks=2)
    start(plain, noor, rank, origin)
    for letter, place in {"A": "1", "B": "2"}.items():
        plain.get_by_role("article", name=f"Response {letter}").locator("label", has_text=place).click()
    plain.get_by_role("article", name="Response C").locator("label", has_text="Unusable").click()
    plain.get_by_role("button", name="Submit").click()
    expect(plain.get_by_text("Response D has no place yet.")).to_be_visible()
    plain.get_by_role("article", name="Response D").locator("label", has_text="2").click()
    plain.get_by_role("button", name="Submit").click()
    expect(plain.get_by_role("heading", name="Task 2")).to_be_visible()
    expect(plain.get_by_text("Saved.")).to_be_visible()
    assert Label.objects.get().payload["ranks"] == {"a": 1, "b": 2, "d": 2}
    plain.get_by_role("button", name="Skip").click()
    plain.get_by_label("It needs more time").check()
    plain.get_by_role("button", name="Skip this task").click()
    expect(plain.get_by_role("heading", name="Task 2")).to_be_visible()
    assert Exit.objects.get().way == "skip"
    plain.get_by_role("button", name="Leave").click()
    expect(plain.get_by_text("You gave the task back.")).to_be_visible()


def test_compare_and_write_without_scripts(plain: Page, origin: str) -> None:
    compare, noor = a_desk("compare", tasks=1)
    start(plain, noor, compare, origin)
    plain.locator("label", has_text="A much better").click()
    plain.get_by_role("button", name="Submit").click()
    expect(plain.get_by_text("Nothing is left for you here.")).to_be_visible()
    assert Label.objects.get().payload == {"winner": "a", "strength": 3, "comment": ""}
    write, kim = a_desk("write", tasks=1)
    start(plain, kim, write, origin)
    plain.get_by_label("Your response").fill("Two\nlines")
    plain.get_by_role("button", name="Submit").click()
    expect(plain.get_by_text("Nothing is left for you here.")).to_be_visible()
    assert Label.objects.get(queue=write).payload["text"] == "Two\nlines"


# --- Coming in -------------------------------------------------------------------------------------------------------


def test_from_the_front_door_to_the_first_label_and_out_again(page: Page, origin: str) -> None:
    _work, noor = a_desk("rank")
    page.goto("/")
    page.get_by_label("E-mail").fill(noor.email)
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Start").click()
    page.get_by_role("button", name="Start").click()
    on_task(page, 1)
    page.wait_for_load_state()
    page.keyboard.type("1234")
    page.keyboard.press("Enter")
    on_task(page, 2)
    page.get_by_role("link", name="Preceptor").click()
    expect(page.get_by_text("1 done by you")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_two_tabs_give_one_task_and_one_label(page: Page, origin: str) -> None:
    work, noor = a_desk("write", tasks=2)
    start(page, noor, work, origin)
    second = page.context.new_page()
    second.goto(reverse("work", args=[work.pk]))
    second.get_by_label("Your response").fill("From the second tab")
    page.get_by_label("Your response").fill("From the first tab")
    page.get_by_role("button", name="Submit").click()
    on_task(page, 2)
    second.get_by_role("button", name="Submit").click()
    expect(second.locator("#panel").get_by_role("alert")).to_contain_text("already labelled this task")
    expect(second.get_by_label("Your response")).to_have_value("From the second tab")
    assert Label.objects.count() == 1


def test_who_may_not_come_in_sees_nothing(page: Page, origin: str) -> None:
    work, _noor = a_desk("rank")
    let_in(page.context, factories.a_user(), origin)
    page.goto(reverse("work", args=[work.pk]))
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    assert client_of(factories.a_user()).get("/queues/999999999/work/").status_code == 404

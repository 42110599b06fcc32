"""Rank and compare in a real browser: keys, clicks and dragging to one result; what is asked besides; fairness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from annotate.models import Label, Queue, User
from tests import factories
from tests.pages.desk import in_store, start
from tests.sweep.test_accessible import LOOKS, looked_at

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.django_db(transaction=True)

AXES = [{"name": "helpfulness", "low": 1, "points": ["poor", "fair", "good"]}]


@pytest.fixture
def origin(live_server: object) -> str:
    return str(live_server)


def at_work(page: Page, origin: str, kind: str = "rank", responses: int = 0, **options: Any) -> User:
    """Somebody with a task of this kind in hand, and two more waiting."""
    work: Queue = factories.a_queue(kind=kind, options=options)
    texts = [f"Answer number {nth}. " * (5 * nth) for nth in range(1, responses + 1)] or None
    for number in range(3):
        factories.a_task(work, instruction=f"Instruction {number}", responses=texts)
    noor: User = factories.a_member(work.project, factories.a_user(name="Noor"))
    start(page, noor, work, origin)
    return noor


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def on_task(page: Page, number: int) -> None:
    expect(page.get_by_role("heading", name=f"Task {number}", exact=True)).to_be_focused()


def said(page: Page) -> str:
    return page.locator("#said").inner_text()


def order(page: Page) -> str:
    return page.locator("#order").text_content() or ""


def chip(page: Page, letter: str) -> Locator:
    return page.locator(f"#strip .chip[data-drag={letter}]")


def spot(page: Page, to: int) -> Locator:
    return page.locator(f"#strip .spot[data-to='{to}']")


def grip(page: Page, letter: str) -> Locator:
    return page.locator(f"#response-{letter.lower()} .letter")


def drag(page: Page, what: Locator, where: Locator, along: float = 0.5) -> None:
    """With the mouse, from the middle of one thing to a share of the width of another."""
    start, end = what.bounding_box(), where.bounding_box()
    assert start and end
    page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 3, steps=3)
    page.mouse.move(end["x"] + end["width"] * along, end["y"] + end["height"] / 2, steps=2)
    page.mouse.up()


def touch_drag(page: Page, what: Locator, where: Locator) -> None:
    """With a finger."""
    start, end = what.bounding_box(), where.bounding_box()
    assert start and end
    finger = page.context.new_cdp_session(page)
    x, y = start["x"] + start["width"] / 2, start["y"] + start["height"] / 2
    there = (end["x"] + end["width"] / 2, end["y"] + end["height"] / 2)
    for kind, at in (("touchStart", (x, y)), ("touchMove", (x, y - 20)), ("touchMove", there)):
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": at[0], "y": at[1]}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def submitted(page: Page) -> dict[str, Any]:
    page.keyboard.press("Enter")
    return stored(page)


def stored(page: Page) -> dict[str, Any]:
    """The payload of the one label; the next task may be in sight before it is stored."""
    on_task(page, 2)
    for _ in range(50):
        if label := Label.objects.first():
            return dict(label.payload)
        page.wait_for_timeout(100)
    raise AssertionError("no label came")


# --- Ranking: one result, many ways ----------------------------------------------------------------------------------


def test_dragging_places_ties_and_lets_off_and_touches_nothing_else(page: Page, origin: str) -> None:
    at_work(page, origin)
    drag(page, grip(page, "C"), spot(page, 1))
    assert said(page) == "Response C, now rank 1 of 4"
    assert order(page) == "C · open: A B D"
    drag(page, chip(page, "A"), spot(page, 1))
    assert said(page) == "Response A, now rank 1 of 4, tied with C"
    drag(page, chip(page, "B"), spot(page, 3))
    drag(page, grip(page, "D"), spot(page, -1))
    assert said(page) == "Response D is unusable"
    assert order(page) == "A = C > B · unusable: D"
    drag(page, chip(page, "B"), spot(page, 0))
    assert said(page) == "Response B has no place"
    drag(page, chip(page, "B"), spot(page, 4))
    payload = submitted(page)
    assert (payload["ranks"], payload["unusable"]) == ({"a": 1, "b": 2, "c": 1}, ["d"])


def test_a_drag_to_an_edge_goes_between_two_places(page: Page, origin: str) -> None:
    at_work(page, origin)
    press(page, "1", "2", "3", "4")
    drag(page, chip(page, "D"), spot(page, 2), along=0.08)
    assert order(page) == "A > D > B > C"
    assert said(page) == "Response D, now rank 2 of 4"
    drag(page, chip(page, "A"), spot(page, 4), along=0.95)
    assert order(page) == "D > B > C > A"
    drag(page, chip(page, "B"), spot(page, 1), along=0.05)
    assert submitted(page)["ranks"] == {"a": 4, "b": 1, "c": 3, "d": 2}


def test_a_drag_to_nowhere_or_one_given_up_changes_nothing(page: Page, origin: str) -> None:
    at_work(page, origin)
    press(page, "1")
    drag(page, chip(page, "A"), page.locator(".prompt"))
    assert order(page) == "A · open: B C D"
    box = chip(page, "A").bounding_box()
    assert box
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 5, steps=3)
    expect(page.locator(".ghost")).to_be_visible()
    press(page, "Escape")
    expect(page.locator(".ghost")).to_have_count(0)
    page.mouse.up()
    assert order(page) == "A · open: B C D"


def test_where_ties_are_off_a_drag_makes_room_instead(page: Page, origin: str) -> None:
    at_work(page, origin, ties=False)
    press(page, "1", "2", "3", "4")
    drag(page, chip(page, "D"), spot(page, 1), along=0.4)
    assert order(page) == "D > A > B > C"
    assert submitted(page)["ranks"] == {"a": 2, "b": 3, "c": 4, "d": 1}


def test_a_letter_can_be_tapped_and_then_its_place(page: Page, origin: str) -> None:
    at_work(page, origin)
    for letter, to in {"B": 1, "A": 2, "D": 3}.items():
        chip(page, letter).click()
        spot(page, to).click(position={"x": 4, "y": 30})
    chip(page, "C").click()
    chip(page, "A").click()
    assert said(page) == "Response C, now rank 2 of 4, tied with A"
    assert submitted(page)["ranks"] == {"a": 2, "b": 1, "c": 2, "d": 3}


def test_dragging_with_a_finger(page: Page, origin: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    at_work(page, origin)
    touch_drag(page, chip(page, "B"), spot(page, 2))
    touch_drag(page, chip(page, "A"), spot(page, 2))
    assert order(page) == "A = B · open: C D"


def test_moves_by_one_place(page: Page, origin: str) -> None:
    at_work(page, origin)
    press(page, "1", "2", "3", "4")
    press(page, "Shift+ArrowUp")
    assert said(page) == "Response D, now rank 3 of 4"
    assert order(page) == "A > B > D > C"
    press(page, "[", "[", "[")
    assert order(page) == "D > A > B > C"
    assert said(page) == "Response D, now rank 1 of 4"
    press(page, "]")
    assert order(page) == "A > D > B > C"
    press(page, "ArrowLeft", "=")  # C beside D
    assert order(page) == "A > C = D > B"
    press(page, "Shift+ArrowDown")
    assert order(page) == "A > D > C > B"
    assert submitted(page)["ranks"] == {"a": 1, "b": 4, "c": 3, "d": 2}


def test_a_move_of_an_unplaced_response_puts_it_last_of_those_placed(page: Page, origin: str) -> None:
    at_work(page, origin)
    press(page, "1", "]")
    assert order(page) == "A > B · open: C D"


def test_undo_goes_back_act_by_act_whatever_made_it(page: Page, origin: str) -> None:
    at_work(page, origin)
    press(page, "2", "1", "u")
    drag(page, chip(page, "D"), spot(page, 2), along=0.05)
    assert order(page) == "B > D > A · unusable: C"
    press(page, "Control+z")
    assert order(page) == "B > A · unusable: C · open: D"
    assert said(page).startswith("Undone: Response ")
    press(page, "Control+z", "Control+z")
    assert order(page) == "A · open: B C D"
    press(page, "Control+z", "Control+z")
    assert order(page) == "No place given yet"
    page.get_by_label("Comment").click()
    page.keyboard.type("x")
    press(page, "Control+z")
    expect(page.get_by_label("Comment")).to_have_value("")


def test_a_key_changes_the_page_at_once_and_without_the_network(page: Page, origin: str) -> None:
    at_work(page, origin)
    page.context.set_offline(True)
    shown = page.evaluate("""() => {
        document.dispatchEvent(new KeyboardEvent("keydown", { key: "2", bubbles: true }));
        return document.querySelector("#response-a .place").textContent;
    }""")
    assert shown == "2"
    page.context.set_offline(False)


# --- Fairness --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 4, 9])
def test_no_response_is_favoured_and_marks_move_no_text(page: Page, origin: str, count: int) -> None:
    at_work(page, origin, responses=count)
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        page.reload()
        nothing_is_favoured(page, count, width)
        for _ in range(count):
            press(page, "Backspace")


def nothing_is_favoured(page: Page, count: int, width: int) -> None:
    articles, heads = page.locator(".response").all(), page.locator(".response-head").all()
    assert len({round(box["width"]) for one in articles if (box := one.bounding_box())}) == 1
    assert len({round(box["height"]) for one in heads if (box := one.bounding_box())}) == 1
    assert page.locator("#answer :checked").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    before = tops(page)
    press(page, *[str(nth) for nth in range(1, count)], "u")
    page.evaluate("scrollTo(0, 0)")
    assert tops(page) == before
    sizes = page.eval_on_selector_all(
        "#strip .chip, .places .choice",
        "all => all.map(one => one.getBoundingClientRect()).map(one => [one.width, one.height])",
    )
    assert min(min(size) for size in sizes) >= 24


def tops(page: Page) -> list[float]:
    page.evaluate("scrollTo(0, 0)")
    found: list[float] = page.eval_on_selector_all(
        ".response .prose", "all => all.map(one => one.getBoundingClientRect().top)"
    )
    return found


RICH: dict[str, dict[str, Any]] = {
    "rank": {"axes": AXES, "flags": ["made up"], "reason": "required", "improve": "optional"},
    "compare": {"dimensions": ["truth"], "safety": True, "improve": "required", "levels": 4},
}


@pytest.mark.parametrize("kind", list(RICH))
def test_axe_finds_nothing_with_everything_asked_and_half_of_it_answered(page: Page, origin: str, kind: str) -> None:
    at_work(page, origin, kind=kind, **RICH[kind])
    press(page, "2", "1", "Escape")
    assert looked_at(page, *LOOKS) == []


# --- What is asked besides -------------------------------------------------------------------------------------------


def test_rank_with_scores_flags_a_reason_and_the_best_one_improved_by_keys(page: Page, origin: str) -> None:
    at_work(page, origin, responses=2, axes=AXES, flags=["made up"], reason="required", improve="optional")
    press(page, "2", "1")
    press(page, "j", "3", "2")  # A's score, then B's
    press(page, "Escape", "r")
    page.keyboard.type("B is shorter.")
    press(page, "Escape", "i")
    field = page.get_by_label("The best response, improved")
    expect(field).to_be_focused()
    best = field.input_value()
    press(page, "Control+End")
    page.keyboard.type("Better.")
    press(page, "Control+Enter")
    payload = stored(page)
    assert payload["ranks"] == {"a": 2, "b": 1}
    assert payload["scores"] == {"a": {"helpfulness": 3}, "b": {"helpfulness": 2}}
    assert payload["reason"] == "B is shorter."
    assert payload["improved"] == {"of": "b", "text": f"{best}Better."}


def test_an_improvement_waits_for_a_best_one_and_unchanged_text_is_none(page: Page, origin: str) -> None:
    at_work(page, origin, responses=2, improve="optional")
    press(page, "i")
    assert said(page) == "Say first which response is the best."
    press(page, "1", "2", "i", "Control+Enter")
    assert "improved" not in stored(page)


def test_what_is_missing_is_said_where_it_is_missing(page: Page, origin: str) -> None:
    at_work(page, origin, kind="compare", reason="required", improve="required", safety=True)
    press(page, "1", "Enter")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("A is right.")
    press(page, "Escape", "i", "Control+Enter")
    expect(page.get_by_text("Improve the best response: change its text.")).to_be_visible()
    expect(page.get_by_text("Say which of the responses are safe.")).to_be_visible()
    expect(page.get_by_label("Reason")).to_have_value("A is right.")
    assert not Label.objects.exists()


# --- Compare ---------------------------------------------------------------------------------------------------------


def test_compare_dimension_by_dimension_then_all_in_all_then_safety(page: Page, origin: str) -> None:
    at_work(page, origin, kind="compare", dimensions=["truth", "style"], safety=True)
    press(page, "2", "4", "6", "1")
    assert submitted(page) == {
        "winner": "b",
        "strength": 2,
        "dimensions": {"truth": {"winner": "a", "strength": 2}, "style": {"winner": "tie"}},
        "safety": "preferred",
        "comment": "",
    }


def test_compare_on_four_levels_with_a_forced_choice(page: Page, origin: str) -> None:
    at_work(page, origin, kind="compare", levels=4, tie=False, both_bad=False)
    assert page.locator("#scale .choice").count() == 8
    press(page, "4")
    assert submitted(page) == {"winner": "a", "strength": 0, "comment": ""}


def test_compare_in_one_press_where_the_queue_says_so(page: Page, origin: str) -> None:
    at_work(page, origin, kind="compare", strength=False, submit_at_once=True)
    in_store(page)  # so the next task comes in the middle of the press: it keeps the focus all the same
    press(page, "ArrowRight")
    expect(page.get_by_role("heading", name="Task 1", exact=True)).to_be_visible()
    press(page, "2")
    assert stored(page) == {"winner": "b", "comment": ""}


def test_everything_of_a_rich_comparison_by_clicks(page: Page, origin: str) -> None:
    at_work(page, origin, kind="compare", dimensions=["truth"], reason="optional", improve="optional", axes=AXES)
    page.get_by_role("group", name="truth").locator("label", has_text="A much better").click()
    page.locator("#scale label", has_text="A slightly better").click()
    for letter in "AB":
        page.get_by_role("group", name=f"{letter}: helpfulness").locator("label", has_text="good").click()
    page.get_by_role("button", name="Begin with its text").click()
    page.get_by_label("The best response, improved").fill("Canberra, since 1913.")
    page.get_by_role("button", name="Submit").click()
    payload = stored(page)
    assert payload["improved"] == {"of": "a", "text": "Canberra, since 1913."}
    assert payload["dimensions"] == {"truth": {"winner": "a", "strength": 3}}
    assert payload["strength"] == 1


def test_up_and_down_scroll_a_comparison_that_asks_one_thing(page: Page, origin: str) -> None:
    page.set_viewport_size({"width": 1000, "height": 400})
    at_work(page, origin, kind="compare")
    press(page, "3", "ArrowDown")
    page.wait_for_timeout(500)
    assert page.evaluate("scrollY") > 0
    expect(page.locator("#scale input:checked")).to_have_value("a1")


def test_after_a_refusal_the_page_still_knows_what_was_given(page: Page, origin: str) -> None:
    at_work(page, origin)
    press(page, "1", "3", "Enter")
    expect(page.get_by_text("Response C has no place yet.")).to_be_visible()
    expect(page.locator("#response-c")).to_be_focused()
    assert order(page) == "A > B · open: C D"
    press(page, "Shift+ArrowDown")
    assert order(page) == "A > B > C · open: D"

"""Judging responses by themselves, and editing them, in a real browser: by keys, by clicks, without scripts."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from annotate.models import Draft, Label, Queue, User
from tests import factories
from tests.pages.desk import client_of, held, let_in, slip, start

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.django_db(transaction=True)

FIVE = [{"name": "overall", "low": 1, "points": ["bad", "poor", "fair", "good", "excellent"]}]
TWO = [
    {"name": "help", "low": 0, "points": [""] * 5},
    {"name": "truth", "low": -1, "points": ["false", "open", "true"]},
]


@pytest.fixture
def origin(live_server: object) -> str:
    return str(live_server)


def a_desk(kind: str, responses: list[str] | None = None, tasks: int = 2, **fields: Any) -> tuple[Queue, User]:
    """A queue with tasks and somebody who works in it."""
    work = factories.a_queue(kind=kind, **fields)
    for number in range(tasks):
        factories.a_task(work, instruction=f"Instruction {number}", responses=responses)
    return work, factories.a_member(work.project, factories.a_user(name="Noor"))


def on_task(page: Page, number: int) -> None:
    expect(page.get_by_role("heading", name=f"Task {number}", exact=True)).to_be_focused()


def until(true: Callable[[], bool]) -> None:
    """Wait for what the page has sent off and doesn't wait for."""
    for _ in range(50):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("it never came")


def the_label() -> dict[str, Any]:
    """What the one label says."""
    until(Label.objects.exists)
    return dict(Label.objects.get().payload)


def press(page: Page, keys: str) -> None:
    for key in keys.split():
        page.keyboard.press(key)


def said(page: Page) -> str:
    return page.locator("#said").inner_text()


def current(page: Page) -> str:
    """The inputs' name of the question that takes keys."""
    return str(page.locator("[data-current] input").first.get_attribute("name"))


# --- Rate ------------------------------------------------------------------------------------------------------------


def test_rate_by_keys_one_key_an_axis(page: Page, origin: str) -> None:
    work, noor = a_desk("rate", ["One", "Two"], options={"axes": TWO, "flags": []})
    start(page, noor, work, origin)
    on_task(page, 1)
    expect(page.locator("#answer .bar")).to_contain_text("0 of 4 answered")
    press(page, "4 3 0 1")
    expect(page.locator("#answer .bar")).to_contain_text("4 of 4 answered")
    press(page, "Enter")
    on_task(page, 2)
    payload = the_label()
    assert payload["scores"] == {"a": {"help": 4, "truth": 1}, "b": {"help": 0, "truth": -1}}
    assert payload["scales"] == {"help": [0, 4], "truth": [-1, 1]}
    press(page, "1")  # the next task begins at its own first question
    expect(page.locator("[name='scores.a.help'][value='1']")).to_be_checked()


def test_questions_tell_each_act_once_and_move_and_take_back(page: Page, origin: str) -> None:
    work, noor = a_desk("rate", ["One", "Two"], options={"axes": FIVE, "flags": ["rude", "long"]})
    start(page, noor, work, origin)
    press(page, "4")
    assert said(page) == "A: overall: 4 good"
    assert current(page) == "scores.b.overall"
    expect(page.locator("[data-current]")).to_be_focused()
    press(page, "ArrowUp")
    assert current(page) == "flags.a"
    press(page, "2")
    assert said(page) == "A: Flags: long"
    assert current(page) == "flags.a"  # there may be more
    press(page, "2")
    assert said(page) == "A: Flags: cleared"
    press(page, "1 j 7")
    assert current(page) == "scores.b.overall"  # there is no point 7
    press(page, "Backspace")  # nothing here yet, so what was answered last
    assert current(page) == "flags.a" and said(page) == "A: Flags: cleared"
    press(page, "k Backspace")
    assert current(page) == "scores.a.overall" and said(page) == "A: overall: cleared"
    press(page, "5 5 Enter")
    on_task(page, 2)
    assert the_label()["scores"] == {"a": {"overall": 5}, "b": {"overall": 5}}


def test_only_the_current_question_shows_its_keys(page: Page, origin: str) -> None:
    work, noor = a_desk("thumbs", ["One", "Two"])
    start(page, noor, work, origin)
    assert page.locator(".points kbd:visible").all_inner_texts() == ["1", "2"]
    press(page, "j j")
    assert page.locator(".points kbd:visible").all_inner_texts() == ["1", "2", "3"]  # the tags of A


def test_rate_by_clicks_and_what_is_missing_gets_the_focus(page: Page, origin: str) -> None:
    work, noor = a_desk("rate", ["One", "Two"], options={"axes": FIVE, "flags": ["rude"]})
    start(page, noor, work, origin)
    first, second = (page.get_by_role("article", name=f"Response {letter}") for letter in "AB")
    first.locator("label", has_text="good").click()
    first.locator("label", has_text="rude").click()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("Response B has no score yet: overall.")).to_be_visible()
    expect(second.get_by_role("group", name="B: overall")).to_be_focused()
    expect(first.get_by_role("radio", name="4 good")).to_be_checked()
    second.locator("label", has_text="poor").click()
    page.get_by_role("button", name="Submit").click()
    on_task(page, 2)
    payload = the_label()
    assert (payload["scores"]["b"], payload["flags"]) == ({"overall": 2}, {"a": ["rude"]})


def test_digits_write_in_a_text_field(page: Page, origin: str) -> None:
    work, noor = a_desk("rate", ["One"])
    start(page, noor, work, origin)
    press(page, "c 4 2 j")
    expect(page.get_by_label("Comment")).to_have_value("42j")
    assert page.locator("[type=radio]:checked").count() == 0
    press(page, "Escape 3")
    assert page.locator("[type=radio]:checked").count() == 1


def test_a_half_made_rating_is_there_after_a_reload(page: Page, origin: str) -> None:
    work, noor = a_desk("rate", ["One", "Two"], options={"axes": TWO, "flags": ["rude"]})
    start(page, noor, work, origin)
    press(page, "0 2")
    expect(page.locator("#saved")).to_have_text(re.compile("Saved"))
    page.reload()
    expect(page.locator("[name='scores.a.help'][value='0']")).to_be_checked()
    expect(page.locator("[name='scores.a.truth'][value='0']")).to_be_checked()
    assert current(page) == "scores.b.help"
    assert Draft.objects.get().payload["scores"] == {"a": {"help": 0, "truth": 0}}


# --- Thumbs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "good"), [("1", True), ("+", True), ("e", False)])
def test_a_thumb_is_one_key_and_enter(page: Page, origin: str, key: str, good: bool) -> None:
    work, noor = a_desk("thumbs", options={})
    start(page, noor, work, origin)
    press(page, f"{key} Enter")
    on_task(page, 2)
    assert the_label() == {"thumbs": {"a": good}, "comment": ""}


def test_thumbs_by_clicks(page: Page, origin: str) -> None:
    work, noor = a_desk("thumbs", ["One", "Two"])
    start(page, noor, work, origin)
    page.get_by_role("article", name="Response A").locator("label", has_text="Good").click()
    page.get_by_role("article", name="Response B").locator("label", has_text="Bad").click()
    page.get_by_role("article", name="Response B").locator("label", has_text="unclear").click()
    page.get_by_role("button", name="Submit").click()
    on_task(page, 2)
    assert the_label() == {
        "thumbs": {"a": True, "b": False},
        "flags": {"b": ["unclear"]},
        "comment": "",
    }


# --- Criteria --------------------------------------------------------------------------------------------------------


def test_criteria_by_keys(page: Page, origin: str) -> None:
    work, noor = a_desk("criteria", ["One", "Two"])
    start(page, noor, work, origin)
    press(page, "1 2 3 2 1 1 Enter")
    on_task(page, 2)
    assert the_label()["verdicts"] == {"a": ["yes", "no", "na"], "b": ["no", "yes", "yes"]}


def test_a_criterion_of_ones_own_by_clicks(page: Page, origin: str) -> None:
    work, noor = a_desk("criteria", ["One"], options={"criteria": [{"text": "Clear", "weight": 1}], "own": True})
    start(page, noor, work, origin)
    for criterion in ("Clear", "Names Canberra", "Claims that Sydney"):
        page.get_by_role("group", name=f"A: {criterion}").locator("label", has_text="Yes").click()
    page.get_by_text("Criteria of your own").click()
    page.get_by_label("Criterion 1", exact=True).fill("Rhymes")
    page.get_by_label("Weight").first.fill("-1,5")
    page.get_by_role("group", name="A: Criterion 1").locator("label", has_text="No").click()
    until(lambda: Draft.objects.filter(payload__verdicts__a=["yes", "yes", "yes", "no"]).exists())
    page.reload()
    expect(page.get_by_label("Criterion 1", exact=True)).to_have_value("Rhymes")
    page.get_by_role("button", name="Submit").click()
    on_task(page, 2)
    payload = the_label()
    assert payload["criteria"][-1] == {"text": "Rhymes", "weight": -1.5}
    assert payload["verdicts"] == {"a": ["yes", "yes", "yes", "no"]}


# --- Steps -----------------------------------------------------------------------------------------------------------


def test_steps_by_keys_with_a_better_one(page: Page, origin: str) -> None:
    work, noor = a_desk("steps")
    start(page, noor, work, origin)
    press(page, "1 0")
    expect(page.get_by_label("A better step").last).to_be_hidden()
    press(page, "- b")
    page.keyboard.type("2 h 25 min")
    assert page.locator("textarea:focus").get_attribute("name") == "better.2"
    press(page, "Escape Enter")
    on_task(page, 2)
    payload = the_label()
    assert (payload["steps"], payload["better"]) == ([1, 0, -1], {"2": "2 h 25 min"})


def test_after_the_first_error_later_steps_rest(page: Page, origin: str) -> None:
    work, noor = a_desk("steps", options={"stop": True})
    start(page, noor, work, origin)
    groups = [page.get_by_role("group", name=f"Step {number}") for number in (1, 2, 3)]
    press(page, "1 2")
    expect(groups[2]).to_have_attribute("disabled", "")
    expect(page.locator("#answer .bar")).to_contain_text("2 of 2 answered")
    press(page, "Backspace")
    expect(groups[2]).not_to_have_attribute("disabled", "")
    press(page, "2 Enter")
    on_task(page, 2)
    assert the_label()["steps"] == [1, -1]


def test_each_step_shows_its_own_rendered_text(page: Page, origin: str) -> None:
    text = "So **bold**.\n\n```python\na = 1\n\nb = 2\n```\n\n$$\nx^2\n\n= 4\n$$"
    work, noor = a_desk("steps", [text])
    start(page, noor, work, origin)
    steps = page.locator(".step")
    expect(steps).to_have_count(3)
    expect(steps.nth(0).locator("strong")).to_have_text("bold")
    expect(steps.nth(1).locator("pre")).to_contain_text("b = 2")


# --- Edit ------------------------------------------------------------------------------------------------------------


def test_edit_by_keys_and_see_the_changes(page: Page, origin: str) -> None:
    work, noor = a_desk("edit", ["One step for a man."])
    start(page, noor, work, origin)
    press(page, "x w End")
    expect(page.get_by_label("Better response")).to_have_value("One step for a man.")
    page.keyboard.type(" One leap <b>.")
    expect(page.locator("#changes ins")).to_contain_text("One leap <b>.")
    press(page, "Control+Enter")
    on_task(page, 2)
    assert the_label()["text"] == "One step for a man. One leap <b>."


def test_an_unchanged_text_is_refused_until_there_is_nothing_to_improve(page: Page, origin: str) -> None:
    work, noor = a_desk("edit", ["One step."])
    start(page, noor, work, origin)
    press(page, "Enter")
    field = page.get_by_label("Better response")
    expect(field).to_be_focused()
    assert "still as it was" in str(field.evaluate("one => one.validationMessage"))
    assert not Label.objects.exists()
    press(page, "Escape n Control+Enter")
    on_task(page, 2)
    assert the_label() == {"text": "One step.", "unchanged": True, "comment": ""}


def test_changes_are_told_to_who_holds_the_task_alone(client: Any) -> None:
    work, noor = a_desk("edit", ["One step."])
    place = factories.a_lease(noor, work)
    address, body = reverse("changes", args=[place.pk]), slip(place, text="One <i>small step.")
    html = client_of(noor).post(address, body).content.decode()
    assert "&lt;i&gt;small" in html and "<ins>" in html
    other = factories.a_member(work.project)
    assert client_of(other).post(address, body).status_code == 404
    assert client_of(noor).post(address, body | {"fence": "9"}).status_code == 404


# --- Without scripts; afterwards -------------------------------------------------------------------------------------

POSTS: dict[str, dict[str, Any]] = {
    "rate": {"scores.a.helpfulness": "4", "scores.a.correctness": "0", "scores.b.helpfulness": "1"}
    | {"scores.b.correctness": "2", "flags.a": ["made up", "harmful advice"]},
    "thumbs": {"thumbs.a": "false", "flags.a": ["wrong"]},
    "edit": {"text": "Shorter.\r\nTwo lines."},
    "steps": {"split": "paragraphs", "steps.0": "1", "steps.1": "0", "steps.2": "-1", "better.2": "Right."},
    "criteria": {"criterion": ["Answers in full sentences", "Names Canberra", "Claims that Sydney is the capital"]}
    | {"weight": ["1", "3", "-2"]}
    | {f"verdicts.{letter}.{place}": "yes" for letter in "ab" for place in range(3)},
}


@pytest.mark.parametrize("kind", POSTS)
def test_without_scripts_a_plain_post_is_a_label(kind: str) -> None:
    work, noor = a_desk(kind)
    place = factories.a_lease(noor, work)
    answer = client_of(noor).post(reverse("submit", args=[place.pk]), slip(place, **POSTS[kind]))
    assert answer.status_code == 303
    payload = the_label()
    assert any(payload.get(key) for key in ("scores", "thumbs", "text", "steps", "verdicts"))
    assert "\r" not in str(payload)


@pytest.mark.parametrize("kind", POSTS)
def test_without_scripts_the_form_is_filled_in_again(browser: Browser, origin: str, kind: str) -> None:
    work, noor = a_desk(kind)
    context = browser.new_context(java_script_enabled=False, base_url=origin)
    let_in(context, noor, origin)
    page = context.new_page()
    page.goto(reverse("work", args=[work.pk]))
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Submit").click()  # nothing answered
    expect(page.locator("#answer .errors").first).to_be_visible()
    assert held(noor) and not Label.objects.exists()
    context.close()


@pytest.mark.parametrize("kind", POSTS)
def test_a_finished_label_reads_as_it_was_given(page: Page, origin: str, kind: str) -> None:
    work, noor = a_desk(kind)
    pk = factories.a_label(noor, work)
    let_in(page.context, work.project.created_by, origin)
    page.goto(reverse("label", args=[pk]))
    past = page.locator(".past")
    checked = {"rate": 5, "thumbs": 1, "edit": 0, "steps": 3, "criteria": 6}[kind]
    expect(past.locator("input:checked")).to_have_count(checked)
    if kind == "edit":
        expect(past.locator("ins").first).to_be_visible()


def test_long_words_make_no_page_wider_than_a_phone(page: Page, origin: str) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    noor = factories.a_user()
    let_in(page.context, noor, origin)
    for kind in POSTS:
        count = len(factories.a_queue(kind=kind).way.example().responses)
        work, _other = a_desk(kind, ["Word " * 200 + "x" * 400] * count)
        factories.a_lease(factories.a_member(work.project, noor), work)
        page.goto(reverse("work", args=[work.pk]))
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, kind

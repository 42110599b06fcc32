"""The guidelines beside the work, their confirmation, and their versions."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from annotate import guidelines, projects, queue
from annotate.models import Assignment, Queue, Seat, User
from tests import factories
from tests.api.callers import Caller
from tests.pages.desk import HTMX, client_of, held, let_in, slip

TEXT = "Be fair.\n\n## Examples\nGood: says what it does not know."


@pytest.fixture
def work() -> Queue:
    work = factories.a_queue(kind="write", confirm_guidelines=True)
    for _number in range(4):
        factories.a_task(work)
    projects.publish_guideline(work.project, work.created_by, TEXT)
    return work


@pytest.fixture
def noor(work: Queue) -> User:
    return factories.a_member(work.project)


def address(work: Queue) -> str:
    return reverse("work", args=[work.pk])


@pytest.mark.django_db
def test_start_comes_with_the_word_that_one_has_read_them(noor: User, work: Queue) -> None:
    client = client_of(noor)
    page = client.get(address(work)).text
    assert "I have read version 1" in page
    assert f'action="{address(work)}"' not in page
    sent = {"version": "1", "read": "1"}
    answer = client.post(reverse("confirm-guidelines", args=[work.pk]), sent)
    assert (answer.status_code, answer["Location"]) == (303, address(work))
    assert held(noor).queue == work
    assert "I have read" not in client.get(address(work)).text


@pytest.mark.django_db
@pytest.mark.parametrize(("sent", "words"), [
    ({"version": "1"}, "Tick that you have read"),
    ({"version": "7", "read": "1"}, "Another version is in force"),
    ({"version": "x", "read": "1"}, "Another version is in force"),
])  # fmt: skip
def test_anything_less_is_no_confirmation(noor: User, work: Queue, sent: dict[str, str], words: str) -> None:
    page = client_of(noor).post(reverse("confirm-guidelines", args=[work.pk]), sent, follow=True)
    assert words in page.text
    assert not Seat.objects.exclude(read_guideline=None).exists()
    assert not Assignment.objects.leased().exists()


@pytest.mark.django_db
def test_pressing_start_by_other_means_asks_first(noor: User, work: Queue) -> None:
    page = client_of(noor).post(address(work))
    assert "I have read version 1" in page.text
    assert not Assignment.objects.leased().exists()


@pytest.mark.django_db
def test_a_new_version_is_met_after_the_task_in_hand(noor: User, work: Queue) -> None:
    guidelines.confirm(noor, work, 1)
    place = factories.a_lease(noor, work)
    projects.publish_guideline(work.project, work.created_by, TEXT + "\n\nAnd be quick.")
    sent = slip(place, text="Hello there.")
    answer = client_of(noor).post(reverse("submit", args=[place.pk]), sent, headers=HTMX)
    assert "Read the guidelines" in answer.text
    page = client_of(noor).get(address(work)).text
    assert "The guidelines have changed" in page
    assert "<ins>" in page
    assert "I have read version 2" in page


@pytest.mark.django_db
def test_the_api_says_so_with_a_code_and_takes_the_confirmation(noor: User, work: Queue) -> None:
    noors = Caller(noor)
    refused = noors.post(f"/queues/{work.pk}/claim")
    assert (refused.status_code, refused.json()["code"]) == (409, "guidelines_unread")
    confirm = f"/queues/{work.pk}/guidelines/confirm"
    assert noors.post(confirm, {"version": 3}).json()["errors"].keys() == {"version"}
    assert noors.post(confirm, {"version": 1}).status_code == 204
    assert noors.post(f"/queues/{work.pk}/claim").status_code == 200


@pytest.mark.django_db
def test_switching_it_on_holds_for_the_next_task_alone(noor: User, work: Queue) -> None:
    Queue.objects.update(confirm_guidelines=False)
    work.refresh_from_db()
    place = factories.a_lease(noor, work)
    Caller(work.created_by)("PATCH", f"/queues/{work.pk}", {"confirm_guidelines": True})
    work.refresh_from_db()
    assert queue.claim(noor, work) == place.pk
    client_of(noor).post(reverse("submit", args=[place.pk]), slip(place, text="Hello there."), headers=HTMX)
    assert queue.claim(noor, work) is queue.UNREAD


# --- In a browser ----------------------------------------------------------------------------------------------------


@pytest.fixture
def at_work(page: Page, live_server: object, transactional_db: None, work: Queue, noor: User) -> Page:
    guidelines.confirm(noor, work, 1)
    factories.a_lease(noor, work)
    let_in(page.context, noor, str(live_server))
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(address(work))
    return page


@pytest.mark.django_db(transaction=True)
def test_on_a_wide_screen_they_stay_open_beside_the_task(at_work: Page) -> None:
    beside = at_work.locator("#guidelines")
    expect(beside).to_be_hidden()
    at_work.keyboard.press("g")
    expect(beside).to_be_visible()
    expect(beside.get_by_role("heading", name="Guidelines")).to_be_focused()
    task, read = at_work.locator("#panel").bounding_box(), beside.bounding_box()
    assert task and read and task["x"] + task["width"] <= read["x"]
    at_work.keyboard.press("w")  # keys go on working
    at_work.keyboard.type("A text long enough.")
    at_work.keyboard.press("Control+Enter")
    expect(at_work.get_by_role("heading", name="Task 2")).to_be_visible()
    expect(beside).to_be_visible()
    at_work.reload()
    expect(beside).to_be_visible()
    at_work.keyboard.press("g")
    expect(beside).to_be_hidden()


@pytest.mark.django_db(transaction=True)
def test_closing_them_leads_back_to_where_one_was(at_work: Page) -> None:
    opener = at_work.get_by_role("button", name="Guidelines")
    opener.focus()
    at_work.keyboard.press("Enter")
    expect(opener).to_have_attribute("aria-expanded", "true")
    at_work.keyboard.press("Escape")
    expect(at_work.locator("#guidelines")).to_be_hidden()
    expect(opener).to_be_focused()


@pytest.mark.django_db(transaction=True)
def test_on_a_phone_they_are_a_dialog_and_keys_are_silent_behind_it(at_work: Page) -> None:
    at_work.set_viewport_size({"width": 390, "height": 800})
    at_work.reload()
    at_work.keyboard.press("g")
    expect(at_work.locator("#guidelines:popover-open")).to_be_visible()
    at_work.keyboard.press("s")
    expect(at_work.locator("#skip")).to_be_hidden()
    at_work.keyboard.press("Escape")
    expect(at_work.locator("#guidelines")).to_be_hidden()


@pytest.mark.django_db(transaction=True)
def test_the_examples_fold(at_work: Page) -> None:
    at_work.keyboard.press("g")
    example = at_work.get_by_text("says what it does not know")
    expect(example).to_be_hidden()
    at_work.locator("#guidelines summary", has_text="Examples").click()
    expect(example).to_be_visible()


@pytest.mark.django_db(transaction=True)
def test_a_new_version_can_be_confirmed_while_at_work(at_work: Page, noor: User, work: Queue) -> None:
    projects.publish_guideline(work.project, work.created_by, TEXT + "\n\nAnd be quick.")
    at_work.reload()
    at_work.keyboard.press("g")
    at_work.get_by_label("I have read version 2").check()
    at_work.get_by_role("button", name="Confirm").click()
    expect(at_work.get_by_text("Noted: you have read them.")).to_be_visible()
    newest = Seat.objects.get(user=noor, queue=work).read_guideline
    assert newest and newest.version == 2

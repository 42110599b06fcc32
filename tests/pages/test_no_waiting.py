"""The next task is there before it is wanted, is nobody's loss when the page is left, and time is counted right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from annotate import queue
from annotate.models import Assignment, Label, Seat, User
from annotate.views import answering
from tests import factories
from tests.pages.desk import HTMX, a_desk, arrived, client_of, held, in_store, slip, start

if TYPE_CHECKING:
    from django.test import RequestFactory
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.django_db(transaction=True)

RANKS = {"ranks.a": "1", "ranks.b": "2", "ranks.c": "2", "unusable": ["d"]}


@pytest.fixture
def origin(live_server: object) -> str:
    return str(live_server)


def holds(page: Page, user: User, count: int) -> None:
    """Wait until the user holds so many places."""
    for _time in range(100):
        if Assignment.objects.leased().filter(annotator=user).count() == count:
            return
        page.wait_for_timeout(50)
    assert Assignment.objects.leased().filter(annotator=user).count() == count


# --- The server ------------------------------------------------------------------------------------------------------


def test_the_place_ahead_comes_as_a_panel_of_its_own() -> None:
    work, noor = a_desk("rank")
    place = factories.a_lease(noor, work)
    answer = client_of(noor).post(reverse("ahead", args=[work.pk]), {"having": place.pk}, headers=HTMX)
    assert answer.status_code == 200
    assert answer.text.startswith("<title>Task 2")
    assert "<html" not in answer.text
    ahead = Assignment.objects.leased().exclude(pk=place.pk).get()
    assert f'data-place="{ahead.pk}"' in answer.text
    again = client_of(noor).post(reverse("ahead", args=[work.pk]), {"having": place.pk}, headers=HTMX)
    assert f'data-place="{ahead.pk}"' in again.text
    enough = client_of(noor).post(reverse("ahead", args=[work.pk]), {"having": f"{place.pk},{ahead.pk}"}, headers=HTMX)
    assert (enough.status_code, enough.content) == (204, b"")


def test_its_number_is_told_by_one_statement(rf: RequestFactory, django_assert_num_queries: Any) -> None:
    """Else a place that is handed in meanwhile would be counted as held and as done, and a task left out."""
    work, noor = a_desk("rank")
    place = factories.a_lease(noor, work)
    request: Any = rf.get("/")
    request.user = noor
    with django_assert_num_queries(1):
        assert answering.done_before(request, work, [place.pk]) == 1
    assert answering.done_before(request, work, []) == answering.done_before(request, work, [place.pk + 1]) == 0


def test_nothing_is_held_ahead_where_there_is_nothing() -> None:
    work, noor = a_desk("rank", tasks=1)
    place = factories.a_lease(noor, work)
    client, address = client_of(noor), reverse("ahead", args=[work.pk])
    assert client.post(address, {"having": place.pk}, headers=HTMX).status_code == 204
    factories.a_task(work)
    Seat.objects.update(state=Seat.State.PAUSED)
    assert client.post(address, {"having": place.pk}, headers=HTMX).status_code == 204
    assert client.post(address, {"having": "1;2"}, headers=HTMX).status_code == 400
    assert client.get(address).status_code == 405


def test_submit_answers_with_the_task_after_the_one_the_page_has() -> None:
    work, noor = a_desk("rank", tasks=4)
    place = factories.a_lease(noor, work)
    ahead = queue.claim(noor, work, [place.pk])
    address = reverse("submit", args=[place.pk])
    answer = client_of(noor).post(address, slip(place, having=str(ahead)) | RANKS, headers=HTMX)
    assert answer.text.startswith("<title>Task 3")
    assert held(noor).pk == ahead
    assert Assignment.objects.leased().count() == 2


def test_an_answer_sent_alone_claims_nothing() -> None:
    work, noor = a_desk("rank")
    place = factories.a_lease(noor, work)
    given = slip(place, alone="1") | RANKS
    answer = client_of(noor).post(reverse("submit", args=[place.pk]), given, headers=HTMX)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (Label.objects.count(), Assignment.objects.leased().count()) == (1, 0)


def test_a_place_is_released_by_its_holder_once() -> None:
    work, noor = a_desk("rank")
    place = factories.a_lease(noor, work)
    address = reverse("release", args=[place.pk])
    assert client_of(factories.a_member(work.project)).post(address, {"fence": place.fence}).status_code == 404
    assert client_of(noor).post(address, {"fence": place.fence}).status_code == 204
    assert client_of(noor).post(address, {"fence": place.fence}).status_code == 409
    assert not Assignment.objects.leased().exists()


# --- The page --------------------------------------------------------------------------------------------------------


def test_the_next_task_is_shown_while_the_answer_is_still_on_its_way(page: Page, origin: str) -> None:
    work, noor = a_desk("rank", tasks=4)
    page.clock.install()
    start(page, noor, work, origin)
    in_store(page)
    waiting: list[Route] = []
    page.route("**/submit/", lambda route: waiting.append(route))
    page.keyboard.type("1234")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Task 2")).to_be_focused()
    assert not Label.objects.exists()
    assert page.title() == f"Task 2 · {work.name} · Preceptor"
    expect(page.locator("#said")).to_have_text("Sent.")
    page.clock.run_for(600)
    page.keyboard.type("11")
    waiting[0].continue_()
    page.unroute("**/submit/")
    arrived(page)
    assert Label.objects.count() == 1
    expect(page.locator("#said")).not_to_have_text("Saved.")  # it was told already
    assert page.locator('[name="ranks.b"][value="1"]').is_checked()
    holds(page, noor, 2)


def test_the_waiting_is_seen_where_nothing_is_in_store(page: Page, origin: str) -> None:
    work, noor = a_desk("rank", tasks=2)
    page.route("**/ahead/", lambda route: route.abort())
    start(page, noor, work, origin)
    waiting: list[Route] = []
    page.route("**/submit/", lambda route: waiting.append(route))
    page.keyboard.type("1234")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sending …")).to_be_visible()
    expect(page.locator("#panel")).to_have_attribute("aria-busy", "true")
    waiting[0].continue_()
    expect(page.get_by_role("heading", name="Task 2")).to_be_focused()
    expect(page.locator("#said")).to_have_text("Saved.")


def test_an_unfinished_answer_waits_for_the_server_to_point_at_what_is_missing(page: Page, origin: str) -> None:
    work, noor = a_desk("rank")
    start(page, noor, work, origin)
    in_store(page)
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Response C has no place yet.")).to_be_visible()
    expect(page.get_by_role("heading", name="Task 1")).to_be_visible()


def test_one_request_a_task(page: Page, origin: str) -> None:
    work, noor = a_desk("compare", tasks=6)
    page.clock.install()
    start(page, noor, work, origin)
    in_store(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/assignments/")[2]))
    for number in (2, 3, 4):
        page.keyboard.press("1")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name=f"Task {number}")).to_be_focused()
        arrived(page)
        page.clock.run_for(600)
    assert [url for url in asked if "draft" not in url] == [url for url in asked if url.endswith("/submit/")]
    assert sum(url.endswith("/submit/") for url in asked) == 3


def test_the_place_ahead_is_freed_when_the_page_is_left(page: Page, origin: str) -> None:
    work, noor = a_desk("rank")
    start(page, noor, work, origin)
    in_store(page)
    first = held(noor)
    page.get_by_role("link", name="Preceptor").click()
    holds(page, noor, 1)
    assert held(noor).pk == first.pk


def test_leaving_by_the_button_gives_both_back(page: Page, origin: str) -> None:
    work, noor = a_desk("rank")
    start(page, noor, work, origin)
    in_store(page)
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_text("You gave the task back.")).to_be_visible()
    holds(page, noor, 0)


def test_skipping_shows_the_place_that_was_held_and_holds_the_next(page: Page, origin: str) -> None:
    work, noor = a_desk("rank", tasks=4)
    start(page, noor, work, origin)
    in_store(page)
    ahead = Assignment.objects.leased().exclude(pk=held(noor).pk).get()
    page.keyboard.press("s")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("Skipped.")
    assert page.locator("#panel").get_attribute("data-place") == str(ahead.pk)
    holds(page, noor, 2)
    assert held(noor).pk == ahead.pk


def test_of_two_tabs_one_holds_a_place_ahead(page: Page, origin: str) -> None:
    work, noor = a_desk("rank", tasks=4)
    page.clock.install()
    start(page, noor, work, origin)
    in_store(page)
    second = page.context.new_page()
    asked: list[str] = []
    second.on("request", lambda request: asked.append(request.url))
    second.goto(reverse("work", args=[work.pk]))
    second.wait_for_load_state("networkidle")
    assert not any("/ahead/" in url for url in asked)
    page.close(run_before_unload=True)
    holds(second, noor, 1)
    second.clock.run_for(1000)
    holds(second, noor, 2)
    assert any("/ahead/" in url for url in asked)


def test_a_change_by_key_needs_no_network(page: Page, origin: str) -> None:
    work, noor = a_desk("rank")
    start(page, noor, work, origin)
    in_store(page)
    page.context.set_offline(True)
    page.keyboard.type("21")
    assert page.locator('[name="ranks.a"][value="2"]').is_checked()
    assert page.locator('[name="ranks.b"][value="1"]').is_checked()


# --- E20: time on task -----------------------------------------------------------------------------------------------


def stopped(page: Page) -> float:
    """Stop the page's clock; the seconds counted up to then. From here on time is what the test says."""
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    return float(page.locator("#answer [name=active_seconds]").input_value())


def test_time_matches_a_scripted_session_within_a_second(page: Page, origin: str) -> None:
    work, noor = a_desk("compare", tasks=4)
    page.clock.install()
    start(page, noor, work, origin)
    in_store(page)
    before = stopped(page)
    page.clock.run_for(20_300)
    page.keyboard.press("1")
    page.clock.run_for(300_000)  # gone: a minute of it counts
    page.keyboard.press("2")
    page.clock.run_for(5_400)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Task 2")).to_be_focused()
    page.clock.run_for(7_500)  # on the second task, shown from the store
    page.evaluate(
        "Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    page.clock.run_for(40_000)  # another window is in front
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    page.clock.run_for(2_250)
    page.keyboard.press("1")
    page.clock.run_for(1_000)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Task 3")).to_be_focused()
    arrived(page)
    times = list(Label.objects.order_by("pk").values_list("active_seconds", flat=True))
    assert times[0] == pytest.approx(before + 20.3 + 60 + 5.4, abs=1)
    assert times[1] == pytest.approx(7.5 + 2.25 + 1, abs=1)
    assert Seat.objects.get(user=noor).active_seconds == pytest.approx(sum(times))


def test_time_of_changing_an_answer_is_added_to_its_own(page: Page, origin: str) -> None:
    work, noor = a_desk("compare", tasks=4)
    page.clock.install()
    start(page, noor, work, origin)
    in_store(page)
    before = stopped(page)
    page.clock.run_for(10_000)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Task 2")).to_be_focused()
    arrived(page)
    page.clock.run_for(3_000)
    page.keyboard.press("z")
    expect(page.get_by_role("heading", name="Change an answer")).to_be_focused()
    page.clock.run_for(5_000)
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Task 2")).to_be_focused()
    arrived(page)
    first, second = Label.objects.order_by("pk")
    assert first.active_seconds == pytest.approx(before + 10, abs=1)
    assert second.active_seconds == pytest.approx(before + 15, abs=1)

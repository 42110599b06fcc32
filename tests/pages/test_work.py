"""The annotator's page, asked as a browser does: what it takes, gives and refuses."""

import gzip
import re
import uuid
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotate import queue
from annotate.models import Assignment, Draft, Exit, Guideline, Label, Queue, Seat, Task, User
from tests import factories
from tests.pages.desk import HTMX, client_of, held, slip

pytestmark = pytest.mark.django_db

RANKS = {"ranks.a": "1", "ranks.b": "2", "ranks.c": "2", "unusable": ["d"]}


@pytest.fixture
def work() -> Queue:
    work = factories.a_queue(kind="rank")
    for _number in range(3):
        factories.a_task(work, models=["cnry-1a", "cnry-2b", "cnry-3c", "cnry-4d"])
    return work


@pytest.fixture
def noor(work: Queue) -> User:
    return factories.a_member(work.project, factories.a_user(name="Noor"))


@pytest.fixture
def place(noor: User, work: Queue) -> Assignment:
    return factories.a_lease(noor, work)


def test_looking_takes_nothing(noor: User, work: Queue) -> None:
    page = client_of(noor).get(reverse("work", args=[work.pk]))
    assert "Start" in page.text
    assert "Put the responses in order" in page.text
    assert not Assignment.objects.leased().exists()
    assert not Seat.objects.exists()


def test_start_takes_one_task_however_often_it_is_pressed(noor: User, work: Queue) -> None:
    client, address = client_of(noor), reverse("work", args=[work.pk])
    for _time in range(2):
        answer = client.post(address)
        assert (answer.status_code, answer["Location"]) == (303, address)
    assert Assignment.objects.leased().count() == 1
    assert "<h1" in client.get(address).text


def test_the_guidelines_in_force_are_shown_with_their_version(noor: User, work: Queue) -> None:
    Guideline.objects.create(project=work.project, version=3, text="Be *kind*.", author=work.created_by)
    page = client_of(noor).get(reverse("work", args=[work.pk])).text
    assert "version 3" in page
    assert "Be <em>kind</em>." in page


@pytest.mark.parametrize(("state", "words"), [(Queue.State.PAUSED, "paused"), (Queue.State.CLOSED, "closed")])
def test_a_queue_out_of_work_says_so_before_anybody_presses(
    noor: User, work: Queue, state: Queue.State, words: str
) -> None:
    queue.change_state(work, state)
    page = client_of(noor).get(reverse("work", args=[work.pk])).text
    assert words in page
    assert "Start" not in page


def test_nothing_left(noor: User) -> None:
    empty = factories.a_queue()
    factories.a_member(empty.project, noor)
    page = client_of(noor).post(reverse("work", args=[empty.pk]))
    assert page.status_code == 200
    assert "That was all for now" in page.text


def test_submit_answers_with_the_next_task_alone(noor: User, place: Assignment) -> None:
    answer = client_of(noor).post(reverse("submit", args=[place.pk]), slip(place) | RANKS, headers=HTMX)
    assert answer.status_code == 200
    assert Label.objects.get().payload == {"ranks": {"a": 1, "b": 2, "c": 2}, "unusable": ["d"], "comment": ""}
    assert Label.objects.get().active_seconds == 12.5
    following = held(noor)
    assert following.pk != place.pk
    assert answer.text.startswith("<title>Task 2")
    assert "<html" not in answer.text
    assert reverse("submit", args=[following.pk]) in answer.text
    assert re.search(r'<hx-partial hx-target="#said"[^>]*>Saved\.</hx-partial>', answer.text)


def test_submit_without_scripts_goes_on_at_the_queue(noor: User, place: Assignment) -> None:
    client = client_of(noor)
    answer = client.post(reverse("submit", args=[place.pk]), slip(place) | RANKS)
    assert (answer.status_code, answer["Location"]) == (303, reverse("work", args=[place.queue_id]))
    assert "Task 2" in client.get(answer["Location"]).text


def test_the_last_submit_says_that_it_was_all(noor: User, work: Queue, place: Assignment) -> None:
    Task.objects.exclude(pk=place.task_id).delete()
    answer = client_of(noor).post(reverse("submit", args=[place.pk]), slip(place) | RANKS, headers=HTMX)
    assert "That was all for now" in answer.text
    assert "You have done 1 task here." in answer.text


def test_an_untouched_response_is_pointed_at_and_the_rest_is_kept(noor: User, place: Assignment) -> None:
    given = slip(place) | {"ranks.a": "1", "ranks.b": "3", "unusable": ["d"], "comment": "c is <odd>"}
    answer = client_of(noor).post(reverse("submit", args=[place.pk]), given, headers=HTMX)
    assert answer.status_code == 422
    assert "Response C has no place yet." in answer.text
    (focused,) = re.findall(r"<\w+[^>]*\bautofocus", re.sub(r"<dialog.*?</dialog>", "", answer.text, flags=re.DOTALL))
    assert 'id="response-c"' in focused
    assert re.search(r'name="ranks.b" value="3" checked', answer.text)
    assert re.search(r'name="unusable" value="d" checked', answer.text)
    assert "c is &lt;odd&gt;" in answer.text
    assert str(slip(place)["key"]) in answer.text
    assert not Label.objects.exists()


def test_too_late_keeps_the_answer_as_a_draft_and_in_sight(noor: User, work: Queue, place: Assignment) -> None:
    Task.objects.exclude(pk=place.task_id).delete()
    Assignment.objects.filter(pk=place.pk).update(lease_until="2020-01-01T00:00:00Z")
    other = factories.a_member(work.project)
    assert queue.claim(other, work) == place.pk
    answer = client_of(noor).post(reverse("submit", args=[place.pk]), slip(place) | RANKS, headers=HTMX)
    assert answer.status_code == 409
    assert "kept as a draft" in answer.text
    assert "Next task" in answer.text
    assert re.search(r'name="ranks.b" value="2" checked', answer.text)
    assert "data-draft" not in answer.text
    assert Draft.objects.get().annotator == noor
    assert not Label.objects.exists()


def test_what_was_shown_stays_as_shown_after_the_task_went_to_another(
    noor: User, work: Queue, place: Assignment
) -> None:
    client = client_of(noor)
    before = client.get(reverse("work", args=[work.pk])).text
    Assignment.objects.filter(pk=place.pk).update(lease_until="2020-01-01T00:00:00Z")
    queue.claim(factories.a_member(work.project), work)
    after = client.post(reverse("submit", args=[place.pk]), slip(place), headers=HTMX).text
    texts = re.compile(r'<div class="prose"[^>]*>(.*?)</div>', re.DOTALL)
    assert texts.findall(before) == texts.findall(after)


def test_a_second_answer_is_refused_and_the_same_one_again_is_not(noor: User, place: Assignment) -> None:
    client, address = client_of(noor), reverse("submit", args=[place.pk])
    client.post(address, slip(place) | RANKS)
    again = client.post(address, slip(place) | RANKS, headers=HTMX)
    assert again.status_code == 200
    other_key = client.post(address, slip(place, key=uuid.uuid4()) | RANKS, headers=HTMX)
    assert (other_key.status_code, "already labelled" in other_key.text) == (409, True)
    other_answer = client.post(address, slip(place) | RANKS | {"comment": "or not"}, headers=HTMX)
    assert (other_answer.status_code, "another answer" in other_answer.text) == (409, True)
    assert Label.objects.count() == 1


def test_what_is_not_theirs_does_not_exist(work: Queue, place: Assignment) -> None:
    other = client_of(factories.a_member(work.project))
    stranger = client_of(factories.a_user())
    for client in (other, stranger):
        for name in ("submit", "draft", "leave"):
            assert client.post(reverse(name, args=[place.pk]), slip(place) | RANKS).status_code == 404
    assert stranger.get(reverse("work", args=[work.pk])).status_code == 404
    assert stranger.post(reverse("work", args=[work.pk])).status_code == 404


@pytest.mark.parametrize(
    "fields", [{"fence": ""}, {"fence": "x"}, {"fence": 2**31}, {"key": "x"}, {"active_seconds": "nan"}]
)
def test_a_slip_that_no_page_of_ours_makes_is_a_bad_request(
    noor: User, place: Assignment, fields: dict[str, object]
) -> None:
    client = client_of(noor)
    for name in ("submit", "draft", "leave"):
        assert client.post(reverse(name, args=[place.pk]), slip(place, **fields) | RANKS).status_code == 400


def test_an_older_lease_of_somebody_else_is_refused(noor: User, work: Queue, place: Assignment) -> None:
    Assignment.objects.filter(pk=place.pk).update(fence=2, holders=[work.created_by_id, noor.pk])
    answer = client_of(noor).post(reverse("submit", args=[place.pk]), slip(place, fence=1) | RANKS)
    assert answer.status_code == 409
    assert "never given to you" in answer.text


def test_signed_out_a_person_is_sent_to_sign_in_and_a_script_is_told(place: Assignment) -> None:
    nobody = Client()
    address = reverse("work", args=[place.queue_id])
    assert nobody.get(address)["Location"] == f"{reverse('sign-in')}?next={address}"
    assert nobody.post(reverse("submit", args=[place.pk])).status_code == 302
    for name in ("submit", "draft", "leave"):
        answer = nobody.post(reverse(name, args=[place.pk]), headers=HTMX)
        assert (answer.status_code, answer.content) == (401, b"")


# --- Drafts ----------------------------------------------------------------------------------------------------------


def test_a_draft_comes_back_as_it_was_given(noor: User, work: Queue, place: Assignment) -> None:
    client = client_of(noor)
    given = slip(place) | {"ranks.a": "3", "ranks.c": "1", "comment": "wait"}
    assert client.post(reverse("draft", args=[place.pk]), given, headers=HTMX).json() == {"version": 1, "held": True}
    page = client.get(reverse("work", args=[work.pk])).text
    assert re.search(r'name="ranks.a" value="3" checked', page)
    assert re.search(r'name="ranks.c" value="1" checked', page)
    assert "Your draft from before is here again." in page
    assert 'name="active_seconds" value="12.5"' in page


def test_an_empty_draft_is_not_announced(noor: User, work: Queue, place: Assignment) -> None:
    client = client_of(noor)
    client.post(reverse("draft", args=[place.pk]), slip(place), headers=HTMX)
    assert "Your draft from before" not in client.get(reverse("work", args=[work.pk])).text


def test_a_draft_of_what_is_labelled_is_refused_in_words(noor: User, place: Assignment) -> None:
    client = client_of(noor)
    client.post(reverse("submit", args=[place.pk]), slip(place) | RANKS)
    answer = client.post(reverse("draft", args=[place.pk]), slip(place) | RANKS, headers=HTMX)
    assert answer.status_code == 409
    assert answer.json()["code"] == "already_labelled"


# --- Ways out --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["skip", "decline", "flag"])
def test_each_way_out_is_recorded_with_its_reason_and_goes_on(noor: User, place: Assignment, way: str) -> None:
    given = {"fence": place.fence, "way": way, "reason": "not my field", "words": "law"}
    answer = client_of(noor).post(reverse("leave", args=[place.pk]), given, headers=HTMX)
    assert answer.status_code == 200
    gone = Exit.objects.get()
    assert (gone.way, gone.reason) == (way, "not my field: law")
    assert held(noor).task_id != place.task_id
    state = Task.objects.get(pk=place.task_id).state
    assert state == (Task.State.FLAGGED if way == "flag" else Task.State.READY)


def test_a_way_out_without_a_reason_is_asked_for_one(noor: User, place: Assignment) -> None:
    answer = client_of(noor).post(reverse("leave", args=[place.pk]), {"fence": place.fence, "way": "skip"})
    assert answer.status_code == 422
    assert "Choose a reason or write one" in answer.text
    assert held(noor).pk == place.pk


def test_leaving_gives_the_task_back_and_keeps_the_draft(noor: User, place: Assignment) -> None:
    client = client_of(noor)
    client.post(reverse("draft", args=[place.pk]), slip(place) | RANKS, headers=HTMX)
    answer = client.post(reverse("leave", args=[place.pk]), {"fence": place.fence, "way": "leave"})
    assert (answer.status_code, answer["Location"]) == (303, reverse("home"))
    assert "You gave the task back." in client.get(answer["Location"]).text
    assert not Assignment.objects.leased().exists()
    assert not Exit.objects.exists()
    assert Draft.objects.count() == 1


def test_leaving_what_is_no_longer_held_says_so_and_shows_the_draft(noor: User, work: Queue, place: Assignment) -> None:
    client = client_of(noor)
    client.post(reverse("draft", args=[place.pk]), slip(place) | RANKS, headers=HTMX)
    Assignment.objects.filter(pk=place.pk).update(lease_until="2020-01-01T00:00:00Z")
    queue.claim(factories.a_member(work.project), work)
    given = {"fence": place.fence, "way": "decline", "reason": "not my field"}
    answer = client.post(reverse("leave", args=[place.pk]), given, headers=HTMX)
    assert answer.status_code == 409
    assert "no longer hold" in answer.text
    assert re.search(r'name="ranks.b" value="2" checked', answer.text)


# --- What the browser gets -------------------------------------------------------------------------------------------


def test_no_byte_tells_a_model_or_a_response_from_another(noor: User, work: Queue, place: Assignment) -> None:
    client = client_of(noor)
    page = client.get(reverse("work", args=[work.pk])).text
    answer = client.post(reverse("submit", args=[place.pk]), slip(place) | RANKS, headers=HTMX)
    for text in (page, answer.text, str(answer.headers), client.get(reverse("home")).text):
        assert "cnry" not in text
        assert "response-1-" not in text  # an external id
    assert re.findall(r'<article[^>]* id="response-(\w)"', page) == ["a", "b", "c", "d"]


def test_rendered_responses_are_out_of_htmx_reach(noor: User, work: Queue, place: Assignment) -> None:
    page = client_of(noor).get(reverse("work", args=[work.pk])).text
    prose = re.findall(r'<div class="prose"[^>]*>', page)
    assert len(prose) == 5
    assert all("hx-ignore" in one and 'dir="auto"' in one for one in prose)


def test_pages_of_a_signed_in_person_are_not_stored(noor: User, work: Queue) -> None:
    for address in (reverse("home"), reverse("work", args=[work.pk]), reverse("tokens")):
        assert "no-store" in client_of(noor).get(address)["Cache-Control"]


def test_a_loop_takes_ten_statements_at_most(noor: User, place: Assignment) -> None:
    client = client_of(noor)
    with CaptureQueriesContext(connection) as seen:
        answer = client.post(reverse("submit", args=[place.pk]), slip(place) | RANKS, headers=HTMX)
    assert answer.status_code == 200
    savepoints = [one for one in seen.captured_queries if "SAVEPOINT" in one["sql"]]  # the test's own transaction
    assert len(seen) - len(savepoints) <= 10  # one of them keeps what was rendered for the first time


def test_styles_and_scripts_of_the_ranking_page_are_light(noor: User, work: Queue, place: Assignment) -> None:
    page = client_of(noor).get(reverse("work", args=[work.pk])).text
    names = set(re.findall(r'(?:src|href)="/static/([^"]+\.(?:js|css))"', page))
    assert any(name.endswith("htmx-4.min.js") for name in names)
    files = {Path(str(finders.find(name))) for name in names}
    for file in list(files):
        files |= {file.parent / found for found in re.findall(r'from "\./([\w-]+\.js)"', file.read_text())}
    weight = sum(len(gzip.compress(file.read_bytes())) for file in files)
    assert weight < 80_000  # the bar is 150 kB

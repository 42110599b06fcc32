"""One's own pages: what one did, one's labels, what reviewers said; and nothing of anybody else."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from annotate import labelling, preferences, projects, queue, reviewing
from annotate.models import Guideline, Label, Queue, Response, Review, Role, User
from annotate.views.frames import ROWS
from tests import factories
from tests.pages.desk import HTMX, client_of, let_in

pytestmark = pytest.mark.django_db
CANARY = "cnry-7f3a"


@pytest.fixture
def work() -> Queue:
    work = factories.a_queue(kind="compare", name="Pairs", overlap=2)
    for _number in range(4):
        factories.a_task(work, models=[CANARY, CANARY])
    return work


@pytest.fixture
def noor(work: Queue) -> User:
    return factories.a_member(work.project, factories.a_user(name="Noor"))


@pytest.fixture
def rita(work: Queue) -> User:
    return factories.a_member(work.project, factories.a_user(name="Rita the reviewer"), role=Role.REVIEWER)


def a_label(who: User, work: Queue) -> Label:
    return Label.objects.get(pk=factories.a_label(who, work))


def pages(label: Label) -> list[str]:
    return [
        *map(reverse, ("home", "you", "you-labels", "you-feedback", "you-settings")),
        reverse("you-label", args=[label.pk]),
    ]


def test_today_the_week_and_each_queue(noor: User, work: Queue) -> None:
    for _number in range(2):
        a_label(noor, work)
    page = client_of(noor).get(reverse("you")).text
    assert '<td class="number">2</td>' in page
    assert "2 done" in page
    assert "2 waiting" in page
    assert page.count("<rect") == 7
    assert "Days begin at midnight in UTC." in page


def test_somebody_new_sees_where_to_begin(work: Queue) -> None:
    page = client_of(factories.a_user()).get(reverse("you")).text
    assert "You have not labelled anything yet." in page


def test_nothing_of_models_or_of_others_reaches_these_pages(noor: User, work: Queue, rita: User) -> None:
    label, other = a_label(noor, work), factories.a_member(work.project, factories.a_user(name="Other Person"))
    Response.objects.update(external_id=f"{CANARY}-id")
    place = factories.a_lease(other, work)
    said = labelling.check(place, {"winner": "tie", "comment": f"{CANARY}-comment"})
    labelling.submit(other, place, labelling.Answer(said, place.fence))
    reviewing.review(rita, label, "reject", "Look again.")
    client = client_of(noor)
    for address in pages(label):
        answer = client.get(address)
        assert answer.status_code == 200
        for hidden in (CANARY, "Other Person", "Rita", f'"{label.task_id}"', f"/tasks/{label.task_id}/"):
            assert hidden not in answer.text, address


def test_a_label_of_somebody_else_is_not_there_even_for_a_reviewer(noor: User, rita: User, work: Queue) -> None:
    label = a_label(noor, work)
    assert client_of(noor).get(reverse("you-label", args=[label.pk])).status_code == 200
    for who in (rita, work.created_by):
        assert client_of(who).get(reverse("you-label", args=[label.pk])).status_code == 404


def test_a_label_can_be_changed_while_that_is_allowed(noor: User, work: Queue, rita: User) -> None:
    label = a_label(noor, work)
    change = f'href="{reverse("amend", args=[label.pk])}"'
    address, client = reverse("you-label", args=[label.pk]), client_of(noor)
    assert change in client.get(address).text
    queue.change_state(work, Queue.State.CLOSED)
    assert change not in client.get(address).text
    queue.change_state(work, Queue.State.OPEN)
    reviewing.review(rita, label, "accept")
    assert change not in client.get(address).text


def test_an_amended_label_and_the_newer_one_lead_to_each_other(noor: User, work: Queue) -> None:
    old = a_label(noor, work)
    answer = labelling.Answer({"winner": "tie", "comment": ""}, old.fence)
    new = labelling.amend(noor, old, answer).label_id
    client = client_of(noor)
    older, newer = (client.get(reverse("you-label", args=[pk])).text for pk in (old.pk, new))
    assert f'href="{reverse("you-label", args=[new])}"' in older
    assert f'href="{reverse("you-label", args=[old.pk])}"' in newer
    assert "changed since" in client.get(reverse("you-labels")).text


def test_a_label_names_the_guidelines_it_was_made_under(noor: User, work: Queue) -> None:
    projects.publish_guideline(work.project, work.created_by, "Be kind.")
    Guideline.objects.update(created_at=timezone.now() - timedelta(days=1))  # a test is one moment for the database
    label = a_label(noor, work)
    projects.publish_guideline(work.project, work.created_by, "Be kinder.")
    page = client_of(noor).get(reverse("you-label", args=[label.pk])).text
    assert "?version=1" in page


def test_the_history_is_narrowed_by_queue_and_day(noor: User, work: Queue) -> None:
    other = factories.a_queue(work.project, "write", name="Texts")
    factories.a_task(other, instruction="Say hello.")
    label, written = a_label(noor, work), a_label(noor, other)
    client, address = client_of(noor), reverse("you-labels")

    def listed(query: str = "") -> set[int]:
        found = re.findall(r"/you/labels/(\d+)/", client.get(address + query).text)
        return set(map(int, found))

    assert listed() == {label.pk, written.pk}
    assert listed(f"?queue={other.pk}") == {written.pk}
    assert listed(f"?day={label.created_at:%Y-%m-%d}") == {label.pk, written.pk}
    assert listed("?day=2020-02-02") == set()
    for odd in ("?day=2020-13-77", "?day=x", "?queue=x", "?after=x"):
        assert listed(odd) == {label.pk, written.pk}


def test_a_long_history_comes_in_pages(noor: User) -> None:
    long = factories.a_queue(kind="write")
    factories.a_member(long.project, noor)
    for _number in range(ROWS + 3):
        factories.a_task(long)
        factories.a_label(noor, long)
    client = client_of(noor)
    first = client.get(reverse("you-labels")).text
    more = re.search(r'href="(\?after=\d+)" rel="next"', first)
    assert more
    second = client.get(reverse("you-labels") + more[1]).text
    pks = [re.findall(r"/you/labels/(\d+)/", page) for page in (first, second)]
    assert [len(page) for page in pks] == [ROWS, 3]
    assert not set(pks[0]) & set(pks[1])


def test_feedback_is_told_by_role_counted_in_the_header_and_marked_as_read(noor: User, work: Queue, rita: User) -> None:
    reviewing.review(rita, a_label(noor, work), "reject", "B is <b>wrong</b>.")
    client = client_of(noor)
    assert "1 new feedback" in client.get(reverse("home")).text
    page = client.get(reverse("you-feedback")).text
    assert "by a reviewer" in page and "B is &lt;b&gt;wrong&lt;/b&gt;." in page
    assert Review.objects.get().seen_at is None
    newest = Review.objects.get().pk
    assert client.post(reverse("you-feedback"), {"up_to": newest}).status_code == 303
    assert Review.objects.get().seen_at is not None
    assert "new feedback" not in client.get(reverse("home")).text


def test_nobody_marks_the_feedback_of_others_as_read(noor: User, work: Queue, rita: User) -> None:
    reviewing.review(rita, a_label(noor, work), "accept")
    client_of(rita).post(reverse("you-feedback"), {"up_to": 2**60}, headers=HTMX)
    assert Review.objects.get().seen_at is None


def test_a_reviewer_reviews_on_the_labels_page(noor: User, work: Queue, rita: User) -> None:
    label, client = a_label(noor, work), client_of(rita)
    page = reverse("label", args=[label.pk])
    assert 'name="verdict"' in client.get(page).text
    sent = {"verdict": "reject", "reason": ""}
    assert "Say why" in client.post(reverse("review", args=[label.pk]), sent, follow=True).text
    sent["reason"] = "Too\r\nshort."
    assert "The label is rejected." in client.post(reverse("review", args=[label.pk]), sent, follow=True).text
    assert Review.objects.get().reason == "Too\nshort."


def test_nobody_is_offered_to_review_their_own_label(work: Queue, rita: User) -> None:
    label, client = a_label(rita, work), client_of(rita)
    assert 'name="verdict"' not in client.get(reverse("label", args=[label.pk])).text
    client.post(reverse("review", args=[label.pk]), {"verdict": "accept"})
    assert not Review.objects.exists()


def test_the_persons_time_zone_is_taken_over_by_a_press(noor: User, client: Client) -> None:
    sent = {"part": "time", "time_zone": "Asia/Tokyo", "back": "you"}
    answer = client_of(noor).post(reverse("you-settings"), sent)
    assert answer["Location"] == reverse("you")
    assert preferences.of(User.objects.get(pk=noor.pk)).time_zone == "Asia/Tokyo"


@pytest.mark.django_db(transaction=True)
def test_feedback_in_sight_is_marked_as_read_by_itself(
    page: Page, live_server: object, noor: User, work: Queue
) -> None:
    rita = factories.a_member(work.project, role=Role.REVIEWER)
    reviewing.review(rita, a_label(noor, work), "accept", "Good.")
    let_in(page.context, noor, str(live_server))
    page.goto(reverse("you-feedback"))
    expect(page.get_by_role("link", name="1 new feedback")).to_be_visible()
    with page.expect_response(lambda one: one.request.method == "POST") as marked:
        pass
    assert marked.value.status == 204
    page.reload()
    expect(page.get_by_role("link", name="1 new feedback")).to_have_count(0)

"""One's own days and what waits: counted rightly, and of nobody else."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotate import labelling, own, queue
from annotate.models import Exit, Label, Project, Queue, Seat, Token, User
from tests import factories

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("UTC")


@pytest.fixture
def work() -> Queue:
    work = factories.a_queue(kind="write")
    for _number in range(6):
        factories.a_task(work)
    return work


@pytest.fixture
def noor(work: Queue) -> User:
    return factories.a_member(work.project)


def move(label: int, at: datetime, seconds: float = 60) -> None:
    """Labels are never changed: only a test does, with the guard off."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE annotate_label SET created_at = %s, active_seconds = %s WHERE id = %s", [at, seconds, label]
        )
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_seven_days_with_today_last(work: Queue, noor: User) -> None:
    now = timezone.now()
    for ago in (7, 6, 2, 0, 0):
        move(factories.a_label(noor, work), now - timedelta(days=ago))
    factories.a_label(factories.a_member(work.project), work)
    days = own.week(noor, ZONE)
    assert [day.labels for day in days] == [1, 0, 0, 0, 1, 0, 2]
    assert [day.seconds for day in days] == [60, 0, 0, 0, 60, 0, 120]
    assert days[-1].date == now.date()


def test_days_are_those_of_the_persons_zone(work: Queue, noor: User) -> None:
    late = datetime.now(UTC).replace(hour=23, minute=30) - timedelta(days=2)
    move(factories.a_label(noor, work), late)
    in_utc = next(day.date for day in own.week(noor, ZONE) if day.labels)
    in_tokyo = next(day.date for day in own.week(noor, ZoneInfo("Asia/Tokyo")) if day.labels)
    assert in_tokyo - in_utc == timedelta(days=1)
    for zone, day in ((ZONE, in_utc), (ZoneInfo("Asia/Tokyo"), in_tokyo)):
        assert own.on_day(own.labels(noor), day, zone).count() == 1
        assert own.on_day(own.labels(noor), day + timedelta(1), zone).count() == 0


def test_an_amendment_adds_its_time_and_no_label(work: Queue, noor: User) -> None:
    place = factories.a_lease(noor, work)
    first = {"text": "One.", "comment": ""}
    stored = labelling.submit(noor, place, labelling.Answer(first, place.fence, active_seconds=100))
    label = Label.objects.get(pk=stored.label_id)
    labelling.amend(noor, label, labelling.Answer({"text": "Two.", "comment": ""}, label.fence, active_seconds=130))
    today = own.week(noor, ZONE)[-1]
    assert (today.labels, today.seconds) == (1, 130)


def test_what_waits_is_told_by_what_it_is(work: Queue, noor: User) -> None:
    assert own.waiting(noor, [work])[work.pk] == own.Waiting(open=6)
    factories.a_label(noor, work)
    skipped = factories.a_lease(noor, work)
    labelling.save_draft(noor, skipped, {"text": "Half", "comment": ""}, skipped.fence)
    labelling.leave(noor, skipped, skipped.fence, Exit.Way.SKIP, "later")
    declined = factories.a_lease(noor, work)
    labelling.leave(noor, declined, declined.fence, Exit.Way.DECLINE, "not mine")
    factories.a_lease(noor, work)
    assert own.waiting(noor, [work])[work.pk] == own.Waiting(open=3, held=1, drafts=1, skipped=1)


def test_what_waits_is_what_a_claim_gives(work: Queue, noor: User) -> None:
    other = factories.a_member(work.project)
    for _number in range(2):
        factories.a_label(other, work)
    assert own.waiting(noor, [work])[work.pk].open == 4
    for left in (3, 2, 1, 0):
        factories.a_label(noor, work)
        assert own.waiting(noor, [work])[work.pk].open == left
    assert queue.claim(noor, work) is queue.EMPTY


def test_nothing_waits_where_nobody_gets_a_task(work: Queue, noor: User) -> None:
    queue.change_state(work, Queue.State.PAUSED)
    assert own.waiting(noor, [work])[work.pk].open == 0
    queue.change_state(work, Queue.State.OPEN)
    Seat.objects.create(queue=work, user=noor, state=Seat.State.PAUSED)
    assert own.waiting(noor, [work])[work.pk].open == 0


def test_many_are_not_counted_one_by_one(noor: User) -> None:
    long = factories.a_queue(kind="write")
    factories.a_member(long.project, noor)
    for _number in range(own.ENOUGH + 5):
        factories.a_task(long)
    assert own.waiting(noor, [long])[long.pk] == own.Waiting(open=own.ENOUGH, more=True)


def test_many_queues_are_one_statement(work: Queue, noor: User) -> None:
    queues = [work, *(factories.a_queue(work.project) for _number in range(5))]
    with CaptureQueriesContext(connection) as seen:
        assert len(own.waiting(noor, queues)) == 6
    assert len(seen) == 1


def test_labels_are_ones_own_in_projects_one_sees(work: Queue, noor: User) -> None:
    mine = factories.a_label(noor, work)
    factories.a_label(factories.a_member(work.project), work)
    elsewhere = factories.a_queue(kind="write")
    factories.a_task(elsewhere)
    factories.a_member(elsewhere.project, noor)
    theirs = factories.a_label(noor, elsewhere)
    assert set(own.labels(noor).values_list("pk", flat=True)) == {mine, theirs}
    noor.token = Token(user=noor, project=work.project)
    assert [one.pk for one in own.labels(noor)] == [mine]
    assert [seat.queue for seat in own.seats(noor)] == [work]
    noor.token = None
    Project.objects.filter(pk=work.project_id).update(archived_at=timezone.now())
    assert [one.pk for one in own.labels(noor)] == [theirs]

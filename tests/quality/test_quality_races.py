"""What changes many people's places or tasks, at the moment when one of them hands in: nobody's act is lost."""

from typing import Any

import pytest
from django.db import transaction

from annotate import adapting, checking, counting, labelling, places, queue, reviewing, running
from annotate.checking import judging, pausing, promoting, reopening
from annotate.models import (
    Assignment,
    CheckResult,
    Draft,
    Exit,
    Guideline,
    Label,
    Pause,
    Queue,
    Review,
    Role,
    Seat,
    Task,
    User,
)
from tests import factories as make
from tests.quality.checks import RIGHT, WRONG, a_check, a_queue, answer, given, in_order
from tests.sessions import half_done, in_a_thread, until_it_waits

pytestmark = pytest.mark.django_db(transaction=True)

# --- Locks in one order ----------------------------------------------------------------------------------------------


def a_person(work: Queue) -> tuple[User, Assignment]:
    person = make.a_member(work.project)
    return person, given(person, work)


def test_a_queue_is_closed_while_somebody_hands_in():
    work = a_queue(3)
    person, place = a_person(work)
    with half_done(lambda: queue.find_seat(person, work), lambda: answer(person, place)) as hand_in:
        closing = in_a_thread(lambda: queue.change_state(work, "closed"))
        until_it_waits(closing)
        assert hand_in() == Label.objects.get().pk
        closing.result(10)
    assert set(Assignment.objects.values_list("state", flat=True)) == {"done", "open"}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"state": "closed"}, queue.CLOSED),
        ({"state": "paused"}, queue.PAUSED),
        ({"overlap": 2, "assigned_only": True}, queue.NOT_YOURS),
        ({"overlap": 2, "confirm_guidelines": True}, queue.UNREAD),
    ],
)
def test_who_asks_while_a_queue_changes_is_answered_by_what_it_is_then(changes, why):
    work = a_queue(3)
    Guideline.objects.create(project=work.project, version=1, text="Read me.", author=work.created_by)
    person, place = a_person(work)
    labelling.give_back(person, place, place.fence)
    fresh = Queue.objects.get(pk=work.pk)
    with half_done(lambda: running.change_queue(fresh, **changes)) as end:
        asking = in_a_thread(lambda: queue.claim(person, work))
        until_it_waits(asking)
        end()
        assert asking.result(10) == why
    assert not Assignment.objects.filter(state="leased").exists()


def test_an_answer_that_waits_for_a_closing_queue_is_kept_as_a_draft():
    work = a_queue(3)
    person, place = a_person(work)
    fresh = Queue.objects.get(pk=work.pk)
    with half_done(lambda: queue.change_state(fresh, "closed")) as end:
        handing_in = in_a_thread(lambda: answer(person, place))
        until_it_waits(handing_in)
        end()
        with pytest.raises(labelling.TooLate):
            handing_in.result(10)
    assert (Label.objects.count(), Draft.objects.count()) == (0, 1)


def test_an_answer_that_waits_for_a_pausing_queue_is_taken_and_brings_nothing_new():
    work = a_queue(3)
    person, place = a_person(work)
    fresh = Queue.objects.get(pk=work.pk)
    said = labelling.Answer(in_order(place), place.fence)
    with half_done(lambda: queue.change_state(fresh, "paused")) as end:
        handing_in = in_a_thread(lambda: labelling.submit(person, place, said, claim_next=True))
        until_it_waits(handing_in)
        end()
        assert handing_in.result(10).next == queue.PAUSED
    assert Label.objects.count() == 1


def test_overlap_grows_while_somebody_flags():
    work = a_queue(3)
    person, place = a_person(work)
    fresh = Queue.objects.get(pk=work.pk)

    def flag() -> Exit:
        return labelling.leave(person, place, place.fence, Exit.Way.FLAG, "broken")

    with half_done(lambda: queue.find_seat(person, work), flag) as leave:
        growing = in_a_thread(lambda: queue.change_overlap(fresh, 2))
        until_it_waits(growing)
        leave()
        growing.result(10)
    assert set(Task.objects.values_list("places", "state")) == {(2, "flagged"), (2, "ready")}


@pytest.mark.parametrize("settled", ["a flag", "a check"])
def test_a_task_is_put_back_to_work_while_somebody_hands_it_in(settled):
    work = a_queue(3, overlap=2)
    person, place = a_person(work)
    if settled == "a check":
        promoting.promote(place.task, RIGHT)
    task = Task.objects.get(pk=place.task_id)

    def put_back() -> None:
        if settled == "a check":
            promoting.demote(task)
        else:
            labelling.resolve_flag(task, person, Task.State.READY)

    def flag_again() -> None:
        queue.hold_back(place)

    with half_done(lambda: queue.find_seat(person, work), flag_again) as hand_in:
        settling = in_a_thread(put_back)
        until_it_waits(settling)
        hand_in()
        settling.result(10)
    assert Assignment.objects.filter(task=task, state="leased").count() == 0


def test_all_answers_but_one_are_rejected_while_cursors_are_set_back():
    """Reviews lock the seats of several people by user, whatever the order of their seats."""
    work = a_queue(1, overlap=2)
    people = [make.a_member(work.project) for _ in range(2)]
    Seat.objects.bulk_create(Seat(queue=work, user=one) for one in reversed(people))
    labels = [Label.objects.get(pk=answer(one, given(one, work))) for one in people]
    reviewer = make.a_member(work.project, role=Role.REVIEWER)
    with half_done(lambda: queue.find_seat(people[0], work), lambda: reviewing.choose(reviewer, labels[0])) as choose:
        rewinding = in_a_thread(lambda: queue.change_overlap(work, 3))
        until_it_waits(rewinding)
        assert len(choose()) == 2
        rewinding.result(10)
    assert Review.objects.count() == 2


@pytest.mark.parametrize("first", [True, False])
def test_labels_are_set_aside_while_rules_send_them_to_review(first):
    """The queue's first rejected labels lock its row, too: the rules don't wait, and come again."""
    work = a_queue(3, review_rate=1.0)
    if not first:
        queue.note_rejection(work)
    person, place = a_person(work)
    answer(person, place)
    pause = pausing.by_hand(Seat.objects.get(user=person), work.created_by, "Look again.")
    with half_done(lambda: reopening.reopen(pause, work.created_by)) as end:
        filling = in_a_thread(lambda: reviewing.fill(work))
        until_it_waits(filling)
        end()
        assert filling.result(10) is not first
    assert reviewing.fill(work) is first
    assert reviewing.waiting(work) == {}


@pytest.mark.parametrize("act", ["a review", "a choice", "setting aside"])
def test_a_queues_first_label_is_rejected_while_rules_send_it_to_review(act):
    """Its row is locked before its labels: whoever rejects waits with none of these, and the rules have them."""
    work = a_queue(1, review_rate=1.0, overlap=2)
    people = [make.a_member(work.project) for _ in range(2)]
    first, _second = [Label.objects.get(pk=answer(one, given(one, work))) for one in people]

    def reject() -> Any:
        if act == "setting aside":
            return reopening.reopen(pause, work.created_by)
        if act == "a choice":
            return reviewing.choose(work.created_by, first)
        return reviewing.review(work.created_by, first, "reject", "Clicks.")

    pause = pausing.by_hand(Seat.objects.get(user=people[0]), work.created_by, "Look again.")
    own = Queue.objects.select_for_update(no_key=True).filter(pk=work.pk)
    with half_done(lambda: list(own), lambda: reviewing.fill(work)) as fill:
        rejecting = in_a_thread(reject)
        until_it_waits(rejecting)
        assert fill()
        assert rejecting.result(10)
    assert Queue.objects.get().has_rejected and Review.objects.filter(label=first).exists()


# --- Places ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("overlap", [2, 5])
def test_places_stay_counted_when_overlap_changes_while_labels_are_set_aside(overlap):
    work = a_queue(3, overlap=3)
    person, place = a_person(work)
    answer(person, place)
    pause = pausing.by_hand(Seat.objects.get(user=person), work.created_by, "Look again.")
    fresh = Queue.objects.get(pk=work.pk)
    with half_done(lambda: reopening.reopen(pause, work.created_by)) as end:
        changing = in_a_thread(lambda: queue.change_overlap(fresh, overlap))
        until_it_waits(changing)
        end()
        changing.result(10)
    task = Task.objects.get(pk=place.task_id)
    assert task.places == task.assignments.count() >= overlap
    assert places.add_places(work, [task.pk]) == 1


def test_further_places_are_added_while_overlap_shrinks():
    """What the sweep has just added is not in sight of who takes places away."""
    work = a_queue(1, overlap=3)
    task = Task.objects.get()
    fresh = Queue.objects.get(pk=work.pk)
    with half_done(lambda: places.add_places(work, [task.pk])) as end:
        changing = in_a_thread(lambda: queue.change_overlap(fresh, 2))
        until_it_waits(changing)
        end()
        changing.result(10)
    assert Task.objects.get().places == Assignment.objects.count() == 3


def test_a_place_that_was_published_meanwhile_is_not_published_twice(monkeypatch):
    work = a_queue(1, overlap=2, most_labels=5, enough_agreement=0.9)
    for said in (RIGHT, WRONG):
        person = make.a_member(work.project)
        answer(person, given(person, work), said)
    compare, met = adapting.wants_more, list[bool]()

    def meanwhile(*given: Any) -> bool:
        if not met:
            met.append(True)
            assert in_a_thread(lambda: adapting.adapt(work)).result(10) == 1
        return compare(*given)

    monkeypatch.setattr(adapting, "wants_more", meanwhile)
    assert adapting.adapt_now(work) == 0
    work.refresh_from_db()
    assert (Task.objects.get().places, work.extra_places) == (3, 1)


# --- Pauses and checks -----------------------------------------------------------------------------------------------


def test_who_is_paused_while_somebody_lets_them_in_has_no_pause_left_over():
    work = a_queue(3)
    person = make.a_member(work.project)
    with transaction.atomic():
        seat = queue.lock_seat(person, work)
    with half_done(lambda: pausing.by_hand(seat, work.created_by, "Look again.")) as end:
        letting_in = in_a_thread(lambda: pausing.resume(seat, work.created_by))
        until_it_waits(letting_in)
        end()
        letting_in.result(10)
    assert (Seat.objects.get().state, pausing.in_force(seat)) == ("active", None)
    pausing.by_hand(seat, work.created_by, "Again.")
    assert Seat.objects.get().state == "paused"


def test_an_answer_on_its_way_while_its_task_becomes_a_check_is_judged():
    work = a_queue(2, overlap=2, gold_rate=0.1)
    first, place = a_person(work)
    known = Label.objects.get(pk=answer(first, place))
    second, late = a_person(work)
    assert (late.task_id, late.task.role) == (place.task_id, "work")
    promoting.promote(late.task, known)
    answer(second, late, WRONG)  # their page was made before
    judging.judge_waiting()
    assert [(one.seat.user, one.right) for one in CheckResult.objects.all()] == [(second, False)]
    counts = counting.of_queue(work)
    assert (counts.labels, counts.checked, counts.answered, counts.percent) == (2, 2, 0, 0)


def test_results_are_computed_anew_while_people_answer_checks():
    work = a_queue(20, gold_rate=0.5)
    for _ in range(8):
        a_check(work)
    person = make.a_member(work.project)

    def label_all() -> None:
        while isinstance(queue.claim(person, work), int):
            answer(person, given(person, work))

    labelled = in_a_thread(label_all)
    while not labelled.done():
        checking.recompute(work)
        judging.judge_waiting()
    labelled.result()
    judging.judge_waiting()
    golds = Label.objects.filter(task__role="gold").order_by("pk").values_list("pk", flat=True)
    assert list(CheckResult.objects.order_by("label").values_list("label", flat=True)) == list(golds)
    assert not Pause.objects.exists()

"""Whose turn it is: one person at a time, with their seat and the queue's clock."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotate import labelling, queue
from annotate.models import Assignment, Exit, Label, Queue, Seat, Task
from tests import factories as make

pytestmark = pytest.mark.django_db


def expire(place: Assignment) -> None:
    Assignment.objects.filter(pk=place.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def work_off(user, work, count=1_000):
    """Label everything `user` can get; the task ids in the order they came."""
    tasks: list[int] = []
    while len(tasks) < count and isinstance(place := queue.claim(user, work), int):
        tasks.append(Assignment.objects.get(pk=place).task_id)
        make.a_label(user, work)
    return tasks


def test_a_person_is_given_the_tasks_in_order_and_each_once():
    work = make.a_queue(overlap=2)
    tasks = [make.a_task(work).pk for _ in range(4)]
    ann = make.a_member(work.project)
    assert work_off(ann, work) == tasks
    assert queue.claim(ann, work) == queue.EMPTY


def test_two_people_get_two_places_of_a_task_and_a_third_another_task():
    work = make.a_queue(overlap=2)
    first, second = make.a_task(work), make.a_task(work)
    people = [make.a_member(work.project) for _ in range(3)]
    places = [make.a_lease(one, work) for one in people]
    assert [place.task_id for place in places] == [first.pk, first.pk, second.pk]


def test_asking_twice_gives_the_same_place_and_renews_its_lease():
    work = make.a_queue()
    make.a_task(work), make.a_task(work)
    ann = make.a_member(work.project)
    place = make.a_lease(ann, work)
    soon = timezone.now() + timedelta(seconds=5)
    Assignment.objects.filter(pk=place.pk).update(lease_until=soon)
    again = make.a_lease(ann, work)
    assert (again.pk, again.fence) == (place.pk, place.fence)
    assert again.lease_until and again.lease_until > soon + timedelta(minutes=5)


def test_an_expired_lease_goes_to_the_next_who_asks():
    work = make.a_queue()
    make.a_task(work)
    ann, bea = make.a_member(work.project), make.a_member(work.project)
    place = make.a_lease(ann, work)
    assert queue.claim(bea, work) == queue.EMPTY
    expire(place)
    taken = make.a_lease(bea, work)
    assert (taken.pk, taken.fence, taken.holders) == (place.pk, 2, [ann.pk, bea.pk])


def test_an_expired_lease_stays_with_its_holder_while_nobody_else_asks():
    work = make.a_queue()
    make.a_task(work)
    ann = make.a_member(work.project)
    place = make.a_lease(ann, work)
    expire(place)
    assert make.a_lease(ann, work).fence == place.fence


def test_a_person_never_gets_a_second_place_of_a_task():
    work = make.a_queue(overlap=3)
    make.a_task(work)
    ann, bea = make.a_member(work.project), make.a_member(work.project)
    make.a_label(ann, work)
    expire(make.a_lease(bea, work))
    assert queue.claim(ann, work) == queue.EMPTY


def test_skipped_comes_back_later_declined_does_not_and_both_free_the_place():
    work = make.a_queue()
    first, second, third = make.a_task(work), make.a_task(work), make.a_task(work)
    ann, bea = make.a_member(work.project), make.a_member(work.project)
    place = make.a_lease(ann, work)
    labelling.leave(ann, place, place.fence, Exit.Way.SKIP, "too long for now")
    place = make.a_lease(ann, work)
    assert place.task_id == second.pk
    labelling.leave(ann, place, place.fence, Exit.Way.DECLINE, "I know the author")
    assert work_off(ann, work) == [third.pk, first.pk]
    assert work_off(bea, work) == [second.pk]


def test_a_flagged_task_is_given_to_nobody_until_the_admin_settles_it():
    work = make.a_queue(overlap=2)
    task = make.a_task(work)
    owner, ann, bea = work.created_by, make.a_member(work.project), make.a_member(work.project)
    place, other = make.a_lease(ann, work), make.a_lease(bea, work)
    labelling.leave(ann, place, place.fence, Exit.Way.FLAG, "the text is cut off")
    task.refresh_from_db()
    assert task.state == Task.State.FLAGGED
    assert queue.claim(make.a_member(work.project), work) == queue.EMPTY
    payload = work.way.example().payload
    labelling.submit(bea, other, labelling.Answer(payload, other.fence))  # who was at it may finish
    labelling.resolve_flag(task, owner, Task.State.READY)
    assert make.a_lease(make.a_member(work.project), work).task_id == task.pk
    assert queue.claim(ann, work) == queue.EMPTY
    assert not Exit.objects.filter(task=task, resolved_at=None).exists()


def test_a_flagged_task_can_be_closed_for_good():
    work = make.a_queue(overlap=2)
    task, ann = make.a_task(work), make.a_member(work.project)
    place = make.a_lease(ann, work)
    labelling.leave(ann, place, place.fence, Exit.Way.FLAG, "nonsense")
    labelling.resolve_flag(task, work.created_by, Task.State.CLOSED)
    assert queue.claim(make.a_member(work.project), work) == queue.EMPTY


def test_paused_gives_nothing_new_but_takes_what_is_in_hand():
    work = make.a_queue()
    make.a_task(work), make.a_task(work)
    ann = make.a_member(work.project)
    place = make.a_lease(ann, work)
    queue.change_state(work, Queue.State.PAUSED)
    assert make.a_lease(ann, work).pk == place.pk
    place.queue = work
    result = labelling.submit(ann, place, labelling.Answer(work.way.example().payload, place.fence), claim_next=True)
    assert result.next == queue.PAUSED


def test_closing_gives_places_back_and_keeps_a_late_answer_as_a_draft():
    work = make.a_queue()
    make.a_task(work)
    ann = make.a_member(work.project)
    place = make.a_lease(ann, work)
    queue.change_state(work, Queue.State.CLOSED)
    place.queue = work
    with pytest.raises(labelling.TooLate):
        labelling.submit(ann, place, labelling.Answer(work.way.example().payload, place.fence))
    assert labelling.draft_of(ann, place) == work.way.example().payload
    assert queue.claim(ann, work) == queue.CLOSED
    queue.change_state(work, Queue.State.OPEN)
    assert make.a_lease(ann, work).pk == place.pk


def test_a_paused_seat_gets_nothing():
    work = make.a_queue()
    make.a_task(work)
    ann = make.a_member(work.project)
    Seat.objects.create(queue=work, user=ann, state=Seat.State.PAUSED)
    assert queue.claim(ann, work) == queue.SEAT_PAUSED


def test_a_queue_for_assigned_people_gives_others_nothing():
    work = make.a_queue(assigned_only=True)
    make.a_task(work)
    ann, bea = make.a_member(work.project), make.a_member(work.project)
    Seat.objects.create(queue=work, user=ann, assigned=True)
    assert queue.claim(bea, work) == queue.NOT_YOURS
    assert make.a_lease(ann, work)


def places(task):
    return sorted(Assignment.objects.filter(task=task).values_list("state", flat=True))


def test_more_overlap_opens_done_tasks_again_and_counts_what_is_there():
    work = make.a_queue(overlap=1)
    task = make.a_task(work)
    ann, bea = make.a_member(work.project), make.a_member(work.project)
    make.a_label(ann, work)
    queue.change_overlap(work, 3)
    assert places(task) == ["done", "open", "open"]
    assert queue.claim(ann, work) == queue.EMPTY
    assert make.a_label(bea, work)


def test_less_overlap_takes_only_free_places_and_can_be_raised_again():
    work = make.a_queue(overlap=3)
    task = make.a_task(work)
    ann, bea = make.a_member(work.project), make.a_member(work.project)
    make.a_label(ann, work)
    make.a_lease(bea, work)
    queue.change_overlap(work, 1)
    assert places(task) == ["done", "leased"]
    assert Label.objects.filter(task=task).count() == 1
    make.a_label(bea, work)
    queue.change_overlap(work, 4)
    assert places(task) == ["done", "done", "open", "open"]


def test_less_overlap_twice_leaves_one_place_of_those_that_were_given_back():
    work = make.a_queue(overlap=3)
    task = make.a_task(work)
    people = [make.a_member(work.project) for _ in range(3)]
    held = [(person, make.a_lease(person, work)) for person in people]
    queue.change_overlap(work, 2)
    for person, place in held:
        labelling.leave(person, place, place.fence, Exit.Way.DECLINE, "not mine")
    queue.change_overlap(work, 1)
    task.refresh_from_db()
    assert (places(task), task.places) == (["open"], 1)


def test_a_freed_place_is_met_again_by_those_ahead_of_it():
    work = make.a_queue(overlap=1)
    tasks = [make.a_task(work).pk for _ in range(50)]
    ann, bea = make.a_member(work.project), make.a_member(work.project)
    place = make.a_lease(bea, work)
    work_off(ann, work, count=10)
    labelling.give_back(bea, place, place.fence)
    met = work_off(ann, work)
    assert met.index(tasks[0]) < len(met) - 1  # before the queue's end, not after it
    assert set(met) == {tasks[0], *tasks[11:]}


def test_every_responses_order_is_fair_and_told_again():
    work = make.a_queue()
    task = make.a_task(work)
    places = [Assignment(id=n, task=task, queue=work, fence=1) for n in range(2_000)]
    firsts = [place.shown()[0] for place in places]
    counts = [firsts.count(one) for one in task.response_ids]
    expected = len(places) / len(counts)
    chi_square = sum((count - expected) ** 2 / expected for count in counts)
    assert chi_square < 16.27  # p = 0.001 at 3 degrees of freedom
    assert places[7].shown() == Assignment(id=7, task=task, queue=work, fence=9).shown(fence=1)


def test_a_claim_costs_the_same_few_statements_however_much_was_done(django_assert_max_num_queries):
    work = make.a_queue(overlap=3)
    for _ in range(30):
        make.a_task(work)
    ann = make.a_member(work.project)
    make.a_label(ann, work)
    place = make.a_lease(ann, work)
    answer = labelling.Answer(work.way.example().payload, place.fence)
    with CaptureQueriesContext(connection) as early:
        labelling.submit(ann, place, answer, claim_next=True)
    work_off(ann, work, count=20)
    place = make.a_lease(ann, work)
    answer = labelling.Answer(work.way.example().payload, place.fence)
    with CaptureQueriesContext(connection) as late:
        labelling.submit(ann, place, answer, claim_next=True)
    assert len(early) == len(late) <= 6

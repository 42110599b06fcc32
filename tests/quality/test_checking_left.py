"""Checks that somebody leaves: skipped, given back, left to run out, or flagged. They come again as work does."""

import pytest

from annotate import counting, labelling, own, queue, running
from annotate.models import Assignment, Exit, Task
from annotate.places import FURTHER_ON
from tests import factories as make
from tests.quality.checks import RIGHT, a_check, a_queue, all_given, answer, given, set_rules

pytestmark = pytest.mark.django_db


def test_a_check_that_was_skipped_comes_back_where_other_work_would_in_its_own_place():
    work = a_queue(45, gold_rate=1)
    gold = a_check(work)
    person = make.a_member(work.project)
    place = given(person, work)
    labelling.leave(person, place, place.fence, Exit.Way.SKIP, "not now")
    between = 0
    while (again := given(person, work)).task != gold:
        answer(person, again)
        between += 1
    assert (again.pk, again.fence, again.holders) == (place.pk, 2, [person.pk] * 2)
    assert between == FURTHER_ON
    answer(person, again)
    assert given(person, work).task.role == "work"


def test_b5_what_is_left_comes_back_by_the_same_number_and_lease_whether_it_is_a_check_or_work():
    work = a_queue(50, gold_rate=0.4)
    for _ in range(12):
        a_check(work)
    person = make.a_member(work.project)
    left: dict[int, tuple[int, int]] = {}
    seen: dict[str, set[tuple[bool, int, bool]]] = {"work": set(), "gold": set()}
    for turn, place in enumerate(all_given(person, work, most=62)):
        if place.task_id in left:
            number, when = left.pop(place.task_id)
            seen[place.task.role].add((place.pk == number, place.fence, turn - when >= FURTHER_ON))
        elif turn < 14:
            left[place.task_id] = (place.pk, turn)
            leave_for_later(("skip", "give back")[turn % 2], person, place)
            continue
        answer(person, place)
    assert not left
    assert seen["gold"] == seen["work"] == {(True, 2, True)}


def leave_for_later(way, person, place):
    if way == "skip":
        labelling.leave(person, place, place.fence, Exit.Way.SKIP, "not now")
    else:
        labelling.give_back(person, place, place.fence)


def test_a_check_left_for_later_is_told_as_long_as_it_comes_and_is_the_last_to_come():
    work = a_queue(6, gold_rate=1)
    gold = a_check(work)
    person = make.a_member(work.project)
    place = given(person, work)
    labelling.leave(person, place, place.fence, Exit.Way.SKIP, "not now")
    tasks_given = []
    for place in all_given(person, work):
        assert own.waiting(person, [work])[work.pk].skipped == (place.task != gold)
        tasks_given.append(place.task)
        answer(person, place)
    assert (len(tasks_given), tasks_given[-1]) == (7, gold)
    assert own.waiting(person, [work])[work.pk].skipped == 0


def test_a_check_left_for_later_comes_last_where_checks_were_switched_off_meanwhile():
    work = a_queue(4, gold_rate=1)
    gold = a_check(work)
    person = make.a_member(work.project)
    leave_for_later("skip", person, given(person, work))
    work = running.change_queue(work, rules={"gold_rate": 0})
    assert work.rules == {}
    came = [place.task for place in all_given(person, work) if answer(person, place)]
    assert (len(came), came[-1]) == (5, gold)
    assert own.waiting(person, [work])[work.pk].skipped == 0


def test_skipped_work_that_somebody_else_has_done_is_not_said_to_come_back():
    work = a_queue(1)
    person, other = make.a_member(work.project), make.a_member(work.project)
    place = given(person, work)
    labelling.leave(person, place, place.fence, Exit.Way.SKIP, "not now")
    assert own.waiting(person, [work])[work.pk].skipped == 1
    answer(other, given(other, work))
    assert own.waiting(person, [work])[work.pk].skipped == 0


def test_b5_a_check_whose_lease_somebody_let_run_out_is_lost_to_them_like_work():
    work = a_queue(10, gold_rate=1)
    gold = a_check(work)
    first, second = make.a_member(work.project), make.a_member(work.project)
    place = given(first, work)
    Assignment.objects.filter(pk=place.pk).update(lease_until="2020-01-01T00:00Z")
    assert given(second, work).task == gold
    assert all(one.task != gold and answer(first, one) for one in all_given(first, work, most=8))


# --- Flags -----------------------------------------------------------------------------------------------------------


def flag(person, place):
    labelling.leave(person, place, place.fence, Exit.Way.FLAG, "broken")


@pytest.mark.parametrize("flagged", [5, 4])
def test_flagging_the_qualification_is_no_way_round_it_and_takes_it_from_nobody(flagged):
    work = a_queue(20, screen_tasks=5, screen_pass=0.8)
    screens = [a_check(work, "screen") for _ in range(5)]
    person = make.a_member(work.project)
    for _ in range(flagged):
        flag(person, given(person, work))
    for _ in range(5 - flagged):
        answer(person, given(person, work))
    assert queue.claim(person, work) is queue.SEAT_PAUSED
    other = make.a_member(work.project)
    assert given(other, work).task in screens


def test_a_flagged_check_goes_on_for_others_and_a_manager_settles_it():
    work = a_queue(20, gold_rate=1)
    gold = a_check(work)
    person, other, third = (make.a_member(work.project) for _ in range(3))
    flag(person, given(person, work))
    assert given(person, work).task.role == "work"
    assert given(other, work).task == gold
    assert counting.of_queue(work).flagged == 1
    assert [(task, flags[0].reason) for task, flags in counting.with_flags(counting.tasks(work, "flagged"))] == [
        (gold, "broken")
    ]
    labelling.resolve_flag(gold, work.created_by, Task.State.CLOSED)
    assert counting.of_queue(work).flagged == counting.tasks(work, "flagged").count() == 0
    assert given(third, work).task.role == "work"


def test_b5_a_draft_of_a_flagged_task_waits_for_nobody_whether_it_is_a_check_or_work():
    work = a_queue(20)
    a_check(work)
    person = make.a_member(work.project)
    for rate in (0, 1):
        set_rules(work, gold_rate=rate)
        place = given(person, work)
        assert place.task.role == ("gold" if rate else "work")
        labelling.save_draft(person, place, RIGHT, place.fence)
        flag(person, place)
        assert own.waiting(person, [work])[work.pk].drafts == 0

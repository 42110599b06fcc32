"""Checks among the work: who is given which, what they come to, and that nobody can tell."""

import itertools
import random
import re
import statistics
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotate import checking, counting, labelling, own, places, queue, reviewing, running, tasks
from annotate.checking import judging, pausing
from annotate.models import Assignment, CheckResult, Exit, Label, Pause, Role, Seat, Task
from annotate.scoring.sequential import Finding, ratio_test
from tests import factories as make
from tests.pages.desk import client_of
from tests.quality.checks import RIGHT, WRONG, a_check, a_queue, all_given, answer, given, in_order, set_rules

pytestmark = pytest.mark.django_db


# --- Mixed in --------------------------------------------------------------------------------------------------------


def test_checks_come_among_the_work_and_all_the_work_is_done():
    work = a_queue(20, gold_rate=0.5)
    golds = [a_check(work) for _ in range(8)]
    person = make.a_member(work.project)
    roles = []
    for place in all_given(person, work):
        roles.append(place.task.role)
        answer(person, place)
    judging.judge_waiting()
    assert Counter(roles)["work"] == 20
    assert 2 <= Counter(roles)["gold"] <= len(golds)
    assert Label.objects.values("task").distinct().count() == Label.objects.count() == len(roles)
    assert CheckResult.objects.filter(right=True, role="gold").count() == Counter(roles)["gold"]


def test_a_queue_without_rules_asks_nothing_more_of_the_database():
    work = a_queue(3)
    a_check(work)
    person = make.a_member(work.project)
    queue.lock_seat(person, work)
    with CaptureQueriesContext(connection) as plain:
        assert queue.claim(person, work)
    assert [one["sql"].split()[0] for one in plain if "SAVEPOINT" not in one["sql"]] == ["SELECT", "WITH", "WITH"]


def test_a_check_takes_the_place_that_was_next_and_its_task_comes_later():
    work = a_queue(12, overlap=2, gold_rate=1)
    gold = a_check(work)
    before = set(Assignment.objects.values_list("pk", flat=True))
    person = make.a_member(work.project)
    first = given(person, work)
    assert (first.task, first.fence, first.holders, first.pk) == (gold, 1, [person.pk], min(before))
    fresh = Assignment.objects.exclude(pk__in=before).get()
    moved = fresh.task
    assert (moved.role, fresh.state, moved.assignments.count()) == ("work", "open", 2)
    assert fresh.position > first.position
    answer(person, first)
    second = given(person, work)  # the gold task was the only one: ordinary work, of the next task
    assert second.task.role == "work"
    assert second.task != moved


def test_the_last_place_is_given_as_it_is():
    work = a_queue(1, gold_rate=1)
    a_check(work)
    assert given(make.a_member(work.project), work).task.role == "work"


def test_nobody_gets_a_check_twice_or_one_that_they_declined():
    work = a_queue(10, gold_rate=1)
    gold = a_check(work)
    person = make.a_member(work.project)
    place = given(person, work)
    labelling.leave(person, place, place.fence, Exit.Way.DECLINE, "not mine")
    assert given(person, work).task.role == "work"
    assert Assignment.objects.get(pk=place.pk).state == "held"
    other = make.a_member(work.project)
    assert given(other, work).task == gold


def test_a_check_goes_to_nobody_else_when_its_lease_ends_and_a_late_answer_is_taken():
    work = a_queue(10, gold_rate=1)
    gold = a_check(work)
    first, second = make.a_member(work.project), make.a_member(work.project)
    place = given(first, work)
    Assignment.objects.filter(pk=place.pk).update(lease_until="2020-01-01T00:00Z")
    other = given(second, work)
    assert (other.task, other.pk == place.pk) == (gold, False)
    assert Assignment.objects.get(pk=place.pk).state == "held"  # put away with the check that was given
    answer(first, place)
    judging.judge_waiting()
    assert CheckResult.objects.get().seat.user == first
    assert Assignment.objects.get(pk=place.pk).state == "done"


def test_checks_keep_out_of_what_is_done_with_the_queue():
    """Another overlap, closing and opening it, settling a flag: no place of a check is ever offered."""
    work = a_queue(10, overlap=2, gold_rate=1)
    gold = a_check(work)
    person = make.a_member(work.project)
    place = given(person, work)
    set_rules(work)
    for changes in ({"overlap": 3}, {"overlap": 1}, {"state": "closed"}, {"state": "open"}):
        work = running.change_queue(work, **changes)
    assert Assignment.objects.get(task=gold).state == "held"
    set_rules(work, gold_rate=1)
    other = make.a_member(work.project)
    place = given(other, work)
    assert place.task == gold
    labelling.leave(other, place, place.fence, Exit.Way.FLAG, "broken")
    labelling.resolve_flag(Task.objects.get(pk=gold.pk), work.created_by, Task.State.READY)
    assert set(Assignment.objects.filter(task=gold).values_list("state", flat=True)) == {"held"}


def test_progress_is_of_the_work_alone():
    work = a_queue(4, gold_rate=1)
    a_check(work)
    person = make.a_member(work.project)
    place = given(person, work)
    counts = counting.of_queue(work)
    assert (counts.places, counts.answered, counts.leased, counts.checks) == (4, 0, 1, 1)
    answer(person, place)
    counts = counting.of_queue(work)
    assert (counts.places, counts.answered, counts.labels, counts.checked) == (4, 0, 1, 1)


# --- Unseen: B5 ------------------------------------------------------------------------------------------------------


def test_b5_ids_of_checks_are_like_those_of_other_work():
    """Three people, every fourth task a check: the share of new ids and the steps from id to id are alike."""
    work = a_queue(70, overlap=3, gold_rate=0.25)
    for _ in range(40):
        a_check(work)
    newest = max(Assignment.objects.values_list("pk", flat=True))
    steps: dict[str, list[int]] = {"work": [], "gold": []}
    new: dict[str, list[bool]] = {"work": [], "gold": []}
    people = [make.a_member(work.project) for _ in range(3)]
    last = dict.fromkeys(people, 0)
    for turn in range(3 * 50):
        person = people[turn % 3]
        place = given(person, work)
        role = place.task.role
        new[role].append(place.pk > newest)
        if not new[role][-1]:
            steps[role].append(place.pk - last[person])
            last[person] = place.pk
        answer(person, place)
    shares = {role: statistics.mean(found) for role, found in new.items()}
    assert shares["work"] > 0  # ordinary work has new numbers too
    assert abs(shares["work"] - shares["gold"]) < 0.2
    # No step that only a check makes: the places before and after it are as far away as any others.
    assert abs(statistics.median(steps["work"]) - statistics.median(steps["gold"])) <= 2


def test_b5_the_number_after_a_check_is_no_tell():
    """Alone in a queue with overlap 2: ids rise by two from task to task, with a check as without."""
    work = a_queue(40, overlap=2, gold_rate=0.3)
    for _ in range(40):
        a_check(work)
    person = make.a_member(work.project)
    newest = max(Assignment.objects.values_list("pk", flat=True))
    old = []
    for place in all_given(person, work, most=30):
        old += [place.pk] if place.pk <= newest else []
        answer(person, place)
    assert {later - one for one, later in itertools.pairwise(old)} == {2}


def test_b5_pages_and_api_show_a_check_like_any_other_task():
    work = make.a_queue(overlap=1)
    texts = ["one", "two", "three", "four"]
    make.a_task(work, "Rank them.", texts), make.a_task(work, "Rank them."), make.a_task(work, "Rank them.")
    a_check(work, instruction="Rank them.", responses=texts)
    pages = []
    for rate in (1e-12, 1):
        set_rules(work, gold_rate=rate)
        person = make.a_member(work.project, make.a_user(name="Ann"))
        place = given(person, work)
        assert place.task.role == ("gold" if rate == 1 else "work")
        client = client_of(person)
        addresses = [reverse("work", args=[work.pk]), reverse("home"), reverse("you"), "/api/v1/me/progress"]
        before = [client.get(one).content.decode() for one in addresses]
        labelling.submit(person, place, labelling.Answer(RIGHT, place.fence))
        after = [reverse("you-labels"), reverse("you-label", args=[Label.objects.latest("pk").pk])]
        pages.append([bare(one) for one in before + [client.get(one).content.decode() for one in after]])
    for ordinary, check in zip(*pages, strict=True):
        assert ordinary == check


def bare(html: str) -> str:
    """A page without what is new on every page: tokens, ids, and in which order responses were shown."""
    html = re.sub(r'(name="(csrfmiddlewaretoken|key)" value|datetime|title|data-user|data-place)="[^"]+"', "", html)
    html = re.sub(r"(person|place)-\d+|/(assignments|labels|queues)/\d+/", "", html)
    html = re.sub(r"\b(one|two|three|four|[a-d])\b", "", html, flags=re.IGNORECASE)
    return re.sub(r"\d{10,}|[0-9a-f]{32,}", "", html)


def test_b5_what_waits_is_told_roughly_where_checks_are():
    work = a_queue(12, gold_rate=1)
    a_check(work)
    person = make.a_member(work.project)
    place = given(person, work)
    assert (own.waiting(person, [work])[work.pk].open, own.waiting(person, [work])[work.pk].more) == (10, True)
    answer(person, place)
    assert own.waiting(person, [work])[work.pk].open == 10


# --- Qualification ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wrong", "state"), [(1, "active"), (3, "paused")])
def test_who_has_not_qualified_gets_nothing_else(wrong, state):
    work = a_queue(30, screen_tasks=5, screen_pass=0.7)
    for _ in range(6):
        a_check(work, "screen")
    person = make.a_member(work.project)
    for nth in range(5):
        place = given(person, work)
        assert place.task.role == "screen"
        answer(person, place, WRONG if nth < wrong else RIGHT)
    seat = Seat.objects.get(user=person)
    assert (seat.state, seat.qualified_at is not None) == (state, state == "active")
    if state == "active":
        assert given(person, work).task.role == "work"
    else:
        pause = Pause.objects.get()
        assert (pause.rule, pause.facts["right"]) == ("screen", 2)
        assert queue.claim(person, work) is queue.SEAT_PAUSED


def test_the_last_qualification_task_in_hand_is_decided_before_any_work_is_given():
    work = a_queue(10, screen_tasks=2)
    for _ in range(2):
        a_check(work, "screen")
    person = make.a_member(work.project)
    first = given(person, work)
    ahead = queue.claim(person, work, [first.pk])
    assert isinstance(ahead, int)
    answer(person, first)
    second = Assignment.objects.select_related("task", "queue").get(pk=ahead)
    assert queue.claim(person, work, [second.pk]) is queue.EMPTY
    stored = labelling.submit(person, second, labelling.Answer(in_order(second), second.fence), claim_next=True)
    assert isinstance(stored.next, int)
    assert Assignment.objects.get(pk=stored.next).task.role == "work"


def test_declining_the_qualification_is_no_way_round_it():
    work = a_queue(10, screen_tasks=3)
    for _ in range(3):
        a_check(work, "screen")
    person = make.a_member(work.project)
    for _ in range(3):
        place = given(person, work)
        labelling.leave(person, place, place.fence, Exit.Way.DECLINE, "no")
    assert queue.claim(person, work) is queue.SEAT_PAUSED


@pytest.mark.parametrize(("reviewed", "state"), [(3, "active"), (2, "paused")])
def test_who_reviewed_the_qualification_is_judged_by_the_rest_of_it(reviewed, state):
    work = a_queue(20, screen_tasks=3, screen_pass=0.7)
    for _ in range(3):
        a_check(work, "screen")
    person, reviewer = make.a_member(work.project), make.a_member(work.project, role=Role.REVIEWER)
    labels = [answer(person, given(person, work), WRONG) for _ in range(3)]
    for label in Label.objects.filter(pk__in=labels[:reviewed]).select_related("queue", "annotator"):
        reviewing.review(reviewer, label, "reject", "It is the other way round.")
    for _ in range(3 - reviewed):
        answer(reviewer, given(reviewer, work), WRONG)
    queue.claim(reviewer, work)
    seat = Seat.objects.get(user=reviewer)
    assert (seat.state, seat.qualified_at is not None) == (state, state == "active")
    assert list(seat.pauses.values_list("facts", flat=True)) == ([] if reviewed == 3 else [_wrong(1, wanted=1)])


def _wrong(count, wanted):
    return {"right": 0, "wrong": count, "wanted": wanted}


def a_newcomer_is_given(work):
    return given(make.a_member(work.project), work).task.role


def test_a_place_that_was_given_back_keeps_no_newcomer_out():
    work = a_queue(6, screen_tasks=1)
    a_check(work, "screen")
    first = Assignment.objects.order_by("position")[0]
    Assignment.objects.filter(pk=first.pk).update(fence=1, holders=[work.created_by_id])
    place = given(make.a_member(work.project), work)
    assert (place.task.role, place.fence) == ("screen", 1)
    assert Assignment.objects.filter(pk=first.pk, task__role="work", state="open").exists()


def test_who_closes_and_opens_a_queue_keeps_no_newcomer_out():
    work = a_queue(1, overlap=2, screen_tasks=0)
    holder = make.a_member(work.project)
    given(holder, work)
    a_check(work, "screen")
    for changes in ({"state": "closed"}, {"rules": {"screen_tasks": 1}}, {"state": "open"}):
        work = running.change_queue(work, **changes)
    assert a_newcomer_is_given(work) == "screen"
    assert a_newcomer_is_given(work) == "screen"


def test_without_a_place_to_hide_it_in_qualification_gets_a_new_one():
    work = a_queue(1, screen_tasks=1)
    a_check(work, "screen")
    person = make.a_member(work.project)
    place = given(person, work)
    assert place.task.role == "screen"
    answer(person, place)
    assert given(person, work).task.role == "work"
    assert queue.claim(make.a_member(work.project), work) is queue.EMPTY  # nothing to qualify for


def test_work_that_was_added_at_once_has_places_for_checks():
    work = a_queue(5)
    person = make.a_member(work.project)
    for place in all_given(person, work):
        answer(person, place)
    places.add_places(work, Task.objects.values_list("pk", flat=True))
    opened = Assignment.objects.filter(state="open").order_by("position")
    assert len(set(opened.values_list("position", flat=True))) == 5
    assert [one.task_id for one in opened] == sorted(one.task_id for one in opened)
    set_rules(work, screen_tasks=1)
    a_check(work, "screen")
    newcomer = make.a_member(work.project)
    place = given(newcomer, work)
    assert place.task.role == "screen"
    answer(newcomer, place)
    assert given(newcomer, work).task_id == opened[1].task_id  # the seat has not gone past the others


def test_a_share_that_is_met_exactly_passes():
    work = a_queue(4, screen_tasks=20, screen_pass=0.55)
    for _ in range(20):
        a_check(work, "screen")
    person = make.a_member(work.project)
    for nth in range(20):
        answer(person, given(person, work), RIGHT if nth < 11 else WRONG)
    assert Seat.objects.get().qualified_at


def test_a_queue_without_qualification_tasks_lets_everybody_in():
    work = a_queue(2, screen_tasks=3)
    assert given(make.a_member(work.project), work).task.role == "work"


# --- Repeats ---------------------------------------------------------------------------------------------------------


def test_a_task_comes_again_to_the_same_person_alone():
    work = a_queue(30, repeat_rate=0)
    person = make.a_member(work.project)
    for place in all_given(person, work, most=6):
        answer(person, place)
    set_rules(work, repeat_rate=1)
    place = given(person, work)
    twin = place.task
    first = Label.objects.order_by("pk")[0]
    assert (twin.role, twin.repeats_id, twin.response_ids) == ("repeat", first.task_id, first.task.response_ids)
    answer(person, place, WRONG)
    judging.judge_waiting()
    result = CheckResult.objects.get()
    assert (result.role, result.right, result.distance) == ("repeat", False, 1.0)
    other = make.a_member(work.project)
    assert given(other, work).task.role == "work"  # they have labelled nothing that could be repeated
    # The first answer changes its mind: now both say the same.
    place_of_first = first.assignment
    place_of_first.queue, place_of_first.task = work, first.task
    labelling.amend(person, first, labelling.Answer(in_order_of(first, WRONG), 1))
    judging.judge_waiting()
    assert CheckResult.objects.get().right
    found = checking.accuracy(work)[person.pk]
    assert (found.same.n, found.alike) == (1, 1.0)


def in_order_of(label, said):
    letters = dict(zip(label.task.response_ids, "abcd", strict=True))
    named = {letters[pk]: shown for shown, pk in zip("abcd", label.shown, strict=True)}
    return label.queue.way.rename(said, named)


def test_a_repeat_that_was_skipped_comes_back_as_the_same_task():
    work = a_queue(30)
    person = make.a_member(work.project)
    for place in all_given(person, work, most=6):
        answer(person, place)
    set_rules(work, repeat_rate=1)
    place = given(person, work)
    labelling.leave(person, place, place.fence, Exit.Way.SKIP, "not now")
    set_rules(work, repeat_rate=1e-12)
    *_between, again = (one for one in all_given(person, work) if answer(person, one))
    assert (again.task, again.task.places, again.pk, again.fence) == (place.task, 1, place.pk, 2)


# --- What they come to -----------------------------------------------------------------------------------------------


def test_an_amended_answer_counts_and_another_known_answer_is_computed_anew():
    work = a_queue(10, gold_rate=1)
    gold = a_check(work)
    person = make.a_member(work.project)
    label = Label.objects.get(pk=answer(person, given(person, work), WRONG))
    judging.judge_waiting()
    assert not CheckResult.objects.get().right
    labelling.amend(person, label, labelling.Answer(in_order_of(label, RIGHT), 1))
    judging.judge_waiting()
    result = CheckResult.objects.get()
    assert (result.right, result.distance, result.label.supersedes) == (True, 0.0, label)
    Task.objects.filter(pk=gold.pk).update(gold=WRONG)
    assert checking.recompute(work) == 1
    assert (CheckResult.objects.get().right, CheckResult.objects.get().created_at) == (False, result.created_at)
    running.change_queue(work, rules={"gold_rate": 0.1, "gold_tolerance": 1.0})
    assert CheckResult.objects.get().right


def test_accuracy_has_intervals_and_suspect_checks_are_found():
    work = a_queue(30, gold_rate=1)
    good, odd = a_check(work), a_check(work, gold=WRONG)
    people = [make.a_member(work.project) for _ in range(6)]
    for person in people:
        for place in all_given(person, work, most=2):
            answer(person, place)
    judging.judge_waiting()
    found = checking.accuracy(work)
    assert {(one.gold.n, one.gold.value) for one in found.values()} == {(2, 0.5)}
    for one in found.values():
        assert one.gold.low is not None and one.gold.high is not None
        assert 0 < one.gold.low < 0.5 < one.gold.high < 1
    worst, best = checking.items(work)
    assert (worst.task, worst.is_suspect, worst.right.value) == (odd, True, 0.0)
    assert (best.task, best.is_suspect, best.right.n) == (good, False, 6)


# --- A careless person through the real verbs ------------------------------------------------------------------------


@pytest.mark.parametrize(("right", "paused"), [(0.5, True), (0.95, False)])
def test_a_random_rater_is_paused_within_30_gold_tasks_and_a_good_one_is_not(right, paused):
    """The test is exact in tests/quality/test_scoring_sequential.py; here it acts through claim and submit."""
    work = a_queue(45, gold_rate=0.7, pause=True)
    for _ in range(30):
        a_check(work)
    person, chance = make.a_member(work.project), random.Random(3)
    for place in all_given(person, work):
        answer(person, place, RIGHT if chance.random() < right else WRONG)
        judging.judge_waiting()
    seat, met = Seat.objects.get(user=person), CheckResult.objects.filter(role="gold").count()
    assert (seat.state == "paused") is paused
    if paused:
        pause = Pause.objects.get()
        assert met <= 30
        assert pause.facts["right"] + pause.facts["wrong"] == met
        assert "gold" not in pause.reason
    else:
        assert met >= 15


@pytest.mark.parametrize(("right", "paused"), [(0, True), (4, True), (5, False)])
def test_two_wrong_attention_checks_of_the_first_six_pause(right, paused):
    work = a_queue(12, attention_rate=1, pause=True)
    for _ in range(right + 2):
        a_check(work, "attention")
    person = make.a_member(work.project)
    for nth in range(right + 2):
        assert Seat.objects.filter(state="active").count() == min(nth, 1)
        answer(person, given(person, work), RIGHT if nth < right else WRONG)
        judging.judge_waiting()
    assert (Seat.objects.get().state == "paused") is paused
    if paused:
        facts = Pause.objects.get(rule="attention").facts
        assert (facts["right"], facts["wrong"], facts["good"], facts["error"]) == (right, 2, 0.98, 0.02)


def test_whoever_slips_now_and_then_is_not_paused_for_it():
    """1 % wrong, 200 attention checks: two wrong ones ever would pause more than half of such people."""
    paused = 0
    for seed in range(300):
        chance, right, wrong = random.Random(seed), 0, 0
        for _ in range(200):
            slips = chance.random() < 0.01
            right, wrong = right + (not slips), wrong + slips
            if slips and ratio_test(right, wrong, pausing.READS, pausing.SKIMS, 0.02) == Finding.BAD:
                paused += 1
                break
    assert paused <= 300 * 0.02


def test_b5_the_answer_to_a_check_never_says_that_its_annotator_is_paused():
    work = a_queue(10, attention_rate=1, pause=True)
    for _ in range(2):
        a_check(work, "attention")
    person = make.a_member(work.project)
    for _ in range(2):
        place = given(person, work)
        said = labelling.Answer(in_order(place, WRONG), place.fence)
        stored = labelling.submit(person, place, said, claim_next=True)
        assert isinstance(stored.next, int)
    tasks.sweep()
    assert Pause.objects.get().rule == "attention"
    assert not Seat.objects.get().to_judge
    assert queue.claim(person, work) == stored.next  # what they hold they may finish


def test_without_the_rule_nobody_is_paused():
    work = a_queue(10, attention_rate=1)
    for _ in range(3):
        a_check(work, "attention")
    person = make.a_member(work.project)
    for _ in range(3):
        answer(person, given(person, work), WRONG)
    assert Seat.objects.get().state == "active"


# --- Many at once ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_with_checks_mixed_in():
    """Every task gets its labels and no more, and nobody meets a check twice."""
    work = a_queue(40, overlap=3, gold_rate=0.3, repeat_rate=0.2)
    for _ in range(6):
        a_check(work)
    people = [make.a_member(work.project) for _ in range(8)]
    gate = threading.Barrier(8)

    def label_all(number: int) -> None:
        chance, user = random.Random(number), people[number]
        try:
            gate.wait()
            for place in all_given(user, work):
                if chance.random() < 0.15:
                    labelling.leave(user, place, place.fence, Exit.Way.SKIP, "not now")
                else:
                    answer(user, place)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(label_all, range(8)))
    for person in people:  # who found nothing while others still held places may be needed again
        for place in all_given(person, work):
            answer(person, place)
    labels = Counter(Label.objects.filter(task__role="work").values_list("task", flat=True))
    assert set(labels.values()) == {3}
    assert len(labels) == 40
    judging.judge_waiting()
    met = Counter(Label.objects.values_list("task", "annotator"))
    assert set(met.values()) == {1}
    roles = Counter(CheckResult.objects.values_list("role", flat=True))
    assert roles["gold"] > 8
    assert roles["repeat"] > 4
    assert all(task.assignments.count() <= task.places for task in Task.objects.all())

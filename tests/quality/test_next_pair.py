"""The order in which what tells most about the models comes first: by the queue's own verbs, and simulated."""

from datetime import timedelta

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from annotate import jobs, ordering, running
from annotate import places as added
from annotate import queue as places
from annotate.models import Assignment, Label, Queue, Task
from rankings.boards import asking
from rankings.scoring import bradley_terry, information
from rankings.scoring.comparisons import Comparisons
from tests import factories as make
from tests.api.callers import Caller
from tests.pages.desk import client_of
from tests.quality import checks
from tests.quality.test_boards import compared

db = pytest.mark.django_db


@pytest.fixture
def work():
    return make.a_queue(kind="compare", order=Queue.Order.NEXT_PAIR, options={"strength": False, "tie": True})


def a_pair(work, *models, **fields):
    return make.a_task(work, responses=["Yes.", "No."], models=models, **fields).pk


# --- The queue's verb ------------------------------------------------------------------------------------------------


def met(user, work, tasks, most=100):
    """Which of the tasks the person is given, one after the other, each labelled."""
    found: list[int] = []
    while len(found) < most and isinstance(place := places.claim(user, work), int):
        found.append(tasks.index(Assignment.objects.get(pk=place).task_id))
        make.a_label(user, work)
    return found


@db
def test_what_is_brought_forward_comes_next_to_everybody():
    work = make.a_queue(overlap=3)
    tasks = [make.a_task(work).pk for _ in range(6)]
    ahead, slow = make.a_member(work.project), make.a_member(work.project)
    for _ in range(3):
        make.a_label(ahead, work)
    make.a_label(slow, work)
    ordering.bring_forward(work, [tasks[5], tasks[1]])
    new = make.a_member(work.project)
    assert met(slow, work, tasks) == [5, 1, 2, 3, 4]
    assert met(new, work, tasks) == [5, 1, 0, 2, 3, 4]
    assert met(ahead, work, tasks) == [5, 3, 4]
    assert not Assignment.objects.exclude(state="done").exists()


@db
def test_what_is_brought_forward_later_comes_before_what_was_earlier_and_that_goes_back():
    work = make.a_queue(overlap=2)
    tasks = [make.a_task(work).pk for _ in range(7)]
    person = make.a_member(work.project)
    ordering.bring_forward(work, [tasks[6], tasks[5], tasks[4]])
    assert met(person, work, tasks, most=1) == [6]  # in the middle of it
    ordering.bring_forward(work, [tasks[3], tasks[5]])
    assert met(person, work, tasks, most=3) == [3, 5, 0]  # in its own order now, 4 behind the others
    ordering.bring_forward(work, [tasks[2]])
    assert met(person, work, tasks) == [2, 1, 4]
    assert met(make.a_member(work.project), work, tasks) == [2, 0, 1, 3, 4, 5, 6]


@db
def test_whoever_has_done_with_it_goes_on_where_they_were_and_does_not_look_through_all_they_have_done():
    work = make.a_queue()
    tasks = [make.a_task(work).pk for _ in range(6)]
    Assignment.objects.filter(task=tasks[0]).update(position=0, state="held")
    person = make.a_member(work.project)
    assert met(person, work, tasks, most=2) == [1, 2]
    Assignment.objects.filter(task=tasks[0]).update(state="open")  # passed over: it waits for the end of the queue
    ordering.bring_forward(work, [tasks[4]])
    assert met(person, work, tasks) == [4, 3, 5, 0]


@db
def test_a_check_takes_what_was_brought_forward_as_it_takes_any_next_place():
    work = checks.a_queue(12, overlap=2, gold_rate=1)
    gold = checks.a_check(work)
    tasks = list(Task.objects.filter(role="work").order_by("pk").values_list("pk", flat=True))
    person = make.a_member(work.project)
    ordering.bring_forward(work, [tasks[7], tasks[9]])
    its_places = set(Assignment.objects.filter(task=tasks[7]).values_list("pk", flat=True))
    check = checks.given(person, work)
    assert check.task == gold and check.pk in its_places
    checks.answer(person, check)
    assert met(person, work, tasks, most=2) == [9, 0]  # past the other place of 7, whose number is one more
    assert not Assignment.objects.filter(task=tasks[7], state="open", position__lt=0, pk__gt=max(its_places)).exists()


@db
def test_a_seat_that_is_made_afterwards_begins_before_what_was_brought_forward():
    work = make.a_queue()
    first, second = make.a_task(work).pk, make.a_task(work).pk
    ordering.bring_forward(work, [second])
    person = make.a_member(work.project)
    running.assign(work, [person])
    assert make.a_lease(person, work).task_id == second
    other = make.a_member(work.project)
    assert make.a_lease(other, work).task_id == first


@db
def test_places_in_hand_stay_where_they_are_and_one_given_back_is_met_again():
    work = make.a_queue()
    tasks = [make.a_task(work).pk for _ in range(2)]
    person = make.a_member(work.project)
    held = make.a_lease(person, work)
    ordering.bring_forward(work, tasks)
    assert Assignment.objects.get(pk=held.pk).position == held.position
    places.free(held)
    assert make.a_lease(make.a_member(work.project), work).task_id == tasks[1]
    assert make.a_lease(make.a_member(work.project), work).task_id == tasks[0]


@db
@pytest.mark.parametrize("way", ["added", "given back", "after a check"])
def test_a_place_not_where_its_task_stands_goes_back_ahead_of_those_who_were_not_offered_it(way):
    work = checks.a_queue(45, gold_rate=1)
    tasks = list(Task.objects.order_by("pk").values_list("pk", flat=True))
    other, person = make.a_member(work.project), make.a_member(work.project)
    if way == "after a check":
        checks.a_check(work)
        checks.answer(person, checks.given(person, work))
    else:
        held = make.a_lease(other, work)
    assert met(person, work, tasks, most=3) == [1, 2, 3]
    if way == "added":
        make.a_label(other, work)
        added.add_places(work, [tasks[0]])
    elif way == "given back":
        places.free(held)
    ordering.bring_forward(work, [tasks[0]])
    ordering.bring_forward(work, [tasks[44]])
    order = met(person, work, tasks)
    assert (order[0], len(order)) == (44, 42)
    assert order.index(20) < order.index(0) < order.index(40)


# --- What tells most -------------------------------------------------------------------------------------------------


@db
def test_a_pair_that_nobody_knows_comes_before_one_that_is_known(work):
    compared(work, ["a", "b"], 0, 6)
    compared(work, ["b", "a"], 0, 4)
    known, unknown = [a_pair(work, "a", "b") for _ in range(3)], a_pair(work, "a", "c")
    alike, nameless = a_pair(work, "a", "a"), a_pair(work, "a", "")
    order = asking.order(work)
    assert order[0] == unknown
    assert set(order) == {unknown, *known}
    assert alike not in order and nameless not in order


@db
def test_tasks_without_an_open_place_checks_and_flagged_ones_are_not_asked_for(work):
    compared(work, ["a", "b"], 0)
    open_one, done, gold, flagged = (a_pair(work, "a", "b") for _ in range(4))
    Assignment.objects.filter(task=done).delete()
    Task.objects.filter(pk=gold).update(role=Task.Role.GOLD)
    Task.objects.filter(pk=flagged).update(state=Task.State.FLAGGED)
    assert asking.order(work) == [open_one]


@db
def test_a_worker_puts_the_queue_in_order_when_labels_came(work, monkeypatch):
    told = []
    monkeypatch.setattr(jobs, "wake", lambda task, pk: told.append((task, pk)))
    known = [a_pair(work, "a", "b") for _ in range(5)]
    ordering.wake_waiting()
    assert told == []  # before the first label it is as imported
    unknown = a_pair(work, "a", "c")
    person = make.a_member(work.project)
    for _ in range(2):
        make.a_label(person, work, {"winner": "a"})
    ordering.wake_waiting()
    assert told == [(ordering.TASK, work.pk)]
    ordering.put_in_order(work.pk)
    assert Queue.objects.get(pk=work.pk).ordered_to == Label.objects.latest("pk").pk
    assert make.a_lease(make.a_member(work.project), work).task_id == unknown
    assert make.a_lease(person, work).task_id in known[2:]


@db
def test_it_is_done_at_most_once_a_minute_and_only_when_labels_came(work, monkeypatch):
    for _ in range(6):
        a_pair(work, "a", "b")
    person = make.a_member(work.project)
    make.a_label(person, work, {"winner": "a"})
    calls: list[Queue] = []

    def order(queue: Queue) -> list[int]:
        calls.append(queue)
        return []

    monkeypatch.setattr(asking, "order", order)
    ordering.put_in_order(work.pk)
    ordering.put_in_order(work.pk)  # no newer label
    make.a_label(person, work, {"winner": "a"})
    ordering.put_in_order(work.pk)  # a minute has not passed
    assert len(calls) == 1
    monkeypatch.setattr(ordering, "EVERY", timedelta(0))  # now it has
    ordering.put_in_order(work.pk)
    assert len(calls) == 2
    make.a_label(person, work, {"winner": "a"})
    Queue.objects.update(state=Queue.State.PAUSED)
    ordering.put_in_order(work.pk)
    Queue.objects.update(state=Queue.State.OPEN, order=Queue.Order.FIFO)
    ordering.put_in_order(work.pk)
    assert len(calls) == 2


@db
def test_only_queues_that_compare_can_have_it():
    project = make.a_project()
    for kind in ("write", "edit", "rate", "thumbs"):
        with pytest.raises(ValidationError) as refused:
            running.create_queue(project, project.created_by, name=kind, kind=kind, order="next-pair")
        assert list(refused.value.message_dict) == ["order"]
    work, _new = running.create_queue(project, project.created_by, name="Q", kind="rank", order="next-pair")
    assert work.order == "next-pair"
    refused = Caller(project.created_by).post(
        f"/projects/{project.slug}/queues", {"name": "W", "kind": "write", "order": "next-pair"}
    )
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["order"])
    client = client_of(project.created_by)
    new = reverse("queue-new", args=[project.slug])
    assert b"next-pair" in client.get(new, {"kind": "compare"}).content
    assert b"next-pair" not in client.get(new, {"kind": "write"}).content
    assert b"next-pair" in client.get(reverse("queue-settings", args=[work.pk])).content


# --- Is it worth it --------------------------------------------------------------------------------------------------

MODELS, POOL, LABELS, BATCH, SEEDS = 10, 800, 200, 50, 15


def errors_of(seed: int, active: bool) -> tuple[float, float]:
    """After so many labels in the one order or the other: the squared error of the strengths, and of the places.

    The pool is as files are: some models are in most of the pairs, others in few.
    """
    random = np.random.default_rng(seed)
    truth = random.normal(0, 1, MODELS)
    often = 1 / np.arange(1, MODELS + 1)
    pairs = np.array([random.choice(MODELS, 2, replace=False, p=often / often.sum()) for _ in range(POOL)])
    upset = random.random(POOL)
    asked = list(range(BATCH))
    while True:
        chosen = pairs[asked]
        won = upset[asked] < 1 / (1 + np.exp(truth[chosen[:, 1]] - truth[chosen[:, 0]]))
        winner, loser = np.where(won, chosen[:, 0], chosen[:, 1]), np.where(won, chosen[:, 1], chosen[:, 0])
        fit = bradley_terry.fit(Comparisons.of(MODELS, winner, loser))
        if len(asked) >= LABELS:
            break
        left = np.setdiff1d(np.arange(POOL), asked)
        asked += left[information.order(fit, pairs[left], BATCH)].tolist() if active else left[:BATCH].tolist()
    apart = np.argsort(np.argsort(fit.strength)) - np.argsort(np.argsort(truth))
    return float(((fit.strength - truth + truth.mean()) ** 2).mean()), float((apart**2).mean())


def test_with_as_many_labels_the_strengths_are_nearer_to_the_truth():
    """Over 15 seeds the squared error of the strengths is 0.40 of that of the file's order, that of the places 0.50."""
    active = np.array([errors_of(seed, True) for seed in range(SEEDS)])
    as_imported = np.array([errors_of(seed, False) for seed in range(SEEDS)])
    strength, place = active.mean(axis=0) / as_imported.mean(axis=0)
    assert strength < 0.6
    assert place < 0.75
    assert (active[:, 0] < as_imported[:, 0]).sum() >= 11

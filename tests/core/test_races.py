"""Many at once, on real threads and connections."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from django.db import connection

from annotate import labelling, queue, reviewing
from annotate.models import Assignment, Exit, Label, Review, Role
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(count, act):
    """Run `act(n)` on `count` threads that start together; their results."""
    gate = threading.Barrier(count)

    def one(number):
        try:
            gate.wait()
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_eight_people_label_everything_to_its_overlap_and_nothing_twice():
    work = make.a_queue(overlap=3)
    tasks = [make.a_task(work) for _ in range(40)]
    people = [make.a_member(work.project) for _ in range(8)]

    def label_all(number):
        chance = random.Random(number)
        user = people[number]
        following: int | queue.Nothing | None = queue.claim(user, work)
        while isinstance(following, int):
            place = Assignment.objects.select_related("task", "queue").get(pk=following)
            if chance.random() < 0.1:
                labelling.leave(user, place, place.fence, Exit.Way.SKIP, "not now")
                following = queue.claim(user, work)
                continue
            answer = labelling.Answer(work.way.example().payload, place.fence)
            following = labelling.submit(user, place, answer, claim_next=True).next
        return following

    # Who finds nothing while others still hold places may be needed again: ask until all are done.
    while Assignment.objects.exclude(state="done").exists():
        assert set(at_once(8, label_all)) == {queue.EMPTY}
    labels = Counter(Label.objects.values_list("task_id", flat=True))
    assert labels == {task.pk: 3 for task in tasks}
    pairs = Label.objects.values_list("task_id", "annotator_id")
    assert len(set(pairs)) == len(pairs) == 120


def test_a_double_click_on_start_gets_one_lease():
    work = make.a_queue(overlap=2)
    make.a_task(work), make.a_task(work)
    ann = make.a_member(work.project)
    assert len(set(at_once(8, lambda _: queue.claim(ann, work)))) == 1
    assert Assignment.objects.leased().count() == 1


def test_a_double_click_on_submit_makes_one_label_and_gives_one_next_task():
    work = make.a_queue(overlap=2)
    for _ in range(4):
        make.a_task(work)
    ann = make.a_member(work.project)
    place = make.a_lease(ann, work)
    answer = labelling.Answer(work.way.example().payload, place.fence)
    results = at_once(8, lambda _: labelling.submit(ann, place, answer, claim_next=True))
    assert len({one.label_id for one in results}) == 1
    assert len({one.next for one in results}) == 1
    assert sorted(one.replayed for one in results) == [False] + [True] * 7
    assert (Label.objects.count(), Assignment.objects.leased().count()) == (1, 1)


def test_fifty_claims_of_one_place_have_one_winner():
    work = make.a_queue()
    make.a_task(work)
    people = [make.a_member(work.project) for _ in range(10)]
    for _ in range(5):
        results = at_once(10, lambda number: queue.claim(people[number], work))
        winners = [one for one in results if isinstance(one, int)]
        assert len(winners) == 1
        place = Assignment.objects.get(pk=winners[0])
        winner = next(one for one in people if one.pk == place.annotator_id)
        labelling.give_back(winner, place, place.fence)


def test_a_late_answer_and_its_successor_never_share_the_place():
    work = make.a_queue()
    for _ in range(10):
        make.a_task(work)
        ann, bea = make.a_member(work.project), make.a_member(work.project)
        place = make.a_lease(ann, work)
        Assignment.objects.filter(pk=place.pk).update(lease_until="2020-01-01T00:00Z")
        answer = labelling.Answer(work.way.example().payload, place.fence)

        def act(number, ann=ann, bea=bea, place=place, answer=answer):
            if number:
                return queue.claim(bea, work)
            try:
                return labelling.submit(ann, place, answer)
            except labelling.TooLate as late:
                return late

        submitted, claimed = at_once(2, act)
        assert isinstance(submitted, labelling.Submitted) != isinstance(claimed, int)
        if isinstance(claimed, int):
            taken = Assignment.objects.select_related("task", "queue").get(pk=claimed)
            labelling.submit(bea, taken, labelling.Answer(work.way.example().payload, taken.fence))


def test_eight_tabs_that_ask_for_one_ahead_hold_two_places_together():
    work = make.a_queue(overlap=2)
    for _ in range(12):
        make.a_task(work)
    ann = make.a_member(work.project)
    first = queue.claim(ann, work)
    assert isinstance(first, int)
    results = at_once(8, lambda _: queue.claim(ann, work, [first]))
    assert len(set(results)) == 1
    assert Assignment.objects.leased().count() == 2


def test_submits_and_prefetches_of_two_people_never_hold_more_than_two_each():
    work = make.a_queue(overlap=2)
    for _ in range(30):
        make.a_task(work)
    people = [make.a_member(work.project) for _ in range(2)]

    def label_some(number):
        user = people[number % 2]
        for _ in range(10):
            place = queue.claim(user, work)
            if not isinstance(place, int):
                return
            ahead = queue.claim(user, work, [place])
            held = Assignment.objects.select_related("task", "queue").get(pk=place)
            answer = labelling.Answer(work.way.example().payload, held.fence)
            having = [ahead] if isinstance(ahead, int) else []
            with suppress(labelling.Refused):  # the other tab of the same person was first
                labelling.submit(user, held, answer, claim_next=True, having=having)
            assert Assignment.objects.leased().filter(annotator=user).count() <= queue.MOST_HELD

    at_once(4, label_some)
    pairs = Label.objects.values_list("task_id", "annotator_id")
    assert len(set(pairs)) == len(pairs)


def test_a_double_click_on_an_amendment_makes_one_and_two_tabs_have_one_winner():
    work = make.a_queue()
    make.a_task(work)
    ann = make.a_member(work.project)
    first = Label.objects.get(pk=make.a_label(ann, work))
    payload = work.way.example().other_payload
    answer = labelling.Answer(payload, first.fence)
    results = at_once(8, lambda _: labelling.amend(ann, first, answer))
    assert len({one.label_id for one in results}) == 1
    second = Label.objects.get(pk=results[0].label_id)

    def amend(_):
        try:
            return labelling.amend(ann, second, labelling.Answer(payload, second.fence))
        except labelling.NotAmendable as refusal:
            return refusal.code

    outcomes = at_once(8, amend)
    assert outcomes.count("superseded") == 7
    assert (Label.objects.count(), Label.objects.live().count()) == (3, 1)


def test_an_amendment_and_a_review_of_the_same_label_never_both_happen():
    work = make.a_queue()
    ann, rev = make.a_member(work.project), make.a_member(work.project, role=Role.REVIEWER)
    for _ in range(10):
        make.a_task(work)
        first = Label.objects.get(pk=make.a_label(ann, work))

        def act(number, first=first):
            try:
                if number:
                    return reviewing.review(rev, first, "accept")
                return labelling.amend(ann, first, labelling.Answer(first.payload, first.fence))
            except labelling.Refused as refusal:
                return refusal

        amended, reviewed = at_once(2, act)
        assert isinstance(amended, labelling.Submitted) != isinstance(reviewed, Review)

"""Changing one's mind: what an amendment keeps, what it changes, and when it is too late for one."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from annotate import labelling, queue, reviewing
from annotate.models import Assignment, Draft, Guideline, Label, Queue, Role, Seat
from tests import factories as make

pytestmark = pytest.mark.django_db


def a_first_answer(**fields):
    work = make.a_queue(**fields)
    make.a_task(work)
    ann = make.a_member(work.project)
    return ann, Label.objects.get(pk=make.a_label(ann, work))


def another(label, **fields):
    payload = label.queue.way.example().other_payload
    return labelling.Answer(**{"payload": payload, "fence": label.fence, "active_seconds": 40.0} | fields)


def test_an_amendment_is_a_new_label_of_the_same_place_and_order_under_the_guidelines_of_now():
    ann, first = a_first_answer()
    owner = first.queue.created_by
    now = Guideline.objects.create(project=first.queue.project, version=1, text="Be kind.", author=owner)
    before = Seat.objects.get(user=ann)
    stored = labelling.amend(ann, first, another(first))
    second = Label.objects.get(pk=stored.label_id)
    assert second.payload == first.queue.way.example().other_payload
    same = ("assignment_id", "task_id", "queue_id", "annotator_id", "shown", "fence")
    assert [getattr(second, name) for name in same] == [getattr(first, name) for name in same]
    assert (second.supersedes, second.guideline, second.active_seconds) == (first, now, 40.0)
    assert list(Label.objects.live()) == [second]
    after = Seat.objects.get(user=ann)
    assert (after.done, after.active_seconds) == (before.done, before.active_seconds + 40)


def test_the_same_amendment_again_is_the_same_label():
    ann, first = a_first_answer()
    answer = another(first)
    stored = labelling.amend(ann, first, answer)
    again = labelling.amend(ann, first, answer)
    assert (again.label_id, again.replayed) == (stored.label_id, True)
    assert Label.objects.count() == 2
    with pytest.raises(labelling.KeyReused):
        labelling.amend(ann, first, another(first, payload=first.payload, key=answer.key))


def test_the_key_of_the_first_answer_does_not_serve_again():
    ann, first = a_first_answer()
    with pytest.raises(labelling.KeyReused):
        labelling.amend(ann, first, another(first, payload=first.payload, key=first.key))


def test_only_the_newest_is_amended():
    ann, first = a_first_answer()
    second = Label.objects.get(pk=labelling.amend(ann, first, another(first)).label_id)
    with pytest.raises(labelling.NotAmendable) as refusal:
        labelling.amend(ann, first, another(first))
    assert refusal.value.code == "superseded"
    labelling.amend(ann, second, another(second))
    assert [label.supersedes_id for label in Label.objects.order_by("pk")] == [None, first.pk, second.pk]


def test_what_was_reviewed_stays():
    ann, first = a_first_answer()
    reviewer = make.a_member(first.queue.project, role=Role.REVIEWER)
    reviewing.review(reviewer, first, "accept")
    with pytest.raises(labelling.NotAmendable) as refusal:
        labelling.amend(ann, first, another(first))
    assert refusal.value.code == "reviewed"
    assert labelling.back_from(ann, first.queue) is None


def test_in_a_closed_queue_answers_stay():
    ann, first = a_first_answer()
    queue.change_state(first.queue, Queue.State.CLOSED)
    with pytest.raises(labelling.NotAmendable) as refusal:
        labelling.amend(ann, first, another(first))
    assert refusal.value.code == "queue_closed"
    assert labelling.back_from(ann, first.queue) is None


def test_a_late_answer_is_amended_in_the_order_it_was_seen():
    work = make.a_queue(overlap=2)
    make.a_task(work)
    ann, bea = make.a_member(work.project), make.a_member(work.project)
    place = make.a_lease(ann, work)
    Assignment.objects.filter(pk=place.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    make.a_lease(bea, work)
    answer = labelling.Answer(work.way.example().payload, place.fence)
    first = Label.objects.get(pk=labelling.submit(ann, place, answer).label_id)
    second = Label.objects.get(pk=labelling.amend(ann, first, another(first)).label_id)
    assert second.shown == first.shown == place.shown(place.fence)


def test_undo_goes_back_ten_answers_and_no_further():
    work = make.a_queue()
    for _ in range(12):
        make.a_task(work)
    ann = make.a_member(work.project)
    given = [make.a_label(ann, work) for _ in range(12)]
    make.a_label(make.a_member(make.a_queue(work.project).project), a_queue_with_work(work))
    came, before = [], None
    while (before := labelling.back_from(ann, work, before)) is not None:
        came.append(before)
    assert came == given[:1:-1]


def a_queue_with_work(other):
    work = make.a_queue(other.project)
    make.a_task(work)
    return work


def test_what_was_amended_is_the_last_answer_then():
    work = make.a_queue()
    make.a_task(work), make.a_task(work)
    ann = make.a_member(work.project)
    first, second = make.a_label(ann, work), make.a_label(ann, work)
    label = Label.objects.get(pk=first)
    newest = labelling.amend(ann, label, another(label)).label_id
    assert labelling.back_from(ann, work) == newest
    assert labelling.back_from(ann, work, newest) == second
    assert labelling.back_from(ann, work, second) is None


# --- Drafts and their versions ---------------------------------------------------------------------------------------


def a_draft(text, place, user, base=None):
    return labelling.save_draft(user, place, {"text": text, "comment": ""}, place.fence, base=base)


def test_nothing_older_overwrites_a_newer_draft():
    work = make.a_queue(kind="write")
    make.a_task(work)
    ann = make.a_member(work.project)
    place = make.a_lease(ann, work)
    assert a_draft("here", place, ann, base=0) == 1
    assert a_draft("there", place, ann, base=1) == 2
    with pytest.raises(labelling.DraftNewer) as refusal:
        a_draft("here, and on", place, ann, base=1)
    kept = Draft.objects.get()
    assert kept.payload["text"] == "there"
    assert (refusal.value.version, refusal.value.saved_at) == (2, kept.updated_at)
    assert a_draft("mine all the same", place, ann, base=2) == 3
    assert a_draft("a program that does not say", place, ann) == 4


def test_the_same_draft_sent_again_is_no_other_version_and_no_conflict():
    work = make.a_queue(kind="write")
    make.a_task(work)
    ann = make.a_member(work.project)
    place = make.a_lease(ann, work)
    assert a_draft("one", place, ann, base=0) == 1
    assert a_draft("one", place, ann, base=0) == 1  # its answer was lost, so it comes again
    assert a_draft("two", place, ann, base=1) == 2


def test_a_draft_renews_both_leases():
    work = make.a_queue(kind="write")
    make.a_task(work), make.a_task(work)
    ann = make.a_member(work.project)
    place = make.a_lease(ann, work)
    assert isinstance(queue.claim(ann, work, [place.pk]), int)
    soon = timezone.now() + timedelta(seconds=5)
    Assignment.objects.leased().update(lease_until=soon)
    a_draft("still here", place, ann)
    assert all(one.lease_until and one.lease_until > soon for one in Assignment.objects.leased())


# --- One place ahead -------------------------------------------------------------------------------------------------


def test_one_place_more_is_held_ahead_and_no_third():
    work = make.a_queue()
    for _ in range(4):
        make.a_task(work)
    ann = make.a_member(work.project)
    first = queue.claim(ann, work)
    assert isinstance(first, int)
    second = queue.claim(ann, work, [first])
    assert isinstance(second, int) and second != first
    assert queue.claim(ann, work, [first]) == second
    assert queue.claim(ann, work, [first, second]) == queue.ENOUGH
    assert queue.claim(ann, work) == first
    assert Assignment.objects.leased().count() == 2


def test_the_place_ahead_is_the_next_and_one_more_is_claimed_with_the_submit():
    work = make.a_queue()
    for _ in range(4):
        make.a_task(work)
    ann = make.a_member(work.project)
    place = make.a_lease(ann, work)
    ahead = queue.claim(ann, work, [place.pk])
    assert isinstance(ahead, int)
    answer = labelling.Answer(work.way.example().payload, place.fence, key=uuid.uuid4())
    stored = labelling.submit(ann, place, answer, claim_next=True, having=[ahead])
    assert isinstance(stored.next, int) and stored.next not in {place.pk, ahead}
    again = labelling.submit(ann, place, answer, claim_next=True, having=[ahead])
    assert (again.replayed, again.next) == (True, stored.next)
    assert queue.claim(ann, work) == ahead
    assert Assignment.objects.leased().count() == 2


def test_who_asks_for_nothing_ahead_gets_the_place_they_hold():
    work = make.a_queue()
    for _ in range(3):
        make.a_task(work)
    ann = make.a_member(work.project)
    place = make.a_lease(ann, work)
    ahead = queue.claim(ann, work, [place.pk])
    answer = labelling.Answer(work.way.example().payload, place.fence)
    assert labelling.submit(ann, place, answer, claim_next=True).next == ahead


def test_a_submit_renews_the_place_ahead_where_little_of_its_lease_is_left():
    work = make.a_queue()
    for _ in range(3):
        make.a_task(work)
    ann = make.a_member(work.project)
    place = make.a_lease(ann, work)
    ahead = queue.claim(ann, work, [place.pk])
    assert isinstance(ahead, int)
    soon = timezone.now() + timedelta(seconds=60)
    Assignment.objects.filter(pk=ahead).update(lease_until=soon)
    labelling.submit(ann, place, labelling.Answer(work.way.example().payload, place.fence))
    renewed = Assignment.objects.get(pk=ahead).lease_until
    assert renewed is not None and renewed > soon + timedelta(minutes=20)


@pytest.mark.parametrize("state", [Queue.State.PAUSED, Queue.State.CLOSED])
def test_a_queue_out_of_work_gives_nothing_ahead(state):
    work = make.a_queue()
    make.a_task(work), make.a_task(work)
    ann = make.a_member(work.project)
    place = make.a_lease(ann, work)
    queue.change_state(work, state)
    assert isinstance(queue.claim(ann, work, [place.pk]), queue.Nothing)
    assert Assignment.objects.leased().count() == (state == Queue.State.PAUSED)


def test_leaving_gives_both_back():
    work = make.a_queue()
    make.a_task(work), make.a_task(work)
    ann = make.a_member(work.project)
    place = make.a_lease(ann, work)
    queue.claim(ann, work, [place.pk])
    labelling.give_all_back(ann, place, place.fence)
    assert not Assignment.objects.leased().exists()

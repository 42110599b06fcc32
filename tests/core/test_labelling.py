"""What they say: submit, repeat, be late, leave; and what the database itself refuses."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from annotate import labelling, queue
from annotate.models import Assignment, Draft, Exit, Guideline, Label, Seat
from tests import factories as make

pytestmark = pytest.mark.django_db


def a_place(kind="rank", **fields):
    work = make.a_queue(kind=kind, **fields)
    make.a_task(work)
    ann = make.a_member(work.project)
    return ann, make.a_lease(ann, work)


def an_answer(place, **fields):
    payload = place.queue.way.example().payload
    return labelling.Answer(**{"payload": payload, "fence": place.fence, "active_seconds": 12.5} | fields)


def hand_over(place, user):
    """Let the lease run out and give the place to somebody else."""
    Assignment.objects.filter(pk=place.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    return make.a_lease(user, place.queue)


def test_a_submit_stores_everything_about_the_label():
    ann, place = a_place()
    owner = place.queue.created_by
    guideline = Guideline.objects.create(project=place.queue.project, version=1, text="Be kind.", author=owner)
    Assignment.objects.filter(pk=place.pk).update(leased_at=timezone.now() + timedelta(seconds=1))
    result = labelling.submit(ann, place, an_answer(place))
    label = Label.objects.get(pk=result.label_id)
    assert label.payload == place.queue.way.example().payload
    assert label.shown == place.shown() and label.fence == place.fence
    assert (label.active_seconds, label.guideline) == (12.5, guideline)
    place.refresh_from_db()
    assert place.state == Assignment.State.DONE
    seat = Seat.objects.get(queue=place.queue, user=ann)
    assert (seat.done, seat.active_seconds) == (1, 12.5)


def test_the_guidelines_of_a_label_are_those_in_force_when_the_task_was_given():
    ann, place = a_place()
    owner = place.queue.created_by
    Guideline.objects.create(project=place.queue.project, version=1, text="Too new.", author=owner)
    Assignment.objects.filter(pk=place.pk).update(leased_at=timezone.now() - timedelta(hours=1))
    assert Label.objects.get(pk=labelling.submit(ann, place, an_answer(place)).label_id).guideline is None


def test_the_same_submit_again_is_the_same_label():
    ann, place = a_place()
    answer = an_answer(place)
    first = labelling.submit(ann, place, answer)
    again = labelling.submit(ann, place, answer)
    assert (again.label_id, again.replayed) == (first.label_id, True)
    assert Label.objects.count() == 1


def test_a_key_used_for_another_answer_is_refused():
    ann, place = a_place()
    answer = an_answer(place)
    labelling.submit(ann, place, answer)
    other = replace(answer, payload=place.queue.way.example().other_payload)
    with pytest.raises(labelling.KeyReused):
        labelling.submit(ann, place, other)


def test_a_second_answer_under_another_key_is_told_so():
    ann, place = a_place(overlap=2)
    labelling.submit(ann, place, an_answer(place))
    with pytest.raises(labelling.AlreadyLabelled):
        labelling.submit(ann, place, an_answer(place, key=uuid.uuid4()))
    assert Label.objects.count() == 1


def test_a_late_answer_is_taken_while_the_place_is_free():
    ann, place = a_place()
    Assignment.objects.filter(pk=place.pk).update(lease_until=timezone.now() - timedelta(hours=3))
    assert labelling.submit(ann, place, an_answer(place)).label_id


def test_a_late_answer_takes_another_free_place_of_the_task():
    ann, place = a_place(overlap=2)
    bea = make.a_member(place.queue.project)
    hand_over(place, bea)
    label = Label.objects.get(pk=labelling.submit(ann, place, an_answer(place)).label_id)
    assert label.assignment_id != place.pk
    assert label.shown == place.shown(place.fence)  # the order they saw, not the new holder's


def test_a_late_answer_without_a_place_is_kept_as_a_draft_in_the_order_it_was_seen():
    ann, place = a_place()
    bea = make.a_member(place.queue.project)
    taken = hand_over(place, bea)
    with pytest.raises(labelling.TooLate):
        labelling.submit(ann, place, an_answer(place))
    assert Label.objects.count() == 0
    draft = Draft.objects.get(annotator=ann)
    seen, now = place.shown(place.fence), taken.shown()
    best = {seen["abcd".index(letter)] for letter, rank in draft.payload["ranks"].items() if rank == 1}
    renamed = labelling.draft_of(ann, taken) or {}
    assert {now["abcd".index(letter)] for letter, rank in renamed["ranks"].items() if rank == 1} == best


def test_an_answer_to_a_place_never_held_is_refused():
    _, place = a_place()
    bea = make.a_member(place.queue.project)
    with pytest.raises(labelling.NotTheirs):
        labelling.submit(bea, place, an_answer(place))
    with pytest.raises(labelling.NotTheirs):
        labelling.save_draft(bea, place, {"ranks": {}}, place.fence)


def test_a_made_up_fencing_number_is_refused():
    ann, place = a_place()
    for fence in (0, 2, -1, 10**6):
        with pytest.raises(labelling.NotTheirs):
            labelling.submit(ann, place, an_answer(place, fence=fence))


def test_submit_and_claim_next_is_one_step():
    ann, place = a_place()
    task = make.a_task(place.queue)
    following = labelling.submit(ann, place, an_answer(place), claim_next=True).next
    assert isinstance(following, int)
    assert Assignment.objects.get(pk=following).task_id == task.pk


def test_a_repeated_submit_gives_the_next_task_it_gave_before():
    ann, place = a_place()
    make.a_task(place.queue), make.a_task(place.queue)
    answer = an_answer(place)
    first = labelling.submit(ann, place, answer, claim_next=True)
    again = labelling.submit(ann, place, answer, claim_next=True)
    assert first.next == again.next


def test_a_draft_renews_the_lease_and_ends_with_the_label():
    ann, place = a_place()
    soon = timezone.now() + timedelta(seconds=9)
    Assignment.objects.filter(pk=place.pk).update(lease_until=soon)
    assert labelling.save_draft(ann, place, {"ranks": {"a": 1}, "unusable": []}, place.fence) == 1
    assert labelling.save_draft(ann, place, {"ranks": {"a": 2}, "unusable": []}, place.fence, 30) == 2
    place.refresh_from_db()
    assert place.lease_until > soon
    assert (labelling.draft_of(ann, place) or {})["ranks"] == {"a": 2}
    labelling.submit(ann, place, an_answer(place))
    assert not Draft.objects.exists()
    with pytest.raises(labelling.AlreadyLabelled):
        labelling.save_draft(ann, place, {"ranks": {}}, place.fence)


def test_a_draft_after_the_lease_went_is_kept_but_renews_nothing():
    ann, place = a_place()
    taken = hand_over(place, make.a_member(place.queue.project))
    labelling.save_draft(ann, place, {"ranks": {"a": 1}, "unusable": []}, place.fence)
    assert Assignment.objects.get(pk=place.pk).lease_until == taken.lease_until
    assert Draft.objects.filter(annotator=ann).exists()


def test_leaving_needs_a_reason_and_the_place():
    ann, place = a_place()
    with pytest.raises(ValidationError):
        labelling.leave(ann, place, place.fence, Exit.Way.SKIP, "  ")
    hand_over(place, make.a_member(place.queue.project))
    with pytest.raises(labelling.TooLate):
        labelling.leave(ann, place, place.fence, Exit.Way.SKIP, "later")


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ("text", "payload"),
        ({"ranks": {"a": 1, "b": 2, "c": 3}, "unusable": []}, "ranks.d"),
        ({"ranks": {"a": 1, "b": 2, "c": 3, "d": 4}, "unusable": ["d"]}, "ranks.d"),
        ({"ranks": {"a": 1, "b": 2, "c": 3, "d": 5}}, "ranks.d"),
        ({"ranks": {"a": 1, "b": 2, "c": 3, "d": 4, "e": 1}}, "ranks.e"),
        ({"ranks": [1, 2], "unusable": []}, "ranks"),
        ({"ranks": {"a": 1, "b": 2, "c": 3, "d": 4}, "winner": "a"}, "winner"),
        ({"ranks": {"a": "x", "b": 2, "c": 3, "d": 4}}, "ranks.a"),
    ],
)
def test_a_wrong_payload_is_refused_by_field(payload, field):
    _, place = a_place()
    with pytest.raises(ValidationError) as refusal:
        labelling.check(place, payload)
    assert field in refusal.value.message_dict


def test_the_database_keeps_labels_for_ever():
    ann, place = a_place()
    label_id = labelling.submit(ann, place, an_answer(place)).label_id
    for act in (Label.objects.filter(pk=label_id).delete, lambda: Label.objects.update(fence=9)):
        with pytest.raises(IntegrityError), transaction.atomic():
            act()


def test_the_database_refuses_labels_that_name_what_was_not_shown():
    ann, place = a_place()
    fields = {"assignment": place, "task": place.task, "queue": place.queue, "annotator": ann, "body_digest": b""}
    good = place.queue.way.example().payload
    for payload, shown, fence in [
        (good, place.shown()[:3], 1),
        (good, [*place.shown()[:3], 10**9], 1),
        ({**good, "unusable": []}, place.shown(), 1),
        ({"winner": "e"}, place.shown(), 1),
    ]:
        with pytest.raises(IntegrityError), transaction.atomic():
            Label.objects.create(**fields, payload=payload, shown=shown, fence=fence)


def test_the_database_refuses_a_second_live_label_a_second_lease_and_an_extra_place():
    ann, place = a_place(overlap=2)
    label_id = labelling.submit(ann, place, an_answer(place)).label_id
    label = Label.objects.get(pk=label_id)
    with pytest.raises(IntegrityError), transaction.atomic():
        Label.objects.create(
            assignment=place, task=place.task, queue=place.queue, annotator=ann, payload=label.payload,
            shown=label.shown, fence=7, body_digest=b"",
        )  # fmt: skip
    other = Assignment.objects.get(task=place.task, slot=2)
    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.objects.filter(pk=other.pk).update(state="leased", annotator=ann, lease_until=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.objects.create(task=place.task, queue=place.queue, slot=3, position=1)


def test_an_amendment_supersedes_and_only_the_newest_is_live():
    ann, place = a_place()
    first = Label.objects.get(pk=labelling.submit(ann, place, an_answer(place)).label_id)
    fields = {"assignment": place, "task": place.task, "queue": place.queue, "annotator": ann, "body_digest": b""}
    second = Label.objects.create(**fields, payload=first.payload, shown=first.shown, fence=1, supersedes=first)
    assert list(Label.objects.live()) == [second]
    with pytest.raises(IntegrityError), transaction.atomic():
        Label.objects.create(**fields, payload=first.payload, shown=first.shown, fence=1, supersedes=first)


def test_a_claim_that_gives_nothing_leaves_nothing_behind():
    work = make.a_queue()
    assert queue.claim(make.a_member(work.project), work) == queue.EMPTY
    assert not Assignment.objects.exists()

"""What reviewers say of labels, and what its annotator gets to see of it."""

import threading
import uuid

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from annotate import labelling, reviewing
from annotate.models import Label, Queue, Review, Role, User
from tests import factories


@pytest.fixture
def work() -> Queue:
    work = factories.a_queue(kind="write")
    for _number in range(3):
        factories.a_task(work)
    return work


@pytest.fixture
def noor(work: Queue) -> User:
    return factories.a_member(work.project)


@pytest.fixture
def rita(work: Queue) -> User:
    return factories.a_member(work.project, role=Role.REVIEWER)


def a_label(who: User, work: Queue) -> Label:
    return Label.objects.get(pk=factories.a_label(who, work))


def amended(who: User, label: Label) -> Label:
    stored = labelling.amend(who, label, labelling.Answer({"text": "Better.", "comment": ""}, label.fence))
    return Label.objects.get(pk=stored.label_id)


@pytest.mark.django_db
def test_the_newest_review_counts_and_the_older_stay(work: Queue, noor: User, rita: User) -> None:
    label = a_label(noor, work)
    reviewing.review(rita, label, "reject", "It says nothing.")
    last = reviewing.review(rita, label, "accept")
    assert reviewing.newest([label, a_label(noor, work)]) == {label.pk: last}
    assert Review.objects.count() == 2


@pytest.mark.django_db
def test_the_same_said_twice_is_one_review(work: Queue, noor: User, rita: User) -> None:
    label = a_label(noor, work)
    assert reviewing.review(rita, label, "accept") == reviewing.review(rita, label, "accept", "  ")
    assert Review.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(("verdict", "reason", "field"), [
    ("reject", " ", "reason"), ("perhaps", "", "verdict"), ("accept", "x" * 2001, "reason"),
])  # fmt: skip
def test_what_is_wrong_is_said_by_field(
    work: Queue, noor: User, rita: User, verdict: str, reason: str, field: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        reviewing.review(rita, a_label(noor, work), verdict, reason)
    assert list(refused.value.message_dict) == [field]
    assert not Review.objects.exists()


@pytest.mark.django_db
def test_nobody_reviews_their_own_label(work: Queue, rita: User) -> None:
    with pytest.raises(reviewing.OwnLabel):
        reviewing.review(rita, a_label(rita, work), "accept")


@pytest.mark.django_db
def test_a_label_that_was_amended_is_not_reviewed_and_a_reviewed_one_not_amended(
    work: Queue, noor: User, rita: User
) -> None:
    old = a_label(noor, work)
    new = amended(noor, old)
    with pytest.raises(reviewing.Amended):
        reviewing.review(rita, old, "accept")
    reviewing.review(rita, new, "accept")
    with pytest.raises(labelling.Refused):
        amended(noor, new)


@pytest.mark.django_db(transaction=True)
def test_a_review_and_an_amendment_at_once_do_not_both_happen(work: Queue, noor: User, rita: User) -> None:
    label = a_label(noor, work)
    barrier = threading.Barrier(2)
    done: list[str] = []

    def attempt(name: str) -> None:
        barrier.wait()
        try:
            if name == "review":
                reviewing.review(rita, label, "accept")
            else:
                answer = labelling.Answer({"text": "Better.", "comment": ""}, label.fence, uuid.uuid4())
                labelling.amend(noor, label, answer)
            done.append(name)
        except labelling.Refused:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt, args=[name]) for name in ("review", "amend")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1
    assert Review.objects.count() + Label.objects.exclude(supersedes=None).count() == 1


@pytest.mark.django_db
def test_feedback_is_of_ones_own_labels_and_unseen_until_marked(work: Queue, noor: User, rita: User) -> None:
    other = factories.a_member(work.project)
    first = reviewing.review(rita, a_label(noor, work), "accept")
    second = reviewing.review(rita, a_label(noor, work), "reject", "Too short.")
    reviewing.review(rita, a_label(other, work), "accept")
    assert set(reviewing.feedback(noor)) == {first, second}
    reviewing.mark_seen(noor, first.pk)
    assert (reviewing.unseen(noor), reviewing.unseen(other), reviewing.unseen(rita)) == (1, 1, 0)

"""When answers to checks are judged: a moment later, whatever is wrong with somebody else's."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotate import adapting, checking, counting, labelling, reviewing
from annotate.checking import judging, promoting
from annotate.models import CheckResult, Label, Pause, Queue, Seat, Task, ToReview, User
from tests import factories as make
from tests.quality.checks import RIGHT, WRONG, a_check, a_queue, all_given, answer, given

pytestmark = pytest.mark.django_db


def asked(act: object) -> list[str]:
    """The sorts of statements that an act sends."""
    assert callable(act)
    with CaptureQueriesContext(connection) as caught:
        act()
    return [one["sql"].split()[0] for one in caught if "SAVEPOINT" not in one["sql"]]


def test_b5_handing_in_a_check_asks_the_database_no_more_than_other_work():
    work = a_queue(10, gold_rate=1)
    a_check(work)
    person = make.a_member(work.project)
    for role in ("gold", "work"):
        place = given(person, work)
        assert place.task.role == role
        assert asked(lambda place=place: answer(person, place)) == ["SELECT", "SELECT", "WITH"]


def test_b5_changing_the_answer_to_a_check_asks_no_more_either():
    work = a_queue(10, gold_rate=1)
    a_check(work)
    person = make.a_member(work.project)
    labels = [Label.objects.get(pk=answer(person, place)) for place in all_given(person, work, most=2)]
    assert {label.task.role for label in labels} == {"gold", "work"}
    said = [asked(lambda one=one: labelling.amend(person, one, labelling.Answer(WRONG, 1))) for one in labels]
    assert said[0] == said[1]


def test_each_is_judged_once_and_what_was_changed_again():
    work = a_queue(12, gold_rate=1)
    for _ in range(3):
        a_check(work)
    person = make.a_member(work.project)
    for place in all_given(person, work, most=3):
        answer(person, place)
    judging.judge_waiting()
    before = list(CheckResult.objects.values_list("pk", "label__created_at", "created_at"))
    assert len(before) == 3 and all(given == noted for _pk, given, noted in before)
    for place in all_given(person, work, most=2):
        answer(person, place)
    judging.judge_waiting()
    assert list(CheckResult.objects.values_list("pk", flat=True)) == [pk for pk, *_times in before]
    label = Label.objects.filter(task__role="gold").latest("pk")
    labelling.amend(person, label, labelling.Answer(WRONG, 1))
    judging.judge_waiting()
    assert CheckResult.objects.count() == 3 and not CheckResult.objects.filter(label=label).exists()


def test_another_known_answer_hides_no_older_label_that_waits():
    work = a_queue(12, gold_rate=1)
    golds = [a_check(work), a_check(work)]
    person = make.a_member(work.project)
    last = [place.task for place in all_given(person, work, most=2) if answer(person, place)][1]
    assert last in golds
    promoting.promote(last, RIGHT, "attention")
    judging.judge_waiting()
    assert CheckResult.objects.count() == 2


def test_a_wrong_answer_is_reviewed_also_if_the_review_queue_is_filled_first():
    work = a_queue(5, gold_rate=1, review_checks=True)
    a_check(work)
    person = make.a_member(work.project)
    label = answer(person, given(person, work), WRONG)
    reviewing.fill_all()
    assert ToReview.objects.get().label_id == label
    assert not CheckResult.objects.exists()
    judging.judge_waiting()
    assert checking.accuracy(work)[person.pk].gold.value == 0


def test_labels_of_a_task_that_became_a_check_are_no_work():
    work = a_queue(4, gold_rate=0.1)
    person = make.a_member(work.project)
    label = Label.objects.get(pk=answer(person, given(person, work)))
    assert counting.of_queue(work).percent == 25
    promoting.promote(label.task, label)
    counts = counting.of_queue(work)
    assert (counts.checked, counts.answered, counts.places, counts.percent) == (1, 0, 3, 0)
    labelling.amend(person, label, labelling.Answer(WRONG, 1))
    assert counting.of_queue(work).answered == 0


# --- One bad row -----------------------------------------------------------------------------------------------------


def wrong_twice(work: Queue) -> User:
    person = make.a_member(work.project)
    for place in all_given(person, work, most=2):
        answer(person, place, WRONG)
    return person


def test_a_seat_that_cannot_be_judged_keeps_nobody_else_from_it():
    work = a_queue(20, attention_rate=1, pause=True)
    for _ in range(2):
        a_check(work, "attention")
    bad, other = wrong_twice(work), wrong_twice(work)
    Pause.objects.create(seat=Seat.objects.get(user=bad), reason="left over")
    judging.judge_waiting()
    assert Pause.objects.get(rule="attention").seat.user == other
    assert [seat.user for seat in Seat.objects.filter(to_judge=True)] == [bad]


def test_a_queue_that_gets_no_places_keeps_no_other_from_them():
    queues = [a_queue(1, overlap=2, most_labels=5, enough_agreement=0.9) for _ in range(2)]
    for work in queues:
        for said in (RIGHT, WRONG):
            person = make.a_member(work.project)
            answer(person, given(person, work), said)
    Task.objects.filter(queue=queues[0]).update(places=1)
    adapting.adapt_waiting()
    assert list(Queue.objects.order_by("pk").values_list("extra_places", flat=True)) == [0, 1]

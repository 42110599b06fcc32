"""What the worker's sweep costs every ten seconds: no more with many queues and seats than with few."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotate.models import Label, Queue, Seat
from annotate.tasks import sweep
from tests import factories as make

pytestmark = pytest.mark.django_db

RULES = {
    "most_labels": 5, "gold_rate": 0.1, "attention_rate": 0.1, "pause": True, "review_rate": 0.1,
    "review_disagreement": 0.5, "review_checks": True,
}  # fmt: skip


def queues(count: int) -> None:
    """Queues with all rules and with those of checks alone, each with people, labels, and nothing new."""
    project = make.a_project()
    people = [make.a_member(project) for _ in range(5)]
    for nth in range(count):
        rules = RULES if nth % 2 else {"gold_rate": 0.1, "pause": True}
        work = make.a_queue(project, kind="compare", overlap=2, rules=rules, order="next-pair")
        Seat.objects.bulk_create(Seat(queue=work, user=one) for one in people)
        make.a_task(work)
        make.a_label(people[0], work)
    newest = Label.objects.latest("pk").pk
    Queue.objects.update(ordered_to=newest)


def asked() -> int:
    with CaptureQueriesContext(connection) as found:
        sweep()
    return len(found)


def test_queues_and_seats_where_nothing_is_new_cost_no_query_of_their_own():
    queues(2)
    sweep()
    few = asked()
    queues(12)
    sweep()
    assert asked() == few <= 20


def test_a_seat_is_judged_once_and_costs_a_few():
    work = make.a_queue(rules=RULES)
    people = [make.a_member(work.project) for _ in range(12)]
    Seat.objects.bulk_create(Seat(queue=work, user=one) for one in people)
    sweep()
    none = asked()
    Seat.objects.update(to_judge=True)
    all_of_them = asked()
    assert all_of_them - none <= 9 * len(people)  # a savepoint's two among them
    assert asked() == none

"""Whose turn it is to be reviewed: which labels come into the review queue, and who gets them."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from annotate import horizons, reviewing, running
from annotate.models import CheckResult, Review, Seat, Task, ToReview, User
from annotate.reviewing import turns
from annotate.reviewing.chance import chance
from annotate.tasks import sweep
from tests.api.callers import Caller
from tests.pages.desk import client_of
from tests.quality.bench import Bench, a_bench, an_answer, written

Why = ToReview.Why


@pytest.fixture
def bench() -> Bench:
    return a_bench()


def reasons(bench: Bench) -> dict[int, str]:
    return dict(ToReview.objects.filter(queue=bench.work).values_list("label", "why"))


# --- Which come in ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_without_a_rule_nothing_comes_in_and_a_rule_set_later_sees_what_there_is(bench: Bench) -> None:
    label = bench.label()
    reviewing.fill_all()
    assert reasons(bench) == {}
    bench.rules(review_rate=1.0)
    reviewing.fill_all()
    assert reasons(bench) == {label.pk: Why.SAMPLE}
    reviewing.fill_all()
    assert len(reasons(bench)) == 1


@pytest.mark.django_db
def test_the_sample_is_of_the_rate_and_can_be_told_again(bench: Bench) -> None:
    bench.rules(review_rate=0.3)
    labels = [bench.label() for _ in range(12)]
    reviewing.fill(bench.work)
    wanted = {label.pk for label in labels if chance(bench.work, "review", label.pk) < 0.3}
    assert set(reasons(bench)) == wanted
    draws = [chance(bench.work, "review", pk) for pk in range(20_000)]
    assert 0.28 < sum(one < 0.3 for one in draws) / len(draws) < 0.32


@pytest.mark.django_db
def test_labels_come_in_by_annotator_by_a_wrong_check_and_not_once_reviewed(bench: Bench) -> None:
    pseudonym = bench.work.project.pseudonym(bench.bea.pk)
    bench.rules(review_annotators=(pseudonym,), review_checks=True)
    mine, theirs, wrong, seen = bench.label(), bench.label(bench.bea), bench.label(), bench.label(bench.bea)
    Task.objects.filter(pk=wrong.task_id).update(role=Task.Role.GOLD)
    seat = Seat.objects.get(user=bench.noor)
    CheckResult.objects.create(label=wrong, seat=seat, role="gold", distance=0.8, right=False)
    reviewing.review(bench.rita, seen, "accept")
    reviewing.fill(bench.work)
    assert reasons(bench) == {theirs.pk: Why.ANNOTATOR, wrong.pk: Why.CHECK}
    assert mine.pk not in reasons(bench)
    found = reviewing.take(bench.rita, bench.work)
    assert found is not None and found.label == wrong  # what went wrong comes first


@pytest.mark.django_db
def test_b5_whose_labels_are_all_reviewed_can_not_tell_checks_by_those_that_are_not(bench: Bench) -> None:
    check, work, other = bench.label(), bench.label(), bench.label(bench.bea)
    Task.objects.filter(pk__in=[check.task_id, other.task_id]).update(role=Task.Role.GOLD, gold=written("Known."))
    bench.rules(review_annotators=(bench.work.project.pseudonym(bench.noor.pk),))
    reviewing.fill(bench.work)
    assert reasons(bench) == {check.pk: Why.ANNOTATOR, work.pk: Why.ANNOTATOR}
    bench.rules(review_rate=1.0)
    reviewing.begin_anew(bench.work)
    reviewing.fill(bench.work)
    assert reasons(bench).keys() == {check.pk, work.pk, other.pk}


@pytest.mark.django_db
@pytest.mark.parametrize(("other", "wanted"), [("Nothing of it is alike here", True), ("One two three four", False)])
def test_labels_of_a_task_come_in_once_all_are_there_and_disagree(other: str, wanted: bool) -> None:
    bench = a_bench(overlap=2)
    bench.rules(review_disagreement=0.6)
    bench.tasks()
    first = bench.label(bench.noor, written("One two three four"))
    reviewing.fill(bench.work)
    assert reasons(bench) == {}
    second = bench.label(bench.bea, written(other))
    assert first.task_id == second.task_id
    reviewing.fill(bench.work)
    assert reasons(bench) == ({first.pk: Why.DISAGREEMENT, second.pk: Why.DISAGREEMENT} if wanted else {})


@pytest.mark.django_db
def test_a_fix_comes_in_by_no_rule_but_counts_in_how_far_people_agree() -> None:
    bench = a_bench(overlap=2)
    bench.tasks()
    first, second = bench.label(bench.noor, written("One two three")), bench.label(bench.bea, written("Four five six"))
    fixed = reviewing.fix(bench.rita, first, an_answer(written("Seven eight"), first)).fix
    bench.rules(review_rate=1.0, review_annotators=(bench.work.project.pseudonym(bench.rita.pk),))
    reviewing.fill_all()
    assert reasons(bench) == {second.pk: Why.SAMPLE}
    ToReview.objects.all().delete()
    bench.rules(review_disagreement=0.5)
    reviewing.begin_anew(bench.work)
    reviewing.fill_all()
    assert reasons(bench) == {second.pk: Why.DISAGREEMENT}
    assert fixed is not None and fixed.pk not in reasons(bench)


@pytest.mark.django_db
def test_rejected_labels_disagree_with_nobody() -> None:
    bench = a_bench(overlap=2)
    bench.tasks()
    _kept, rejected = bench.label(bench.noor, written("One two")), bench.label(bench.bea, written("Three four"))
    reviewing.review(bench.rita, rejected, "reject", "No.")
    bench.rules(review_disagreement=0.9)
    reviewing.fill_all()
    assert reasons(bench) == {}


@pytest.mark.django_db
def test_where_adaptive_overlap_asks_once_more_reviewers_wait_and_where_its_budget_is_spent_they_do_not() -> None:
    bench = a_bench(overlap=2)
    bench.tasks(2)
    said = [bench.label(who, written(f"{who.name} {n} alone")) for n in range(2) for who in (bench.noor, bench.bea)]
    bench.rules(review_disagreement=0.9, most_labels=3, enough_agreement=0.9, extra_budget=1)
    bench.work.refresh_from_db()
    reviewing.fill_all()
    assert reasons(bench) == {}  # adaptive overlap has not looked at them
    sweep()
    (more,) = Task.objects.filter(queue=bench.work, assignments__state="open")
    assert set(reasons(bench)) == {label.pk for label in said if label.task_id != more.pk}
    third = bench.label(bench.sam, written("Something else"))
    assert third.task_id == more.pk
    sweep()
    assert set(reasons(bench)) == {*(label.pk for label in said), third.pk}


@pytest.mark.django_db
def test_a_queue_that_breaks_keeps_no_other_waiting(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    other = a_bench()
    for one in (bench, other):
        one.label()
        one.rules(review_rate=1.0, review_disagreement=0.5)
    type(bench.work).objects.filter(pk=bench.work.pk).update(kind="gone")  # of an app that is no longer installed
    reviewing.fill_all()
    assert reasons(bench) == {} and len(reasons(other)) == 1
    assert [one.levelname for one in caplog.records] == ["ERROR"]


@pytest.mark.django_db
def test_rules_of_review_that_are_changed_see_all_labels_again(bench: Bench) -> None:
    labels = [bench.label() for _ in range(3)]
    reviewing.review(bench.rita, labels[0], "accept")
    running.change_queue(bench.work, rules={"review_annotators": [bench.work.project.pseudonym(bench.bea.pk)]})
    reviewing.fill_all()
    assert reasons(bench) == {}
    bench.work.refresh_from_db()
    running.change_queue(bench.work, rules={"hourly_rate": 20.0})
    bench.work.refresh_from_db()
    assert bench.work.reviewed_to == labels[2].pk  # it says nothing of reviews
    running.change_queue(bench.work, rules={"review_rate": 1.0})
    reviewing.fill_all()
    assert reasons(bench) == {label.pk: Why.SAMPLE for label in labels[1:]}


@pytest.mark.django_db(transaction=True)
def test_while_labels_are_stored_in_a_long_transaction_what_waits_is_given_and_the_sweep_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(horizons, "LONGEST_WAIT", 0.05)
    bench.rules(review_rate=1.0)
    first, second = bench.label(), bench.label()
    reviewing.add([first], Why.CHOSEN)
    begun, over = threading.Event(), threading.Event()

    def store() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE annotate_label IN ROW EXCLUSIVE MODE")
            begun.set()
            over.wait(20)
        connection.close()

    storing = threading.Thread(target=store)
    storing.start()
    begun.wait(5)
    try:
        path = f"/queues/{bench.work.pk}/reviewing/"
        assert client_of(bench.rita).post(path).headers["Location"].endswith("/reviewing/next/")
        assert client_of(bench.sam).post(path).headers["Location"].endswith(path)
        sweep()
        assert "can't be sent to review now" in caplog.text
    finally:
        over.set()
        storing.join()
    found = reviewing.take(bench.sam, bench.work)
    assert found is not None and found.label == second


@pytest.mark.django_db
def test_long_texts_are_looked_at_in_small_batches(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = [bench.label(payload=written("x" * 100)) for _ in range(5)]
    monkeypatch.setattr(turns, "EFFORT", 15_000)
    bench.rules(review_disagreement=0.5)
    seen = []
    while reviewing.fill(bench.work):
        bench.work.refresh_from_db()
        seen.append(bench.work.reviewed_to)
    assert seen == [labels[1].pk, labels[3].pk, labels[4].pk]


@pytest.mark.django_db
def test_by_hand_labels_come_in_once_and_amended_ones_never(bench: Bench) -> None:
    old = bench.label()
    new, other = bench.amend(old, written("New.")), bench.label()
    assert reviewing.add([old, new, other], Why.CHOSEN) == 2
    assert reviewing.add([new], Why.MODEL) == 0
    assert reviewing.waiting(bench.work) == {"chosen": 2}
    listed = client_of(bench.rita).get(f"/queues/{bench.work.pk}/labels/?waits=chosen").content.decode()
    assert listed.count('name="label" value="') == 2 and "chosen by hand" in listed
    assert client_of(bench.rita).get(f"/queues/{bench.work.pk}/labels/?waits=known").status_code == 404


@pytest.mark.django_db
def test_pages_and_api_send_labels_to_review(bench: Bench) -> None:
    first, second = bench.label(), bench.label()
    page = client_of(bench.rita)
    assert f'name="label" value="{first.pk}"' in page.get(f"/queues/{bench.work.pk}/labels/").content.decode()
    page.post(f"/queues/{bench.work.pk}/reviewing/send/", {"label": [first.pk]})
    call = Caller(bench.rita)
    path = f"/queues/{bench.work.pk}/reviews"
    assert call.post(f"{path}/send", {"labels": [first.pk, second.pk]}).json() == {"added": 1}
    told = call.get(f"{path}/waiting").json()
    assert told == {"total": 2, "by_reason": {"chosen": 2}, "unresolved_threads": 0}
    elsewhere = a_bench().label()
    refused = call.post(f"{path}/send", {"labels": [elsewhere.pk]})
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["labels"])


# --- Who gets them ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_asking_twice_gives_the_same_and_the_verdict_ends_it(bench: Bench) -> None:
    labels = [bench.label(), bench.label()]
    reviewing.add(labels, Why.CHOSEN)
    first = reviewing.take(bench.rita, bench.work)
    assert first is not None and reviewing.take(bench.rita, bench.work) == first
    given = reviewing.review(bench.rita, first.label, "accept")
    first.refresh_from_db()
    assert first.review == given
    second = reviewing.take(bench.rita, bench.work)
    assert second is not None and second.label != first.label
    reviewing.give_back(bench.rita, bench.work)
    assert reviewing.held(bench.rita, bench.work) is None
    found = reviewing.take(bench.sam, bench.work)
    assert found is not None and found.pk == second.pk


@pytest.mark.django_db
def test_never_ones_own_nor_of_a_task_one_has_worked_on_nor_twice(bench: Bench) -> None:
    bench.work.overlap = 2
    bench.work.save()
    bench.tasks()
    own = bench.label(bench.rita)
    theirs = bench.label(bench.noor)
    assert own.task_id == theirs.task_id
    reviewing.add([own, theirs], Why.CHOSEN)
    assert reviewing.take(bench.rita, bench.work) is None
    for _label in (own, theirs):
        found = reviewing.take(bench.sam, bench.work)
        assert found is not None
        reviewing.review(bench.sam, found.label, "accept")
    reviewing.add([own, theirs], Why.CHOSEN)
    assert reviewing.take(bench.sam, bench.work) is None


@pytest.mark.django_db
def test_a_turn_held_too_long_is_anybodys_and_its_holder_may_still_finish(bench: Bench) -> None:
    label = bench.label()
    reviewing.add([label], Why.CHOSEN)
    first = reviewing.take(bench.rita, bench.work)
    assert reviewing.take(bench.sam, bench.work) is None
    ToReview.objects.update(held_until=Now() - timedelta(seconds=1))
    assert reviewing.held(bench.rita, bench.work) == first
    found = reviewing.take(bench.sam, bench.work)
    assert found is not None and found.reviewer == bench.sam
    assert reviewing.held(bench.rita, bench.work) is None


@pytest.mark.django_db(transaction=True)
def test_two_reviewers_never_hold_the_same_turn(bench: Bench) -> None:
    labels = [bench.label() for _ in range(6)]
    reviewing.add(labels, Why.CHOSEN)
    barrier, got = threading.Barrier(4), []

    def attempt(who: User) -> None:
        barrier.wait()
        try:
            for _ in range(3):
                turn = reviewing.take(who, bench.work)
                if turn is not None:
                    got.append((who.pk, turn.label_id))
                    reviewing.review(who, turn.label, "accept")
        finally:
            connection.close()

    # Each of them twice at once: the same person's two devices get the same.
    threads = [threading.Thread(target=attempt, args=[who]) for who in (bench.rita, bench.sam) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    by_label: dict[int, set[int]] = {}
    for who, label in got:
        by_label.setdefault(label, set()).add(who)
    assert all(len(people) == 1 for people in by_label.values())
    assert Review.objects.count() == len(by_label) == Review.objects.values("label").distinct().count()


@pytest.mark.django_db
def test_api_gives_the_label_as_its_annotator_saw_it_and_not_who_they_are() -> None:
    bench = a_bench("rank")
    label = bench.label()
    call = Caller(bench.rita)
    path = f"/queues/{bench.work.pk}/reviews"
    assert call.post(f"{path}/claim").status_code == 204
    reviewing.add([label], Why.CHOSEN)
    answer = call.post(f"{path}/claim")
    told = answer.json()
    assert (told["label"], told["payload"], [one["id"] for one in told["responses"]]) == (
        label.pk, label.payload, ["a", "b", "c", "d"],
    )  # fmt: skip
    assert told["annotator"] == bench.work.project.pseudonym(bench.noor.pk)
    assert "Noor" not in answer.content.decode() and "model-" not in answer.content.decode()
    assert "why" not in told
    assert call.post(f"{path}/release").status_code == 204


# --- Second opinions -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_second_opinion_is_another_reviewers_and_asks_for_no_third(bench: Bench) -> None:
    bench.rules(second_review_rate=1.0)
    label = bench.label()
    reviewing.review(bench.rita, label, "accept")
    turn = ToReview.objects.get()
    assert (turn.why, turn.not_for, turn.label) == (Why.SECOND, bench.rita, label)
    assert reviewing.take(bench.rita, bench.work) is None
    found = reviewing.take(bench.sam, bench.work)
    assert found == turn
    html = client_of(bench.sam).get(f"/queues/{bench.work.pk}/reviewing/next/").content.decode()
    assert "accepted" not in html  # the first verdict would sway the second
    reviewing.review(bench.sam, label, "reject", "No.")
    assert not ToReview.objects.filter(review=None).exists()


@pytest.mark.django_db
def test_second_opinions_come_after_what_nobody_has_reviewed(bench: Bench) -> None:
    bench.rules(second_review_rate=1.0, review_rate=1.0)
    first, second = bench.label(), bench.label()
    reviewing.review(bench.rita, first, "accept")
    reviewing.fill(bench.work)
    found = reviewing.take(bench.sam, bench.work)
    assert found is not None and (found.label, found.why) == (second, Why.SAMPLE)


@pytest.mark.django_db
def test_of_a_fix_the_second_opinion_is_on_what_was_made_of_it(bench: Bench) -> None:
    bench.rules(second_review_rate=1.0)
    label = bench.label()
    given = reviewing.fix(bench.rita, label, an_answer(written("Better."), label))
    found = reviewing.take(bench.sam, bench.work)
    assert found is not None and found.label == given.fix

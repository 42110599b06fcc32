"""What a reviewer may say of a label and what comes of it: fixes, requests for changes, one answer of several."""

from __future__ import annotations

import contextlib
import threading
import uuid

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection

from annotate import exporting, labelling, own, queue, reviewing
from annotate.models import Exit, Label, Member, OutsideAnnotator, Queue, Review, Role, Seat, ToReview, User
from tests.api.callers import Caller
from tests.pages.desk import client_of
from tests.quality.bench import Bench, a_bench, an_answer, written

BETTER = written("Better.")


@pytest.fixture
def bench() -> Bench:
    return a_bench()


# --- Fix -------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_fix_takes_the_labels_place_is_the_reviewers_and_adds_nothing_to_any_seat(bench: Bench) -> None:
    label = bench.label()
    before = Seat.objects.get(user=bench.noor)
    given = reviewing.fix(bench.rita, label, an_answer(BETTER, label), "Too short.")
    assert (given.verdict, given.reason, given.label_id) == ("fix", "Too short.", label.pk)
    assert given.fix is not None
    fixed = given.fix
    assert (fixed.annotator, fixed.supersedes, fixed.shown, fixed.payload) == (bench.rita, label, label.shown, BETTER)
    assert list(Label.objects.live()) == [fixed]
    after = Seat.objects.get(user=bench.noor)
    assert (after.done, after.active_seconds) == (before.done, before.active_seconds)
    assert not Seat.objects.filter(user=bench.rita).exists()


@pytest.mark.django_db
def test_the_same_fix_again_is_the_same_review_and_another_under_its_key_is_refused(bench: Bench) -> None:
    label, key = bench.label(), uuid.uuid4()
    first = reviewing.fix(bench.rita, label, an_answer(BETTER, label, key))
    assert reviewing.fix(bench.rita, label, an_answer(BETTER, label, key)) == first
    with pytest.raises(labelling.KeyReused):
        reviewing.fix(bench.rita, label, an_answer(written("Other."), label, key))
    with pytest.raises(reviewing.Amended):
        reviewing.fix(bench.sam, label, an_answer(BETTER, label))
    assert Label.objects.count() == 2


@pytest.mark.django_db
def test_a_fixed_answer_is_changed_by_neither_its_annotator_nor_the_fixer(bench: Bench) -> None:
    label = bench.label()
    fixed = reviewing.fix(bench.rita, label, an_answer(BETTER, label)).fix
    assert fixed is not None
    for who, which in ((bench.noor, label), (bench.rita, fixed)):
        with pytest.raises(labelling.NotAmendable) as refused:
            labelling.amend(who, which, an_answer(written("No."), which))
        assert refused.value.code == "reviewed"
        assert not labelling.amendable(who, bench.work).exists()


@pytest.mark.django_db
def test_what_one_fixed_is_not_among_ones_own_labels_and_nobody_fixes_their_own(bench: Bench) -> None:
    label = bench.label()
    fixed = reviewing.fix(bench.rita, label, an_answer(BETTER, label)).fix
    assert fixed is not None
    assert not own.labels(bench.rita).exists()
    assert client_of(bench.rita).get(f"/you/labels/{fixed.pk}/").status_code == 404
    with pytest.raises(reviewing.OwnLabel):
        reviewing.review(bench.rita, fixed, "accept")
    mine = bench.label(bench.rita)
    with pytest.raises(reviewing.OwnLabel):
        reviewing.fix(bench.rita, mine, an_answer(BETTER, mine))


@pytest.mark.django_db
def test_nobody_reviews_what_was_made_of_their_own_label(bench: Bench) -> None:
    Member.objects.filter(user=bench.noor).update(role=Role.REVIEWER)
    label = bench.label()
    fixed = reviewing.fix(bench.rita, label, an_answer(BETTER, label)).fix
    assert fixed is not None
    with pytest.raises(reviewing.OwnLabel):
        reviewing.review(bench.noor, fixed, "reject", "Mine was right.")
    with pytest.raises(reviewing.OwnLabel):
        reviewing.fix(bench.noor, fixed, an_answer(written("Mine."), fixed))
    with pytest.raises(reviewing.OwnLabel):
        reviewing.choose(bench.noor, fixed)
    assert "Somebody else reviews it" in client_of(bench.noor).get(f"/labels/{fixed.pk}/").content.decode()
    # Nor is a fix of a fix given to who made the first.
    again = reviewing.fix(bench.sam, fixed, an_answer(written("Best."), fixed)).fix
    assert again is not None
    reviewing.add([again], ToReview.Why.CHOSEN)
    assert reviewing.take(bench.rita, bench.work) is None


@pytest.mark.django_db
def test_of_a_fix_no_changes_are_asked_and_the_fixer_is_told_nothing_they_cannot_open(bench: Bench) -> None:
    label = bench.label()
    fixed = reviewing.fix(bench.rita, label, an_answer(BETTER, label)).fix
    assert fixed is not None
    with pytest.raises(ValidationError) as refused:
        reviewing.review(bench.sam, fixed, "changes", "Please.")
    assert list(refused.value.message_dict) == ["verdict"]
    page = client_of(bench.sam).get(f"/labels/{fixed.pk}/").content.decode()
    assert 'value="reject"' in page and 'value="changes"' not in page
    reviewing.review(bench.sam, fixed, "reject", "Worse.")
    assert reviewing.unseen(bench.rita) == 0
    assert f"/labels/{fixed.pk}/" not in client_of(bench.rita).get("/you/feedback/").content.decode()


@pytest.mark.django_db
def test_a_fix_leaves_no_turn_behind_that_nobody_can_take(bench: Bench) -> None:
    label = bench.label()
    reviewing.add([label], ToReview.Why.CHOSEN)
    assert reviewing.take(bench.sam, bench.work) is not None
    reviewing.fix(bench.rita, label, an_answer(BETTER, label))
    assert not ToReview.objects.filter(review=None).exists()


@pytest.mark.django_db
def test_the_annotator_sees_what_was_changed_and_not_by_whom(bench: Bench) -> None:
    label = bench.label(payload=written("A short <b>answer</b>."))
    reviewing.fix(bench.rita, label, an_answer(written("A long <b>answer</b>."), label), "Say more.")
    html = client_of(bench.noor).get(f"/you/labels/{label.pk}/").content.decode()
    assert "A reviewer fixed this answer" in html
    assert "<del>" in html and "<ins>" in html and "Say more." in html
    assert "<b>answer" not in html and "Rita" not in html and bench.rita.email not in html
    feedback = client_of(bench.noor).get("/you/feedback/").content.decode()
    assert "Fixed" in feedback and "Rita" not in feedback


@pytest.mark.django_db
def test_a_reviewer_is_not_given_a_task_whose_label_they_judged(bench: Bench) -> None:
    bench.work.overlap = 2
    bench.work.save()
    bench.tasks(1)
    reviewing.review(bench.rita, bench.label(), "accept")
    assert queue.claim(bench.rita, bench.work) is queue.EMPTY
    assert isinstance(queue.claim(bench.sam, bench.work), int)
    assert Exit.objects.filter(annotator=bench.rita).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_a_fix_and_an_amendment_at_once_one_happens(bench: Bench) -> None:
    label = bench.label()
    barrier, done = threading.Barrier(3), []

    def attempt(who: User) -> None:
        barrier.wait()
        try:
            if who == bench.noor:
                labelling.amend(who, label, an_answer(written("Mine."), label))
            else:
                reviewing.fix(who, label, an_answer(BETTER, label))
            done.append(who)
        except labelling.Refused:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt, args=[who]) for who in (bench.noor, bench.rita, bench.sam)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1
    assert Label.objects.exclude(supersedes=None).get().annotator == done[0]


# --- Changes ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_where_changes_are_asked_for_the_label_can_be_changed_once_and_comes_back_to_who_asked(bench: Bench) -> None:
    label = bench.label()
    with pytest.raises(ValidationError) as refused:
        reviewing.review(bench.rita, label, "changes")
    assert list(refused.value.message_dict) == ["reason"]
    reviewing.review(bench.rita, label, "changes", "Name a source.")
    assert [one.label for one in reviewing.asked_to_change(bench.noor)] == [label]
    assert list(labelling.amendable(bench.noor, bench.work)) == [label]
    assert "asks you to change 1 answer" in client_of(bench.noor).get("/").content.decode()

    newer = bench.amend(label, BETTER)
    assert not reviewing.asked_to_change(bench.noor).exists()
    turn = ToReview.objects.get()
    assert (turn.label, turn.why, turn.only_for) == (newer, "changed", bench.rita)
    assert reviewing.take(bench.sam, bench.work) is None
    assert reviewing.take(bench.rita, bench.work) == turn
    reviewing.review(bench.rita, newer, "accept")
    assert not labelling.amendable(bench.noor, bench.work).exists()


@pytest.mark.django_db
def test_who_asked_for_changes_and_is_gone_makes_way(bench: Bench) -> None:
    label = bench.label()
    reviewing.review(bench.rita, label, "changes", "Name a source.")
    newer = bench.amend(label, BETTER)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE annotate_toreview SET created_at = now() - interval '73 hours'")
    found = reviewing.take(bench.sam, bench.work)
    assert found is not None and found.label == newer


@pytest.mark.django_db
def test_a_later_verdict_takes_the_request_back(bench: Bench) -> None:
    label = bench.label()
    reviewing.review(bench.rita, label, "changes", "Name a source.")
    reviewing.review(bench.sam, label, "accept")
    assert not reviewing.asked_to_change(bench.noor).exists()
    with pytest.raises(labelling.NotAmendable):
        bench.amend(label, BETTER)


@pytest.mark.django_db
def test_what_waits_for_a_reviewer_goes_on_waiting_as_it_was_amended(bench: Bench) -> None:
    label = bench.label()
    reviewing.add([label], ToReview.Why.CHOSEN)
    reviewing.take(bench.rita, bench.work)
    newer = bench.amend(label, BETTER)
    turn = ToReview.objects.get()
    assert (turn.label, turn.reviewer, turn.held_until) == (newer, None, None)


# --- One of several --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_to_choose_an_answer_accepts_it_and_rejects_the_others(bench: Bench) -> None:
    bench.work.overlap = 3
    bench.work.save()
    labels = [bench.label(who) for who in (bench.noor, bench.bea, bench.sam)]
    assert len({one.task_id for one in labels}) == 1
    with pytest.raises(reviewing.OwnLabel):
        reviewing.choose(bench.sam, labels[0])
    assert not Review.objects.exists()
    reviewing.choose(bench.rita, labels[1])
    said = {label.pk: (one.verdict, one.reason) for label in labels for one in label.reviews.all()}
    other = ("reject", "Another answer was chosen.")
    assert said == {labels[0].pk: other, labels[1].pk: ("accept", ""), labels[2].pk: other}
    assert Queue.objects.get().has_rejected
    reviewing.choose(bench.rita, labels[1])
    assert Review.objects.count() == 3


@pytest.mark.django_db
def test_a_queue_says_for_ever_that_a_label_of_it_was_rejected(bench: Bench) -> None:
    other = a_bench()
    label = bench.label()

    def has_rejected() -> bool:
        return Queue.objects.get(pk=bench.work.pk).has_rejected

    for verdict in ("accept", "changes"):
        reviewing.review(bench.rita, label, verdict, "So.")
        assert not has_rejected()
    for verdict in ("reject", "accept"):
        reviewing.review(bench.rita, label, verdict, "So.")
        assert has_rejected()
    assert not Queue.objects.get(pk=other.work.pk).has_rejected


@pytest.mark.django_db
def test_what_is_chosen_counts_also_where_it_is_held_or_was_tried_as_a_known_label(bench: Bench) -> None:
    bench.mix_known()
    bench.work.overlap = 2
    bench.work.save()
    for tried in (False, True):
        bench.tasks()
        known, other = bench.label(bench.noor), bench.label(bench.bea)
        assert known.task_id == other.task_id
        reviewing.mark_known(known, bench.work.created_by, "accept")
        turn = reviewing.take(bench.rita, bench.work)
        assert turn is not None and turn.label == known
        if tried:
            assert reviewing.review(bench.rita, known, "accept").trial
        reviewing.choose(bench.rita, known)
        found = reviewing.newest([known, other])
        assert (found[known.pk].verdict, found[other.pk].verdict) == ("accept", "reject")
        assert not ToReview.objects.filter(label__task=known.task_id, review=None).exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_choose_lock_seats_in_the_same_order_whoever_labelled_first(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.work.overlap = 2
    bench.work.save()
    chosen = []
    for people in ((bench.noor, bench.bea), (bench.bea, bench.noor)):
        bench.tasks()
        first, _second = (bench.label(who) for who in people)
        chosen.append(first)
    met, real, failed = threading.Barrier(2), queue.find_seat, []

    def find_seat(user: User, work: Queue) -> Seat | None:
        """With the first seat locked each of them waits until the other has theirs, if it can."""
        seat = real(user, work)
        with contextlib.suppress(threading.BrokenBarrierError):
            met.wait(0.3)
        return seat

    monkeypatch.setattr(queue, "find_seat", find_seat)

    def attempt(who: User, label: Label) -> None:
        try:
            reviewing.choose(who, label)
        except OperationalError as error:
            failed.append(error)
        finally:
            connection.close()

    pairs = zip((bench.rita, bench.sam), chosen, strict=True)
    threads = [threading.Thread(target=attempt, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert Review.objects.count() == 4


@pytest.mark.django_db
def test_accepted_labels_are_exported_and_so_are_fixes(bench: Bench) -> None:
    accepted, rejected, fixed, changes = (bench.label(payload=written(f"Text {n}")) for n in range(4))
    reviewing.review(bench.rita, accepted, "accept")
    reviewing.review(bench.rita, rejected, "reject", "No.")
    reviewing.fix(bench.rita, fixed, an_answer(written("Right."), fixed))
    reviewing.review(bench.rita, changes, "changes", "More.")
    chosen = {
        choice: {row["output"] for row in exporting.rows(bench.work, "alpaca", {"reviewed": choice})}
        for choice in ("accepted", "not_rejected")
    }
    assert chosen == {"accepted": {"Text 0", "Right."}, "not_rejected": {"Text 0", "Right.", "Text 3"}}


@pytest.mark.django_db
def test_side_by_side_page(bench: Bench) -> None:
    two = a_bench("rank", overlap=2)
    two.tasks()
    one = two.label(two.noor, {"ranks": {"a": 1, "b": 2, "c": 3, "d": 4}})
    other = two.label(two.bea, {"ranks": {"a": 4, "b": 3, "c": 2, "d": 1}})
    assert one.task_id == other.task_id
    html = client_of(two.rita).get(f"/tasks/{one.task_id}/adjudicate/").content.decode()
    assert "2 answers, which agree by" in html and html.count("Use this one") == 2
    assert two.noor.name not in html and "model-0" not in html
    assert two.work.project.pseudonym(two.noor.pk) in html
    owner = client_of(two.work.created_by).get(f"/tasks/{one.task_id}/adjudicate/").content.decode()
    assert two.noor.name in owner and "model-0" in owner
    answer = client_of(two.rita).post(f"/tasks/{one.task_id}/adjudicate/", {"use": other.pk})
    assert answer.status_code == 303
    assert reviewing.newest([one, other])[one.pk].verdict == "reject"
    assert client_of(two.rita).post(f"/tasks/{one.task_id}/adjudicate/", {"use": "x"}).status_code == 404


@pytest.mark.django_db
def test_full_disagreement_is_told_as_a_whole_number_and_long_texts_are_compared_as_far_as_it_lasts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    three = a_bench("write", overlap=3)
    three.tasks()
    texts = zip((three.noor, three.bea, three.sam), ("One two.", "Three four.", "Five six."), strict=True)
    labels = [three.label(who, written(text)) for who, text in texts]
    html = client_of(three.rita).get(f"/tasks/{labels[0].task_id}/adjudicate/").content.decode()
    assert "agree by 0 %" in html
    assert len(reviewing.among(labels[0].task, labels).pairs) == 3
    monkeypatch.setattr(reviewing.disagreement, "EFFORT", 8 * 11 + 8 * 9)
    assert list(reviewing.among(labels[0].task, labels).pairs) == [
        (labels[0].pk, labels[1].pk), (labels[0].pk, labels[2].pk),
    ]  # fmt: skip


def test_written_texts_side_by_side_mark_what_only_one_has(db: None) -> None:
    two = a_bench("write", overlap=2)
    two.tasks()
    one = two.label(two.noor, written("The quick brown fox <i>jumps</i>."))
    two.label(two.bea, written("The quick red fox <i>jumps</i>."))
    html = client_of(two.rita).get(f"/tasks/{one.task_id}/adjudicate/").content.decode()
    assert "<mark>" in html and "<i>" not in html


@pytest.mark.django_db
def test_the_disagreement_of_two_is_the_kinds_distance() -> None:
    two = a_bench("rank", overlap=2)
    two.tasks()
    one, other = two.label(two.noor), two.label(two.bea)
    found = reviewing.among(one.task, [one, other])
    mine = reviewing.disagreement.common(one.task, one)
    theirs = reviewing.disagreement.common(one.task, other)
    distance = two.work.way.distance(mine, theirs)
    assert found.pairs == {(one.pk, other.pk): distance} and found.agreement == 1 - distance
    assert reviewing.among(one.task, [one]).agreement is None


@pytest.mark.django_db
def test_api_fixes_and_asks_for_changes(bench: Bench) -> None:
    call = Caller(bench.rita)
    label, other = bench.label(), bench.label()
    path = f"/labels/{label.pk}/reviews"
    assert call.post(path, {"verdict": "fix"}).json()["errors"].keys() == {"payload"}
    assert call.post(path, {"verdict": "accept", "payload": BETTER}).json()["errors"].keys() == {"payload"}
    assert call.post(path, {"verdict": "changes"}).json()["errors"].keys() == {"reason"}
    wrong = call.post(path, {"verdict": "fix", "payload": {"txt": "x"}})
    assert (wrong.status_code, *wrong.json()["errors"]) == (400, "txt")
    body = {"verdict": "fix", "payload": BETTER, "reason": "Shorter."}
    first = call.post(path, body, Idempotency_Key="fix-1")
    again = call.post(path, body, Idempotency_Key="fix-1")
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert Label.objects.get(supersedes=label).annotator == bench.rita
    late = call.post(path, {"verdict": "accept"})
    assert (late.status_code, late.json()["code"]) == (409, "amended")
    asked = call.post(f"/labels/{other.pk}/reviews", {"verdict": "changes", "reason": "Name a source."})
    assert asked.status_code == 201
    mine = {one["id"]: one["review"] for one in Caller(bench.noor).get("/me/labels").json()["results"]}
    assert (mine[label.pk]["verdict"], mine[label.pk]["payload"]) == ("fix", BETTER)
    assert (mine[other.pk]["verdict"], mine[other.pk]["payload"]) == ("changes", None)
    amended = Caller(bench.noor).post(f"/labels/{other.pk}/amend", {"payload": BETTER})
    assert amended.status_code == 201


@pytest.mark.django_db
def test_nobody_is_asked_to_change_a_label_that_came_with_a_file(bench: Bench) -> None:
    label = bench.label()
    OutsideAnnotator.objects.create(project=bench.work.project, name="ann", user=bench.noor)
    with pytest.raises(ValidationError, match="came with a file"):
        reviewing.review(bench.rita, label, "changes", "Please.")
    assert "Ask for changes" not in client_of(bench.rita).get(f"/labels/{label.pk}/").content.decode()
    assert reviewing.review(bench.rita, label, "reject", "No.").verdict == "reject"

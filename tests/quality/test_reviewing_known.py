"""Labels whose right verdict is known: they come to reviewers unseen among others, as trials."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from annotate import reviewing
from annotate.checking import pausing, reopening
from annotate.models import KnownVerdict, Label, Review, Seat, ToReview
from annotate.quality import overview
from annotate.reviewing import grading
from tests.api.callers import Caller
from tests.pages.desk import client_of
from tests.quality.bench import Bench, a_bench, an_answer, written

Why = ToReview.Why


@pytest.fixture
def bench() -> Bench:
    return a_bench()


@pytest.mark.django_db
def test_a_known_label_is_met_once_looks_like_any_other_and_its_verdict_counts_for_nothing_else(bench: Bench) -> None:
    known = bench.label(payload=written("Known."))
    reviewing.mark_known(known, bench.work.created_by, "reject", "It is wrong.")
    other = bench.mix_known(bench.noor)
    before = reviewing.waiting(bench.work)
    turn = reviewing.take(bench.rita, bench.work)
    assert turn is not None and (turn.label, turn.why) == (known, Why.KNOWN)
    assert reviewing.waiting(bench.work) == before
    shown = client_of(bench.rita).get(f"/queues/{bench.work.pk}/reviewing/next/").content.decode()

    given = reviewing.fix(bench.rita, known, an_answer(written("Right."), known))
    assert (given.trial, given.fix) == (True, None)
    assert reviewing.newest([known]) == {} and not reviewing.feedback(bench.noor).exists()
    assert Label.objects.live().filter(pk=known.pk).exists()
    assert bench.amend(known, written("Still mine."))

    following = reviewing.take(bench.rita, bench.work)
    assert following is not None and following.label == other
    plain = client_of(bench.rita).get(f"/queues/{bench.work.pk}/reviewing/next/").content.decode()
    assert _masked(shown, known) == _masked(plain, other)


def _masked(html: str, label: Label) -> str:
    html = re.sub(r'name="(csrfmiddlewaretoken|key|next)" value="[\w-]+"', "", html)
    html = re.sub(rf'(labels/|Label |name="label" value="|label-){label.pk}\b', r"\1PK", html).replace(
        label.payload["text"], "TEXT"
    )
    prompt = label.task.prompt
    return html.replace(prompt.instruction, "PROMPT")


@pytest.mark.django_db
def test_a_trial_given_back_is_gone_and_others_are_not_told_of_it(bench: Bench) -> None:
    known = bench.label()
    KnownVerdict.objects.create(label=known, verdict="accept", created_by=bench.work.created_by)
    bench.mix_known()
    assert reviewing.take(bench.rita, bench.work) is not None
    reviewing.give_back(bench.rita, bench.work)
    assert not ToReview.objects.filter(label=known).exists()
    turn = reviewing.take(bench.rita, bench.work)
    assert turn is not None
    reviewing.review(bench.rita, known, "reject", "Odd.")
    assert Caller(bench.sam).get(f"/labels/{known.pk}/reviews").json()["results"] == []
    assert len(Caller(bench.rita).get(f"/labels/{known.pk}/reviews").json()["results"]) == 1
    assert "Odd." not in client_of(bench.sam).get(f"/labels/{known.pk}/").content.decode()


@pytest.mark.django_db
def test_a_trial_fix_sent_again_stays_a_trial(bench: Bench) -> None:
    known = bench.label()
    reviewing.mark_known(known, bench.work.created_by, "fix")
    bench.mix_known()
    assert reviewing.take(bench.rita, bench.work) is not None
    answer = an_answer(written("Right."), known)
    first = reviewing.fix(bench.rita, known, answer, "Wrong.")
    assert reviewing.fix(bench.rita, known, answer, "Wrong.") == first
    assert first.trial and Label.objects.live().filter(pk=known.pk).exists()
    assert Review.objects.count() == 1


@pytest.mark.django_db
def test_another_fix_after_a_trial_one_is_stored_and_counts_even_if_it_says_the_same(bench: Bench) -> None:
    known = bench.label()
    reviewing.mark_known(known, bench.work.created_by, "fix")
    bench.mix_known()
    assert reviewing.take(bench.rita, bench.work) is not None
    assert reviewing.fix(bench.rita, known, an_answer(written("Right."), known)).trial
    given = reviewing.fix(bench.rita, known, an_answer(written("Right."), known))
    assert not given.trial and given.fix is not None
    assert Label.objects.live().get(task=known.task_id).payload == written("Right.")


@pytest.mark.django_db
def test_a_verdict_that_repeats_a_trials_word_for_word_is_stored_and_counts(bench: Bench) -> None:
    known, key = bench.label(), uuid.uuid4()
    reviewing.mark_known(known, bench.work.created_by, "reject")
    bench.mix_known()
    assert reviewing.take(bench.rita, bench.work) is not None
    trial = reviewing.review(bench.rita, known, "reject", "Odd.", key)
    assert trial.trial
    assert reviewing.review(bench.rita, known, "reject", "Odd.", key) == trial, "sent twice"
    assert reviewing.newest([known]) == {}
    meant = reviewing.review(bench.rita, known, "reject", "Odd.", uuid.uuid4())
    assert reviewing.newest([known]) == {known.pk: meant}
    assert reviewing.review(bench.rita, known, "reject", "Odd.") == meant
    assert Review.objects.count() == 2


@pytest.mark.django_db
def test_a_form_that_is_sent_twice_is_one_verdict_and_the_next_form_another(bench: Bench) -> None:
    known = bench.label()
    reviewing.mark_known(known, bench.work.created_by, "accept")
    bench.mix_known()
    assert reviewing.take(bench.rita, bench.work) is not None
    page = client_of(bench.rita)
    for address in (f"/labels/{known.pk}/", f"/tasks/{known.task_id}/adjudicate/"):
        html = page.get(address).content.decode()
        found = re.search(r'name="key" value="([\w-]+)"', html)
        assert found is not None
        for _ in range(2):
            page.post(f"/labels/{known.pk}/review/", {"verdict": "accept", "reason": "", "key": found[1]})
    assert list(Review.objects.order_by("pk").values_list("trial", flat=True)) == [True, False]


@pytest.mark.django_db
def test_a_late_verdict_on_a_known_label_is_still_a_trial(bench: Bench) -> None:
    known = bench.label()
    reviewing.mark_known(known, bench.work.created_by, "accept")
    bench.mix_known()
    assert reviewing.take(bench.rita, bench.work) is not None
    ToReview.objects.update(held_until=Now() - timedelta(hours=1))
    reviewing.take(bench.sam, bench.work)
    reviewing.add([known], Why.CHOSEN)
    assert reviewing.review(bench.rita, known, "reject", "Odd.").trial
    assert reviewing.newest([known]) == {}


@pytest.mark.django_db
def test_a_known_label_in_hand_looks_on_its_own_page_as_any_other_in_hand(bench: Bench) -> None:
    known = bench.label()
    reviewing.mark_known(known, bench.work.created_by, "fix")
    bench.mix_known()
    assert reviewing.take(bench.rita, bench.work) is not None
    page = client_of(bench.rita)
    html = page.get(f"/labels/{known.pk}/").content.decode()
    assert "It waits for a reviewer" in html and "Send to review" not in html
    assert "Send to review" in client_of(bench.sam).get(f"/labels/{known.pk}/").content.decode()
    # Fixed from its page: the reviewer is led on, not back to a label that looks as before.
    form = {**written("Right."), "fence": known.fence, "key": str(uuid.uuid4()), "active_seconds": 9}
    answer = page.post(f"/labels/{known.pk}/fix/", form)
    assert Review.objects.get().trial
    assert answer.headers["Location"] == f"/queues/{bench.work.pk}/reviewing/next/"


@pytest.mark.django_db
def test_a_known_label_that_somebody_lets_lie_keeps_nobody_else_from_it(bench: Bench) -> None:
    known = bench.label()
    reviewing.mark_known(known, bench.work.created_by, "accept")
    bench.mix_known()
    left = reviewing.take(bench.rita, bench.work)
    found = reviewing.take(bench.sam, bench.work)
    assert left is not None and found is not None
    assert (found.label, found.why, found.reviewer) == (known, Why.KNOWN, bench.sam)
    assert reviewing.review(bench.sam, known, "accept").trial
    assert reviewing.take(bench.rita, bench.work) == left  # it is still hers
    assert reviewing.review(bench.rita, known, "reject", "Odd.").trial
    assert reviewing.newest([known]) == {}
    reviewers = {one.user_id: one.known.value for one in grading.of(bench.work).reviewers}
    assert reviewers == {bench.sam.pk: 1.0, bench.rita.pk: 0.0}


@pytest.mark.django_db
def test_a_known_label_in_hand_can_be_sent_by_hand_and_then_is_no_trial_but_for_who_has_it(bench: Bench) -> None:
    known = bench.label()
    reviewing.mark_known(known, bench.work.created_by, "accept")
    bench.mix_known()
    assert reviewing.take(bench.rita, bench.work) is not None
    assert reviewing.add([known], Why.CHOSEN, {known.pk: 9.0}) == 1
    assert reviewing.add([known], Why.CHOSEN) == 0
    found = reviewing.take(bench.sam, bench.work)
    assert found is not None and (found.label, found.why) == (known, Why.CHOSEN)
    assert reviewing.review(bench.rita, known, "reject", "Odd.").trial
    given = reviewing.review(bench.sam, known, "accept")
    assert not given.trial and reviewing.newest([known]) == {known.pk: given}


@pytest.mark.django_db
def test_a_trial_in_hand_stays_one_when_the_annotators_work_is_set_aside(bench: Bench) -> None:
    known = bench.label()
    reviewing.mark_known(known, bench.work.created_by, "accept")
    bench.mix_known()
    assert reviewing.take(bench.rita, bench.work) is not None
    pause = pausing.by_hand(Seat.objects.get(user=bench.noor), bench.work.created_by, "Too hasty.")
    assert reopening.reopen(pause, bench.work.created_by) == 1
    assert reviewing.review(bench.rita, known, "accept").trial
    assert reviewing.newest([known])[known.pk].verdict == "reject"


@pytest.mark.django_db
def test_where_nothing_waits_no_known_label_is_given_either(bench: Bench) -> None:
    known = bench.label()
    reviewing.mark_known(known, bench.work.created_by, "accept")
    bench.rules(known_rate=1.0)
    assert reviewing.take(bench.rita, bench.work) is None
    mine = bench.label(bench.rita)
    reviewing.add([mine], Why.CHOSEN)
    assert reviewing.take(bench.rita, bench.work) is None, "what waits is not for her"
    found = reviewing.take(bench.sam, bench.work)
    assert found is not None and found.label == known
    assert ToReview.objects.get(label=mine).reviewer is None


@pytest.mark.django_db
def test_reviewers_can_not_tell_a_known_label_by_what_is_said_of_those_that_wait(bench: Bench) -> None:
    """Before they have it, while they hold it, and after their verdict."""
    known = [bench.label() for _ in range(2)]
    for label in known:
        reviewing.mark_known(label, bench.work.created_by, "accept")
    waits = [bench.mix_known()] + [bench.label() for _ in range(2)]
    reviewing.add(waits, Why.CHOSEN)
    before = {one.pk: _told(bench, one) for one in [*known, *waits]}
    assert len(set(before.values())) == 1
    met = {}
    for _ in range(4):
        turn = reviewing.take(bench.rita, bench.work)
        assert turn is not None
        in_hand = _told(bench, turn.label)
        reviewing.review(bench.rita, turn.label, "accept")
        met[turn.label_id] = (turn.why, in_hand, _told(bench, turn.label))
    assert {why for why, *_told_then in met.values()} == {Why.KNOWN, Why.CHOSEN}
    assert len({told for _why, *told_then in met.values() for told in [tuple(told_then)]}) == 1
    owner = Caller(bench.work.created_by).get(f"/queues/{bench.work.pk}/reviews/waiting").json()
    assert (owner["total"], owner["by_reason"]) == (1, {"chosen": 1})


def _told(bench: Bench, label: Label) -> tuple[object, ...]:
    """What a reviewer reads of a label, and of all that wait."""
    page, queue = client_of(bench.rita), f"/queues/{bench.work.pk}"
    row = f'/labels/{label.pk}/"'
    listed = [row in page.get(f"{queue}/labels/?verdict={said}").content.decode() for said in ("none", "accept")]
    own_page = page.get(f"/labels/{label.pk}/").content.decode()
    numbers = Caller(bench.rita).get(f"{queue}/reviews/waiting").json()
    overview = page.get(f"{queue}/reviewing/").content.decode()
    heads = re.findall(r"\d+ (?:or more )?labels? waits? for a reviewer", overview)
    return (
        page.get(f"{queue}/labels/?waits=chosen").status_code, *listed, "It waits for a reviewer" in own_page,
        "Send to review" in own_page, str(numbers), *heads,
    )  # fmt: skip


@pytest.mark.django_db
def test_sending_what_one_has_in_hand_says_that_it_waits_already_also_of_a_known_label(bench: Bench) -> None:
    known = bench.label()
    reviewing.mark_known(known, bench.work.created_by, "accept")
    waits = bench.mix_known()
    caller, address = Caller(bench.rita), f"/queues/{bench.work.pk}/reviews/send"
    for label in (known, waits):
        turn = reviewing.take(bench.rita, bench.work)
        assert turn is not None and turn.label == label
        assert caller.post(address, {"labels": [label.pk]}).json() == {"added": 0}
        reviewing.review(bench.rita, label, "accept")


@pytest.mark.django_db
def test_where_verdicts_are_known_pages_tell_managers_alone_how_many_labels_wait(bench: Bench) -> None:
    bench.mix_known()
    reviewing.add([bench.label()], Why.CHOSEN)
    for address in (f"/queues/{bench.work.pk}/", f"/queues/{bench.work.pk}/reviewing/"):
        assert "1 or more labels wait for a reviewer" in client_of(bench.rita).get(address).content.decode()
        assert "2 labels wait for a reviewer" in client_of(bench.work.created_by).get(address).content.decode()
    told = [overview.of_project(bench.work.project, runs=runs).standings[0].now.reviews.n for runs in (False, True)]
    assert told == [1, 2]

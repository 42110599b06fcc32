"""How good reviewers are, and what they made of people's labels: the numbers against ones worked by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.exceptions import ValidationError

from annotate import reviewing
from annotate.checking import pausing, reopening
from annotate.models import Label, Seat, ToReview
from annotate.reviewing import grading
from annotate.scoring.intervals import wilson
from tests.api.callers import Caller
from tests.pages.desk import client_of
from tests.quality.bench import Bench, a_bench, an_answer, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from django.test.utils import CaptureQueriesContext

pytestmark = pytest.mark.django_db


@pytest.fixture
def bench() -> Bench:
    return a_bench()


def give(bench: Bench, who: str, label: Label, verdict: str) -> None:
    person = {"rita": bench.rita, "sam": bench.sam}[who]
    if verdict == "fix":
        reviewing.fix(person, label, an_answer(written("Better."), label))
    else:
        reviewing.review(person, label, verdict, "" if verdict == "accept" else "Because.")


def grades(bench: Bench) -> tuple[dict[str, grading.Reviewer], dict[str, grading.Reviewed]]:
    names = {bench.rita.pk: "rita", bench.sam.pk: "sam", bench.noor.pk: "noor", bench.bea.pk: "bea"}
    found = grading.of(bench.work)
    return ({names[one.user_id]: one for one in found.reviewers}, {names[one.user_id]: one for one in found.annotators})


def test_by_known_verdicts_only_whether_the_label_is_taken_counts(bench: Bench) -> None:
    known = {"accept": ["accept", "fix"], "reject": ["reject", "fix", "accept"], "fix": ["changes"]}
    pairs = [(right, said) for right, verdicts in known.items() for said in verdicts]
    for right, _said in pairs:
        reviewing.mark_known(bench.label(), bench.work.created_by, right)
    waits = bench.mix_known()
    wanted = {}
    for _ in pairs:
        turn = reviewing.take(bench.rita, bench.work)
        assert turn is not None
        right = turn.label.known_verdict.verdict
        said = known[right].pop(0)
        wanted[turn.label_id] = (right == "accept") == (said == "accept")
        give(bench, "rita", turn.label, said)
    following = reviewing.take(bench.rita, bench.work)
    assert following is not None and following.label == waits
    reviewers, annotators = grades(bench)
    assert sum(wanted.values()) == 4  # accept/accept, reject/reject, reject/fix, fix/changes
    assert reviewers["rita"].known == wilson(4, 6)
    assert reviewers["rita"].verdicts == {"accept": 2, "fix": 2, "reject": 1, "changes": 1}
    assert reviewers["rita"].seconds is not None and 0 <= reviewers["rita"].seconds < 60
    assert annotators == {}  # what is said of a known label says nothing of it


def test_by_second_opinions_percent_and_kappa(bench: Bench) -> None:
    bench.rules(second_review_rate=1.0)
    # Rita first, then Sam. A fix is taken by its fixer; Sam judges what she made of it.
    verdicts = [("accept", "accept"), ("accept", "reject"), ("reject", "reject"), ("fix", "accept")]
    for first, second in verdicts * 3:
        give(bench, "rita", bench.label(), first)
        turn = reviewing.take(bench.sam, bench.work)
        assert turn is not None and turn.why == ToReview.Why.SECOND
        give(bench, "sam", turn.label, second)
    reviewers, _annotators = grades(bench)
    for one in reviewers.values():
        assert one.second == wilson(9, 12)
        # Agree on 3 of 4; by chance (3 * 2 + 1 * 2) / 16 = 1/2: kappa = (3/4 - 1/2) / (1 - 1/2).
        assert one.kappa.value == pytest.approx(0.5)
        assert one.known.value is None


def test_a_second_opinion_that_fixed_is_itself_given_a_second_opinion(bench: Bench) -> None:
    bench.rules(second_review_rate=1.0)
    label = bench.label()
    give(bench, "rita", label, "accept")
    turn = reviewing.take(bench.sam, bench.work)
    assert turn is not None and turn.why == ToReview.Why.SECOND
    fixed = reviewing.fix(bench.sam, label, an_answer(written("Better."), label)).fix
    assert fixed is not None
    reviewing.add([fixed], ToReview.Why.SECOND)
    turn = reviewing.take(bench.rita, bench.work)
    assert turn is not None and turn.label == fixed
    give(bench, "rita", fixed, "accept")
    reviewers, _annotators = grades(bench)
    # Of the label: Rita took it and Sam did not. Of the fix: Sam made it and Rita took it.
    assert reviewers["rita"].second == reviewers["sam"].second == wilson(1, 2)


def test_who_sets_a_paused_persons_labels_aside_has_reviewed_none_of_them(bench: Bench) -> None:
    owner, labels = bench.work.created_by, [bench.label() for _ in range(3)]
    give(bench, "rita", labels[0], "reject")
    reopening.reopen(pausing.by_hand(Seat.objects.get(user=bench.noor), owner, "Too hasty."), owner)
    assert reviewing.newest(labels).keys() == {one.pk for one in labels}
    assert {one.user_id: one.verdicts for one in grading.reviewers(bench.work)} == {bench.rita.pk: {"reject": 1}}


def test_grades_cost_the_same_number_of_queries_and_no_list_of_ids(
    bench: Bench, django_assert_num_queries: Callable[[int], AbstractContextManager[CaptureQueriesContext]]
) -> None:
    bench.rules(second_review_rate=1.0)
    for _ in range(3):
        give(bench, "rita", bench.label(), "accept")
        turn = reviewing.take(bench.sam, bench.work)
        assert turn is not None
        give(bench, "sam", turn.label, "accept")
    with django_assert_num_queries(6) as asked:
        grading.of(bench.work)
    assert not any(" IN (" in one["sql"] for one in asked.captured_queries)


def test_of_many_reviews_the_newest_count_and_the_page_says_so(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for verdict in ("reject", "reject", "accept", "fix"):
        give(bench, "rita", bench.label(), verdict)
    page, told = f"/queues/{bench.work.pk}/reviewing/", f"/queues/{bench.work.pk}/reviews/grades"
    owner = bench.work.created_by
    assert Caller(owner).get(told).json()["all"] is True
    monkeypatch.setattr(grading, "MOST_REVIEWS", 3)
    reviewers, annotators = grades(bench)
    assert reviewers["rita"].verdicts == annotators["noor"].verdicts == {"reject": 1, "accept": 1, "fix": 1}
    assert "Of the newest 3 reviews" in client_of(owner).get(page).content.decode()
    assert Caller(owner).get(told).json()["all"] is False
    monkeypatch.setattr(grading, "MOST_REVIEWS", 4)
    assert grading.of(bench.work).all


def test_labels_set_aside_push_no_reviews_out_of_those_that_grade(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, owner = [bench.label() for _ in range(6)], bench.work.created_by
    for label in labels[:2]:
        give(bench, "rita", label, "accept")
    reopening.reopen(pausing.by_hand(Seat.objects.get(user=bench.noor), owner, "Too hasty."), owner)
    monkeypatch.setattr(grading, "MOST_REVIEWS", 2)
    reviewers, annotators = grades(bench)
    assert reviewers["rita"].verdicts == annotators["noor"].verdicts == {"accept": 2}
    assert grading.of(bench.work).all


def test_an_annotators_labels_by_the_verdict_that_counts(bench: Bench) -> None:
    labels = [bench.label() for _ in range(4)]
    for label, verdict in zip(labels, ["accept", "reject", "fix", "reject"], strict=True):
        give(bench, "rita", label, verdict)
    give(bench, "sam", labels[1], "accept")
    give(bench, "rita", bench.label(bench.bea), "accept")
    _reviewers, annotators = grades(bench)
    noor = annotators["noor"]
    assert (noor.labels, noor.accepted, noor.fixed, noor.rejected) == (4, wilson(2, 4), wilson(1, 4), wilson(1, 4))
    assert annotators["bea"].accepted == wilson(1, 1)


def test_marks_are_checked_changed_and_taken_back_by_managers_alone(bench: Bench) -> None:
    label, owner = bench.label(), bench.work.created_by
    with pytest.raises(ValidationError) as refused:
        reviewing.mark_known(label, owner, "perhaps")
    assert list(refused.value.message_dict) == ["verdict"]
    call = Caller(owner)
    path = f"/labels/{label.pk}/known-verdict"
    assert call("PUT", path, {"verdict": "reject", "note": "Made up."}).json()["verdict"] == "reject"
    call("PUT", path, {"verdict": "fix"})
    known = reviewing.known_verdict(label)
    assert known is not None and (known.verdict, known.note) == ("fix", "")
    assert "Known verdict" in client_of(owner).get(f"/labels/{label.pk}/").content.decode()
    assert "Known verdict" not in client_of(bench.rita).get(f"/labels/{label.pk}/").content.decode()
    assert call("DELETE", path).status_code == 204
    assert reviewing.known_verdict(label) is None


def test_page_and_api_tell_managers_and_the_page_tells_reviewers_nothing(bench: Bench) -> None:
    give(bench, "rita", bench.label(), "accept")
    owner, page = bench.work.created_by, f"/queues/{bench.work.pk}/reviewing/"
    html = client_of(owner).get(page).content.decode()
    assert "Rita" in html and "Noor" in html and "not enough data" in html and "100 % (21 to 100), of 1" in html
    html = client_of(bench.sam).get(page).content.decode()
    assert "Rita" not in html and "Noor" not in html
    told = Caller(owner).get(f"/queues/{bench.work.pk}/reviews/grades").json()
    (rita,), (noor,) = told["reviewers"], told["annotators"]
    assert rita["reviewer"] == bench.work.project.pseudonym(bench.rita.pk)
    assert (rita["known"], rita["verdicts"]) == ({"value": None, "low": None, "high": None, "n": 0}, {"accept": 1})
    assert noor["accepted"]["value"] == 1.0 and noor["accepted"]["n"] == 1

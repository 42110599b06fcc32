"""What pages tell people of what waits for them: appeals, labels to review, answers to be given, changes to be made."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from annotate import discussing, reviewing
from annotate.checking import pausing
from annotate.models import Member, Review, Role, Seat, ToReview
from tests import factories as make
from tests.pages.desk import HTMX, client_of
from tests.quality.bench import Bench, a_bench, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def bench() -> Bench:
    return a_bench()


def test_managers_are_led_to_appeals_and_reviewers_to_labels_that_wait(bench: Bench) -> None:
    owner, label = bench.work.created_by, bench.label()
    pause = pausing.by_hand(Seat.objects.get(user=bench.noor), owner, "Too hasty.")
    pauses, reviews = (reverse(name, args=[bench.work.pk]) for name in ("queue-pauses", "reviewing"))

    def links(who: str) -> list[tuple[bool, bool]]:
        client = client_of(owner if who == "owner" else getattr(bench, who))
        pages = [client.get(address).content.decode() for address in ("/", reverse("queue", args=[bench.work.pk]))]
        told = ("wait for an answer", "appeal waits"), ("Labels wait for a reviewer", "1 label waits for a reviewer")
        return [
            (f'href="{pauses}"' in page and appeal in page, f'href="{reviews}"' in page and review in page)
            for page, appeal, review in zip(pages, *told, strict=True)
        ]

    assert links("owner") == links("rita") == [(False, False)] * 2
    pausing.appeal(pause, "I was not.")
    reviewing.add([label], ToReview.Why.CHOSEN)
    assert links("owner") == [(True, True)] * 2
    assert links("rita") == [(False, True)] * 2
    assert links("noor")[0] == (False, False)
    pausing.decide(pause, owner, "upheld")
    assert links("owner") == [(False, True)] * 2


def test_whoever_changes_an_answer_sees_what_was_asked_for_and_a_paused_person_that_they_are_paused(
    bench: Bench,
) -> None:
    label, page = bench.label(), client_of(bench.noor)
    address = reverse("amend", args=[label.pk])
    assert "A reviewer asked for changes" not in page.get(address).content.decode()
    reviewing.review(bench.rita, label, "changes", "Name a <b>source</b>.")
    html = page.get(address).content.decode()
    assert "A reviewer asked for changes" in html and "Name a &lt;b&gt;source&lt;/b&gt;." in html
    form = {**written("Better."), "fence": label.fence, "active_seconds": 9}
    after = page.post(address, form | {"key": str(uuid.uuid4())}, headers=HTMX).content.decode()
    assert "Take one whenever you like" in after
    pausing.by_hand(Seat.objects.get(user=bench.noor), bench.work.created_by, "Too hasty.")
    newer = bench.noor.labels.latest("pk")
    form |= {"fence": newer.fence, "key": str(uuid.uuid4()), "text": "Best."}
    after = page.post(reverse("amend", args=[newer.pk]), form, headers=HTMX).content.decode()
    assert "Your work in this queue is paused" in after and "Take one whenever" not in after
    assert reverse("pause", args=[bench.work.pk]) in after


def test_home_says_that_somebody_wrote_until_the_annotator_has_the_last_word(bench: Bench) -> None:
    label, home = bench.label(), client_of(bench.noor)
    assert "wrote about" not in home.get("/").content.decode()
    discussing.say(bench.rita, label, "Why?")
    assert "Somebody wrote about one of your labels" in home.get("/").content.decode()
    discussing.say(bench.noor, label, "Because.")
    assert "wrote about" not in home.get("/").content.decode()


def test_the_list_of_labels_says_what_reviewers_said_and_of_a_trial_only_to_who_said_it(bench: Bench) -> None:
    accepted, rejected, known = bench.label(), bench.label(), bench.label()
    reviewing.review(bench.rita, accepted, "accept")
    reviewing.review(bench.rita, rejected, "reject", "No.")
    reviewing.mark_known(known, bench.work.created_by, "reject")
    bench.mix_known()
    assert reviewing.take(bench.sam, bench.work) is not None
    reviewing.review(bench.sam, known, "reject", "Odd.")
    address = reverse("labels", args=[bench.work.pk])

    def badges(who: object) -> tuple[int, int]:
        html = client_of(who).get(address).content.decode()  # type: ignore[arg-type]
        return html.count('"badge on">accepted</span>'), html.count('"badge bad">rejected</span>')

    assert badges(bench.work.created_by) == badges(bench.rita) == (1, 1)
    assert badges(bench.sam) == (1, 2)
    reviewing.review(bench.work.created_by, known, "reject", "Odd.")
    Review.objects.filter(label=known).update(trial=True)
    assert badges(bench.work.created_by) == (1, 1), "whoever runs the project sees what counts"


def test_rules_offer_people_who_are_yet_to_work_and_say_what_grades_nobody() -> None:
    work = make.a_queue()
    new, owner = make.a_member(work.project, make.a_user(name="Newcomer")), client_of(work.created_by)
    address = reverse("queue-rules", args=[work.pk])
    assert "Newcomer" in owner.get(address).content.decode()
    work.rules = {"known_rate": 0.1, "second_review_rate": 0.1}
    work.save()
    html = owner.get(address).content.decode()
    assert "Of no label the right verdict is known" in html and "There is one reviewer" in html
    Member.objects.filter(user=new).update(role=Role.REVIEWER)
    assert "There is one reviewer" not in owner.get(address).content.decode()

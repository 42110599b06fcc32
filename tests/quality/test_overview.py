"""A project's queues side by side: what it says is what their own pages say, and looking makes nothing."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from annotate import reviewing
from annotate.checking import pausing
from annotate.models import (
    CheckResult,
    Label,
    Pause,
    Project,
    Queue,
    Report,
    Review,
    Role,
    Seat,
    ToReview,
    User,
)
from annotate.quality import overview, reports
from annotate.quality.overview import Overview
from annotate.quality.reports import Subject
from tests import factories as make
from tests.api.callers import Caller
from tests.pages.desk import client_of
from tests.quality.test_quality_pages import figure, given_on, hand_in
from tests.quality.test_quality_pages import page as of_queue

pytestmark = pytest.mark.django_db


#: What is said of twelve tasks, a letter each: nearly the same, one always the same, and as if by chance.
ALIKE = ("tb" * 6, "tb" * 6, "tb" * 5 + "bb")
DULL = ("t" * 12, "tb" * 6)
TOSSED = ("tb" * 12, "tb" * 6 + "bt" * 6)
SAYS = {"t": "tie", "b": "both_bad"}
ASKS = {"strength": False, "tie": True, "both_bad": True}


def a_queue_of(*said: str, **settings: Any) -> tuple[Queue, list[User]]:
    """A queue that compares, in which each person said that two responses are even, or both bad. Both are the same
    whatever the order of the responses; 20 seconds each.
    """
    work = make.a_queue(kind="compare", overlap=len(said), options=ASKS, **settings)
    for _ in said[0]:
        make.a_task(work)
    team = [make.a_member(work.project, make.a_user(name=f"Person {letter}")) for letter in "ABC"[: len(said)]]
    for person, answers in zip(team, said, strict=True):
        for one in answers:
            hand_in(person, make.a_lease(person, work), SAYS[one])
    return work, team


def made(*queues: Queue) -> None:
    """Their reports, as if somebody had looked at their pages."""
    for one in queues:
        for name in ("quality", "cost"):
            reports.refresh(name, Subject.of_queue(one), one.created_by)


def page(project: Project, who: User | None = None) -> str:
    answer = client_of(who or project.created_by).get(reverse("project-quality", args=[project.slug]))
    assert answer.status_code == 200
    return plain(html.unescape(answer.content.decode()))


def plain(text: str) -> str:
    """With spaces and dashes as they are typed."""
    return text.replace("\u00a0", " ").replace("\u2013", "-")


def cell(text: str, queue: Queue, name: str) -> str:
    """A figure's words in the row of a queue."""
    (row,) = re.findall(rf'<tr data-queue="{queue.pk}">(.*?)</tr>', text, re.DOTALL)
    (found,) = re.findall(rf'data-figure="{name}">(.*?)</td>', row, re.DOTALL)
    return words(found)


def words(markup: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


def first(text: str) -> list[str]:
    """What is to be looked at first."""
    found = re.search(r'<ul class="notes">(.*?)</ul>', text, re.DOTALL)
    return [words(one) for one in re.findall(r"<li>(.*?)</li>", found[1])] if found else []


def seen(project: Project, runs: bool = True) -> Overview:
    return overview.of_project(project, runs=runs)


def sentences(project: Project) -> list[str]:
    return [plain(one.sentence) for one in seen(project).first]


def told(work: Queue, who: User | None = None) -> list[dict[str, Any]]:
    """The queues of its project, as REST has them."""
    found: list[dict[str, Any]] = api(work.project, who)["queues"]
    return found


def api(project: Project, who: User | None = None) -> dict[str, Any]:
    answer = Caller(who or project.created_by).get(f"/projects/{project.slug}/quality")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def checked(work: Queue, right: int, wrong: int) -> None:
    """So many right and wrong answers to gold of those who labelled here."""
    labels = Label.objects.filter(queue=work).order_by("pk")[: right + wrong]
    for nth, label in enumerate(labels):
        seat = Seat.objects.get(queue=work, user=label.annotator)
        CheckResult.objects.create(label=label, seat=seat, role="gold", distance=nth >= right, right=nth < right)


def reviewed(work: Queue, accepted: int, rejected: int) -> None:
    labels = Label.objects.filter(queue=work).order_by("-pk")[: accepted + rejected]
    for nth, label in enumerate(labels):
        verdict = "accept" if nth < accepted else "reject"
        Review.objects.create(label=label, reviewer=work.created_by, verdict=verdict, reason="So.")


def waiting(work: Queue, labels: int, days: int) -> None:
    """So many labels that wait for a reviewer, for so many days."""
    reviewing.add(Label.objects.filter(queue=work).order_by("pk")[:labels], ToReview.Why.CHOSEN)
    ToReview.objects.filter(queue=work).update(created_at=Now() - timedelta(days=days))


def appealed(work: Queue, who: User) -> Pause:
    return pausing.appeal(pausing.by_hand(Seat.objects.get(queue=work, user=who), work.created_by, "Look."), "I did.")


# --- The figures are those of the queues' own pages ------------------------------------------------------------------


def test_the_figures_are_those_of_the_queues_own_pages() -> None:
    work, (ann, *_rest) = a_queue_of(*ALIKE, rules={"hourly_rate": 18.0, "currency": "EUR"})
    labels = list(Label.objects.order_by("pk").values_list("pk", flat=True))
    for ago in (1, 2, 3):
        given_on(work, ago, labels[12 * ago - 12 : 12 * ago])
    for _ in range(4):
        make.a_task(work, places=2)
    checked(work, right=7, wrong=1)
    reviewed(work, accepted=3, rejected=1)
    waiting(work, labels=2, days=0)
    appealed(work, ann)
    made(work)
    own, paid, text = plain(of_queue(work)), of_queue(work, "cost"), page(work.project)
    (drawn,) = re.findall(r'plot-value">(.*?)</td>', text, re.DOTALL)
    assert figure(own, "alpha").startswith(f"Krippendorff's alpha worth a look {words(drawn)} ")
    assert figure(own, "percent").startswith(f"Agreement fine {cell(text, work, 'percent')} ")
    people = reports.look("quality", Subject.of_queue(work)).result["people"]
    assert sum(one["gold"][3] for one in people) == 8 and sum(one["accepted"][3] for one in people) == 4
    assert cell(text, work, "gold").startswith("88 % 53-98 %")
    assert cell(text, work, "accepted").startswith("75 % 30-95 %")
    assert "2 labels wait for a reviewer" in of_queue(work, "reviewing")
    assert (cell(text, work, "waits"), cell(text, work, "paused"), cell(text, work, "appeals")) == ("2", "1", "1")
    assert "lately 12.0 labels a day" in figure(paid, "days_left") and cell(text, work, "pace") == "12"
    assert figure(paid, "days_left").startswith("Days to finish " + cell(text, work, "days_left").split()[0])
    assert figure(paid, "cost").startswith(f"Cost so far {cell(text, work, 'cost')} ")


def test_each_figure_leads_to_what_is_behind_it() -> None:
    work, (ann, *_rest) = a_queue_of(*ALIKE, rules={"hourly_rate": 18.0})
    given_on(work, 1, list(Label.objects.values_list("pk", flat=True)))
    checked(work, right=7, wrong=1)
    reviewed(work, accepted=3, rejected=1)
    waiting(work, labels=2, days=0)
    appealed(work, ann)
    made(work)
    for who, runs in ((work.created_by, True), (make.a_member(work.project, role=Role.REVIEWER), False)):
        client, (row,) = client_of(who), seen(work.project, runs).standings
        hrefs = {name: one.href for name, one in row.figures.items() if one.value is not None}
        assert {name for name, href in hrefs.items() if not href} == (set() if runs else {"paused", "appeals"})
        text = page(work.project, who)
        for href in {*hrefs.values()} - {""}:
            assert client.get(href).status_code == 200 and f'href="{href}"' in text, href


def test_queues_that_ask_different_things_are_drawn_beside_each_other() -> None:
    good, _team = a_queue_of(*ALIKE, name="Which is better")
    poor, _two = a_queue_of(*DULL, project=good.project, name="Which is nicer")
    empty = make.a_queue(good.project, name="Nothing here")
    made(good, poor, empty)
    text = page(good.project)
    (drawn,) = re.findall(r'<figure class="plot plot-dots">(.*?)</figure>', text, re.DOTALL)
    assert re.findall(r'<th scope="row" dir="auto"><a href="[^"]*">([^<]*)</a>', drawn) == [
        "Which is nicer",
        "Which is better",
    ]
    assert "tentative conclusions from" in drawn and drawn.count('class="dot"') == 2
    assert cell(text, empty, "percent") == "-"


# --- What to look at first -------------------------------------------------------------------------------------------


def test_all_is_well() -> None:
    work, _team = a_queue_of(*ALIKE)
    checked(work, right=20, wrong=0)
    waiting(work, labels=3, days=1)
    made(work, make.a_queue(work.project))
    text = page(work.project)
    assert sentences(work.project) == [] and "all is well" in text
    assert seen(work.project).is_well


def test_where_there_is_too_little_to_tell_nothing_is_called_well() -> None:
    work, _team = a_queue_of("tbt", "tbt")
    made(work)
    text = page(work.project)
    assert "Nothing stands out. Of 1 queue there is too little to tell yet." in text and "all is well" not in text
    assert not seen(work.project).is_well and told(work)[0]["worry"] == ""


def test_what_is_surely_wrong_comes_first() -> None:
    """In one queue four labels wait, in the other one of two people always says the same."""
    calm, _team = a_queue_of(*ALIKE, name="Calm")
    dull, _two = a_queue_of(*DULL, project=calm.project, name="Dull")
    late = make.a_queue(calm.project, name="Late")
    made(calm, dull)
    waiting(calm, labels=4, days=4)
    assert first(page(calm.project)) == [
        "worry Dull : People agree less than by chance, as if they understood the question differently.",
        "worth a look Calm : 4 labels wait for a reviewer, the first for 4 days.",
    ]
    worst = {row.queue.name: one["worry"] for row, one in zip(seen(calm.project).standings, told(calm), strict=True)}
    assert worst == {"Dull": "worry", "Calm": "look", late.name: ""}


def test_people_who_toss_coins() -> None:
    work, _people = a_queue_of(*TOSSED)
    made(work)
    assert sentences(work.project) == [
        "People's agreement can't be told from chance: is the question clear, do they read?"
    ]


def test_preferences_that_people_seldom_share() -> None:
    """Of 400 pairs they agree on 55 %: more than chance, less than published sets."""
    work, _two = a_queue_of(*DULL)
    report = reports.refresh("quality", Subject.of_queue(work), work.created_by)
    report.result["measures"][0] |= {"percent": [0.55, 0.5, 0.6, 400], "alpha": [0.11, 0.02, 0.2, 800]}
    report.save()
    (said,) = sentences(work.project)
    assert said.startswith("Two people say the same in 55 % of cases; published preferences have 63 to 77 %.")


@pytest.mark.parametrize(
    ("level", "alpha", "said"),
    [
        ("ordinal", [0.5, 0.3, 0.6, 80], "not enough to rely on a single label"),
        ("ordinal", [0.7, 0.3, 0.9, 80], "more tasks with labels of two people would tell"),
        ("ordinal", [0.7, 0.67, 0.9, 80], ""),
        ("ordinal", [None, None, None, 4], ""),
        ("distance", [0.3, 0.2, 0.6, 80], ""),
        ("distance", [0.1, -0.2, 0.6, 80], "no more alike than any others"),
    ],
)
def test_agreement_on_other_things_is_judged_beyond_chance(level: str, alpha: list[Any], said: str) -> None:
    work, _two = a_queue_of(*DULL)
    report = reports.refresh("quality", Subject.of_queue(work), work.created_by)
    report.result["measures"][0] |= {"name": "helpfulness", "level": level, "alpha": alpha}
    report.save()
    found = sentences(work.project)
    assert [said in one for one in found] == ([True] if said else [])


def test_checks_and_reviews_that_go_wrong() -> None:
    work, _team = a_queue_of(*ALIKE)
    checked(work, right=12, wrong=12)
    reviewed(work, accepted=10, rejected=10)
    made(work)
    wrong, refused = seen(work.project).first
    assert plain(wrong.sentence).startswith("50 % of checks are answered right: surely less than 85 %.")
    assert wrong.href == reverse("queue-checks", args=[work.pk]) and wrong.worry == "worry"
    assert plain(refused.sentence).startswith("Reviewers accepted 50 % of what they looked at")
    listed = client_of(work.created_by).get(refused.href).content.decode()
    assert 'data-counted="20"' in listed


def test_appeals_that_wait() -> None:
    work, (ann, bea, cleo) = a_queue_of(*ALIKE)
    made(work)
    pauses = [appealed(work, one) for one in (ann, bea, cleo)]
    Pause.objects.filter(pk=pauses[0].pk).update(appealed_at=Now() - timedelta(days=3))
    assert sentences(work.project) == ["3 appeals wait for an answer, the first for 3 days."]
    for one in pauses[:2]:
        pausing.decide(one, work.created_by, Pause.Outcome.UPHELD)
    Pause.objects.filter(pk=pauses[2].pk).update(appealed_at=Now() - timedelta(days=2))
    assert sentences(work.project) == ["1 appeal has waited for an answer for 2 days."]
    assert cell(page(work.project), work, "paused") == "3"


@pytest.mark.parametrize(
    ("people", "minutes", "said"),
    [
        (1, 0, "1 appeal waits for an answer."),
        (2, 59, "2 appeals wait for an answer."),
        (1, 61, "1 appeal has waited for an answer for 1 hour."),
    ],
)
def test_of_appeals_of_this_hour_no_time_is_told(people: int, minutes: int, said: str) -> None:
    work, team = a_queue_of(*ALIKE)
    made(work)
    for one in team[:people]:
        appealed(work, one)
    Pause.objects.update(appealed_at=Now() - timedelta(minutes=minutes))
    assert sentences(work.project) == [said]


def test_where_known_labels_are_mixed_in_reviewers_are_told_roughly_what_waits_and_since_when() -> None:
    work, _team = a_queue_of(*ALIKE, rules={"known_rate": 0.1})
    made(work)
    waiting(work, labels=13, days=4)
    first_at = ToReview.objects.earliest("created_at").created_at
    rita = make.a_member(work.project, role=Role.REVIEWER)
    assert first(page(work.project, rita)) == [f"worth a look {work.name} : 10 or more labels wait for a reviewer."]
    assert cell(page(work.project, rita), work, "waits") == "10+"
    assert cell(page(work.project), work, "waits") == "13"
    (to_rita,), (to_owner,) = (
        [one for one in told(work, who)[0]["figures"] if one["name"] == "waits"] for who in (rita, work.created_by)
    )
    assert (to_rita["value"], to_rita["known"]) == (10, {"since": first_at.date().isoformat(), "roughly": True})
    assert (to_owner["value"], to_owner["known"]) == (13, {"since": first_at.isoformat()})
    (said,) = seen(work.project, runs=False).first
    assert said.href == reverse("reviewing", args=[work.pk])
    assert "10 or more labels wait for a reviewer" in of_queue(work, "reviewing", rita)


def test_an_open_queue_that_is_idle() -> None:
    work, (ann, *_rest) = a_queue_of(*ALIKE)
    given_on(work, 8, list(Label.objects.values_list("pk", flat=True)))
    made(work)
    assert sentences(work.project) == [], "nothing is left"
    make.a_task(work)
    made(work)
    (said,) = sentences(work.project)
    assert said.startswith("Nobody has labelled since") and said.endswith("are there people for it?")
    Queue.objects.filter(pk=work.pk).update(state=Queue.State.PAUSED)
    assert sentences(work.project) == [], "it is meant to rest"
    Queue.objects.filter(pk=work.pk).update(state=Queue.State.OPEN)
    make.a_label(ann, work, {"winner": "tie", "comment": ""})
    assert sentences(work.project) == [], "the label is newer than the report"


def test_labels_of_which_nothing_is_known() -> None:
    work, _one = a_queue_of("tb" * 10)
    made(work)
    assert [one.startswith("Nothing tells how good the labels are") for one in sentences(work.project)] == [True]
    reviewed(work, accepted=20, rejected=0)
    made(work)
    assert sentences(work.project) == []


def test_a_report_that_failed_says_why() -> None:
    work, _team = a_queue_of(*ALIKE)
    facts = {"project": work.project, "queue": work, "created_by": work.created_by}
    Report.objects.create(name="cost", state="failed", error="It takes <long>.", **facts)
    assert sentences(work.project) == ["The figures could not be made: It takes <long>."]
    assert [one.sentence for one in seen(work.project, runs=False).first] == [], "nothing that leads nowhere"
    answer = client_of(work.created_by).get(reverse("project-quality", args=[work.project.slug])).content.decode()
    assert "It takes &lt;long&gt;." in answer

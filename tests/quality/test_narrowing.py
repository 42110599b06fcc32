"""Lists of labels behind figures: as long as the figure says, found in any queue, and telling nobody who is who."""

import html
import io
import json
import re
from typing import Any

import pytest
from django.urls import reverse

from annotate import importing, narrowing, reviewing
from annotate.checking import pausing, reopening
from annotate.labelling import Answer
from annotate.models import Label, User
from annotate.narrowing import Narrowed, link
from annotate.quality import noticing, overview, pricing, reports, saying
from annotate.quality.reports import Subject
from tests import factories as make
from tests.pages.desk import client_of
from tests.quality.bench import Bench, a_bench, written

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def uploads(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def counted(bench: Bench, address: str) -> int:
    """How many labels the list says it has."""
    return int(client_of(bench.work.created_by).get(address).context["counted"][0])


def fixed(bench: Bench, label: Label) -> None:
    reviewing.fix(bench.rita, label, Answer(written(f"Better {label.pk}."), label.fence))


# --- As many as the figure says --------------------------------------------------------------------------------------


def test_costs_lead_to_the_labels_of_the_queues_own_people() -> None:
    """Also to what a reviewer fixed, which stands under the reviewer's name; not to what came with a file."""
    bench = a_bench()
    labels = [bench.label(payload=written(f"Answer {n}.")) for n in range(4)]
    bench.amend(labels[3], written("Another answer."))
    fixed(bench, labels[0])
    rows = [
        {"instruction": f"Question {n}", "labels": [{"annotator": "x", "text": "Said elsewhere."}]} for n in range(5)
    ]
    file = io.BytesIO("\n".join(map(json.dumps, rows)).encode())
    assert importing.run_now(bench.work, bench.work.created_by, file, "rows.jsonl", "native").labels_added == 5
    client = client_of(bench.work.created_by)
    page = client.get(reverse("cost", args=[bench.work.pk]))
    assert [(one.count, counted(bench, one.href)) for one in page.context["figures"] if one.href] == [(4, 4)] * 2
    assert [(one["labels"], counted(bench, one["labels_page"])) for one in page.context["people"]] == [(4, 4)]
    days = re.findall(r'href="([^"]*from=[^"]*)"', html.unescape("".join(page.context["charts"])))
    assert days and {counted(bench, one) for one in days} == {4}


def test_costs_lead_also_to_what_was_set_aside() -> None:
    """It was paid for."""
    bench = a_bench()
    for _ in range(3):
        bench.label()
    pause = pausing.by_hand(bench.work.seats.get(user=bench.noor), bench.work.created_by, "Read the texts.")
    reopening.reopen(pause, bench.work.created_by)
    result = reports.show("cost", Subject.of_queue(bench.work), bench.work.created_by).result
    assert result["labels"] == counted(bench, pricing.behind(bench.work)) == 3


def test_what_reviewers_accepted_leads_to_all_that_they_looked_at() -> None:
    bench = a_bench()
    labels = [bench.label(payload=written(f"Answer {n}.")) for n in range(5)]
    for label in labels[:2]:
        fixed(bench, label)
    for label in labels[2:4]:
        reviewing.review(bench.rita, label, "accept")
    result = reports.show("quality", Subject.of_queue(bench.work), bench.work.created_by).result
    figures = saying.of_annotator(bench.work, result["people"][0], None, result["measures"][0])
    (accepted,) = [one for one in figures if one.name == "accepted"]
    assert accepted.count == counted(bench, accepted.href) == 4
    page = client_of(bench.work.created_by).get(reverse("reviewing", args=[bench.work.pk])).content.decode()
    (address,) = re.findall(r'<a href="([^"]*verdict=any[^"]*)">4</a>', html.unescape(page))
    assert counted(bench, address) == 4


def test_what_was_set_aside_unread_is_neither_reviewed_nor_in_the_lists() -> None:
    """Of nine labels that a reviewer read all were accepted, and one more was not; 27 were set aside since."""
    bench = a_bench()
    labels = [bench.label(payload=written(f"Answer {n}.")) for n in range(37)]
    for label in labels[:9]:
        reviewing.review(bench.rita, label, "accept")
    reviewing.review(bench.rita, labels[9], "reject", "Empty.")
    owner = bench.work.created_by
    reopening.reopen(pausing.by_hand(bench.work.seats.get(user=bench.noor), owner, "Read the texts."), owner)
    (noor,) = reviewing.grading.annotators(bench.work)
    assert noor.verdicts == {"accept": 9, "reject": 1}
    assert counted(bench, link(bench.work, verdict="any", every=True)) == noor.labels
    assert counted(bench, link(bench.work, verdict="reject", every=True)) == 1
    assert counted(bench, link(bench.work, verdict="accept", every=True)) == 9
    assert counted(bench, link(bench.work, verdict="kept", every=True)) == 9
    for name in ("quality", "cost"):
        reports.refresh(name, Subject.of_queue(bench.work), owner)
    (standing,) = overview.of_project(bench.work.project, runs=True).standings
    accepted = standing.figures["accepted"]
    assert (accepted.value, accepted.count) == (0.9, 10) and not noticing.of(standing)


def test_two_people_and_the_tasks_they_share() -> None:
    """As they said last: what was fixed since counts as it was said."""
    bench = a_bench(overlap=2)
    bench.tasks(3)
    mine = [bench.label(payload=written(f"Mine {n}.")) for n in range(3)]
    for n in range(2):
        bench.label(bench.bea, written(f"Hers {n}."))
    bench.label(bench.sam, written("His."))
    fixed(bench, mine[0])
    both: dict[str, Any] = {"by": bench.noor.pk, "mate": bench.bea.pk}
    assert counted(bench, saying.behind(bench.work, **both)) == 4
    assert counted(bench, link(bench.work, **both)) == 2, "of those that stand"
    assert counted(bench, saying.behind(bench.work, mate=bench.bea.pk)) == 4


def test_lists_join_no_reviews() -> None:
    """`LEFT JOIN review ... WHERE review.id IS NULL` is thought to give one row, and a full scan follows for each."""
    work = make.a_queue()
    asked: tuple[dict[str, Any], ...] = (
        {}, {"shared": True}, {"by": 1, "shared": True}, {"by": 1, "mate": 2}, {"fixes": False}, {"own": True},
    )  # fmt: skip
    for more in asked:
        wanted = Narrowed(role="work", **({"last": True} | more))
        assert ' JOIN "annotate_review"' not in str(narrowing.labels(Label.objects.of_queue(work), wanted).query)


# --- By pseudonym ----------------------------------------------------------------------------------------------------


def pages_of_figures(bench: Bench, who: User) -> str:
    client, work = client_of(who), bench.work
    names = ["quality", "queue-bias", "queue-checks", "reviewing", "labels", "queue-people", "queue-pauses", "cost"]
    answers = [client.get(reverse(name, args=[work.pk])) for name in names]
    pseudonym = work.project.pseudonym(bench.noor.pk)
    answers.append(client.get(reverse("quality-annotator", args=[work.pk, pseudonym])))
    return html.unescape("".join(one.content.decode() for one in answers if one.status_code == 200))


def test_addresses_name_nobody_by_id() -> None:
    """Ids are the same in every project: whoever runs another one would read there who it is."""
    bench = a_bench(kind="compare", overlap=2)
    bench.tasks(6)
    labels = [bench.label(who) for who in (bench.noor, bench.bea) for _ in range(6)]
    reviewing.review(bench.rita, labels[0], "accept")
    pausing.by_hand(bench.work.seats.get(user=bench.bea), bench.work.created_by, "Read the texts.")
    known = {bench.work.project.pseudonym(one.pk) for one in (bench.noor, bench.bea)}
    for who in (bench.rita, bench.work.created_by):
        text = pages_of_figures(bench, who)
        people = re.findall(r"[?&](?:by|with)=([^&\"]+)", text)
        assert len(people) > 4 and {*people} == known
        chosen = re.findall(r'<option value="([^"]+)"[^>]*>(?:annotator-|Noor|Bea)', text)
        assert chosen and {*chosen} <= known


def test_a_pseudonym_of_another_project_is_nobodys() -> None:
    bench, other = a_bench(), a_bench()
    client = client_of(bench.work.created_by)
    address = reverse("labels", args=[bench.work.pk])
    for asked in (str(bench.noor.pk), other.work.project.pseudonym(bench.noor.pk)):
        assert client.get(address, {"by": asked}).status_code == 404
    for person in (bench.noor, bench.rita):
        assert client.get(address, {"by": bench.work.project.pseudonym(person.pk)}).status_code == 200


# --- The form --------------------------------------------------------------------------------------------------------


def test_the_form_keeps_what_it_has_no_field_for() -> None:
    work = make.a_queue()
    wanted: dict[str, Any] = {
        "by": work.created_by_id, "mate": make.a_member(work.project).pk, "category": "a", "guideline": 1,
        "role": "work", "verdict": "kept", "task": 5, "shared": True, "fixes": False, "model": "m", "against": "n",
        "waits": "sample", "last": True, "own": True,
    }  # fmt: skip
    address = link(work, **wanted)
    form = client_of(work.created_by).get(address).content.decode()
    form = form.partition('<form class="narrowing"')[2].partition("</form>")[0]
    sent = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', form))
    for name, options in re.findall(r'<select[^>]*name="(\w+)">(.*?)</select>', form):
        sent[name] = re.findall(r'value="([^"]*)" selected', options)[0]
    assert {*Narrowed(**wanted).asked(work).items()} <= {*sent.items()} and sent["which"] == "all"


@pytest.mark.parametrize("day", ["9999-12-31", "10000-01-01", "2026-02-30"])
@pytest.mark.parametrize("end", ["from", "to"])
def test_a_day_that_calendars_don_t_have_is_not_found(day: str, end: str) -> None:
    work = make.a_queue()
    assert client_of(work.created_by).get(reverse("labels", args=[work.pk]), {end: day}).status_code == 404

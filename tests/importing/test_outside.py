"""Labels that come with a file: whose they are, where they stand, what agreement and exports make of them."""

import io
import json
from collections import Counter
from itertools import combinations
from statistics import fmean

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.forms import PasswordResetForm
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotate import access, counting, exporting, importing, projects, queue, reviewing, running
from annotate.importing import limits, outside
from annotate.models import Assignment, Label, Member, OutsideAnnotator, Role, Seat, Task, Token
from annotate.places import add_places
from tests import factories as make
from tests.admin_pages.cast import a_cast
from tests.journeys import research
from tests.sessions import in_a_thread, until_it_waits

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def uploads(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def load(work, *rows):
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    return importing.run_now(work, work.created_by, io.BytesIO(data), "rows.jsonl", "native")


def a_row(number=1, *labels, texts=("x", "y"), **more):
    responses = [{"text": text, "external_id": text} for text in texts]
    return {"external_id": f"p-{number}", "instruction": "Q", "responses": responses, "labels": [*labels]} | more


def vote(annotator, *ranks, **more):
    return {"annotator": annotator, "ranks": [*ranks]} | more


def counts(job):
    return job.rows_added, job.rows_unchanged, job.rows_refused, job.labels_added, job.labels_unchanged


def refusal(job):
    (row,) = job.refused.all()
    return row.field, row.reason


def said(work):
    """Who said what, responses by their external_id."""
    found = {}
    for label in Label.objects.filter(queue=work).select_related("annotator__outside", "task__prompt"):
        names = dict(label.task.prompt.responses.values_list("id", "external_id"))
        letters = dict(zip("abcdefghi", (names[pk] for pk in label.shown), strict=False))
        payload = work.way.rename(label.payload, letters)
        found[label.annotator.outside.name, label.task.prompt.external_id] = payload
    return found


def places(work):
    """Of each task: its count of places, and how many of them are in each state."""
    return {
        task.prompt.external_id: (task.places, dict(Counter(task.assignments.values_list("state", flat=True))))
        for task in Task.objects.filter(queue=work).select_related("prompt").order_by("pk")
    }


# --- What is stored --------------------------------------------------------------------------------------------------


def test_labels_of_a_row_are_labels_of_people_outside_in_places_of_their_own():
    work = make.a_queue(kind="compare", overlap=2)
    job = load(
        work,
        a_row(1, vote("Ann", 1, 2, strength=2, comment="Shorter."), vote(" Bob ", 1, 1)),
        a_row(2, {"annotator": "Ann", "payload": {"winner": "b", "strength": 3}}),
        a_row(3),
    )
    assert counts(job) == (3, 0, 0, 3, 0)
    assert said(work) == {
        ("Ann", "p-1"): {"winner": "x", "strength": 2, "comment": "Shorter."},
        ("Bob", "p-1"): {"winner": "tie", "comment": ""},
        ("Ann", "p-2"): {"winner": "y", "strength": 3, "comment": ""},
    }
    assert places(work) == {
        "p-1": (4, {"open": 2, "done": 2}),
        "p-2": (3, {"open": 2, "done": 1}),
        "p-3": (2, {"open": 2}),
    }
    for label in Label.objects.select_related("assignment", "annotator"):
        place = label.assignment
        assert (place.annotator_id, place.task_id, place.queue_id) == (label.annotator_id, label.task_id, work.pk)
        assert (label.fence, place.fence, place.holders) == (0, 1, [label.annotator_id])
        assert (label.active_seconds, label.guideline, label.supersedes) == (0, None, None)
        assert place.slot > work.overlap
    assert Label.objects.values("key").distinct().count() == 3


def test_the_same_file_twice_changes_nothing():
    work = make.a_queue(kind="compare")
    rows = [a_row(n, vote("Ann", 1, 2), vote("Bob", 2, 1)) for n in range(3)]
    load(work, *rows)
    before = places(work), [*Label.objects.values_list("pk", flat=True)]
    assert counts(load(work, *rows)) == (0, 3, 0, 0, 6)
    assert (places(work), [*Label.objects.values_list("pk", flat=True)]) == before


def test_labels_may_come_later_a_row_each_and_with_the_responses_in_another_order():
    work = make.a_queue(kind="rank", overlap=2)
    load(work, a_row(1), a_row(2))
    job = load(
        work,
        a_row(1, vote("Ann", 1, 2)),
        a_row(1, vote("Bob", 2, 1), texts=("y", "x")),
        a_row(1, vote("Ann", 2, 1), texts=("y", "x")),  # the same again, in other words
        a_row(3, vote("Ann", 1, 2)),
        a_row(3, vote("Bob", 1, 2)),
    )
    assert counts(job) == (4, 1, 0, 4, 1)
    assert {who: payload["ranks"] for who, payload in said(work).items()} == {
        (who, task): {"x": 1, "y": 2} for who in ("Ann", "Bob") for task in ("p-1", "p-3")
    }
    assert places(work) == {
        "p-1": (4, {"open": 2, "done": 2}),
        "p-2": (2, {"open": 2}),
        "p-3": (4, {"open": 2, "done": 2}),
    }
    assert OutsideAnnotator.objects.count() == 2


def test_who_says_otherwise_of_the_same_is_refused_with_the_row():
    work = make.a_queue(kind="compare")
    load(work, a_row(1, vote("Ann", 1, 2)))
    job = load(work, a_row(1, vote("Bob", 1, 2), vote("Ann", 2, 1)))
    assert refusal(job) == ("labels[1]", "Ann has said otherwise of the same responses already")
    job = load(work, a_row(2, vote("Ann", 1, 2), vote("Ann", 1, 1)), a_row(3))
    assert refusal(job)[0] == "labels[1]"
    assert counts(job) == (1, 0, 1, 0, 0)
    assert Label.objects.count() == 1


def test_a_task_takes_so_many_labels_and_no_more(monkeypatch):
    monkeypatch.setattr(limits, "MOST_LABELS_OF_TASK", 2)
    work = make.a_queue(kind="compare")
    job = load(work, *(a_row(1, vote(f"Ann {n}", 1, 2)) for n in range(3)))
    assert counts(job) == (2, 0, 1, 2, 0)
    assert refusal(job) == ("labels", "are more than 2 of one task")


def test_a_project_has_so_many_people_outside_and_no_more(monkeypatch):
    monkeypatch.setattr(limits, "MOST_OUTSIDE", 3)
    monkeypatch.setattr(limits, "BATCH_ROWS", 2)
    work = make.a_queue(kind="compare")
    rows = [a_row(1, vote("Ann", 1, 2)), a_row(2, vote("Ben", 1, 2), vote("Cy", 1, 2))]
    rows += [a_row(3, vote("Ann", 1, 2), vote("Di", 1, 2)), a_row(4, vote("Cy", 2, 1))]
    job = load(work, *rows)
    assert counts(job) == (3, 0, 1, 4, 0)
    assert refusal(job) == ("labels[1].annotator", "would be one of more than 3 people outside in this project")
    assert OutsideAnnotator.objects.count() == 3
    again = load(make.a_queue(work.project, kind="compare"), *rows)
    assert counts(again) == (3, 0, 1, 4, 0) and OutsideAnnotator.objects.count() == 3
    assert load(make.a_queue(kind="compare"), rows[2]).labels_added == 2


def test_one_person_outside_is_one_in_all_queues_of_a_project_and_another_in_the_next():
    first = make.a_queue(kind="compare")
    second, elsewhere = make.a_queue(first.project, "rank"), make.a_queue(kind="compare")
    for work in (first, second, elsewhere):
        load(work, a_row(1, vote("Ann", 1, 2)))
    assert Counter(OutsideAnnotator.objects.values_list("project", flat=True)) == {
        first.project_id: 1,
        elsewhere.project_id: 1,
    }
    assert Label.objects.values("annotator").distinct().count() == 2


def test_batches_are_measured_by_labels_too(monkeypatch):
    monkeypatch.setattr(limits, "BATCH_ROWS", 10)
    work, seen = make.a_queue(kind="compare"), []
    rows = [a_row(n, *(vote(f"Ann {k}", 1, 2) for k in range(4))) for n in range(6)]
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    importing.run_now(work, work.created_by, io.BytesIO(data), "f", "native", lambda job: seen.append(job.rows_read))
    assert seen[:3] == [2, 4, 6]
    assert Label.objects.count() == 24


def test_a_file_without_labels_asks_nothing_more_of_the_database():
    work = make.a_queue(kind="compare")
    load(work, *(a_row(n) for n in range(3)))

    def statements(*rows):
        with CaptureQueriesContext(connection) as queries:
            load(work, *rows)
        return [one["sql"] for one in queries]

    assert not any("outside" in one or "annotate_label" in one for one in statements(*(a_row(n) for n in range(6))))
    assert any("outside" in one for one in statements(a_row(1, vote("Ann", 1, 2))))


# --- What is refused -------------------------------------------------------------------------------------------------

REFUSED = [
    ("rank", {"annotator": "Ann", "ranks": [1]}, "labels[1].ranks", "1 entries for 2 responses"),
    ("rank", {"annotator": "Ann", "ranks": [1, "2"]}, "labels[1].ranks[1]", "must be a whole number"),
    ("rank", {"annotator": " ", "ranks": [1, 2]}, "labels[1].annotator", "is missing"),
    ("rank", {"ranks": [1, 2]}, "labels[1].annotator", "is missing"),
    ("rank", {"annotator": "Ann", "rank": [1, 2]}, "labels[1].rank", "is not a key we know"),
    ("rank", {"annotator": "Ann", "payload": {"ranks": {"a": 1}}}, "labels[1].payload.ranks.b", "no place yet"),
    ("rank", {"annotator": "Ann", "payload": {"best": "a"}}, "labels[1].payload.best", "no such field"),
    ("rank", {"annotator": "Ann", "payload": {}}, "labels[1].payload.ranks.a", "no place yet"),
    ("compare", {"annotator": "Ann", "ranks": [1, 1]}, "labels[1].ranks", "tie"),
    ("compare", {"annotator": "Ann", "ranks": [1, 2], "strength": 9}, "labels[1].strength", "9"),
    ("rate", {"annotator": "Ann", "scores": [{"overall": 9}, {"overall": 1}]}, "labels[1].scores.a.overall", "5"),
    ("thumbs", {"annotator": "Ann", "verdicts": [True]}, "labels[1].verdicts", "1 entries for 2 responses"),
]


@pytest.mark.parametrize(("kind", "label", "field", "reason"), REFUSED)
def test_a_label_that_is_no_right_answer_refuses_its_row_by_field(kind, label, field, reason):
    options = {"compare": {"tie": False}}.get(kind, {})
    work = make.a_queue(kind=kind, options=running.checked_options(kind, options))
    job = load(work, a_row(1, {"annotator": "Bob"}, label), a_row(2))
    found = refusal(job)
    assert found[0] == field
    assert reason in found[1]
    assert counts(job) == (1, 0, 1, 0, 0)
    assert not OutsideAnnotator.objects.exists()


def test_what_says_nothing_to_this_kind_is_left_out():
    work = make.a_queue(kind="write")
    job = load(work, a_row(1, vote("Ann", 1, 2), {"annotator": "Bob", "text": "An answer."}))
    assert counts(job) == (1, 0, 0, 1, 0)
    (label,) = Label.objects.all()
    assert (label.payload, label.shown) == ({"text": "An answer.", "comment": ""}, [])


@pytest.mark.parametrize("kind", ["write", "edit", "rank", "compare", "rate", "thumbs", "criteria", "steps"])
def test_every_kinds_own_payload_comes_in_with_a_row_as_it_went_out(kind):
    work = make.a_queue(kind=kind)
    example = work.way.example()
    label = {"annotator": "Ann", "payload": example.payload}
    job = load(work, a_row(1, label, texts=example.responses, meta=example.facts))
    assert counts(job) == (1, 0, 0, 1, 0), job.refused.values_list("field", "reason")
    assert Label.objects.get().payload == example.payload


def test_tables_give_every_object_all_keys_and_may_keep_whole_numbers_as_floats():
    work = make.a_queue(kind="rank", options=running.checked_options("rank", {"axes": ["overall: 1-5"]}))
    nothing = {"ranks": None, "scores": None, "payload": None, "comment": None}
    scores = [{"overall": 4.0, "other": None}, {"overall": 5, "other": 2.5}]
    job = load(
        work,
        a_row(1, nothing | {"annotator": "Ann", "ranks": [2.0, 1.0], "scores": scores}),
        a_row(2, nothing | {"annotator": "Ann", "payload": {"ranks": {"a": 1, "b": 1, "c": None}, "comment": None}}),
    )
    assert counts(job) == (2, 0, 0, 2, 0), job.refused.values_list("field", "reason")
    first, second = Label.objects.order_by("pk").values_list("payload", flat=True)
    assert (first["ranks"], first["scores"]) == ({"a": 2, "b": 1}, {"a": {"overall": 4}, "b": {"overall": 5}})
    assert second == {"ranks": {"a": 1, "b": 1}, "unusable": [], "comment": ""}


def test_a_cell_of_a_table_may_hold_labels():
    work = make.a_queue(kind="compare")
    labels = json.dumps([vote("Ann", 1, 2)]).replace('"', '""')
    data = f'instruction,response_1,response_2,labels\nQ,x,y,"{labels}"\n'.encode()
    job = importing.run_now(work, work.created_by, io.BytesIO(data), "rows.csv")
    assert counts(job) == (1, 0, 0, 1, 0), (job.error, job.refused.values_list("field", "reason"))


# --- Queues ----------------------------------------------------------------------------------------------------------


def test_a_queues_overlap_counts_the_labels_of_its_own_people():
    work = make.a_queue(kind="compare", overlap=2)
    load(work, a_row(1, vote("Ann", 1, 2), vote("Bob", 1, 2), vote("Cem", 1, 2)), a_row(2))
    person = make.a_member(work.project)
    make.a_label(person, work)
    assert places(work)["p-1"] == (5, {"done": 4, "open": 1})

    queue.change_overlap(work, 4)
    assert places(work) == {"p-1": (7, {"done": 4, "open": 3}), "p-2": (4, {"open": 4})}
    queue.change_overlap(work, 1)
    assert places(work) == {"p-1": (4, {"done": 4}), "p-2": (1, {"open": 1})}
    load(work, a_row(1, vote("Dan", 1, 2)), a_row(2, vote("Dan", 1, 2)))
    assert places(work) == {"p-1": (5, {"done": 5}), "p-2": (2, {"done": 1, "open": 1})}
    queue.change_overlap(work, 2)
    assert places(work) == {"p-1": (6, {"done": 5, "open": 1}), "p-2": (3, {"done": 1, "open": 2})}


def test_its_own_people_still_label_each_task_as_often_as_it_asks_for():
    work = make.a_queue(kind="compare", overlap=2)
    load(work, *(a_row(n, vote("Ann", 1, 2), vote("Bob", 2, 1)) for n in range(3)))
    people = [make.a_member(work.project) for _ in range(3)]
    while any(isinstance(queue.claim(one, work), int) for one in people):
        for one in people:
            if isinstance(queue.claim(one, work), int):
                make.a_label(one, work)
    by_task = Counter(Label.objects.values_list("task", flat=True))
    assert set(by_task.values()) == {4}
    assert sum(Seat.objects.values_list("done", flat=True)) == 6


def test_progress_is_of_a_queues_own_people_and_the_lists_hold_all():
    work = make.a_queue(kind="compare", overlap=1)
    load(work, *(a_row(n, vote("Ann", 1, 2), vote("Bob", 2, 1)) for n in range(4)))
    make.a_label(make.a_member(work.project), work)
    found = counting.of_queue(work)
    assert (found.labels, found.outside, found.answered, found.places, found.percent) == (9, 8, 1, 4, 25)
    assert found.people == 1
    assert found.done == counting.places(work, Assignment.State.DONE).count() == 9
    assert counting.labels(work).count() == 9


@pytest.mark.django_db(transaction=True)
def test_a_task_may_get_further_places_while_labels_of_it_come_in(monkeypatch):
    """The sweep's place and the labels' places never have the same number."""
    work = make.a_queue(kind="rank")
    load(work, a_row(1), a_row(2))
    tasks, make_room = list(Task.objects.values_list("pk", flat=True)), outside.make_room
    sweeps = []

    def meanwhile(*given):
        sweeps.append(in_a_thread(lambda: add_places(work, tasks)))
        until_it_waits(sweeps[0])
        make_room(*given)

    monkeypatch.setattr(outside, "make_room", meanwhile)
    job = load(work, a_row(1, vote("ann", 1, 2)), a_row(2, vote("ann", 2, 1)))
    assert (job.state, job.labels_added, sweeps[0].result(10)) == ("done", 2, 2)
    assert set(Task.objects.values_list("places", flat=True)) == {3}
    assert Assignment.objects.count() == 6


# --- People ----------------------------------------------------------------------------------------------------------


def test_nobody_signs_in_as_somebody_outside(client):
    work = make.a_queue(kind="compare")
    load(work, a_row(1, vote("Ann", 1, 2)))
    person = OutsideAnnotator.objects.get().user
    assert (person.name, person.is_active, person.has_usable_password()) == ("Ann", False, False)
    assert authenticate(username=person.email, password="") is None
    assert authenticate(username=person.email, password=person.password) is None
    person.set_password("correct horse")  # not even if an admin gave them one
    person.save()
    client.post(reverse("sign-in"), {"username": person.email, "password": "correct horse"})
    assert "_auth_user_id" not in client.session
    assert [*PasswordResetForm().get_users(person.email)] == []
    _token, secret = Token.issue(person, "t", ["read"])
    assert access.bearer(secret) is None
    with pytest.raises(ValidationError):
        projects.add_member(work.project, work.created_by, person.email, Role.ANNOTATOR)
    assert not Seat.objects.exists()
    assert not Member.objects.filter(user=person).exists()


def test_managers_see_a_name_and_reviewers_and_files_a_pseudonym():
    cast = a_cast(kind="compare", overlap=1)
    load(cast.queue, a_row(1, vote("Ann Outside", 1, 2)), a_row(2, vote("Ann Outside", 2, 1)))
    label = Label.objects.order_by("pk")[0]
    pseudonym = cast.project.pseudonym(label.annotator_id)
    addresses = [
        reverse("queue", args=[cast.queue.pk]),
        reverse("labels", args=[cast.queue.pk]),
        reverse("labels", args=[cast.queue.pk]) + f"?by={pseudonym}",
        reverse("places", args=[cast.queue.pk]) + "?state=done",
        reverse("task", args=[label.task_id]),
        reverse("label", args=[label.pk]),
    ]
    for address in addresses:
        for who, shown, hidden in (("owner", "Ann Outside", "former"), ("reviewer", pseudonym, "Ann Outside")):
            answer = cast.client(who).get(address)
            assert answer.status_code == 200
            assert shown in answer.content.decode(), (address, who)
            assert hidden not in answer.content.decode(), (address, who)
    for address in (reverse("people", args=[cast.project.slug]), reverse("queue-people", args=[cast.queue.pk])):
        assert "Ann Outside" not in cast.client("owner").get(address).content.decode()
    review = reviewing.review(cast.people["reviewer"], label, "reject", "Both are wrong.")
    assert review.verdict == "reject"
    rows = [*exporting.rows(cast.queue, "raw", {})]
    assert {row["annotator"] for row in rows} == {pseudonym}
    assert "Ann" not in json.dumps(rows)


# --- Real votes ------------------------------------------------------------------------------------------------------


def test_pandalms_votes_are_labels_that_agree_as_published_and_export_as_pairs():
    work = make.a_queue(kind="compare", options=running.checked_options("compare", {}))
    for expected in ((500, 0, 0, 1500, 0), (0, 500, 0, 0, 1500)):
        with (research.folder() / "pandalm" / "votes_500.json").open("rb") as file:
            job = importing.run_now(work, work.created_by, file, "votes_500.json")
        assert (job.format, counts(job)) == ("pandalm", expected)

    assert len([*exporting.rows(work, "raw", {})]) == 1500
    assert len([*exporting.rows(work, "preference", {})]) == 1235 - 18  # one of the two answers is empty

    votes: dict[int, list[Label]] = {}
    for label in Label.objects.order_by("task"):
        votes.setdefault(label.annotator_id, []).append(label)
    assert [len(one) for one in votes.values()] == [500] * 3
    for one, other in combinations(votes.values(), 2):
        pairs = [(first.payload, second.payload) for first, second in zip(one, other, strict=True)]
        assert 0.8 < kappa([(first["winner"], second["winner"]) for first, second in pairs]) < 0.9
        assert fmean(work.way.distance(first, second) for first, second in pairs) < 0.1


def kappa(pairs):
    """Cohen's kappa of two people's votes; those of PandaLM are published as about 0.85."""
    agreed = fmean(one == other for one, other in pairs)
    first, second = (Counter(votes) for votes in zip(*pairs, strict=True))
    by_chance = sum(first[vote] * second[vote] for vote in first) / len(pairs) ** 2
    return (agreed - by_chance) / (1 - by_chance)

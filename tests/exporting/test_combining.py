"""Several raters' labels of a task as one: majority, consensus, under common letters."""

import json
from collections import Counter
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from annotate import consensus, exporting, horizons, kinds, labelling
from annotate.exporting import combining, reading
from annotate.exporting.base import Counts
from annotate.kinds import Kind, several, texts
from annotate.models import Label, Task
from tests import factories as make
from tests.exporting.test_streams import amend


def says(person, work, payload):
    """A label of the person's next task; the payload's letters are of the task's responses in their order."""
    place = make.a_lease(person, work)
    given = dict(zip(place.task.response_ids, kinds.letters_for(9), strict=False))
    names = {given[pk]: letter for pk, letter in zip(place.shown(), kinds.letters_for(9), strict=False)}
    checked = labelling.check(place, work.way.rename(payload, names))
    return labelling.submit(person, place, labelling.Answer(checked, place.fence)).label_id


def better(letter, strength=2):
    return {"winner": letter, "comment": ""} | ({"strength": strength} if letter in "ab" else {})


def a_rated_queue(*tasks, kind="compare"):
    """A queue with a task for each list of payloads, one by each of so many people; the texts are 0 and 1."""
    work = make.a_queue(kind=kind, overlap=max(map(len, tasks)))
    for said in tasks:
        make.a_task(work, responses=[str(n) for n in range(2 if kind == "compare" else 4)], places=len(said))
    for nth in range(work.overlap):
        person = make.a_member(work.project)
        for said in tasks:
            if nth < len(said):
                says(person, work, said[nth])
    return work


def chosen(work, **options):
    """(chosen, rejected) of each row, by the places of the responses in their task."""
    rows = exporting.rows(work, "preference-text", options)
    return [(row["chosen"], row["rejected"]) for row in rows]


@pytest.mark.django_db
def test_majority_consensus_and_each():
    work = a_rated_queue(
        [better("a", 1), better("a", 3), better("b", 1)],  # two of three
        [better("a"), better("b")],  # one all
        [better("b"), better("tie"), better("both_bad")],  # three answers
        [better("b", 3)],  # the only one
        [better("tie"), better("tie"), better("a")],
    )
    each = exporting.count(work, "preference")
    assert (each.labels, each.rows, each.undecided) == (12, 8, 0)
    counts = Counts()
    lines = b"".join(exporting.stream(work, "preference", {"raters": "majority"}, counts=counts)).splitlines()
    rows = [json.loads(line) for line in lines]
    assert chosen(work, raters="majority") == [("0", "1"), ("1", "0")]
    assert [row["preference_strength"] for row in rows] == [1.0, 3.0]  # the lower median of those who agree
    first, *_others = Task.objects.order_by("pk")
    assert rows[0]["group_id"] == f"task-{first.pk}"
    assert (counts.labels, counts.undecided, counts.rows, counts.ties_dropped) == (12, 2, 2, 1)
    assert exporting.count(work, "preference", {"raters": "majority"}) == counts
    together = exporting.count(work, "preference", {"raters": "consensus"})
    assert (together.rows, together.undecided, together.ties_dropped) == (2, 0, 3)
    assert chosen(work, raters="consensus") == [("0", "1"), ("1", "0")]


@pytest.mark.django_db
def test_votes_are_kept_under_the_letters_of_the_task_however_each_was_shown():
    payloads = [{"ranks": {"a": 1, "b": 2, "c": 3, "d": nth}, "unusable": [], "comment": ""} for nth in (4, 3, 2)]
    work = a_rated_queue(payloads, kind="rank")
    assert len({tuple(one.shown) for one in Label.objects.all()}) > 1, "shown in the same order to all"
    span = reading.Span(work, 0, horizons.of_labels(work))
    (labels,) = reading.tasks(span, reading.Depth.TEXTS)
    assert [one.payload["ranks"] for one in labels] == [one["ranks"] for one in payloads]
    (label,) = combining.combined([labels], consensus.get("consensus"), Counts())
    assert [one["ranks"] for one in label.votes] == [one["ranks"] for one in payloads]
    assert label.payload["ranks"] == {"a": 1, "b": 2, "c": 3, "d": 3}  # by mean place
    assert {letter: one.text for letter, one in label.responses.items()} == dict(zip("abcd", "0123", strict=True))


@pytest.mark.django_db
def test_amendments_and_choices_hold_for_votes_too():
    work = a_rated_queue([better("a"), better("a"), better("b")])
    newest = Label.objects.order_by("pk").last()
    wins = {"a": "b", "b": "a"}[newest.payload["winner"]]
    amended = amend(newest.pk, newest.payload | {"winner": wins})
    (label,) = combining.combined(
        reading.tasks(reading.Span(work, 0, amended), reading.Depth.TEXTS), consensus.get("majority"), Counts()
    )
    assert [one["winner"] for one in label.votes] == ["a", "a", "a"] and label.id == amended
    (before,) = combining.combined(
        reading.tasks(reading.Span(work, 0, newest.pk), reading.Depth.TEXTS), consensus.get("majority"), Counts()
    )
    assert [one["winner"] for one in before.votes] == ["a", "a", "b"]
    with pytest.raises(ValidationError) as refused:
        exporting.count(work, "raw", {"raters": "majority", "labels": "all"})
    assert "raters" in refused.value.message_dict
    assert exporting.count(work, "raw", {"raters": "majority"}).rows == 1
    (raw,) = exporting.rows(work, "raw", {"raters": "majority"})
    assert raw["annotator"] == ""


@pytest.mark.django_db
@pytest.mark.parametrize("page", [1, 2, 100])
def test_since_gives_tasks_with_new_labels_with_all_their_labels(monkeypatch, page):
    monkeypatch.setattr(reading, "FIRST_PAGE", page)
    monkeypatch.setattr(reading, "LONGEST_PAGE", page)
    work = a_rated_queue([better("a"), better("b"), better("b")], [better("a")], [better("tie"), better("b")])
    labels = list(Label.objects.order_by("pk").values_list("pk", "task_id"))
    first, second, third = sorted({task for _pk, task in labels})

    def groups(since):
        found = reading.tasks(reading.Span(work, since, labels[-1][0]), reading.Depth.TEXTS)
        return [(some[0].task_id, len(some)) for some in found]

    assert groups(0) == [(first, 3), (second, 1), (third, 2)]
    assert groups(labels[2][0]) == [(first, 3), (third, 2)]
    assert groups(labels[4][0]) == [(first, 3)]
    assert groups(labels[-1][0]) == []


class Told(Kind):
    """Counts how often two answers are compared."""

    compared = 0

    def distance(self, one, other):
        Told.compared += 1
        return float(one["says"] != other["says"])

    def consensus(self, payloads):
        return payloads[0]

    def example(self):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("said", "answer"),
    [("a", "a"), ("ab", None), ("aba", "a"), ("bbaaa", "a"), ("abcaa", "a"), ("abcab", None), ("baaab" * 200, "a")],
)
def test_a_majority_is_found_by_looking_at_each_answer_twice(said, answer, monkeypatch):
    monkeypatch.setattr(Told, "compared", 0)
    payloads = [{"says": one, "comment": nth} for nth, one in enumerate(said)]
    found = consensus.get("majority").say(consensus.Votes(Told(), [], payloads, range(len(said))))
    assert (found and found.payload["says"]) == answer
    assert Told.compared <= 2 * len(said)


def test_agreement_of_very_many_is_of_a_fair_sample_and_worked_out_once_a_label(monkeypatch):
    monkeypatch.setattr(Told, "compared", 0)
    many = [{"says": nth % 2, "comment": nth} for nth in range(32)]
    assert kinds.agreement(Told(), many) == pytest.approx(15 / 31) and Told.compared == 496
    alike = [{"says": 1, "comment": nth} for nth in range(1_000)]
    assert kinds.agreement(Told(), alike) == 1.0 and Told.compared == 496 + 1_000
    assert kinds.agreement(Told(), [{"says": 1}] * 1_000) == 1.0 and Told.compared == 496 + 1_000, "the same letters"
    met = Counter(one for two in several.each_two(100) for one in two)
    assert set(met.values()) == {10} and list(several.each_two(100)) == list(several.each_two(100))
    assert [len(list(several.each_two(count))) for count in (0, 1, 2, 33)] == [0, 0, 1, 33 * 15]


@pytest.mark.parametrize("count", [2, 3, 40, 200])
def test_the_text_nearest_to_all_is_found_with_a_bound(count, monkeypatch):
    asked: list[Any] = []
    true = texts.distance

    def counted(one, other):
        asked.append(1)
        return true(one, other)

    monkeypatch.setattr(texts, "distance", counted)
    said = [{"text": "a b c" if nth % 3 else f"other {nth}"} for nth in range(count)]
    found = texts.medoid(said)
    assert found == (None if count == 2 else {"text": "a b c"}) and len(asked) <= count * texts.MOST


@pytest.mark.django_db
def test_tasks_are_read_so_many_at_a_time_that_their_labels_are_few(monkeypatch):
    work = a_rated_queue(*([better("a")] * 3 for _ in range(5)), [better("b")])
    last = Label.objects.latest("pk").pk
    pages: list[int] = []
    true = reading._page

    def counted(rows, *about):
        pages.append(len(rows))
        return true(rows, *about)

    monkeypatch.setattr(reading, "_page", counted)
    for size, expected in ((4, 3), (6, 6)):
        monkeypatch.setattr(reading, "FIRST_PAGE", size)
        monkeypatch.setattr(reading, "LONGEST_PAGE", size)
        pages.clear()
        found = list(reading.tasks(reading.Span(work, 0, last), reading.Depth.TEXTS))
        assert [len(one) for one in found] == [3, 3, 3, 3, 3, 1] and sum(pages) == 16
        assert max(pages) <= size and max(pages) >= expected

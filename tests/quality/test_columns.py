"""Columns say what the labels say: held against the database label by label, however they were read and kept."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import blake2b

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotate import kinds
from annotate.models import Guideline, Label, Prompt, Review, Role, Segment, Task
from annotate.quality import columns, gathering, segments, style
from tests import factories

pytestmark = pytest.mark.django_db


def worked(kind, tasks=4, people=3, **fields):
    """A queue in which each of some people labelled each task, with one of the kind's two example answers."""
    work = factories.a_queue(kind=kind, overlap=people, **fields)
    for _nth in range(tasks):
        factories.a_task(work)
    users = [factories.a_member(work.project) for _nth in range(people)]
    example = work.way.example()
    answers = itertools.cycle([example.payload, example.payload, example.other_payload])
    for user in users:
        for _nth in range(tasks):
            factories.a_label(user, work, next(answers))
    return work, users


def amended(label, payload, user=None):
    """Another label over this one, by its annotator or by somebody else."""
    return Label.objects.create(
        assignment=label.assignment,
        task=label.task,
        queue=label.queue,
        annotator=user or label.annotator,
        payload=payload,
        shown=label.shown,
        fence=label.fence,
        body_digest=b"",
        supersedes=label,
    )


def test_columns_are_what_the_labels_say(each_kind):
    work, _users = worked(each_kind)
    found = columns.load(work)
    rows = list(Label.objects.filter(queue=work).select_related("task__prompt").order_by("pk"))
    facts = [
        (one.pk, one.task_id, one.task.prompt_id, one.annotator_id, one.supersedes_id or 0, one.active_seconds)
        for one in rows
    ]
    held = zip(found.label, found.task, found.prompt, found.annotator, found.supersedes, found.seconds, strict=True)
    assert [tuple(one) for one in held] == facts
    assert found.created == pytest.approx([one.created_at.timestamp() for one in rows])
    assert found.horizon == rows[-1].pk
    assert found.counts.all() and not found.fixed.any()
    assert said(found) == [one for label in rows for one in expected_opinions(work, label)]
    assert won(found) == sorted(one for label in rows for one in expected_comparisons(work, label))


@pytest.fixture(params=[kind.name for kind in kinds.all_kinds()])
def each_kind(request):
    return request.param


def said(found):
    """The opinions of columns, items by name: the same number for the same item of a task, and for no other."""
    label, measure = found.label[found.said_label], [found.measures[one].name for one in found.said_measure]
    return [
        (int(one), name, int(item), value)
        for one, name, item, value in zip(label, measure, found.said_item, found.said_value, strict=True)
    ]


def expected_opinions(work, label):
    names = kinds.letters_for(len(label.task.response_ids))
    order = sorted(label.task.response_ids, key=lambda one: blake2b(one.to_bytes(8), digest_size=8).digest())
    own = dict(zip(order, names, strict=True))
    renamed = dict(zip(names, (own[one] for one in label.shown), strict=False))
    answer = work.way.rename(label.payload, renamed)
    for one in work.way.opinions(answer, names, work.options):
        item = columns._items(np.array([label.task_id]), [one.item], np.array([0]))[0]
        yield label.pk, one.measure, int(item), one.value


def won(found):
    label = found.label[found.won_label].tolist()
    sides = (found.response[found.winner].tolist(), found.response[found.loser].tolist())
    models = ([found.models[one] for one in found.model[side]] for side in (found.winner, found.loser))
    rest = (found.tie, found.strength, found.winner_place, found.loser_place)
    rows = zip(label, *sides, *models, *(one.tolist() for one in rest), strict=True)
    return sorted(map(sides_of, rows))


def expected_comparisons(work, label):
    letters = kinds.letters_for(len(label.shown))
    ids = dict(zip(letters, label.shown, strict=True))
    names = {one.pk: one.model for one in label.task.prompt.responses.all()}
    for one in (*work.way.comparisons(label.payload), *work.way.outdone(label.payload)):
        winner, loser = ids.get(one.winner, -1 - label.pk), ids.get(one.loser, -1 - label.pk)
        places = (letters.index(side) if side in letters else -1 for side in (one.winner, one.loser))
        models = (names.get(winner, "human"), names.get(loser, "human"))
        yield sides_of((label.pk, winner, loser, *models, one.tie, one.strength or 0, *places))


def sides_of(row):
    """A comparison; of a tie, which has no better side, the one with the smaller id first."""
    label, winner, loser, better, worse, tie, strength, first, second = row
    if tie and winner > loser:
        return label, loser, winner, worse, better, tie, strength, second, first
    return row


def test_responses_have_their_facts():
    texts = ["- one\n- two\n\n# Three\n\n**four** and __five__", "plain\n\n```\n- six\n**seven**\n```\n"]
    work = factories.a_queue(kind="compare")
    task = factories.a_task(work, responses=texts, models=["dressed", "plain"])
    factories.a_label(factories.a_member(work.project), work)
    found = columns.load(work)
    assert found.response.tolist() == task.response_ids
    assert [found.models[one] for one in found.model] == ["dressed", "plain"]
    assert found.prompt_of.tolist() == [task.prompt_id] * 2
    assert found.length.tolist() == [len(one) for one in texts]
    shapes = [getattr(found, name).tolist() for name in ("lists", "bold", "headers", "code")]
    assert shapes == [[2, 0], [2, 0], [1, 0], [0, 1]]


def test_what_an_annotator_wrote_is_a_response_of_theirs():
    work, _users = worked("edit", tasks=2, people=1)
    found = columns.load(work)
    written = found.response[found.winner]
    assert written.tolist() == (-1 - found.label).tolist()
    assert {found.models[one] for one in found.model[found.winner]} == {"human"}
    assert found.prompt_of[found.winner].tolist() == found.prompt.tolist()
    texts = [one.payload["text"] for one in Label.objects.filter(queue=work).order_by("pk")]
    assert found.length[found.winner].tolist() == [len(one) for one in texts]


# --- Read once -------------------------------------------------------------------------------------------------------


def same(one, other):
    """Whether two columns hold the same, be responses and words numbered otherwise."""
    for name in (*segments.LABELS, "role", "stands"):
        if name != "category":
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    categories = ([found.categories[nth] for nth in found.category] for found in (one, other))
    assert next(categories) == next(categories)
    assert said(one) == said(other)
    assert won(one) == won(other)
    assert facts_of(one) == facts_of(other)


def facts_of(found):
    names = ("response", "prompt_of", "length", "lists", "bold", "headers", "code")
    rows = zip(*(getattr(found, name).tolist() for name in names), strict=True)
    return sorted((*row, found.models[model]) for row, model in zip(rows, found.model, strict=True))


def anew(work, horizon=None):
    segments.drop(work)
    return columns.load(work, horizon)


@pytest.mark.parametrize("kind", ["rank", "edit", "write", "criteria"])
def test_read_bit_by_bit_is_read_at_once(kind, monkeypatch):
    monkeypatch.setattr(segments, "MOST_LABELS", 5)
    monkeypatch.setattr(gathering, "MOST_LABELS", 5)
    monkeypatch.setattr(gathering, "FIRST_PAGE", 2)
    work, _users = worked(kind, tasks=5)
    ids = list(Label.objects.filter(queue=work).order_by("pk").values_list("pk", flat=True))
    for horizon in ids:
        columns.load(work, horizon)
    rows = list(Segment.objects.filter(queue=work).order_by("after"))
    assert [one.last for one in rows[:-1]] == [one.after for one in rows[1:]]
    assert sum(one.labels for one in rows) == 15 and max(one.labels for one in rows) <= 5
    assert len(rows) <= 6
    bit_by_bit = columns.load(work)
    same(bit_by_bit, anew(work))
    for horizon in (ids[0], ids[6], ids[-2]):
        same(columns.load(work, horizon), anew(work, horizon))


def test_what_is_kept_is_not_read_again():
    work, users = worked("rank")
    before = columns.load(work)
    with CaptureQueriesContext(connection) as asked:
        columns.load(work, before.horizon)
    assert not any("annotate_label" in one["sql"] for one in asked)
    factories.a_task(work)
    newest = factories.a_label(users[0], work)
    with CaptureQueriesContext(connection) as asked:
        after = columns.load(work)
    assert after.label.tolist() == [*before.label, newest]
    pages = [one["sql"] for one in asked if "l.payload" in one["sql"]]
    assert all(f"l.id > {one}" in page for one, page in zip((before.horizon, newest), pages, strict=False))


def test_other_options_read_everything_anew():
    axes = [{"name": "overall", "low": 1, "points": ["", "", ""]}]
    work = factories.a_queue(kind="rate", options={"axes": axes})
    factories.a_task(work)
    payload = {"scores": {"a": {"overall": 3}, "b": {"overall": 1}}, "scales": {"overall": [1, 3]}, "comment": ""}
    factories.a_label(factories.a_member(work.project), work, payload)
    assert sorted(columns.load(work).said_value) == [1, 3]
    work.options = {"axes": [axes[0] | {"points": ["", "", "", "", ""]}]}
    work.save()
    assert columns.load(work).said_value.tolist() == []  # 3 of 3 is no 3 of 5
    assert Segment.objects.get(queue=work).labels == 1


def test_a_segment_taken_away_by_hand_is_no_gap(monkeypatch):
    monkeypatch.setattr(segments, "MOST_LABELS", 4)
    monkeypatch.setattr(gathering, "MOST_LABELS", 4)
    work, _users = worked("compare")
    before = columns.load(work)
    Segment.objects.filter(queue=work).earliest("after").delete()
    same(columns.load(work), before)
    assert sum(one.labels for one in Segment.objects.filter(queue=work)) == 12


def test_no_labels_are_columns_too():
    found = columns.load(factories.a_queue(kind="rank"))
    assert found.horizon == 0
    assert all(len(getattr(found, name)) == 0 for name in segments.TYPES)
    assert len(found.opinions("order").value) == 0


@pytest.mark.django_db(transaction=True)
def test_two_who_load_at_once_keep_one(monkeypatch):
    monkeypatch.setattr(segments, "MOST_LABELS", 5)
    monkeypatch.setattr(gathering, "MOST_LABELS", 5)
    work, _users = worked("rank", tasks=6)
    together = threading.Barrier(3)

    def one(_nth):
        together.wait()
        try:
            return columns.load(work)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as threads:
        first, *others = threads.map(one, range(3))
    for other in others:
        same(first, other)
    rows = list(Segment.objects.filter(queue=work).order_by("after"))
    assert [one.last for one in rows[:-1]] == [one.after for one in rows[1:]]
    same(columns.load(work), anew(work))


# --- What counts -----------------------------------------------------------------------------------------------------


def test_an_amended_label_stands_no_more_and_a_fix_is_the_fixers():
    work, _users = worked("compare", tasks=2, people=2)
    first, second, *_others = Label.objects.filter(queue=work).order_by("pk")
    before = columns.load(work)
    reviewer = factories.a_member(work.project, role=Role.REVIEWER)
    payload = {"winner": "tie", "comment": ""}
    own, fix = amended(first, payload), amended(second, payload, reviewer)
    found = columns.load(work)
    assert found.label[~found.stands].tolist() == [first.pk, second.pk]
    assert found.label[found.fixed].tolist() == [fix.pk]
    assert found.annotator[found.label == fix.pk].tolist() == [reviewer.pk]
    assert found.supersedes[-2:].tolist() == [first.pk, second.pk]
    said = found.opinions("preference")
    assert set(said.label.tolist()) == set(found.label.tolist()) - {first.pk, second.pk}
    assert said.value[np.isin(said.label, [own.pk, fix.pk])].tolist() == [1, 1]
    assert columns.load(work, before.horizon).stands.all()  # as it was then


def test_checks_do_not_count_and_a_task_may_become_one_later():
    work, _users = worked("compare", tasks=2, people=2)
    assert columns.load(work).counts.all()
    task = Task.objects.filter(queue=work).earliest("pk")
    Task.objects.filter(pk=task.pk).update(role=Task.Role.GOLD, gold={"winner": "a", "comment": ""})
    found = columns.load(work)
    assert {found.roles[one] for one in found.role[found.task == task.pk]} == {"gold"}
    assert found.task[found.counts].tolist() == found.task[found.task != task.pk].tolist()
    assert task.pk not in found.opinions("preference").task


def test_picked_labels_keep_what_they_said():
    work, users = worked("rank", tasks=3, people=3)
    found = columns.load(work)
    mine = found.annotator == users[1].pk
    picked = found.pick(mine)
    assert said(picked) == [one for one in said(found) if one[0] in set(found.label[mine])]
    assert won(picked) == [one for one in won(found) if one[0] in set(found.label[mine])]
    assert picked.opinions("order").rater.tolist() == [users[1].pk] * 18
    narrowed = found.opinions("order", found.among(found.label[:2]))
    assert set(narrowed.label.tolist()) == set(found.label[:2].tolist())
    with pytest.raises(KeyError):
        found.opinions("nothing of the kind")


def test_labels_tell_prompts_categories_guidelines_and_weeks():
    work = factories.a_queue(kind="compare")
    task = factories.a_task(work, models=["one", "two"])
    Prompt.objects.filter(pk=task.prompt_id).update(category="chat")
    guideline = Guideline.objects.create(project=work.project, version=3, text="Be fair.", author=work.created_by)
    user = factories.a_member(work.project)
    place = factories.a_lease(user, work)
    payload = work.way.example().payload
    label = Label.objects.create(
        assignment=place,
        task=task,
        queue=work,
        annotator=user,
        payload=payload,
        shown=place.shown(),
        fence=place.fence,
        body_digest=b"",
        guideline=guideline,
    )
    found = columns.load(work)
    assert (found.prompt.tolist(), found.label.tolist()) == ([task.prompt_id], [label.pk])
    assert [found.categories[one] for one in found.category] == ["chat"]
    assert found.guideline.tolist() == [3]
    winner = label.shown[0]  # the example's payload prefers "a"
    assert [found.models[one] for one in found.model[found.winner]] == [["one", "two"][task.response_ids.index(winner)]]
    begin = columns.week_begin(int(found.week[0]))
    assert datetime.fromtimestamp(begin, UTC).weekday() == 0
    assert begin <= label.created_at.timestamp() < begin + columns.WEEK


def test_rejected_is_what_the_newest_review_says():
    work, _users = worked("compare", tasks=3, people=1)
    labels = list(Label.objects.filter(queue=work).order_by("pk"))
    reviewer = factories.a_member(work.project, role=Role.REVIEWER)

    def review(label, verdict):
        return Review.objects.create(label=label, reviewer=reviewer, verdict=verdict, reason="because")

    review(labels[0], "reject")
    early = review(labels[1], "reject")
    review(labels[1], "accept")
    last = review(labels[2], "reject")
    assert columns.rejected(work, last.pk).tolist() == [labels[0].pk, labels[2].pk]
    assert columns.rejected(work, early.pk).tolist() == [labels[0].pk, labels[1].pk]


# --- Style -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (0, 0, 0, 0)),
        ("plain - with * signs 1. and # too", (0, 0, 0, 0)),
        ("1. one\n 2. two\n* three\n+ four\n-five", (4, 0, 0, 0)),
        ("# One\n###### Six\n####### none\n#none", (0, 0, 2, 0)),
        ("**one** __two__ **not\nover lines**", (0, 2, 0, 0)),
        ("**one** *two* and **one __in** another__", (0, 2, 0, 0)),
        ("**one** and **one**", (0, 2, 0, 0)),
        ("__one__ and _two_ of snake_case__", (0, 1, 0, 0)),
        ("```py\n# no\n- no\n**no**\n```\n- yes\n```\n`no`\n- no", (1, 0, 0, 2)),
    ],
)
def test_style_counts_what_stands_out(text, expected):
    assert style.of(text) == (len(text), *expected)

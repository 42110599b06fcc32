"""Files out over REST: what is told of the formats, what is asked, and where the next one goes on."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotate import exporting, reviewing
from annotate.models import Label, Prompt, Queue
from tests.api.callers import PROBLEM, Caller, lines
from tests.factories import a_label, a_member, a_queue, a_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue() -> Queue:
    """Three labelled tasks, two of them of a category."""
    work = a_queue(kind="compare", overlap=1)
    for nth in range(3):
        prompt = a_task(work).prompt
        Prompt.objects.filter(pk=prompt.pk).update(category=["poems", "sums", "maps"][nth], tags=[f"t{nth}"])
    for _ in range(3):
        a_label(a_member(work.project), work)
    return work


@pytest.fixture
def caller(queue: Queue) -> Caller:
    return Caller(queue.created_by)


def rows(caller: Caller, queue: Queue, query: str) -> list[Any]:
    return lines(caller.get(f"/queues/{queue.pk}/export?format=preference&{query}"))


def test_formats_tell_their_options_those_of_all_and_how_trainers_load_them(caller: Caller) -> None:
    told = caller.get("/formats").json()
    assert [one["name"] for one in told["results"]] == [one.name for one in exporting.formats()]
    assert [one["name"] for one in told["common_options"]] == list(exporting.CommonOptions.base_fields)
    of = {one["name"]: one for one in told["results"]}
    assert "pairs" in [one["name"] for one in of["preference"]["options"]]
    assert "preference.parquet" in of["preference"]["snippets"]["TRL"]


def test_where_one_ends_the_next_begins(caller: Caller, queue: Queue) -> None:
    answer = caller.get(f"/queues/{queue.pk}/export?format=preference")
    horizon = answer.headers["Preceptor-Horizon"]
    assert len(lines(answer)) == 3 and rows(caller, queue, f"since={horizon}") == []
    a_task(queue)
    a_label(a_member(queue.project), queue)
    assert len(rows(caller, queue, f"since={horizon}")) == 1


def test_the_end_is_told_where_it_is_asked_for(caller: Caller, queue: Queue) -> None:
    usual, ended = rows(caller, queue, ""), rows(caller, queue, "end=true")
    assert ended == [*usual, {"$end": {"rows": 3}}]
    assert rows(caller, queue, "end=true&category=none") == [{"$end": {"rows": 0}}]
    parquet = caller.get(f"/queues/{queue.pk}/export?format=preference&container=parquet&end=true")
    assert b"".join(parquet.streaming_content).endswith(b"PAR1")


def test_options_of_all_formats_are_asked_beside_the_formats_own(caller: Caller, queue: Queue) -> None:
    for query, expected in (
        ("category=poems", 1),
        ("category=poems,sums", 2),
        ("category=poems&category=maps", 2),
        ("tag=t1&category=poems", 0),
        ("fold_system=true&pairs=best-worst", 3),
    ):
        assert len(rows(caller, queue, query)) == expected, query
        count = caller.get(f"/queues/{queue.pk}/export/count?format=preference&{query}").json()
        assert count["rows"] == expected, query
    split = caller.get(f"/queues/{queue.pk}/export/count?format=preference&held_out=poems&max_tokens=1").json()
    assert (split["rows"], split["too_long"], len(split["left_out"])) == (0, 3, 3)
    split = caller.get(f"/queues/{queue.pk}/export/count?format=preference&held_out=poems").json()
    assert split["splits"]["held_out"] == 1


def test_how_many_rejected_labels_are_missing_is_told_with_the_file(caller: Caller, queue: Queue) -> None:
    label = Label.objects.filter(queue=queue).order_by("pk")[0]
    reviewing.review(queue.created_by, label, "reject", "No.")
    told = []
    for query in ("", "&reviewed=any"):
        answer = caller.get(f"/queues/{queue.pk}/export?format=preference{query}")
        told.append((answer.headers["Preceptor-Rejected-Left-Out"], len(rows(caller, queue, query.lstrip("&")))))
        counted = caller.get(f"/queues/{queue.pk}/export/count?format=preference{query}").json()
        assert str(counted["rejected_left_out"]) == told[-1][0]
    (without, some), (nothing, everything) = told
    assert (without, nothing) == ("1", "0") and some < everything


def test_rejected_labels_are_counted_once_for_the_header_and_the_file(caller: Caller, queue: Queue) -> None:
    reviewing.review(queue.created_by, Label.objects.filter(queue=queue)[0], "reject", "No.")
    with CaptureQueriesContext(connection) as said:
        assert len(rows(caller, queue, "")) > 0
    assert sum(one["sql"].endswith("AS rejected") for one in said) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("splits=train=2", "splits"),
        ("fold_system=yes", "fold_system"),
        ("colour=red", "colour"),
        ("end=maybe", "end"),
        ("benchmarks=unknown", "benchmarks"),
        ("since=1&reviewed=accepted", "since"),
    ],
)
def test_what_can_not_be_asked_is_refused_by_name(caller: Caller, queue: Queue, query: str, field: str) -> None:
    for path in ("export", "export/count"):
        answer = caller.get(f"/queues/{queue.pk}/{path}?format=preference&{query}")
        assert answer.status_code == 400 and answer.headers["Content-Type"] == PROBLEM
        assert list(answer.json()["errors"]) == [field]

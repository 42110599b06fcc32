"""What the labels can be written as, and the files."""

import io
import json

import pyarrow.parquet as pq
import pytest
from django.urls import reverse

from annotate import exporting
from annotate.models import Queue
from tests import factories as make
from tests.admin_pages.cast import Cast, a_busy_cast, a_cast

pytestmark = pytest.mark.django_db


def names(cast: Cast) -> list[str]:
    return [
        form.name
        for form in exporting.for_kind(cast.queue.way)
        if form.is_asked_for(cast.queue.way, cast.queue.options)
    ]


def test_every_format_is_offered_with_its_rows_counted_and_its_first_row():
    cast = a_busy_cast()
    html = cast.get("manager", "export", cast.queue.pk).content.decode()
    for name in names(cast):
        count = exporting.count(cast.queue, name)
        offer = html.split(f'id="{name}"')[1].split("</section>")[0]
        assert f"{count.rows} rows" in offer
        assert count.ties_dropped == 0 or f"{count.ties_dropped} ties left out" in offer
        assert reverse("api-queue", args=[cast.queue.pk]) + f"/export?format={name}" in offer
        assert reverse("export-file", args=[cast.queue.pk, name, "parquet"]) in offer


@pytest.mark.parametrize("ending", list(exporting.CONTAINERS))
def test_a_file_holds_the_rows_that_were_counted(ending):
    cast = a_busy_cast()
    for name in names(cast):
        answer = cast.get("manager", "export-file", cast.queue.pk, name, ending)
        assert answer.streaming
        assert answer["Content-Type"] == exporting.CONTAINERS[ending].content_type
        assert answer["Content-Disposition"].startswith('attachment; filename="queue-')
        body = answer.getvalue()
        rows = (
            [json.loads(line) for line in body.splitlines()]
            if ending == "jsonl"
            else pq.read_table(io.BytesIO(body)).to_pylist()
        )
        assert rows == list(exporting.rows(cast.queue, name))
        assert len(rows) == exporting.count(cast.queue, name).rows


def test_the_name_of_a_queue_can_not_break_the_header():
    cast = a_cast()
    cast.queue.name = '../a"b\r\nX: y\N{RIGHT-TO-LEFT OVERRIDE}'
    cast.queue.save()
    answer = cast.get("manager", "export-file", cast.queue.pk, "raw", "jsonl")
    assert answer["Content-Disposition"] == 'attachment; filename="ab-x-y-raw.jsonl"'


def test_an_option_is_taken_as_the_page_sends_it():
    cast = a_busy_cast()
    for chosen, expected in (("all", 200), ("none", 404)):
        query = {"chosen": "1", "labels": chosen}
        assert cast.get("manager", "export-file", cast.queue.pk, "raw", "jsonl", query=query).status_code == expected


@pytest.mark.parametrize(("name", "ending"), [("raw", "exe"), ("nothing", "jsonl"), ("unpaired", "jsonl")])
def test_a_format_that_does_not_fit_is_not_found(name, ending):
    cast = a_cast()  # ranks: nobody called a response good or bad
    assert cast.get("manager", "export-file", cast.queue.pk, name, ending).status_code == 404


def test_a_format_is_offered_where_the_queues_options_ask_for_what_it_needs():
    cast = a_cast()
    for improve in ("off", "optional"):
        Queue.objects.filter(pk=cast.queue.pk).update(options={"improve": improve})
        page = cast.get("manager", "export", cast.queue.pk).content.decode()
        assert ("sft-messages" in page) == (improve == "optional")
        assert "preference-text" in page and "ratings" not in page
        assert cast.get("manager", "export-file", cast.queue.pk, "sft-messages", "jsonl").status_code == 200


def test_a_queue_without_labels_says_so():
    cast = a_cast()
    make.a_task(cast.queue)
    assert "No labels yet" in cast.get("manager", "export", cast.queue.pk).content.decode()


def test_many_labels_are_counted_only_when_asked(monkeypatch):
    monkeypatch.setattr("annotate.views.exporting.COUNTED_AT_ONCE", 1)
    cast = a_busy_cast()
    html = cast.get("manager", "export", cast.queue.pk).content.decode()
    assert html.count("Count the rows") == len(names(cast))
    html = cast.get("manager", "export", cast.queue.pk, query={"count": "raw"}).content.decode()
    assert html.count("Count the rows") == len(names(cast)) - 1

"""What the labels can be written as, and the files."""

import html
import io
import json
import re
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.urls import reverse
from django.utils.text import slugify
from playwright.sync_api import expect

from annotate import exporting
from annotate.models import Queue
from tests import factories as make
from tests.admin_pages.cast import HTMX, Cast, a_busy_cast, a_cast
from tests.pages.desk import let_in
from tests.sweep.test_accessible import looked_at

pytestmark = pytest.mark.django_db


def names(cast: Cast) -> list[str]:
    return [
        form.name
        for form in exporting.for_kind(cast.queue.way)
        if form.is_asked_for(cast.queue.way, cast.queue.options)
    ]


def test_every_format_is_offered_by_what_it_is_for():
    cast = a_busy_cast()
    page = cast.get("manager", "export", cast.queue.pk).content.decode()
    offered = re.findall(r'href="\?format=([\w-]+)"', page)
    assert sorted(offered) == sorted(names(cast))
    purposes = re.findall(r'<h2 id="purpose-\d">(.*?)</h2>.*?</section>', page, re.DOTALL)
    assert purposes[0].startswith("Preferences") and purposes[-1] == "Everything else"


def test_a_format_is_shown_with_its_counts_its_first_rows_and_how_to_load_it():
    cast = a_busy_cast()
    for name in names(cast):
        form, count = exporting.get(name), exporting.count(cast.queue, name)
        page = html.unescape(cast.get("manager", "export", cast.queue.pk, query={"format": name}).content.decode())
        assert f"<dt>Rows</dt><dd>{count.rows}</dd>" in page
        assert count.ties_dropped == 0 or f"{count.ties_dropped} ties left out" in page
        first = next(exporting.rows(cast.queue, name), None)
        assert first is None or json.dumps(first, ensure_ascii=False, indent=2)[:4_000] in page
        for snippet in form.snippets(f"{slugify(cast.queue.name)}-{name}.parquet", {}).values():
            assert snippet in page
        assert f"{reverse('api-export', args=[cast.queue.pk])}?format={name}&container=parquet" in page
        assert reverse("export-file", args=[cast.queue.pk, name, "parquet"]) in page
        for field in [*form.options_form.base_fields, *exporting.CommonOptions.base_fields]:
            assert f'name="{field}"' in page


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


def shown(cast: Cast, **query: str) -> Any:
    return cast.get("manager", "export", cast.queue.pk, query={"chosen": "1", **query}, headers=HTMX)


def test_what_is_chosen_is_counted_shown_and_downloaded():
    cast = a_busy_cast()
    query = {"format": "preference", "reviewed": "accepted"}
    part = shown(cast, **query).content.decode()
    assert "<html" not in part and "<dt>Rows</dt><dd>0</dd>" in part and "reviewed=accepted" in part
    file = {"chosen": "1", "reviewed": "accepted"}
    assert cast.get("manager", "export-file", cast.queue.pk, "preference", "jsonl", query=file).getvalue() == b""
    whole = shown(cast, format="preference").content.decode()
    assert "reviewed=" not in whole and whole.count("<summary>Row ") == 3


def test_what_is_wrong_is_said_beside_its_field_and_leads_to_no_file():
    cast = a_busy_cast()
    wrong = {"format": "preference", "splits": "train=2", "chosen": "1"}
    for headers in ({}, HTMX):
        answer = cast.get("manager", "export", cast.queue.pk, query=wrong, headers=headers)
        assert answer.status_code == 422
        assert '<a href="#id_splits">Splits</a>: ' in answer.content.decode()
    page = cast.get("manager", "export", cast.queue.pk, query=wrong).content.decode()
    assert 'id="id_splits_error"' in page and page.count('<details class="folded" open>') == 1
    answer = cast.get("manager", "export-file", cast.queue.pk, "preference", "parquet", query=wrong)
    assert answer.status_code == 303 and cast.client("manager").get(answer["Location"]).status_code == 422


@pytest.mark.parametrize(("name", "ending"), [("raw", "exe"), ("nothing", "jsonl"), ("stepwise", "jsonl")])
def test_a_format_that_does_not_fit_is_not_found(name, ending):
    cast = a_cast()  # ranks: nobody judged a step
    assert cast.get("manager", "export-file", cast.queue.pk, name, ending).status_code == 404
    assert ending == "exe" or cast.get("manager", "export", cast.queue.pk, query={"format": name}).status_code == 404


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
    query = {"format": "raw"}
    page = cast.get("manager", "export", cast.queue.pk, query=query).content.decode()
    assert "<dt>Rows</dt>" not in page
    (link,) = re.findall(r'<a href="(.*?)">Count the rows</a>', page)
    answer = cast.client("manager").get(reverse("export", args=[cast.queue.pk]) + html.unescape(link))
    assert "<dt>Rows</dt>" in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_choice_is_counted_at_once_and_is_in_the_file(page, live_server):
    cast = a_busy_cast()
    every, best = (exporting.count(cast.queue, "preference", {"pairs": pairs}).rows for pairs in ("all", "best-worst"))
    assert best < every
    let_in(page.context, cast.people["manager"], str(live_server))
    page.goto(reverse("export", args=[cast.queue.pk]))
    page.get_by_role("link", name="Preferences preference ").click()
    rows = page.locator("#found dd").first
    expect(rows).to_have_text(str(every))
    page.get_by_label("Pairs of a ranking").select_option("best-worst")
    expect(rows).to_have_text(str(best))
    expect(page.locator("#said")).to_have_text(f"{best} rows.")
    page.get_by_text("Splits and evaluation sets").click()
    page.locator("#id_splits").fill("train=2")
    page.keyboard.press("Tab")
    expect(page.get_by_role("alert").get_by_role("link", name="Splits")).to_be_visible()
    assert looked_at(page, ("light", 1280, 720)) == []
    page.locator("#id_splits").fill("")
    page.keyboard.press("Tab")
    expect(rows).to_have_text(str(best))
    assert looked_at(page, ("light", 320, 640)) == []
    with page.expect_download() as begun:
        page.get_by_role("button", name="Download JSON lines").click()
    assert len(begun.value.path().read_text().splitlines()) == best

"""Every number on a queue's page leads to exactly the rows it counts."""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotate import counting, labelling, queue
from annotate.models import Assignment, Label, Task
from annotate.views import frames
from tests import factories as make
from tests.admin_pages.cast import a_busy_cast, a_cast

pytestmark = pytest.mark.django_db


class Page(HTMLParser):
    """The counts of a page ({name: (number, address)}), the rows of its list, and where its next page is."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.counts: dict[str, tuple[int, str]] = {}
        self.rows, self.following, self._link = 0, "", ("", "")
        self._main = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self._main |= tag == "tbody" or (tag == "ul" and found.get("class") == "rows")
        self.rows += self._main and (tag == "tr" or (tag == "li" and found.get("class") == "row"))
        if "data-count" in found:
            self._link = (found["data-count"], found["href"])
        if found.get("rel") == "next":
            self.following = found["href"]

    def handle_endtag(self, tag):
        if tag in {"tbody", "ul"}:
            self._main = False

    def handle_data(self, data):
        name, address = self._link
        if name:
            self.counts[name] = (int(re.sub(r"\D", "", data)), address)
            self._link = ("", "")


def length(client: Client, address: str) -> int:
    """How many rows the list at an address has, over all its pages."""
    total = 0
    while address:
        page = Page(client.get(address).content.decode())
        total += page.rows
        address = urljoin(address, page.following) if page.following else ""
    return total


NAMES = {"tasks", "open", "leased", "done", "held", "flagged", "closed", "labels", "today", "people", "refused"}


@pytest.mark.parametrize("rows", [50, 2], ids=["one page", "several pages"])
def test_each_count_is_the_length_of_the_list_it_leads_to(rows, monkeypatch):
    monkeypatch.setattr(frames, "ROWS", rows)
    cast = a_busy_cast(tasks=7)
    labelling.resolve_flag(cast.queue.tasks.order_by("-pk")[0], cast.people["owner"], Task.State.CLOSED)
    client = cast.client("owner")
    counts = Page(client.get(reverse("queue", args=[cast.queue.pk])).content.decode()).counts
    assert counts.keys() == NAMES
    assert {name: length(client, address) for name, (_, address) in counts.items()} == {
        name: number for name, (number, _) in counts.items()
    }
    assert all(number for number, _ in counts.values()), "a count of nothing shows nothing"


def test_an_amended_label_counts_once():
    cast = a_busy_cast()
    old = cast.label
    Label.objects.create(
        **{name: getattr(old, name) for name in ("assignment", "task", "queue", "annotator", "shown", "fence")},
        payload=old.payload,
        body_digest=b"",
        supersedes=old,
    )
    counts = counting.of_queue(cast.queue)
    assert (counts.given, counts.labels) == (5, 4)
    assert counting.labels(cast.queue).count() == 4
    assert counting.labels_since(cast.queue, counting.midnight()) == 4
    assert counts.done == counting.places(cast.queue, Assignment.State.DONE).count()


def test_tasks_fall_into_the_states_that_their_places_give():
    cast = a_cast(overlap=1)
    tasks = [make.a_task(cast.queue) for _ in range(4)]
    ann, bea = cast.people["annotator"], make.a_member(cast.project)
    make.a_label(ann, cast.queue)
    make.a_lease(ann, cast.queue)
    labelling.resolve_flag(tasks[3], bea, Task.State.CLOSED)
    found = {state: [task.pk for task in counting.tasks(cast.queue, state)] for state in counting.TASK_STATES}
    assert found == {
        "all": [task.pk for task in tasks],
        "done": [tasks[0].pk],
        "in-hand": [tasks[1].pk],
        "open": [tasks[2].pk],
        "flagged": [],
        "closed": [tasks[3].pk],
        "checks": [],
    }


def test_the_queue_page_costs_the_same_however_much_there_is():
    cast = a_busy_cast()

    def cost() -> int:
        client = cast.client("owner")
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("queue", args=[cast.queue.pk]))
        return len(queries)

    cost()
    few = cost()
    for _ in range(10):
        make.a_task(cast.queue)
    for _ in range(4):
        make.a_label(cast.people["bea"], cast.queue)
    assert cost() == few


def test_a_closed_queue_with_everything_done_is_at_100_percent():
    cast = a_cast(overlap=1)
    make.a_task(cast.queue)
    assert counting.of_queue(cast.queue).percent == 0
    make.a_label(cast.people["annotator"], cast.queue)
    queue.change_state(cast.queue, "closed")
    assert counting.of_queue(cast.queue).percent == 100

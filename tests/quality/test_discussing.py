"""Threads on labels and tasks: who takes part from when on, and what they are told of each other."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from annotate import discussing, reviewing
from annotate.models import Remark, Thread
from tests import factories
from tests.api.callers import Caller
from tests.pages.desk import client_of
from tests.quality.bench import Bench, a_bench, an_answer, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def bench() -> Bench:
    return a_bench(overlap=2)


def test_before_submitting_an_annotator_sees_and_says_nothing_and_after_it_both(bench: Bench) -> None:
    bench.tasks()
    label = bench.label()
    discussing.say(bench.rita, label, "About the label.")
    discussing.say(bench.rita, label.task, "About the task.")
    bea, page = Caller(bench.bea), client_of(bench.bea)
    held = factories.a_lease(bench.bea, bench.work)
    assert held.task_id == label.task_id
    task, none = f"/tasks/{label.task_id}/remarks", f"/tasks/{label.task_id + 1000}/remarks"
    for path, status in ((task, 404), (none, 404), (f"/labels/{label.pk}/remarks", 403)):
        assert [bea.get(path).status_code, bea.post(path, {"text": "Hm."}).status_code] == [status, status]
    assert "About the" not in page.get(f"/queues/{bench.work.pk}/work/").content.decode()
    assert [
        page.get(f"/{what}/{pk}/").status_code for what, pk in (("tasks", label.task_id), ("labels", label.pk))
    ] == [404, 403]

    own = bench.label(bench.bea)
    told = bea.get(f"/labels/{own.pk}/remarks?about=task").json()
    assert [one["text"] for one in told["remarks"]] == ["About the task."]
    for path in (task, none, f"/tasks/{label.task_id}"):  # a new number after a submit would tell of a repeat
        assert bea.get(path).status_code == 404
    assert bea.get(f"/labels/{own.pk}/remarks").json() == {"thread": None, "resolved": False, "remarks": []}
    assert bea.get(f"/labels/{label.pk}/remarks").status_code == 403
    html = page.get(f"/you/labels/{own.pk}/").content.decode()
    assert "About the task." in html and "About the label." not in html
    assert f"/tasks/{label.task_id}" not in html  # ids of tasks tell an order


def test_people_are_told_by_role_and_managers_by_name(bench: Bench) -> None:
    label = bench.label()
    discussing.say(bench.rita, label, "Why <b>B</b>?")
    discussing.say(bench.noor, label, "It is shorter.")

    def told(who: object) -> list[str]:
        return [one["who"] for one in Caller(who).get(f"/labels/{label.pk}/remarks").json()["remarks"]]  # type: ignore[arg-type]

    assert told(bench.noor) == ["a reviewer", "you"]
    assert told(bench.rita) == ["you", "an annotator"]
    assert told(bench.sam) == ["a reviewer", "an annotator"]
    assert told(bench.work.created_by) == ["Rita", "Noor"]
    html = client_of(bench.noor).get(f"/you/labels/{label.pk}/").content.decode()
    assert "Why &lt;b&gt;B&lt;/b&gt;?" in html and "Rita" not in html


def test_a_settled_thread_is_open_again_when_somebody_writes(bench: Bench) -> None:
    label = bench.label()
    thread = discussing.say(bench.rita, label, "Why?").thread
    assert list(discussing.unresolved(bench.work)) == [thread]
    call = Caller(bench.rita)
    assert call.post(f"/threads/{thread.pk}/resolve", {}).json()["resolved"] is True
    assert not discussing.unresolved(bench.work).exists()
    assert call.post(f"/threads/{thread.pk}/resolve", {"resolved": False}).json()["resolved"] is False
    client_of(bench.rita).post(f"/threads/{thread.pk}/resolve/")
    assert not discussing.unresolved(bench.work).exists()
    client_of(bench.noor).post(f"/labels/{label.pk}/remarks/", {"text": "Because."})
    assert discussing.unresolved(bench.work).count() == 1
    assert client_of(bench.noor).post(f"/threads/{thread.pk}/resolve/").status_code == 403


def test_the_thread_goes_on_with_what_supersedes_the_label(bench: Bench) -> None:
    label = bench.label()
    first = discussing.say(bench.rita, label, "Why?")
    reviewing.review(bench.rita, label, "changes", "Say more.")
    newer = bench.amend(label, written("More."))
    assert discussing.say(bench.noor, newer, "Done.").thread_id == first.thread_id
    fixed = reviewing.fix(bench.rita, newer, an_answer(written("Even more."), newer)).fix
    assert fixed is not None
    assert discussing.thread_of(fixed) == first.thread
    client_of(bench.rita).post(f"/labels/{fixed.pk}/remarks/", {"text": "I added a line."})
    assert [one.text for one in discussing.read(label, bench.noor).remarks] == ["Why?", "Done.", "I added a line."]


def test_the_same_again_is_said_once_and_nothing_or_too_much_is_refused(bench: Bench) -> None:
    label = bench.label()
    assert discussing.say(bench.rita, label, " Why? ") == discussing.say(bench.rita, label, "Why?")
    for text in ("  ", "x" * 5_001):
        with pytest.raises(ValidationError) as refused:
            discussing.say(bench.rita, label, text)
        assert list(refused.value.message_dict) == ["text"]
    assert (Thread.objects.count(), Remark.objects.count()) == (1, 1)


def test_what_waits_for_the_annotators_answer_is_on_their_feedback_page(bench: Bench) -> None:
    label = bench.label()
    reviewing.review(bench.rita, label, "reject", "It says nothing.")
    discussing.say(bench.rita, label, "Or does it?")
    page = client_of(bench.noor)
    assert "Waiting for your answer" in page.get("/you/feedback/").content.decode()
    page.post(f"/labels/{label.pk}/remarks/", {"text": "It does."})
    assert "Waiting for your answer" not in page.get("/you/feedback/").content.decode()
    assert not discussing.awaiting(bench.bea).exists()
    listed = client_of(bench.rita).get(f"/queues/{bench.work.pk}/reviewing/").content.decode()
    assert f"/labels/{label.pk}/#talk-title" in listed

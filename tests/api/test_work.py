"""Annotating by program: whose turn, what they see, and what becomes of answers that come twice or late."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from annotate import queue as places
from annotate import running
from annotate.checking import pausing
from annotate.models import Assignment, Exit, Label, Queue, Role, Seat, Task
from tests.api.callers import Caller
from tests.api.world import calls
from tests.factories import a_lease, a_member, a_queue, a_task

pytestmark = pytest.mark.django_db


def a_worker(queue: Queue) -> Caller:
    return Caller(a_member(queue.project), ["label"])


def claim(worker: Caller, queue: Queue) -> Any:
    return worker.post(f"/queues/{queue.pk}/claim")


def answer(held: Any, **changes: Any) -> dict[str, Any]:
    ranks = {one["id"]: place for place, one in enumerate(held["responses"], 1)}
    return {"fence": held["fence"], "payload": {"ranks": ranks}} | changes


def test_a_claim_gives_what_the_page_shows() -> None:
    queue = a_queue(options={"ties": True, "unusable": False})
    task = a_task(queue, "Say hello.", ["Hello", "Hi", "Hey"])
    task.prompt.system = "Be kind."
    task.prompt.save()
    held = claim(a_worker(queue), queue).json()
    place = Assignment.objects.get()
    texts = {"Hello", "Hi", "Hey"}
    assert {one["text"] for one in held["responses"]} == texts
    assert [one["id"] for one in held.pop("responses")] == ["a", "b", "c"]
    assert parse_datetime(held.pop("lease_until")) == place.lease_until
    assert held.pop("form")[1:] == [
        {"name": f"ranks.{letter}", "type": "integer", "label": letter.upper(), "required": False, "min": 1, "max": 3}
        for letter in "abc"
    ]
    assert held == {
        "id": place.pk,
        "queue": queue.pk,
        "kind": "rank",
        "prompt": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Say hello."}],
        "draft": None,
        "fence": 1,
    }


@pytest.mark.parametrize("kind", ["write", "rank", "compare"])
def test_the_form_of_each_kind_tells_what_its_example_holds(kind: str) -> None:
    queue = a_queue(kind=kind)
    a_task(queue)
    worker = a_worker(queue)
    held = claim(worker, queue).json()
    names = {field["name"].partition(".")[0] for field in held["form"]}
    example = queue.way.example().payload
    assert set(example) <= names
    stored = worker.post(f"/assignments/{held['id']}/submit", {"fence": 1, "payload": example})
    assert stored.status_code == 201
    assert stored.json()["label"]["payload"] == example


def test_asking_twice_gives_the_same() -> None:
    queue = a_queue()
    a_task(queue), a_task(queue)
    worker = a_worker(queue)
    first, second = claim(worker, queue).json(), claim(worker, queue).json()
    assert first.pop("lease_until") <= second.pop("lease_until")
    assert first == second


def test_when_there_is_nothing() -> None:
    queue = a_queue()
    worker = a_worker(queue)
    empty = claim(worker, queue)
    assert (empty.status_code, empty.content) == (204, b"")
    a_task(queue)
    seats = Seat.objects.filter(queue=queue)
    for reason, act, undo in (
        (
            "paused",
            lambda: running.change_queue(queue, state="paused"),
            lambda: running.change_queue(queue, state="open"),
        ),
        (
            "closed",
            lambda: running.change_queue(queue, state="closed"),
            lambda: running.change_queue(queue, state="open"),
        ),
        (
            "seat_paused",
            lambda: pausing.by_hand(seats.get(), queue.created_by, "Look at the guidelines again."),
            lambda: pausing.resume(seats.get(), queue.created_by),
        ),
    ):
        act()
        refused = claim(worker, queue)
        assert (refused.status_code, refused.json()["code"]) == (409, reason)
        undo()
    assert claim(worker, queue).status_code == 200


def test_a_queue_kept_for_others_is_not_there() -> None:
    queue = a_queue(assigned_only=True)
    a_task(queue)
    worker = a_worker(queue)
    assert claim(worker, queue).status_code == 404
    running.assign(queue, [queue.project.members.get(role="annotator").user])
    assert claim(worker, queue).status_code == 200


def test_a_reviewer_may_look_but_gets_no_task_of_a_queue_kept_for_others() -> None:
    queue = a_queue(assigned_only=True)
    a_task(queue)
    reviewer = Caller(a_member(queue.project, role=Role.REVIEWER))
    assert reviewer.get(f"/queues/{queue.pk}").status_code == 200
    refused = claim(reviewer, queue)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_yours")


def test_a_draft_is_kept_and_renews_the_lease() -> None:
    queue = a_queue()
    a_task(queue)
    worker = a_worker(queue)
    held = claim(worker, queue).json()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE annotate_assignment SET lease_until = now() + interval '5 seconds'")
    payload = {"ranks": {"a": 2}, "comment": "not sure"}
    path = f"/assignments/{held['id']}/draft"
    saved = worker("PUT", path, {"fence": 1, "payload": payload, "active_seconds": 3.5}).json()
    assert saved["version"] == 1
    ends = Assignment.objects.get().lease_until
    assert ends is not None
    assert parse_datetime(saved["lease_until"]) == ends
    assert ends > timezone.now() + timedelta(minutes=29)
    assert claim(worker, queue).json()["draft"] == {"ranks": {"a": 2}, "unusable": [], "comment": "not sure"}
    assert worker("PUT", path, {"fence": 1, "payload": payload}).json()["version"] == 1
    assert worker("PUT", path, {"fence": 1, "payload": {"ranks": {"b": 1}}}).json()["version"] == 2
    stale = worker("PUT", path, {"fence": 1, "payload": payload, "base": 1})
    assert (stale.status_code, stale.json()["code"]) == (409, "draft_newer")
    assert worker("PUT", path, {"fence": 1, "payload": payload, "base": 2}).json()["version"] == 3


def test_a_draft_of_something_else_is_refused() -> None:
    queue = a_queue()
    a_task(queue)
    worker = a_worker(queue)
    path = f"/assignments/{claim(worker, queue).json()['id']}/draft"
    for payload, field in (
        ({"text": "x"}, "text"),
        ({"ranks": {"z": 1}}, "ranks.z"),
        ({"ranks": {"a": "x"}}, "ranks.a"),
    ):
        refused = worker("PUT", path, {"fence": 1, "payload": payload})
        assert (refused.status_code, list(refused.json()["errors"])) == (400, [field])
    assert worker("PUT", path, {"fence": 2, "payload": {}}).json()["code"] == "not_theirs"


def test_submit_and_next_in_one_round_trip() -> None:
    queue = a_queue()
    a_task(queue), a_task(queue)
    worker = a_worker(queue)
    held = claim(worker, queue).json()
    stored = worker.post(f"/assignments/{held['id']}/submit?next=1", answer(held, active_seconds=12.5))
    assert stored.status_code == 201
    told = stored.json()
    label = Label.objects.get()
    assert (told["label"]["id"], told["done"], label.active_seconds) == (label.pk, 1, 12.5)
    following = told["next"]
    assert following == claim(worker, queue).json() | {"lease_until": following["lease_until"]}
    last = worker.post(f"/assignments/{following['id']}/submit?next=1", answer(following)).json()
    assert last["next"] is None
    assert last["why"] == str(places.EMPTY.message)


def test_one_more_is_held_beside_the_one_in_hand_and_not_a_third() -> None:
    queue = a_queue()
    for _ in range(4):
        a_task(queue)
    worker = a_worker(queue)
    first = claim(worker, queue).json()
    path = f"/queues/{queue.pk}/claim"
    second = worker.post(f"{path}?having={first['id']}").json()
    assert second["id"] != first["id"]
    refused = worker.post(f"{path}?having={first['id']},{second['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "enough")
    told = worker.post(f"/assignments/{first['id']}/submit?next=1&having={second['id']}", answer(first)).json()
    assert told["next"]["id"] not in {first["id"], second["id"]}
    assert claim(worker, queue).json()["id"] == second["id"]
    assert worker.post(f"{path}?having=1;2").status_code == 400


def test_an_amendment_takes_the_place_of_the_answer() -> None:
    queue = a_queue()
    a_task(queue), a_task(queue)
    worker = a_worker(queue)
    held = claim(worker, queue).json()
    first = worker.post(f"/assignments/{held['id']}/submit", answer(held)).json()["label"]["id"]
    body = {"payload": {"ranks": dict.fromkeys("abcd", 1)}, "active_seconds": 30}
    changed = worker.post(f"/labels/{first}/amend", body, Idempotency_Key="change")
    assert changed.status_code == 201
    newer = Label.objects.get(pk=changed.json()["label"]["id"])
    assert (newer.supersedes_id, changed.json()["supersedes"], newer.active_seconds) == (first, first, 30)
    again = worker.post(f"/labels/{first}/amend", body, Idempotency_Key="change")
    assert (again.status_code, again.json()) == (200, changed.json())
    refused = worker.post(f"/labels/{first}/amend", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "superseded")
    wrong = worker.post(f"/labels/{newer.pk}/amend", {"payload": {"ranks": {"a": 9}}})
    assert wrong.status_code == 400


def test_without_asking_no_next_is_claimed() -> None:
    queue = a_queue()
    a_task(queue), a_task(queue)
    worker = a_worker(queue)
    held = claim(worker, queue).json()
    told = worker.post(f"/assignments/{held['id']}/submit", answer(held)).json()
    assert "next" not in told
    assert not Assignment.objects.leased().exists()


def test_a_second_answer_is_refused_and_the_first_kept() -> None:
    queue = a_queue()
    a_task(queue)
    worker = a_worker(queue)
    held = claim(worker, queue).json()
    path = f"/assignments/{held['id']}/submit"
    worker.post(path, answer(held), Idempotency_Key="one")
    refused = worker.post(path, answer(held), Idempotency_Key="two")
    assert (refused.status_code, refused.json()["code"]) == (409, "already_labelled")
    assert Label.objects.count() == 1


def test_a_late_answer_is_kept_as_a_draft_and_said_so() -> None:
    queue = a_queue()
    task = a_task(queue)
    worker, other = a_worker(queue), a_member(queue.project)
    held = claim(worker, queue).json()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE annotate_assignment SET lease_until = now() - interval '1 second'")
    a_lease(other, queue)
    late = worker.post(f"/assignments/{held['id']}/submit", answer(held), Idempotency_Key="late")
    assert (late.status_code, late.json()["code"]) == (409, "too_late")
    assert task.drafts.get().payload["ranks"] == {"a": 1, "b": 2, "c": 3, "d": 4}
    assert not Label.objects.exists()


def test_what_was_never_yours_is_refused() -> None:
    queue = a_queue()
    a_task(queue)
    worker, other = a_worker(queue), a_worker(queue)
    held = claim(worker, queue).json()
    assert other.post(f"/assignments/{held['id']}/submit", answer(held)).status_code == 404
    wrong = worker.post(f"/assignments/{held['id']}/submit", answer(held, fence=7))
    assert (wrong.status_code, wrong.json()["code"]) == (409, "not_theirs")


@pytest.mark.parametrize(
    ("way", "state", "task_state"),
    [("skip", "open", "ready"), ("decline", "open", "ready"), ("flag", "held", "flagged")],
)
def test_the_ways_out(way: str, state: str, task_state: str) -> None:
    queue = a_queue()
    a_task(queue)
    worker = a_worker(queue)
    held = claim(worker, queue).json()
    path = f"/assignments/{held['id']}/{way}"
    unsaid = worker.post(path, {"fence": 1, "reason": "  "})
    assert (unsaid.status_code, list(unsaid.json()["errors"])) == (400, ["reason"])
    assert worker.post(path, {"fence": 1, "reason": "too long"}).status_code == 204
    gone = Exit.objects.get()
    assert (gone.way, gone.reason) == (way, "too long")
    assert Assignment.objects.get().state == state
    assert Task.objects.get().state == task_state
    assert claim(worker, queue).status_code == (200 if way == "skip" else 204)
    assert worker.post(path, {"fence": 1, "reason": "again"}).json()["code"] == "too_late"


def test_giving_back_remembers_nothing_but_the_draft() -> None:
    queue = a_queue()
    task = a_task(queue)
    worker = a_worker(queue)
    held = claim(worker, queue).json()
    worker("PUT", f"/assignments/{held['id']}/draft", {"fence": 1, "payload": {"comment": "half"}})
    assert worker.post(f"/assignments/{held['id']}/release", {"fence": 1}).status_code == 204
    assert not Exit.objects.exists()
    assert Assignment.objects.get().state == "open"
    assert task.drafts.get().payload["comment"] == "half"


def test_the_loop_takes_few_statements() -> None:
    queue = a_queue()
    for _ in range(3):
        a_task(queue)
    worker = a_worker(queue)
    held = claim(worker, queue).json()
    with CaptureQueriesContext(connection) as seen:
        worker.post(f"/assignments/{held['id']}/submit?next=1", answer(held), Idempotency_Key="k")
    assert _statements(seen) <= 10
    with CaptureQueriesContext(connection) as seen:
        claim(worker, queue)
    assert _statements(seen) <= 10


def _statements(seen: CaptureQueriesContext) -> int:
    marks = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    return sum(not query["sql"].startswith(marks) for query in seen.captured_queries)


def test_only_these_calls_need_the_scope_label() -> None:
    labelling = {call.name for call in calls().values() if call.scope == "label"}
    claiming = {"claim", "save_draft", "submit", "skip", "decline", "flag", "release", "amend"}
    reviewing = {"claim_review", "release_review", "review_label", "send_to_review", "review_doubted_labels"}
    talking = {"appeal_pause", "confirm_guidelines", "remark_on_label", "remark_on_task", "resolve_thread"}
    assert labelling == claiming | reviewing | talking

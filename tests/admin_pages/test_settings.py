"""Each setting of a queue keeps what its sentence promises about work already done."""

from typing import Any

import pytest
from django.utils.html import escape

from annotate import kinds, queue, running
from annotate.models import Assignment, Draft, Label, Queue, Seat
from annotate.views.queues import QueueForm
from tests import factories as make
from tests.admin_pages.cast import Cast, a_cast

pytestmark = pytest.mark.django_db


def change(cast: Cast, **changes: Any) -> Queue:
    """Send the settings page with these changes, as whoever runs the project does; the queue as it is then."""
    current = {name: getattr(cast.queue, name) for name in QueueForm.base_fields}
    options = {f"options-{name}": value for name, value in cast.queue.options.items()}
    sent = {name: value for name, value in (current | options | changes).items() if value not in (False, None)}
    answer = cast.post("manager", "queue-settings", cast.queue.pk, **sent)
    assert answer.status_code == 303, answer.content.decode()
    return Queue.objects.get(pk=cast.queue.pk)


def set_state(cast: Cast, state: str) -> Queue:
    assert cast.post("manager", "queue", cast.queue.pk, state=state).status_code == 303
    return Queue.objects.get(pk=cast.queue.pk)


def a_cast_at_work(tasks: int = 3, **settings: Any) -> tuple[Cast, Assignment]:
    """Ann has labelled the first task, and holds the second with a draft."""
    cast = a_cast(options=running.checked_options("rank", {}), **settings)
    for _ in range(tasks):
        make.a_task(cast.queue)
    ann = cast.people["annotator"]
    make.a_label(ann, cast.queue)
    place = make.a_lease(ann, cast.queue)
    Draft.objects.create(task=place.task, annotator=ann, payload={"ranks": {"a": 1}}, shown=place.shown())
    return cast, place


def kept(cast: Cast) -> list[Any]:
    """All that must never change: labels and drafts."""
    return [list(Label.objects.values().order_by("pk")), list(Draft.objects.values("task", "annotator", "payload"))]


def test_each_setting_has_its_sentence_on_the_page():
    cast = a_cast()
    html = cast.get("manager", "queue-settings", cast.queue.pk).content.decode()
    options = [str(field.help_text) for field in kinds.get("rank").options_form.base_fields.values()]
    assert all(options)
    elsewhere = {"options", "rules"}  # the kind's options have one each; rules have a page of their own
    shown = [sentence for name, sentence in running.AFTERWARDS.items() if name not in elsewhere]
    for sentence in [*shown, *options]:
        assert escape(str(sentence)) in html


def test_every_option_of_every_kind_says_what_changing_it_does():
    for kind in kinds.all_kinds():
        for name, field in kind.options_form.base_fields.items():
            assert field.help_text, f"{kind.name}: {name}"


def test_name_only_the_name_changes():
    cast, _place = a_cast_at_work()
    before = kept(cast), list(Assignment.objects.values().order_by("pk"))
    assert change(cast, name="Another").name == "Another"
    assert (kept(cast), list(Assignment.objects.values().order_by("pk"))) == before


def test_more_overlap_opens_finished_tasks_again():
    cast, _place = a_cast_at_work(tasks=2, overlap=1)
    before = kept(cast)
    done = cast.label.task
    change(cast, overlap=2)
    assert sorted(done.assignments.values_list("state", flat=True)) == ["done", "open"]
    assert kept(cast) == before
    assert make.a_lease(make.a_member(cast.project), cast.queue).task_id == done.pk


def test_less_overlap_takes_free_places_away_and_no_label():
    cast, _place = a_cast_at_work(tasks=3, overlap=3)
    make.a_label(make.a_member(cast.project), cast.queue)
    before = kept(cast)
    change(cast, overlap=1)
    places = {
        task.pk: sorted(task.assignments.values_list("state", flat=True)) for task in cast.queue.tasks.order_by("pk")
    }
    assert list(places.values()) == [["done", "done"], ["leased"], ["open"]]
    assert kept(cast) == before


@pytest.mark.parametrize(("option", "payload"), [
    ("ties", {"ranks": {"a": 1, "b": 1, "c": 2, "d": 3}}),
    ("unusable", {"ranks": {"a": 1, "b": 2, "c": 3}, "unusable": ["d"]}),
])  # fmt: skip
def test_options_hold_for_answers_from_now_on(option: str, payload: dict[str, Any]):
    cast, _place = a_cast_at_work()
    before = kept(cast)
    changed = change(cast, **{f"options-{option}": False})
    assert changed.options[option] is False
    assert kept(cast) == before  # the example that was labelled has a tie and an unusable response
    cast.queue.refresh_from_db()
    with pytest.raises(Exception, match=r"off in this queue|no place yet|no such field"):
        make.a_label(cast.people["annotator"], cast.queue, payload)


def test_order_holds_for_imports_from_now_on():
    cast, _place = a_cast_at_work(tasks=4)
    before = kept(cast), list(cast.queue.tasks.order_by("pk").values_list("pk", "position"))
    assert change(cast, order="random").order == "random"
    assert (kept(cast), list(cast.queue.tasks.order_by("pk").values_list("pk", "position"))) == before


def test_lease_time_counts_from_the_next_task():
    cast, place = a_cast_at_work()
    change(cast, lease_seconds=60)
    held = Assignment.objects.get(pk=place.pk)
    assert held.lease_until == place.lease_until
    cast.queue.refresh_from_db()
    fresh = make.a_lease(make.a_member(cast.project), cast.queue)
    assert fresh.lease_until
    assert fresh.leased_at
    assert (fresh.lease_until - fresh.leased_at).total_seconds() == 60


def test_assigned_only_gives_others_no_new_task_and_lets_them_finish():
    cast, place = a_cast_at_work()
    ann, bea = cast.people["annotator"], make.a_member(cast.project)
    cast.post("manager", "queue-people", cast.queue.pk, assign="1", user=bea.pk)
    before = kept(cast)
    cast.queue = change(cast, assigned_only=True)
    assert kept(cast) == before
    assert make.a_lease(bea, cast.queue)
    assert queue.claim(ann, cast.queue) == place.pk  # still in hand
    make.a_label(ann, cast.queue)
    assert queue.claim(ann, cast.queue) == queue.NOT_YOURS


def test_pausing_lets_people_finish_what_they_hold():
    cast, place = a_cast_at_work()
    before = kept(cast)
    cast.queue = set_state(cast, "paused")
    assert kept(cast) == before
    assert queue.claim(make.a_member(cast.project), cast.queue) == queue.PAUSED
    make.a_label(cast.people["annotator"], cast.queue)
    assert Label.objects.filter(task=place.task).exists()


def test_closing_gives_tasks_in_hand_back_and_keeps_drafts_and_labels():
    cast, place = a_cast_at_work()
    before = kept(cast)
    cast.queue = set_state(cast, "closed")
    assert kept(cast) == before
    assert Assignment.objects.get(pk=place.pk).state == Assignment.State.OPEN
    assert queue.claim(cast.people["annotator"], cast.queue) == queue.CLOSED
    cast.queue = set_state(cast, "open")
    again = make.a_lease(cast.people["annotator"], cast.queue)
    assert again.task_id == place.task_id, "their draft waits for them"


def test_pausing_a_person_lets_them_finish_and_keeps_their_labels():
    cast, _place = a_cast_at_work()
    ann = cast.people["annotator"]
    seat = Seat.objects.get(queue=cast.queue, user=ann)
    cast.post("manager", "queue-people", cast.queue.pk, seat=seat.pk, pause="1", reason="Too fast.")
    make.a_label(ann, cast.queue)
    assert queue.claim(ann, cast.queue) == queue.SEAT_PAUSED
    cast.post("manager", "queue-people", cast.queue.pk, seat=seat.pk, resume="1")
    assert make.a_lease(ann, cast.queue)


def test_the_kind_stays():
    cast = a_cast()
    change(cast, kind="write")
    assert Queue.objects.get(pk=cast.queue.pk).kind == "rank"


def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_changed():
    cast = a_cast(kind="write")
    other = make.a_queue(cast.project, name="Taken")
    sent = {"name": other.name, "overlap": "99", "order": "fifo", "lease_seconds": "60", "options-min_words": "-1"}
    answer = cast.post("manager", "queue-settings", cast.queue.pk, **sent)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="id_overlap_error"' in html
    assert 'id="id_options-min_words_error"' in html
    sent |= {"overlap": "2", "options-min_words": "1"}
    answer = cast.post("manager", "queue-settings", cast.queue.pk, **sent)
    assert answer.status_code == 422
    assert 'id="id_name_error"' in answer.content.decode()
    assert Queue.objects.get(pk=cast.queue.pk).overlap == 2
    assert Queue.objects.get(pk=cast.queue.pk).name == cast.queue.name


def test_an_overlap_that_a_rule_forbids_names_the_rule():
    cast = a_cast()
    running.change_queue(cast.queue, rules={"most_labels": 3})
    sent = {name: getattr(cast.queue, name) for name in QueueForm.base_fields} | {"overlap": 5}
    answer = cast.post("manager", "queue-settings", cast.queue.pk, **{k: v for k, v in sent.items() if v})
    html = answer.content.decode()
    assert answer.status_code == 422 and 'id="id_overlap_error"' in html
    assert "Rules, “Most labels per task”: The queue asks for 5 labels per task" in html

"""Queues by program: made once, changed in the open, and what a change does to work already done (`AFTERWARDS`)."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from annotate import labelling, queue, running
from annotate.models import Assignment, Draft, Label, Project, Queue, Seat
from tests.api.callers import Caller
from tests.factories import a_label, a_lease, a_member, a_project, a_queue, a_task, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return a_project()


@pytest.fixture
def caller(project: Project) -> Caller:
    return Caller(project.created_by)


def create(caller: Caller, project: Project, **settings: Any) -> Any:
    return caller.post(f"/projects/{project.slug}/queues", {"name": "Answers", "kind": "rank"} | settings)


def test_the_same_queue_twice_is_one(project: Project, caller: Caller) -> None:
    first = create(caller, project, options={"ties": False}, overlap=3)
    again = create(caller, project, options={"ties": False, "unusable": True}, overlap=3, order="fifo")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.headers["Location"] == again.headers["Location"]
    assert first.json()["options"].items() >= {"ties": False, "unusable": True}.items()
    assert Queue.objects.count() == 1


def test_creating_it_again_finds_it_in_whatever_state(project: Project, caller: Caller) -> None:
    pk = create(caller, project).json()["id"]
    caller("PATCH", f"/queues/{pk}", {"state": "paused"})
    again = create(caller, project)
    assert (again.status_code, again.json()["state"]) == (200, "paused")


@pytest.mark.parametrize(
    "other",
    [{"kind": "write"}, {"options": {"ties": False}}, {"overlap": 2}, {"order": "random"}, {"lease_seconds": 60},
     {"assigned_only": True}, {"preset": "instructgpt-rank"}],
)  # fmt: skip
def test_another_queue_of_the_name_is_refused(project: Project, caller: Caller, other: dict[str, Any]) -> None:
    create(caller, project)
    refused = create(caller, project, **other)
    assert (refused.status_code, refused.json()["code"], list(refused.json()["errors"])) == (409, "conflict", ["name"])
    assert Queue.objects.count() == 1


def test_names_are_free_in_another_project(caller: Caller, project: Project) -> None:
    create(caller, project)
    assert create(caller, a_project(project.created_by)).status_code == 201


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"kind": "juggle"}, "kind"),
        ({"overlap": 0}, "overlap"),
        ({"overlap": 21}, "overlap"),
        ({"lease_seconds": 29}, "lease_seconds"),
        ({"order": "best"}, "order"),
        ({"name": "  "}, "name"),
        ({"options": {"juggle": True}}, "options.juggle"),
        ({"options": {"ties": "yes"}}, "options.ties"),
        ({"options": {"ties": None}}, "options.ties"),
        ({"kind": "write", "options": {"min_words": -1}}, "options.min_words"),
        ({"kind": "write", "options": {"min_words": "3"}}, "options.min_words"),
        ({"options": []}, "options"),
    ],
)
def test_settings_that_are_not_right(project: Project, caller: Caller, settings: dict[str, Any], field: str) -> None:
    refused = create(caller, project, **settings)
    assert (refused.status_code, list(refused.json()["errors"])) == (400, [field])
    assert not Queue.objects.exists()


def test_annotators_see_the_queues_they_may_work_in(project: Project) -> None:
    person = a_member(project)
    free, kept, theirs = (a_queue(project, assigned_only=one) for one in (False, True, True))
    running.assign(theirs, [person])
    listed = Caller(person).get(f"/projects/{project.slug}/queues").json()["results"]
    assert [one["id"] for one in listed] == [free.pk, theirs.pk]
    assert Caller(person).get(f"/queues/{kept.pk}").status_code == 404


def test_only_members_are_assigned(project: Project) -> None:
    work, person, other = a_queue(project), a_member(project), a_member(project)
    running.assign(work, [person, other])
    running.assign(work, [other])
    assert list(Seat.objects.filter(assigned=True).values_list("user", flat=True)) == [other.pk]
    with pytest.raises(ValidationError):
        running.assign(work, [person, a_user()])
    assert list(Seat.objects.filter(assigned=True).values_list("user", flat=True)) == [other.pk]


# --- What a change does to work already done: each sentence of AFTERWARDS ------------------------------------------


class Work:
    """A queue of overlap 2 with a label, a task in hand and a draft of it."""

    def __init__(self) -> None:
        self.queue = a_queue(kind="rank", overlap=2)
        self.tasks = [a_task(self.queue) for _ in range(2)]
        self.person = a_member(self.queue.project)
        self.label = a_label(self.person, self.queue, {"ranks": dict.fromkeys("abcd", 1)})
        self.place = a_lease(self.person, self.queue)
        labelling.save_draft(self.person, self.place, {"ranks": {"a": 1}, "unusable": [], "comment": ""}, 1)
        self.before = self.kept()

    def kept(self) -> Any:
        """What no change may touch."""
        return list(Label.objects.values()), list(Draft.objects.values("payload", "task", "annotator"))

    def change(self, **settings: Any) -> None:
        answer = Caller(self.queue.project.created_by)("PATCH", f"/queues/{self.queue.pk}", settings)
        assert answer.status_code == 200, answer.json()
        assert {name: answer.json()[name] for name in settings if name != "options"} == {
            name: value for name, value in settings.items() if name != "options"
        }
        assert self.kept() == self.before

    def submit(self) -> labelling.Submitted:
        """Hand in the task in hand, as the queue asks now."""
        place = Assignment.objects.select_related("task", "queue").get(pk=self.place.pk)
        payload = labelling.check(place, {"ranks": {letter: n for n, letter in enumerate("abcd", 1)}})
        return labelling.submit(self.person, place, labelling.Answer(payload, 1))


@pytest.fixture
def work() -> Work:
    return Work()


def test_every_setting_says_what_it_does() -> None:
    from annotate.api.serializers.queues import QueueChange

    assert set(running.AFTERWARDS) == set(QueueChange().fields)


def test_name(work: Work) -> None:
    work.change(name="Other")
    assert work.submit()


def test_options_hold_from_now_on(work: Work) -> None:
    work.change(options={"ties": False})
    place = Assignment.objects.select_related("task", "queue").get(pk=work.place.pk)
    with pytest.raises(ValidationError):
        labelling.check(place, {"ranks": dict.fromkeys("abcd", 1)})
    assert work.submit()


def test_more_overlap_opens_finished_tasks(work: Work) -> None:
    work.change(overlap=3)
    assert [task.assignments.count() for task in work.tasks] == [3, 3]
    assert work.submit()


def test_less_overlap_takes_only_places_nobody_has_taken(work: Work) -> None:
    work.change(overlap=1)
    assert [task.assignments.get().state for task in work.tasks] == ["done", "leased"]
    assert work.submit()


def test_order_holds_for_what_comes(work: Work) -> None:
    positions = list(Assignment.objects.order_by("pk").values_list("position", flat=True))
    work.change(order="random")
    assert list(Assignment.objects.order_by("pk").values_list("position", flat=True)) == positions
    assert work.submit()


def test_lease_counts_from_the_next(work: Work) -> None:
    ends = work.place.lease_until
    work.change(lease_seconds=60)
    assert Assignment.objects.get(pk=work.place.pk).lease_until == ends
    work.submit()
    place = a_lease(a_member(work.queue.project), Queue.objects.get(pk=work.queue.pk))
    assert place.lease_until is not None
    assert place.leased_at is not None
    assert (place.lease_until - place.leased_at).total_seconds() == 60


def test_assigned_only_lets_the_task_in_hand_be_finished(work: Work) -> None:
    work.change(assigned_only=True)
    assert work.submit()
    work.queue.refresh_from_db()
    assert queue.claim(work.person, work.queue) == queue.NOT_YOURS


def test_paused_lets_the_task_in_hand_be_finished(work: Work) -> None:
    work.change(state="paused")
    assert work.submit()
    work.queue.refresh_from_db()
    assert queue.claim(work.person, work.queue) == queue.PAUSED


def test_closed_takes_the_task_in_hand_back(work: Work) -> None:
    work.change(state="closed")
    assert Assignment.objects.get(pk=work.place.pk).state == "open"
    with pytest.raises(labelling.TooLate):
        work.submit()


def test_the_kind_and_the_preset_stay(work: Work) -> None:
    for name, value in (("kind", "write"), ("preset", "x")):
        with pytest.raises(ValidationError) as error:
            running.change_queue(work.queue, **{name: value})
        assert list(error.value.message_dict) == [name]
    assert running.change_queue(work.queue, kind="rank").kind == "rank"


def test_a_name_that_is_taken_is_a_conflict(project: Project, caller: Caller) -> None:
    first, second = a_queue(project), a_queue(project)
    refused = caller("PATCH", f"/queues/{second.pk}", {"name": first.name})
    assert (refused.status_code, list(refused.json()["errors"])) == (409, ["name"])

"""Pauses: by hand, appeals, what becomes of them; labels re-opened for others; checks made of tasks; rules."""

import re
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from annotate import adapting, checking, labelling, places, queue, reviewing, running
from annotate.checking import judging, pausing, promoting, reopening
from annotate.models import (
    Assignment,
    CheckResult,
    Exit,
    Label,
    OutsideAnnotator,
    Pause,
    Queue,
    Review,
    Role,
    Seat,
    Task,
    ToReview,
)
from annotate.quality import rules
from tests import factories as make
from tests.api.callers import Caller
from tests.pages.desk import client_of
from tests.quality.checks import RIGHT, WRONG, a_check, a_queue, all_given, answer, given, set_rules

pytestmark = pytest.mark.django_db


def a_worker(tasks=6, overlap=1, done=3, **settings):
    """A queue, somebody who has labelled there, and their seat."""
    work = a_queue(tasks, overlap, **settings)
    person = make.a_member(work.project)
    for place in all_given(person, work, most=done):
        answer(person, place)
    return work, person, Seat.objects.get(user=person)


# --- Pauses and appeals ----------------------------------------------------------------------------------------------


def test_a_pause_by_hand_says_why_and_is_answered_once():
    work, person, seat = a_worker()
    with pytest.raises(ValidationError) as refused:
        pausing.by_hand(seat, work.created_by, " ")
    assert list(refused.value.message_dict) == ["reason"]
    pause = pausing.by_hand(seat, work.created_by, "Read section 2 again.")
    assert pausing.by_hand(seat, work.created_by, "Something else.") == pause
    assert queue.claim(person, work) is queue.SEAT_PAUSED
    assert list(pausing.of_person(person)) == [pause]
    assert pausing.appeal(pause, "I did.").appealed_at
    with pytest.raises(pausing.Settled):
        pausing.appeal(pause, "Really.")


def test_a_pause_is_upheld_and_can_still_be_lifted():
    work, person, seat = a_worker()
    pause = pausing.by_hand(seat, work.created_by, "Read section 2 again.")
    with pytest.raises(ValidationError):
        pausing.decide(pause, person, "lifted")  # nobody decides on their own
    pausing.decide(pause, work.created_by, "upheld", "Not yet.")
    with pytest.raises(pausing.Settled):
        pausing.appeal(pause, "But why?")
    pausing.decide(pause, work.created_by, "lifted", "Welcome back.")
    assert isinstance(queue.claim(person, work), int)
    assert list(pausing.of_person(person)) == [pause]  # until they have read it
    pausing.seen(pause)
    assert not pausing.of_person(person).exists()
    with pytest.raises(pausing.Settled):
        pausing.decide(pause, work.created_by, "upheld")
    assert pausing.by_hand(seat, work.created_by, "Again.") != pause


def test_what_was_before_a_lifted_pause_is_forgiven():
    work = a_queue(20, attention_rate=1, pause=True)
    for _ in range(5):
        a_check(work, "attention")
    person = make.a_member(work.project)
    for _ in range(2):
        answer(person, given(person, work), WRONG)
    judging.judge_waiting()
    pausing.resume(Seat.objects.get(), work.created_by)
    answer(person, given(person, work), WRONG)
    judging.judge_waiting()
    assert Seat.objects.get().state == "active"
    answer(person, given(person, work), WRONG)
    judging.judge_waiting()
    assert Seat.objects.get().state == "paused"


def test_a_lifted_qualification_lets_in():
    work = a_queue(10, screen_tasks=1)
    a_check(work, "screen")
    person = make.a_member(work.project)
    answer(person, given(person, work), WRONG)
    pausing.resume(Seat.objects.get(), work.created_by)
    assert given(person, work).task.role == "work"


def test_the_annotators_pages_say_why_and_take_an_appeal():
    work, person, seat = a_worker()
    pausing.by_hand(seat, work.created_by, "Read <b>section 2</b> again.")
    client = client_of(person)
    own = reverse("pause", args=[work.pk])
    assert own in client.get(reverse("home")).content.decode()
    over = client.post(reverse("work", args=[work.pk])).content.decode()
    assert own in over
    page = client.get(own).content.decode()
    assert "Read &lt;b&gt;section 2&lt;/b&gt; again." in page
    assert client.post(own, {"appeal": ""}).status_code == 422
    assert client.post(own, {"appeal": "I did."}).status_code == 303
    assert "I did." in client.get(own).content.decode()
    assert client.post(own, {"appeal": "Twice."}).status_code == 422
    assert client.post(own, {"read": "1"}).status_code == 303
    assert Pause.objects.get().seen_at


def test_a_manager_sees_the_appeal_and_decides():
    work, person, seat = a_worker()
    pause = pausing.by_hand(seat, work.created_by, "Look again.")
    pausing.appeal(pause, "I did <look>.")
    client, page = client_of(work.created_by), reverse("queue-pauses", args=[work.pk])
    assert "I did &lt;look&gt;." in client.get(page).content.decode()
    client.post(page, {"pause": pause.pk, "lift": "1", "answer": "Right you are."})
    pause.refresh_from_db()
    assert (pause.outcome, pause.answer, pause.decided_by) == ("lifted", "Right you are.", work.created_by)
    assert person.seats.get().state == "active"


# --- Re-opening ------------------------------------------------------------------------------------------------------


def test_a_paused_persons_labels_are_reopened_for_others_in_one_act():
    work, person, seat = a_worker(tasks=6, done=4)
    pause = pausing.by_hand(seat, work.created_by, "Guessed.")
    first = Label.objects.order_by("pk")[0]
    Review.objects.create(label=first, reviewer=work.created_by, verdict="reject", reason="Wrong.")
    assert reopening.reopen(pause, work.created_by) == 3
    assert reopening.reopen(pause, work.created_by) == 0
    reasons = Review.objects.exclude(label=first).values_list("verdict", "reason")
    assert set(reasons) == {("reject", "Guessed.")}
    other = make.a_member(work.project)
    for place in all_given(other, work):
        answer(other, place)
    assert Label.objects.filter(annotator=other).count() == 2 + 3
    assert queue.claim(person, work) is queue.SEAT_PAUSED


def test_what_a_reviewer_accepted_stays_and_nothing_reopened_waits_for_one():
    work, _person, seat = a_worker(tasks=6, done=3)
    accepted, waits, again = Label.objects.order_by("pk")
    reviewing.add([waits, again], ToReview.Why.CHOSEN)
    Review.objects.create(label=accepted, reviewer=work.created_by, verdict="accept")
    pause = pausing.by_hand(seat, work.created_by, "Guessed.")
    assert reopening.reopen(pause, work.created_by) == 2
    assert Queue.objects.get().has_rejected
    assert Review.objects.filter(label=accepted).latest("pk").verdict == "accept"
    assert not ToReview.objects.exists()
    assert reviewing.take(work.created_by, work) is None


def test_what_somebody_fixed_as_a_reviewer_is_not_reopened_with_their_own_labels():
    work, person, _seat = a_worker(tasks=6, done=1)
    reviewer = make.a_member(work.project, role=Role.REVIEWER)
    theirs = Label.objects.get(pk=make.a_label(reviewer, work))
    other = Label.objects.get(annotator=person)
    fix = reviewing.fix(reviewer, other, labelling.Answer(WRONG, 1)).fix
    pause = pausing.by_hand(Seat.objects.get(user=reviewer), work.created_by, "Guessed.")
    assert reopening.reopen(pause, work.created_by) == 1
    assert Review.objects.get(verdict="reject").label == theirs
    assert not Review.objects.filter(label=fix).exists()


def test_more_labels_than_a_statement_has_parameters_are_reopened():
    work, _person, _seat = a_worker(tasks=2, done=2)
    label = Label.objects.order_by("pk")[0]
    reviewing.add([label], ToReview.Why.CHOSEN)
    reopening._wait_no_more(range(label.pk, label.pk + 70_000))
    assert not ToReview.objects.exists()
    assert places.add_places(work, range(label.task_id, label.task_id + 70_000)) == 2


# --- Another overlap -------------------------------------------------------------------------------------------------


def test_fewer_labels_a_task_leave_places_that_disagreement_asked_for():
    work = a_queue(1, overlap=2, most_labels=5)
    for said in (RIGHT, WRONG):
        person = make.a_member(work.project)
        answer(person, given(person, work), said)
    assert adapting.adapt(work) == 1
    work = running.change_queue(work, overlap=1)
    assert Assignment.objects.filter(state="open").count() == 1
    assert adapting.adapt(work) == 0
    assert Queue.objects.get().extra_places == 1


def test_fewer_labels_a_task_leave_the_place_for_a_rejected_one():
    work, _person, seat = a_worker(tasks=2, overlap=2, done=2)
    reopening.reopen(pausing.by_hand(seat, work.created_by, "Guessed."), work.created_by)
    assert Assignment.objects.filter(state="open").count() == 4
    running.change_queue(work, overlap=1)
    assert Assignment.objects.filter(state="open").values("task").distinct().count() == 2
    assert Assignment.objects.filter(state="open").count() == 2
    assert set(Task.objects.values_list("places", flat=True)) == {2}


def test_b5_labels_of_checks_are_set_aside_like_all_others_and_nobody_labels_them_again():
    work = a_queue(6, gold_rate=1)
    gold = a_check(work)
    person = make.a_member(work.project)
    for place in all_given(person, work, most=3):
        answer(person, place)
    pause = pausing.by_hand(Seat.objects.get(), work.created_by, "Guessed.")
    assert reopening.reopen(pause, work.created_by) == 2
    assert Review.objects.filter(verdict="reject").count() == Label.objects.count() == 3
    html = client_of(person).get("/you/labels/").content.decode()
    assert html.count("<td>rejected</td>") == 3
    assert Assignment.objects.filter(task=gold).count() == 1


def test_added_places_are_given_to_everybody_who_has_not_labelled_the_task():
    work, person, _seat = a_worker(tasks=2, done=2)
    tasks = list(Task.objects.values_list("pk", flat=True))
    gold = a_check(work)
    assert places.add_places(work, [*tasks, gold.pk]) == 2
    assert queue.claim(person, work) is queue.EMPTY
    other = make.a_member(work.project)
    assert {place.task_id for place in all_given(other, work) if answer(other, place)} == set(tasks)
    assert set(Task.objects.filter(role="work").values_list("places", flat=True)) == {2}


# --- Checks made of tasks --------------------------------------------------------------------------------------------


def test_a_labelled_task_is_used_as_gold_and_taken_back():
    work, _person, _seat = a_worker(tasks=4, overlap=2, done=1)
    label = Label.objects.get()
    task = promoting.promote(label.task, label)
    assert task.gold is not None and (task.role, task.gold["ranks"]) == ("gold", RIGHT["ranks"])
    assert sorted(Assignment.objects.filter(task=task).values_list("state", flat=True)) == ["done", "held"]
    other = make.a_member(work.project)
    set_rules(work, gold_rate=1)
    assert given(other, work).task == task
    back = promoting.demote(task)
    assert (back.role, back.gold, CheckResult.objects.count()) == ("work", None, 0)
    assert sorted(Assignment.objects.filter(task=task).values_list("state", flat=True)) == ["done", "leased"]
    with pytest.raises(ValidationError):
        promoting.demote(task)


def test_a_label_is_not_graded_by_an_answer_that_came_from_it():
    work, person, _seat = a_worker(tasks=4, overlap=2, done=1)
    label = Label.objects.get()
    task = promoting.promote(label.task, label)
    assert not CheckResult.objects.exists()
    labelling.amend(person, label, labelling.Answer(WRONG, 1))
    assert not CheckResult.objects.exists()
    set_rules(work, gold_rate=1)
    other = make.a_member(work.project)
    answer(other, given(other, work), WRONG)
    task = promoting.promote(task, label, "attention")  # another role: since when it is a check stays
    assert checking.recompute(work) == 1
    assert CheckResult.objects.get().seat.user == other
    assert promoting.demote(task).check_since is None


def test_a_check_made_work_again_gets_all_places_beside_labels_from_files():
    work = a_queue(1, overlap=2)
    task = Task.objects.get()
    outside = make.a_user()
    OutsideAnnotator.objects.create(project=work.project, name="crowd-1", user=outside)
    Task.objects.update(places=3)
    Assignment.objects.create(task=task, queue=work, slot=3, position=0, state="done", annotator=outside)
    task = promoting.demote(promoting.promote(task, RIGHT))
    assert (task.assignments.filter(state="open").count(), Task.objects.get().places) == (2, 3)


def test_a_check_made_work_again_gets_a_place_for_a_label_that_was_set_aside():
    work, _person, seat = a_worker(tasks=3, done=1, gold_rate=0.1, most_labels=3)
    label = Label.objects.get()
    promoting.promote(label.task, RIGHT)
    assert reopening.reopen(pausing.by_hand(seat, work.created_by, "Guessed."), work.created_by) == 0
    promoting.demote(label.task)
    other = make.a_member(work.project)
    assert label.task in {place.task for place in all_given(other, work) if answer(other, place)}
    now = adapting.standing(work)
    assert now is not None and now.finished == {1: 3}


def test_work_whose_answer_came_with_its_file_before_there_were_checks_is_made_one_by_hand():
    work = a_queue(0, overlap=2)
    task = make.a_task(work, gold=WRONG)
    assert given(make.a_member(work.project), work).task == task  # meanwhile it is work: no queue loses its tasks
    page, address = client_of(work.created_by), reverse("task", args=[task.pk])
    assert "Use as gold: " in page.get(address).content.decode()
    page.post(reverse("task-check", args=[task.pk]), {"consensus": "1"})
    task.refresh_from_db()
    assert (task.role, task.gold, task.check_since is not None) == ("gold", WRONG, True)


def test_a_check_that_came_with_a_file_becomes_work_with_all_its_places():
    work = a_queue(0, overlap=3)
    task = promoting.demote(a_check(work))
    assert (task.assignments.filter(state="open").count(), Task.objects.get().places) == (3, 3)
    assert given(make.a_member(work.project), work).task == task


def test_the_task_page_makes_gold_of_a_label_or_of_all_together():
    work, _person, _seat = a_worker(tasks=1, overlap=2, done=1)
    other = make.a_member(work.project)
    answer(other, given(other, work))
    task, client = Task.objects.get(), client_of(work.created_by)
    assert "Use as gold" in client.get(reverse("task", args=[task.pk])).content.decode()
    client.post(reverse("task-check", args=[task.pk]), {"consensus": "1"})
    known = Task.objects.get().gold
    assert known is not None and known["ranks"] == RIGHT["ranks"]
    assert "Make it ordinary work" in client.get(reverse("task", args=[task.pk])).content.decode()
    client.post(reverse("task-check", args=[task.pk]), {"back": "1"})
    assert Task.objects.get().role == "work"


def test_who_labelled_all_the_qualification_tasks_as_work_is_let_in():
    work, person, _seat = a_worker(tasks=5, done=3)
    for label in Label.objects.all():
        promoting.promote(label.task, label, "screen")
    work = running.change_queue(work, rules={"screen_tasks": 3})
    assert given(person, work).task.role == "work"
    assert Seat.objects.get().qualified_at
    assert given(make.a_member(work.project), work).task.role == "screen"


@pytest.mark.parametrize(("said", "state"), [(RIGHT, "active"), (WRONG, "paused")])
def test_who_labelled_some_of_the_qualification_tasks_as_work_is_judged_by_the_others(said, state):
    work, person, _seat = a_worker(tasks=5, done=2)
    for label in Label.objects.all():
        promoting.promote(label.task, label, "screen")
    a_check(work, "screen")
    work = running.change_queue(work, rules={"screen_tasks": 3, "screen_pass": 1})
    answer(person, given(person, work), said)
    assert Seat.objects.get().state == state
    assert Pause.objects.filter(facts={"right": 0, "wrong": 1, "wanted": 1}).count() == (state == "paused")


def test_a_task_that_lost_places_is_given_as_gold_to_one_after_another():
    work = a_queue(1, overlap=3)
    people = [make.a_member(work.project) for _ in range(3)]
    held = [(person, given(person, work)) for person in people]
    answer(*held[2])
    for person, place in held[:2]:
        labelling.leave(person, place, place.fence, Exit.Way.DECLINE, "not mine")
    work = running.change_queue(work, overlap=1)
    label = Label.objects.get()
    task = promoting.promote(label.task, label)
    for _ in range(4):
        make.a_task(work)
    work = running.change_queue(work, rules={"gold_rate": 0.5})
    set_rules(work, gold_rate=1)
    for _ in range(3):
        assert given(make.a_member(work.project), work).task == task
    promoting.promote(promoting.demote(task), RIGHT)
    for _ in range(3):
        assert given(make.a_member(work.project), work).task == task


# --- Rules -----------------------------------------------------------------------------------------------------------

WRONG_RULES = [
    ({"gold_rate": 0.6}, "gold_rate"),
    ({"gold_rate": "0.1"}, "gold_rate"),
    ({"gold_rate": float("nan")}, "gold_rate"),
    ({"gold_rate": 0.3, "repeat_rate": 0.3}, "gold_rate"),
    ({"most_labels": 1}, "most_labels"),
    ({"most_labels": 21}, "most_labels"),
    ({"most_labels": 2.5}, "most_labels"),
    ({"pause": 1}, "pause"),
    ({"pause_bad": 0.9}, "pause_bad"),
    ({"extra_budget": -1}, "extra_budget"),
    ({"review_annotators": "annotator-1"}, "review_annotators"),
    ({"currency": "euro"}, "currency"),
    ({"gold": 0.1}, "gold"),
]


@pytest.mark.parametrize(("data", "field"), WRONG_RULES, ids=str)
def test_what_is_wrong_with_rules_is_said_by_field(data, field):
    with pytest.raises(ValidationError) as refused:
        rules.checked(data, overlap=2)
    assert list(refused.value.message_dict) == [field]


def test_rules_are_stored_without_what_is_as_by_default():
    asked = rules.checked({"gold_rate": 0.05, "pause": False, "review_annotators": ["annotator-1"]}, 1)
    assert rules.stored(asked) == {"gold_rate": 0.05, "review_annotators": ["annotator-1"]}
    assert rules.of(make.a_queue(rules=rules.stored(asked))) == asked


def test_a_queue_is_made_with_rules_and_asking_again_gives_it_back():
    project = make.a_project()
    asked = {"gold_rate": 0.1, "review_annotators": ["annotator-1"]}
    settings: dict[str, Any] = {"name": "Q", "kind": "rank", "rules": asked}
    work, new = running.create_queue(project, project.created_by, **settings)
    assert (new, running.create_queue(project, project.created_by, **settings)) == (True, (work, False))
    with pytest.raises(ValidationError) as refused:
        running.change_queue(work, rules={"gold_rate": 2})
    assert list(refused.value.message_dict) == ["rules.gold_rate"]


def test_the_rules_page_takes_percent_and_names_wrong_fields():
    work, person, _seat = a_worker()
    client, page = client_of(work.created_by), reverse("queue-rules", args=[work.pk])
    html = client.get(page).content.decode()
    sent = {name: value for name, value in _fields(html).items() if value != ""}
    assert sent["pause_good"] == "88"
    sent |= {"gold_rate": "7.5", "pause": "on", "review_annotators": work.project.pseudonym(person.pk)}
    assert client.post(page, sent).status_code == 303
    work.refresh_from_db()
    pseudonym = work.project.pseudonym(person.pk)
    assert work.rules == {"gold_rate": 0.075, "pause": True, "review_annotators": [pseudonym]}
    assert "fewer than 10" in client.get(page).content.decode()
    answer = client.post(page, sent | {"gold_rate": "70"})
    assert (answer.status_code, "Must be from 0 to 50 %." in answer.content.decode()) == (422, True)
    assert 'value="70"' in answer.content.decode()


def _fields(html):
    inputs = re.findall(r"<input type=\"(?:number|text)\"[^>]*>", html)
    found = {}
    for one in inputs:
        name, value = re.search(r'name="([^"]+)"', one), re.search(r'value="([^"]*)"', one)
        assert name is not None
        found[name[1]] = value[1] if value else ""
    return found


def test_rules_and_checks_by_the_api():
    work = a_queue(10, gold_rate=1)
    for _ in range(2):
        a_check(work)
    person = make.a_member(work.project)
    for place in all_given(person, work, most=3):
        answer(person, place)
    judging.judge_waiting()
    manager = Caller(work.created_by)
    reviewer = Caller(make.a_member(work.project, role=Role.REVIEWER))
    asked = manager.get(f"/queues/{work.pk}/rules").json()
    assert (asked["gold_rate"], asked["pause_good"], len(asked)) == (1, 0.88, 21)
    refused = manager("PATCH", f"/queues/{work.pk}/rules", {"gold_rate": 0.1, "most_labels": 30})
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["most_labels"])
    changed = manager("PATCH", f"/queues/{work.pk}/rules", {"gold_rate": 0.1})
    assert (changed.status_code, changed.json()["gold_rate"]) == (200, 0.1)
    (told,) = reviewer.get(f"/queues/{work.pk}/checks").json()["results"]
    assert (told["annotator"], told["gold"]["n"], told["same"]["value"]) == (
        work.project.pseudonym(person.pk), 2, None,
    )  # fmt: skip
    assert len(reviewer.get(f"/queues/{work.pk}/checks/tasks").json()["results"]) == 2
    pause = manager.post(f"/queues/{work.pk}/pauses", {"annotator": told["annotator"], "reason": "Look."}).json()
    mine = Caller(person)
    assert mine.post(f"/pauses/{pause['id']}/appeal", {"appeal": "I did."}).status_code == 200
    assert mine.get("/me/pauses").json()["results"][0]["appeal"] == "I did."
    assert "facts" not in mine.get("/me/pauses").json()["results"][0]
    assert manager.post(f"/pauses/{pause['id']}/reopen", {}).json() == {"labels": 1}
    (open_,) = manager.get(f"/queues/{work.pk}/pauses?open=true").json()["results"]
    assert open_["appeal"] == "I did."
    assert manager.post(f"/pauses/{pause['id']}/decide", {"outcome": "lifted"}).json()["outcome"] == "lifted"
    assert isinstance(queue.claim(person, work), int)

"""Tasks and labels as they are shown to whoever looks after them."""

import re

import pytest

from annotate import kinds, labelling, queue
from annotate.models import Assignment, Exit, Label, Prompt, Task
from annotate.templatetags.humane import excerpt
from annotate.views.frames import in_words
from tests import factories as make
from tests.admin_pages.cast import Cast, a_busy_cast, a_cast

pytestmark = pytest.mark.django_db


def flagged(cast: Cast) -> Task:
    return cast.queue.tasks.get(state=Task.State.FLAGGED)


def test_a_label_is_shown_as_its_annotator_saw_it():
    cast = a_busy_cast()
    html = cast.get("reviewer", "label", cast.label.pk).content.decode()
    texts = [cast.label.task.prompt.responses.get(pk=pk).text for pk in cast.label.shown]
    places = [html.index(text) for text in texts]
    assert places == sorted(places)
    checked = set(re.findall(r'name="ranks\.(\w)" value="(\d)" checked', html))
    assert checked == {(letter, str(rank)) for letter, rank in cast.label.payload["ranks"].items()}


@pytest.mark.parametrize("kind", [kind.name for kind in kinds.all_kinds()])
def test_every_kind_has_its_task_and_label_pages(kind):
    cast = a_cast(kind)
    make.a_task(cast.queue)
    label = make.a_label(cast.people["annotator"], cast.queue)
    for name, pk in (("label", label), ("task", cast.task.pk)):
        answer = cast.get("reviewer", name, pk)
        assert answer.status_code == 200
        assert cast.task.prompt.instruction in answer.content.decode()


@pytest.mark.parametrize("name", ["task", "label"])
def test_models_are_shown_to_managers_alone(name):
    cast = a_cast()
    make.a_task(cast.queue, models=["canary-1", "canary-2", "canary-3", "canary-4"])
    make.a_label(cast.people["annotator"], cast.queue)
    pk = {"task": cast.task.pk, "label": cast.label.pk}[name]
    assert "canary-3" in cast.get("manager", name, pk).content.decode()
    assert "canary" not in cast.get("reviewer", name, pk).content.decode()


def test_on_a_tasks_page_responses_go_by_the_same_numbers_for_everybody():
    cast = a_cast(overlap=3)
    make.a_task(cast.queue)
    best = cast.task.response_ids[2]
    for _ in range(3):
        person = make.a_member(cast.project)
        place = make.a_lease(person, cast.queue)
        letter = kinds.letters_for(4)[place.shown().index(best)]
        others = [one for one in "abcd" if one != letter]
        make.a_label(person, cast.queue, {"ranks": {letter: 1}, "unusable": others})
    html = cast.get("reviewer", "task", cast.task.pk).content.decode()
    assert html.count("3; unusable: 1, 2, 4") == 3


def test_an_amended_label_leads_to_its_amendment_and_back():
    cast = a_busy_cast()
    old = cast.label
    new = Label.objects.create(
        **{name: getattr(old, name) for name in ("assignment", "task", "queue", "annotator", "shown", "fence")},
        payload=old.payload,
        body_digest=b"",
        supersedes=old,
    )
    assert f'href="/labels/{new.pk}/"' in cast.get("reviewer", "label", old.pk).content.decode()
    assert f'href="/labels/{old.pk}/"' in cast.get("reviewer", "label", new.pk).content.decode()
    assert f'href="/labels/{old.pk}/"' not in cast.get("reviewer", "labels", cast.queue.pk).content.decode()
    every = cast.get("reviewer", "labels", cast.queue.pk, query={"which": "all"}).content.decode()
    assert f'href="/labels/{old.pk}/"' in every


def test_labels_of_one_person():
    cast = a_busy_cast()
    bea = cast.people["bea"]
    html = cast.get("reviewer", "labels", cast.queue.pk, query={"by": cast.project.pseudonym(bea.pk)}).content.decode()
    shown = {int(pk) for pk in re.findall(r'href="/labels/(\d+)/"', html)}
    assert shown == set(cast.queue.labels.filter(annotator=bea).values_list("pk", flat=True))


def test_a_task_is_found_by_its_whole_external_id():
    cast = a_busy_cast()
    wanted = cast.task.prompt.external_id
    html = cast.get("reviewer", "tasks", cast.queue.pk, query={"external_id": f" {wanted} "}).content.decode()
    assert re.findall(r'href="/tasks/(\d+)/"', html) == [str(cast.task.pk)]
    for junk in (wanted[:-1], "%", "\0"):
        html = cast.get("reviewer", "tasks", cast.queue.pk, query={"external_id": f"x{junk}"}).content.decode()
        assert "No task has the external id" in html


def test_states_that_there_are_not_are_not_found():
    cast = a_cast()
    for name, query in (("tasks", "state"), ("places", "state"), ("labels", "which")):
        assert cast.get("reviewer", name, cast.queue.pk, query={query: "juggled"}).status_code == 404


def test_a_flagged_task_shows_why_and_can_be_put_back():
    cast = a_busy_cast()
    task = flagged(cast)
    for name, query in (("queue", {}), ("tasks", {"state": "flagged"})):
        html = cast.get("manager", name, cast.queue.pk, query=query).content.decode()
        assert "Two responses are the same." in html
    answer = cast.post("manager", "task", task.pk, state="ready", from_queue="1")
    assert answer.url == f"/queues/{cast.queue.pk}/"
    task.refresh_from_db()
    assert task.state == Task.State.READY
    assert Exit.objects.get(task=task).resolved_by == cast.people["manager"]
    assert not task.assignments.filter(state=Assignment.State.HELD).exists()


@pytest.mark.parametrize("way", ["give back", "skip", "let it run out", "close the queue"])
def test_a_flagged_task_is_offered_to_nobody_when_its_other_holder_leaves_it(way):
    cast = a_cast(overlap=2)
    make.a_task(cast.queue)
    ann, bea = cast.people["annotator"], make.a_member(cast.project)
    place, other = make.a_lease(ann, cast.queue), make.a_lease(bea, cast.queue)
    labelling.leave(ann, place, place.fence, Exit.Way.FLAG, "Broken.")
    if way == "give back":
        labelling.give_back(bea, other, other.fence)
    elif way == "skip":
        labelling.leave(bea, other, other.fence, Exit.Way.SKIP, "Later.")
    elif way == "let it run out":
        Assignment.objects.filter(pk=other.pk).update(lease_until=other.leased_at)
    else:
        cast.post("manager", "queue", cast.queue.pk, state="closed")
        cast.post("manager", "queue", cast.queue.pk, state="open")
        cast.queue.refresh_from_db()
    assert queue.claim(make.a_member(cast.project), cast.queue) == queue.EMPTY
    cast.post("manager", "task", cast.task.pk, state="ready")
    assert make.a_lease(make.a_member(cast.project), cast.queue).task_id == cast.task.pk


def test_a_closed_task_is_given_to_nobody_and_keeps_its_labels():
    cast = a_busy_cast()
    task, before = cast.task, cast.queue.labels.count()
    cast.post("manager", "task", task.pk, state="closed")
    task.refresh_from_db()
    assert task.state == Task.State.CLOSED
    assert cast.queue.labels.count() == before
    assert cast.post("manager", "task", task.pk, state="juggled").status_code == 404


def test_what_annotators_wrote_is_never_html():
    cast = a_cast("write")
    make.a_task(cast.queue, instruction="<img src=x onerror=alert(1)>")
    bea = make.a_member(cast.project)
    make.a_label(cast.people["annotator"], cast.queue, {"text": "<script>alert(1)</script>"})
    place = make.a_lease(bea, cast.queue)
    labelling.leave(bea, place, place.fence, Exit.Way.FLAG, "<script>alert(2)</script>")
    for name, pk in (
        ("task", cast.task.pk),
        ("label", cast.label.pk),
        ("queue", cast.queue.pk),
        ("labels", cast.queue.pk),
    ):
        html = cast.get("owner", name, pk).content.decode()
        assert "<script>alert" not in html
        assert "<img" not in html


def test_answers_are_told_in_one_line():
    said = {kind.name: in_words(kind, kind.example().payload | {"comment": "Close."}) for kind in kinds.all_kinds()}
    assert said["rank"] == "A = C > B; unusable: D · Close."
    assert said["compare"] == "A: much better · Close."
    assert said["steps"].startswith("+ ")
    assert said["thumbs"].startswith("A: good")
    assert said["criteria"] == "A: 75 %; B: 0 % · Close."
    assert "{" not in "".join(said.values())
    assert said["write"].endswith("sky. · Close.")


def test_a_conversation_is_told_by_its_last_turn():
    turns = [{"role": "user", "content": "Hello"}, {"role": "user", "content": "And now?\nWhat?"}]
    assert excerpt(Prompt(messages=turns)) == "And now? What?"
    assert excerpt(Prompt(instruction="", key="k-1")) == "k-1"

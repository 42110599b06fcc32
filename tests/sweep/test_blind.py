"""B1 to B8: whoever judges can't know whose a response is, what others said, or which task has a known answer."""

from __future__ import annotations

import random
import re
import statistics
import uuid
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from annotate import kinds, labelling, panels
from annotate.models import Assignment, Label, Project, Prompt, Queue, Response, Task, User
from tests import factories as make
from tests.pages.desk import client_of, let_in
from tests.sweep.stage import RANKS, Stage, a_stage

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request
    from playwright.sync_api import Response as Answer

LEASES = 2_000
#: Upper 0.1 % point of chi-square with 9 degrees of freedom ((4 - 1) x (4 - 1)); NIST handbook, 1.3.6.7.4.
CHI_SQUARE_9 = 27.877
pytestmark = pytest.mark.django_db(transaction=True)


def canary() -> str:
    return f"cnry{uuid.uuid4().hex[:8]}"


def mark_what_is_hidden(project: Project) -> None:
    """Canaries in all that an annotator must not see."""
    for response in Response.objects.filter(prompt__project=project):
        hidden = {"model": canary(), "external_id": canary(), "key": canary(), "params": {"provider": canary()}}
        Response.objects.filter(pk=response.pk).update(**hidden)
    for prompt in Prompt.objects.filter(project=project):
        hidden = {"external_id": canary(), "key": canary(), "source": canary(), "tags": [canary()]}
        hidden |= {"category": canary(), "domain": canary(), "difficulty": canary()}
        Prompt.objects.filter(pk=prompt.pk).update(meta=prompt.meta | {"line": canary()}, **hidden)


def what_others_said(here: Stage) -> None:
    """Labels of somebody whose name and comment would be seen."""
    other = make.a_member(here.project, make.a_user(f"{canary()}@example.org", name=canary()))
    for work in here.queues:
        payload = work.way.example().payload | {"comment": canary()}
        make.a_label(other, work, payload)


def test_b1_b4_b8_no_byte_that_a_browser_gets_tells_a_model_or_another_person(page: Page, live_server: object) -> None:
    here = a_stage()
    for work in here.queues:  # places enough for one more person
        Queue.objects.filter(pk=work.pk).update(overlap=3)
        for task in work.tasks.all():
            Task.objects.filter(pk=task.pk).update(places=3)
            Assignment.objects.create(task=task, queue=work, slot=3, position=task.position)
    what_others_said(here)
    mark_what_is_hidden(here.project)
    let_in(page.context, here.people["annotator"], str(live_server))
    got: list[Answer] = []
    asked: set[Request] = set()
    page.on("response", lambda answer: got.append(answer))
    page.on("request", lambda one: asked.add(one))
    page.on("requestfinished", lambda one: asked.discard(one))
    page.on("requestfailed", lambda one: asked.discard(one))
    seen, leaks = set(), set()
    for address in [*here.addresses("annotator"), reverse("work", args=[here.queues[-1].pk])]:
        page.goto(address)
        page.keyboard.press("?")
        while asked or (page.locator("[data-place]").count() and not any("/ahead/" in one.url for one in got)):
            page.wait_for_timeout(10)  # the next task is asked for ahead
        leaks |= {one.url for one in got if not (is_static(one) and one.url in seen) and "cnry" in bytes_of(one)}
        seen |= {answer.url for answer in got}
        got.clear()
    assert leaks == set()
    assert any("/static/js/" in url for url in seen)
    assert any("/ahead/" in url for url in seen)
    # B4: nothing is fetched for one response alone.
    assert not [url for url in seen if re.search(r"/responses?/|/candidates?/", url)]


def is_static(answer: Answer) -> bool:
    return "/static/" in answer.url


def bytes_of(answer: Answer) -> str:
    head = repr(answer.all_headers())
    return head + (answer.text() if answer.ok and answer.status != 204 else "")


def test_b1_what_is_refused_tells_nothing_either() -> None:
    here = a_stage()
    mark_what_is_hidden(here.project)
    client = client_of(here.people["annotator"])
    for address in here.addresses("owner"):
        answer = client.get(address)
        assert b"cnry" not in answer.content, address
        assert answer.status_code in {200, 302, 403, 404}
    assert RANKS["annotator"] < RANKS["owner"]


def test_b2_the_ids_an_annotator_sees_say_nothing_of_the_order_of_import() -> None:
    """The same response has another letter for another person, and letters don't follow the order of import."""
    work = make.a_queue(kind="rank", overlap=20)
    task = make.a_task(work)
    places = [make.a_lease(make.a_member(work.project), work) for _ in range(20)]
    orders_shown = {tuple(place.shown()) for place in places}
    assert len(orders_shown) > 5
    positions = [[place.shown().index(one) for one in task.response_ids] for place in places]
    means = [statistics.mean(column) for column in zip(*positions, strict=True)]
    assert max(means) - min(means) < 2  # by the order of import they would be 3 apart


def test_b3_every_response_stands_at_every_place_equally_often() -> None:
    """Chi-square of place by response over 2,000 leases of 4 responses."""
    work = Queue(kind="rank", shuffle_seed=uuid.UUID(int=random.Random(7).getrandbits(128)))
    task = Task(queue=work, response_ids=[11, 12, 13, 14])
    seen: Counter[tuple[int, int]] = Counter()
    for pk in range(1, LEASES + 1):
        place = Assignment(pk=pk, task=task, queue=work, slot=1, position=pk, fence=1)
        seen.update(enumerate(place.shown()))
    expected = LEASES / 4
    assert (
        sum((seen[at, one] - expected) ** 2 / expected for at in range(4) for one in task.response_ids) < CHI_SQUARE_9
    )


def test_b3_the_page_the_api_and_the_label_have_the_order_that_was_shown() -> None:
    work = make.a_queue(kind="rank")
    make.a_task(work)
    person = make.a_member(work.project)
    place = make.a_lease(person, work)
    texts = {one.pk: one.text for one in Response.objects.all()}
    wanted = [texts[pk] for pk in place.shown()]
    html = client_of(person).get(reverse("work", args=[work.pk])).content.decode()
    assert sorted(wanted, key=html.index) == wanted
    assert [one.text for one in panels.load(person, place.pk, work).candidates] == wanted
    payload = labelling.check(place, work.way.example().payload)
    label = labelling.submit(person, place, labelling.Answer(payload, place.fence)).label_id
    assert Label.objects.get(pk=label).shown == place.shown()


@pytest.mark.parametrize("kind", kinds.all_kinds(), ids=lambda one: one.name)
def test_b5_a_task_with_a_known_answer_looks_like_any_other(kind: kinds.Kind) -> None:
    """Byte for byte the same page; only what is new on every page differs."""
    example = kind.example()
    work = make.a_queue(None, kind.name, options=example.options)
    task = make.a_task(work, "Say it.", example.responses)
    Prompt.objects.filter(pk=task.prompt_id).update(meta=example.facts)
    person = make.a_member(work.project)
    make.a_lease(person, work)
    client = client_of(person)
    pages = []
    for gold in (None, example.payload | {"comment": canary()}):
        Task.objects.filter(pk=task.pk).update(gold=gold)
        html = client.get(reverse("work", args=[work.pk])).content.decode()
        pages.append(re.sub(r'name="(csrfmiddlewaretoken|key)" value="[^"]+"', "", html))
    assert "answer" in pages[0]
    assert pages[0] == pages[1]


def test_b6_before_and_after_submitting_nobody_elses_words_can_be_reached() -> None:
    here = a_stage()
    work, ann = here.queues[0], here.people["annotator"]
    for task in work.tasks.all():
        Task.objects.filter(pk=task.pk).update(places=3)
        Assignment.objects.create(task=task, queue=work, slot=3, position=task.position)
    other = make.a_member(here.project, make.a_user(name=canary()))
    label = make.a_label(other, work, work.way.example().payload | {"comment": canary()})
    client = client_of(ann)
    for name, args in (("label", [label]), ("labels", [work.pk]), ("tasks", [work.pk]), ("queue", [work.pk])):
        answer = client.get(reverse(name, args=args))
        assert answer.status_code in {403, 404}
        assert b"cnry" not in answer.content
    for address in here.addresses("annotator"):
        assert b"cnry" not in client.get(address).content, address


def test_b7_what_a_response_points_to_is_never_asked_for(page: Page, live_server: object) -> None:
    """The `page` fixture fails the test on any request to another host."""
    far = "https://far.example/"
    texts = [
        f"![x]({far}a.png)",
        f"<img src={far}b.png>",
        f"[a]({far}c)",
        f"<{far}d>",
        f"<link rel=preload href={far}e>",
    ]
    work = make.a_queue(kind="rank")
    make.a_task(work, instruction=" ".join(texts), responses=texts)
    person: User = make.a_member(work.project)
    make.a_lease(person, work)
    let_in(page.context, person, str(live_server))
    page.goto(reverse("work", args=[work.pk]))
    page.wait_for_load_state("networkidle")
    assert page.locator(".response img, .prompt img").count() == 0

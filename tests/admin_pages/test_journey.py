"""Whoever runs a project, in a real browser: from nothing to a training file, and the small things on the way."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from annotate import importing
from annotate.models import Import, Project, Queue, Role
from tests import factories as make
from tests.admin_pages.cast import a_busy_cast, a_cast
from tests.pages.desk import let_in

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)


def rows(count: int) -> str:
    made = (
        {
            "external_id": f"p-{nth}",
            "instruction": f"Name {nth} rivers.",
            "responses": [{"text": f"{nth} names", "model": "m-1"}, {"text": "none", "model": "m-2"}],
        }
        for nth in range(count)
    )
    return "".join(json.dumps(row) + "\n" for row in made)


def test_from_nothing_to_a_training_file(page: Page, live_server: LiveServer, tmp_path: Path):
    owner = make.a_user()
    let_in(page.context, owner, live_server.url)
    page.clock.install()
    page.goto("/")
    page.get_by_role("link", name="New project").click()
    page.get_by_label("Name", exact=True).fill("Rivers")
    page.get_by_role("button", name="Make the project").click()
    page.get_by_role("link", name="New queue").click()

    page.get_by_label("Name", exact=True).fill("Best rivers")
    page.get_by_role("link", name="Rank responses").click()
    page.wait_for_selector('[name="options-ties"]')
    assert page.get_by_label("Name", exact=True).input_value() == "Best rivers"
    assert page.evaluate("document.activeElement.getAttribute('aria-current')") == "true"
    assert page.locator("#said").inner_text().startswith("Chosen: Rank responses")
    assert page.locator("#preview [name=unusable]").count() == 4
    page.get_by_label("Responses can be marked unusable").uncheck()
    page.locator("#preview [name=unusable]").first.wait_for(state="detached")
    page.get_by_label("Labels per task").fill("2")
    page.get_by_role("button", name="Make the queue").click()

    page.locator(".empty").get_by_role("link", name="Import").click()
    file = tmp_path / "rivers.jsonl"
    file.write_text(rows(3) + "not json\n")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Import at once").click()
    page.get_by_text("No worker is running").wait_for()
    importing.run(Import.objects.get().pk)
    page.clock.run_for(3_000)
    page.get_by_text("is not JSON").wait_for()  # the page looks again by itself
    assert page.locator("#said").inner_text() == "The import is over. 3 rows added, 1 refused."

    queue, project = Queue.objects.get(), Project.objects.get()
    assert (queue.options["ties"], queue.options["unusable"], queue.overlap) == (True, False, 2)
    page.get_by_role("link", name="To the queue").click()
    assert page.locator("#newest tbody tr").count() == 0
    for person in (make.a_member(project), make.a_member(project)):
        make.a_label(person, queue, {"ranks": {"a": 1, "b": 2}})
    page.clock.run_for(6_000)
    page.locator("#newest tbody tr").nth(1).wait_for()  # so does this one

    page.get_by_role("link", name="Export").click()
    page.get_by_role("link", name="Preferences preference The").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download JSON lines").click()
    lines = Path(waiting.value.path()).read_text().splitlines()
    assert waiting.value.suggested_filename == "best-rivers-preference.jsonl"
    assert {json.loads(line)["prompt_id"] for line in lines} == {"p-0"}
    assert len(lines) == 2

    page.goto(reverse("people", args=[project.slug]))
    page.get_by_label("E-mail address").fill("guest@example.org")
    page.get_by_role("button", name="Invite").click()
    assert "/invitations/" in page.locator("#link").inner_text()

    page.goto(reverse("queue", args=[queue.pk]))
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Open", exact=True).wait_for()
    queue.refresh_from_db()
    assert queue.state == Queue.State.PAUSED


def test_removing_somebody_asks_first_and_works_by_keyboard(page: Page, live_server: LiveServer):
    cast = a_busy_cast()
    let_in(page.context, cast.people["owner"], live_server.url)
    page.goto(reverse("people", args=[cast.project.slug]))
    bea = cast.people["bea"]
    page.get_by_role("button", name=re.compile(f"Remove.*{bea.name}$")).focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=f"Remove {bea.name}?").wait_for()
    assert page.get_by_text("The 1 label stays").is_visible()
    page.keyboard.press("Escape")
    assert cast.project.members.filter(user=bea).exists()
    page.keyboard.press("Enter")
    page.locator("dialog:popover-open").get_by_role("button", name="Remove").press("Enter")
    page.get_by_text("is no longer a member").wait_for()
    assert not cast.project.members.filter(user=bea).exists()


def test_the_newest_labels_come_quietly_and_not_while_somebody_is_among_them(page: Page, live_server: LiveServer):
    cast = a_busy_cast()
    let_in(page.context, cast.people["owner"], live_server.url)
    page.clock.install()
    page.goto(reverse("queue", args=[cast.queue.pk]))
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("The queue is paused").wait_for()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator("#newest a").first.focus()
    page.clock.run_for(6_000)
    assert [url for url in asked if "/queues/" in url] == []
    page.locator("h1").click()
    before = page.locator("#newest tbody tr").count()
    with page.expect_response("**/queues/*/"):
        page.clock.run_for(6_000)
    assert page.get_by_text("The queue is paused").is_visible()
    page.context.set_offline(True)
    with page.expect_event("requestfailed"):
        page.clock.run_for(6_000)
    assert page.get_by_role("alert").count() == 0
    assert page.locator("#newest tbody tr").count() == before


def test_without_javascript_everything_is_there(page: Page, live_server: LiveServer):
    cast = a_cast()
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    let_in(context, cast.people["owner"], live_server.url)
    plain = context.new_page()
    plain.goto(reverse("queue-new", args=[cast.project.slug]))
    plain.get_by_role("link", name="Compare two responses").click()
    plain.get_by_label("Name", exact=True).fill("By hand")
    plain.get_by_label("Ask by how much").uncheck()
    plain.get_by_role("button", name="Make the queue").click()
    queue = Queue.objects.get(name="By hand")
    assert (queue.kind, queue.options["strength"]) == ("compare", False)
    plain.get_by_role("button", name="Close").click()
    queue.refresh_from_db()
    assert queue.state == Queue.State.CLOSED
    context.close()


def test_no_page_is_wider_than_the_screen(page: Page, live_server: LiveServer):
    cast = a_busy_cast()
    task = make.a_task(cast.queue, instruction="x" * 500, responses=["y" * 3_000, "| a | b |\n|---|---|\n| 1 | 2 |"])
    cast.queue.name = "n" * 120
    cast.queue.save()
    make.a_member(cast.project, make.a_user("z" * 60 + "@example.org"), Role.REVIEWER)
    let_in(page.context, cast.people["owner"], live_server.url)
    pages: list[tuple[str, str | int]] = [
        ("project", cast.project.slug),
        ("people", cast.project.slug),
        ("queue-new", cast.project.slug),
    ]
    pages += [("guidelines", cast.project.slug), ("task", task.pk), ("label", cast.label.pk)]
    names = ("queue", "queue-settings", "queue-people", "queue-preview", "tasks", "places", "labels")
    imports = ("import-new", "import-join", "refused", "export")
    pages += [(name, cast.queue.pk) for name in (*names, *imports)]
    wide = []
    for name, key in [*pages, ("import", cast.job.pk), ("import-look", cast.held.pk)]:
        page.goto(reverse(name, args=[key]))
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 800})
            if page.evaluate("document.documentElement.scrollWidth") > width:
                wide.append((name, width))
    assert wide == []

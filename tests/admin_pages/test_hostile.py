"""Whatever people and files call things, no page takes it for its own words."""

import pytest

from annotate import projects
from annotate.models import Exit, Import, Project, Prompt, Queue, RefusedRow, Response, User
from tests.admin_pages.cast import HTMX, Cast, a_busy_cast
from tests.admin_pages.test_doors import GETS, addresses

pytestmark = pytest.mark.django_db

EVIL = """"'><img src=x onerror=alert(1)><script>alert(2)</script>{{ 7|add:7 }}<b hx-get=/x>"""


def a_hostile_cast() -> Cast:
    cast = a_busy_cast()
    Project.objects.update(name=EVIL[:120], description=EVIL)
    Queue.objects.update(name=EVIL[:120])
    User.objects.update(name=EVIL[:100])
    Prompt.objects.update(category=EVIL, source=EVIL, tags=[EVIL], instruction=EVIL, external_id=EVIL)
    Response.objects.update(model=EVIL, external_id=EVIL)
    Import.objects.update(name=EVIL, error=EVIL, format=EVIL[:40])
    RefusedRow.objects.update(field=EVIL, reason=EVIL, row=EVIL)
    Exit.objects.update(reason=EVIL)
    projects.publish_guideline(cast.project, cast.people["owner"], EVIL)
    return cast


FILES = {"export-file", "refused-file", "issues-file", "project-quality-file"}


@pytest.mark.parametrize("name", sorted(GETS.keys() - FILES))
def test_no_page_takes_names_for_its_own_words(name: str):
    cast = a_hostile_cast()
    client, at = cast.client("owner"), addresses(cast)[name]
    for headers in ({}, HTMX):
        for query in ({}, {"state": "flagged"}) if name == "tasks" else ({},):
            page = client.get(at, query, headers=headers).content.decode()
            for part in ("<img", "<script>", "<b hx-get", "14<b"):
                assert part not in page

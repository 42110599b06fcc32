"""Who may come in: every page and every act, by role; and looking changes nothing."""

import html
import re
from typing import Any

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.urls import reverse

import rankings.urls
from annotate import urls
from annotate.models import Asset, Guideline, Invitation, Pause, Seat
from tests.admin_pages.cast import HTMX, ODD, Cast, a_busy_cast

pytestmark = pytest.mark.django_db

OURS = ("annotate", "rankings")
TEMPLATE = b"{% for message in messages %}{{ message.content }}\n{% endfor %}"
WHO = ("owner", "manager", "reviewer", "annotator", "stranger", "anonymous")

# What each gets, in the order of WHO. A change of this table is a decision.
MEMBERS = (200, 200, 200, 200, 404, 302)
REVIEWERS = (200, 200, 200, 403, 404, 302)
REVIEWERS_OF_A_TASK = (200, 200, 200, 404, 404, 302)
MANAGERS = (200, 200, 403, 403, 404, 302)
SIGNED_IN = (200, 200, 200, 200, 200, 302)
RUN = (303, 303, 403, 403, 404, 302)
RUN_A_TASK = (303, 303, 403, 404, 404, 302)
OWN = (303, 403, 403, 403, 404, 302)
ITS_ANNOTATOR = (404, 404, 404, 200, 404, 302)

GETS = {
    "project-new": SIGNED_IN,
    "project": REVIEWERS,
    "project-quality": REVIEWERS,
    "project-quality-file": REVIEWERS,
    "project-settings": MANAGERS,
    "guidelines": MEMBERS,
    "people": MANAGERS,
    "assets": MANAGERS,
    "queue-new": MANAGERS,
    "queue": REVIEWERS,
    "queue-settings": MANAGERS,
    "queue-people": MANAGERS,
    "queue-preview": REVIEWERS,
    "queue-guidelines": MEMBERS,
    "tasks": REVIEWERS,
    "places": REVIEWERS,
    "queue-rules": MANAGERS,
    "queue-checks": REVIEWERS,
    "queue-pauses": MANAGERS,
    "pause": MEMBERS,
    "labels": REVIEWERS,
    "label": REVIEWERS,
    "fix": REVIEWERS,
    "reviewing": REVIEWERS,
    "quality": REVIEWERS,
    "quality-annotator": REVIEWERS,
    "quality-file": REVIEWERS,
    "cost": MANAGERS,
    "cost-file": MANAGERS,
    "review-next": (302, 302, 302, 403, 404, 302),
    "adjudicate": REVIEWERS_OF_A_TASK,
    "you": SIGNED_IN,
    "you-labels": SIGNED_IN,
    "you-label": ITS_ANNOTATOR,
    "you-feedback": SIGNED_IN,
    "you-settings": SIGNED_IN,
    "task": REVIEWERS_OF_A_TASK,
    "import-new": MANAGERS,
    "import-join": MANAGERS,
    "import-look": MANAGERS,
    "issues-file": MANAGERS,
    "refused": MANAGERS,
    "import": MANAGERS,
    "refused-file": MANAGERS,
    "export": MANAGERS,
    "export-file": MANAGERS,
    "releases": MANAGERS,
    "one-release": MANAGERS,
    "release-learnable": MANAGERS,
    "release-learnable-file": (404, 404, 403, 403, 404, 302),
    "queue-board": MANAGERS,
    "queue-board-file": MANAGERS,
    "project-board": MANAGERS,
    "project-board-file": MANAGERS,
    "queue-bias": REVIEWERS,
    "queue-bias-file": REVIEWERS,
}
#: Pages of the annotator's own; their tests are in tests/pages.
OTHERS = {
    *("home", "language", "sign-in", "sign-out", "accept-invitation", "tokens"),
    *("work", "submit", "draft", "leave", "ahead", "release", "amend", "back", "diff", "changes"),
}

#: What the page of a fix sends.
FIXED = {f"ranks.{letter}": str(nth) for nth, letter in enumerate("abcd", 1)} | {"fence": "1"}

#: What the page of rules sends.
RULES = {
    **dict.fromkeys(["most_labels", "screen_tasks", "attention_rate", "repeat_rate", "review_rate"], "0"),
    **dict.fromkeys(["second_review_rate", "known_rate"], "0"),
    **dict.fromkeys(["enough_agreement", "screen_pass"], "70"),
    "gold_rate": "5",
    "gold_tolerance": "20",
    "currency": "EUR",
    "pause_good": "88",
    "pause_bad": "60",
    "pause_error": "2",
}

# Address, what is sent, what comes of it.
POSTS: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("project-new", {"name": "Fresh"}, (303, 303, 303, 303, 303, 302)),
    ("project-settings", {"name": "Renamed"}, RUN),
    ("project-settings", {"archive": "1"}, OWN),
    ("guidelines", {"text": "Be kind."}, RUN),
    ("queue-guidelines", {"text": "Be kind."}, RUN),
    ("assets", {"remove": "<asset>"}, RUN),
    ("assets", {"sort": "template", "name": "ours", "file": "<template>"}, RUN),
    ("people", {"invite": "1", "email": "new@example.org", "role": "annotator"}, MANAGERS),
    ("people", {"withdraw": "<invitation>"}, RUN),
    ("people", {"member": "<member>", "role": "reviewer"}, RUN),
    ("people", {"member": "<member>", "role": "manager"}, OWN),
    ("people", {"member": "<member>", "remove": "1"}, RUN),
    ("queue-new", {"name": "Q", "overlap": "2", "order": "fifo", "lease_seconds": "60"}, RUN),
    ("queue", {"state": "paused"}, RUN),
    ("queue-settings", {"name": "Q", "overlap": "3", "order": "fifo", "lease_seconds": "60"}, RUN),
    ("queue-people", {"assign": "1", "user": "<bea>"}, RUN),
    ("queue-people", {"seat": "<active>", "pause": "1", "reason": "Read the guidelines again."}, RUN),
    ("queue-rules", RULES, RUN),
    ("queue-pauses", {"pause": "<pause>", "lift": "1"}, RUN),
    ("queue-pauses", {"pause": "<pause>", "uphold": "1", "answer": "Not yet."}, RUN),
    ("queue-pauses", {"pause": "<pause>", "reopen": "1"}, RUN),
    ("pause", {"appeal": "I did read."}, (404, 404, 404, 303, 404, 302)),
    ("task-check", {"label": "<label>"}, RUN_A_TASK),
    ("queue-people", {"seat": "<paused>", "resume": "1"}, RUN),
    ("task", {"state": "closed"}, RUN_A_TASK),
    ("review", {"verdict": "reject", "reason": "It ranks nothing."}, (303, 303, 303, 403, 404, 302)),
    ("review", {"verdict": "changes", "reason": "It ranks nothing."}, (303, 303, 303, 403, 404, 302)),
    ("adjudicate", {"use": "<label>"}, (303, 303, 303, 404, 404, 302)),
    ("fix", FIXED, (303, 303, 303, 403, 404, 302)),
    ("known-verdict", {"verdict": "reject"}, RUN),
    ("reviewing", {}, (303, 303, 303, 403, 404, 302)),
    ("review-send", {"label": "<label>"}, (303, 303, 303, 403, 404, 302)),
    ("label-remarks", {"text": "And why not?"}, (303, 303, 303, 303, 404, 302)),
    ("task-remarks", {"text": "And why not?"}, (303, 303, 303, 404, 404, 302)),
    ("resolve", {}, (303, 303, 303, 403, 404, 302)),
    ("confirm-guidelines", {"version": "1", "read": "1"}, (303, 303, 303, 303, 404, 302)),
    ("you-settings", {"part": "single-keys"}, (303, 303, 303, 303, 303, 302)),
    ("import", {"cancel": "1"}, RUN),
    ("releases", {"formats": "raw", "container": "parquet", "license": "other"}, RUN),
    ("one-release", {"cancel": "1"}, RUN),
    ("project-quality", {"refresh": "1"}, (303, 303, 303, 403, 404, 302)),
    ("quality", {"refresh": "1"}, (303, 303, 303, 403, 404, 302)),
    ("cost", {"refresh": "1"}, RUN),
    ("queue-board", {"refresh": "1"}, RUN),
    ("project-board", {"refresh": "1"}, RUN),
    ("queue-bias", {"refresh": "1"}, (303, 303, 303, 403, 404, 302)),
    ("import-new", {"file": "<file>"}, RUN),
    ("import-join", {"part-0-file": "<file>", "part-0-model": "a", "part-1-file": "<file>", "part-1-model": "b"}, RUN),
    ("import-look", {"format": "native", "cap": "1"}, MANAGERS),
    ("import-look", {"format": "native", "act": "count"}, RUN),
    ("import-look", {"format": "native", "act": "import"}, RUN),
    ("import-look", {"act": "cancel"}, RUN),
    ("project-settings", {"checks": "1", "placeholder": "refuse"}, RUN),
]


def addresses(cast: Cast) -> dict[str, str]:
    """The address of every page and act by its name, with the ids of this cast."""
    ids: dict[str, list[Any]] = {
        "project-new": [],
        "label": [cast.label.pk],
        "you-label": [cast.label.pk],
        **{name: [cast.label.pk] for name in ("review", "fix", "known-verdict", "label-remarks")},
        **{name: [cast.task.pk] for name in ("adjudicate", "task-remarks", "task-check")},
        "resolve": [cast.thread.pk],
        "quality-annotator": [cast.queue.pk, cast.project.pseudonym(cast.people["annotator"].pk)],
        **{name: [] for name in ("you", "you-labels", "you-feedback", "you-settings")},
        "task": [cast.task.pk],
        "import": [cast.job.pk],
        "import-look": [cast.held.pk],
        "one-release": [cast.queue.releases.get().pk],
        **{name: [cast.queue.releases.get().pk] for name in ("release-learnable", "release-learnable-file")},
        "refused-file": [cast.job.pk, "csv"],
        "issues-file": [cast.job.pk, "csv"],
        "export-file": [cast.queue.pk, "raw", "jsonl"],
        **{name: [cast.project.slug] for name in ("project", "project-settings", "guidelines", "people", "queue-new")},
        **{name: [cast.project.slug] for name in ("assets", "project-board", "project-board-file")},
        **{name: [cast.project.slug] for name in ("project-quality", "project-quality-file")},
    }
    acts = {name for name, _sent, _expected in POSTS}
    return {name: reverse(name, args=ids.get(name, [cast.queue.pk])) for name in GETS.keys() | acts}


def test_every_address_is_in_a_table():
    acts = {name for name, _sent, _expected in POSTS}
    there = [*urls.urlpatterns, *rankings.urls.urlpatterns]
    pages = {one.name for one in there if hasattr(one, "name") and not one.name.startswith("api-")}
    assert pages == GETS.keys() | OTHERS | acts


def test_who_may_look():
    cast = a_busy_cast()
    clients, at = [cast.client(who) for who in WHO], addresses(cast)
    found = {name: tuple(one.get(at[name]).status_code for one in clients) for name in GETS}
    assert found == GETS


def test_who_may_act():
    cast = a_busy_cast()
    ids, at = placeholders(cast), addresses(cast)
    clients = {who: cast.client(who) for who in WHO}
    before = everything()
    for name, data, expected in POSTS:
        found = []
        for who in WHO:
            sent = {key: upload(value) or ids.get(value, value) for key, value in data.items()}
            with transaction.atomic():
                status = clients[who].post(at[name], sent).status_code
                found.append(status)
                assert (everything() == before) == (status in {302, 403, 404}), (name, data, who)
                transaction.set_rollback(True)
        assert tuple(found) == expected, (name, data)


def upload(placeholder: Any) -> SimpleUploadedFile | None:
    """A file, fresh for each request."""
    files = {"<file>": ("odd.csv", ODD), "<template>": ("ours.jinja", TEMPLATE)}
    return SimpleUploadedFile(*files[placeholder]) if placeholder in files else None


def placeholders(cast: Cast) -> dict[str, Any]:
    bea, ann = cast.people["bea"], cast.people["annotator"]
    cast.queue.seats.filter(user=ann).update(state=Seat.State.PAUSED)
    guest = Invitation(project=cast.project, email="guest@example.org", invited_by=cast.people["owner"])
    guest.save()
    asset = Asset.objects.create(
        project=cast.project, sort="template", name="old", file="old", sha256="0" * 64, size=1, created_by=ann
    )
    return {
        "<asset>": asset.pk,
        "<label>": cast.label.pk,
        "<pause>": Pause.objects.create(seat=cast.queue.seats.get(user=ann), reason="Look.", created_by=bea).pk,
        "<invitation>": guest.pk,
        "<member>": cast.project.members.get(user=bea).pk,
        "<active>": cast.queue.seats.get(user=bea).pk,
        "<paused>": cast.queue.seats.get(user=ann).pk,
        "<bea>": bea.pk,
    }


def test_what_is_not_mine_answers_like_what_is_not_there():
    cast = a_busy_cast()
    client, at = cast.client("stranger"), addresses(cast)
    for name in sorted(name for name in GETS if GETS[name] != SIGNED_IN):
        mine = at[name]
        nowhere = re.sub(r"^/((you/)?\w+)/[^/]+/", r"/\1/987654321/", mine)
        for method in (client.get, client.post, client.put, client.delete, client.patch, client.head, client.options):
            answer, other = method(mine), method(nowhere)
            assert (answer.status_code, bare(answer)) == (other.status_code, bare(other)), name
            assert answer.status_code in {404, 405}, name


def bare(answer: Any) -> str:
    """A page without what is new on every page."""
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())


def test_looking_changes_nothing():
    cast = a_busy_cast()
    client, at = cast.client("owner"), addresses(cast)
    for name in GETS:
        client.get(at[name])  # a text is rendered once, when it is first shown
        before = everything()
        for method in (client.get, client.head):
            for headers in ({}, HTMX):
                method(at[name], headers=headers)
        assert everything() == before, name


def test_only_managers_put_a_new_version_of_guidelines_in_force():
    cast = a_busy_cast()
    cast.post("annotator", "guidelines", cast.project.slug, text="Be sloppy.")
    assert Guideline.objects.get(project=cast.project).text == "Be fair."


@pytest.mark.parametrize("who", ["manager", "reviewer", "annotator"])
def test_no_page_has_a_link_that_is_refused(who: str):
    cast = a_busy_cast()
    client, at = cast.client(who), addresses(cast)
    files = {"export-file", "refused-file", "issues-file"}
    files |= {"quality-file", "cost-file", "queue-board-file", "project-board-file", "queue-bias-file"}
    files.add("project-quality-file")
    allowed = [name for name in GETS.keys() - files if GETS[name][WHO.index(who)] == 200]
    links = {
        link
        for name in allowed
        for link in re.findall(r'href="(/[^"]*|\?[^"]*)"', client.get(at[name]).content.decode())
        if link.startswith("/") and not link.startswith("/static/")
    }
    links -= {at[name] for name in allowed}
    refused = [link for link in sorted(links) if client.get(html.unescape(link)).status_code not in {200, 302}]
    assert refused == []


def everything() -> str:
    """A hash of every row of ours."""
    tables = [model._meta.db_table for app in OURS for model in apps.get_app_config(app).get_models()]
    rows = (f"SELECT md5(string_agg(one::text, '|' ORDER BY one::text)) FROM {table} one" for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(rows))
        return str(cursor.fetchall())

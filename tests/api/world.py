"""A project with one person of each role, a queue with work, and every route with what may be sent to it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.core.files.base import ContentFile, File
from django.urls import URLPattern

import rankings.urls
from annotate import discussing, importing
from annotate.api import urls
from annotate.api.base import ApiView, Call
from annotate.checking import pausing
from annotate.models import (
    Asset,
    Assignment,
    Guideline,
    Import,
    Label,
    Pause,
    Project,
    Queue,
    Release,
    Role,
    Scope,
    Task,
    User,
)
from annotate.quality import reports
from tests.api.callers import Caller, Multipart
from tests.factories import a_label, a_lease, a_member, a_project, a_queue, a_release, a_task, a_user

TEMPLATE = b"{% for message in messages %}{{ message.content }}\n{% endfor %}"


def views() -> list[tuple[str, type[ApiView]]]:
    """(path, view) of every address of the API but the one that catches all others."""
    patterns = [one for one in urls.urlpatterns if isinstance(one, URLPattern) and one.name]
    found = [(str(one.pattern), one) for one in patterns]
    others = [(str(one.pattern), one) for one in rankings.urls.urlpatterns if isinstance(one, URLPattern)]
    found += [(path.removeprefix("api/v1/"), one) for path, one in others if path.startswith("api/v1/")]
    return [(f"/{_readable(path)}", vars(one.callback)["cls"]) for path, one in found]


def calls() -> dict[str, Call]:
    """ "METHOD /path" of every call."""
    return {f"{method} {path}": call for path, view in views() for method, call in view.calls.items()}


def _readable(pattern: str) -> str:
    for name in ("slug:slug", "int:pk", "str:name", "path:name"):
        pattern = pattern.replace(f"<{name}>", "{" + name.partition(":")[2] + "}")
    return pattern


def who_posts(route: str) -> str:
    """Whose call it is: an annotator's own work, or what the owner may do."""
    return "annotator" if any(word in route for word in ("assignments", "amend", "appeal")) else "owner"


@dataclass
class World:
    """`place` is the annotator's lease; `label` the id of one they gave, in another queue; `job` is held."""

    project: Project
    queue: Queue
    place: Assignment
    task: Task
    job: Import
    label: int
    release: Release
    asset: Asset
    pause: Pause
    people: dict[str, User] = field(default_factory=dict)
    callers: dict[tuple[str, str], Caller] = field(default_factory=dict)
    #: a thread on that label, and a label of `queue`
    thread: int = 0
    reviewed: int = 0

    @classmethod
    def make(cls) -> "World":
        owner = a_user()
        project = a_project(owner)
        people = {role.value: a_member(project, role=role) for role in Role if role != Role.OWNER}
        queue = a_queue(project, "rank")
        task = a_task(queue)
        a_task(queue)
        job = importing.start(queue, owner, a_file(), "rows.jsonl", hold=True)
        place = a_lease(people["annotator"], queue)
        before = a_queue(project, "rank")
        a_task(before)
        label = a_label(people["annotator"], before)
        pause = pausing.by_hand(before.seats.get(), owner, "Read the guidelines again.")
        Guideline.objects.create(project=project, version=1, text="Be fair.", author=owner)
        asset = Asset.objects.create(project=project, sort="template", name="old", file="old", size=1, created_by=owner)
        a_task(queue)
        thread = discussing.say(people["reviewer"], Label.objects.get(pk=label), "Why so?").thread_id
        reviewed = a_label(a_member(project), queue)
        return cls(
            project,
            queue,
            place,
            task,
            job,
            label,
            a_release(queue),
            asset,
            pause,
            people | {"owner": owner, "stranger": _elsewhere()},
            thread=thread,
            reviewed=reviewed,
        )

    def caller(self, who: str, call: Call) -> Caller:
        """A program of `who` with the scope that `call` needs and no other; made once."""
        if (who, call.scope) not in self.callers:
            self.callers[who, call.scope] = self._caller(who, call)
        return self.callers[who, call.scope]

    def _caller(self, who: str, call: Call) -> Caller:
        match who:
            case "anonymous":
                return Caller()
            case "wrong scope":
                return Caller(self.people["owner"], [scope for scope in Scope.values if scope != call.scope])
            case "other project":
                return Caller(self.people["owner"], project=a_project(self.people["owner"]))
        return Caller(self.people[who], [call.scope])

    @cached_property
    def member(self) -> int:
        """The annotator's membership."""
        return self.project.members.get(user=self.people["annotator"]).pk

    @cached_property
    def reviewed_by(self) -> str:
        """The pseudonym of whoever gave the label `reviewed`, and is in a quality report."""
        reports.refresh("quality", reports.Subject.of_queue(self.queue), self.people["owner"])
        return self.project.pseudonym(Label.objects.get(pk=self.reviewed).annotator_id)

    def path(self, path: str) -> str:
        """A path of `views()` with the ids of this world."""
        subject = path.strip("/").split("/")[0]
        ids = {
            "queues": self.queue.pk,
            "tasks": self.task.pk,
            "assignments": self.place.pk,
            "imports": self.job.pk,
            "labels": self.label,
            "releases": self.release.pk,
            "assets": self.asset.pk,
            "pauses": self.pause.pk,
            "threads": self.thread,
            "projects": self.member,
        }
        if path.endswith("/check"):
            ids["tasks"] = Label.objects.get(pk=self.label).task_id
        query = "?format=raw" if "/export" in path else f"?with={self.release.pk}" if "/compare" in path else ""
        name = self.reviewed_by if "/annotators/" in path else "README.md"
        path = path.replace("{slug}", self.project.slug).replace("{name}", name)
        return path.replace("{pk}", str(ids.get(subject))) + query

    def body(self, route: str) -> Any:
        """What makes a call succeed."""
        fence = {"fence": self.place.fence}
        ranks = {letter: place for place, letter in enumerate("abcd", 1)}
        return {
            "POST /projects": {"slug": "fresh", "name": "Fresh"},
            "PATCH /projects/{slug}": {"name": "Renamed"},
            "POST /projects/{slug}/members": {"email": self.acquaintance.email, "role": "annotator"},
            "PATCH /projects/{slug}/members/{pk}": {"role": "reviewer"},
            "POST /projects/{slug}/invitations": {"email": "new@example.org", "role": "annotator"},
            "POST /projects/{slug}/queues": {"name": "Fresh", "kind": "compare"},
            "PATCH /queues/{pk}": {"lease_seconds": 60},
            "POST /queues/{pk}/import": b'{"instruction": "Say hello."}\n',
            "POST /queues/{pk}/import/join": Multipart(file=[a_file(), a_file()], model=["m-1", "m-2"]),
            "PATCH /imports/{pk}": {"choice": {"cap": 1}},
            "PATCH /projects/{slug}/checks": {"placeholder": "refuse", "output_most": 4_000},
            "PUT /assignments/{pk}/draft": fence | {"payload": {"ranks": {"a": 1}}},
            "POST /assignments/{pk}/submit": fence | {"payload": {"ranks": ranks}},
            "PUT /labels/{pk}/known-verdict": {"verdict": "reject"},
            "POST /labels/{pk}/remarks": {"text": "C is wrong."},
            "POST /tasks/{pk}/remarks": {"text": "C is wrong."},
            "POST /threads/{pk}/resolve": {"resolved": True},
            "POST /queues/{pk}/reviews/send": {"labels": [self.reviewed]},
            "POST /labels/{pk}/reviews": {"verdict": "reject", "reason": "Look again at C."},
            "POST /queues/{pk}/guidelines/confirm": {"version": 1},
            "PATCH /queues/{pk}/rules": {"gold_rate": 0.1},
            "POST /tasks/{pk}/check": {"role": "gold", "label": self.label},
            "POST /queues/{pk}/pauses": {
                "annotator": self.project.pseudonym(self.people["annotator"].pk),
                "reason": "Look at the guidelines again.",
            },
            "POST /pauses/{pk}/decide": {"outcome": "upheld", "answer": "Not yet."},
            "POST /pauses/{pk}/reopen": {},
            "POST /pauses/{pk}/appeal": {"appeal": "I read them."},
            "POST /labels/{pk}/amend": {"payload": {"ranks": ranks}},
            "POST /assignments/{pk}/skip": fence | {"reason": "later"},
            "POST /assignments/{pk}/decline": fence | {"reason": "not mine"},
            "POST /assignments/{pk}/flag": fence | {"reason": "broken"},
            "POST /assignments/{pk}/release": fence,
            "POST /projects/{slug}/assets": Multipart(
                sort="template", name="ours", file=ContentFile(TEMPLATE, "t.jinja")
            ),
            "POST /queues/{pk}/releases": {"formats": [{"format": "raw"}]},
            "POST /releases/{pk}/learnability/review": {"labels": 3},
        }.get(route)

    @cached_property
    def acquaintance(self) -> User:
        """Somebody who works elsewhere with the owner and the manager, so both may add them here."""
        other = a_project(self.people["owner"])
        a_member(other, self.people["manager"])
        return a_member(other)


def a_file() -> File[bytes]:
    """A row that the queue of `World` takes."""
    row = {"external_id": "p-1", "instruction": "Name a river.", "responses": [{"text": "Nile"}, {"text": "Congo"}]}
    return named_file([row], "rows.jsonl")


def named_file(rows: Sequence[object], name: str) -> File[bytes]:
    """Rows as JSON lines."""
    return ContentFile("".join(json.dumps(row) + "\n" for row in rows).encode(), name)


def _elsewhere() -> User:
    """The owner of another project, with data of their own."""
    person = a_user()
    a_task(a_queue(a_project(person)))
    return person

"""A project with a person of each role and a queue in which something of everything has happened."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from annotate import discussing, importing, labelling, projects, releasing, reviewing
from annotate.models import (
    Exit,
    Import,
    Label,
    Project,
    Queue,
    RefusedRow,
    Role,
    RowIssue,
    Task,
    Thread,
    ToReview,
    User,
)
from tests import factories as make
from tests.pages.desk import client_of

HTMX = {"HX-Request": "true"}
#: A file whose columns are called as nobody expects.
ODD = b"Frage,eins,zwei\nName a river.,Nile,Congo\nName a sea.,TODO,Baltic\n"


@dataclass
class Cast:
    project: Project
    queue: Queue
    people: dict[str, User]

    def client(self, who: str) -> Client:
        return client_of(self.people[who]) if who in self.people else Client()

    def get(self, who: str, name: str, /, *args: Any, query: Mapping[str, Any] | None = None, **extra: Any) -> Any:
        return self.client(who).get(reverse(name, args=args), query or {}, **extra)

    def post(self, who: str, name: str, /, *args: Any, **data: Any) -> Any:
        return self.client(who).post(reverse(name, args=args), data)

    @property
    def task(self) -> Task:
        return self.queue.tasks.order_by("pk")[0]

    @property
    def label(self) -> Label:
        return self.queue.labels.order_by("pk")[0]

    @property
    def thread(self) -> Thread:
        return Thread.objects.get(task__queue=self.queue)

    @property
    def job(self) -> Import:
        return self.queue.imports.order_by("pk")[0]

    @property
    def held(self) -> Import:
        return self.queue.imports.filter(state=Import.State.HELD).order_by("-pk")[0]


def a_cast(kind: str = "rank", overlap: int = 2, **settings: Any) -> Cast:
    """One person of each role, a stranger with a project of their own, and an empty queue."""
    owner = make.a_user()
    project = make.a_project(owner)
    people = {role.value: make.a_member(project, role=role) for role in Role if role != Role.OWNER}
    stranger = make.a_user()
    make.a_queue(make.a_project(stranger))
    queue = make.a_queue(project, kind, overlap=overlap, **settings)
    return Cast(project, queue, people | {"owner": owner, "stranger": stranger})


def a_busy_cast(tasks: int = 6) -> Cast:
    """The same with tasks in every state, labels of two people, a flag, an import with refused rows, and a held one."""
    cast = a_cast()
    for _ in range(tasks):
        make.a_task(cast.queue)
    ann, bea = cast.people["annotator"], make.a_member(cast.project)
    cast.people["bea"] = bea
    projects.publish_guideline(cast.project, cast.people["owner"], "Be fair.")
    for person, count in ((ann, 3), (bea, 1)):
        for _ in range(count):
            make.a_label(person, cast.queue)
    discussing.say(cast.people["reviewer"], cast.label, "Why so?")
    reviewing.add(cast.queue.labels.order_by("pk")[1:2], ToReview.Why.CHOSEN)
    flagged = make.a_lease(bea, cast.queue)
    labelling.leave(bea, flagged, flagged.fence, Exit.Way.FLAG, "Two responses are the same.")
    make.a_lease(ann, cast.queue)
    job = Import.objects.create(
        queue=cast.queue,
        name="rows.jsonl",
        file="rows.jsonl",
        created_by=cast.people["owner"],
        rows_refused=2,
        issues={"placeholder": {"warning": 1}},
    )
    RefusedRow.objects.create(job=job, line=2, field="instruction", reason="is missing", row='{"a": 1}')
    RefusedRow.objects.create(job=job, line=5, field="row", reason="is not JSON", row="=1+1")
    severity = RowIssue.Severity.WARNING
    RowIssue.objects.create(
        job=job, line=3, check_name="placeholder", severity=severity, field="=instruction", reason="TODO"
    )
    importing.start(cast.queue, cast.people["owner"], ContentFile(ODD), "odd.csv", hold=True)
    releasing.start(cast.queue, cast.people["owner"], [{"format": "raw"}])
    return cast

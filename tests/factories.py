"""Things to test with: functions with defaults for all, so a test names only what it is about."""

import hashlib
import itertools
from collections.abc import Sequence
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from annotate import kinds, labelling, queue, rendering
from annotate.models import (
    Assignment,
    Member,
    Project,
    Prompt,
    Queue,
    Release,
    ReleaseFile,
    Response,
    Role,
    Task,
    User,
)

_count = itertools.count(1)


def a_user(email: str = "", **fields: Any) -> User:
    """A person who can sign in with the password "correct horse"."""
    number = next(_count)
    fields = {"name": f"Person {number}", "password": "correct horse"} | fields
    return User.objects.create_user(email or f"person-{number}@example.org", **fields)


def a_project(owner: User | None = None, **fields: Any) -> Project:
    number = next(_count)
    owner = owner or a_user()
    fields = {"slug": f"project-{number}", "name": f"Project {number}"} | fields
    project = Project.objects.create(created_by=owner, **fields)
    a_member(project, owner, Role.OWNER)
    return project


def a_member(project: Project, user: User | None = None, role: Role = Role.ANNOTATOR) -> User:
    """A user who is a member of `project`."""
    user = user or a_user()
    Member.objects.create(project=project, user=user, role=role)
    return user


def a_queue(project: Project | None = None, kind: str = "rank", **fields: Any) -> Queue:
    project = project or a_project()
    options = kinds.get(kind).example().options
    fields = {"name": f"Queue {next(_count)}", "created_by": project.created_by, "options": options} | fields
    return Queue.objects.create(project=project, kind=kind, **fields)


def a_task(
    work: Queue,
    instruction: str = "",
    responses: Sequence[str] | None = None,
    models: Sequence[str] = (),
    **fields: Any,
) -> Task:
    """A task with its open places; responses as many as the kind's example shows, unless given."""
    number = next(_count)
    if responses is None:
        responses = [f"{text} ({number})" for text in work.way.example().responses]
    prompt = Prompt.objects.create(
        project=work.project,
        key=f"prompt-{number}",
        external_id=f"prompt-{number}",
        digest=rendering.digest_of(instruction or f"Instruction {number}"),
        instruction=instruction or f"Instruction {number}",
        meta=work.way.example().facts,
    )
    answers = Response.objects.bulk_create(
        Response(
            prompt=prompt,
            key=f"response-{nth}",
            external_id=f"response-{number}-{nth}",
            text=text,
            digest=rendering.digest_of(text),
            model=models[nth] if models else f"model-{nth}",
        )
        for nth, text in enumerate(responses)
    )
    fields = {"places": work.overlap, "position": number} | fields
    task = Task.objects.create(
        queue=work,
        prompt=prompt,
        response_ids=[one.pk for one in answers],
        digest=number.to_bytes(32),
        **fields,
    )
    Assignment.objects.bulk_create(
        Assignment(task=task, queue=work, slot=slot, position=task.position) for slot in range(1, task.places + 1)
    )
    return task


def a_lease(user: User, work: Queue) -> Assignment:
    """The place `user` gets when they ask for work."""
    found = queue.claim(user, work)
    assert isinstance(found, int), found
    return Assignment.objects.select_related("task", "queue").get(pk=found)


def a_label(user: User, work: Queue, payload: dict[str, Any] | None = None) -> int:
    """The id of a label by `user` on the next task of `work`; the payload is the kind's example unless given."""
    place = a_lease(user, work)
    payload = labelling.check(place, payload or work.way.example().payload)
    return labelling.submit(user, place, labelling.Answer(payload, place.fence)).label_id


def a_release(work: Queue, content: bytes = b"# A card\n", name: str = "README.md") -> Release:
    """A release that is done and holds one file; `annotate.releasing` makes real ones."""
    number = next(_count)
    release = Release.objects.create(
        queue=work, number=number, state=Release.State.DONE, created_by=work.created_by, label_horizon=0
    )
    storages["releases"].save(f"releases/{release.folder}/{name}", ContentFile(content))
    digest = hashlib.sha256(content).hexdigest()
    ReleaseFile.objects.create(release=release, name=name, size=len(content), sha256=digest)
    return release

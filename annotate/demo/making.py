"""Makes the demo project: a queue of every kind, people, guidelines, prompts with responses, and a few labels.

Everything goes through the verbs that people's own acts go through. What is there already stays as it is.
"""

import io
import json
import os
import secrets
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.files import File
from django.db import transaction

from annotate import importing, kinds, labelling, projects, queue, running
from annotate.models import Assignment, Exit, Member, Project, Queue, Role, User

HERE = Path(__file__).parent
SLUG = "demo"
OWNER = ("owner@demo.test", "Olive Owner")
ANNOTATORS = [("ann@demo.test", "Ann"), ("bea@demo.test", "Bea"), ("cem@demo.test", "Cem")]
OVERLAP = 2
#: How many tasks of a queue each annotator labels, the example first.
LABELLED = (4, 3, 1)
FLAG_REASON = "It does not say how old the reader is, and that decides which answer is good."


def make(password: str, renew: bool = False) -> Project:
    """The demo project with all that belongs to it. New accounts get `password`; with `renew`, the old ones too."""
    people = [_user(email, name) for email, name in [OWNER, *ANNOTATORS]]
    _set_password([one for one in people if renew or not one.has_usable_password()], password)
    owner, *annotators = people
    project = Project.objects.filter(slug=SLUG).first() or _project(owner, annotators)
    if project.archived_at is None:
        for kind in kinds.all_kinds():
            _fill(project, owner, annotators, kind)
    return project


def _user(email: str, name: str) -> User:
    return User.objects.filter(email=email).first() or User.objects.create_user(email, name=name)


def _set_password(people: list[User], password: str) -> None:
    """Hashed once for all of them: to hash is slow on purpose."""
    if people:
        User.objects.filter(pk__in=[one.pk for one in people]).update(password=make_password(password))


@transaction.atomic
def _project(owner: User, annotators: list[User]) -> Project:
    project, _new = projects.create_project(owner, SLUG, "Demo", "A small project to look around in.")
    projects.publish_guideline(project, owner, (HERE / "guidelines.md").read_text())
    Member.objects.bulk_create(Member(project=project, user=one, role=Role.ANNOTATOR) for one in annotators)
    return project


def _fill(project: Project, owner: User, annotators: list[User], kind: kinds.Kind) -> None:
    """A queue of this kind with its tasks and labels, unless it is there."""
    work = project.queues.filter(name=str(kind.label)).first()
    if work is None:
        settings: dict[str, Any] = {"kind": kind.name, "overlap": OVERLAP, "options": kind.example().options}
        work, _new = running.create_queue(project, owner, name=str(kind.label), **settings)
    if not work.tasks.exists():
        file = io.BytesIO("".join(json.dumps(row) + "\n" for row in rows(kind)).encode())
        importing.run_now(work, owner, File(file), "demo.jsonl")
    if not work.labels.exists():
        for nth, person in enumerate(annotators):
            _label(person, work, nth)


def rows(kind: kinds.Kind) -> list[dict[str, Any]]:
    """The kind's example and the demo's prompts, with as many responses as the example has."""
    example = kind.example()
    first = {
        "external_id": f"{kind.name}-example",
        "instruction": example.instruction,
        "input": example.input,
        "category": "example",
        "responses": [{"text": text, "model": "made-up"} for text in example.responses],
        "meta": example.facts,
    }
    prompts = [json.loads(line) for line in (HERE / "prompts.jsonl").read_text().splitlines()]
    for prompt in prompts:
        prompt["external_id"] = f"{kind.name}-{prompt['external_id']}"
        prompt["responses"] = prompt["responses"][: len(example.responses)]
    return [first, *(prompt for prompt in prompts if _can_be_shown(prompt, kind))]


def _can_be_shown(row: dict[str, Any], kind: kinds.Kind) -> bool:
    texts = [one["text"] for one in row["responses"]]
    options = running.checked_options(kind.name, kind.example().options)
    return not list(kind.check_task(texts, options, row.get("meta", {})))


def _label(person: User, work: Queue, nth: int) -> None:
    """Answer a few tasks as the example is answered; the last person flags the one they get next."""
    example = work.way.example()
    payload = example.other_payload if nth % 2 else example.payload
    # A text answers its own prompt alone. A judgement fits all: the demo's responses stand in the example's order.
    own_only = work.way.reads or any(work.way.demonstrations(payload))
    for _task in range(1 if own_only else LABELLED[nth]):
        place = _claimed(person, work)
        if place is None or (own_only and place.task.prompt.instruction != example.instruction):
            break
        said = labelling.named_as_shown(work.way, payload, place.task.response_ids, place.shown())
        answer = labelling.Answer(labelling.check(place, said), place.fence, active_seconds=40.0 + 15 * nth)
        labelling.submit(person, place, answer)
    place = _claimed(person, work)
    if place is not None and nth == len(ANNOTATORS) - 1:
        labelling.leave(person, place, place.fence, Exit.Way.FLAG, FLAG_REASON)
    elif place is not None:
        labelling.give_back(person, place, place.fence)


def _claimed(person: User, work: Queue) -> Assignment | None:
    found = queue.claim(person, work)
    return Assignment.objects.select_related("task__prompt", "queue").get(pk=found) if isinstance(found, int) else None


def kept_password(path: Path) -> tuple[str, bool]:
    """The demo's password, random, made once and kept in a file that only its owner can read; and whether it is new."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip(), False
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(12))
    return path.read_text().strip(), True

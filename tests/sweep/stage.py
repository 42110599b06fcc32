"""A project in which something of everything has happened, and the address of every page, by who may see it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.core.files.base import ContentFile
from django.urls import URLPattern, reverse

import rankings.urls
from annotate import discussing, importing, kinds, labelling, projects, releasing, running, urls
from annotate.models import (
    Exit,
    Import,
    ImportPart,
    Invitation,
    Label,
    Project,
    Queue,
    RefusedRow,
    Review,
    Role,
    RowIssue,
    Scope,
    Token,
    User,
)
from tests import factories as make

#: Who may see a page: anybody, whoever is signed in, members, or reviewers and managers by their role.
ANYBODY, SIGNED_IN, MEMBER, REVIEWER, MANAGER = range(5)
#: Pages of the annotator's own labels, which nobody else has.
OWN = 9
RANKS = {"anonymous": ANYBODY, "annotator": MEMBER, "reviewer": REVIEWER, "manager": MANAGER, "owner": MANAGER}

#: Pages by their address's name: who may see them, and the ids they take.
PAGES: dict[str, tuple[int, str]] = {
    "home": (SIGNED_IN, ""),
    "sign-in": (ANYBODY, ""),
    "accept-invitation": (ANYBODY, "invitation"),
    "tokens": (SIGNED_IN, ""),
    "work": (MEMBER, "queues"),
    "you": (SIGNED_IN, ""),
    "you-labels": (SIGNED_IN, ""),
    "you-label": (OWN, "labels"),
    "you-feedback": (SIGNED_IN, ""),
    "you-settings": (SIGNED_IN, ""),
    "amend": (OWN, "some amendable"),
    "back": (OWN, "queue"),
    "project-new": (SIGNED_IN, ""),
    "project": (REVIEWER, "project"),
    "project-settings": (MANAGER, "project"),
    "guidelines": (MEMBER, "project"),
    "people": (MANAGER, "project"),
    "assets": (MANAGER, "project"),
    "queue-new": (MANAGER, "project"),
    "queue": (REVIEWER, "queue"),
    "queue-settings": (MANAGER, "some queues"),
    "queue-people": (MANAGER, "queue"),
    "queue-preview": (REVIEWER, "some queues"),
    "queue-guidelines": (MEMBER, "queue"),
    "tasks": (REVIEWER, "queue"),
    "places": (REVIEWER, "queue"),
    "labels": (REVIEWER, "queue"),
    "label": (REVIEWER, "some labels"),
    "fix": (REVIEWER, "fixable"),
    "reviewing": (REVIEWER, "queue"),
    "quality": (REVIEWER, "some queues"),
    "quality-annotator": (REVIEWER, "annotator"),
    "cost": (MANAGER, "queue"),
    "project-quality": (REVIEWER, "project"),  # after the pages that make what it shows
    "adjudicate": (REVIEWER, "task"),
    "task": (REVIEWER, "task"),
    "import-new": (MANAGER, "queue"),
    "import-join": (MANAGER, "queue"),
    "import-look": (MANAGER, "held"),
    "refused": (MANAGER, "queue"),
    "import": (MANAGER, "job"),
    "export": (MANAGER, "queue"),
    "releases": (MANAGER, "queue"),
    "one-release": (MANAGER, "release"),
    "queue-rules": (MANAGER, "queue"),
    "queue-checks": (REVIEWER, "queue"),
    "queue-pauses": (MANAGER, "queue"),
    "pause": (MEMBER, "queue"),
    "release-learnable": (MANAGER, "release"),
    "queue-board": (MANAGER, "comparing"),
    "project-board": (MANAGER, "project"),
    "queue-bias": (REVIEWER, "comparing"),
}
#: Addresses that answer with files, parts of pages or acts, not with a page.
NO_PAGES = {
    *("language", "sign-out", "submit", "draft", "leave", "release", "ahead", "diff", "changes", "confirm-guidelines"),
    *("known-verdict", "label-remarks", "task-remarks", "resolve", "review-send", "review-next"),
    *("project-quality-file", "quality-file", "cost-file", "queue-board-file", "project-board-file", "queue-bias-file"),
    "release-learnable-file",
    "task-check",
    *("review", "refused-file", "issues-file", "export-file"),
}


def names() -> set[str]:
    """The names of all addresses of the pages."""
    there = [one for one in [*urls.urlpatterns, *rankings.urls.urlpatterns] if isinstance(one, URLPattern)]
    return {str(one.name) for one in there if not str(one.name).startswith("api-")}


@dataclass
class Stage:
    """`queues` has one queue of each kind; the annotator holds a task in each and has labelled another."""

    project: Project
    people: dict[str, User]
    queues: list[Queue] = field(default_factory=list)

    @property
    def ids(self) -> dict[str, list[list[Any]]]:
        first = self.queues[0]
        own = Label.objects.filter(annotator=self.people["annotator"]).order_by("pk")
        labels = [own.filter(queue=one)[0].pk for one in self.queues]
        amendable = [own.filter(queue=one)[1].pk for one in self.queues]  # the first was reviewed
        return {
            "": [[]],
            "project": [[self.project.slug]],
            "queue": [[first.pk]],
            "queues": [[one.pk] for one in self.queues],
            "annotator": [[first.pk, self.project.pseudonym(self.people["annotator"].pk)]],
            "comparing": [[one.pk] for one in self.queues if one.kind == "rank"],
            "labels": [[pk] for pk in labels],
            # Each kind's form, and its answer read again, is seen elsewhere: at work, and on the annotator's own page.
            "some queues": [[one.pk] for one in self.queues[:2]],
            "some labels": [[pk] for pk in labels[:2]],
            "fixable": [[pk] for pk in amendable],
            "some amendable": [[pk] for pk in amendable[:2]],
            "task": [[first.tasks.order_by("pk")[0].pk]],
            "job": [[first.imports.exclude(state=Import.State.HELD).get().pk]],
            "held": [[one.pk] for one in first.imports.filter(state=Import.State.HELD)],
            "release": [[one.pk] for one in first.releases.all()],
            "invitation": [["a" * 43]],
        }

    def addresses(self, who: str) -> list[str]:
        """The pages that `who` may see; each kind's own screen among them."""
        ids = self.ids
        seen = [
            (name, takes)
            for name, (rank, takes) in PAGES.items()
            if rank <= RANKS[who] or (rank == OWN and who == "annotator")
        ]
        return [reverse(name, args=args) for name, takes in seen for args in ids[takes]]


def a_stage(say: Callable[[str], str] = str) -> Stage:
    """A stage whose every word that people or files give is `say(what an ordinary one would be)`."""
    owner = make.a_user(name=say("Olive Owner")[:100])
    project = make.a_project(owner, name=say("Kitchen talk")[:120], description=say("Questions from a kitchen."))
    people = {role.value: make.a_member(project, role=role) for role in Role if role != Role.OWNER}
    stage = Stage(project, people | {"owner": owner, "bea": make.a_member(project)})
    for person in people.values():
        User.objects.filter(pk=person.pk).update(name=say(person.name)[:100])
    projects.publish_guideline(project, owner, say("# Be fair\n\n1. Read all.\n2. Judge.\n\n```python\nprint(1)\n```"))
    projects.publish_guideline(project, owner, say("# Be fair\n\n1. Read.\n2. Judge.\n\n| a | b |\n|-|-|\n| 1 | 2 |"))
    for kind in kinds.all_kinds():
        stage.queues.append(_a_queue(stage, kind, say))
    _troubles(stage, say)
    return stage


def _a_queue(stage: Stage, kind: kinds.Kind, say: Callable[[str], str]) -> Queue:
    example = kind.example()
    options = running.checked_options(kind.name, example.options)
    name = say(str(kind.label))[:100]
    work = make.a_queue(stage.project, kind.name, name=f"{name} {kind.name}", overlap=2, options=options)
    for _ in range(4):
        _a_task(work, example, say)
    for person in (stage.people["annotator"], stage.people["bea"]):
        for _ in range(2):
            make.a_label(person, work, example.payload | {"comment": say("Close.")})
    label = Label.objects.filter(queue=work, annotator=stage.people["annotator"]).order_by("pk")[0]
    verdict, reviewer = Review.Verdict.REJECT, stage.people["reviewer"]
    Review.objects.create(label=label, reviewer=reviewer, verdict=verdict, reason=say("Read it again."))
    discussing.say(reviewer, label, say("Why so?"))
    discussing.say(reviewer, label.task, say("A hard one."))
    place = make.a_lease(stage.people["annotator"], work)
    labelling.save_draft(stage.people["annotator"], place, example.payload, place.fence)
    return work


def _a_task(work: Queue, example: kinds.Example, say: Callable[[str], str]) -> None:
    # What the example's answers rest on (its steps, its criteria) stays; something hostile is added.
    responses = [text if work.way.reads else say(text) for text in example.responses]
    models = [say(f"model {nth}")[:200] for nth in range(len(responses))]
    prompt = make.a_task(work, instruction=say(example.instruction), responses=responses, models=models).prompt
    prompt.meta = example.facts
    prompt.category, prompt.source, prompt.tags = say("cooking")[:200], say("a book")[:500], [say("batch-1")[:200]]
    prompt.external_id = say("p")[:255]
    prompt.save()


def _troubles(stage: Stage, say: Callable[[str], str]) -> None:
    """A flag, an import with refused rows, an invitation, a token."""
    first, bea, owner = stage.queues[0], stage.people["bea"], stage.people["owner"]
    flagged = make.a_lease(bea, first)
    labelling.leave(bea, flagged, flagged.fence, Exit.Way.FLAG, say("Two responses are the same."))
    job = Import.objects.create(
        queue=first,
        name=say("rows.jsonl")[:255],
        file="rows.jsonl",
        created_by=owner,
        rows_refused=2,
        issues={"placeholder": {"warning": 1}},
    )
    RefusedRow.objects.create(job=job, line=2, field=say("instruction")[:200], reason=say("is missing"), row=say("{}"))
    RefusedRow.objects.create(job=job, line=5, field="row", reason="is not JSON", row="=1+1")
    RowIssue.objects.create(
        job=job, line=3, check_name="placeholder", severity="warning", field=say("input")[:200], reason=say("TODO")
    )
    ImportPart.objects.create(job=job, name=say("a.jsonl")[:255], model=say("m-1")[:200])
    _a_held_file(first, say)
    releasing.run_now(first, owner, [{"format": "raw"}], note=say("For the kitchen."))
    releasing.start(first, owner, [{"format": "raw"}])
    Invitation(project=stage.project, email="guest@example.org", invited_by=owner).save()
    for person in stage.people.values():
        Token.issue(person, name=say("my laptop")[:100], scopes=[Scope.READ])


def _a_held_file(queue: Queue, say: Callable[[str], str]) -> None:
    """A file whose columns nobody has heard of, taken for what they are."""
    responses = queue.way.example().responses
    names = [say("Frage")[:190], *(f"{nth}{say('Antwort')}"[:190] for nth in range(len(responses)))]
    row = dict(zip(names, [say("Name a river."), *(say(text) for text in responses)], strict=True))
    file = ContentFile(json.dumps(row).encode() + b'\n{"a": 1}\n')
    job = importing.start(queue, queue.created_by, file, say("odd.jsonl"), hold=True)
    targets = ["instruction", *(f"response_{nth}" for nth in range(1, len(names)))]
    where = {"column": "instruction", "is": "!=", "value": say("no")[:500]}
    importing.set_up(job, "native", dict(zip(targets, names, strict=True)), {"where": [where]})

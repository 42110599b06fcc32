"""A queue with people to label and to review it: what the tests of reviewing start from."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from annotate import labelling, reviewing
from annotate.models import Assignment, Label, Queue, Role, ToReview, User
from annotate.quality.rules import Rules, stored
from tests import factories


@dataclass
class Bench:
    """`noor` and `bea` label, `rita` and `sam` review."""

    work: Queue
    noor: User
    bea: User
    rita: User
    sam: User

    def tasks(self, count: int = 1) -> None:
        for _ in range(count):
            factories.a_task(self.work)

    def label(self, who: User | None = None, payload: dict[str, Any] | None = None) -> Label:
        """A label of the person's next task; where none is left a task is made."""
        who = who or self.noor
        held = Assignment.objects.filter(task__queue=self.work, state="open").exclude(task__labels__annotator=who)
        if not held.exists():
            self.tasks()
        return Label.objects.select_related("queue__project", "annotator", "task").get(
            pk=factories.a_label(who, self.work, payload)
        )

    def amend(self, label: Label, payload: dict[str, Any]) -> Label:
        stored = labelling.amend(label.annotator, label, an_answer(payload, label))
        return Label.objects.select_related("queue__project", "annotator", "task").get(pk=stored.label_id)

    def rules(self, **rules: Any) -> None:
        self.work.rules = stored(Rules(**rules))
        self.work.save(update_fields=["rules"])

    def mix_known(self, who: User | None = None) -> Label:
        """Whoever reviews gets labels with a known verdict first. The label that waits, for else they get none."""
        self.rules(known_rate=1.0)
        waits = self.label(who or self.bea, written("It waits."))
        reviewing.add([waits], ToReview.Why.CHOSEN)
        return waits


def a_bench(kind: str = "write", **fields: Any) -> Bench:
    work = factories.a_queue(kind=kind, **fields)
    noor, bea = (factories.a_member(work.project, factories.a_user(name=name)) for name in ("Noor", "Bea"))
    rita, sam = (
        factories.a_member(work.project, factories.a_user(name=name), role=Role.REVIEWER) for name in ("Rita", "Sam")
    )
    return Bench(work, noor, bea, rita, sam)


def an_answer(payload: dict[str, Any], label: Label, key: uuid.UUID | None = None) -> labelling.Answer:
    return labelling.Answer(payload, label.fence, key or uuid.uuid4(), label.active_seconds + 5)


def written(text: str) -> dict[str, Any]:
    return {"text": text, "comment": ""}

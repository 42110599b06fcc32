"""What was said to a check beside what is right; of a repeat, beside what the same person said first.

Computed with the label, and can be computed anew from the labels. Whether somebody is to be paused by it is asked
afterwards, by the worker's sweep: in the answer to a check a pause would tell that it was one.
"""

from collections.abc import Iterator
from hashlib import sha256

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.lookups import LessThanOrEqual

from annotate import kinds
from annotate.checking import screening
from annotate.models import CheckResult, Label, Queue, Seat, Task
from annotate.quality import rules


def note(seat: Seat, task: Task, queue: Queue, label_id: int) -> None:
    """A label of the seat's owner on a check was stored: note how good it is, for the rules to judge.

    The caller has locked the seat. `seat` is brought up to date.
    """
    asked = rules.of(queue)
    if not _store(_own_labels(queue).get(pk=label_id), seat, task, queue, asked.gold_tolerance):
        return
    if task.role == Task.Role.SCREEN and screening.is_due(seat, asked):
        screening.conclude(seat, asked)
    elif task.role in {Task.Role.GOLD, Task.Role.ATTENTION} and asked.pause:
        Seat.objects.filter(pk=seat.pk).update(to_judge=True)


def amended(seat: Seat, task: Task, queue: Queue, label_id: int) -> None:
    """A label of the seat's owner was superseded by one of theirs: what is known of it, or by it, is another now."""
    if task.role != Task.Role.WORK:
        note(seat, task, queue, label_id)
        return
    twin = Task.objects.filter(queue=queue, digest=twin_digest(task, seat.user_id)).first()
    again = _own_labels(queue).filter(task=twin, annotator=seat.user_id).first() if twin else None
    if twin and again:
        _store(again, seat, twin, queue, rules.of(queue).gold_tolerance)


def twin_digest(task: Task, user_id: int) -> bytes:
    """The digest of the task by which this person is asked `task` again; as `mixing` has it."""
    return sha256(bytes(task.digest) + user_id.to_bytes(8)).digest()


def _own_labels(queue: Queue) -> QuerySet[Label]:
    """Labels that stand as their annotators gave them: a reviewer's correction is neither one nor ends one."""
    newer = Label.objects.filter(supersedes=OuterRef("pk"), fixes=None)
    return Label.objects.filter(~Exists(newer), queue=queue, fixes=None).select_related("task")


def _store(label: Label, seat: Seat, task: Task, queue: Queue, tolerance: float) -> CheckResult | None:
    """The result of a label in the place of an older one of the same task. None where there is nothing to compare."""
    known = _known(label, task, queue)
    CheckResult.objects.filter(seat=seat, label__task=task).delete()
    if known is None:
        return None
    distance = queue.way.distance(known, named_as_task(queue.way, label, task))
    right = distance <= tolerance
    return CheckResult.objects.create(label=label, seat=seat, role=task.role, distance=distance, right=right)


def _known(label: Label, task: Task, queue: Queue) -> kinds.Payload | None:
    """What is right, its letters those of the task's responses in their order; None for what it may have come from."""
    if task.role != Task.Role.REPEAT:
        return None if _was_before(label, task) else task.gold
    first = _own_labels(queue).filter(task=task.repeats_id, annotator=label.annotator_id).first()
    return named_as_task(queue.way, first, task) if first else None


def _was_before(label: Label, task: Task) -> bool:
    """Whether its annotator had labelled the task before it became a check: then its answer may be theirs."""
    if task.check_since is None:
        return False
    given = Label.objects.filter(task=task, annotator=label.annotator_id, supersedes=None)
    return given.filter(created_at__lt=task.check_since).exists()


def named_as_task(kind: kinds.Kind, label: Label, task: Task) -> kinds.Payload:
    """A label's payload with letters that name the task's responses in their order."""
    letters = kinds.letters_for(len(label.shown))
    names = dict(zip(task.response_ids, letters, strict=True))
    return kind.rename(label.payload, {letter: names[one] for letter, one in zip(letters, label.shown, strict=True)})


def judge_again(queue: Queue) -> None:
    """Whether answers are right, by what the queue's rules tolerate now. Nobody is paused by it."""
    told = CheckResult.objects.filter(seat__queue=queue)
    told.update(right=LessThanOrEqual(F("distance"), rules.of(queue).gold_tolerance))


def recompute(queue: Queue, only: Task | None = None) -> int:
    """All results of a queue (or of one task) anew, from its labels: an answer or a rule was changed.

    Returns how many there are. Nobody is paused by it, and nobody's pause ends.
    """
    seats = {seat.user_id: seat for seat in Seat.objects.filter(queue=queue)}
    tolerance = rules.of(queue).gold_tolerance
    found = _own_labels(queue).exclude(task__role=Task.Role.WORK)
    old = CheckResult.objects.filter(seat__queue=queue)
    if only is not None:
        found, old = found.filter(task=only), old.filter(label__task=only)
    with transaction.atomic():
        dates = dict(old.values_list("label", "created_at"))
        old.delete()
        fresh = [one for label in found.iterator() for one in _fresh(label, seats, queue, tolerance)]
        for one in fresh:
            one.created_at = dates.get(one.label_id, one.label.created_at)
        return len(CheckResult.objects.bulk_create(fresh, batch_size=1_000))


def _fresh(label: Label, seats: dict[int, Seat], queue: Queue, tolerance: float) -> Iterator[CheckResult]:
    """The result of a label, if its annotator has a seat: people outside have none."""
    seat = seats.get(label.annotator_id)
    known = _known(label, label.task, queue) if seat else None
    if seat is None or known is None:
        return
    distance = queue.way.distance(known, named_as_task(queue.way, label, label.task))
    yield CheckResult(label=label, seat=seat, role=label.task.role, distance=distance, right=distance <= tolerance)

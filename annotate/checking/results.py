"""What was said to a check beside what is right; of a repeat, beside what the same person said first.

Computed in the order of the labels, soon after they were handed in (`judging`); can be computed anew from them.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, QuerySet
from django.db.models.lookups import LessThanOrEqual

from annotate import kinds
from annotate.models import CheckResult, Label, Queue, Seat, Task
from annotate.quality import rules


def catch_up(seat: Seat, queue: Queue) -> None:
    """Store how good is what the owner of a locked seat said to checks since the last of their results.

    What they changed of other labels is a repeat's first answer now.
    """
    last = CheckResult.objects.filter(seat=seat).aggregate(last=Max("label"))["last"] or 0
    since = _own_labels(queue).filter(annotator=seat.user_id, pk__gt=last)
    changed = since.filter(task__role=Task.Role.WORK, supersedes__isnull=False)
    twins = [twin_digest(label.task, seat.user_id) for label in changed]
    again = _own_labels(queue).filter(
        annotator=seat.user_id, task__in=Task.objects.filter(queue=queue, digest__in=twins)
    )
    for label in [*since.exclude(task__role=Task.Role.WORK).order_by("pk"), *(again if twins else [])]:
        CheckResult.objects.filter(seat=seat, label__task=label.task_id).delete()
        CheckResult.objects.bulk_create(_compared([label], {seat.user_id: seat}, queue))


def twin_digest(task: Task, user_id: int) -> bytes:
    """The digest of the task by which this person is asked `task` again; as `mixing` has it."""
    return sha256(bytes(task.digest) + user_id.to_bytes(8)).digest()


def _own_labels(queue: Queue) -> QuerySet[Label]:
    """Labels that stand as their annotators gave them: a reviewer's correction is neither one nor ends one."""
    newer = Label.objects.filter(supersedes=OuterRef("pk"), fixes=None)
    return Label.objects.filter(~Exists(newer), queue=queue, fixes=None).select_related("task")


def of_labels(queue: Queue, labels: Sequence[Label]) -> list[CheckResult]:
    """The results of labels on checks. Those that `catch_up` has not come to yet are told as well, and not stored."""
    stored = list(CheckResult.objects.filter(label__in=labels).select_related("label"))
    checks = {label.pk for label in labels if label.task.role != Task.Role.WORK} - {one.label_id for one in stored}
    if not checks:
        return stored
    seats = {seat.user_id: seat for seat in Seat.objects.filter(queue=queue)}
    return [*stored, *_compared(_own_labels(queue).filter(pk__in=checks), seats, queue)]


def _compared(labels: Iterable[Label], seats: dict[int, Seat], queue: Queue) -> Iterator[CheckResult]:
    """The results of labels, by their annotators' seats: people outside have none. None where nothing is known."""
    tolerance = rules.of(queue).gold_tolerance
    for label in labels:
        seat, task = seats.get(label.annotator_id), label.task
        known = _known(label, task, queue) if seat else None
        if seat is not None and known is not None:
            distance = queue.way.distance(known, named_as_task(queue.way, label, task))
            told = {"role": task.role, "distance": distance, "right": distance <= tolerance}
            yield CheckResult(label=label, seat=seat, created_at=label.created_at, **told)


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
    seats = Seat.objects.filter(queue=queue).order_by("user")
    if only is not None:
        seats = seats.filter(user__in=Label.objects.filter(task=only).values("annotator"))
    return sum(_anew(pk, queue, only) for pk in list(seats.values_list("pk", flat=True)))


def _anew(pk: int, queue: Queue, only: Task | None) -> int:
    with transaction.atomic():
        seat = Seat.objects.select_for_update().get(pk=pk)
        found, old = _own_labels(queue).filter(annotator=seat.user_id), CheckResult.objects.filter(seat=seat)
        if only is not None:
            catch_up(seat, queue)  # else a result of this task might hide that older labels wait for theirs
            found, old = found.filter(task=only), old.filter(label__task=only)
        old.delete()
        checks = found.exclude(task__role=Task.Role.WORK).order_by("pk")
        return len(CheckResult.objects.bulk_create(_compared(checks, {seat.user_id: seat}, queue), batch_size=1_000))

"""Making a check of an ordinary task, and an ordinary task of a check."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from annotate import kinds, queue
from annotate.checking import results
from annotate.models import Assignment, CheckResult, Label, Review, Task

#: What a task can be made by hand: a qualification set and attention checks come with a file as well.
ROLES = (Task.Role.GOLD, Task.Role.SCREEN, Task.Role.ATTENTION)


def promote(task: Task, answer: Label | kinds.Payload, role: str = Task.Role.GOLD) -> Task:
    """Use a task as a check. `answer`: one of its labels that is right, or a payload whose letters name its responses
    in their order (a consensus).

    Places that nobody has taken are held back; who holds one may finish. The labels it has got are no results of a
    check: its answer comes from them. Raises ValidationError by field.
    """
    if role not in ROLES:
        raise ValidationError({"role": [_("A task is used as gold, for qualification or for attention.")]})
    with transaction.atomic():
        stored = _locked(task)
        if stored.role == Task.Role.REPEAT:
            raise ValidationError({"role": [_("This task repeats another: use that one.")]})
        if stored.role == Task.Role.WORK:
            stored.check_since = Now()
        stored.gold, stored.role = _payload(stored, answer), Task.Role(role)
        stored.save(update_fields=["gold", "role", "check_since"])
        stored.refresh_from_db(fields=["check_since"])
        opened = Assignment.objects.filter(task=stored, state=Assignment.State.OPEN)
        opened.update(state=Assignment.State.HELD)
        results.recompute(stored.queue, only=stored)
    return stored


def _locked(task: Task) -> Task:
    """The task as it is now; and nobody hands it in, or is given it, before the transaction ends."""
    queue.lock_seats(task.queue)
    return Task.objects.select_for_update(no_key=True, of=["self"]).select_related("queue").get(pk=task.pk)


def _payload(task: Task, answer: Label | kinds.Payload) -> kinds.Payload:
    if not isinstance(answer, Label):
        return answer
    if answer.task_id != task.pk:
        raise ValidationError({"label": [_("This label is of another task.")]})
    payload = results.named_as_task(task.queue.way, answer, task)
    return payload | {"comment": ""} if "comment" in payload else payload


def demote(task: Task) -> Task:
    """Let a check be ordinary work again: as many places are open as are missing to the labels that the queue wants.

    The known answer is forgotten, and the results with it; labels stay. Raises ValidationError by field.
    """
    with transaction.atomic():
        stored = _locked(task)
        if stored.role not in ROLES:
            raise ValidationError({"role": [_("This task is no check.")]})
        stored.gold, stored.role, stored.check_since = None, Task.Role.WORK, None
        stored.save(update_fields=["gold", "role", "check_since"])
        CheckResult.objects.filter(label__task=stored).delete()
        _give_places(stored)
        queue.rewind(stored.queue)
    return stored


# Of places: the label that stands, where its newest review rejects it. A label given again is in a place of its own.
_NEWEST = Review.objects.filter(label=OuterRef("pk"), trial=False).order_by("-pk").values("verdict")[:1]
_REJECTED = (
    Label.objects.live()
    .filter(assignment=OuterRef("pk"))
    .annotate(said=Subquery(_NEWEST))
    .filter(said=Review.Verdict.REJECT)
)


def _give_places(task: Task) -> None:
    """Open places up to the queue's overlap, beside labels that came with files or were rejected; what was put away
    beyond that goes.
    """
    places = Assignment.objects.filter(task=task)
    taken = places.filter(state__in=[Assignment.State.LEASED, Assignment.State.DONE])
    asked_for = taken.filter(~Exists(_REJECTED), annotator__outside=None).count()
    away = list(places.filter(state=Assignment.State.HELD).order_by("slot"))
    missing = max(0, task.queue.overlap - asked_for)
    state = Assignment.State.OPEN if task.state == Task.State.READY else Assignment.State.HELD
    kept = [one.pk for one in away[:missing]]
    places.filter(pk__in=kept).update(state=state, position=task.position)
    places.filter(pk__in=[one.pk for one in away[missing:]]).delete()
    last = max(places.values_list("slot", flat=True), default=0)
    fresh = range(last + 1, last + 1 + missing - len(kept))
    Task.objects.filter(pk=task.pk).update(places=taken.count() + missing)
    Assignment.objects.bulk_create(
        Assignment(task=task, queue=task.queue, slot=slot, position=task.position, state=state) for slot in fresh
    )


def consensus(task: Task) -> kinds.Payload:
    """What the labels of a task that stand say together, its letters those of the responses in their order.

    Of work whose answer came with its file, before there were checks: that. Raises ValidationError where labels say
    nothing together.
    """
    if task.role == Task.Role.WORK and task.gold is not None:
        return dict(task.gold)
    kind = task.queue.way
    given = Label.objects.live().filter(task=task).order_by("pk")
    found = kind.consensus([results.named_as_task(kind, label, task) for label in given])
    if found is None:
        raise ValidationError({"consensus": [_("The labels say nothing together: choose one of them.")]})
    return found

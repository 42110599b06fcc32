"""An answer is right or not: the kind's form over what was sent, and what that form is checked against."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from annotate import kinds
from annotate.models import Assignment, Label, Prompt, Queue, Response, Task


def form_for(
    assignment: Assignment,
    data: Mapping[str, Any] | None = None,
    initial: kinds.Payload | None = None,
    *,
    fence: int | None = None,
    shown: kinds.Shown | None = None,
) -> kinds.LabelForm:
    """The form of an assignment's kind, over a page's POST or a flattened JSON payload.

    `fence`: the lease it answers (default: the newest); `shown`: what it showed, where the caller has that at hand.
    """
    kind = assignment.queue.way
    return kind.label_form(
        data,
        shown=shown or shown_to(assignment, assignment.fence if fence is None else fence),
        options=assignment.queue.options,
        initial=kind.label_form.flatten(initial) if initial else None,
    )


def shown_to(assignment: Assignment, fence: int) -> kinds.Shown:
    """What the lease numbered `fence` put before its holder, as far as the kind reads it."""
    return _shown(assignment.queue, assignment.shown(fence), assignment.task)


def _shown(work: Queue, order: Sequence[int], task: Task) -> kinds.Shown:
    letters = kinds.letters_for(len(order))
    if not work.way.reads_with(work.options):
        return kinds.Shown(letters)
    texts = dict(Response.objects.filter(pk__in=order).values_list("pk", "text"))
    facts = Prompt.objects.values_list("meta", flat=True).get(pk=task.prompt_id)
    return kinds.Shown(letters, {letter: texts[one] for letter, one in zip(letters, order, strict=True)}, facts)


def shown_by(label: Label) -> kinds.Shown:
    """What the label's annotator had before them, as far as the kind reads it."""
    return _shown(label.queue, label.shown, label.task)


def check(
    assignment: Assignment, payload: object, fence: int | None = None, shown: kinds.Shown | None = None
) -> kinds.Payload:
    """A JSON payload made under a lease, checked and in its canonical form. Raises ValidationError, by field."""
    form = _form_over(assignment, payload, fence, shown)
    if not form.is_valid():
        raise ValidationError({name: list(messages) for name, messages in form.errors.items()})
    return form.payload()


def check_draft(assignment: Assignment, payload: object, fence: int | None = None) -> kinds.Payload:
    """As much of a JSON payload as is right so far. Raises ValidationError for fields and types that never will be."""
    form = _form_over(assignment, payload, fence)
    form.is_valid()
    return form.payload()


def _form_over(
    assignment: Assignment, payload: object, fence: int | None, shown: kinds.Shown | None = None
) -> kinds.LabelForm:
    if not isinstance(payload, dict):
        raise ValidationError({"payload": [_("The payload must be an object.")]})
    form = form_for(assignment, assignment.queue.way.label_form.flatten(payload), fence=fence, shown=shown)
    if unknown := form.unknown_fields():
        raise ValidationError({name: [_("This kind of work has no such field.")] for name in unknown})
    if wrong := kinds.wrong_types(form):
        raise ValidationError(wrong)
    return form


def named_as_shown(kind: kinds.Kind, payload: kinds.Payload, old: list[int], new: list[int]) -> kinds.Payload:
    """A payload made under one shown order, its letters changed to those of another."""
    letters = dict(zip(new, kinds.letters_for(len(new)), strict=True))
    return kind.rename(
        payload, {name: letters[one] for name, one in zip(kinds.letters_for(len(old)), old, strict=True)}
    )

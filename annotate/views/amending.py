"""Changing an answer that was handed in: "undo last", and the amendment that takes its place."""

import uuid
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from annotate import access, kinds, labelling, panels, queue, reviewing
from annotate.models import Assignment, Label, Queue, Role, Seat
from annotate.views import answering
from annotate.views.answering import Note
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import number


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def amend(request: Request, pk: int) -> HttpResponse:
    """One's answer of before, to be changed. POST stores the change and goes back to the task in hand."""
    label = access.own_label(request.user, pk)
    shown = _panel(label)
    if request.method != "POST":
        why = labelling.why_not_amendable(label)
        note = Note(why[1], why[0]) if why else None
        return _page(request, label, shown, shown.form(), note, status=409 if why else 200)
    slip = answering.slip(request)
    form = shown.form(answering.posted(request, label.queue.way))
    if not form.is_valid():
        return _page(request, label, shown, form, status=422)
    try:
        labelling.amend(request.user, label, slip.answer(form.payload()))
    except labelling.Refused as refused:
        return _page(request, label, shown, form, Note(refused.message, refused.code), status=409)
    if slip.cleaned_data["alone"]:
        return HttpResponse(status=204)
    return _onwards(request, label.queue, _("Changed."))


@require_safe
@signed_in
def back(request: Request, pk: int) -> HttpResponse:
    """The last answer given in a queue, or with `?before=ID` the one before that label: "undo", up to ten back."""
    found = access.queue(request.user, pk, Role.ANNOTATOR)
    before = number(request.GET.get("before", "")) or None
    last = labelling.back_from(request.user, found, before)
    if last is None:
        return _onwards(request, found, _("There is no answer further back that can be changed."))
    if not request.htmx:
        return see_other("amend", last)
    label = access.own_label(request.user, last)
    shown = _panel(label)
    return _page(request, label, shown, shown.form())


def _panel(label: Label) -> panels.Panel:
    place = label.assignment
    place.queue, place.task = label.queue, label.task
    return panels.of_label(place, label.shown, label.payload)


def _page(
    request: Request,
    label: Label,
    shown: panels.Panel,
    form: kinds.LabelForm,
    note: Note | None = None,
    status: int = 200,
) -> HttpResponse:
    further = labelling.back_from(request.user, label.queue, label.pk)
    context: dict[str, Any] = {
        "amends": label,
        "asked": reviewing.asked_to_change(request.user).filter(label=label).first(),
        "further": further,
        "key": request.POST.get("key") or uuid.uuid4(),
        "fence": label.fence,
        "seconds": request.POST.get("active_seconds") or label.active_seconds,
        "restored": False,
        "note": note,
    }
    return answering.panel(request, shown, form, answering.done(request, label.queue), context, status)


def _onwards(request: Request, found: Queue, said: str) -> HttpResponse:
    """Back to the task in hand. Nothing is claimed: somebody may have come here from a list of their answers."""
    held = Assignment.objects.in_hand(request.user, found).values_list("pk", flat=True).first()
    is_paused = Seat.objects.filter(queue=found, user=request.user, state=Seat.State.PAUSED).exists()
    none = queue.SEAT_PAUSED if is_paused else answering.NONE_IN_HAND
    done = answering.done(request, found)
    return answering.following(request, found, none if held is None else held, done, said)

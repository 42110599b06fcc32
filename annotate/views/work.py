"""The annotator's loop: read what is asked, take a task, answer it and get the next, or leave it with a reason."""

import uuid
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from annotate import access, kinds, labelling, panels, queue, rendering
from annotate.models import Assignment, Exit, Queue, Role, Seat
from annotate.views.doors import Request, see_other, signed_in

BIGGEST_FENCE = 2**31 - 1
NOBODY_WORKS: dict[str, queue.Nothing] = {Queue.State.PAUSED: queue.PAUSED, Queue.State.CLOSED: queue.CLOSED}


class Slip(forms.Form):
    """What every form of the panel carries: the lease it was shown under, this submit's key, the time spent."""

    fence = forms.IntegerField(min_value=1, max_value=BIGGEST_FENCE)
    key = forms.UUIDField(required=False)
    active_seconds = forms.FloatField(required=False, min_value=0)


class LeaveForm(forms.Form):
    """A way out: "skip", "decline" or "flag" with a reason (one of the quick ones, own words, or both), or "leave"."""

    LEAVE = "leave"
    way = forms.ChoiceField(choices=[*Exit.Way.choices, (LEAVE, LEAVE)])
    reason = forms.CharField(required=False, max_length=200)
    words = forms.CharField(required=False, max_length=1_500)

    def why(self) -> str:
        """The reason in one line."""
        return ": ".join(filter(None, [self.cleaned_data["reason"], self.cleaned_data["words"]]))


@dataclass(frozen=True, slots=True)
class Note:
    """What is said above a task: what happened, what became of the answer; `code` where it was refused."""

    text: Any
    code: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def work(request: Request, pk: int) -> HttpResponse:
    """The task in hand, else what the queue asks. POST takes a task; GET takes nothing."""
    found = access.queue(request.user, pk, Role.ANNOTATOR)
    if request.method == "POST":
        claimed = queue.claim(request.user, found)
        return see_other("work", pk) if isinstance(claimed, int) else _nothing(request, found, claimed)
    held = Assignment.objects.in_hand(request.user, found).values_list("pk", flat=True).first()
    return _intro(request, found) if held is None else _task(request, found, held, _done(request, found))


@require_POST
@signed_in
def submit(request: Request, pk: int) -> HttpResponse:
    """Hand an answer in and get the next task in the same answer."""
    place = access.assignment(request.user, pk)
    slip = _slip(request)
    form = _answer_form(request, place)
    if not form.is_valid():
        return _again(request, place, form, slip, status=422)
    answer = labelling.Answer(form.payload(), slip["fence"], slip["key"] or uuid.uuid4(), slip["active_seconds"] or 0)
    try:
        done = labelling.submit(request.user, place, answer, claim_next=True)
    except labelling.Refused as refused:
        return _again(request, place, form, slip, Note(refused.message, refused.code), status=409)
    return _next(request, place.queue, done.next, done.done, _("Saved."))


@require_POST
@signed_in
def draft(request: Request, pk: int) -> JsonResponse:
    """Keep an unfinished answer: 200 with its version, or 409 with why it isn't kept."""
    place = access.assignment(request.user, pk)
    slip = _slip(request)
    form = _answer_form(request, place)
    form.is_valid()  # a draft may be anything; `payload` gives what is valid so far
    try:
        version = labelling.save_draft(request.user, place, form.payload(), slip["fence"], slip["active_seconds"] or 0)
    except labelling.Refused as refused:
        return JsonResponse({"code": refused.code, "message": str(refused.message)}, status=409)
    return JsonResponse({"version": version})


@require_POST
@signed_in
def leave(request: Request, pk: int) -> HttpResponse:
    """Skip, decline or flag with a reason and go on with the next task; or give the task back and go home."""
    place = access.assignment(request.user, pk)
    slip, form = _slip(request), LeaveForm(request.POST)
    if not form.is_valid():
        raise BadRequest
    way = form.cleaned_data["way"]
    if way != LeaveForm.LEAVE and not form.why():
        note = Note(_("Choose a reason or write one; you still hold this task."))
        return _again(request, place, None, slip, note, status=422)
    try:
        return _go(request, place, slip["fence"], way, form.why())
    except labelling.Refused as refused:
        return _again(request, place, None, slip, Note(refused.message, refused.code), status=409)


def _go(request: Request, place: Assignment, fence: int, way: str, why: str) -> HttpResponse:
    if way == LeaveForm.LEAVE:
        labelling.give_back(request.user, place, fence)
        messages.success(request, _("You gave the task back. Your draft is kept."))
        return see_other("home")
    labelling.leave(request.user, place, fence, Exit.Way(way), why)
    said = {
        Exit.Way.SKIP: _("Skipped. It comes back to you later."),
        Exit.Way.DECLINE: _("Declined. Somebody else does it."),
        Exit.Way.FLAG: _("Flagged. The admin looks at it."),
    }[Exit.Way(way)]
    return _next(request, place.queue, queue.claim(request.user, place.queue), _done(request, place.queue), said)


# --- Reading requests ----------------------------------------------------------------------------------------------


def _slip(request: Request) -> dict[str, Any]:
    slip = Slip(request.POST)
    if not slip.is_valid():
        raise BadRequest
    return slip.cleaned_data


def _answer_form(request: Request, place: Assignment) -> kinds.LabelForm:
    data = request.POST.copy()
    for name, values in data.lists():  # a browser without scripts ends its lines with CR LF
        data.setlist(name, [value.replace("\r\n", "\n") for value in values])
    return labelling.form_for(place, place.queue.way.label_form.posted(data))


def _done(request: Request, found: Queue) -> int:
    return Seat.objects.filter(queue=found, user=request.user).values_list("done", flat=True).first() or 0


# --- Answering: to htmx with the panel alone, else with the page around it -------------------------------------------


def _next(request: Request, found: Queue, following: int | queue.Nothing | None, done: int, said: str) -> HttpResponse:
    if not request.htmx:
        messages.success(request, said)
    if not isinstance(following, int):
        return _nothing(request, found, following or queue.EMPTY, said)
    return _task(request, found, following, done, said) if request.htmx else see_other("work", found.pk)


def _task(request: Request, found: Queue, place_id: int, done: int, said: str = "") -> HttpResponse:
    panel = panels.load(request.user, place_id, found)
    return _panel(request, panel, panel.form(), done, {"key": uuid.uuid4(), "said": said})


def _again(
    request: Request,
    place: Assignment,
    form: kinds.LabelForm | None,
    slip: dict[str, Any],
    note: Note | None = None,
    *,
    status: int,
) -> HttpResponse:
    """The same task, with all that was typed; it may be another's by now, so its order is that of the lease shown."""
    kept = labelling.draft_of(request.user, place, slip["fence"]) if form is None else None
    panel = panels.of_label(place, place.shown(slip["fence"]), kept or {})
    context = {"note": note, "key": slip["key"] or uuid.uuid4(), "fence": slip["fence"]}
    return _panel(request, panel, form or panel.form(), _done(request, place.queue), context, status)


def _panel(
    request: Request, panel: panels.Panel, form: kinds.LabelForm, done: int, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    context = {
        "panel": panel,
        "queue": panel.queue,
        "form": form,
        "number": done + 1,
        "done": done,
        "fence": panel.assignment.fence,
        "restored": any((panel.draft or {}).values()),
        **context,
    }
    if request.htmx:
        return render(request, "work.html#swap", context, status=status)
    return render(request, "work.html", context | _around(panel.queue), status=status)


def _around(found: Queue) -> dict[str, Any]:
    guideline = found.guideline()
    html = guideline and rendering.rendered([guideline.text])[guideline.text]
    return {"guideline": guideline, "guideline_html": html}


def _intro(request: Request, found: Queue, why: queue.Nothing | None = None) -> HttpResponse:
    context = {"queue": found, "done": _done(request, found), "nothing": why or NOBODY_WORKS.get(found.state)}
    return render(request, "intro.html", context | _around(found))


def _nothing(request: Request, found: Queue, why: queue.Nothing, said: str = "") -> HttpResponse:
    """No task now, and why."""
    if not request.htmx:
        return _intro(request, found, why)
    context = {"queue": found, "nothing": why, "done": _done(request, found), "said": said}
    return render(request, "work.html#over", context)

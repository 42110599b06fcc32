"""People who are paused: their own page with the reason and an appeal, and what managers decide."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from annotate import access
from annotate.checking import pausing, reopening
from annotate.models import Pause, Queue, Role, Seat
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import around, names, number, rows


class AppealForm(forms.Form):
    appeal = forms.CharField(
        label=gettext_lazy("Your answer"),
        max_length=pausing.LONGEST_APPEAL,
        widget=forms.Textarea(attrs={"rows": 5, "dir": "auto"}),
        help_text=gettext_lazy("Whoever runs the queue reads it. You can send one answer."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def own(request: Request, pk: int) -> HttpResponse:
    """Why one is paused in a queue, and what became of it. POST `appeal` answers; POST `read` marks it as read."""
    queue = access.own_queue(request.user, pk)
    seat = Seat.objects.filter(queue=queue, user=request.user).first()
    pause = pausing.of_person(request.user).filter(seat=seat).last()
    form = AppealForm(request.POST if "appeal" in request.POST else None)
    if request.method == "POST":
        if pause is None:
            raise Http404
        if "read" in request.POST:
            pausing.seen(pause)
            return see_other("home")
        if form.is_valid() and _appealed(pause, form):
            messages.success(request, _("Sent. The answer appears here."))
            return see_other("pause", pk)
    context = {
        "queue": queue,
        "pause": pause,
        "works": Queue.objects.worked_by(request.user).filter(pk=pk).exists(),
        "form": form,
        "paused": seat and seat.state == Seat.State.PAUSED,
    }
    return render(request, "you/pause.html", context, status=422 if form.errors else 200)


def _appealed(pause: Pause, form: AppealForm) -> bool:
    try:
        pausing.appeal(pause, form.cleaned_data["appeal"])
    except ValidationError as error:
        form.add_error(None, " ".join(error.messages))
        return False
    return True


class SinceForm(forms.Form):
    since = forms.DateTimeField(required=False, widget=forms.DateInput(attrs={"type": "date"}))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def pauses(request: Request, pk: int) -> HttpResponse:
    """Who is or was paused, newest first. POST names the `pause` and lifts, upholds, or re-opens labels."""
    queue = access.queue(request.user, pk, Role.MANAGER)
    if request.method == "POST":
        pause = access.pause(request.user, number(request.POST.get("pause", "")))
        if pause.seat.queue_id != queue.pk:
            raise Http404
        _acted(request, pause)
        return see_other("queue-pauses", pk)
    page = rows(request, pausing.of_queue(queue), newest_first=True)
    context = {"page": page, "pauses": _described(queue, page.rows)}
    return render(request, "people/pauses.html", context | around(request, queue.project, queue, tab="people"))


def _described(queue: Queue, found: list[Pause]) -> list[tuple[Pause, str]]:
    who = names(queue.project, [one.seat.user_id for one in found], runs=True)
    return [(one, who[one.seat.user_id]) for one in found]


def _acted(request: Request, pause: Pause) -> None:
    """Carry out the pressed button, and say what became of it."""
    try:
        messages.success(request, _act(request, pause))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))


def _act(request: Request, pause: Pause) -> str:
    given: Any = request.POST
    if "reopen" in given:
        form = SinceForm(given)
        if not form.is_valid():
            raise ValidationError({"since": [_("That is no date.")]})
        n = reopening.reopen(pause, request.user, form.cleaned_data["since"])
        return ngettext(
            "%d label was set aside, and its task waits for somebody else.",
            "%d labels were set aside, and their tasks wait for others.",
            n,
        ) % n  # fmt: skip
    outcome = Pause.Outcome.LIFTED if "lift" in given else Pause.Outcome.UPHELD if "uphold" in given else None
    if outcome is None:
        raise Http404
    pausing.decide(pause, request.user, outcome, given.get("answer", ""))
    told = {
        Pause.Outcome.LIFTED: _("%s gets tasks again."),
        Pause.Outcome.UPHELD: _("%s stays paused, and reads your answer."),
    }
    return told[outcome] % pause.seat.user

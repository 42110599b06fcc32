"""What the annotator's views share: reading what the panel sends, and answering with a panel.

To a script goes the panel alone, else the page around it.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Count, F, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from annotate import guidelines, kinds, labelling, panels, queue
from annotate.models import Assignment, Queue, Seat
from annotate.views.doors import Request, see_other

BIGGEST_FENCE = 2**31 - 1
MOST_IDS = 20
NONE_IN_HAND = queue.Nothing("none_in_hand", _("You hold no task here now. Take one whenever you like."))
NOBODY_WORKS: dict[str, queue.Nothing] = {Queue.State.PAUSED: queue.PAUSED, Queue.State.CLOSED: queue.CLOSED}


class HavingForm(forms.Form):
    """`having`: ids of the places that the page has got already, with commas between."""

    having = forms.RegexField(rf"^\d{{1,18}}(,\d{{1,18}}){{0,{MOST_IDS}}}$", required=False)

    def places(self) -> list[int]:
        """The ids."""
        return [int(one) for one in self.cleaned_data["having"].split(",") if one]


class Slip(HavingForm):
    """What every form of the panel carries: the lease it was shown under, this submit's key, the time spent.

    From scripts also: `base`, the version of the draft that the text was made from; `alone`, no next task is wanted.
    """

    fence = forms.IntegerField(min_value=1, max_value=BIGGEST_FENCE)
    key = forms.UUIDField(required=False)
    active_seconds = forms.FloatField(required=False, min_value=0)
    base = forms.IntegerField(required=False, min_value=0, max_value=BIGGEST_FENCE)
    alone = forms.BooleanField(required=False)

    def answer(self, payload: kinds.Payload) -> labelling.Answer:
        """What is handed in with it."""
        given = self.cleaned_data
        return labelling.Answer(payload, given["fence"], given["key"] or uuid.uuid4(), given["active_seconds"] or 0)


@dataclass(frozen=True, slots=True)
class Note:
    """What is said above a task: what happened, what became of the answer; `code` where it was refused."""

    text: Any
    code: str = ""


def slip(request: Request) -> Slip:
    """The request's slip. Raises BadRequest for one that no page of ours makes."""
    found = Slip(request.POST)
    if not found.is_valid():
        raise BadRequest
    return found


def posted(request: Request, kind: kinds.Kind) -> Any:
    """The POST as field values of the kind's form."""
    data = request.POST.copy()
    for name, values in data.lists():  # a browser without scripts ends its lines with CR LF
        data.setlist(name, [value.replace("\r\n", "\n") for value in values])
    return kind.label_form.posted(data)


def done(request: Request, found: Queue) -> int:
    """How many labels of theirs the queue has."""
    return done_before(request, found, [])


def done_before(request: Request, found: Queue, having: Collection[int]) -> int:
    """The same with those of the places `having` that they hold.

    One statement, so that one of these which is handed in at this moment is counted once, not as held and as done.
    """
    held = Assignment.objects.leased().filter(queue=found, annotator=request.user, pk__in=having)
    count = held.order_by().values("annotator").annotate(n=Count("pk")).values("n")
    seat = Seat.objects.filter(queue=found, user=request.user).annotate(held=Coalesce(Subquery(count), 0))
    return seat.values_list(F("done") + F("held"), flat=True).first() or 0


def following(
    request: Request,
    found: Queue,
    place: int | queue.Nothing | None,
    number: int,
    said: str,
) -> HttpResponse:
    """After an act: the next task, or why there is none. `number`: labels they have given by the time they see it."""
    if not request.htmx:
        messages.success(request, said)
    if not isinstance(place, int):
        return nothing(request, found, place or queue.EMPTY, said)
    if not request.htmx:
        return see_other("work", found.pk)
    return task(request, found, place, number, said)


def task(request: Request, found: Queue, place_id: int, number: int, said: str = "") -> HttpResponse:
    """A place that they hold, with their draft."""
    shown = panels.load(request.user, place_id, found)
    return panel(request, shown, shown.form(), number, {"key": uuid.uuid4(), "said": said})


def again(
    request: Request,
    place: Assignment,
    form: kinds.LabelForm | None,
    given: Slip,
    note: Note | None = None,
    *,
    status: int,
) -> HttpResponse:
    """The same task, with all that was typed; it may be another's by now, so its order is that of the lease shown."""
    fence, key = given.cleaned_data["fence"], given.cleaned_data["key"]
    kept = labelling.draft_of(request.user, place, fence) if form is None else None
    shown = panels.of_label(place, place.shown(fence), kept or {})
    context = {
        "note": note,
        "key": key or uuid.uuid4(),
        "fence": fence,
        "seconds": given.cleaned_data["active_seconds"] or 0,
        "version": given.cleaned_data["base"] or 0,
    }
    return panel(request, shown, form or shown.form(), done(request, place.queue), context, status)


def panel(
    request: Request,
    shown: panels.Panel,
    form: kinds.LabelForm,
    number: int,
    context: dict[str, Any],
    status: int = 200,
) -> HttpResponse:
    """One task. `number`: labels they have given in the queue by the time they see it."""
    context = {
        "panel": shown,
        "queue": shown.queue,
        "form": form,
        "number": number + 1,
        "done": number,
        "fence": shown.assignment.fence,
        "seconds": shown.seconds,
        "version": shown.version,
        "restored": any((shown.draft or {}).values()),
        **context,
    }
    if request.htmx:
        return render(request, "work.html#swap", context, status=status)
    return render(request, "work.html", context | around(request, shown.queue), status=status)


def around(request: Request, found: Queue) -> dict[str, Any]:
    """What stands around a task: the guidelines."""
    return {"guidelines": guidelines.reading(request.user, found)}


def intro(request: Request, found: Queue, why: queue.Nothing | None = None) -> HttpResponse:
    """What the queue asks, before and between tasks."""
    context = {"queue": found, "done": done(request, found), "nothing": why or NOBODY_WORKS.get(found.state)}
    return render(request, "intro.html", context | around(request, found))


def nothing(request: Request, found: Queue, why: queue.Nothing, said: str = "") -> HttpResponse:
    """No task now, and why."""
    if not request.htmx:
        return intro(request, found, why)
    context = {"queue": found, "nothing": why, "done": done(request, found), "said": said}
    return render(request, "work.html#over", context)

"""Labels on their way out: what each format holds, and the files."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from annotate import access, counting, exporting
from annotate.models import Queue, Role
from annotate.views.doors import Request, signed_in
from annotate.views.frames import around

#: Up to here the rows are counted without being asked: it takes a second for 100,000 labels and format.
COUNTED_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Offer:
    """A format for a queue's labels: its options, an example row, and its counts where they were taken."""

    format: exporting.Format[Any]
    options: forms.Form
    example: str
    counts: exporting.Counts | None


@require_safe
@signed_in
def export(request: Request, pk: int) -> HttpResponse:
    """What the queue's labels can be written as. `?count=` has a format's rows counted where that takes long.

    What the queue's options don't ask for is not offered; it can still be downloaded, of labels made before.
    """
    queue = access.queue(request.user, pk, Role.MANAGER)
    labels = counting.of_queue(queue).labels
    wanted = request.GET.get("count", "")
    asked = [one for one in exporting.for_kind(queue.way) if one.is_asked_for(queue.way, queue.options)]
    training_first = sorted(asked, key=lambda one: not one.trainers)
    offers = [_offer(queue, one, labels <= COUNTED_AT_ONCE or one.name == wanted) for one in training_first]
    context = around(request, queue.project, queue, tab="export")
    context |= {"offers": offers, "labels": labels, "containers": exporting.CONTAINERS.values()}
    context["api"] = request.build_absolute_uri(reverse("api-export", args=[pk]))
    return render(request, "exports/export.html", context)


def _offer(queue: Queue, form: exporting.Format[Any], counted: bool) -> Offer:
    first = next(exporting.rows(queue, form.name), None)
    example = json.dumps(first, ensure_ascii=False, indent=2) if first else ""
    counts = exporting.count(queue, form.name) if counted else None
    return Offer(form, form.options_form(auto_id=f"{form.name}-%s"), example, counts)


@require_safe
@signed_in
def download(request: Request, pk: int, name: str, ending: str) -> HttpResponseBase:
    """The labels as they stand now, as a file. It streams: it begins at once, whatever there is."""
    queue = access.queue(request.user, pk, Role.MANAGER)
    container = exporting.CONTAINERS.get(ending)
    try:
        form = exporting.get(name)
        pieces = exporting.stream(queue, name, _options(form, request.GET), ending)
    except (KeyError, ValidationError):
        raise Http404 from None
    assert container is not None  # or `stream` has refused
    response = StreamingHttpResponse(_begun(pieces), content_type=container.content_type)
    filename = f"{slugify(queue.name) or queue.pk}-{name}.{ending}"
    response["Content-Disposition"] = content_disposition_header(True, filename) or "attachment"
    return response


def _begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same, its first piece made already: what is wrong from the start is an error page, not a broken file."""
    return chain([next(pieces, b"")], pieces)


def _options(form: exporting.Format[Any], asked: Mapping[str, str]) -> dict[str, Any]:
    """The format's options as the page's form sends them: there, an unticked box sends nothing and means no."""
    given = form.options_form(asked if "chosen" in asked else None)
    if not given.is_bound:
        return {}
    if not given.is_valid():
        raise Http404
    return given.cleaned_data

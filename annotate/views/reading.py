"""What helps with reading responses next to each other."""

from collections.abc import Collection

from django import forms
from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from annotate import access, differences, labelling, panels
from annotate.views.answering import BIGGEST_FENCE
from annotate.views.doors import Request, signed_in


class LeaseForm(forms.Form):
    """The lease that a page showed."""

    fence = forms.IntegerField(min_value=1, max_value=BIGGEST_FENCE)


@require_safe
@signed_in
def diff(request: Request, pk: int) -> HttpResponse:
    """Two responses with the words marked that only one of them has. A part for scripts, else a page.

    `of` and `with` are letters of the lease numbered `fence`, which is or was the reader's own.
    """
    place = access.assignment(request.user, pk)
    lease = LeaseForm(request.GET)
    if not lease.is_valid():
        raise BadRequest
    fence = lease.cleaned_data["fence"]
    if not labelling.was_leased_to(place, request.user, fence):
        raise Http404
    texts = {one.letter: one.text for one in panels.of_label(place, place.shown(fence), {}).candidates}
    one, other = _two(request, texts)
    left, right = differences.sides_as_html(texts[one], texts[other])
    context = {"sides": [(one, left), (other, right)], "same": texts[one] == texts[other]}
    return render(request, "reading_diff.html#part" if request.htmx else "reading_diff.html", context)


def _two(request: Request, letters: Collection[str]) -> list[str]:
    """Two different letters, in the order shown, however they were asked for."""
    asked = {request.GET.get("of", ""), request.GET.get("with", "")}
    chosen = [letter for letter in letters if letter in asked]
    if len(chosen) != 2:
        raise BadRequest
    return chosen

"""Releases: asking for one, watching it being made, and what it holds."""

import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from annotate import access, counting, exporting, importing, releasing
from annotate.models import Queue, Release, Role, User
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.exporting import parts
from annotate.views.frames import around, number, pages_of, rows

_OF_FORMAT = re.compile(r"formats\[(\d+)\]\.(?:options\.)?(\w+)")


class ReleaseForm(forms.Form):
    container = forms.ChoiceField(
        label=gettext_lazy("Kind of file"),
        choices=[(one.name, one.title) for one in reversed(exporting.CONTAINERS.values())],
        help_text=gettext_lazy("Parquet carries its types with it: take it where you can."),
    )
    license = forms.CharField(
        label=gettext_lazy("License"),
        initial="other",
        max_length=40,
        help_text=gettext_lazy("As the Hugging Face hub writes it, such as cc-by-4.0."),
    )
    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("What this release is for. It is in the dataset card."),
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """A format that may be in the release, and its own options."""

    format: exporting.Format[Any]
    options: forms.Form
    chosen: bool


class Wanted:
    """The page's form: what the release is to hold. `given` is None before anything was chosen."""

    def __init__(self, queue: Queue, given: QueryDict | None) -> None:
        self.queue, self.given = queue, given
        names = set(given.getlist("formats")) if given else set()
        offered = [one for one in exporting.for_kind(queue.way) if one.is_asked_for(queue.way, queue.options)]
        self.choices = [
            Choice(one, one.options_form(given, prefix=one.name), one.name in names)
            for one in sorted(offered, key=lambda one: -len(one.trainers))
        ]
        self.form = ReleaseForm(given)
        self.common = exporting.CommonOptions(given, project=queue.project)

    def start(self, user: User) -> Release | None:
        """The release; None if something is not right, which the forms then say."""
        if not self.form.is_valid():
            return None
        chosen = [one for one in self.choices if one.chosen]
        formats = [{"format": one.format.name, "options": self._told(one.options)} for one in chosen]
        try:
            return releasing.start(self.queue, user, formats, options=self._told(self.common), **self.form.cleaned_data)
        except ValidationError as error:
            for name, complaints in error.message_dict.items():
                self._complain(chosen, name, complaints)
            return None

    def _told(self, form: forms.Form) -> dict[str, Any]:
        """What the page says of a form: an unticked box sends nothing and means no."""
        given = self.given or QueryDict()
        values = {
            name: field.widget.value_from_datadict(given, {}, form.add_prefix(name))
            for name, field in form.fields.items()
        }
        return {name: value for name, value in values.items() if value is not None}

    def _complain(self, chosen: list[Choice], name: str, complaints: list[str]) -> None:
        found = _OF_FORMAT.fullmatch(name)
        form = chosen[int(found[1])].options if found else self.common if name.startswith("options.") else self.form
        field = found[2] if found else name.removeprefix("options.")
        if field not in form.fields:
            self.form.add_error(None, complaints)
        elif field not in form.errors:
            form.add_error(field, complaints)

    def context(self) -> dict[str, Any]:
        folded = parts(self.common)
        for part in folded:  # of splits, a release has all
            part.fields[:] = [field for field in part.fields if field.name != "split"]
        return {"choices": self.choices, "form": self.form, "parts": folded, "nothing": self.nothing}

    @property
    def nothing(self) -> bool:
        """Whether it was sent without a format."""
        return self.given is not None and not any(one.chosen for one in self.choices)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def releases(request: Request, pk: int) -> HttpResponse:
    """The releases of a queue, and the form for the next."""
    queue = access.queue(request.user, pk, Role.MANAGER)
    wanted = Wanted(queue, request.POST if request.method == "POST" else None)
    release = wanted.start(request.user) if wanted.given is not None else None
    if release is not None:
        return see_other("one-release", release.pk)
    context = around(request, queue.project, queue, tab="releases") | wanted.context()
    context |= {
        "page": rows(request, queue.releases.all(), newest_first=True),
        "labels": counting.of_queue(queue).labels,
        "worker_alive": importing.workers_alive(),
    }
    return render(request, "releases/releases.html", context, status=422 if wanted.given is not None else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def show(request: Request, pk: int) -> HttpResponse:
    """How far a release is and what it holds; with `?with=` what changed since another. POST cancels it."""
    release = access.release(request.user, pk)
    if request.method == "POST":
        if releasing.cancel(release):
            messages.success(request, _("Cancelled. Nothing of it was kept but its number."))
        return see_other("one-release", pk)
    context = around(request, release.queue.project, release.queue, tab="releases")
    context |= {"release": release, "pages": pages_of(release, context["me"])}
    context["worker_alive"] = importing.workers_alive()
    if release.state == Release.State.DONE:
        context |= _held(request, release)
    return render(request, "releases/release.html" + ("#progress" if request.htmx else ""), context)


def _held(request: Request, release: Release) -> dict[str, Any]:
    done = release.queue.releases.filter(state=Release.State.DONE)
    others = done.exclude(pk=release.pk).order_by("-number")[:50]
    earlier = done.filter(pk=number(request.GET.get("with", ""))).exclude(pk=release.pk).first()
    differences, why_not = _differences(release, earlier)
    return {
        "files": release.files.all(),
        "others": others,
        "earlier": earlier,
        "differences": differences,
        "why_not": why_not,
        "api": request.build_absolute_uri(reverse("api-one-release", args=[release.pk])),
        "first": next((one for one in release.manifest["formats"] if not one["empty"]), None),
    }


def _differences(release: Release, earlier: Release | None) -> tuple[list[releasing.Difference], str]:
    """What changed since another release, or why they are not compared."""
    try:
        return releasing.compare(release, earlier) if earlier else [], ""
    except ValidationError as error:
        return [], " ".join(error.messages)

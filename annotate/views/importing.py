"""Files on their way in: handing one over, watching it being read, and the rows that were refused."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from annotate import access, counting, importing
from annotate.importing import checks
from annotate.models import Import, Role, RowIssue
from annotate.quality.figures import csv_lines
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import around, rows

SHOWN = 20
COLUMNS = ("line", "field", "reason", "row")
ISSUE_COLUMNS = ("line", "check_name", "severity", "field", "reason")
#: As `Import.is_held`.
HELD = Q(state=Import.State.HELD) | Q(only_count=True, state__in=[Import.State.QUEUED, Import.State.RUNNING])


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("JSON lines, a JSON list, CSV or Parquet; gzipped or not. Each row is a prompt."),
    )
    format = forms.ChoiceField(
        label=gettext_lazy("Shape of the rows"),
        required=False,
        help_text=gettext_lazy("Told from the file itself, unless you choose."),
    )

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        shapes = [(one.name, one.title) for one in importing.formats()]
        self.fields["format"].choices = [("", _("Tell it from the file")), *shapes]  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def upload(request: Request, pk: int) -> HttpResponse:
    """Hand a file over; the earlier ones are listed below."""
    queue = access.queue(request.user, pk, Role.MANAGER)
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            hold = "at_once" not in request.POST
            job = importing.start(queue, request.user, file, file.name, form.cleaned_data["format"], hold=hold)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return see_other("import-look" if hold else "import", job.pk)
    context = around(request, queue.project, queue, tab="import") | {
        "form": form,
        "formats": importing.formats(),
        "held": queue.imports.filter(HELD).order_by("-pk")[:SHOWN],
        "page": rows(request, queue.imports.exclude(HELD), newest_first=True),
        "worker_alive": importing.workers_alive(),
    }
    return render(request, "imports/new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def show(request: Request, pk: int) -> HttpResponse:
    """How far an import is, what became of its rows, and which were refused. POST cancels it."""
    job = access.import_job(request.user, pk)
    if request.method == "POST":
        if importing.cancel(job):
            messages.success(request, _("Cancelled. Rows already added stay; the same file again adds only the rest."))
        return see_other("import", pk)
    if job.is_held:
        return redirect("import-look", pk)
    context = around(request, job.queue.project, job.queue, tab="import") | {
        "job": job,
        "refused": job.refused.all()[:SHOWN],
        "kept": job.refused.count(),
        "parts": job.parts.all(),
        "summed": list(summed(job.issues)),
        "issues": job.row_issues.all()[:SHOWN],
        "issues_kept": job.row_issues.count(),
        "shown": SHOWN,
        "worker_alive": importing.workers_alive(),
    }
    return render(request, "imports/import.html" + ("#progress" if request.htmx else ""), context)


class Summed(NamedTuple):
    """How many rows a check found fault with, and how bad that is."""

    title: str | Promise
    severity: str
    rows: int


def summed(issues: Mapping[str, Mapping[str, int]]) -> Iterator[Summed]:
    """What the intake checks found, from errors to trifles."""
    for severity in RowIssue.Severity.values:
        for name, counts in issues.items():
            if count := counts.get(severity):
                title = checks.CHECKS[name].title if name in checks.CHECKS else name
                yield Summed(title, severity, count)


# --- Refused rows and issues -----------------------------------------------------------------------------------------


@require_safe
@signed_in
def refused(request: Request, pk: int) -> HttpResponse:
    """Every refused row of every import of the queue (of each, its first 10,000)."""
    queue = access.queue(request.user, pk, Role.MANAGER)
    context = around(request, queue.project, queue, tab="import")
    context["page"] = rows(request, counting.refused(queue).select_related("job"))
    return render(request, "imports/refused.html", context)


@require_safe
@signed_in
def refused_file(request: Request, pk: int, ending: str) -> HttpResponseBase:
    """The refused rows of one import as a file: `ndjson`, or `csv` for a spreadsheet."""
    job = access.import_job(request.user, pk)
    return _file(job.refused.all(), COLUMNS, f"refused-{job.pk}", ending)


@require_safe
@signed_in
def issues_file(request: Request, pk: int, ending: str) -> HttpResponseBase:
    """What the intake checks found in the rows of one import, as a file; one issue a line."""
    job = access.import_job(request.user, pk)
    return _file(job.row_issues.all(), ISSUE_COLUMNS, f"issues-{job.pk}", ending)


def _file(found: QuerySet[Any], columns: Sequence[str], name: str, ending: str) -> HttpResponseBase:
    writers = {"ndjson": ("application/x-ndjson", _ndjson), "csv": ("text/csv; charset=utf-8", _csv)}
    if ending not in writers:
        raise Http404
    content_type, write = writers[ending]
    facts = found.order_by("line", "pk").values_list(*columns).iterator()
    heads = [one.removesuffix("_name") for one in columns]
    response = StreamingHttpResponse(write(facts, heads), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
    return response


def _ndjson(found: Iterable[tuple[Any, ...]], columns: Sequence[str]) -> Iterator[str]:
    for row in found:
        yield json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n"


def _csv(found: Iterable[tuple[Any, ...]], columns: Sequence[str]) -> Iterator[str]:
    """A cell that a spreadsheet would take for a formula gets a ' before it; NDJSON has the row as it is."""
    return csv_lines(columns, found)

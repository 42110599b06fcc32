"""How good the labels of a project are, queue by queue: which one is in trouble, and what to do."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from annotate import access, importing
from annotate.models import Role
from annotate.quality import noticing, overview
from annotate.quality.figures import WORRIES, csv_lines
from annotate.quality.overview import Overview
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import around


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def quality(request: Request, slug: str) -> HttpResponse:
    """The project's queues side by side. POST has figures made that are missing or older than what they are of."""
    project = access.project(request.user, slug, Role.REVIEWER)
    if request.method == "POST":
        messages.success(request, _begun(overview.make(project, request.user)))
        return see_other("project-quality", slug)
    context = around(request, project, tab="quality")
    found = overview.of_project(project, runs=context["runs"])
    context |= {
        "overview": found,
        "rows": _rows(found),
        "columns": overview.heads(found),
        "chart": overview.chart(found.standings),
        "worker_alive": importing.workers_alive(),
    }
    return render(request, "quality/project.html" + ("#report" if request.htmx else ""), context)


def _begun(reports: int) -> str:
    if not reports:
        return _("All figures are of the newest labels.")
    return ngettext("%s report is being made.", "%s reports are being made.", reports) % reports


def _rows(found: Overview) -> list[dict[str, Any]]:
    rows = []
    for one in found.standings:
        worry = noticing.worst(one)
        cells = overview.cells(one)
        rows.append({"standing": one, "worry": worry, "worry_word": WORRIES.get(worry, ""), "cells": cells})
    return rows


@require_safe
@signed_in
def file(request: Request, slug: str) -> StreamingHttpResponse:
    """The same as CSV, a row for each queue."""
    project = access.project(request.user, slug, Role.REVIEWER)
    runs = access.membership(request.user, project).can(Role.MANAGER)
    table = overview.table(overview.of_project(project, runs=runs))
    response = StreamingHttpResponse(csv_lines(*table), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{project.slug}-quality.csv"'
    return response

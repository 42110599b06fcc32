"""The bias report of a queue: what sways its annotators. For reviewers; people go by pseudonyms but for managers."""

from typing import Any

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from annotate import access, importing
from annotate.models import Project, Queue, Role
from annotate.narrowing import link
from annotate.quality import reports
from annotate.quality.reports import Subject
from annotate.quality.telling import ON_PAGE, of_most
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import around, names
from rankings.bias import telling
from rankings.boards import meetings
from rankings.boards.strengths import Json
from rankings.boards.telling import style_chart, swayed
from rankings.views.files import COUNTING, as_csv


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def bias(request: Request, pk: int) -> HttpResponse:
    """The figures, all together and one by one. POST makes them anew."""
    queue = _queue(request, pk)
    if request.method == "POST":
        reports.refresh("bias", Subject.of_queue(queue), request.user)
        return see_other("queue-bias", pk)
    shown = reports.show("bias", Subject.of_queue(queue), request.user)
    context = around(request, queue.project, queue, tab="bias") | {
        "here": reverse("queue-bias", args=[pk]),
        "file": reverse("queue-bias-file", args=[pk]),
        "title": _("Bias"),
        "shown": shown,
        "worker_alive": importing.workers_alive(),
    }
    if shown.report and shown.result["comparisons"]:
        context |= _told(of_most(shown.result, ON_PAGE), queue, context["runs"])
    return render(request, "bias/bias.html" + ("#report" if request.htmx else ""), context)


@require_safe
@signed_in
def file(request: Request, pk: int) -> HttpResponseBase:
    """A table of it for a spreadsheet: `?table=people`, figures or style."""
    queue = _queue(request, pk)
    report = reports.newest("bias", Subject.of_queue(queue))
    what = request.GET.get("table", telling.TABLES[0])
    if report is None or what not in telling.TABLES:
        raise Http404
    runs = access.membership(request.user, queue.project).can(Role.MANAGER)
    table = telling.table(report.result, what, _names(queue.project, report.result, runs))
    return as_csv(table, f"bias-of-queue-{pk}-{what}")


def _queue(request: Request, pk: int) -> Queue:
    queue = access.queue(request.user, pk, Role.REVIEWER)
    if not meetings.compares(queue.way):
        raise Http404
    return queue


def _names(project: Project, report: Json, runs: bool) -> dict[int, str]:
    return names(project, (one["annotator"] for one in report["people"]), runs)


def _told(report: Json, queue: Queue, runs: bool) -> dict[str, Any]:
    who = _names(queue.project, report, runs)
    behind: dict[str, Any] = COUNTING | {"fixes": False}
    links = {one: link(queue, by=one, **behind) for one in who}
    return {
        "behind": link(queue, **behind),
        "given": report["labels"],
        "unlisted": report["unlisted"],
        "figures": telling.figures(report, link(queue, **behind)),
        "swayed": swayed(report["effects"]),
        "style": style_chart(report["effects"]) if report["effects"] else "",
        "people": [
            (telling.people_chart(report, what, title, who, links), telling.outliers(report, what, who))
            for what, title in telling.people_titles().items()
        ]
        if len(report["people"]) > 1
        else [],
        "pace": telling.pace_rows(report, who, links),
    }

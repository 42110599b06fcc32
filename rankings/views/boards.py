"""Boards: which model is better, in a queue or in a whole project. For managers: annotators' work is blind."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from annotate import access, importing
from annotate.models import Queue, Role
from annotate.narrowing import NO_CATEGORY, link
from annotate.quality import reports
from annotate.quality.reports import Subject
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import around
from rankings.boards import meetings, telling
from rankings.boards.strengths import Json
from rankings.views.files import COUNTING, as_csv


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def of_queue(request: Request, pk: int) -> HttpResponse:
    """The board of a queue, whole or of `?category=`. POST makes it anew."""
    return _page(request, _queue(request, pk), pk)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def of_project(request: Request, slug: str) -> HttpResponse:
    """The board of all queues of a project that compare. POST makes it anew."""
    return _page(request, Subject(access.project(request.user, slug, Role.MANAGER)), slug)


@require_safe
@signed_in
def queue_file(request: Request, pk: int) -> HttpResponseBase:
    """A table of a queue's board for a spreadsheet: `?table=`, and for some `&category=`."""
    return _file(request, _queue(request, pk), f"board-of-queue-{pk}")


@require_safe
@signed_in
def project_file(request: Request, slug: str) -> HttpResponseBase:
    """A table of a project's board for a spreadsheet."""
    return _file(request, Subject(access.project(request.user, slug, Role.MANAGER)), f"board-of-{slug}")


def _queue(request: Request, pk: int) -> Subject:
    queue = access.queue(request.user, pk, Role.MANAGER)
    if not meetings.compares(queue.way):
        raise Http404
    return Subject.of_queue(queue)


def _page(request: Request, subject: Subject, key: int | str) -> HttpResponse:
    name = "queue-board" if subject.queue else "project-board"
    if request.method == "POST":
        reports.refresh("board", subject, request.user)
        return see_other(_address(request, name, key))
    shown = reports.show("board", subject, request.user)
    context = around(request, subject.project, subject.queue, tab="board") | {
        "frame": "queues/frame.html" if subject.queue else "projects/frame.html",
        "here": _address(request, name, key),
        "file": reverse(f"{name}-file", args=[key]),
        "title": _("Board"),
        "shown": shown,
        "worker_alive": importing.workers_alive(),
        "queues": [] if subject.queue else _queues(subject, request.GET.get("category")),
    }
    if shown.report:
        context |= _board(shown.result, _category(request, shown.result), subject)
    return render(request, "boards/board.html" + ("#report" if request.htmx else ""), context)


def _address(request: Request, name: str, key: int | str) -> str:
    """Where one is: the board of the same category, for who looks again or has it made anew."""
    category = request.GET.get("category")
    return reverse(name, args=[key]) + ("" if category is None else f"?{urlencode({'category': category})}")


def _queues(subject: Subject, category: str | None) -> list[tuple[Queue, str]]:
    """The queues that a project's board is made of, each with the address of its labels that count."""
    narrowed: dict[str, Any] = {} if category is None else {"category": category or NO_CATEGORY}
    compared = [one for one in subject.queues() if meetings.compares(one.way)]
    return [(one, link(one, **COUNTING, **narrowed)) for one in compared]


def _category(request: Request, result: Json) -> str | None:
    """The category asked for; None for the whole."""
    category = request.GET.get("category")
    if category is not None and category not in result["categories"]:
        raise Http404
    return category


def _board(result: Json, category: str | None, subject: Subject) -> dict[str, Any]:
    board = result["whole"] if category is None else result["categories"][category]

    behind: dict[str, Any] = COUNTING | ({} if category is None else {"category": category or NO_CATEGORY})

    def address(model: str) -> str:
        """Where the labels of a model are: of a queue alone, since a list of labels is of a queue."""
        return link(subject.queue, model=model, **behind) if subject.queue else ""

    def beside(row: str, column: str) -> str:
        return link(subject.queue, model=row, against=column, **behind) if subject.queue else ""

    def within(model: str, name: str) -> str:
        return link(subject.queue, model=model, category=name or NO_CATEGORY, **COUNTING) if subject.queue else ""

    context: dict[str, Any] = {
        "result": result,
        "board": board,
        "category": category,
        "behind": link(subject.queue, **behind) if subject.queue else "",
        "asked": "" if category is None else f"&{urlencode({'category': category})}",
        "categories": _choices(result, category) if len(result["categories"]) > 1 else [],
    }
    if not board["models"]:
        return context
    context |= {
        "notes": telling.notes(board),
        "strengths": telling.strength_chart(board, address),
        "rows": telling.rows(board, address),
        "matrix": telling.matrix_chart(board, beside),
        "swayed": telling.swayed(board["effects"]),
        "style": telling.style_chart(board["effects"]),
    }
    if category is None:
        context["over_time"] = telling.time_chart(result)
        context["by_category"] = telling.category_chart(result, within) if len(result["categories"]) > 1 else ""
    return context


def _choices(result: Json, category: str | None) -> list[tuple[str, str, bool]]:
    """Address, name, and whether it is the one shown: the whole, then each category."""
    whole = [("?", _("All"), category is None)]
    return whole + [
        (f"?{urlencode({'category': one})}", one or _("none"), one == category) for one in result["categories"]
    ]


def _file(request: Request, subject: Subject, name: str) -> HttpResponseBase:
    report = reports.newest("board", subject)
    what = request.GET.get("table", telling.TABLES[0])
    if report is None or what not in telling.TABLES:
        raise Http404
    table = telling.table(report.result, what, _category(request, report.result))
    return as_csv(table, f"{name}-{what}")

"""How good a queue's labels are, who makes them good, and what they cost: the pages of figures."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from annotate import access, importing
from annotate.models import Project, Queue, Role, Task
from annotate.quality import drawing, pricing, reports, saying, telling
from annotate.quality.figures import csv_lines
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import around, names

type Told = Mapping[str, Any]

#: Tasks that people are most divided on, as the page lists them.
MOST_SPLIT = 10
#: What is told of each annotator beside agreement, as the report names it.
SHARES = {
    "gold": gettext_lazy("Checks right"),
    "same": gettext_lazy("Same again"),
    "accepted": gettext_lazy("Accepted"),
}
#: Tables that a page offers as CSV.
TABLES = (
    ("measures", gettext_lazy("All measures")),
    ("category", gettext_lazy("Categories")),
    ("guideline", gettext_lazy("Guidelines")),
    ("time", gettext_lazy("Over time")),
    ("annotators", gettext_lazy("Annotators")),
    ("pairs", gettext_lazy("Two by two")),
    ("tasks", gettext_lazy("Most divided tasks")),
)


# --- The queue -------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def quality(request: Request, pk: int) -> HttpResponse:
    """The queue's figures, those of one measure at length (`?measure=`). POST makes them anew."""
    queue = access.queue(request.user, pk, Role.REVIEWER)
    if request.method == "POST":
        return _refresh(request, queue, "quality")
    context = _shown(request, queue, "quality")
    result = context["shown"].result
    measure = _measure(request, result)
    if measure is not None:
        context |= _of_measure(queue, telling.of_most(result, telling.ON_PAGE), measure, context["runs"])
    return render(request, "quality/quality.html" + ("#report" if request.htmx else ""), context)


def _refresh(request: Request, queue: Queue, name: str) -> HttpResponse:
    report = reports.refresh(name, reports.Subject.of_queue(queue), request.user)
    if not report.is_over:
        messages.success(request, _("It is being made. The page shows it once it is done."))
    return see_other(name, queue.pk)


def _shown(request: Request, queue: Queue, name: str) -> dict[str, Any]:
    shown = reports.show(name, reports.Subject.of_queue(queue), request.user)
    told = {"shown": shown, "result": shown.result, "worker_alive": importing.workers_alive()}
    return around(request, queue.project, queue, tab=name) | told


def _measure(request: Request, result: Told) -> Told | None:
    """The measure that the address asks for, the chief one where it asks for none; None before the first report."""
    if not result:
        return None
    try:
        return telling.chosen(result, request.GET.get("measure", ""))
    except KeyError:
        raise Http404 from None


def _of_measure(queue: Queue, result: Told, measure: Told, runs: bool) -> dict[str, Any]:
    called = _called(queue.project, _people(result) | _in_pairs(measure), runs)
    words = telling.labels_of(queue)
    agreed = result["agreed"] if saying.is_chief(result, measure) else {}
    split = agreed.get("split", [])[:MOST_SPLIT]
    tasks = Task.objects.select_related("prompt").in_bulk([one["task"] for one in split])
    return {
        "measure": measure,
        "tables": TABLES,
        "measure_label": words.get(measure["name"], measure["name"]),
        "figures": saying.of_queue(queue, result, measure),
        "all_measures": drawing.measures(queue, result, words),
        "categories": drawing.groups(queue, measure, "category"),
        "guidelines": drawing.groups(queue, measure, "guideline"),
        "over_time": drawing.over_time(queue, measure),
        "annotators": drawing.annotators(result, measure, called, _page_of(queue)),
        "pairs": drawing.pairs(queue, measure, called),
        "spread": drawing.spread(agreed),
        "split": [(tasks[one["task"]], one["agreement"]) for one in split if one["task"] in tasks],
        "shares": SHARES.values(),
        "people": [_row(queue, one, called) for one in result["people"]],
        "unlisted": result["unlisted"],
    }


def _people(result: Told) -> set[int]:
    return {one["who"] for one in result.get("people", [])}


def _in_pairs(measure: Told) -> set[int]:
    return {one[name] for one in measure["pairs"] for name in "ab"}


def _called(project: Project, people: Iterable[int], runs: bool) -> telling.Names:
    known = names(project, people, runs)
    return lambda person: known.get(person) or project.pseudonym(person)


def _page_of(queue: Queue) -> Callable[[int], str]:
    return lambda person: reverse("quality-annotator", args=[queue.pk, queue.project.pseudonym(person)])


def _row(queue: Queue, person: Told, called: telling.Names) -> dict[str, Any]:
    """An annotator in the table: what is known of them beside their agreement."""
    return dict(person) | {
        "name": called(person["who"]),
        "page": _page_of(queue)(person["who"]),
        "labels_page": saying.behind(queue, by=person["who"]),
        "shares": [saying.figure(name, str(title), person[name], unit="%") for name, title in SHARES.items()],
        "median": person["seconds"][1],
    }


# --- One annotator ---------------------------------------------------------------------------------------------------


@require_safe
@signed_in
def annotator(request: Request, pk: int, who: str) -> HttpResponse:
    """One annotator, by pseudonym: how far they agree with the others, and what checks and reviews say."""
    queue = access.queue(request.user, pk, Role.REVIEWER)
    shown = reports.show("quality", reports.Subject.of_queue(queue), request.user)
    measure = _measure(request, shown.result)
    person = next((one for one in shown.result.get("people", []) if queue.project.pseudonym(one["who"]) == who), None)
    if person is None or measure is None:
        raise Http404
    against = next((one for one in measure["annotators"] if one["who"] == person["who"]), None)
    context = around(request, queue.project, queue, tab="quality")
    pairs = [one for one in measure["pairs"] if person["who"] in {one["a"], one["b"]}]
    called = _called(queue.project, {person["who"]} | _in_pairs({"pairs": pairs}), context["runs"])
    context |= {
        "shown": shown,
        "person": person,
        "name": called(person["who"]),
        "pseudonym": who,
        "figures": saying.of_annotator(queue, person, against, measure),
        "over_time": drawing.of_annotator_over_time(queue, person["who"], measure, against),
        "pairs": drawing.pairs(queue, dict(measure) | {"pairs": pairs}, called),
        "labels_page": saying.behind(queue, by=person["who"]),
    }
    return render(request, "quality/annotator.html", context)


# --- Cost ------------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def cost(request: Request, pk: int) -> HttpResponse:
    """What the labels cost, how fast they come, and when they will be done. POST makes the figures anew."""
    queue = access.queue(request.user, pk, Role.MANAGER)
    if request.method == "POST":
        return _refresh(request, queue, "cost")
    context = _shown(request, queue, "cost")
    if context["shown"].result:
        result = telling.of_most(context["shown"].result, telling.ON_PAGE)
        called = _called(queue.project, _people(result), True)
        context |= {
            "figures": pricing.of_queue(queue, result),
            "charts": drawing.days(queue, result),
            "people": [_paid(queue, result, one, called) for one in result["people"]],
            "unlisted": result["unlisted"],
        }
    return render(request, "quality/cost.html" + ("#report" if request.htmx else ""), context)


def _paid(queue: Queue, result: Told, person: Told, called: telling.Names) -> dict[str, Any]:
    low, middle, high = person["quartiles"] or (None, None, None)
    return dict(person) | {
        "name": called(person["who"]),
        "labels_page": pricing.behind(queue, by=person["who"]),
        "cost": pricing.cost(result, person["seconds"]),
        "low": low,
        "median": middle,
        "high": high,
    }


# --- Tables ----------------------------------------------------------------------------------------------------------


@require_safe
@signed_in
def quality_file(request: Request, pk: int) -> HttpResponseBase:
    """A table of the newest report as CSV: `?table=`, and `?measure=`."""
    queue = access.queue(request.user, pk, Role.REVIEWER)
    report = reports.newest("quality", reports.Subject.of_queue(queue))
    table = telling.TABLES.get(request.GET.get("table", "measures"))
    measure = _measure(request, report.result if report else {})
    if report is None or table is None or measure is None:
        raise Http404
    runs = access.membership(request.user, queue.project).can(Role.MANAGER)
    called = _called(queue.project, _people(report.result), runs)
    return _csv(queue, f"quality-{request.GET.get('table', 'measures')}", table(report.result, measure, called))


@require_safe
@signed_in
def cost_file(request: Request, pk: int) -> HttpResponseBase:
    """A table of the newest cost report as CSV: `?table=days` or `people`."""
    queue = access.queue(request.user, pk, Role.MANAGER)
    report = reports.newest("cost", reports.Subject.of_queue(queue))
    name = request.GET.get("table", "days")
    if report is None or name not in {"days", "people"}:
        raise Http404
    called = _called(queue.project, _people(report.result), True)
    return _csv(queue, f"cost-{name}", telling.cost_table(report.result, name, called))


def _csv(queue: Queue, name: str, table: telling.Table) -> StreamingHttpResponse:
    response = StreamingHttpResponse(csv_lines(*table), content_type="text/csv; charset=utf-8")
    file_name = f"{slugify(queue.name) or queue.pk}-{name}.csv"
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response

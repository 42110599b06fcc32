"""Is it learnable: what a small preference model makes of a release. For managers, as releases are."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from annotate import access, importing
from annotate.models import Release
from annotate.narrowing import link
from annotate.quality import reports
from annotate.quality.reports import Shown, Subject
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import around, described, number
from rankings.learning import doubts, reading, telling
from rankings.scoring.learning_curve import FEWEST_PROMPTS
from rankings.views.files import as_csv

#: Doubtful labels on the page; the file has all that were found.
SHOWN = 30


def suits(release: Release) -> bool:
    """Whether there is something to learn from."""
    return release.state == Release.State.DONE and reading.source(release) is not None


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def learnable(request: Request, pk: int) -> HttpResponse:
    """The figures. POST makes them anew, or sends the `send` most doubtful labels to review."""
    release = access.release(request.user, pk)
    if request.method == "POST":
        return _act(request, release)
    context = around(request, release.queue.project, release.queue, tab="releases") | {
        "release": release,
        "here": reverse("release-learnable", args=[pk]),
        "file": reverse("release-learnable-file", args=[pk]),
        "needed": FEWEST_PROMPTS,
        "suits": suits(release),
        "worker_alive": importing.workers_alive(),
        "shown": Shown(None, None, stale=False),
    }
    if context["suits"]:
        context["shown"] = reports.show("learnability", Subject.of_release(release), request.user)
        context |= _told(release, context["shown"].result, context["runs"])
    return render(request, "learning/learnable.html" + ("#report" if request.htmx else ""), context)


def _act(request: Request, release: Release) -> HttpResponse:
    if not suits(release):
        raise Http404
    subject = Subject.of_release(release)
    if "send" not in request.POST:
        reports.refresh("learnability", subject, request.user)
        return see_other("release-learnable", release.pk)
    asked, report = number(request.POST["send"]), reports.newest("learnability", subject)
    if report is None or not asked:
        messages.error(request, _("Say how many labels, 1 to %d.") % doubts.MOST)
        return see_other("release-learnable", release.pk)
    added = doubts.send(release, report.result["doubted"], asked)
    words = ngettext("%s label waits for a reviewer.", "%s labels wait for a reviewer.", added) % added
    messages.success(request, words + " " + _("Those that waited already, or were amended, are not counted."))
    return see_other("release-learnable", release.pk)


def _told(release: Release, report: dict[str, Any], runs: bool) -> dict[str, Any]:
    if not report:
        return {}
    listed = doubts.found(release, report["doubted"][:SHOWN])
    words = described([label for _one, label in listed], release.queue, runs)
    return {
        "told": report,
        "figures": telling.figures(report, link(release.queue)),
        "curve": telling.curve_chart(report),
        "calibration": telling.calibration_chart(report),
        "doubted": [(telling.percent(one["chance"]), *rest) for (one, _label), rest in zip(listed, words, strict=True)],
        "offered": min(20, len(listed)),
        "most": doubts.MOST,
    }


@require_safe
@signed_in
def file(request: Request, pk: int) -> HttpResponseBase:
    """A table of it for a spreadsheet: `?table=curve`, calibration, doubted or figures."""
    release = access.release(request.user, pk)
    report = reports.newest("learnability", Subject.of_release(release))
    what = request.GET.get("table", telling.TABLES[0])
    if report is None or what not in telling.TABLES:
        raise Http404
    return as_csv(telling.table(report.result, what), f"learnability-of-release-{pk}-{what}")

"""The reviewers' queue: what waits for a verdict, the label that one holds, and how good reviewers are."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotate import access, discussing, panels, reviewing
from annotate.models import Assignment, Label, Queue, Role, ToReview
from annotate.quality import rules
from annotate.reviewing import grading
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import around, names, number
from annotate.views.telling import correction

#: Threads that are listed.
NEWEST = 20


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def queue(request: Request, pk: int) -> HttpResponse:
    """What waits for a reviewer, what is talked about, and, for managers, how good reviewers are. POST takes the next
    label, or gives the one in hand back (`back`).
    """
    found = access.queue(request.user, pk, Role.REVIEWER)
    if request.method == "POST":
        return _given_back(request, found) if "back" in request.POST else following(request, found)
    context = around(request, found.project, found, tab="reviewing")
    threads = discussing.unresolved(found)
    waits = reviewing.waits(found, runs=context["runs"])
    context |= {
        "waits": waits,
        "by_reason": [(why, waits.by_reason[why.value]) for why in ToReview.Why if why.value in waits.by_reason],
        "held": reviewing.held(request.user, found),
        "threads": threads[:NEWEST],
        "unresolved": threads.count(),
        "rules": rules.of(found),
    }
    if context["runs"]:
        context |= _grades(found)
    return render(request, "reviews/queue.html", context)


def _given_back(request: Request, found: Queue) -> HttpResponse:
    reviewing.give_back(request.user, found)
    messages.success(request, _("Given back. Another reviewer gets it."))
    return see_other("reviewing", found.pk)


def _grades(found: Queue) -> dict[str, Any]:
    grades = grading.of(found)
    people = {*(one.user_id for one in grades.reviewers), *(one.user_id for one in grades.annotators)}
    who = names(found.project, people, runs=True)
    return {"grades": grades, "who": who, "most_reviews": grading.MOST_REVIEWS}


def following(request: Request, found: Queue) -> HttpResponse:
    """The next label to review, or word that there is none."""
    if reviewing.take(request.user, found) is not None:
        return see_other("review-next", found.pk)
    messages.success(request, _("Nothing waits for you now."))
    return see_other("reviewing", found.pk)


@require_safe
@signed_in
def turn(request: Request, pk: int) -> HttpResponse:
    """The label that one holds to review, as its annotator saw it. Looking takes none."""
    found = access.queue(request.user, pk, Role.REVIEWER)
    held = reviewing.held(request.user, found)
    if held is None:
        return redirect("reviewing", pk)
    label = held.label
    panel = panels.of_label(Assignment(task=label.task, queue=found), label.shown, label.payload)
    asked = _asked(label, request) if held.why == ToReview.Why.CHANGED else {}
    context = around(request, found.project, found, tab="reviewing") | {
        "label": label,
        "panel": panel,
        "form": panel.form(),
        "guideline": found.guideline(),
    }
    return render(request, "reviews/turn.html", context | asked)


def _asked(label: Label, request: Request) -> dict[str, Any]:
    """What was asked for, and what was changed since."""
    before = label.supersedes
    if before is None:
        return {}
    asked = before.reviews.filter(trial=False).order_by("-pk").first()
    return {"asked": asked, "change": correction(before, label), "mine": asked and asked.reviewer_id == request.user.pk}


@require_POST
@signed_in
def send(request: Request, pk: int) -> HttpResponse:
    """Send labels (`label`, several) to review, and go back to where they were chosen."""
    found = access.queue(request.user, pk, Role.REVIEWER)
    ids = [number(one) for one in request.POST.getlist("label")]
    chosen = Label.objects.filter(queue=found, pk__in=ids)
    added = reviewing.add(chosen, ToReview.Why.CHOSEN, by=request.user)
    messages.success(request, _sent(len(ids), added))
    return see_other("label", ids[0]) if "back" in request.POST and chosen else see_other("reviewing", pk)


def _sent(asked: int, added: int) -> str:
    if not asked:
        return _("No label was chosen.")
    words = ngettext("%s label waits for a reviewer.", "%s labels wait for a reviewer.", added) % added
    return words if added == asked else words + " " + _("The others waited already, or were amended.")

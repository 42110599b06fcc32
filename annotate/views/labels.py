"""What is in a queue and what people said: tasks, places, labels, each as a list and by itself."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from annotate import access, counting, discussing, kinds, labelling, narrowing, panels, reviewing
from annotate.models import Assignment, Exit, Label, Queue, Response, Review, Role, Task, ToReview
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import around, described, names, rows
from annotate.views.telling import correction

# --- Lists ---------------------------------------------------------------------------------------------------------


@require_safe
@signed_in
def tasks(request: Request, pk: int) -> HttpResponse:
    """The queue's tasks, narrowed by `?state=` or found by `?external_id=`."""
    queue = access.queue(request.user, pk, Role.REVIEWER)
    state = _choice(request, "state", counting.TASK_STATES)
    wanted = request.GET.get("external_id", "").strip().replace("\0", "")
    found = counting.tasks(queue, state)
    if wanted:
        found = found.filter(prompt__project=queue.project_id, prompt__key=wanted)
    page = rows(request, found.select_related("prompt"))
    states = _places_by_state(page.rows)
    context = around(request, queue.project, queue, tab="tasks") | {
        "page": page,
        "tasks": [(task, states[task.pk]) for task in page.rows],
        "flagged": counting.with_flags(page.rows) if state == Task.State.FLAGGED else [],
        "state": state,
        "states": counting.TASK_STATES.items(),
        "external_id": wanted,
    }
    return render(request, "labels/tasks.html", context)


def _choice(request: Request, name: str, choices: Iterable[str]) -> str:
    """What the address asks for, the first choice where it asks for nothing. Http404 for anything else."""
    first, *others = choices
    chosen = request.GET.get(name) or first
    if chosen not in {first, *others}:
        raise Http404
    return chosen


def _places_by_state(found: Iterable[Task]) -> dict[int, Counter[str]]:
    places: dict[int, Counter[str]] = defaultdict(Counter)
    for task_id, state in Assignment.objects.filter(task__in=list(found)).values_list("task_id", "state"):
        places[task_id][state] += 1
    return places


@require_safe
@signed_in
def places(request: Request, pk: int) -> HttpResponse:
    """The queue's places in one state: `?state=open`, leased, done or held."""
    queue = access.queue(request.user, pk, Role.REVIEWER)
    state = _choice(request, "state", Assignment.State.values)
    page = rows(request, counting.places(queue, state).select_related("task__prompt"))
    context = around(request, queue.project, queue, tab="tasks")
    context |= {"page": page, "state": Assignment.State(state), "states": Assignment.State}
    holders = {place.annotator_id for place in page.rows if place.annotator_id}
    context["who"] = names(queue.project, holders, context["runs"])
    return render(request, "labels/places.html", context)


@require_safe
@signed_in
def labels(request: Request, pk: int) -> HttpResponse:
    """The queue's labels, newest first: those that stand, or `?which=all`, `today`; narrowed as a figure asks."""
    queue = access.queue(request.user, pk, Role.REVIEWER)
    which, wanted = _choice(request, "which", ["live", "today", "all"]), _narrowed(request, queue)
    if wanted.model is not None or wanted.against is not None:  # which model wrote what is for managers
        access.queue(request.user, pk, Role.MANAGER)
    if wanted.waits and reviewing.is_hidden(queue, runs=False):  # what is given, and doesn't wait, has a known verdict
        access.queue(request.user, pk, Role.MANAGER)
    context = around(request, queue.project, queue, tab="labels")
    reader = None if context["runs"] else request.user
    found = narrowing.labels(_labels(queue, which), wanted, reader)
    told = reviewing.with_verdict(found.select_related("task__prompt"), reader)
    page = rows(request, told, newest_first=True)
    people = names(queue.project, {*counting.people(queue), *filter(None, (wanted.by, wanted.mate))}, context["runs"])
    asked = wanted.asked(queue)
    context |= {
        "page": page,
        "labels": described(page.rows, queue, context["runs"]),
        "which": which,
        "wanted": wanted,
        "asked": asked,
        "query": urlencode(asked),
        "narrowed": [_named(queue, name, text, wanted, people) for name, text in asked.items()],
        "hidden": [(name, text) for name, text in asked.items() if name not in IN_FORM],
        "counted": narrowing.counted(found) if wanted else None,
        "people": sorted(((queue.project.pseudonym(pk), name) for pk, name in people.items()), key=itemgetter(1)),
        "roles": Task.Role,
        "verdicts": Review.Verdict,
    }
    return render(request, "labels/labels.html", context)


#: What the form that narrows the list has a field for.
IN_FORM = ("by", "with", "category", "guideline", "from", "to", "role", "verdict")


def _narrowed(request: Request, queue: Queue) -> narrowing.Narrowed:
    try:
        return narrowing.Narrowed.of(request.GET.dict(), queue)
    except ValueError:
        raise Http404 from None


_REVIEWED = {
    narrowing.NOT_REVIEWED: gettext_lazy("not reviewed"),
    narrowing.REVIEWED: gettext_lazy("reviewed"),
    narrowing.KEPT: gettext_lazy("not rejected"),
}


def _named(queue: Queue, name: str, text: str, wanted: narrowing.Narrowed, people: dict[int, str]) -> dict[str, Any]:
    """Something that the list is narrowed to, in words, and the address of the list without it."""
    words: dict[str, Any] = {"by": people.get(wanted.by or 0), "with": people.get(wanted.mate or 0)}
    words |= {"shared": "", "fixes": "", "last": "", "own": ""}
    if wanted.role:
        words["role"] = Task.Role(wanted.role).label.partition(":")[0]
    if wanted.verdict in Review.Verdict.values:
        words["verdict"] = Review.Verdict(wanted.verdict).label
    elif wanted.verdict:
        words["verdict"] = _REVIEWED[wanted.verdict]
    if wanted.waits:
        words["waits"] = ToReview.Why(wanted.waits).label
    title = narrowing.TITLES[name]
    return {"title": title, "value": words.get(name, text), "rest": urlencode(wanted.without(name).asked(queue))}


def _labels(queue: Queue, which: str) -> QuerySet[Label]:
    if which == "all":
        return Label.objects.of_queue(queue)
    return counting.labels(queue, counting.midnight() if which == "today" else None)


# --- One of them ---------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def task(request: Request, pk: int) -> HttpResponse:
    """A task with all that was said of it. POST `state` puts it back to work or closes it."""
    found = access.task(request.user, pk, Role.MANAGER if request.method == "POST" else Role.REVIEWER)
    queue = found.queue
    if request.method == "POST":
        return _settle(request, found)
    context = around(request, queue.project, queue, tab="tasks")
    panel = panels.of_label(Assignment(task=found, queue=queue), found.response_ids, {})
    facts = Response.objects.in_bulk(found.response_ids) if context["runs"] else {}
    given = found.labels.live().order_by("pk")
    places_ = list(found.assignments.order_by("slot"))
    exits = list(found.exits.order_by("pk"))
    people = {one.annotator_id for one in [*given, *places_, *exits] if one.annotator_id}
    context |= {
        "task": found,
        "panel": panel,
        "responses": [
            (nth, candidate, facts.get(one))
            for nth, (candidate, one) in enumerate(zip(panel.candidates, found.response_ids, strict=True), 1)
        ],
        "labels": [(label, *_said(queue.way, label, found)) for label in given],
        "places": places_,
        "exits": exits,
        "flagged": any(one.way == Exit.Way.FLAG and one.resolved_at is None for one in exits),
        "who": names(queue.project, people, context["runs"]),
        "known": _in_numbers(queue.way, found.gold, found.response_ids, found)[1] if found.gold else "",
    }
    context["discussion"] = discussing.read(found, request.user, names=context["runs"])
    return render(request, "labels/task.html", context)


def _said(kind: kinds.Kind, label: Label, of: Task) -> tuple[list[str], str]:
    """What a label says: texts that were written, and the rest in words, responses by number as on the task's page."""
    return _in_numbers(kind, label.payload, label.shown, of)


def _in_numbers(kind: kinds.Kind, payload: kinds.Payload, shown: Sequence[int], of: Task) -> tuple[list[str], str]:
    numbers = {pk: str(nth) for nth, pk in enumerate(of.response_ids, 1)}
    letters = kinds.letters_for(len(shown))
    payload = kind.rename(payload, dict(zip(letters, (numbers[pk] for pk in shown), strict=True)))
    words = filter(None, [kind.in_words(payload), payload.get("reason", ""), payload.get("comment", "")])
    return list(kind.demonstrations(payload)), " · ".join(words)


def _settle(request: Request, found: Task) -> HttpResponse:
    said = {
        Task.State.READY: _("The task is back at work."),
        Task.State.CLOSED: _("The task is closed: nobody new gets it. Its labels stay."),
    }
    state = request.POST.get("state", "")
    if state not in said:
        raise Http404
    labelling.resolve_flag(found, request.user, Task.State(state))
    messages.success(request, said[Task.State(state)])
    return see_other("queue", found.queue_id) if "from_queue" in request.POST else see_other("task", found.pk)


@require_safe
@signed_in
def show(request: Request, pk: int) -> HttpResponse:
    """A label as its annotator saw it: the responses in their order, the form filled in."""
    label = access.label(request.user, pk)
    queue = label.queue
    context = around(request, queue.project, queue, tab="labels")
    place = Assignment(task=label.task, queue=queue)
    panel = panels.of_label(place, label.shown, label.payload)
    facts = Response.objects.in_bulk(label.shown) if context["runs"] else {}
    numbers = {one: nth for nth, one in enumerate(label.task.response_ids, 1)}
    context |= {
        "label": label,
        "panel": panel,
        "form": panel.form(),
        "stored": json.dumps(label.payload, ensure_ascii=False, indent=2),
        "shown": [
            (candidate.letter, numbers[one], facts.get(one))
            for candidate, one in zip(panel.candidates, label.shown, strict=True)
        ],
        "who": names(queue.project, [label.annotator_id], context["runs"])[label.annotator_id],
        "mine": reviewing.is_own(request.user, label),
    }
    return render(request, "labels/label.html", context | _said_of(request, label, context["runs"]))


def _said_of(request: Request, label: Label, runs: bool) -> dict[str, Any]:
    """What reviewers said of a label and made of it, and what is talked about."""
    newer = Label.objects.filter(supersedes=label).select_related("queue").first()
    fixing = Review.objects.filter(fix__in=[label.pk, newer.pk if newer else 0]).values_list("fix", flat=True)
    reviews = label.reviews.select_related("reviewer").order_by("-pk")
    return {
        "amended_by": newer,
        "fixed": newer is not None and newer.pk in fixing,
        "is_fix": label.pk in fixing,
        "change": correction(label, newer) if newer else None,
        # Nobody else is told of a review that only grades its reviewer.
        "given_reviews": reviews if runs else reviews.filter(Q(trial=False) | Q(reviewer=request.user)),
        "discussion": discussing.read(label, request.user, names=runs),
        "waits": _waits(label, request, runs),
        "known": reviewing.known_verdict(label) if runs else None,
        "verdicts": Review.Verdict.choices,
    }


def _waits(label: Label, request: Request, runs: bool) -> bool:
    """Whether a label waits for a reviewer; one with a known verdict, for whoever has it in hand: as if it was any.

    Where there are such, it is told of what they have in hand alone.
    """
    turns = ToReview.objects.filter(label=label, review=None)
    if reviewing.is_hidden(label.queue, runs=runs):
        return turns.filter(reviewer=request.user).exists()
    return turns.filter(~Q(why=ToReview.Why.KNOWN) | Q(reviewer=request.user)).exists()

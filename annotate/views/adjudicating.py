"""All labels of a task side by side, to say which is right."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from annotate import access, differences, kinds, labelling, panels, reviewing
from annotate.kinds import Kind, Payload
from annotate.models import Assignment, Label, Response, Review, Role, Task
from annotate.narrowing import link
from annotate.reviewing.disagreement import common
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import around, names, number

#: Answers that are shown side by side.
MOST_COLUMNS = 24
#: Texts beyond this many characters are not compared word by word on this page.
LONGEST_COMPARED = 20_000


@dataclass(frozen=True, slots=True)
class Column:
    """A label of the task. `words` and `texts` name responses by number; `apart`: distances in percent,
    each with the columns that are as far away; `review`: the one that counts.
    """

    nth: int
    label: Label
    who: str
    words: str
    texts: list[str | SafeString]
    apart: list[tuple[int, list[int]]]
    review: Review | None
    mine: bool


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def adjudicate(request: Request, pk: int) -> HttpResponse:
    """The labels of a task that stand, and how far they are apart. POST `use` takes one and rejects the others."""
    task = access.task(request.user, pk, Role.REVIEWER)
    given = Label.objects.live().filter(task=task).select_related("queue", "annotator").order_by("pk")
    if request.method == "POST":
        return _chosen(request, task, list(given))
    context = around(request, task.queue.project, task.queue, tab="tasks")
    panel = panels.of_label(Assignment(task=task, queue=task.queue), task.response_ids, {})
    facts = Response.objects.in_bulk(task.response_ids) if context["runs"] else {}
    labels = list(given)
    found = reviewing.among(task, labels)
    context |= {
        "task": task,
        "panel": panel,
        "responses": [
            (nth, candidate, facts.get(one))
            for nth, (candidate, one) in enumerate(zip(panel.candidates, task.response_ids, strict=True), 1)
        ],
        "columns": _columns(request, task, labels[:MOST_COLUMNS], found, context["runs"]),
        "answers": len(labels),
        "all_answers": link(task.queue, task=task.pk) if len(labels) > MOST_COLUMNS else "",
        "agreement": None if found.agreement is None else round(100 * found.agreement),
        "judged": found.agreement is not None,
        "any_mine": task.labels.filter(annotator=request.user).exists(),
    }
    return render(request, "reviews/adjudicate.html", context)


def _chosen(request: Request, task: Task, given: list[Label]) -> HttpResponse:
    label = next((one for one in given if one.pk == number(request.POST.get("use", ""))), None)
    if label is None:
        raise Http404
    try:
        reviewing.choose(request.user, label)
    except labelling.Refused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("Accepted. The other answers are rejected."))
    return see_other("adjudicate", task.pk)


def _columns(
    request: Request, task: Task, labels: list[Label], found: reviewing.Disagreement, runs: bool
) -> list[Column]:
    who = names(task.queue.project, [one.annotator_id for one in labels], runs)
    reviews, own = reviewing.newest(labels, None if runs else request.user), reviewing.own(request.user, labels)
    fixes = {one.fix_id: one for one in Review.objects.filter(fix__in=labels)}
    texts = _texts(task.queue.way, [common(task, one) for one in labels])
    apart = _apart(labels, found)
    return [
        Column(
            nth=nth,
            label=label,
            who=who[label.annotator_id],
            words=_words(task, label),
            texts=written,
            apart=apart[nth],
            review=reviews.get(label.pk) or fixes.get(label.pk),
            mine=label.pk in own,
        )
        for nth, (label, written) in enumerate(zip(labels, texts, strict=True), 1)
    ]


def _apart(labels: list[Label], found: reviewing.Disagreement) -> dict[int, list[tuple[int, list[int]]]]:
    """By column, how far in percent it is from the others that it was compared with, the nearest first."""
    numbers = {one.pk: nth for nth, one in enumerate(labels, 1)}
    apart: dict[int, dict[int, list[int]]] = {nth: defaultdict(list) for nth in numbers.values()}
    for (one, other), distance in found.pairs.items():
        if one in numbers and other in numbers:
            apart[numbers[one]][round(100 * distance)].append(numbers[other])
            apart[numbers[other]][round(100 * distance)].append(numbers[one])
    return {
        nth: sorted((percent, sorted(columns)) for percent, columns in others.items()) for nth, others in apart.items()
    }


def _words(task: Task, label: Label) -> str:
    kind, letters = task.queue.way, kinds.letters_for(len(task.response_ids))
    said = kind.rename(common(task, label), {letter: str(nth) for nth, letter in enumerate(letters, 1)})
    return " · ".join(filter(None, [kind.in_words(said), said.get("reason", ""), said.get("comment", "")]))


def _texts(kind: Kind, payloads: list[Payload]) -> list[list[Any]]:
    """The texts that were written; of two answers what only one has is marked."""
    written = [list(kind.demonstrations(one)) for one in payloads]
    long = sum(len(text) for texts in written for text in texts) > LONGEST_COMPARED
    if len(written) != 2 or not all(len(texts) == 1 for texts in written) or long:
        return written
    left, right = differences.sides_as_html(written[0][0], written[1][0])
    return [[left], [right]]

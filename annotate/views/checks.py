"""What the checks of a queue say of people, and of the checks themselves; and making one of a task."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from annotate import access, checking
from annotate.checking import promoting
from annotate.models import Role, Task
from annotate.quality import rules
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import around, names, number


@require_safe
@signed_in
def checks(request: Request, pk: int) -> HttpResponse:
    """Right answers of each annotator with their intervals; and the tasks that most get wrong."""
    queue = access.queue(request.user, pk, Role.REVIEWER)
    context = around(request, queue.project, queue, tab="quality")
    people = list(checking.seats(queue))
    who = names(queue.project, [seat.user_id for seat, _found in people], context["runs"])
    context |= {
        "people": [(seat, who[seat.user_id], found) for seat, found in people],
        "items": checking.items(queue),
        "rules": rules.of(queue),
        "counts": checking.counts(queue),
    }
    return render(request, "queues/checks.html", context)


@require_POST
@signed_in
def use(request: Request, pk: int) -> HttpResponse:
    """Use a task as gold, with the answer of one of its labels (`label`) or of all together (`consensus`); or make it
    ordinary work again (`back`).
    """
    task = access.task(request.user, pk, Role.MANAGER)
    try:
        messages.success(request, _use(request, task))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return see_other("task", pk)


def _use(request: Request, task: Task) -> str:
    if "back" in request.POST:
        promoting.demote(task)
        return _("The task is ordinary work again.")
    if "consensus" in request.POST:
        promoting.promote(task, promoting.consensus(task))
    else:
        label = task.labels.filter(pk=number(request.POST.get("label", ""))).first()
        if label is None:
            raise Http404
        promoting.promote(task, label)
    return _("The task is gold now. People meet it as a check, as often as the rules say.")

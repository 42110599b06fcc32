"""Where everybody lands: what can I do now?"""

from itertools import groupby

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from annotate import discussing, own, reviewing
from annotate.checking import pausing
from annotate.models import Project, Queue
from annotate.views.doors import Request, signed_in


@require_safe
@signed_in
def home(request: Request) -> HttpResponse:
    """The queues one may work in, by project, and the projects one runs."""
    queues = Queue.objects.worked_by(request.user).with_own_work(request.user)
    found = list(queues.exclude(state=Queue.State.CLOSED).select_related("project").order_by("project__name", "name"))
    waits = own.waiting(request.user, found)
    by_project = groupby(((one, waits[one.pk]) for one in found), key=lambda one: one[0].project)
    return render(
        request,
        "home.html",
        {
            "work": [(project, list(rows)) for project, rows in by_project],
            "unseen": reviewing.unseen(request.user),
            "pauses": pausing.of_person(request.user),
            "asked": reviewing.asked_to_change(request.user).count(),
            "threads": discussing.awaiting(request.user).count(),
            "run": Project.objects.run_by(request.user).order_by("name"),
            "to_review": reviewing.queues_waiting(request.user),
            "appeals": pausing.queues_appealed(request.user),
        },
    )

"""Where everybody lands: what can I do now?"""

from itertools import groupby

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from annotate.models import Project, Queue
from annotate.views.doors import Request, signed_in


@require_safe
@signed_in
def home(request: Request) -> HttpResponse:
    """The queues one may work in, by project, and the projects one runs."""
    queues = Queue.objects.worked_by(request.user).with_own_work(request.user)
    open_first = queues.exclude(state=Queue.State.CLOSED).select_related("project").order_by("project__name", "name")
    return render(
        request,
        "home.html",
        {
            "work": [(project, list(found)) for project, found in groupby(open_first, key=lambda one: one.project)],
            "run": Project.objects.run_by(request.user).order_by("name"),
        },
    )

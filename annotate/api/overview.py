"""How good the labels of a project are, queue by queue."""

from typing import Any

from rest_framework.response import Response

from annotate import access
from annotate.api.base import ApiView, Call, Request, accepted
from annotate.api.idempotency import idempotent
from annotate.api.serializers.overview import OverviewOut
from annotate.api.serializers.reports import stands
from annotate.models import Project, Role, Scope, WorkerBeat
from annotate.quality import noticing, overview
from annotate.quality.noticing import Notice
from annotate.quality.standing import Standing


class ProjectQuality(ApiView):
    calls = {
        "GET": Call("get_project_quality", Scope.READ, {200: OverviewOut}),
        "POST": Call("make_project_quality", Scope.WRITE, {202: OverviewOut}),
    }

    def get(self, request: Request, slug: str) -> Response:
        """Which queue of a project is in trouble, and what to do. Made of the newest reports of its queues."""
        return Response(_overview(request, access.project(request.user, slug, Role.REVIEWER)))

    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        """Have a worker make the reports that are missing or stale."""
        project = access.project(request.user, slug, Role.REVIEWER)
        overview.make(project, request.user)
        return accepted(request, _overview(request, project))


def _overview(request: Request, project: Project) -> dict[str, Any]:
    runs = access.membership(request.user, project).can(Role.MANAGER)
    found = overview.of_project(project, runs=runs)
    told = {
        "worker_alive": WorkerBeat.objects.alive(),
        "well": found.is_well,
        "first": [_notice(one) for one in found.first],
        "queues": [_standing(one) for one in found.standings],
    }
    return OverviewOut(told).data


def _notice(notice: Notice) -> dict[str, Any]:
    queue = notice.queue
    return {"queue": queue.pk, "name": queue.name, "worry": notice.worry, "sentence": notice.sentence}


def _standing(standing: Standing) -> dict[str, Any]:
    queue = standing.queue
    return {
        "queue": queue.pk,
        "name": queue.name,
        "kind": queue.kind,
        "state": queue.state,
        "measure": standing.measure["name"] if standing.measure else "",
        "worry": noticing.worst(standing),
        "quality": stands(standing.quality),
        "cost": stands(standing.cost),
        "figures": [one.as_json() for one in standing.figures.values()],
    }

"""Queues: the list of a project, one queue, and how far it is."""

from typing import Any

from django.urls import reverse
from rest_framework.response import Response

from annotate import access, counting, guidelines, presets, running
from annotate.api.base import ApiView, Call, PageQuery, Request, page_of
from annotate.api.idempotency import idempotent
from annotate.api.pages import page
from annotate.api.serializers.own import ConfirmIn
from annotate.api.serializers.queues import PresetOut, QueueChange, QueueDetail, QueueIn, QueueOut
from annotate.models import Queue, Role, Scope


class Queues(ApiView):
    calls = {
        "GET": Call("list_queues", Scope.READ, {200: page_of(QueueOut)}, query=PageQuery),
        "POST": Call("create_queue", Scope.WRITE, {201: QueueDetail, 200: QueueDetail}, takes=QueueIn),
    }

    def get(self, request: Request, slug: str) -> Response:
        """The project's queues; an annotator sees those they may work in."""
        project = access.project(request.user, slug)
        found = access.queues(request.user, project).select_related("project")
        rows, following = page(request, found, self.asked)
        return Response({"results": QueueOut(rows, many=True).data, "next": following})

    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        """Make a queue. Asking again for the same gives it back (200); other settings under its name give 409."""
        project = access.project(request.user, slug, Role.MANAGER)
        queue, new = running.create_queue(project, request.user, **self.body())
        where = request.build_absolute_uri(reverse("api-queue", args=[queue.pk]))
        return Response(_shown(queue), status=201 if new else 200, headers={"Location": where})


class Presets(ApiView):
    calls = {"GET": Call("list_presets", Scope.READ, {200: page_of(PresetOut)})}

    def get(self, request: Request) -> Response:
        """Published recipes that a queue can be set up after: its kind, options, labels per task and guidelines."""
        return Response({"results": PresetOut(presets.all_presets(), many=True).data, "next": None})


class OneQueue(ApiView):
    calls = {
        "GET": Call("get_queue", Scope.READ, {200: QueueDetail}),
        "PATCH": Call("change_queue", Scope.WRITE, {200: QueueDetail}, takes=QueueChange, refuses=(409,)),
    }

    def get(self, request: Request, pk: int) -> Response:
        """A queue, with the guidelines in force and, for reviewers and up, how far it is."""
        queue = access.queue(request.user, pk, Role.ANNOTATOR)
        member = access.membership(request.user, queue.project)
        return Response(_shown(queue, counted=member.can(Role.REVIEWER)))

    def patch(self, request: Request, pk: int) -> Response:
        """Change settings. What that does to work already done is in docs/api.md. The kind stays."""
        queue = access.queue(request.user, pk)
        return Response(_shown(running.change_queue(queue, **self.body())))


class Confirm(ApiView):
    calls = {"POST": Call("confirm_guidelines", Scope.LABEL, {204: None}, takes=ConfirmIn)}

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Say that you have read this version of the guidelines. Where a queue asks for it, `claim` waits for it."""
        queue = access.queue(request.user, pk, Role.ANNOTATOR)
        guidelines.confirm(request.user, queue, self.body()["version"])
        return Response(status=204)


def _shown(queue: Queue, counted: bool = True) -> dict[str, Any]:
    context = {"counts": counting.of_queue(queue) if counted else None}
    return QueueDetail(queue, context=context).data

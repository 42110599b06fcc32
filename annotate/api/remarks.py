"""What people say about labels and tasks. Annotators take part once they have submitted a label of the task."""

from rest_framework.response import Response

from annotate import access, discussing
from annotate.api.base import ApiView, Call, Request
from annotate.api.idempotency import idempotent
from annotate.api.serializers.reviews import AboutQuery, DiscussionOut, RemarkIn, ResolveIn
from annotate.models import Label, Role, Scope, Task


class LabelRemarks(ApiView):
    calls = {
        "GET": Call("list_label_remarks", Scope.READ, {200: DiscussionOut}, query=AboutQuery),
        "POST": Call("remark_on_label", Scope.LABEL, {201: DiscussionOut}, takes=RemarkIn, query=AboutQuery),
    }

    def get(self, request: Request, pk: int) -> Response:
        """What is said of a label: by reviewers, and by its annotator."""
        label = access.label(request.user, pk, Role.ANNOTATOR)
        return Response(_shown(request, self._about(label)))

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Say something of a label: its annotator and reviewers may. A settled discussion is open again."""
        label = access.label(request.user, pk, Role.ANNOTATOR)
        discussing.say(request.user, self._about(label), self.body()["text"])
        return Response(_shown(request, self._about(label)), status=201)

    def _about(self, label: Label) -> Label | Task:
        return label.task if self.asked["about"] == "task" else label


class TaskRemarks(ApiView):
    calls = {
        "GET": Call("list_task_remarks", Scope.READ, {200: DiscussionOut}),
        "POST": Call("remark_on_task", Scope.LABEL, {201: DiscussionOut}, takes=RemarkIn),
    }

    def get(self, request: Request, pk: int) -> Response:
        """What is said of a task as such, for reviewers. Annotators come to it by their label (`about=task`)."""
        return Response(_shown(request, access.task(request.user, pk)))

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Say something of a task as such, as a reviewer."""
        task = access.task(request.user, pk)
        discussing.say(request.user, task, self.body()["text"])
        return Response(_shown(request, task), status=201)


class Resolve(ApiView):
    calls = {"POST": Call("resolve_thread", Scope.LABEL, {200: DiscussionOut}, takes=ResolveIn)}

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Settle a discussion, or, with `resolved` false, open it again."""
        thread = access.thread(request.user, pk, Role.REVIEWER)
        discussing.resolve(request.user, thread, self.body()["resolved"])
        return Response(_shown(request, thread.label or thread.task))


def _shown(request: Request, about: Label | Task) -> dict[str, object]:
    queue = about.queue
    names = access.membership(request.user, queue.project).can(Role.MANAGER)
    found = discussing.read(about, request.user, names)
    told = {"thread": found.thread and found.thread.pk, "resolved": found.is_resolved, "remarks": found.remarks}
    return dict(DiscussionOut(told).data)

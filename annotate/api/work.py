"""Annotating by program: claim, draft, submit, and the ways out. What it gets is what the page shows, and no more."""

from typing import Any

from rest_framework.response import Response

from annotate import access, labelling, panels
from annotate import queue as places
from annotate.api.base import ApiView, Call, Request
from annotate.api.forms import fields_of
from annotate.api.idempotency import answer_key, idempotent
from annotate.api.problems import NoTask
from annotate.api.serializers.work import (
    AmendedOut,
    AmendIn,
    AssignmentOut,
    ClaimQuery,
    DraftIn,
    DraftOut,
    GiveBackIn,
    LabelIn,
    LeaveIn,
    SubmitQuery,
    SubmittedOut,
)
from annotate.models import Assignment, Exit, Queue, Role, Scope


class Claim(ApiView):
    calls = {"POST": Call("claim", Scope.LABEL, {200: AssignmentOut, 204: None}, query=ClaimQuery)}

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Get a task: the one you hold, its lease renewed, else the next one for you.

        204 when nothing is left for you; 409 with a `code` when the queue or your seat in it is paused or closed, or
        you hold as many as one may (`enough`).
        """
        queue = access.queue(request.user, pk, Role.ANNOTATOR)
        found = places.claim(request.user, queue, self.asked["having"])
        if found is places.EMPTY:
            return Response(status=204)
        if isinstance(found, places.Nothing):
            raise NoTask(found)
        return Response(_panel(request, found, queue))


class Draft(ApiView):
    calls = {"PUT": Call("save_draft", Scope.LABEL, {200: DraftOut}, takes=DraftIn, refuses=(409,))}

    def put(self, request: Request, pk: int) -> Response:
        """Keep an unfinished answer and renew the lease."""
        assignment = access.assignment(request.user, pk)
        given = self.body()
        payload = labelling.check_draft(assignment, given["payload"], given["fence"])
        version = labelling.save_draft(
            request.user, assignment, payload, given["fence"], given["active_seconds"], given.get("base")
        )
        held = Assignment.objects.in_hand(request.user, assignment.queue).filter(pk=pk, fence=given["fence"]).first()
        return Response({"version": version, "lease_until": held and held.lease_until})


class Submit(ApiView):
    calls = {
        "POST": Call("submit", Scope.LABEL, {201: SubmittedOut, 200: SubmittedOut}, takes=LabelIn, query=SubmitQuery)
    }

    def post(self, request: Request, pk: int) -> Response:
        """Hand in an answer as a label, and with `?next=1` get the next task.

        The `Idempotency-Key` is kept with the label for ever; without one every request is a new submit. The same
        key and answer again give 200 and the label stored before. A late answer is taken if the task still has a
        place, else kept as a draft: 409, code `too_late`.
        """
        assignment = access.assignment(request.user, pk)
        given = self.body()
        payload = labelling.check(assignment, given["payload"], given["fence"])
        answer = labelling.Answer(payload, given["fence"], answer_key(request), given["active_seconds"])
        stored = labelling.submit(request.user, assignment, answer, self.asked["next"], self.asked["having"])
        return _submitted(request, assignment.queue, payload, stored)


def _submitted(request: Request, queue: Queue, payload: dict[str, Any], stored: labelling.Submitted) -> Response:
    shown: dict[str, Any] = {"label": {"id": stored.label_id, "payload": payload}, "done": stored.done}
    if isinstance(stored.next, places.Nothing):
        shown |= {"next": None, "why": str(stored.next.message)}
    elif stored.next is not None:
        shown["next"] = _panel(request, stored.next, queue)
    if stored.replayed:
        return Response(shown, headers={"Idempotent-Replayed": "true"})
    return Response(shown, status=201)


class Amend(ApiView):
    calls = {"POST": Call("amend", Scope.LABEL, {201: AmendedOut, 200: AmendedOut}, takes=AmendIn)}

    def post(self, request: Request, pk: int) -> Response:
        """Change an answer of your own: a new label that takes the place of this one, which is kept.

        Responses are named as they were shown then. 409 with a `code` when it can't be changed any more:
        `superseded`, `reviewed` or `queue_closed`. The `Idempotency-Key` works as with submit.
        """
        label = access.own_label(request.user, pk)
        given = self.body()
        place, shown = label.assignment, labelling.shown_by(label)
        place.queue, place.task = label.queue, label.task
        payload = labelling.check(place, given["payload"], shown=shown)
        answer = labelling.Answer(payload, label.fence, answer_key(request), given["active_seconds"])
        stored = labelling.amend(request.user, label, answer)
        told = {"label": {"id": stored.label_id, "payload": payload}, "supersedes": label.pk}
        if stored.replayed:
            return Response(told, headers={"Idempotent-Replayed": "true"})
        return Response(told, status=201)


class Leave(ApiView):
    """A way out that is kept, with its reason."""

    way: Exit.Way

    def leave(self, request: Request, pk: int) -> Response:
        assignment = access.assignment(request.user, pk)
        given = self.body()
        labelling.leave(request.user, assignment, given["fence"], self.way, given["reason"])
        return Response(status=204)


class Skip(Leave):
    calls = {"POST": Call("skip", Scope.LABEL, {204: None}, takes=LeaveIn)}
    way = Exit.Way.SKIP

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Not now: the task comes back to you later."""
        return self.leave(request, pk)


class Decline(Leave):
    calls = {"POST": Call("decline", Scope.LABEL, {204: None}, takes=LeaveIn)}
    way = Exit.Way.DECLINE

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Not me: somebody else does the task."""
        return self.leave(request, pk)


class Flag(Leave):
    calls = {"POST": Call("flag", Scope.LABEL, {204: None}, takes=LeaveIn)}
    way = Exit.Way.FLAG

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """The task is broken: whoever runs the queue looks at it, and nobody else gets it meanwhile."""
        return self.leave(request, pk)


class GiveBack(ApiView):
    calls = {"POST": Call("release", Scope.LABEL, {204: None}, takes=GiveBackIn)}

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Give a task back without a word: anybody may get it, you too. The draft is kept."""
        assignment = access.assignment(request.user, pk)
        labelling.give_back(request.user, assignment, self.body()["fence"])
        return Response(status=204)


def _panel(request: Request, assignment_id: int, queue: Queue) -> dict[str, Any]:
    """`AssignmentOut`, of a place just claimed."""
    panel = panels.load(request.user, assignment_id, queue)
    return {
        "id": panel.assignment.pk,
        "queue": queue.pk,
        "kind": queue.kind,
        "prompt": [{"role": turn.role, "content": turn.text} for turn in panel.turns],
        "responses": [{"id": one.letter, "text": one.text} for one in panel.candidates],
        "form": fields_of(panel.form()),
        "draft": panel.draft,
        "fence": panel.assignment.fence,
        "lease_until": panel.assignment.lease_until,
    }

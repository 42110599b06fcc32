"""A queue's rules; its checks and what they say of people; pauses, appeals, and labels that are re-opened."""

from dataclasses import asdict
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response

from annotate import access, checking, running
from annotate.api.base import ApiView, Call, PageQuery, Request, page_of
from annotate.api.idempotency import idempotent
from annotate.api.pages import page
from annotate.api.serializers.checks import (
    AccuracyOut,
    AppealIn,
    CheckTaskOut,
    DecideIn,
    OwnPauseOut,
    PauseIn,
    PauseOut,
    PauseQuery,
    ReopenedOut,
    ReopenIn,
    RulesChange,
    RulesOut,
    UseIn,
)
from annotate.api.serializers.queues import TaskOut
from annotate.api.tasks import shown
from annotate.checking import pausing, promoting, reopening
from annotate.models import Pause, Queue, Role, Scope, Seat, Task
from annotate.quality import rules


class QueueRules(ApiView):
    calls = {
        "GET": Call("get_rules", Scope.READ, {200: RulesOut}),
        "PATCH": Call("change_rules", Scope.WRITE, {200: RulesOut}, takes=RulesChange, refuses=(409,)),
    }

    def get(self, request: Request, pk: int) -> Response:
        """What the queue does by itself: further labels, checks, pausing, reviews. The defaults do nothing."""
        return Response(asdict(rules.of(access.queue(request.user, pk))))

    def patch(self, request: Request, pk: int) -> Response:
        """Change some rules. Labels already given stay as they are; further labels and reviews look at them again."""
        queue = access.queue(request.user, pk)
        try:
            changed = running.change_queue(queue, rules=self.body())
        except ValidationError as error:
            told = {name.removeprefix("rules."): found for name, found in error.message_dict.items()}
            raise ValidationError(told) from error
        return Response(asdict(rules.of(changed)))


class Checks(ApiView):
    calls = {"GET": Call("list_checks", Scope.READ, {200: page_of(AccuracyOut)})}

    def get(self, request: Request, pk: int) -> Response:
        """How often each annotator is right where the answer is known, with intervals; who was never checked is left
        out.
        """
        queue = access.queue(request.user, pk, Role.REVIEWER)
        found = [_accuracy(queue, seat, known) for seat, known in checking.seats(queue)]
        return Response({"results": AccuracyOut(found, many=True).data, "next": None})


def _accuracy(queue: Queue, seat: Seat, known: checking.Accuracy) -> dict[str, Any]:
    figures = {name: getattr(known, name) for name in ("gold", "attention", "screen", "same", "alike")}
    who = queue.project.pseudonym(seat.user_id)
    return {"annotator": who, "state": seat.state, "qualified_at": seat.qualified_at, **figures}


class CheckTasks(ApiView):
    calls = {"GET": Call("list_check_tasks", Scope.READ, {200: page_of(CheckTaskOut)})}

    def get(self, request: Request, pk: int) -> Response:
        """The checks that were answered, those that most get wrong first, at most 100."""
        queue = access.queue(request.user, pk, Role.REVIEWER)
        return Response({"results": CheckTaskOut(checking.items(queue), many=True).data, "next": None})


class UseAsCheck(ApiView):
    calls = {"POST": Call("use_as_check", Scope.WRITE, {200: TaskOut}, takes=UseIn)}

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Use a labelled task as a check, or make a check ordinary work again. Its labels stay."""
        task = access.task(request.user, pk, Role.MANAGER)
        changed = _used(task, **self.body())
        changed.prompt = task.prompt
        return Response(shown([changed], access.membership(request.user, task.queue.project))[0])


def _used(task: Task, role: str, label: int | None = None) -> Task:
    if role == Task.Role.WORK:
        return promoting.demote(task)
    if label is None:
        return promoting.promote(task, promoting.consensus(task), role)
    answer = task.labels.filter(pk=label).first()
    if answer is None:
        raise ValidationError({"label": [_("This task has no such label.")]})
    return promoting.promote(task, answer, role)


class Pauses(ApiView):
    calls = {
        "GET": Call("list_pauses", Scope.READ, {200: page_of(PauseOut)}, query=PauseQuery),
        "POST": Call("pause_annotator", Scope.WRITE, {201: PauseOut}, takes=PauseIn),
    }

    def get(self, request: Request, pk: int) -> Response:
        """Who was paused, why, what they say to it, and what became of it."""
        queue = access.queue(request.user, pk)
        found = pausing.of_queue(queue).select_related("seat__queue__project")
        if self.asked["open"]:
            found = found.filter(outcome=Pause.Outcome.OPEN)
        rows, following = page(request, found, self.asked)
        return Response({"results": PauseOut(rows, many=True).data, "next": following})

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Give somebody no new task here, and say why. Who is paused already stays as they are."""
        queue = access.queue(request.user, pk)
        given = self.body()
        seats = Seat.objects.filter(queue=queue).select_related("queue__project", "user")
        seat = next((one for one in seats if queue.project.pseudonym(one.user_id) == given["annotator"]), None)
        if seat is None:
            raise ValidationError({"annotator": [_("Nobody who works here has this pseudonym.")]})
        return Response(PauseOut(pausing.by_hand(seat, request.user, given["reason"])).data, status=201)


class OwnPauses(ApiView):
    calls = {"GET": Call("list_own_pauses", Scope.READ, {200: page_of(OwnPauseOut)}, query=PageQuery)}

    def get(self, request: Request) -> Response:
        """Where you are paused and why; also what was lifted until you have read it."""
        rows, following = page(request, pausing.of_person(request.user), self.asked)
        return Response({"results": OwnPauseOut(rows, many=True).data, "next": following})


class Decide(ApiView):
    calls = {"POST": Call("decide_pause", Scope.WRITE, {200: PauseOut}, takes=DecideIn)}

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Lift a pause or uphold it. An upheld one can still be lifted."""
        pause = access.pause(request.user, pk)
        return Response(PauseOut(pausing.decide(pause, request.user, **self.body())).data)


class Reopen(ApiView):
    calls = {"POST": Call("reopen_labels", Scope.WRITE, {200: ReopenedOut}, takes=ReopenIn)}

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Reject every standing label of a paused annotator, and let somebody else label those tasks: one act."""
        pause = access.pause(request.user, pk)
        return Response({"labels": reopening.reopen(pause, request.user, self.body().get("since"))})


class Appeal(ApiView):
    calls = {"POST": Call("appeal_pause", Scope.LABEL, {200: OwnPauseOut}, takes=AppealIn)}

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Answer a pause of your own, once."""
        pause = access.pause(request.user, pk, Role.ANNOTATOR)
        return Response(OwnPauseOut(pausing.appeal(pause, self.body()["appeal"])).data)

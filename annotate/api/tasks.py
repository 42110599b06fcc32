"""Tasks as managers and reviewers see them. To annotators they are only what `claim` gives."""

from collections.abc import Sequence
from typing import Any

from rest_framework.response import Response

from annotate import access, counting
from annotate.api.base import ApiView, Call, Request, page_of
from annotate.api.pages import page
from annotate.api.serializers.queues import TaskOut, TaskQuery
from annotate.models import Member, Prompt, Role, Scope, Task
from annotate.models import Response as Candidate

PROMPT_FACTS = ("external_id", "category", "domain", "difficulty", "language", "tags", "source", "meta")
RESPONSE_FACTS = ("id", "text", "external_id", "model", "params")


class Tasks(ApiView):
    calls = {"GET": Call("list_tasks", Scope.READ, {200: page_of(TaskOut)}, query=TaskQuery)}

    def get(self, request: Request, pk: int) -> Response:
        """The queue's tasks. Managers see models and gold answers."""
        queue = access.queue(request.user, pk, Role.REVIEWER)
        found = counting.tasks(queue, self.asked["state"])
        if "external_id" in self.asked:
            found = found.filter(prompt__project=queue.project_id, prompt__key=self.asked["external_id"])
        rows, following = page(request, found.select_related("prompt"), self.asked)
        member = access.membership(request.user, queue.project)
        return Response({"results": shown(rows, member), "next": following})


class OneTask(ApiView):
    calls = {"GET": Call("get_task", Scope.READ, {200: TaskOut})}

    def get(self, request: Request, pk: int) -> Response:
        """A task. Managers see models and the gold answer."""
        task = access.task(request.user, pk)
        member = access.membership(request.user, task.queue.project)
        return Response(shown([task], member)[0])


def shown(tasks: Sequence[Task], member: Member) -> list[dict[str, Any]]:
    """`TaskOut`, read in two statements however many tasks; the facts about responses for managers alone."""
    full = member.can(Role.MANAGER)
    candidates = Candidate.objects.in_bulk([pk for task in tasks for pk in task.response_ids])
    return [_one(task, [candidates[pk] for pk in task.response_ids], full) for task in tasks]


def _one(task: Task, candidates: Sequence[Candidate], full: bool) -> dict[str, Any]:
    told = {
        "id": task.pk,
        "queue": task.queue_id,
        "state": task.state,
        "places": task.places,
        "priority": task.priority,
        "prompt": _prompt(task.prompt),
        "responses": [_response(one, full) for one in candidates],
        "created_at": task.created_at,
    }
    return told | ({"gold": task.gold, "role": task.role} if full else {})


def _prompt(prompt: Prompt) -> dict[str, Any]:
    facts = {name: getattr(prompt, name) for name in PROMPT_FACTS}
    return facts | {"turns": prompt.turns()}


def _response(one: Candidate, full: bool) -> dict[str, Any]:
    return {name: getattr(one, name) for name in (RESPONSE_FACTS if full else ("id", "text"))}

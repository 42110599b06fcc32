"""How good a queue's labels are, and what they cost. Annotators by pseudonym, for everybody."""

from collections.abc import Iterable
from typing import Any

from django.http import Http404
from rest_framework.response import Response

from annotate import access
from annotate.api.base import ApiView, Call, Request, accepted
from annotate.api.idempotency import idempotent
from annotate.api.serializers.quality import AnnotatorQualityOut, CostOut, QualityOut
from annotate.api.serializers.reports import told as life
from annotate.models import Queue, Role, Scope
from annotate.quality import pricing, reports, saying, telling
from annotate.quality.reports import Subject


class Quality(ApiView):
    calls = {
        "GET": Call("get_queue_quality", Scope.READ, {200: QualityOut}),
        "POST": Call("make_queue_quality", Scope.WRITE, {202: QualityOut}),
    }

    def get(self, request: Request, pk: int) -> Response:
        """How far a queue's annotators agree, on what, who with whom, since when, and how good each of them is."""
        return Response(_quality(access.queue(request.user, pk, Role.REVIEWER)))

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Have the report made anew. A small one is made at once."""
        queue = access.queue(request.user, pk, Role.REVIEWER)
        reports.refresh("quality", Subject.of_queue(queue), request.user)
        return accepted(request, _quality(queue))


class AnnotatorQuality(ApiView):
    calls = {"GET": Call("get_annotator_quality", Scope.READ, {200: AnnotatorQualityOut})}

    def get(self, request: Request, pk: int, name: str) -> Response:
        """One annotator of the newest report, by pseudonym. 404 until a report has labels of theirs."""
        queue = access.queue(request.user, pk, Role.REVIEWER)
        shown = reports.look("quality", Subject.of_queue(queue))
        found = [one for one in shown.result.get("people", []) if queue.project.pseudonym(one["who"]) == name]
        if not found:
            raise Http404
        return Response(AnnotatorQualityOut(life(shown) | _annotator(queue, shown.result, found[0])).data)


class Cost(ApiView):
    calls = {
        "GET": Call("get_queue_cost", Scope.READ, {200: CostOut}),
        "POST": Call("make_queue_cost", Scope.WRITE, {202: CostOut}),
    }

    def get(self, request: Request, pk: int) -> Response:
        """What a queue's labels cost, how fast they come, and when they will be done."""
        return Response(_cost(access.queue(request.user, pk)))

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Have the report made anew. A small one is made at once."""
        queue = access.queue(request.user, pk)
        reports.refresh("cost", Subject.of_queue(queue), request.user)
        return accepted(request, _cost(queue))


def _quality(queue: Queue) -> dict[str, Any]:
    shown = reports.look("quality", Subject.of_queue(queue))
    result, measure = shown.result, telling.chosen(shown.result, "")
    figures = _json(saying.of_queue(queue, result, measure)) if measure else None
    told = telling.as_json(_bounded(result), queue.project.pseudonym)
    return QualityOut(_all_of(QualityOut, told) | life(shown) | {"figures": figures}).data


def _bounded(result: dict[str, Any]) -> dict[str, Any]:
    return telling.of_most(result, telling.IN_ANSWER) if result else {}


def _all_of(serializer: Any, told: dict[str, Any]) -> dict[str, Any]:
    """With null for what is not there yet."""
    return dict.fromkeys(serializer().fields) | told


def _json(figures: Iterable[Any]) -> list[dict[str, Any]]:
    return [one.as_json() for one in figures]


def _annotator(queue: Queue, result: dict[str, Any], person: dict[str, Any]) -> dict[str, Any]:
    who, chief = person["who"], result["measures"][0]
    against = {
        measure["name"]: one for measure in result["measures"] for one in measure["annotators"] if one["who"] == who
    }
    pairs = [one for one in chief["pairs"] if who in {one["a"], one["b"]}]
    told = telling.as_json({"person": person, "measures": against, "pairs": pairs}, queue.project.pseudonym)
    figures = _json(saying.of_annotator(queue, person, against.get(chief["name"]), chief))
    return {**told, "annotator": queue.project.pseudonym(who), "figures": figures}


def _cost(queue: Queue) -> dict[str, Any]:
    shown = reports.look("cost", Subject.of_queue(queue))
    told = telling.as_json(_bounded(shown.result), queue.project.pseudonym)
    figures = _json(pricing.of_queue(queue, shown.result)) if shown.result else None
    return CostOut(_all_of(CostOut, told) | life(shown) | {"figures": figures}).data

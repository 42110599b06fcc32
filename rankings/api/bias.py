"""Bias reports: what sways the annotators of a queue."""

from typing import Any

from django.http import Http404
from rest_framework import serializers
from rest_framework.response import Response

from annotate import access
from annotate.api.base import ApiView, Call, Request, accepted
from annotate.api.idempotency import idempotent
from annotate.api.serializers.reports import FigureOut, ReportOut, told
from annotate.models import Queue, Role, Scope
from annotate.quality import reports
from annotate.quality.reports import Subject
from annotate.quality.telling import IN_ANSWER, of_most
from rankings.api.boards import EffectOut
from rankings.bias import telling
from rankings.boards import meetings
from rankings.boards.strengths import Json


class ShareOut(serializers.Serializer[Any]):
    """With its 95 % interval, votes on one prompt held together; null where there is not enough data."""

    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()


class PersonOut(serializers.Serializer[Any]):
    annotator = serializers.CharField(help_text="A pseudonym.")
    labels = serializers.IntegerField()
    first = ShareOut()
    longer = ShareOut()
    majority = ShareOut()
    hasty = ShareOut()
    seconds = serializers.FloatField(allow_null=True, help_text="Median active time of a label.")


class BiasOut(ReportOut):
    figures = FigureOut(
        many=True, allow_null=True, help_text="`first`, `longer`, `majority`, `hasty`, `pace`, each with what it means."
    )
    effects = EffectOut(many=True, allow_null=True)
    annotators = serializers.IntegerField(allow_null=True, help_text="How many there are.")
    people = PersonOut(many=True, allow_null=True, help_text="The 500 with most labels; the CSV has all.")


class QueueBias(ApiView):
    calls = {
        "GET": Call("get_queue_bias", Scope.READ, {200: BiasOut}),
        "POST": Call("make_queue_bias", Scope.WRITE, {202: BiasOut}),
    }

    def get(self, request: Request, pk: int) -> Response:
        """What sways the annotators of a queue that compares, all together and one by one."""
        return Response(_answer(_queue(request, pk)))

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Have the report made anew. A small one is made at once."""
        queue = _queue(request, pk)
        reports.refresh("bias", Subject.of_queue(queue), request.user)
        return accepted(request, _answer(queue))


def _queue(request: Request, pk: int) -> Queue:
    queue = access.queue(request.user, pk, Role.REVIEWER)
    if not meetings.compares(queue.way):
        raise Http404
    return queue


def _answer(queue: Queue) -> dict[str, Any]:
    shown = reports.look("bias", Subject.of_queue(queue))
    nothing = dict.fromkeys(("figures", "effects", "annotators", "people"))
    figures = _figures(shown.result, queue) if shown.report else nothing
    return BiasOut(told(shown) | figures).data


def _figures(report: Json, queue: Queue) -> Json:
    most = of_most(report, IN_ANSWER)
    people = [one | {"annotator": queue.project.pseudonym(one["annotator"])} for one in most["people"]]
    figures = [one.as_json() for one in telling.figures(report, "")]
    return {"figures": figures, "effects": report["effects"], "annotators": most["annotators"], "people": people}

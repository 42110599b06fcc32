"""Labels with their provenance. Reviewers read all of them, under pseudonyms; annotators their own."""

from collections.abc import Sequence
from typing import Any

from django.db.models import F, QuerySet
from django.http import StreamingHttpResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from annotate import access, horizons
from annotate.api.base import NDJSON, ApiView, Call, Request, ndjson, page_of
from annotate.api.pages import every, page
from annotate.api.serializers.exports import LabelOut, LabelQuery
from annotate.models import Label, Member, Queue, Role, Scope

#: What an annotator does not see even of their own labels: ids of responses tell the order of import.
NOT_FOR_ANNOTATORS = ("task", "annotator", "shown")


class LineRenderer(JSONRenderer):
    """Only for choosing: whoever accepts lines gets a stream."""

    media_type = NDJSON


class Labels(ApiView):
    renderer_classes = [JSONRenderer, LineRenderer]
    calls = {
        "GET": Call(
            "list_labels",
            Scope.READ,
            {(200, "application/json"): page_of(LabelOut), (200, NDJSON): LabelOut},
            query=LabelQuery,
        )
    }

    def get(self, request: Request, pk: int) -> Response | StreamingHttpResponse:
        """Every label of a queue, in pages; with `Accept: application/x-ndjson` all of them, a line each.

        `?since=` and the last id you have gives what is new.
        """
        queue = access.queue(request.user, pk, Role.ANNOTATOR)
        member = access.membership(request.user, queue.project)
        # Up to the horizon no label is still on its way, so whoever goes on from the last id misses none.
        found = _seen_by(member, queue).filter(pk__gt=self.asked["since"], pk__lte=horizons.of_labels(queue))
        if request.accepted_renderer.media_type == NDJSON:
            return ndjson(_shown(batch, member) for batch in every(found))
        rows, following = page(request, found, self.asked)
        return Response({"results": _shown(rows, member), "next": following})


def _seen_by(member: Member, queue: Queue) -> QuerySet[Label]:
    found = Label.objects.of_queue(queue).with_pseudonym().annotate(guideline_version=F("guideline__version"))
    return found if member.can(Role.REVIEWER) else found.filter(annotator=member.user_id)


def _shown(labels: Sequence[Label], member: Member) -> list[dict[str, Any]]:
    hidden = () if member.can(Role.REVIEWER) else NOT_FOR_ANNOTATORS
    return [
        {name: fact for name, fact in row.items() if name not in hidden} for row in LabelOut(labels, many=True).data
    ]

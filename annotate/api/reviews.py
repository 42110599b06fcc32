"""Was it good: what reviewers say of labels."""

from rest_framework.response import Response

from annotate import access, reviewing
from annotate.api.base import ApiView, Call, PageQuery, Request, page_of
from annotate.api.idempotency import idempotent
from annotate.api.pages import page
from annotate.api.serializers.own import ReviewIn, ReviewOut
from annotate.models import Role, Scope


class Reviews(ApiView):
    calls = {
        "GET": Call("list_reviews", Scope.READ, {200: page_of(ReviewOut)}, query=PageQuery),
        "POST": Call("review_label", Scope.LABEL, {201: ReviewOut}, takes=ReviewIn),
    }

    def get(self, request: Request, pk: int) -> Response:
        """What was said of a label. The last one counts."""
        label = access.label(request.user, pk, Role.REVIEWER)
        rows, following = page(request, label.reviews.all(), self.asked)
        return Response({"results": ReviewOut(rows, many=True).data, "next": following})

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Accept or reject a label; to reject takes a reason. Its annotator reads both, and can't change it any more.

        409 with a `code` for a label of your own (`own_label`) and for one that was amended (`amended`).
        """
        label = access.label(request.user, pk, Role.REVIEWER)
        return Response(ReviewOut(reviewing.review(request.user, label, **self.body())).data, status=201)

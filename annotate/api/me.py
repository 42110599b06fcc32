"""Who am I: the first call of a program that wants to know whether its token works."""

from rest_framework.response import Response

from annotate.api.base import ApiView, Call, Request
from annotate.api.serializers.people import MeOut
from annotate.models import Scope


class Me(ApiView):
    calls = {"GET": Call("me", Scope.READ, {200: MeOut})}

    def get(self, request: Request) -> Response:
        """Who asks, and what their token may do (null for a browser's session)."""
        return Response(MeOut({"name": request.user.name, "email": request.user.email, "token": request.auth}).data)

"""The OpenAPI document, and what answers where there is nothing."""

from functools import cache
from typing import Any

from django.http import Http404, HttpResponse
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.types import OpenApiTypes
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request as AnyRequest

from annotate.api.base import ApiView, Call, Request
from annotate.models import Scope


@cache
def document() -> bytes:
    """The whole document, the same for everybody; made once in a process."""
    with translation.override("en"):
        generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
        return JSONRenderer().render(generator.get_schema(request=None, public=True))


class Document(ApiView):
    calls = {"GET": Call("schema", Scope.READ, {200: OpenApiTypes.OBJECT})}

    def get(self, request: Request) -> HttpResponse:
        """This document."""
        return HttpResponse(document(), content_type="application/json")


class Unknown(ApiView):
    """Where there is nothing: for everybody, and for every method, what an object that is not yours answers."""

    calls = {}
    schema = None
    authentication_classes = []
    permission_classes = []
    http_method_names = ["get", "post", "put", "patch", "delete", "head", "options"]

    def initial(self, request: AnyRequest, *args: Any, **kwargs: Any) -> None:
        raise Http404

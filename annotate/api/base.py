"""What every call has in common: a table of its methods, strict input, and the OpenAPI document read from that table.

A view lists its methods in `calls`; each method gets its object from `access`, calls one verb and answers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request as AnyRequest
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate.api import pages, problems
from annotate.api.auth import Scoped, TokenAuthentication
from annotate.api.parsers import StrictJSONParser
from annotate.models import Scope, Token, User

NDJSON = "application/x-ndjson"


class Request(AnyRequest):
    """A request as a view's methods get it: of somebody signed in; `auth` is None for a browser's session."""

    user: User
    auth: Token | None


class Strict(serializers.Serializer[Any]):
    """Input that is refused, by name, where it has a field that nobody reads."""

    def to_internal_value(self, data: Any) -> Any:
        valid = super().to_internal_value(data)
        if unknown := sorted(str(name) for name in data.keys() - self.fields.keys()):
            raise serializers.ValidationError({name: [_("There is no such field.")] for name in unknown})
        return valid


class NoQuery(Strict):
    """Of a call that takes nothing in its address."""


class PageQuery(Strict, pages.PageQuery):
    """Of a list."""


@dataclass(frozen=True, slots=True)
class Call:
    """One method of a view: its name in the OpenAPI document, the scope a token needs, what goes in and comes out.

    `answers`: status, or (status, content type), to a serializer, an OpenAPI type, or None for no body.
    `takes`: a serializer; for the document alone, also content types to serializers.
    """

    name: str
    scope: Scope
    answers: Mapping[Any, Any]
    takes: Any = None
    query: type[serializers.Serializer[Any]] = NoQuery
    refuses: tuple[int, ...] = field(default=())


def ndjson(batches: Iterable[Iterable[Any]]) -> StreamingHttpResponse:
    """Rows as a stream of lines. It begins at once; what breaks it off breaks the connection, so the client sees it."""
    lines = (b"".join(JSONRenderer().render(row) + b"\n" for row in batch) for batch in batches)
    return StreamingHttpResponse(lines, content_type=NDJSON)


def page_of(serializer: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """The shape of a page of such rows."""
    name = serializer.__name__.removesuffix("Out") + "Page"
    fields = {"results": serializer(many=True), "next": serializers.URLField(allow_null=True)}
    return type(name, (serializers.Serializer,), fields)


class Schema(AutoSchema):
    """Reads a view's `calls` for the OpenAPI document."""

    @property
    def call(self) -> Call:
        view: Any = self.view
        call: Call = view.calls[self.method]
        return call

    def get_operation_id(self) -> str:
        return self.call.name

    def get_tags(self) -> list[str]:
        return [self.view.__module__.rpartition(".")[2]]

    def get_description(self) -> str:  # type: ignore[override]  # as spectacular has it
        return f"{super().get_description()}\n\nScope of a token: `{self.call.scope}`."

    def get_override_parameters(self) -> list[Any]:
        key = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description=KEY_SAYS)
        query = [] if self.call.query is NoQuery else [self.call.query]
        return [*query, *([key] if self.method == "POST" else [])]

    def get_request_serializer(self) -> Any:
        return self.call.takes

    def get_response_serializers(self) -> Any:
        refused = {400, 401, 403, *self.call.refuses}
        refused |= {404} if "{" in self.path else set()
        refused |= {409, 422} if self.method == "POST" else set()
        refused |= {413, 415} if self.call.takes else set()
        problem = {(status, problems.CONTENT_TYPE): problems.Problem for status in sorted(refused)}
        return {**self.call.answers, **problem}


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document describes `TokenAuthentication`."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token made on a page or by `manage.py token`."}


KEY_SAYS = (
    "Up to 200 characters of your choice. The same key and body again give the first answer again, with "
    "`Idempotent-Replayed: true`; the same key with another body gives 422. Kept for a day."
)


def accepted(request: AnyRequest, told: Any) -> Response:
    """Long work has begun, and whoever asks at this same address is told how far it is."""
    return Response(told, status=202, headers={"Location": request.build_absolute_uri(request.path)})


class ApiView(APIView):
    """A resource. `self.asked` holds the checked query, `self.body()` the checked body."""

    calls: ClassVar[dict[str, Call]]
    authentication_classes = [TokenAuthentication, SessionAuthentication]
    permission_classes = [Scoped]
    parser_classes: Any = [StrictJSONParser]
    renderer_classes: Any = [JSONRenderer]
    http_method_names = ["get", "post", "put", "patch", "delete"]
    schema: Any = Schema()
    request: Request
    asked: dict[str, Any]

    def perform_content_negotiation(self, request: AnyRequest, force: bool = False) -> Any:
        """Whoever asks for what there is not gets what there is: an `Accept` is never a reason to refuse."""
        return super().perform_content_negotiation(request, force=True)

    def initial(self, request: AnyRequest, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method in self.calls:
            query = self.calls[request.method].query(data=request.query_params.dict())
            query.is_valid(raise_exception=True)
            self.asked = query.validated_data

    def body(self) -> dict[str, Any]:
        """What the request carries, checked. Raises ValidationError for whatever `takes` does not allow."""
        given = self.calls[self.request.method or ""].takes(data=self.request.data)
        given.is_valid(raise_exception=True)
        valid: dict[str, Any] = given.validated_data
        return valid

    def finalize_response(self, request: AnyRequest, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer: HttpResponseBase = super().finalize_response(request, response, *args, **kwargs)
        answer.headers.setdefault("Cache-Control", "no-store")
        patch_vary_headers(answer, ["Authorization", "Cookie"])
        return answer

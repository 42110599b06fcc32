"""Every refusal in one shape: RFC 9457 `application/problem+json`.

`{"type", "title", "status", "detail"}`, with `code` where a program may want to tell two cases apart and
`errors: {field: [messages]}` for fields. What is not yours is worded exactly like what does not exist.
"""

import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import (
    NON_FIELD_ERRORS,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    ValidationError,
)
from django.http import Http404, UnreadablePostError
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.views import set_rollback

from annotate import labelling, outages, queue
from annotate.projects import Conflict

logger = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"

#: Stands for a field where an error is about the body as a whole.
WHOLE = "body"

#: Errors that need no more telling. The first that fits.
PLAIN: list[tuple[type[Exception], int, Any]] = [
    (Http404, 404, _("Not found.")),
    (RequestDataTooBig, 413, _("The body is too large.")),
    (UnreadablePostError, 400, _("The body could not be read.")),
    (SuspiciousOperation, 400, _("The request is not right.")),
]


class Problem(serializers.Serializer[Any]):
    """The shape, for the OpenAPI document."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField(required=False, help_text="Tells cases of one status apart.")
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="What is wrong, by field; `options.ties` is a field of an object.",
    )


class NoTask(exceptions.APIException):
    """There is a queue, and maybe tasks, but none for this person now: `code` says why."""

    status_code = 409

    def __init__(self, why: queue.Nothing) -> None:
        super().__init__(detail=str(why.message), code=why.reason)


def respond(
    status: int, detail: object, code: str = "", errors: Mapping[str, Any] | None = None, **headers: str
) -> Response:
    """A problem as a response. Headers are named with underscores."""
    body: dict[str, Any] = {
        "type": f"urn:preceptor:problem:{code}" if code else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": str(detail),
    }
    if code:
        body["code"] = code
    if errors:
        body["errors"] = errors
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(body, status=status, headers=named, content_type=CONTENT_TYPE)


def handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """The problem for an exception; None for one that is a bug or an outage, so that it is logged as such."""
    answer = _busy(error) or _respond_to(error)
    if answer is not None:
        set_rollback()
    return answer


def _busy(error: Exception) -> Response | None:
    """The database being away or too busy is not a fault of the request: say when to come back."""
    if not outages.is_outage(error):
        return None
    logger.error("database: %s", str(error).partition("\n")[0])  # the lines after it may show texts of people
    return respond(503, _("The server is busy. Nothing was lost: try again in a moment."), Retry_After="5")


def _respond_to(error: Exception) -> Response | None:
    for of, status, detail in PLAIN:
        if isinstance(error, of):
            return respond(status, detail)
    match error:
        case PermissionDenied():
            return respond(403, error.args[0] if error.args else _("Your role does not allow this."))
        case ValidationError():
            return _invalid(error)
        case labelling.Refused():
            return respond(422 if isinstance(error, labelling.KeyReused) else 409, error.message, error.code)
        case exceptions.APIException():
            return _of_framework(error)
    return None


def _invalid(error: ValidationError) -> Response:
    by_field = error.message_dict if hasattr(error, "error_dict") else {WHOLE: error.messages}
    by_field = {WHOLE if name == NON_FIELD_ERRORS else name: messages for name, messages in by_field.items()}
    if isinstance(error, Conflict):
        return respond(409, _first(by_field), "conflict", by_field)
    return respond(400, _("Some fields are not right."), errors=by_field)


def _first(by_field: Mapping[str, list[str]]) -> str:
    return next(iter(by_field.values()))[0]


def _of_framework(error: exceptions.APIException) -> Response:
    if isinstance(error, exceptions.ValidationError):
        return respond(400, _("Some fields are not right."), errors=dict(_flat(error.detail)))
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW_Authenticate"] = header
    if wait := getattr(error, "wait", None):
        headers["Retry_After"] = f"{wait:.0f}"
    code = str(error.get_codes()) if isinstance(error, NoTask) else ""
    return respond(error.status_code, error.detail, code, **headers)


def _flat(detail: Any, name: str = "") -> Iterator[tuple[str, list[str]]]:
    """(field, messages) pairs of nested errors: {"a": {"b": ["no"]}} gives ("a.b", ["no"])."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            yield from _flat(inner, name if key == "non_field_errors" else f"{name}.{key}".strip("."))
    elif any(isinstance(one, Mapping) for one in detail):
        for number, inner in enumerate(detail):
            yield from _flat(inner, f"{name}.{number}")
    else:
        yield name or WHOLE, [str(one) for one in detail]

"""Training files out: which formats there are, how much a file would hold, and the file itself, as a stream."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from rest_framework import exceptions
from rest_framework.response import Response

from annotate import access, exporting
from annotate.api.base import ApiView, Call, Request, page_of
from annotate.api.forms import fields_of
from annotate.api.serializers.exports import ExportCountOut, ExportQuery, FormatOut
from annotate.models import Scope


class Formats(ApiView):
    calls = {"GET": Call("list_formats", Scope.READ, {200: page_of(FormatOut)})}

    def get(self, request: Request) -> Response:
        """The export formats: which kinds give them, which trainers read them, their columns and options."""
        return Response({"results": [_told(form) for form in exporting.formats()], "next": None})


def _told(form: exporting.Format[Any]) -> dict[str, Any]:
    return {
        "name": form.name,
        "title": str(form.title),
        "description": str(form.description),
        "kinds": [kind.name for kind in form.kinds()],
        "trainers": form.trainers,
        "containers": list(exporting.CONTAINERS),
        "columns": [{"name": column.name, "type": str(column.type)} for column in form.schema],
        "options": fields_of(form.options_form()),
    }


class Export(ApiView):
    calls = {
        "GET": Call(
            "export",
            Scope.EXPORT,
            {(200, one.content_type): OpenApiTypes.BINARY for one in exporting.CONTAINERS.values()},
            query=ExportQuery,
        )
    }

    def get(self, request: Request, pk: int) -> StreamingHttpResponse:
        """The queue's labels as they stand now, as training rows.

        Options of the format (see `/formats`) are further parameters. A stream that is cut short ends in a broken
        body, never in a file that looks whole.
        """
        queue = access.queue(request.user, pk)
        name, container = self.asked["format"], self.asked["container"]
        options = _options(name, self.asked["options"])
        pieces = exporting.stream(queue, name, options, container, since=self.asked["since"])
        file_name = f"{slugify(queue.name) or queue.pk}-{name}.{container}"
        headers = {"Content-Disposition": content_disposition_header(True, file_name) or ""}
        return StreamingHttpResponse(pieces, content_type=exporting.CONTAINERS[container].content_type, headers=headers)


class Count(ApiView):
    calls = {"GET": Call("count_export", Scope.EXPORT, {200: ExportCountOut}, query=ExportQuery)}

    def get(self, request: Request, pk: int) -> Response:
        """How many rows the export would hold, and what it would leave out and why."""
        queue = access.queue(request.user, pk)
        options = _options(self.asked["format"], self.asked["options"])
        counts = exporting.count(queue, self.asked["format"], options, since=self.asked["since"])
        return Response(ExportCountOut(counts).data)


def _options(format_name: str, given: Mapping[str, str]) -> dict[str, Any]:
    """The options of a format as they stand in an address: "true" and "false" are what they say."""
    known = {form.name: form.options_form.base_fields for form in exporting.formats()}.get(format_name, {})
    options: dict[str, Any] = dict(given)
    for name in given.keys() & {name for name, field in known.items() if isinstance(field, forms.BooleanField)}:
        if given[name] not in {"true", "false"}:
            raise exceptions.ValidationError({name: [_("Must be true or false.")]})
        options[name] = given[name] == "true"
    return options

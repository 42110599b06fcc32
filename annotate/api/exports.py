"""Training files out: which formats there are, how much a file would hold, and the file itself, as a stream."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.http import QueryDict, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from rest_framework import exceptions
from rest_framework.response import Response

from annotate import access, exporting
from annotate.api.base import ApiView, Call, Request
from annotate.api.forms import fields_of, told
from annotate.api.serializers.exports import ExportCountOut, ExportQuery, FormatPage
from annotate.models import Scope

#: Up to which label an export goes: what to ask `since` next time.
HORIZON = "Preceptor-Horizon"
#: How many labels it leaves out because a reviewer rejected them.
REJECTED = "Preceptor-Rejected-Left-Out"


class Formats(ApiView):
    calls = {"GET": Call("list_formats", Scope.READ, {200: FormatPage})}

    def get(self, request: Request) -> Response:
        """The export formats: which kinds give them, which trainers read them and how, their columns and options.

        `common_options` are those that every format takes beside its own.
        """
        formats = [_told(form) for form in exporting.formats()]
        common = told(exporting.CommonOptions.base_fields)
        return Response({"results": formats, "common_options": common, "next": None})


def _told(form: exporting.Format[Any]) -> dict[str, Any]:
    usual = {name: field.initial for name, field in form.options_form.base_fields.items()}
    return {
        "name": form.name,
        "title": str(form.title),
        "description": str(form.description),
        "kinds": [kind.name for kind in form.kinds()],
        "trainers": form.trainers,
        "containers": list(exporting.CONTAINERS),
        "columns": [{"name": column.name, "type": str(column.type)} for column in form.schema],
        "options": fields_of(form.options_form()),
        "snippets": form.snippets(f"{form.name}.parquet", usual),
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

        Options of the format and those of all formats (see `/formats`) are further parameters. A stream that is cut
        short ends in a broken body, never in a file that looks whole. The answer's header `Preceptor-Horizon` is what
        to ask as `since` next time, for what is new; `Preceptor-Rejected-Left-Out` says how many labels are missing
        because a reviewer rejected them: `reviewed=any` has them.
        """
        queue = access.queue(request.user, pk)
        name, container = self.asked["format"], self.asked["container"]
        asked = exporting.ask(queue, name, _options(name, request.query_params), self.asked["since"])
        pieces = exporting.written(asked, container)
        if self.asked["end"] and container == "jsonl":
            pieces = _with_end(pieces)
        file_name = f"{slugify(queue.name) or queue.pk}-{name}.{container}"
        headers = {
            "Content-Disposition": content_disposition_header(True, file_name) or "",
            HORIZON: str(asked.label_horizon),
            REJECTED: str(exporting.rejected_left_out(asked)),
        }
        return StreamingHttpResponse(pieces, content_type=exporting.CONTAINERS[container].content_type, headers=headers)


def _with_end(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The lines, and one that says how many they were: a proxy may make a clean end of a broken body."""
    rows = 0
    for piece in pieces:
        rows += piece.count(b"\n")
        yield piece
    yield b'{"$end":{"rows":%d}}\n' % rows


class Count(ApiView):
    calls = {"GET": Call("count_export", Scope.EXPORT, {200: ExportCountOut}, query=ExportQuery)}

    def get(self, request: Request, pk: int) -> Response:
        """How many rows the export would hold, and what it would leave out and why."""
        queue, name = access.queue(request.user, pk), self.asked["format"]
        options = _options(name, request.query_params)
        counts = exporting.count(queue, name, options, since=self.asked["since"])
        return Response(ExportCountOut(counts).data)


def _options(format_name: str, given: QueryDict) -> dict[str, Any]:
    """The options as they stand in an address: "true" and "false" are what they say, a name may be there repeatedly."""
    known: dict[str, forms.Field] = dict(exporting.CommonOptions.base_fields)
    known |= {form.name: form.options_form.base_fields for form in exporting.formats()}.get(format_name, {})
    own = ExportQuery().fields
    return {name: _value(name, known.get(name), given) for name in given if name not in own}


def _value(name: str, field: forms.Field | None, given: QueryDict) -> Any:
    if isinstance(field, forms.BooleanField):
        if given[name] not in {"true", "false"}:
            raise exceptions.ValidationError({name: [_("Must be true or false.")]})
        return given[name] == "true"
    return field.widget.value_from_datadict(given, {}, name) if field else given[name]

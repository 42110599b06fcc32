"""Files on their way in: handing one over, and watching it being read."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

from django.core.files import File
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from rest_framework import exceptions
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response

from annotate import access, importing
from annotate.api.base import NDJSON, ApiView, Call, PageQuery, Request, ndjson, page_of
from annotate.api.idempotency import carry_out
from annotate.api.pages import every, page
from annotate.api.serializers.queues import ImportOut, ImportQuery, RefusedRowOut, UploadIn
from annotate.models import Import, Queue, Role, Scope, WorkerBeat

type Received = File[bytes]

BLOCK = 1 << 20
BODIES = {"application/octet-stream": OpenApiTypes.BINARY, "multipart/form-data": UploadIn}


class Upload(ApiView):
    parser_classes = [MultiPartParser]
    calls = {"POST": Call("import_file", Scope.WRITE, {202: ImportOut}, takes=BODIES, query=ImportQuery)}

    def post(self, request: Request, pk: int) -> HttpResponse:
        """Import a file into a queue: JSON lines, a JSON list, CSV or Parquet, gzipped or not.

        It is the body itself, whatever its content type, or the part `file` of a multipart body. The answer is the
        import, which a worker carries out: `detail` says so if none is running.
        """
        queue = access.queue(request.user, pk, Role.MANAGER)
        with _received(request) as file:
            return carry_out(request, _digest(file), lambda: self.start(queue, file))

    def start(self, queue: Queue, file: Received) -> Response:
        name = self.asked["name"] or file.name or "upload"
        job = importing.start(queue, self.request.user, file, name, self.asked["format"])
        where = self.request.build_absolute_uri(reverse("api-import", args=[job.pk]))
        return Response(_shown(self.request, [job])[0], status=202, headers={"Location": where})


@contextmanager
def _received(request: Request) -> Iterator[Received]:
    """The file that a request carries, on disk."""
    if (request.content_type or "").startswith("multipart/"):
        if "file" not in request.FILES:
            raise exceptions.ValidationError({"file": [_("The multipart body has no part named “file”.")]})
        yield request.FILES["file"]
        return
    with tempfile.TemporaryFile() as spool:
        size = _copy(request, spool)
        if not size:
            raise exceptions.ValidationError({"file": [_("The body is empty.")]})
        yield File(spool, name="")


def _copy(request: Request, spool: IO[bytes]) -> int:
    stream, promised = _stream(request)
    size = 0
    while block := stream.read(BLOCK):
        size += spool.write(block)
    if promised is not None and size != promised:
        raise exceptions.ParseError(_("The body ended early. Nothing was imported."))
    spool.seek(0)
    return size


def _stream(request: Request) -> tuple[IO[bytes], int | None]:
    """The body, and its length if the client has told it: a body in chunks comes without."""
    environ = request.META
    if not environ.get("CONTENT_LENGTH") and environ.get("wsgi.input_terminated"):
        return environ["wsgi.input"], None
    http: Any = request._request
    return http, int(environ.get("CONTENT_LENGTH") or 0)


def _digest(file: Received) -> bytes:
    content: Any = file.file
    digest = hashlib.file_digest(content, "sha256").digest()
    file.seek(0)
    return digest


class Imports(ApiView):
    calls = {"GET": Call("list_imports", Scope.READ, {200: page_of(ImportOut)}, query=PageQuery)}

    def get(self, request: Request, pk: int) -> Response:
        """What was imported into a queue."""
        queue = access.queue(request.user, pk)
        rows, following = page(request, queue.imports.all(), self.asked)
        return Response({"results": _shown(request, rows), "next": following})


class OneImport(ApiView):
    calls = {"GET": Call("get_import", Scope.READ, {200: ImportOut})}

    def get(self, request: Request, pk: int) -> Response:
        """How far an import is, and what became of its rows."""
        job = access.import_job(request.user, pk)
        return Response(_shown(request, [job])[0])


class Errors(ApiView):
    calls = {"GET": Call("list_import_errors", Scope.READ, {(200, NDJSON): RefusedRowOut})}

    def get(self, request: Request, pk: int) -> StreamingHttpResponse:
        """Every refused row as a line of JSON: its line in the file, the field, the reason, and how the row begins."""
        job = access.import_job(request.user, pk)
        return ndjson(RefusedRowOut(batch, many=True).data for batch in every(job.refused.all()))


def _shown(request: Request, jobs: Sequence[Import]) -> list[dict[str, Any]]:
    context = {"worker_alive": WorkerBeat.objects.alive(), "request": request}
    return list(ImportOut(jobs, many=True, context=context).data)

"""`Idempotency-Key`: a POST that is sent again gets its first answer again, and is not carried out twice.

The act and the memory of its answer are one transaction: either both happened, or neither. Only what succeeded is
remembered, since a refusal changes nothing and may be asked again.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Collection
from functools import wraps
from typing import Concatenate

from django.db import connection, transaction
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from annotate.api import problems
from annotate.api.base import ApiView, Request
from annotate.models import Replay, User

LONGEST_KEY = 200

#: Makes a UUID of an `Idempotency-Key` that is none.
KEYS = uuid.UUID("6b1f6d0e-6c1c-4d8f-9f43-0d3cf1b0a9a5")

# Whoever gets this lock is the only request of this person and key; the others are told to wait.
_ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"

# Two old memories go for each new one, so the table stays as large as a day's work.
_FORGET = """
DELETE FROM annotate_replay WHERE id IN (
    SELECT id FROM annotate_replay
    WHERE created_at < now() - interval '1 day' AND id < (SELECT min(id) + 100 FROM annotate_replay)
    ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED)
"""


def idempotent[V: ApiView, **P](
    post: Callable[Concatenate[V, Request, P], Response],
) -> Callable[Concatenate[V, Request, P], HttpResponse]:
    """For a `post` whose body is JSON or nothing."""

    @wraps(post)
    def once(view: V, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        return carry_out(request, request.body, lambda: post(view, request, *args, **kwargs))

    return once


def carry_out(
    request: Request, content: bytes, act: Callable[[], Response], hide: Collection[str] = ()
) -> HttpResponse:
    """`act`'s answer, or the remembered one. `content` stands for the body: the same bytes are the same request.

    Fields named in `hide` are shown once: they are remembered as null.
    """
    key = key_of(request)
    if key is None:
        return act()
    user, same = request.user, _digest(request, content)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ALONE, [f"{user.pk}:{key}"])
        if cursor.fetchone() != (True,):
            return problems.respond(409, _("A request with this key is being carried out."), "in_flight")
        before = Replay.objects.filter(user=user, key=key).first()
        if before is not None:
            return _again(before, same)
        answer = act()
        if answer.status_code < 400:
            cursor.execute(_FORGET)
            _remember(user, key, same, answer, hide)
        return answer


def key_of(request: Request) -> str | None:
    """The request's key, or None. Raises ValidationError for one that is too long or not printable."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise exceptions.ValidationError({"Idempotency-Key": [_("Must be 1 to 200 printable ASCII characters.")]})
    return key


def answer_key(request: Request) -> uuid.UUID:
    """The key under which an answer is stored with its label, made of the request's; a new one without."""
    key = key_of(request)
    if key is None:
        return uuid.uuid4()
    try:
        return uuid.UUID(key)
    except ValueError:
        return uuid.uuid5(KEYS, key)


def replayed(answer: HttpResponse) -> HttpResponse:
    """Mark an answer as one that was given before."""
    answer["Idempotent-Replayed"] = "true"
    return answer


def _digest(request: Request, content: bytes) -> bytes:
    whole = json.dumps([request.method, request.get_full_path(), hashlib.sha256(content).hexdigest()])
    return hashlib.sha256(whole.encode()).digest()


def _remember(user: User, key: str, same: bytes, answer: Response, hide: Collection[str]) -> None:
    kept = {"Location": answer["Location"]} if "Location" in answer else {}
    data = {**answer.data, **dict.fromkeys(hide)} if hide else answer.data
    body = b"" if data is None else JSONRenderer().render(data)
    Replay.objects.create(user=user, key=key, body_digest=same, status=answer.status_code, headers=kept, body=body)


def _again(before: Replay, same: bytes) -> HttpResponse:
    if bytes(before.body_digest) != same:
        return problems.respond(422, _("This key was used for another request. Nothing was changed."), "key_reused")
    kept = {"Content-Type": "application/json", **before.headers}
    answer = HttpResponse(bytes(before.body), status=before.status, headers=kept)
    if not before.body:
        del answer["Content-Type"]
    return replayed(answer)

"""Programs that call the API: `Caller(user, scopes)` sends JSON with a token of its own."""

import json
from collections.abc import Collection
from typing import Any

from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.utils import timezone

from annotate.models import Project, Scope, Token, User

API = "/api/v1"
PROBLEM = "application/problem+json"


class Multipart(bytes):
    """A body of parts: texts and files, several under one name where they are a list."""

    content_type = MULTIPART_CONTENT

    def __new__(cls, **parts: Any) -> "Multipart":
        return super().__new__(cls, encode_multipart(BOUNDARY, parts))

    def __add__(self, more: Any) -> "Multipart":
        """The same with more at the end of its last part."""
        end = f"\r\n--{BOUNDARY}--".encode()
        return bytes.__new__(Multipart, self.replace(end, more + end))


class Caller:
    """A user's program; with no user, one without a token. Paths are given without the prefix."""

    def __init__(
        self, user: User | None = None, scopes: Collection[str] = Scope.values, project: Project | None = None
    ) -> None:
        self.client = Client()
        self.headers: dict[str, str] = {}
        if user is not None:
            # Used a moment ago, so its use is not noted again with every request that a test takes back.
            used = {"project": project, "last_used_at": timezone.now()}
            _token, secret = Token.issue(user, "test", list(scopes), **used)
            self.headers["Authorization"] = f"Bearer {secret}"

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send `body` (bytes as they are, all else as JSON). Headers are named with underscores."""
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        content_type = headers.pop("Content_Type", getattr(body, "content_type", "application/json"))
        named = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.generic(method, API + path, data, content_type, headers=named)

    def get(self, path: str, **headers: str) -> Any:
        return self("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self("POST", path, body, **headers)


def lines(answer: Any) -> list[Any]:
    """The rows of an answer in NDJSON."""
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]

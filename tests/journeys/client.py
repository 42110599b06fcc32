"""A program that labels through the API, over real HTTP, as a user's script would."""

import http.client
import json
import uuid
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import urlsplit

from annotate.models import Token, User


class Api:
    """A connection with a token, to be used in a `with`. Answers are (status, parsed body)."""

    def __init__(self, server: str, user: User, *scopes: str) -> None:
        self.host = urlsplit(server).netloc
        self.connection = http.client.HTTPConnection(self.host, timeout=60)
        _, secret = Token.issue(user, "journey", list(scopes))
        self.headers = {"Authorization": f"Bearer {secret}"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.connection.close()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        payload = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} | self.headers | headers
        self.connection.request(method, f"/api/v1{path}", payload, sent)
        answer = self.connection.getresponse()
        text = answer.read()
        is_json = "json" in answer.headers.get("Content-Type", "") and "ndjson" not in answer.headers["Content-Type"]
        return answer.status, json.loads(text) if text and is_json else text

    def get(self, path: str) -> Any:
        status, body = self.call("GET", path)
        assert status == 200, (path, status, body)
        return body

    def label(self, queue_id: int, answer: Callable[[dict[str, Any]], dict[str, Any]], most: int) -> int:
        """Claim and submit until nothing is left, or that many labels are made; how many it made."""
        status, task = self.call("POST", f"/queues/{queue_id}/claim")
        made = 0
        while status == 200 and made < most:
            body = {"payload": answer(task), "fence": task["fence"], "active_seconds": 4.5}
            path = f"/assignments/{task['id']}/submit?next=1"
            done, label = self.call("POST", path, body, **{"Idempotency-Key": str(uuid.uuid4())})
            assert done == 201, label
            made += 1
            task = label["next"]
            status = 200 if task else 204
        assert status == 204 or made == most, task
        return made

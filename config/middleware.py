"""What every request passes through that is the house's business."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

logger = logging.getLogger(__name__)
WAIT_SECONDS = 5


class BusyMiddleware:
    """The database being away, full or too busy is not a fault of the request: say when to come back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, OperationalError | InterfaceError):
            return None
        logger.error("database: %s", str(error).partition("\n")[0])  # the lines after it may show texts of people
        message = "The server is busy. Nothing was lost: try again in a moment."
        headers = {"Retry-After": str(WAIT_SECONDS), "Cache-Control": "no-store"}
        return HttpResponse(message, status=503, content_type="text/plain; charset=utf-8", headers=headers)

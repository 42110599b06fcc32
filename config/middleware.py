"""What every request passes through that is the house's business."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from annotate import outages

logger = logging.getLogger(__name__)
WAIT_SECONDS = 5


class BusyMiddleware:
    """The database being away, full or too busy is not a fault of the request: say when to come back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return _busy(error) if outages.is_outage(error) else None


def _busy(error: Exception) -> HttpResponse:
    logger.error("database: %s", str(error).partition("\n")[0])  # the lines after it may show texts of people
    message = "The server is busy. Nothing was lost: try again in a moment."
    headers = {"Retry-After": str(WAIT_SECONDS), "Cache-Control": "no-store"}
    return HttpResponse(message, status=503, content_type="text/plain; charset=utf-8", headers=headers)


class LanguageMiddleware:
    """Whoever is signed in reads the language of their own setting; anybody else what LocaleMiddleware has found.

    It reads the person whom the view is about to read anyway, and nobody for a view that is `login_not_required`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *given: Any) -> HttpResponse | None:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not getattr(view, "login_required", True):
            return None
        try:
            chosen = getattr(request.user, "language", "")
        except (OperationalError, InterfaceError) as error:  # BusyMiddleware hears of views alone
            return _busy(error)
        if chosen in dict(settings.LANGUAGES):
            translation.activate(chosen)
        return None

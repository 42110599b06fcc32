"""Probes, headers, and what a database that is away looks like."""

from __future__ import annotations

import select

import pytest
from django.db import InternalError, OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from annotate.api import problems
from config import health
from config.middleware import BusyMiddleware


def test_alive_asks_no_database(client: Client) -> None:
    assert client.get("/healthz").content == b"ok"


@pytest.mark.django_db
def test_ready(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"database": True, "migrated": True, "worker_seconds": None, "disk": True}


@pytest.mark.django_db
def test_not_ready_when_the_database_is_away(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> bool:
        raise OperationalError("connection refused by 10.1.2.3")

    monkeypatch.setattr(health, "_is_migrated", away)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"database": False, "disk": True}


def test_busy_is_said_with_a_time_to_come_back() -> None:
    middleware = BusyMiddleware(lambda request: HttpResponse())
    request: HttpRequest = RequestFactory().get("/")
    answer = middleware.process_exception(request, OperationalError("too many clients"))
    assert answer is not None
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert middleware.process_exception(request, ValueError()) is None


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_was_held_too_long_is_no_fault_of_the_request() -> None:
    def held_too_long() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '1ms'")
            select.select([connection.connection], [], [], 5)  # PostgreSQL says that it ends the session
            cursor.execute("SELECT 1")

    with pytest.raises(InternalError) as ended:
        held_too_long()
    connection.close()
    busy = BusyMiddleware(lambda request: HttpResponse()).process_exception(RequestFactory().get("/"), ended.value)
    told = problems.handler(ended.value, {})
    assert busy is not None and told is not None
    assert (busy.status_code, told.status_code) == (503, 503)
    assert problems.handler(InternalError("current transaction is aborted"), {}) is None


def test_every_answer_carries_the_policy(client: Client) -> None:
    headers = client.get("/healthz").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"

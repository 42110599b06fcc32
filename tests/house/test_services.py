"""The same code on the embedded PostgreSQL, on a PostgreSQL server, on RabbitMQ and on Redis, each for real:
a database is made and migrated (for a broker alone: copied), a worker started, a task sent and seen done.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from tests.house import leftovers

ROOT = Path(__file__).resolve().parent.parent.parent
MIGRATE_AND_SEND = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from config import celery_app
celery_app.send_task("tests.ping", ["went-round"])
"""
FORGET = """
from config import celery_app
with celery_app.connection() as connection:
    queue = celery_app.amqp.queues[celery_app.conf.task_default_queue](connection.default_channel)
    queue.declare()
    queue.delete()
    queue.exchange.delete()
"""
SECONDS = 40


@dataclass
class Leg:
    """One pair of services. An empty broker is pgmq in that database; an empty database is the embedded one."""

    name: str
    port: int = 0
    database: str = ""
    broker: str = ""

    def __str__(self) -> str:
        return self.name


LEGS = [
    Leg("embedded"),
    Leg("postgresql", 5432, database="postgresql://root@127.0.0.1:5432/"),
    Leg("rabbitmq", 5672, broker="amqp://guest:guest@127.0.0.1:5672//"),
    Leg("redis", 6379, broker="redis://127.0.0.1:6379/9"),
]


@pytest.mark.long
@pytest.mark.parametrize("leg", LEGS, ids=str)
def test_a_task_goes_round(leg: Leg, tmp_path: Path) -> None:
    _need(leg)
    with _fresh_database(leg) as url:
        environment = _environment(leg, url, tmp_path)
        _python("-c", MIGRATE_AND_SEND, environment=environment)
        with _worker(environment, tmp_path):
            _wait_for_row(url, "name = 'went-round'")
            _wait_for_row(url, "name <> 'went-round' AND seen_at > now() - interval '8 seconds'")
        if leg.broker:
            _python("-c", FORGET, environment=environment)


def _need(leg: Leg) -> None:
    if not leg.port:
        return
    with closing(socket.socket()) as probe:
        probe.settimeout(2)
        if probe.connect_ex(("127.0.0.1", leg.port)):
            reason = f"no {leg.name} at 127.0.0.1:{leg.port}"
            pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


@contextmanager
def _fresh_database(leg: Leg) -> Iterator[str]:
    """A database of this test's own; its name is one that the next run drops, should this one be killed."""
    own, other = settings.DATABASES["default"], leg.database
    name = f"test_preceptor_{os.getpid()}_{leg}"
    source = sql.Identifier(own["TEST"]["TEMPLATE"] if leg.broker else "template1")
    with psycopg.connect(f"{other}postgres", autocommit=True) if other else leftovers.connect(own) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), source))
        try:
            yield f"{other}{name}" if other else leftovers.url(own, name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} (FORCE)").format(sql.Identifier(name)))


def _environment(leg: Leg, url: str, folder: Path) -> dict[str, str]:
    own = {
        "DATABASE_URL": url,
        "CELERY_BROKER_URL": leg.broker,
        "CELERY_QUEUE": f"test-{os.getpid()}",
        "PRECEPTOR_DATA": str(folder),
        "PRECEPTOR_ROLE": "job",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONWARNINGS": "default",
    }
    return {**os.environ, **own}


def _python(*arguments: str, environment: dict[str, str]) -> None:
    command = [sys.executable, *arguments]
    result = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr


@contextmanager
def _worker(environment: dict[str, str], folder: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "config.worker", "--concurrency=1", "--include=tests.house.pings"]
    log = folder / "worker.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=output, stderr=output)
        try:
            yield
            assert process.poll() is None
        except AssertionError:
            print(log.read_text())
            raise
        finally:
            process.terminate()
            process.wait(20)


def _wait_for_row(url: str, condition: str) -> None:
    deadline = time.monotonic() + SECONDS
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < deadline:
            if connection.execute(f"SELECT 1 FROM annotate_workerbeat WHERE {condition}").fetchone():
                return
            time.sleep(0.1)
    raise AssertionError(f"no WorkerBeat where {condition} after {SECONDS} s")

"""What wakes the workers: PostgreSQL itself (pgmq), or the Redis or RabbitMQ that CELERY_BROKER_URL names.

A message is only a knock on the door. The rows of the database say what is to be done, and a sweep sends again what
was forgotten, so a broker may lose everything it holds and no work is lost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from kombu.transport import pgmq as kombu_pgmq
from pgmq import PGMQueue
from pgmq.install import install_pgmq_from_sql
from psycopg.conninfo import make_conninfo

PGMQ = "pgmq://localhost"  # only a name: the transport connects as Django does
INSTALL_LOCK = 7_146_230_118  # any number that nobody else locks

# Give up a task before the broker believes its worker dead, and that before RabbitMQ's 30 minutes.
SOFT_LIMIT_SECONDS, HARD_LIMIT_SECONDS, REDELIVERY_SECONDS = 1500, 1560, 1700


def configuration(url: str, database: dict[str, Any]) -> dict[str, Any]:
    """Celery's broker settings for this URL; with none, for the database itself."""
    if not url:
        return _pgmq(database)
    scheme = url.partition("://")[0]
    if scheme in ("redis", "rediss"):
        return {"broker_url": url, **_redis()}
    if scheme in ("amqp", "amqps", "pyamqp"):
        return {"broker_url": url, **_rabbitmq()}
    if scheme == "memory":  # tests: messages go nowhere
        return {"broker_url": url}
    raise ValueError(f"CELERY_BROKER_URL: {scheme!r} is not known; use redis://, rediss://, amqp:// or amqps://.")


def _pgmq(database: dict[str, Any]) -> dict[str, Any]:
    return {
        "broker_url": PGMQ,
        "broker_transport": f"{__name__}:PgmqTransport",
        "broker_transport_options": {
            "conninfo": _conninfo(database),
            "visibility_timeout": REDELIVERY_SECONDS,
            "wait_time_seconds": 0,  # no waiting inside PostgreSQL, which would hold an old snapshot:
            "use_notify": True,  # it tells when a message comes,
            "polling_interval": 1,  # and a look every so often is for what was missed
        },
        "broker_pool_limit": 2,
        "worker_enable_remote_control": False,  # it would leave a queue behind for each worker that was killed
    }


# Whoever only sends, a web page above all, does not wait for a broker that is down: the sweep sends again.
SENDING = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}


def _redis() -> dict[str, Any]:
    options = {
        **SENDING,
        "visibility_timeout": REDELIVERY_SECONDS,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
    }
    return {"broker_transport_options": options, "visibility_timeout": REDELIVERY_SECONDS}


def _rabbitmq() -> dict[str, Any]:
    return {"task_default_queue_type": "quorum", "broker_transport_options": {"confirm_publish": True, **SENDING}}


def _conninfo(database: dict[str, Any]) -> str:
    """The libpq string of Django's own connection, TLS options and all; the time-outs are Django's business."""
    own = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    parts = {name: database[key] for key, name in own.items() if database.get(key)}
    libpq = {name: value for name, value in database["OPTIONS"].items() if name not in DJANGO_OPTIONS}
    return make_conninfo(**parts, **libpq)


DJANGO_OPTIONS = {
    "pool",
    "options",
    "prepare_threshold",
    "isolation_level",
    "server_side_binding",
    "assume_role",
}


class PgmqChannel(kombu_pgmq.Channel):
    """kombu's own channel, woken also by what it acknowledges."""

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        """A worker that is full sleeps although messages wait; a place is free now, so wake it like a new message."""
        queue = self.qos.get(delivery_tag).delivery_info["pgmq_queue"]
        super().basic_ack(delivery_tag, multiple)  # type: ignore[no-untyped-call]
        self.pgmq._execute("SELECT pg_notify(%s, '')", (f"pgmq.q_{queue}.INSERT",))


class PgmqTransport(kombu_pgmq.Transport):
    """kombu's own transport, connected the way Django is: left to itself it drops sockets' and TLS' options."""

    Channel = PgmqChannel

    def _create_pgmq_client(self) -> PGMQueue:
        connection: Any = _OneConnection(self._options["conninfo"])
        client = PGMQueue(pool=connection, vt=self._options["visibility_timeout"], init_extension=False)
        client._own_pool = True  # so that closing the transport closes it
        return client

    def _get_notify_waiter(self) -> kombu_pgmq._NotifyWaiter:
        if self._notify_waiter is None:
            self._notify_waiter = _Waiter(self._options["conninfo"])
        return self._notify_waiter

    @property
    def _options(self) -> dict[str, Any]:
        client: Any = self.client
        return dict(client.transport_options)


class _Waiter(kombu_pgmq._NotifyWaiter):
    """kombu's own, that waits no longer once its worker was asked to end: Celery only looks every two seconds."""

    def wait(self, timeout: float | None) -> bool:
        from celery.worker import state  # here, for web pages send and never wait

        deadline = time.monotonic() + (timeout or 0)
        while (left := deadline - time.monotonic()) > 0:
            if state.should_stop is not None or state.should_terminate is not None:
                raise TimeoutError  # what Celery takes for: nothing came
            if super().wait(min(left, 0.1)):
                return True
        return False


class _OneConnection:
    """What pgmq takes for a pool. One connection does: a transport serves one thread, beside which another may
    acknowledge; and a real pool's threads neither survive a fork nor end with the process.
    """

    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo
        self.lock = threading.RLock()
        self.open: psycopg.Connection | None = None

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        with self.lock:
            if self.open is None or self.open.closed:
                self.open = psycopg.connect(self.conninfo, autocommit=True, connect_timeout=5)
                _install_pgmq(self.open)
            yield self.open

    def close(self) -> None:
        with self.lock:
            if self.open is not None:
                self.open.close()


def _install_pgmq(connection: psycopg.Connection) -> None:
    """Lay pgmq's tables and functions into the database, once, whoever comes first. It needs no extension."""
    if _has_pgmq(connection):
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [INSTALL_LOCK])
        if not _has_pgmq(connection):
            install_pgmq_from_sql(conn=connection)


def _has_pgmq(connection: psycopg.Connection) -> bool:
    return connection.execute("SELECT to_regclass('pgmq.meta')").fetchone() != (None,)

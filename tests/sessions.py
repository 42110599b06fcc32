"""Two sessions of the database at once, where it matters who comes first: one waits for the other, nobody sleeps."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

_WAITS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def in_a_thread(act: Callable[[], Any]) -> Future[Any]:
    def closing() -> Any:
        try:
            return act()
        finally:
            connection.close()

    pool = ThreadPoolExecutor(1)
    started = pool.submit(closing)
    pool.shutdown(wait=False)
    return started


def until_it_waits(act: Future[Any]) -> None:
    """Until the act of another thread waits for a lock, or is over without having to."""
    with connection.cursor() as cursor:
        while not act.done():
            cursor.execute(_WAITS)
            if cursor.fetchone() != (0,):
                return


@contextmanager
def half_done(begin: Callable[[], Any], end: Callable[[], Any] = lambda: None) -> Iterator[Callable[[], Any]]:
    """Another session's transaction after `begin`; what is given ends it with `end`, and gives what that gave."""
    begun, go_on = threading.Event(), threading.Event()

    def both() -> Any:
        try:
            with transaction.atomic():
                begin()
                begun.set()
                go_on.wait(10)
                return end()
        finally:
            begun.set()

    def finish() -> Any:
        go_on.set()
        return other.result(10)

    other = in_a_thread(both)
    begun.wait(10)
    try:
        yield finish
    finally:
        go_on.set()
        other.exception(10)

"""How far a reader may read: the newest label or review, once all below it are in sight.

Ids are given before a transaction ends, so a label may get into sight after one with a higher id. Whoever reads up to a
horizon, and next time from there, misses none.
"""

import time
from collections.abc import Sequence
from typing import Any

from django.db import OperationalError, connection

from annotate.models import Queue

LONGEST_WAIT = 5.0

_NEWEST_LABEL = "SELECT coalesce(max(id), 0) FROM annotate_label WHERE queue_id = %s"
_NEWEST_REVIEW = "SELECT coalesce(max(id), 0) FROM annotate_review"

# Transactions that are adding labels now: a label of theirs may get into sight later, under an id below the newest.
_WRITING = """
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = %s::regclass AND mode = 'RowExclusiveLock' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()
"""


def of_labels(*queues: Queue) -> int:
    """The newest label's id in these, once every label below it is in sight: who asks for what is new misses none.

    Waits for the labels being stored at this moment, and holds nobody up. Raises OperationalError if they take long.
    """
    newest = max((_read(_NEWEST_LABEL, [queue.pk])[0][0] for queue in queues), default=0)
    _wait_for_writers("annotate_label")
    return int(newest)


def of_reviews() -> int:
    """The newest review's id, once every review below it is in sight, as `of_labels` has it of labels."""
    ((newest,),) = _read(_NEWEST_REVIEW)
    _wait_for_writers("annotate_review")
    return int(newest)


def of_reviews_now() -> int | None:
    """The newest review's id if every review below it is in sight already, else None: waits for nobody."""
    ((newest,),) = _read(_NEWEST_REVIEW)
    return None if _read(_WRITING, ["annotate_review"]) else int(newest)


def _wait_for_writers(table: str) -> None:
    before, deadline = set(_read(_WRITING, [table])), time.monotonic() + LONGEST_WAIT
    while before:
        if time.monotonic() > deadline:
            raise OperationalError("labels are being stored in a transaction that takes long: try again later")
        time.sleep(0.005)
        before &= set(_read(_WRITING, [table]))


def _read(sql: str, values: Sequence[Any] = ()) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[Any] = cursor.fetchall()
    return rows

"""Statements on labels, and pieces of them: each is read in a transaction of its own.

Filled in by name: `horizon` and `reviews`, the newest label and review that count; `checks`, ids of check tasks.
"""

from collections.abc import Iterable
from typing import Any

from django.db import connection
from psycopg.pq import Format

# OFFSET 0 keeps "was it amended" a look-up for each label of the page, whatever the planner believes of the table.
STANDS = """NOT EXISTS (SELECT FROM annotate_label n
                WHERE n.supersedes_id = l.id AND n.id <= %(horizon)s OFFSET 0)"""

# A reviewer's label in place of another's: it was never the annotator's own, and its author stands by it.
FIXED = """(l.supersedes_id IS NOT NULL AND EXISTS (
    SELECT FROM annotate_label f WHERE f.id = l.supersedes_id AND f.annotator_id <> l.annotator_id))"""

_VERDICT = """(SELECT v.verdict FROM annotate_review v WHERE v.label_id = l.id AND v.id <= %(reviews)s AND NOT v.trial
               ORDER BY v.id DESC LIMIT 1)"""
#: By the option `reviewed`, where it narrows anything.
REVIEWED = {
    "accepted": f"coalesce({_VERDICT}, CASE WHEN {FIXED} THEN 'accept' END) = 'accept'",
    "not_rejected": f"{_VERDICT} IS DISTINCT FROM 'reject'",
}

#: Those that `not_rejected` leaves out.
OF_REJECTED = f"""
l.queue_id = %(queue)s AND l.id > %(since)s AND l.id IN (
    SELECT label_id FROM annotate_review WHERE verdict = 'reject' AND NOT trial AND id <= %(reviews)s
) AND {_VERDICT} = 'reject'
"""  # noqa: S608  # put together from our own words

# A task's labels are in two indexes that share them: the first of each chain of amendments, and the others.
OF_TASKS = """
l.id IN (SELECT id FROM annotate_label WHERE task_id = ANY(%(tasks)s::bigint[]) AND supersedes_id IS NULL
         UNION ALL
         SELECT id FROM annotate_label WHERE task_id = ANY(%(tasks)s::bigint[]) AND supersedes_id IS NOT NULL)
"""

#: Labels of the work itself. Which tasks are checks may change, so their ids are given; a repeat stays one.
OF_WORK = "t.role <> 'repeat' AND l.task_id <> ALL(%(checks)s::bigint[])"
_CHECKS = """(SELECT id FROM annotate_task WHERE queue_id = %(queue)s AND role = 'repeat'
              UNION ALL SELECT unnest(%(checks)s::bigint[]))"""
OF_CHECKS = f"""
l.id > %(since)s AND
l.id IN (SELECT id FROM annotate_label WHERE task_id IN {_CHECKS} AND supersedes_id IS NULL
         UNION ALL
         SELECT id FROM annotate_label WHERE task_id IN {_CHECKS} AND supersedes_id IS NOT NULL)
"""  # noqa: S608  # put together from our own words


def read(sql: str, values: Any = None) -> list[Any]:
    """In PostgreSQL's binary form: lists of numbers are read in half the time. JSON has to be asked for as text."""
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY
        cursor.execute(sql, values)
        rows: list[Any] = cursor.fetchall()
    return rows


def literal(ids: Iterable[int]) -> str:
    """An array as PostgreSQL writes it: psycopg takes ten times as long over a list."""
    return "{" + ",".join(map(str, ids)) + "}"

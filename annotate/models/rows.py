"""Model instances read by SQL of our own, several from one joined row.

For the few reads that every submit makes: building such a query anew from a QuerySet costs more than running it.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Model

# Of SQL over rows with a `task_id`, called a: places (or tasks) this person must not get, because they hold, have
# labelled, or have declined or flagged them. OFFSET 0 keeps the planner from turning the look-up of one task into a
# join with all that the person has ever done.
NOT_MINE = """
    NOT EXISTS (SELECT FROM annotate_assignment o
                WHERE o.task_id = a.task_id AND o.annotator_id = %(user)s OFFSET 0)
    AND NOT EXISTS (SELECT FROM annotate_label l
                    WHERE l.task_id = a.task_id AND l.annotator_id = %(user)s AND l.supersedes_id IS NULL OFFSET 0)
    AND NOT EXISTS (SELECT FROM annotate_exit e
                    WHERE e.task_id = a.task_id AND e.annotator_id = %(user)s AND e.way IN ('decline', 'flag') OFFSET 0)
"""

# Of SQL over places, called a, with their tasks, called t: the place of a check that this person was the last to hold,
# and left for later. It comes again to them alone; what they let run out does not, but to qualify with.
LEFT_FOR_LATER = """
    a.state = 'held' AND a.holders[a.fence] = %(user)s AND t.role <> 'work' AND t.state = 'ready'
    AND (a.lease_until IS NULL OR t.role = 'screen')
"""


def columns(model: type[Model], alias: str) -> str:
    """All columns of `model`, for a SELECT list, in the order that `instance` reads them."""
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)


@cache
def _fields(model: type[Model]) -> list[tuple[str, Any]]:
    """(name, converter or None) of each column; JSON arrives as text and has one."""
    found = model._meta.concrete_fields
    return [(field.attname, getattr(field, "from_db_value", None) and _converter(field)) for field in found]


def _converter(field: Any) -> Any:
    return lambda value: field.from_db_value(value, None, connection)


def instance[M: Model](model: type[M], values: Iterator[Any]) -> M:
    """The next columns of a row as an instance."""
    names, read = [], []
    for name, convert in _fields(model):
        value = next(values)
        names.append(name)
        read.append(convert(value) if convert else value)
    return model.from_db("default", names, read)


def first_row(sql: str, values: dict[str, Any]) -> Sequence[Any] | None:
    """The first row of a statement, or None."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        row: Sequence[Any] | None = cursor.fetchone()
    return row

"""Troubles of the database that are no fault of who asked: it is away, full or too busy."""

from django.db import InterfaceError, InternalError, OperationalError

#: PostgreSQL ended a session that held a transaction too long; its driver counts these among a program's own mistakes.
_HELD_TOO_LONG = {"25P03", "25P04"}


def is_outage(error: BaseException) -> bool:
    """Whether the same may well succeed in a moment."""
    if isinstance(error, InternalError):
        return getattr(error.__cause__, "sqlstate", None) in _HELD_TOO_LONG
    return isinstance(error, OperationalError | InterfaceError)

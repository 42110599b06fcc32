"""Databases of test runs that were killed."""

from __future__ import annotations

import re
from typing import Any

import psutil
import psycopg
from psycopg import sql


def test_database_name(pid: int) -> str:
    return f"test_preceptor_{pid}"


test_database_name.__test__ = False  # type: ignore[attr-defined]  # it only sounds like a test


def drop_databases(database: dict[str, Any]) -> None:
    """Drop every test database whose process is gone. Two runs may try the same one: either is right."""
    address = {"host": database["HOST"], "port": database["PORT"], "user": database["USER"]}
    address |= {"password": database["PASSWORD"], "dbname": "postgres"}
    with psycopg.connect(**{key: value for key, value in address.items() if value}, autocommit=True) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'test_preceptor_%'")
        for (name,) in rows.fetchall():
            number = re.match(r"test_preceptor_(\d+)", name)
            if number and not psutil.pid_exists(int(number[1])):
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} (FORCE)").format(sql.Identifier(name)))

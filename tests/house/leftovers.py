"""Databases of the tests' own on the server that the settings name, and those of test runs that were killed."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlencode

import psutil
import psycopg
from psycopg import sql


def test_database_name(pid: int) -> str:
    return f"test_preceptor_{pid}"


test_database_name.__test__ = False  # type: ignore[attr-defined]  # it only sounds like a test


def connect(database: dict[str, Any]) -> psycopg.Connection:
    """To the server, beside its databases. Each statement is a transaction."""
    address = {"host": database["HOST"], "port": database["PORT"], "user": database["USER"]}
    address |= {"password": database["PASSWORD"], "dbname": "postgres"}
    return psycopg.connect(**{key: value for key, value in address.items() if value}, autocommit=True)


def url(database: dict[str, Any], name: str) -> str:
    """The DATABASE_URL of this database on the same server."""
    person = quote(database["USER"]) + (":" + quote(database["PASSWORD"]) if database["PASSWORD"] else "")
    place = urlencode({part.lower(): database[part] for part in ("HOST", "PORT") if database[part]})
    return f"postgresql://{person}@/{quote(name)}?{place}"


def drop_databases(database: dict[str, Any]) -> None:
    """Drop every test database whose process is gone. Two runs may try the same one: either is right."""
    with connect(database) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'test_preceptor_%'")
        for (name,) in rows.fetchall():
            number = re.match(r"test_preceptor_(\d+)", name)
            if number and not psutil.pid_exists(int(number[1])):
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} (FORCE)").format(sql.Identifier(name)))

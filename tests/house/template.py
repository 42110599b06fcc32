"""The migrated database that every test process copies: made once, and again when a migration was changed."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.house import leftovers

ROOT = Path(__file__).resolve().parent.parent.parent
LOCK = 7_146_230_119  # any number that nobody else locks
KEPT = 3  # templates: another run may be about to copy the one before


def ensure(database: dict[str, Any]) -> str:
    """The template's name. Whoever comes first makes it; a half made one still takes connections, so it is known."""
    name = f"test_preceptor_template_{_digest()}"
    with leftovers.connect(database) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        found = connection.execute("SELECT datallowconn FROM pg_database WHERE datname = %s", [name]).fetchone()
        if found != (False,):
            _make(database, connection, name)
            _drop_old(connection)
    return name


def _digest() -> str:
    files = sorted(ROOT.glob("*/migrations/*.py"))
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _make(database: dict[str, Any], connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} (FORCE)").format(sql.Identifier(name)))
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    environment = {**os.environ, "DATABASE_URL": leftovers.url(database, name), "PRECEPTOR_ROLE": "job"}
    command = [sys.executable, "manage.py", "migrate", "--skip-checks", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))


def _drop_old(connection: psycopg.Connection) -> None:
    like = "SELECT datname FROM pg_database WHERE datname LIKE 'test_preceptor_template_%%' ORDER BY oid DESC OFFSET %s"
    for (name,) in connection.execute(like, [KEPT]).fetchall():
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))

"""Folders for the tests that start servers of their own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from config import embedded


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder with nothing in it."""
    with _folder() as folder:
        yield folder


@pytest.fixture
def made(data: Path, cluster: Path) -> Path:
    """A data folder with a PostgreSQL that has run before and is stopped."""
    subprocess.run(["cp", "-a", str(cluster / "postgres"), str(data / "postgres")], check=True)
    return data


@pytest.fixture(scope="session")
def cluster() -> Iterator[Path]:
    """What `made` copies, in a third of the time that it takes to make."""
    with _folder() as folder:
        embedded.ensure_running(folder)
        embedded.stop(folder)
        yield folder


@contextmanager
def _folder() -> Iterator[Path]:
    """Not one of pytest's own: under root the server's system user must be able to pass through to it."""
    folder = Path(tempfile.mkdtemp(prefix="house-", dir=settings.DATA))
    try:
        yield folder
    finally:
        embedded.stop(folder)
        shutil.rmtree(folder)

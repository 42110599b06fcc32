"""Folders for the tests that start servers of their own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from config import embedded


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder. Not pytest's own: under root the server's system user must be able to pass through to it."""
    folder = Path(tempfile.mkdtemp(prefix="house-", dir=settings.DATA))
    yield folder
    embedded.stop(folder)
    shutil.rmtree(folder)

"""The research data that the main job is tried on, where it is at hand."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ.get("PRECEPTOR_RESEARCH_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def folder() -> Path:
    """Where the data is; skips, with the reason, where it isn't. In CI it has to be there."""
    if not FOLDER.is_dir():
        reason = f"no research data at {FOLDER}: set PRECEPTOR_RESEARCH_DATA"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return FOLDER


def votes() -> list[dict[str, Any]]:
    """PandaLM's 500 pairs with three votes each."""
    rows: list[dict[str, Any]] = json.loads((folder() / "pandalm" / "votes_500.json").read_text())
    return rows

"""What the programs load when they start, and how soon a worker ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from celery.worker import state
from django.conf import settings

from config import broker

ROOT = Path(__file__).resolve().parent.parent.parent
#: They take longer to load than all of Preceptor, and only a few tasks of a worker need them.
HEAVY = {"sklearn", "scipy.stats", "scipy.optimize", "pandas", "datasets", "botocore", "tokenizers"}
LOADED = """
import json, sys
import config.wsgi
print(json.dumps([name for name in sys.modules if name.startswith("annotate.views")]))
import annotate.tasks
print(json.dumps(list(sys.modules)))
"""


def test_what_is_heavy_is_left_to_those_who_need_it() -> None:
    command = [sys.executable, "-c", LOADED]
    said = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True).stdout
    pages, modules = map(json.loads, said.splitlines())
    assert "annotate.views.work" in pages  # before the first of them is asked for
    assert not HEAVY & set(modules)


@pytest.mark.parametrize("flag", ["should_stop", "should_terminate"])
def test_a_worker_that_is_to_end_waits_for_no_message(monkeypatch: pytest.MonkeyPatch, flag: str) -> None:
    waiter = broker._Waiter(broker._conninfo(settings.DATABASES["default"] | {"NAME": "postgres"}))
    waiter.register("nothing")
    try:
        assert not waiter.wait(0.001)
        monkeypatch.setattr(state, flag, 0)
        with pytest.raises(TimeoutError):
            waiter.wait(600)
    finally:
        waiter.close()

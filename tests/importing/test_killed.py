"""Real processes and threads: workers that are killed outright, and imports at the same time."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from django.db import connection
from django.db.models.functions import Now

from annotate import importing
from annotate.importing import limits
from annotate.models import Assignment, Import, Prompt, Task
from tests import factories as make
from tests.house import leftovers

ROOT = Path(__file__).resolve().parents[2]
ROWS = 6 * limits.BATCH_ROWS
WORKER = "import django, sys; django.setup(); from annotate import tasks; tasks.run_import(int(sys.argv[1]))"


def environment(data):
    """What a process needs to work on this test's database and files."""
    found = connection.settings_dict
    url = leftovers.url(found, found["NAME"])
    return {**os.environ, "DATABASE_URL": url, "PRECEPTOR_DATA": str(data), "PRECEPTOR_ROLE": "job"}


def kill_after(job, rows, surroundings):
    """Start a worker on the job and kill it once it has committed so many rows."""
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(job.pk)], cwd=ROOT, env=surroundings)
    deadline = time.monotonic() + 60
    while Import.objects.get(pk=job.pk).rows_read < rows and worker.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    worker.send_signal(signal.SIGKILL)
    assert worker.wait() == -signal.SIGKILL
    # Its last statement may still be running: it ends before the next worker can have the project's lock.
    Import.objects.filter(pk=job.pk).update(beat_at=Now() - timedelta(minutes=2))


@pytest.mark.django_db(transaction=True)
def test_rows_are_there_exactly_once_after_three_kills(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    rows = [f"Instruction {n}" for n in range(ROWS)]
    file = io.BytesIO("".join(json.dumps({"instruction": text}) + "\n" for text in rows).encode())
    work = make.a_queue(kind="write", overlap=2)
    job = importing.start(work, work.created_by, file, "rows.jsonl")
    for stop in (1, 2, 4):
        kill_after(job, stop * limits.BATCH_ROWS, environment(tmp_path))
    assert Import.objects.get(pk=job.pk).rows_added < ROWS
    importing.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempt) == ("done", 4)
    assert (job.rows_read, job.rows_added, job.rows_unchanged, job.rows_refused) == (ROWS, ROWS, 0, 0)
    stored = Prompt.objects.order_by("pk").values_list("instruction", flat=True)
    assert digest(stored) == digest(rows)
    assert (Task.objects.count(), Assignment.objects.count()) == (ROWS, 2 * ROWS)


@pytest.mark.django_db(transaction=True)
def test_imports_at_once_into_one_project_share_its_prompts(settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path / "media"
    monkeypatch.setattr(limits, "BATCH_ROWS", 50)
    project = make.a_project()
    queues = [make.a_queue(project, kind="write") for _ in range(2)]
    rows = [{"external_id": f"p-{n}", "instruction": f"Instruction {n}"} for n in range(400)]
    gate = threading.Barrier(4)

    def load(nth):
        mine = rows if nth < 2 else rows[::-1]
        file = io.BytesIO("".join(json.dumps(row) + "\n" for row in mine).encode())
        try:
            gate.wait()
            return importing.run_now(queues[nth % 2], project.created_by, file, "rows.jsonl")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        jobs = list(pool.map(load, range(4)))
    assert [(job.state, job.rows_read, job.rows_refused) for job in jobs] == [("done", 400, 0)] * 4
    assert sum(job.rows_added for job in jobs) == 800
    assert (Prompt.objects.count(), Task.objects.count(), Assignment.objects.count()) == (400, 800, 800)


def digest(texts):
    return sha256("\n".join(texts).encode()).hexdigest()

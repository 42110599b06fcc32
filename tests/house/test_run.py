"""`make run` as a person meets it: it starts, says where, says no to a second start, mends itself, and ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from config import embedded

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.long
def test_a_life(data: Path) -> None:
    port = _free_port()
    run = _start(data, port)
    try:
        _wait(lambda: _ready(port), 60)
        _second_start_is_refused(data, port)
        _what_dies_comes_back(data, port)

        run.kill()  # leaves the web server, the worker and PostgreSQL behind
        run.wait()
        run = _start(data, port)
        _wait(lambda: "Preceptor runs at" in _said(data), 60)
        assert "Ended" in _said(data)
        _wait(lambda: _ready(port), 30)

        began = time.monotonic()
        run.send_signal(signal.SIGINT)
        assert run.wait(15) == 0
        assert time.monotonic() - began < 10
        assert not _processes(data)
        assert not embedded.is_running(data)
    finally:
        run.kill()
        run.wait()
        for process in _processes(data):
            process.kill()


def test_a_taken_port_is_said(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        run = _start(data, taken.getsockname()[1])
        assert run.wait(30) == 1
    assert "is taken" in _said(data)


def _second_start_is_refused(data: Path, port: int) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "config.run"], env=_environment(data, port), cwd=ROOT, capture_output=True, text=True
    )
    assert second.returncode == 1
    assert f"already running at http://127.0.0.1:{port}/" in second.stderr


def _what_dies_comes_back(data: Path, port: int) -> None:
    programs = {process.pid for process in _processes(data)}
    for part in ("gunicorn", "config.worker"):
        leader = min((p for p in _processes(data) if part in p.cmdline()), key=lambda p: p.pid)
        leader.kill()
    postmaster = data / "postgres" / "data" / "postmaster.pid"
    os.kill(int(postmaster.read_text().split("\n", 1)[0]), signal.SIGKILL)
    _wait(lambda: bool(programs - {process.pid for process in _processes(data)}), 30)
    _wait(lambda: _ready(port), 60)
    _wait(lambda: any("config.worker" in process.cmdline() for process in _processes(data)), 30)


def _environment(data: Path, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "CELERY_BROKER_URL")}
    return {**kept, "PRECEPTOR_DATA": str(data), "PORT": str(port)}


def _start(data: Path, port: int) -> subprocess.Popen[bytes]:
    with (data / "said").open("w") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "config.run"], env=_environment(data, port), cwd=ROOT, stdout=said, stderr=said
        )


def _said(data: Path) -> str:
    return (data / "said").read_text()


def _processes(data: Path) -> list[psutil.Process]:
    """The web server's and the worker's processes that use this data folder."""
    found = []
    for process in psutil.process_iter():
        try:
            ours = process.environ().get("PRECEPTOR_DATA") == str(data)
            if ours and {"gunicorn", "config.worker"} & set(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

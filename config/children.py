"""Programs that are kept running: started in groups of their own, started again when they die, ended together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

QUICK_DEATH_SECONDS = 10
PATIENCE = 5  # quick deaths in a row


class Child:
    """One program and what it may take to keep it running."""

    def __init__(self, role: str, module: str, *arguments: str) -> None:
        self.command = [sys.executable, "-m", module, *arguments]
        self.environment = {**os.environ, "PRECEPTOR_ROLE": role}
        self.quick_deaths = 0
        self.start()

    def start(self) -> None:
        """A group of its own: the terminal's Ctrl+C reaches us alone, and we end the others in order."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command, env=self.environment, stdin=subprocess.DEVNULL, start_new_session=True
        )

    def keep(self) -> bool:
        """Start it again if it died, the first time at once; False once it has died quickly too often."""
        code = self.process.poll()
        if code is None:
            return True
        quick = time.monotonic() - self.started < QUICK_DEATH_SECONDS
        self.quick_deaths = self.quick_deaths + 1 if quick else 0
        if self.quick_deaths > PATIENCE:
            return False
        _signal_group(self.process.pid, signal.SIGKILL)  # its own children, if it left any
        time.sleep(max(0, self.quick_deaths - 1))
        self.start()
        return True


def end(children: Sequence[Child], seconds: float) -> None:
    """Ask all to end their work, and after that many seconds don't ask any more."""
    for child in children:
        _signal_group(child.process.pid, signal.SIGTERM, leader_only=True)
    deadline = time.monotonic() + seconds
    for child in children:
        with suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0.0, deadline - time.monotonic()))
        _signal_group(child.process.pid, signal.SIGKILL)
        child.process.wait()


def remember(path: Path, children: Sequence[Child]) -> None:
    """Write down the groups, for a next start that must end what a `kill -9` left behind."""
    path.write_text(json.dumps([child.process.pid for child in children]))


def end_left_over(path: Path) -> int:
    """Kill what an earlier run wrote down and could not end. A number may be another program's by now: look first."""
    try:
        groups = set(json.loads(path.read_text()))
    except (OSError, ValueError):
        return 0
    path.unlink(missing_ok=True)
    victims = [process for process in psutil.process_iter(["cmdline"]) if _is_ours(process, groups)]
    for process in victims:
        process.kill()
    psutil.wait_procs(victims, timeout=5)
    return len(victims)


def _is_ours(process: psutil.Process, groups: set[int]) -> bool:
    try:
        return os.getpgid(process.pid) in groups and sys.executable in (process.info["cmdline"] or [])
    except OSError:
        return False


def _signal_group(group: int, number: int, leader_only: bool = False) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(group, number) if leader_only else os.killpg(group, number)

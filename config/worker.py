"""`python -m config.worker [celery worker's options]`: one background worker.

Beside the tasks it runs two clocks in threads of its parent process, so that they tick while a task runs: its beat
(a row that says it is alive) and the sweep (which sends again what was forgotten). Any number of workers may do so:
the rows decide.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from celery import bootsteps
from celery.exceptions import SecurityWarning

if TYPE_CHECKING:
    from celery.worker import WorkController

logger = logging.getLogger(__name__)

BEAT_SECONDS = 5
SWEEP_SECONDS = 10
FORGET_SECONDS = 24 * 3600
SWEEP = "annotate.tasks.sweep"
OPTIONS = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING"]


class Clock(threading.Thread):
    """Does one thing every so many seconds until told to stop; a failure is logged and tried again."""

    def __init__(self, name: str, seconds: float, action: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self.seconds, self.action, self.ended = seconds, action, threading.Event()

    def run(self) -> None:
        from django.db import connections

        while not self.ended.is_set():
            try:
                self.action()
            except Exception as error:  # noqa: BLE001  # a clock that stops is worse than any failure
                logger.warning("%s: %s: %s", self.name, type(error).__name__, error)
            finally:
                connections.close_all()
            self.ended.wait(self.seconds)

    def stop(self) -> None:
        self.ended.set()
        self.join(timeout=2)


class Clocks(bootsteps.StartStopStep):
    """The part of the worker that starts and stops its clocks."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: WorkController, **options: Any) -> None:
        super().__init__(worker, **options)
        self.beats_as = f"{socket.gethostname()}:{os.getpid()}"
        self.clocks: list[Clock] = []

    def start(self, worker: WorkController) -> None:
        self.clocks = [
            Clock("beat", BEAT_SECONDS, self.beat),
            Clock("sweep", SWEEP_SECONDS, lambda: sweep(worker.app)),
        ]
        for clock in self.clocks:
            clock.start()

    def stop(self, worker: WorkController) -> None:
        for clock in self.clocks:
            clock.stop()

    def terminate(self, worker: WorkController) -> None:
        self.stop(worker)

    def beat(self) -> None:
        """Say that this worker lives; forget those that died long ago."""
        from datetime import timedelta

        from django.db.models.functions import Now

        from annotate.models import WorkerBeat

        WorkerBeat.objects.bulk_create(
            [WorkerBeat(name=self.beats_as, seen_at=Now())],
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["seen_at"],
        )
        WorkerBeat.objects.filter(seen_at__lt=Now() - timedelta(seconds=FORGET_SECONDS)).delete()


def sweep(app: Any) -> None:
    """Run the sweep here, not through the broker: it is what helps when the broker has lost everything."""
    app.tasks[SWEEP].run()


def main(arguments: list[str]) -> None:
    os.environ.setdefault("PRECEPTOR_ROLE", "job")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # Django's checks import every page; `migrate` runs them, and here they would take longer than all the rest.
    os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
    import django

    from config.celery import app

    django.setup()
    # Celery warns against root because a message could bring a pickle; this worker takes JSON alone.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    app.steps["worker"].add(Clocks)
    app.worker_main(["--quiet", "worker", *OPTIONS, *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])

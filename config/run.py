"""`python -m config.run` (`make run`): all of Preceptor on this machine, until Ctrl+C.

PostgreSQL (unless DATABASE_URL names one), migrations, static files and the demo; then the web server and a worker,
started again when they die.
"""

from __future__ import annotations

import fcntl
import http.client
import io
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("PRECEPTOR_LOCAL", "1")
os.environ["PRECEPTOR_ROLE"] = "job"  # our own; each child has its own

from django.conf import settings

from config import children, embedded, env

HOST = "127.0.0.1"
READY_SECONDS = 60
END_SECONDS = 6
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):  # not an error: somebody wants us to end
    """One of ENDINGS came."""


class Refused(Exception):
    """It cannot start, or cannot go on; the message says why."""


def main() -> int:
    port = env.number("PORT", 8000)
    for number in ENDINGS:
        signal.signal(number, _stop)
    try:
        with _only_one(settings.DATA, port), ExitStack() as stack:
            _serve(settings.DATA, port, stack)
    except Stopped:
        print("Stopped.")
    except (Refused, embedded.EmbeddedError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    for ending in ENDINGS:  # once is enough: a second Ctrl+C must not cut the ending short
        signal.signal(ending, signal.SIG_IGN)
    raise Stopped


@contextmanager
def _only_one(data: Path, port: int) -> Iterator[None]:
    """One run to a data folder. The lock goes with the process, however that ends."""
    with (data / "run.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Refused(f"Preceptor is already running at {_address(file.read())}") from None
        file.truncate(0)
        file.write(str(port))
        file.flush()
        yield


def _address(port: int | str) -> str:
    return f"http://{HOST}:{port}/"


def _serve(data: Path, port: int, stack: ExitStack) -> None:
    """Set up, start, tell, and watch until stopped."""
    pids = data / "run.pids"
    if left := children.end_left_over(pids):
        print(f"Ended {left} processes that an earlier run had left behind.")
    _refuse_taken_port(port)
    if not settings.DATABASE_URL:
        _say("Starting PostgreSQL ...")
        stack.enter_context(embedded.running(data))
    how_to_sign_in = _set_up()
    _say("Starting the web server and a worker ...")
    programs = [_web(port), _worker()]
    stack.callback(children.end, programs, END_SECONDS)
    children.remember(pids, programs)
    _wait_until_ready(port, programs)
    _say(f"\n{how_to_sign_in}\nPreceptor runs at {_address(port)} (Ctrl+C stops it)")
    while True:
        time.sleep(1)
        if not settings.DATABASE_URL and not embedded.is_running(data):
            embedded.ensure_running(data)
        _keep(programs)
        children.remember(pids, programs)


def _say(words: str) -> None:
    print(words, flush=True)


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise Refused(f"Port {port} is taken ({error.strerror}). Another: make run PORT=8001") from error


def _set_up() -> str:
    """Bring database and static files up to date; what the demo says about signing in."""
    import django
    from django.core.management import call_command, get_commands
    from django.db import connections

    django.setup()
    _say("Bringing the database up to date ...")
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    said = io.StringIO()
    if "demo" in get_commands():
        call_command("demo", stdout=said)
    connections.close_all()
    return said.getvalue().strip()


def _web(port: int) -> children.Child:
    options = ["--worker-class=gthread", "--workers=2", "--threads=4", f"--bind={HOST}:{port}"]
    options += ["--preload", "--graceful-timeout=4", "--no-control-socket", "--log-level=warning"]
    return children.Child("web", "gunicorn", "config.wsgi", *options)


def _worker() -> children.Child:
    return children.Child("job", "config.worker", "--concurrency=2")


def _keep(programs: Sequence[children.Child]) -> None:
    for program in programs:
        if not program.keep():
            raise Refused(f"{' '.join(program.command[2:])} keeps dying; its last words are above.")


def _wait_until_ready(port: int, programs: Sequence[children.Child]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _is_ready(port):
        if time.monotonic() > deadline:
            raise Refused(f"The web server did not get ready: see {_address(port)}readyz")
        _keep(programs)
        time.sleep(0.2)


def _is_ready(port: int) -> bool:
    """Any answer but 503 will do: with ALLOWED_HOSTS set, this very request may be refused by name."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status != http.HTTPStatus.SERVICE_UNAVAILABLE
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())

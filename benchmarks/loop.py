"""Submit and get the next task through HTTP, as the page does it: `python -m benchmarks.loop [--tasks 1000000]`.

32 annotators, each signed in, with CSRF and the form's check, get full panels of four 2 kB responses, every text
rendered on its first show. The client is wrk, one thread and connection an annotator, on the same two cores.
"""

import argparse
import http.cookiejar
import os
import re
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks import ground
from benchmarks.ground import note, say

PORT = 8123
HERE = Path(__file__).resolve().parent


@contextmanager
def server() -> Iterator[psutil.Process]:
    """The web server as `make run` starts it."""
    from config import children, run

    os.environ["DATABASE_STATEMENT_TIMEOUT"] = "10s"
    child = run._web(PORT)  # the very options that users get
    try:
        deadline = time.monotonic() + 30
        while not run._is_ready(PORT):
            assert time.monotonic() < deadline, "the web server does not answer"
            time.sleep(0.2)
        yield psutil.Process(child.process.pid)
    finally:
        children.end([child], 10)


def sign_in(email: str, password: str) -> str:
    """A line for the client: cookies and CSRF token of a fresh session."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = f"http://127.0.0.1:{PORT}/sign-in/"
    form = opener.open(page).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    assert token
    fields = {"username": email, "password": password, "csrfmiddlewaretoken": token[1]}
    opener.open(urllib.request.Request(page, urllib.parse.urlencode(fields).encode(), {"Referer": page}))
    cookies = {cookie.name: cookie.value for cookie in jar}
    assert "preceptor_session" in cookies, "signing in failed"
    return "; ".join(f"{name}={value}" for name, value in cookies.items()) + "\t" + str(cookies["preceptor_csrf"])


def drive(sessions: Path, queue_id: int, seconds: int, pause_ms: int = 0) -> dict[str, int]:
    """Let every annotator work for a while; wrk's figures."""
    people = len(sessions.read_text().splitlines())
    command = ["wrk", f"-t{people}", f"-c{people}", f"-d{seconds}s", "--timeout", "10s", "-s", str(HERE / "loop.lua")]
    command += [f"http://127.0.0.1:{PORT}", "--", str(sessions), str(queue_id), str(pause_ms)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"RESULT (.*)", done.stdout)
    assert found, done.stdout + done.stderr
    if done.stderr:
        note(done.stderr[:1000])
    return {name: int(value) for name, value in (pair.split("=") for pair in found[1].split())}


def cpu_seconds(process: psutil.Process) -> float:
    """Processor time of a process and its children."""
    times = [one.cpu_times() for one in [process, *process.children(recursive=True)]]
    return sum(one.user + one.system for one in times)


def postmaster() -> psutil.Process:
    pid = (ground.DATA / "postgres" / "data" / "postmaster.pid").read_text().split()[0]
    return psutil.Process(int(pid))


def backend_seconds(database: psutil.Process) -> dict[int, float]:
    return {one.pid: sum(one.cpu_times()[:2]) for one in [database, *database.children(recursive=True)]}


def saturated(sessions: Path, queue_id: int, seconds: int, web: psutil.Process) -> None:
    database = postmaster()
    web_before, database_before = cpu_seconds(web), backend_seconds(database)
    result = drive(sessions, queue_id, seconds)
    web_used = cpu_seconds(web) - web_before
    database_used = sum(now - database_before.get(pid, 0) for pid, now in backend_seconds(database).items())
    loops = result["requests"]
    say("loops a second, saturated", loops / (result["us"] / 1e6), "/s", "300")
    say("  p50 of a loop", result["p50"] / 1000, "ms")
    say("  p95 of a loop", result["p95"] / 1000, "ms")
    say("  processor time a loop, web server", web_used / loops * 1000, "ms")
    say("  processor time a loop, database", database_used / loops * 1000, "ms")
    say("  panel", result["bytes"] / loops / 1000, "kB")
    say("  answers that were not 200, broken connections", result["bad"] + result["socket"], "", "0")


def offered(sessions: Path, queue_id: int, seconds: int, rate: int) -> None:
    people = len(sessions.read_text().splitlines())
    result = drive(sessions, queue_id, seconds, pause_ms=int(people / rate * 1000))
    say(f"loops a second, {rate}/s offered", result["requests"] / (result["us"] / 1e6), "/s")
    say("  p50", result["p50"] / 1000, "ms")
    say("  p95", result["p95"] / 1000, "ms", "50 ms")
    say("  p99", result["p99"] / 1000, "ms", "100 ms")


def statements(user: object, queue_id: int) -> None:
    """SQL statements of one loop, transaction control included."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(headers={"HX-Request": "true"})
    client.force_login(user)  # type: ignore[arg-type]
    page = client.post(f"/queues/{queue_id}/work/", headers={"host": "localhost"}, follow=True)
    for _ in range(3):
        body = page.content.decode()
        place = re.search(r'action="(/assignments/\d+/submit/)"', body)
        fields = dict(re.findall(r'name="(fence|key)" value="([^"]+)"', body))
        assert place
        ranks = {f"ranks.{letter}": 1 for letter in "abcd"}
        with CaptureQueriesContext(connection) as queries:
            page = client.post(place[1], fields | ranks, headers={"host": "localhost"})
        assert page.status_code == 200, page.content
    control = [one for one in queries.captured_queries if one["sql"] in {"BEGIN", "COMMIT"}]
    say("SQL statements a loop, texts seen before or not", len(queries), "", "10")
    say("  of them BEGIN and COMMIT", len(control))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tasks", type=int, default=1_000_000)
    options.add_argument("--people", type=int, default=32)
    options.add_argument("--seconds", type=int, default=30)
    chosen = options.parse_args()
    with ground.prepared():
        from django.core.management import call_command

        from benchmarks import crowd

        call_command("collectstatic", interactive=False, verbosity=0)
        project, users = crowd.a_crowd(chosen.people + 1)
        note(f"making {chosen.tasks:,} tasks, overlap 3 ...")
        queue = crowd.a_queue(project, "loop", chosen.tasks, prompts=8_000)
        statements(users.pop(), queue.pk)
        with server() as web, tempfile.NamedTemporaryFile("w+") as file:
            file.write("\n".join(sign_in(user.email, crowd.PASSWORD) for user in users))
            file.flush()
            sessions = Path(file.name)
            drive(sessions, queue.pk, 5)  # warm up
            time.sleep(2)  # what the client broke off at the end is still being answered
            saturated(sessions, queue.pk, chosen.seconds, web)
            offered(sessions, queue.pk, chosen.seconds, 50)


if __name__ == "__main__":
    main()

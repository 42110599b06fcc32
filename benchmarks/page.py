"""What the ranking page weighs and how soon it can be read: `python -m benchmarks.page`.

Chromium, four 2 kB responses, an empty cache each time; "slowed" is Chromium's own 4x slow-down of the processor.
"""

import gzip
import statistics
from typing import Any
from urllib.parse import urlparse

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks import ground
from benchmarks.ground import say
from benchmarks.loop import PORT, server

ROUNDS = 7
ORIGIN = f"http://127.0.0.1:{PORT}"
LARGEST_PAINT = """
() => new Promise((tell) => new PerformanceObserver((list) => tell(list.getEntries().at(-1).startTime))
  .observe({type: "largest-contentful-paint", buffered: true}))
"""


def signed_in(browser: Browser, email: str) -> Any:
    from benchmarks import crowd

    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=ORIGIN)
    page = context.new_page()
    page.goto("/sign-in/")
    page.fill("[name=username]", email)
    page.fill("[name=password]", crowd.PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{ORIGIN}/")
    page.close()
    return context


def load(page: Page, address: str, slow: int) -> tuple[float, list[tuple[str, str, bytes]]]:
    """Largest paint in ms, and (address, type, body) of all that was fetched."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": slow})
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    answers: list[Any] = []
    page.on("response", lambda one: answers.append(one))
    page.goto(address)
    page.wait_for_load_state("networkidle")
    paint: float = page.evaluate(LARGEST_PAINT)
    return paint, [(one.url, one.request.resource_type, one.body()) for one in answers if one.ok]


def weigh(fetched: list[tuple[str, str, bytes]]) -> None:
    def weight(kind: str) -> float:
        return sum(len(gzip.compress(body, 9)) for _, type_, body in fetched if type_ == kind) / 1000

    say("scripts, gzipped", weight("script"), "kB")
    say("styles, gzipped", weight("stylesheet"), "kB")
    say("scripts and styles, gzipped", weight("script") + weight("stylesheet"), "kB", "150 kB")
    say("the page itself, gzipped", weight("document"), "kB")
    say("requests", len(fetched))
    say("requests to other hosts", sum(urlparse(url).netloc != f"127.0.0.1:{PORT}" for url, _, _ in fetched), "", "0")


def measure(browser: Browser, email: str, address: str) -> None:
    context = signed_in(browser, email)
    context.request.get(address)
    for slow, name, bar in ((1, "largest paint", ""), (4, "largest paint, slowed 4x", "1000 ms")):
        paints = []
        for _ in range(ROUNDS):
            page = context.new_page()
            paint, fetched = load(page, address, slow)
            paints.append(paint)
            page.close()
        say(f"{name}, median", statistics.median(paints), "ms", bar)
        say(f"{name}, slowest of {ROUNDS}", max(paints), "ms")
    weigh(fetched)


def main() -> None:
    with ground.prepared():
        from django.core.management import call_command

        from annotate import queue
        from benchmarks import crowd
        from tests.house import chromium

        call_command("collectstatic", interactive=False, verbosity=0)
        project, users = crowd.a_crowd(1)
        work = crowd.a_queue(project, "page", 100)
        queue.claim(users[0], work)
        with server(), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.ARGUMENTS)
            measure(browser, users[0].email, f"/queues/{work.pk}/work/")
            browser.close()


if __name__ == "__main__":
    main()

"""What a person waits for at the ranking page, in a real browser: `python -m benchmarks.waiting [--tasks 30]`.

From a key press to the frame that shows its effect, and from Enter to the frame that shows the next task, with 50 ms of
round trip put before every request: with the next task in store, and without. Four 2 kB responses a task; ten keys a
second, which is faster than anybody reads, and then as fast as the browser takes them.
"""

import argparse
import time
from typing import Any

from benchmarks import ground
from benchmarks.ground import note, percentile, say

ROUND_TRIP_MS = 50
BETWEEN_KEYS = 0.1  # seconds

# Times from the press (as the browser dates it) to after the next frame, by what was pressed.
WATCH = """() => {
  window.waited = { key: [], next: [] };
  let entered = 0;
  const afterFrame = (act) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = act;
    channel.port2.postMessage(0);
  });
  document.addEventListener("keydown", (event) => {
    const at = event.timeStamp;
    if (event.key === "Enter") entered = at;
    else afterFrame(() => window.waited.key.push(performance.now() - at));
  }, true);
  document.addEventListener("panel:shown", () => {
    const at = entered;
    afterFrame(() => window.waited.next.push(performance.now() - at));
  });
}"""


def page_of(browser: Any, email: str, password: str, queue_id: int, port: int) -> Any:
    """A page of somebody at work in the queue."""
    page = browser.new_context(base_url=f"http://127.0.0.1:{port}", viewport={"width": 1280, "height": 800}).new_page()
    page.goto("/sign-in/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    page.goto(f"/queues/{queue_id}/work/")
    page.locator("form.actions button.primary").click()
    page.wait_for_selector("#panel[data-place]")
    return page


def slow_down(page: Any) -> None:
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    conditions = {"offline": False, "latency": ROUND_TRIP_MS, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", conditions)


def work_off(page: Any, tasks: int, between: float = BETWEEN_KEYS) -> dict[str, list[float]]:
    """Rank so many tasks by keys, at the pace of somebody very quick; the times waited, in ms."""
    slow_down(page)
    page.evaluate(WATCH)
    for nth in range(tasks):
        time.sleep(0.6)  # the store fills, and a double click is told from two answers
        for key in "2143":
            page.keyboard.press(key)
            time.sleep(between)
        page.keyboard.press("Enter")
        while page.evaluate("window.waited.next.length") <= nth:
            time.sleep(0.02)
    found: dict[str, list[float]] = page.evaluate("window.waited")
    return found


def told(name: str, times: list[float], bar: str) -> None:
    say(f"{name}: median", percentile(times, 0.5), "ms")
    say(f"{name}: p95", percentile(times, 0.95), "ms", bar)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tasks", type=int, default=30)
    chosen = options.parse_args()
    with ground.prepared():
        from django.core.management import call_command
        from playwright.sync_api import sync_playwright

        from benchmarks import crowd, loop
        from tests.house import chromium

        call_command("collectstatic", interactive=False, verbosity=0)
        project, (first, second) = crowd.a_crowd(2)
        queue = crowd.a_queue(project, "waiting", 500, prompts=200)
        with loop.server(), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.ARGUMENTS)
            note("with the next task in store ...")
            page = page_of(browser, first.email, crowd.PASSWORD, queue.pk, loop.PORT)
            stored = work_off(page, chosen.tasks)
            page.close()
            note("without ...")
            page = page_of(browser, second.email, crowd.PASSWORD, queue.pk, loop.PORT)
            page.route("**/ahead/", lambda route: route.abort())
            page.reload()
            page.wait_for_selector("#panel[data-place]")
            bare = work_off(page, chosen.tasks)
            page.reload()
            page.wait_for_selector("#panel[data-place]")
            hurried = work_off(page, chosen.tasks, between=0)
            browser.close()
        told("key press to visible change", stored["key"] + bare["key"], "50 ms")
        told("key press to visible change, four at once", hurried["key"], "")
        told(f"submit to next task, in store, {ROUND_TRIP_MS} ms round trip", stored["next"], "100 ms")
        told(f"submit to next task, not in store, {ROUND_TRIP_MS} ms round trip", bare["next"], "400 ms")


if __name__ == "__main__":
    main()

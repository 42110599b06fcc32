"""The browser reaches the live server, and the page fixture notices what must not happen."""

from __future__ import annotations

from playwright.sync_api import Page


def test_the_browser_reaches_the_live_server(page: Page) -> None:
    answer = page.goto("/healthz")
    assert answer is not None
    assert answer.text() == "ok"

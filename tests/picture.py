"""`make picture`: the README's pictures of the annotator's page, taken from a running demo (`make run`)."""

import os
import re
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.house import chromium

ROOT = Path(__file__).resolve().parent.parent
ADDRESS = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"
PASSWORD = Path(os.environ.get("PRECEPTOR_DATA", ROOT / ".data")) / "demo-password"


def begin(page: Page, kind: str) -> None:
    """Sign in as an annotator of the demo and take a task of a kind."""
    page.goto(f"{ADDRESS}/sign-in/")
    page.get_by_label(re.compile("e-mail", re.IGNORECASE)).fill("bea@demo.test")
    page.get_by_label("Password", exact=True).fill(PASSWORD.read_text().strip())
    page.keyboard.press("Enter")
    page.get_by_role("link", name=re.compile(kind)).first.click()
    button = page.get_by_role("button", name=re.compile("^(Start|Continue)"))
    if button.count():
        button.click()
    page.wait_for_selector("#answer")
    page.wait_for_load_state("networkidle")


def rank_three(page: Page) -> None:
    """Take a task to rank, and give three responses their places."""
    begin(page, "Rank")
    lengths = {letter: len(page.locator(f"#response-{letter} .prose").inner_text()) for letter in "abcd"}
    for place, letter in enumerate(sorted(lengths, key=lengths.__getitem__, reverse=True)[:3], start=1):
        page.locator(f"#response-{letter}").focus()
        page.keyboard.press(str(place))
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(500)


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        rank_three(page)
        page.screenshot(path=ROOT / "docs" / "ranking.png")
        page = browser.new_page(
            viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True, color_scheme="dark"
        )
        begin(page, "Compare")
        page.screenshot(path=ROOT / "docs" / "phone.png")
        browser.close()


if __name__ == "__main__":
    main()

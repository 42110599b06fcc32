"""Every page, for everybody who may see it: axe-core finds nothing, light, dark, narrow and enlarged."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from tests.pages.desk import let_in
from tests.sweep import stage
from tests.sweep.stage import NO_PAGES, PAGES, Stage, a_stage

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.django_db(transaction=True)

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = """
async (levels) => {
  await Promise.allSettled(document.getAnimations().map((one) => one.finished));
  return (await axe.run(document, {runOnly: {type: "tag", values: levels}, resultTypes: ["violations"]}))
  .violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target} ${node.failureSummary}`));
}
"""
#: By colour scheme, the windows in CSS pixels; 640 is what one of 1280 leaves at 200 % zoom.
LOOKS: dict[Any, list[tuple[int, int]]] = {"light": [(1280, 900), (320, 640)], "dark": [(640, 450)]}


def test_every_address_is_known() -> None:
    assert stage.names() == PAGES.keys() | NO_PAGES


def violations(page: Page) -> list[str]:
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN, LEVELS)
    return found


def sideways(page: Page) -> list[str]:
    """By how many pixels the page is wider than its window."""
    over = page.evaluate("() => document.scrollingElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{over} px too wide"] if over > 0 else []


@pytest.mark.parametrize("who", ["anonymous", "annotator", "manager"])
def test_axe_finds_nothing_on_any_page(page: Page, live_server: object, who: str) -> None:
    here: Stage = a_stage()
    if who != "anonymous":
        let_in(page.context, here.people[who], str(live_server))
    wrong: list[str] = []
    for address in _new(here, who):
        for scheme, windows in LOOKS.items():
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.goto(address)  # anew: colours take their time to change
            for width, height in windows:
                page.set_viewport_size({"width": width, "height": height})
                wrong += [f"{address} {scheme} {width} {one}" for one in violations(page) + sideways(page)]
    assert wrong == []


def _new(here: Stage, who: str) -> list[str]:
    """The pages `who` may see; of a manager's those that an annotator's test has not looked at."""
    others = set(here.addresses("annotator")) - {"/"} if who == "manager" else set()
    return [one for one in here.addresses(who) if one not in others]

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
#: A page has a handful of colours, and axe reads one anew for every text: a fifth of its time.
QUICKLY = """
{
  const { Color } = axe.commons.color;
  const read = Color.prototype.parseString;
  const known = new Map();
  Color.prototype.parseString = function (text) {
    if (!known.has(text)) known.set(text, read.call(new Color(0, 0, 0), text));
    const { r, g, b, alpha } = known.get(text);
    return Object.assign(this, { r, g, b, alpha });
  };
}
"""
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = """
async (levels) => {
  // Nothing is loaded beforehand: only the rule about sound that plays by itself would want it.
  const options = {runOnly: {type: "tag", values: levels}, resultTypes: ["violations"], preload: false};
  const found = (await axe.run(document, options)).violations.flatMap(
    (one) => one.nodes.map((node) => `${one.id}: ${node.target} ${node.failureSummary}`));
  const over = document.scrollingElement.scrollWidth - document.documentElement.clientWidth;
  return over > 0 ? [...found, `${over} px too wide`] : found;
}
"""
#: Colour scheme and window in CSS pixels; 640 is what one of 1280 leaves at 200 % zoom.
LOOKS: list[tuple[Any, int, int]] = [("light", 1280, 900), ("light", 320, 640), ("dark", 640, 450)]


def test_every_address_is_known() -> None:
    assert stage.names() == PAGES.keys() | NO_PAGES


def put_on(page: Page, scheme: Any, width: int, height: int) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": height})


def looked_at(page: Page, *looks: tuple[Any, int, int]) -> list[str]:
    """What axe finds on the page as it stands, once in each look; what is wider than its window."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(f"{AXE}{QUICKLY}null")  # a function as the last value would be called
    wrong: list[str] = []
    for look in looks:
        put_on(page, *look)
        wrong += [f"{look} {one}" for one in page.evaluate(RUN, LEVELS)]
    return wrong


@pytest.mark.parametrize("who", ["anonymous", "annotator", "manager"])
def test_axe_finds_nothing_on_any_page(page: Page, live_server: object, who: str) -> None:
    here: Stage = a_stage()
    if who != "anonymous":
        let_in(page.context, here.people[who], str(live_server))
    page.add_init_script(AXE + QUICKLY)
    wrong: list[str] = []
    for address in _new(here, who):
        put_on(page, *LOOKS[0])
        page.goto(address)
        wrong += [f"{address} {one}" for one in looked_at(page, *LOOKS)]
    assert wrong == []


def _new(here: Stage, who: str) -> list[str]:
    """The pages `who` may see; of a manager's those that an annotator's test has not looked at."""
    others = set(here.addresses("annotator")) - {"/"} if who == "manager" else set()
    return [one for one in here.addresses(who) if one not in others]

"""Reading responses next to each other: room for everything, the same room for all, and tools that favour none."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from annotate.models import Draft, Label, Queue, User
from tests import factories
from tests.pages.desk import arrived, start

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def origin(live_server: object) -> str:
    return str(live_server)


# --- Twenty thousand characters of everything ------------------------------------------------------------------------

ENGLISH = """## What a heading says

A **paragraph** of words that go on, with `code`, a [link](https://example.org) and an ~~error~~, as models write them
when they are asked for much. It costs $5 and not $10, and $e^{i\\pi} + 1 = 0$ holds as before.

- [ ] a task that waits
- [x] one that is done
  1. nested
  2. deeper: \\(\\frac{a}{b}\\)

> A quotation, which has
> two lines.

| name | a long heading of a column | formula | number |
|------|----------------------------|---------|--------|
| one  | words that do not end soon in this cell | $x_1$ | 1,000,000,000 |
| two  | more of them | $\\sqrt{2}$ | 2 |

$$
\\sum_{i=1}^{n} i = \\frac{n(n+1)}{2} = 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10 + 11 + 12 + 13 + 14 + 15 + 16 + 17 + 18
$$

```python
def a_function(with_many: str, arguments: list[str]) -> dict[str, int]:  # and a comment that makes the line quite long
    return {key: len(value) for key, value in zip(arguments, with_many, strict=False)}
```
"""
RTL = """## عنوان الفقرة

هذه فقرة بالعربية فيها كلمات كثيرة وفيها English words و 123 رقما، ومعها صيغة $x^2$ في وسط الجملة.

- بند أول
- بند ثان مع `code`

> اقتباس من سطر واحد

זאת פסקה בעברית עם מילים רבות.
"""
CJK = (
    "## 見出し\n\n"
    + "これは句読点のほかに空白のない長い段落です。漢字とかなが続きます。" * 12
    + "\n\n"
    + "这是没有空格的中文段落。" * 20
)
EMOJI = "\n\n" + "👩‍👩‍👧‍👦🏳️‍🌈🇺🇳👍🏽" * 200 + "\n\n" + "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘" * 5
UNBROKEN = (
    "\n\n" + "x" * 10_000 + "\n\n`" + "y" * 2_000 + "`\n\n```\n" + "z" * 2_000 + "\n```\n\n$" + "x+" * 300 + "x$\n"
)


def four_long_texts() -> list[str]:
    """Four responses of 20 kB, each with everything, each beginning with something else."""
    parts = [ENGLISH, RTL, CJK, EMOJI + UNBROKEN]
    turned = ["\n\n".join(parts[at:] + parts[:at]) for at in range(4)]
    return [(text + f"\n\n{ENGLISH}\n\n{RTL}" * 20)[:20_000] for text in turned]


MEASURED = """
() => ({
  page: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  boxes: [...document.querySelectorAll('.response')].map((one) => {
    const { x, y, width } = one.getBoundingClientRect();
    const prose = one.querySelector('.prose');
    const style = getComputedStyle(prose);
    return {
      x, y, width,
      text: prose.getBoundingClientRect().y - y,
      type: style.fontFamily + style.fontSize + style.lineHeight,
      inside: prose.scrollWidth - prose.clientWidth,
      cut: style.overflowY !== 'visible' || style.textOverflow === 'ellipsis',
      characters: prose.textContent.length,
    };
  }),
})
"""


@pytest.fixture
def long_work() -> tuple[Queue, User]:
    work = factories.a_queue(kind="rank")
    factories.a_task(work, instruction=ENGLISH, responses=four_long_texts())
    return work, factories.a_member(work.project)


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_long_responses_get_the_same_room_and_leave_no_page(
    page: Page, origin: str, long_work: tuple[Queue, User], direction: str
) -> None:
    start(page, long_work[1], long_work[0], origin)
    for width, layout in product((1280, 390, 320), ("side", "stacked")):
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate(
            f"document.documentElement.dir = '{direction}'; document.documentElement.dataset.layout = '{layout}'"
        )
        found: dict[str, Any] = page.evaluate(MEASURED)
        look(page, f"long-{layout}-{direction}-{width}")
        boxes = found["boxes"]
        assert found["page"] <= 0
        assert len(boxes) == 4
        assert max(box["width"] for box in boxes) - min(box["width"] for box in boxes) < 0.5
        assert max(box["text"] for box in boxes) - min(box["text"] for box in boxes) < 0.5
        assert len({box["type"] for box in boxes}) == 1
        assert all(box["inside"] <= 0 for box in boxes)
        assert not any(box["cut"] for box in boxes)
        assert all(box["characters"] > 15_000 for box in boxes)
        columns = len({round(box["x"]) for box in boxes})
        assert columns == (2 if width == 1280 and layout == "side" else 1)
        for at in range(0, 4, columns):
            assert len({round(box["y"]) for box in boxes[at : at + columns]}) == 1


def test_each_paragraph_reads_in_its_own_direction(page: Page, origin: str, long_work: tuple[Queue, User]) -> None:
    start(page, long_work[1], long_work[0], origin)
    direction = "(one) => getComputedStyle(one).direction"
    arabic = page.locator(".response ul", has_text="بند أول").first
    assert arabic.evaluate(direction) == "rtl"
    assert page.locator(".response p", has_text="A paragraph of words").first.evaluate(direction) == "ltr"
    assert page.locator(".response pre").first.evaluate(direction) == "ltr"


def test_formulas_and_tables_are_what_they_are_to_a_browser(page: Page, origin: str) -> None:
    work = factories.a_queue(kind="compare")
    factories.a_task(
        work, responses=[ENGLISH, "\\[\\begin{aligned} x &= 1 \\\\ yyyy &= 2 \\end{aligned}\\] \\(\\boxed{42}\\)"]
    )
    start(page, factories.a_member(work.project), work, origin)
    namespaces = page.evaluate("[...document.querySelectorAll('.prose math *')].map((one) => one.namespaceURI)")
    assert set(namespaces) == {"http://www.w3.org/1998/Math/MathML"}
    tall = page.locator("math[display=block] mfrac").first.bounding_box()
    assert tall and tall["height"] > 25
    ends = page.evaluate("""() => [...document.querySelectorAll('mtd[columnalign=right]')].map(
      (one) => one.lastElementChild.getBoundingClientRect().right)""")
    assert max(ends) - min(ends) < 1
    boxed = page.locator("menclose")
    assert boxed.evaluate("(one) => getComputedStyle(one).borderTopWidth") == "1px"


# --- Tools -----------------------------------------------------------------------------------------------------------


def a_desk(count: int = 2, tasks: int = 2) -> tuple[Queue, User]:
    work = factories.a_queue(kind="rank")
    for number in range(tasks):
        texts = [f"The {animal} number {number} sat.\n\n" + f"It has {at} lines more.\n\n" * (20 * (at + 1))
                 for at, animal in enumerate(["cat", "dog", "cow", "pig"][:count])]  # fmt: skip
        factories.a_task(work, responses=texts)
    return work, factories.a_member(work.project)


def columns(page: Page) -> int:
    boxes = [one.bounding_box() for one in page.locator(".response").all()]
    return len({round(box["x"]) for box in boxes if box})


def said(page: Page) -> str:
    return page.locator("#said").inner_text()


def test_layout_is_a_persons_choice_and_stays(page: Page, origin: str) -> None:
    work, noor = a_desk(4)
    start(page, noor, work, origin)
    button = page.get_by_role("button", name="Side by side")
    expect(button).to_have_attribute("aria-pressed", "true")
    assert columns(page) == 2
    page.keyboard.press("l")
    expect(button).to_have_attribute("aria-pressed", "false")
    assert columns(page) == 1
    assert said(page) == "One below the other"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.layout") == "stacked"
    assert columns(page) == 1
    page.keyboard.type("1234")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Task 2", exact=True).wait_for()
    assert columns(page) == 1
    expect(page.get_by_role("button", name="Side by side")).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Side by side").click()
    assert columns(page) == 2


def test_a_new_setting_on_the_server_wins_over_an_older_choice_here(page: Page, origin: str) -> None:
    work, noor = a_desk()
    start(page, noor, work, origin)
    page.keyboard.press("l")
    noor.preferences = {"layout": "stacked", "text_size": "larger"}
    noor.save()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.layout") == "stacked"
    noor.preferences = {"layout": "side"}
    noor.save()
    page.reload()
    assert columns(page) == 1  # what was chosen here, while the settings said the same as then


@pytest.mark.parametrize("count", [2, 4])
def test_responses_scroll_together_each_by_its_own_length(page: Page, origin: str, count: int) -> None:
    work, noor = a_desk(count)
    start(page, noor, work, origin)
    page.keyboard.press("y")
    assert said(page) == "Responses scroll together"
    areas = page.locator(".response .prose")
    heights = {round(box["height"]) for one in areas.all() if (box := one.bounding_box())}
    assert len(heights) == 1
    areas.last.evaluate("(one) => one.scrollTo(0, (one.scrollHeight - one.clientHeight) / 2)")
    share = "(one) => one.scrollTop / (one.scrollHeight - one.clientHeight)"
    for area in areas.all():
        page.wait_for_function(f"(one) => Math.abs(({share})(one) - 0.5) < 0.02", arg=area.element_handle())
    areas.first.focus()
    page.keyboard.press("End")
    for area in areas.all():
        page.wait_for_function(f"(one) => ({share})(one) > 0.98", arg=area.element_handle())
    page.keyboard.press("y")
    assert said(page) == "Responses scroll with the page"
    assert areas.first.evaluate("(one) => one.scrollHeight - one.clientHeight") <= 1


def test_text_size_goes_from_small_to_larger_and_stays(page: Page, origin: str) -> None:
    work, noor = a_desk()
    start(page, noor, work, origin)
    size = "parseFloat(getComputedStyle(document.querySelector('.response .prose')).fontSize)"
    before = page.evaluate(size)
    larger, smaller = (page.get_by_role("button", name=f"{word} text") for word in ("Larger", "Smaller"))
    larger.click()
    larger.click()
    assert page.evaluate(size) > before * 1.25
    expect(larger).to_be_disabled()
    page.reload()
    assert page.evaluate(size) > before * 1.25
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    for _time in range(3):
        smaller.click()
    assert page.evaluate(size) < before
    expect(smaller).to_be_disabled()


def test_differences_are_off_until_asked_for_and_off_again_for_the_next_task(page: Page, origin: str) -> None:
    work, noor = a_desk()
    start(page, noor, work, origin)
    assert page.locator("mark, .differences").count() == 0
    order = page.locator(".response h2").all_inner_texts()
    page.keyboard.press("x")
    expect(page.get_by_role("heading", name="Differences between A and B")).to_be_focused()
    expect(page.get_by_role("button", name="Differences")).to_have_attribute("aria-expanded", "true")
    marks = page.locator(".differences mark").all_inner_texts()
    assert any("cat" in one for one in marks) and any("dog" in one for one in marks)
    assert page.locator(".response h2").all_inner_texts() == order
    colours = page.evaluate(
        "[...document.querySelectorAll('mark')].map((one) => getComputedStyle(one).backgroundColor)"
    )
    assert len(set(colours)) == 1
    look(page, "differences")
    page.keyboard.press("x")
    assert page.locator(".differences").count() == 0
    assert said(page) == "Differences hidden"
    page.keyboard.press("x")
    page.locator(".differences").wait_for()
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Task 2", exact=True).wait_for()
    assert page.locator(".differences").count() == 0


def test_of_more_than_two_one_chooses_two(page: Page, origin: str) -> None:
    work, noor = a_desk(4)
    start(page, noor, work, origin)
    page.get_by_label("and", exact=True).select_option("d")
    page.get_by_role("button", name="Differences").click()
    page.get_by_role("heading", name="Differences between A and D").wait_for()
    page.get_by_label("Differences between").select_option("c")
    page.get_by_role("heading", name="Differences between C and D").wait_for()


def test_nothing_of_the_tools_is_in_the_answer_or_where_one_response_stands_alone(page: Page, origin: str) -> None:
    work, noor = a_desk()
    start(page, noor, work, origin)
    for key in "lyx":
        page.keyboard.press(key)
    page.locator(".differences").wait_for()
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Task 2", exact=True).wait_for()
    arrived(page)
    assert Label.objects.get().payload.keys() == {"ranks", "unusable", "comment"}
    assert not Draft.objects.exists()
    alone = factories.a_queue(work.project, kind="write")
    factories.a_task(alone)
    start(page, noor, alone, origin)
    assert page.locator(".reading-tools").count() == 0


@pytest.mark.parametrize(("theme", "paper"), [("light", "light"), ("dark", "dark"), ("system", "dark")])
def test_the_theme_is_the_persons_else_the_devices(page: Page, origin: str, theme: str, paper: str) -> None:
    page.emulate_media(color_scheme="dark" if theme != "dark" else "light")
    work, noor = a_desk()
    noor.preferences = {"theme": theme}
    noor.save()
    start(page, noor, work, origin)
    lightness = page.evaluate("""() => {
      const canvas = document.createElement('canvas').getContext('2d');
      canvas.fillStyle = getComputedStyle(document.body).backgroundColor;
      canvas.fillRect(0, 0, 1, 1);
      return canvas.getImageData(0, 0, 1, 1).data[0];
    }""")
    assert (lightness > 200) is (paper == "light")


CONTRAST = """
() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const luminance = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((one) => {
      const share = one / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = luminance(getComputedStyle(document.querySelector('.prose pre')).backgroundColor);
  return [...document.querySelectorAll('.prose pre span')].map((one) => {
    const ink = luminance(getComputedStyle(one).color);
    return [one.className, (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)];
  });
}
"""
CODE = """```python
# a comment
@decorator
class A(B):
    \"\"\"Says.\"\"\"
    def f(self, x: int = 0x1F) -> str | None:
        return f"{x!r} of {1.5}" if x is not None and True else 'no\\n'
```

```html
<!-- note --><a href="x" class='y'>text &amp; more</a>
```

```diff
- old
+ new
```

```console
$ ls -l
```
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_code_can_be_read(page: Page, origin: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    work = factories.a_queue(kind="compare")
    factories.a_task(work, responses=[CODE, CODE + "more"])
    start(page, factories.a_member(work.project), work, origin)
    found = page.evaluate(CONTRAST)
    assert len({name for name, _ratio in found}) > 10
    assert [one for one in found if one[1] < 4.5] == []


def look(page: Page, name: str) -> None:
    """Keep a picture, where a folder for them is named."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png")

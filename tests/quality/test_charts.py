"""Charts: what is drawn where, the same figures as a table, and hostile words as words."""

from xml.etree import ElementTree

import pytest
from django.utils.translation import override

from annotate import charts
from annotate.charts import Point, Series
from annotate.charts.scale import numbers, scale
from tests.pages.payloads import PAYLOADS

HOSTILE = '<script>alert(1)</script>" onload="x'
POINTS = [Point("a", 0.5, 0.4, 0.6, 20, "/a/"), Point("b", None, count=1), Point("c", 1.0, count=3)]


def tree(html: str) -> ElementTree.Element:
    """As XML: it fails where an element is left open or a text not escaped."""
    return ElementTree.fromstring(html.replace(" open>", ">"))  # our own


def said(html: str) -> str:
    return " ".join("".join(tree(html).itertext()).replace("\u00a0", " ").split())


def rows(html: str) -> list[list[str]]:
    return [["".join(cell.itertext()).replace("\u00a0", " ").strip() for cell in row] for row in tree(html).iter("tr")]


def all_of(label: str, title: str = "t") -> list[str]:
    """Every chart there is, with a text in each place that takes one."""
    point = Point(label, 0.5, 0.4, 0.6, 3, f"/{label}")
    return [
        charts.dots(title, [point], mark=0.3, mark_label=label, unit=label),
        charts.bars(title, [point], unit=label),
        charts.lines(title, [Series(label, [point, point])], mark=1, mark_label=label, unit=label, across=label),
        charts.lines(title, [Series(label, [point, point]), Series(label, [point])]),
        charts.matrix(title, [label], [label], [[point]]),
        charts.steps(title, [(0.1, 0.2)], unit=label),
    ]


def test_hostile_words_stay_words() -> None:
    payloads = [HOSTILE, *(one for one in PAYLOADS if one.isprintable())]
    for nth in range(0, len(payloads), 8):
        words = " ".join(payloads[nth : nth + 8])
        for html in all_of(words, words):
            names = {element.tag for element in tree(html).iter()}
            assert names <= {
                *("figure", "figcaption", "div", "table", "thead", "tbody", "tr", "th", "td", "a", "span", "bdi", "p"),
                *(
                    "details",
                    "summary",
                    "ul",
                    "li",
                    "svg",
                    "line",
                    "circle",
                    "rect",
                    "text",
                    "path",
                    "polyline",
                    "polygon",
                ),
            }
            assert not [name for element in tree(html).iter() for name in element.attrib if name.startswith("on")]


def test_nothing_needs_inline_style_or_script() -> None:
    for html in all_of("x"):
        assert "style" not in html and "<script" not in html


def drawings_in_sight(element: ElementTree.Element) -> list[ElementTree.Element]:
    """Those that a screen reader would read."""
    if element.get("aria-hidden") == "true":
        return []
    own = [element] if element.tag == "svg" else []
    return own + [one for child in element for one in drawings_in_sight(child)]


def test_a_drawing_is_hidden_and_its_figures_are_in_a_table() -> None:
    for html in all_of("x"):
        assert list(tree(html).iter("svg")) or "plot-matrix" in html
        assert drawings_in_sight(tree(html)) == []
    for html in all_of("x")[:4]:
        assert "0.50" in said(html) and '<a href="/x">' in html


def test_each_row_has_name_interval_and_number_and_says_when_there_is_too_little() -> None:
    html = charts.dots("Agreement", POINTS, unit="%")
    assert rows(html)[1:] == [
        ["a", "", "50 % 40\u201360 %", "20"],
        ["b", "", "not enough data", "1"],
        ["c", "", "100 %", "3"],
    ]
    places = [(one.get("cx"), one.get("r")) for one in tree(html).iter("circle")]
    assert places == [("50.0%", "5"), ("100.0%", "5")]
    (interval,) = [one for one in tree(html).iter("line") if one.get("class") == "interval"]
    assert (interval.get("x1"), interval.get("x2")) == ("40.0%", "60.0%")


def test_bars_begin_at_zero_on_either_side() -> None:
    html = charts.bars("Coefficients", [Point("more", 1.0), Point("less", -0.5)])
    bars = [(one.get("x"), one.get("width")) for one in tree(html).iter("rect")]
    assert bars == [("50.0%", "50.0%"), ("25.0%", "25.0%")]


def test_a_line_breaks_where_there_is_not_enough_data() -> None:
    points = [Point(str(nth), None if nth == 2 else 0.5, 0.4, 0.6) for nth in range(5)]
    html = charts.lines("Over time", [Series("all", points)], unit="%", across="Week")
    drawn = [one.get("points") for one in tree(html).iter("polyline")]
    assert drawn == ["0.0,50.0 25.0,50.0", "75.0,50.0 100.0,50.0"]
    assert rows(html)[0] == ["Week", "all"]
    assert rows(html)[3] == ["2", "not enough data"]


def test_at_most_four_lines_told_apart_by_more_than_colour() -> None:
    html = charts.lines("Lines", [Series(name, [Point("x", 0.1)]) for name in "abcde"])
    shapes = {one.get("d") for one in tree(html).iter("path")}
    assert len(shapes) == 4 and ">e<" not in html


def test_a_matrix_is_tinted_by_its_values() -> None:
    cells = [[None, Point("", 0.93, 0.9, 0.95, 12, "/x/")], [Point("", None), None]]
    html = charts.matrix("Wins", ["a", "b"], ["a", "b"], cells)
    assert rows(html)[1:3] == [["a", "", "93 %"], ["b", "?", ""]]
    assert rows(html)[4:] == [["a", "b", "93 % 90\u201395 %", "12"]], (
        "what a title tells is told to keyboards, touch and screen readers too"
    )
    assert 'class="number tint-9"' in html and "90\u201395" in html


def test_each_row_of_a_calibration_is_named_by_what_was_predicted() -> None:
    html = charts.steps("Calibration", [(0.6, 0.55), (0.9, 0.7)])
    assert [one.text for one in tree(html).iter("th") if one.get("scope") == "row"] == ["60\u00a0%", "90\u00a0%"]


@pytest.mark.parametrize("draw", [charts.dots, charts.bars, charts.lines, charts.steps])
def test_nothing_to_draw_is_said(draw) -> None:
    assert "Nothing to draw yet." in said(draw("Empty", []))
    assert "Nothing to draw yet." in said(charts.matrix("Empty", [], [], []))


def test_numbers_are_written_as_the_reader_writes_them() -> None:
    with override("de"):
        assert numbers([0.5], "").say(1234.5) == "1.234,50"
        assert numbers([0.04], "%").say(0.042) == "4,2\u00a0%"
    assert numbers([1, 2000], "").say(2000) == "2,000"
    assert numbers([0.001], "").say(-0.001) == "0.00"


def test_a_scale_holds_all_and_ends_at_round_numbers() -> None:
    found = scale([0.31, 0.87], None, None, "")
    assert (found.low, found.high) == (0.2, 1.0)
    assert scale([0.31], None, None, "%").ticks(4) == [0, 0.25, 0.5, 0.75, 1]
    assert scale([], None, None, "").ticks(2) == [0, 0.5, 1]
    assert scale([5.0, 5.0], None, None, "").high >= 5
    assert scale([-0.4], -0.2, 1, "").at(-0.4) == 0


def test_numbers_along_an_axis_are_where_they_say() -> None:
    """Of whole numbers up to two there is no line for a half that says 0 or 2."""
    html = charts.lines("Labels", [Series("Labels", [Point("a", 0), Point("b", 2)])], low=0)
    heights = next(one for one in tree(html).iter("svg") if one.get("class") == "plane-heights")
    assert [(one.text, one.get("y")) for one in heights] == [("0", "100.0%"), ("1", "50.0%"), ("2", "0.0%")]
    html = charts.bars("Tasks", [Point("a", 5)], unit="tasks")
    axis = next(one for one in tree(html).iter("svg") if one.get("class") == "plot-axis")
    assert [(one.text, one.get("x")) for one in axis] == [("0", "0.0%"), ("5", "100.0%")]

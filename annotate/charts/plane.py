"""Charts with two axes: lines over time, and predicted against observed."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from annotate.charts import pieces
from annotate.charts.points import Point, Series
from annotate.charts.scale import Numbers, Scale, numbers, scale

#: What tells up to four lines apart beside their colour: the shape of their points. Their dashes are in the styles.
SHAPES = ("M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z", "M-4,-4h8v8h-8z", "M0,-5l5,9h-10z", "M0,-5l5,5l-5,5l-5,-5z")
LONGEST = 14


def lines(
    title: str,
    series: Sequence[Series],
    *,
    low: float | None = None,
    high: float | None = None,
    mark: float | None = None,
    mark_label: str = "",
    unit: str = "",
    across: str = "",
) -> SafeString:
    """Lines with bands over the same labels of the x axis (`across` names it), at most four."""
    series = series[: len(SHAPES)]
    if not any(one.points for one in series):
        return pieces.empty("plot-lines", title)
    found = [number for one in series for point in one.points for number in point.numbers]
    found += [] if mark is None else [mark]
    along, say = scale(found, low, high, unit), numbers(found, unit)
    labels = [point.label for point in max(series, key=lambda one: len(one.points)).points]
    ground = _grid(along) + (pieces.NOTHING if mark is None else _level(along.at(mark), "mark"))
    drawn = ground + pieces.together(_line(nth, one, along, len(labels)) for nth, one in enumerate(series))
    plane = _plane(_heights(along, say), drawn, _names(labels))
    key = _key(series if len(series) > 1 else [], mark, mark_label, say)
    return pieces.figure("plot-lines", title, key, plane, _table(title, series, labels, say, across))


def steps(title: str, points: Sequence[tuple[float, float]], *, diagonal: bool = True, unit: str = "%") -> SafeString:
    """Predicted (x) against observed (y), both 0 to 1, with the diagonal: for calibration."""
    if not points:
        return pieces.empty("plot-steps", title)
    along = Scale(0, 1)
    say = numbers([1.0], unit)
    right = '<line class="mark" x1="0" y1="100%" x2="100%" y2="0"/>' if diagonal else ""
    places = [(along.at(x), 100 - along.at(y)) for x, y in points]
    drawn = _grid(along) + SafeString(right) + _path(places, 0) + _marks(places, 0)
    rows = pieces.joined(
        '<tr><th scope="row" class="number">{}</th><td class="number">{}</td></tr>',
        [(say.say(x), say.say(y)) for x, y in points],
    )
    heads = [pieces.head(_("Predicted"), "number"), pieces.head(_("Observed"), "number")]
    beneath = pieces.folded(len(points), pieces.table(title, heads, rows))
    axes = format_html('<p class="plot-key">{}</p>', _("Across: predicted. Upwards: observed."))
    return pieces.figure(
        "plot-steps", title, axes, _plane(_heights(along, say), drawn, pieces.ticks(along, say, "1em")), beneath
    )


# --- The drawing ---------------------------------------------------------------------------------------------------


def _plane(heights: SafeString, drawn: SafeString, names: SafeString) -> SafeString:
    return format_html(
        '<div class="plane" aria-hidden="true"><svg class="plane-heights" focusable="false">{}</svg>'
        '<svg class="plane-drawing" focusable="false">{}</svg>'
        '<svg class="plane-names" focusable="false">{}</svg></div>',
        heights,
        drawn,
        names,
    )


def _level(at: float, sort: str) -> SafeString:
    return format_html('<line class="{0}" x1="0" x2="100%" y1="{1}%" y2="{1}%"/>', sort, round(100 - at, 2))


def _grid(along: Scale) -> SafeString:
    return pieces.together(_level(along.at(tick), "grid") for tick in along.ticks(4))


def _heights(along: Scale, say: Numbers) -> SafeString:
    texts = [(round(100 - along.at(tick), 2), say.say(tick)) for tick in along.ticks(4) if say.exact(tick)]
    return pieces.joined('<text text-anchor="end" x="100%" y="{}%" dy="0.35em">{}</text>', texts)


def _names(labels: Sequence[str]) -> SafeString:
    """The first name, the last, and between them as many as fit a phone."""
    last = len(labels) - 1
    chosen = sorted({0, last, *([last // 2] if last >= 4 else [])})
    texts = [(pieces.anchor(_across(nth, last + 1)), _across(nth, last + 1), _short(labels[nth])) for nth in chosen]
    return pieces.joined('<text text-anchor="{}" x="{}%" y="1em">{}</text>', texts)


def _short(name: str) -> str:
    return Truncator(name).chars(LONGEST)


def _across(nth: int, count: int) -> float:
    return round(100 * nth / (count - 1), 2) if count > 1 else 50.0


def _line(nth: int, series: Series, along: Scale, count: int) -> SafeString:
    """A line with its band, broken where there is not enough data."""
    drawn = pieces.NOTHING
    for stretch in _stretches(series.points):
        drawn += _band([(_across(at, count), point) for at, point in stretch], along, nth)
        places = [(_across(at, count), round(100 - along.at(point.value or 0), 2)) for at, point in stretch]
        drawn += _path(places, nth) + _marks(places, nth)
    return drawn


def _stretches(points: Sequence[Point]) -> Iterator[list[tuple[int, Point]]]:
    for there, some in groupby(enumerate(points), key=lambda one: one[1].value is not None):
        if there:
            yield list(some)


def _stretched(shape: SafeString) -> SafeString:
    """A shape in hundredths of the drawing, whatever its size; lines keep their width."""
    return format_html(
        '<svg viewBox="0 0 100 100" preserveAspectRatio="none" width="100%" height="100%">{}</svg>', shape
    )


def _path(places: Sequence[tuple[float, float]], nth: int) -> SafeString:
    corners = " ".join(f"{x},{y}" for x, y in places)
    return _stretched(
        format_html('<polyline class="line of-{}" vector-effect="non-scaling-stroke" points="{}"/>', nth, corners)
    )


def _band(points: Sequence[tuple[float, Point]], along: Scale, nth: int) -> SafeString:
    sure = [
        (x, along.at(one.low), along.at(one.high)) for x, one in points if one.low is not None and one.high is not None
    ]
    if len(sure) == 1:
        ((x, low, high),) = sure
        return format_html(
            '<line class="interval of-{0}" x1="{1}%" x2="{1}%" y1="{2}%" y2="{3}%"/>', nth, x, 100 - low, 100 - high
        )
    corners = [(x, 100 - high) for x, _low, high in sure] + [(x, 100 - low) for x, low, _high in reversed(sure)]
    shape = format_html('<polygon class="band of-{}" points="{}"/>', nth, " ".join(f"{x},{y:.2f}" for x, y in corners))
    return _stretched(shape) if sure else pieces.NOTHING


def _marks(places: Sequence[tuple[float, float]], nth: int) -> SafeString:
    rows = [(x, y, nth, SHAPES[nth]) for x, y in places]
    return pieces.joined('<svg x="{}%" y="{}%" overflow="visible"><path class="dot of-{}" d="{}"/></svg>', rows)


# --- Beside it -----------------------------------------------------------------------------------------------------


def _key(series: Sequence[Series], mark: float | None, label: str, say: Numbers) -> SafeString:
    """Which line is which."""
    dot = '<svg x="50%" y="50%" overflow="visible"><path class="dot of-{}" d="{}"/></svg>'
    items = [(f"line of-{nth}", format_html(dot, nth, SHAPES[nth]), one.label, "") for nth, one in enumerate(series)]
    if mark is not None:
        items.append(("mark", pieces.NOTHING, label, say.say(mark)))
    swatch = '<line class="{}" x1="0" x2="100%" y1="50%" y2="50%"/>{}'
    item = f'<li><svg class="swatch" aria-hidden="true" focusable="false">{swatch}</svg> {{}} <bdi>{{}}</bdi></li>'
    return format_html('<ul class="plot-key">{}</ul>', pieces.joined(item, items)) if items else pieces.NOTHING


def _table(title: str, series: Sequence[Series], labels: Sequence[str], say: Numbers, across: str) -> SafeString:
    heads = [pieces.head(across or _("Name")), *(pieces.head(one.label, "number") for one in series)]
    rows = pieces.joined(
        '<tr><th scope="row">{}</th>{}</tr>', [(name, _cells(series, at, say)) for at, name in enumerate(labels)]
    )
    return pieces.folded(len(labels), pieces.table(title, heads, rows, " plot-long" if len(labels) > 24 else ""))


def _cells(series: Sequence[Series], at: int, say: Numbers) -> SafeString:
    points = [one.points[at] if at < len(one.points) else None for one in series]
    cells = [(pieces.linked(pieces.value(one, say), one.href) if one else "",) for one in points]
    return pieces.joined('<td class="number plot-value">{}</td>', cells)

"""Charts of one figure a row: the table itself, with the drawing in one of its columns."""

from collections.abc import Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from annotate.charts import pieces
from annotate.charts.points import Point
from annotate.charts.scale import Numbers, Scale, numbers, scale

#: More rows than these scroll within the figure.
MANY = 24


def dots(
    title: str,
    points: Sequence[Point],
    *,
    low: float | None = None,
    high: float | None = None,
    mark: float | None = None,
    mark_label: str = "",
    unit: str = "",
) -> SafeString:
    """A dot and its interval for each point, one a row. `mark`: a line to compare with. `unit`: "%" or words."""
    if not points:
        return pieces.empty("plot-dots", title)
    found = [*_numbers(points), *([] if mark is None else [mark])]
    along, say = scale(found, low, high, unit, 2), numbers(found, unit)
    line = pieces.NOTHING if mark is None else _line(along.at(mark), "mark")
    rows = [(one, line + _interval(one, along) + _dot(one, along)) for one in points]
    return pieces.figure("plot-dots", title, _key(mark, mark_label, say), _table(title, rows, along, say))


def bars(title: str, points: Sequence[Point], *, unit: str = "") -> SafeString:
    """A bar from zero for each point."""
    if not points:
        return pieces.empty("plot-bars", title)
    found = _numbers(points)
    along = scale([0.0, *found], None, None, "" if unit == "%" and max(found, default=1) < 0.4 else unit, 2)
    rows = [(one, _bar(one, along) + _interval(one, along)) for one in points]
    return pieces.figure("plot-bars", title, _table(title, rows, along, numbers(found, unit)))


def _numbers(points: Sequence[Point]) -> list[float]:
    return [number for one in points for number in one.numbers]


def _line(at: float, sort: str) -> SafeString:
    return format_html('<line class="{0}" x1="{1}%" x2="{1}%" y1="0" y2="100%"/>', sort, at)


def _interval(point: Point, along: Scale) -> SafeString:
    if point.value is None or point.low is None or point.high is None:
        return pieces.NOTHING
    begin, end = along.at(point.low), along.at(point.high)
    return format_html('<line class="interval" x1="{}%" x2="{}%" y1="50%" y2="50%"/>', begin, end)


def _dot(point: Point, along: Scale) -> SafeString:
    if point.value is None:
        return pieces.NOTHING
    return format_html('<circle class="dot" cx="{}%" cy="50%" r="5"/>', along.at(point.value))


def _bar(point: Point, along: Scale) -> SafeString:
    if point.value is None:
        return pieces.NOTHING
    begin, end = sorted((along.at(0), along.at(point.value)))
    return format_html('<rect class="bar" x="{}%" width="{}%" y="22%" height="56%"/>', begin, round(end - begin, 2))


def _key(mark: float | None, label: str, say: Numbers) -> SafeString:
    """What the line to compare with is."""
    if mark is None:
        return pieces.NOTHING
    return format_html(
        '<p class="plot-key"><svg class="swatch" aria-hidden="true" focusable="false">{}</svg> {} <bdi>{}</bdi></p>',
        _line(50, "mark"),
        label,
        say.say(mark),
    )


def _table(title: str, rows: Sequence[tuple[Point, SafeString]], along: Scale, say: Numbers) -> SafeString:
    counted = any(point.count is not None for point, _drawing in rows)
    heads = [
        format_html('<td><span class="visually-hidden">{}</span></td>', _("Name")),
        format_html('<td class="plot-cell" aria-hidden="true">{}</td>', _axis(along, say)),
        pieces.head(say.unit if say.unit not in {"", "%"} else _("Value"), "number"),
    ]
    if counted:
        heads.append(pieces.head(_("Count"), "number"))
    ground = pieces.joined('<line class="grid" x1="{0}%" x2="{0}%" y1="0" y2="100%"/>', _places(along))
    body = pieces.together(_row(point, ground + drawing, say, counted) for point, drawing in rows)
    return pieces.table(title, heads, body, " plot-rows plot-long" if len(rows) > MANY else " plot-rows")


def _places(along: Scale) -> list[tuple[object, ...]]:
    return [(along.at(tick),) for tick in along.ticks(2)]


def _axis(along: Scale, say: Numbers) -> SafeString:
    """The numbers over the column."""
    return format_html('<svg class="plot-axis" focusable="false">{}</svg>', pieces.ticks(along, say, "75%"))


def _row(point: Point, drawing: SafeString, say: Numbers, counted: bool) -> SafeString:
    count = "" if point.count is None else Numbers("", 0).bare(point.count)
    return format_html(
        '<tr><th scope="row" dir="auto">{}</th><td class="plot-cell" aria-hidden="true">'
        '<svg class="plot-row" focusable="false">{}</svg></td><td class="number plot-value">{}</td>{}</tr>',
        pieces.linked(point.label, point.href),
        drawing,
        pieces.value(point, say),
        format_html('<td class="number">{}</td>', count) if counted else "",
    )

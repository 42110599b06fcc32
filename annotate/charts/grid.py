"""A table of shares, each cell tinted by its value."""

from collections.abc import Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from annotate.charts import pieces
from annotate.charts.points import Point
from annotate.charts.scale import numbers


def matrix(
    title: str, rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[Point | None]]
) -> SafeString:
    """A table of shares (0 to 1), each cell tinted by its value and with its number; None is an empty cell."""
    if not rows or not columns:
        return pieces.empty("plot-matrix", title)
    corner = format_html('<td><span class="visually-hidden">{}</span></td>', _("Name"))
    heads = [corner, *(format_html('<th scope="col" dir="auto"><span>{}</span></th>', name) for name in columns)]
    body = pieces.joined(
        '<tr><th scope="row" dir="auto">{}</th>{}</tr>',
        [(name, pieces.together(map(_cell, found))) for name, found in zip(rows, cells, strict=True)],
    )
    return pieces.figure("plot-matrix", title, pieces.table(title, heads, body), _beside(title, rows, columns, cells))


def _beside(
    title: str, rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[Point | None]]
) -> SafeString:
    """The same with intervals, a row for each cell: there is no room for them in the grid."""
    there = [
        (row, column, pieces.value(point, numbers([1.0], "%")), "" if point.count is None else point.count)
        for row, found in zip(rows, cells, strict=True)
        for column, point in zip(columns, found, strict=True)
        if point is not None and point.value is not None
    ]
    if not there:
        return pieces.NOTHING
    body = pieces.joined(
        '<tr><th scope="row" dir="auto">{}</th><th scope="row" dir="auto">{}</th>'
        '<td class="number">{}</td><td class="number">{}</td></tr>',
        there,
    )
    heads = [
        *(pieces.head(name) for name in (_("Row"), _("Column"))),
        *(pieces.head(name, "number") for name in (_("Share, with its interval"), _("Of"))),
    ]
    summary = format_html("<summary>{}</summary>", _("With intervals"))
    return format_html("<details>{}{}</details>", summary, pieces.table(title, heads, body))


def _cell(point: Point | None) -> SafeString:
    if point is None:
        return SafeString("<td></td>")
    if point.value is None:
        return format_html('<td class="number" title="{}">?</td>', _("not enough data"))
    say = numbers([1.0], "%")
    told = [say.interval(point.low, point.high), "" if point.count is None else _("of %s") % point.count]
    return format_html(
        '<td class="number tint-{}" title="{}">{}</td>',
        round(10 * min(max(point.value, 0), 1)),
        " · ".join(filter(None, told)),
        pieces.linked(say.say(point.value), point.href),
    )

"""What all charts are put together from."""

from collections.abc import Iterable

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from annotate.charts.points import Point
from annotate.charts.scale import Numbers, Scale

NOTHING = SafeString("")


def joined(template: str, rows: Iterable[tuple[object, ...]]) -> SafeString:
    """The rows one after the other, each filled into the template and escaped."""
    return format_html_join("", template, rows)


def together(parts: Iterable[SafeString]) -> SafeString:
    """What is safe already, one after the other."""
    return joined("{}", ((part,) for part in parts))


def figure(sort: str, title: str, *parts: SafeString) -> SafeString:
    inside = together(parts)
    return format_html('<figure class="plot {}"><figcaption>{}</figcaption>{}</figure>', sort, title, inside)


def empty(sort: str, title: str) -> SafeString:
    """A chart of nothing."""
    return figure(sort, title, format_html('<p class="meta">{}</p>', _("Nothing to draw yet.")))


def linked(text: str | SafeString, href: str) -> SafeString:
    """The text as a link to the labels behind it, where there are any."""
    return format_html('<a href="{}">{}</a>', href, text) if href else format_html("{}", text)


def value(point: Point, say: Numbers) -> SafeString:
    """A figure and its interval, in words where there is none."""
    if point.value is None:
        return format_html('<span class="meta">{}</span>', _("not enough data"))
    interval = say.interval(point.low, point.high)
    beside = format_html(' <bdi dir="ltr" class="meta">{}</bdi>', interval) if interval else NOTHING
    return format_html('<bdi dir="ltr">{}</bdi>{}', say.say(point.value), beside)


def table(title: str, heads: Iterable[SafeString], body: SafeString, more: str = "") -> SafeString:
    """A table that scrolls by itself, also with the keyboard. `more`: further classes, each after a space."""
    return format_html(
        '<div class="scroll{}" tabindex="0" role="region" aria-label="{}"><table class="table">'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>",
        more,
        title,
        together(heads),
        body,
    )


def head(text: str, sort: str = "") -> SafeString:
    return format_html('<th scope="col"{}>{}</th>', format_html(' class="{}"', sort) if sort else "", text)


def anchor(at: float) -> str:
    """The outer ones of the texts over a drawing stay inside."""
    return "start" if at < 8 else "end" if at > 92 else "middle"


def ticks(along: Scale, say: Numbers, down: str) -> SafeString:
    """Numbers along a drawing, the unit with the last of them."""
    *others, last = [one for one in along.ticks(2) if say.exact(one)] or along.ticks(2)
    texts = [*(say.bare(one) for one in others), say.say(last)]
    places = [along.at(one) for one in (*others, last)]
    rows = [(anchor(at), at, down, text) for at, text in zip(places, texts, strict=True)]
    return joined('<text text-anchor="{}" x="{}%" y="{}">{}</text>', rows)


def folded(rows: int, content: SafeString) -> SafeString:
    """The table beneath a drawing: open where it is short."""
    return format_html(
        "<details{}><summary>{}</summary>{}</details>",
        SafeString(" open") if rows <= 8 else "",
        _("As a table"),
        content,
    )

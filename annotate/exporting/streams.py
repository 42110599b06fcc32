"""The verbs: labels as rows, as a file, or only counted. What was asked is checked before the first byte."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from annotate.exporting import reading, registry
from annotate.exporting.base import Counts, Format, Labelled, Row
from annotate.exporting.containers import CONTAINERS
from annotate.exporting.reading import Depth, Span
from annotate.models import Queue


def stream(
    queue: Queue,
    format_name: str,
    options: Mapping[str, Any] | None = None,
    container: str = "jsonl",
    since: int = 0,
    counts: Counts | None = None,
) -> Iterator[bytes]:
    """A queue's labels as a file, in pieces, in flat memory: those that stand now, with ids after `since`.

    `counts`, if given, is filled on the way. Raises ValidationError by field: format, container, options.
    """
    chosen = CONTAINERS.get(container)
    if chosen is None:
        raise ValidationError({"container": [_("Choose one of: %s.") % ", ".join(CONTAINERS)]})
    form = _format(queue, format_name)
    return chosen.write(_rows(queue, form, options, since, counts), form.schema)


def rows(
    queue: Queue, format_name: str, options: Mapping[str, Any] | None = None, since: int = 0
) -> Iterator[dict[str, Any]]:
    """The rows of `stream` by their columns' names, for whoever wants to look at a few."""
    form = _format(queue, format_name)
    found = _rows(queue, form, options, since, None)
    return (dict(zip(form.schema.names, row, strict=True)) for row in found)


def count(queue: Queue, format_name: str, options: Mapping[str, Any] | None = None, since: int = 0) -> Counts:
    """How many rows `stream` would write, and what it would leave out. Reads no texts but the labels' own."""
    form, counts = _format(queue, format_name), Counts()
    labels = reading.labels(_span(queue, form, options, since), Depth.COUNT)
    for _row in _picked(form.configured(_checked(form, options or {})), labels, counts):
        pass  # counted on the way
    return counts


def _rows(
    queue: Queue, form: Format[Any], options: Mapping[str, Any] | None, since: int, counts: Counts | None
) -> Iterator[Row]:
    labels = reading.labels(_span(queue, form, options, since), Depth.ALL if form.tells_all else Depth.TEXTS)
    form = form.configured(_checked(form, options or {}))
    picked = _picked(form, labels, Counts() if counts is None else counts)
    return (form.row(label, pick) for label, pick in picked)


def _picked(form: Format[Any], labels: Iterator[Labelled], counts: Counts) -> Iterator[tuple[Labelled, Any]]:
    for label in labels:
        before = counts.rows
        for pick in form.picks(label, counts):
            counts.rows += 1
            yield label, pick
        counts.labels += 1
        counts.labels_without_rows += counts.rows == before


def _span(queue: Queue, form: Format[Any], options: Mapping[str, Any] | None, since: int) -> Span:
    amended = form.wants_amended(_checked(form, options or {}))
    return Span(queue, since, reading.horizon(queue), amended)


def _format(queue: Queue, name: str) -> Format[Any]:
    fitting = {form.name: form for form in registry.for_kind(queue.way)}
    if name not in fitting:
        raise ValidationError({"format": [_("This queue's labels can be written as: %s.") % ", ".join(fitting)]})
    return fitting[name]


def _checked(form: Format[Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a format, with the defaults for those left out. Raises ValidationError by option."""
    known = form.options_form.base_fields
    if unknown := sorted(options.keys() - known.keys()):
        raise ValidationError({name: [_("This format has no such option.")] for name in unknown})
    given = form.options_form(data={**{name: field.initial for name, field in known.items()}, **options})
    if not given.is_valid():
        raise ValidationError({name: list(messages) for name, messages in given.errors.items()})
    return given.cleaned_data

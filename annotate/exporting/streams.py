"""The verbs: labels as rows, as a file, or only counted. What was asked is checked before the first byte.

labels (reading) -> combined (combining) -> one split -> picks (the format) -> what is too long or known from an
evaluation set is left out (lengths, decontamination) -> rows (the format) -> a file (containers)
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice
from operator import attrgetter
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from msgspec import Struct

from annotate import consensus
from annotate.exporting import combining, decontamination, lengths, reading, templates
from annotate.exporting.asking import Ask, ask
from annotate.exporting.base import Counts, Format, Labelled, PromptFacts, Row, Unwritable
from annotate.exporting.containers import CONTAINERS
from annotate.exporting.reading import Depth, Span
from annotate.exporting.splits import Splits
from annotate.models import Queue

type Picked = tuple[Labelled, Any]


class Example(Struct, frozen=True, gc=False):
    """A row, the split it is in, and the prompt it is about."""

    split: str
    prompt: PromptFacts
    row: Row


def stream(
    queue: Queue,
    format_name: str,
    options: Mapping[str, Any] | None = None,
    container: str = "jsonl",
    since: int = 0,
    counts: Counts | None = None,
) -> Iterator[bytes]:
    """A queue's labels as a file, in pieces, in flat memory: those that stand now, with ids after `since`.

    `options` are the format's and the common ones (`asking.CommonOptions`), side by side.
    `counts`, if given, is filled on the way. Raises ValidationError by field: format, container, options.
    """
    return written(ask(queue, format_name, options, since), container, counts)


def written(asked: Ask, container: str = "jsonl", counts: Counts | None = None) -> Iterator[bytes]:
    """As `stream`, of what was asked before."""
    chosen = CONTAINERS.get(container)
    if chosen is None:
        raise ValidationError({"container": [_("Choose one of: %s.") % ", ".join(CONTAINERS)]})
    rows = _rows(asked, Counts() if counts is None else counts)
    # What a file of the team's does wrong is told before the first byte, if it does so at the first row.
    return chosen.write(_begun(rows) if asked.assets else rows, asked.format.schema)


def rows(
    queue: Queue, format_name: str, options: Mapping[str, Any] | None = None, since: int = 0
) -> Iterator[dict[str, Any]]:
    """The rows of `stream` by their columns' names, for whoever wants to look at a few."""
    asked = ask(queue, format_name, options, since)
    names = asked.format.schema.names
    return (dict(zip(names, row, strict=True)) for row in _rows(asked, Counts()))


def count(queue: Queue, format_name: str, options: Mapping[str, Any] | None = None, since: int = 0) -> Counts:
    """How many rows `stream` would write, and what it would leave out.

    Reads no texts but the labels' own, unless they are needed to tell. Raises ValidationError by field.
    """
    asked, counts = ask(queue, format_name, options, since), Counts()
    for _label, _pick in _found(asked, counts, _counting_depth(asked), _splits(asked)):
        pass  # counted on the way
    return counts


def rejected_left_out(asked: Ask) -> int:
    """How many labels it leaves out because a reviewer rejected them; counted once."""
    if "rejected" not in asked.counted:
        asked.counted["rejected"] = reading.rejected_left_out(_span(asked, Depth.COUNT))
    return asked.counted["rejected"]


def examples(asked: Ask, counts: Counts) -> Iterator[Example]:
    """The rows that are asked for, in the order of their labels; `counts` is filled on the way.

    Two equal asks give equal rows in the same order, whatever was labelled or reviewed in between.
    """
    row, splits = _row(asked.format), _splits(asked)
    found = _found(asked, counts, _depth(asked.format), splits)
    return (Example(splits.of(label.prompt), label.prompt, row(label, pick)) for label, pick in found)


def _rows(asked: Ask, counts: Counts) -> Iterator[Row]:
    row = _row(asked.format)
    found = _found(asked, counts, _depth(asked.format), _splits(asked))
    return (row(label, pick) for label, pick in found)


def _begun(rows: Iterator[Row]) -> Iterator[Row]:
    """The same, the first row made already."""
    return chain(list(islice(rows, 1)), rows)


def _row(form: Format[Any]) -> Callable[[Labelled, Any], Row]:
    """What makes a row of a pick; where a format may refuse, `_certain` made it. Then come the columns it has more."""
    row: Callable[[Labelled, Any], Row] = (lambda _label, row: row) if form.may_refuse else form.row
    if not form.more:
        return row
    more = [attrgetter(name) for name in form.more]
    return lambda label, pick: (*row(label, pick), *(one(label) for one in more))


def _splits(asked: Ask) -> Splits:
    """With what the held-out prompts ask, among all labels up to the horizon, so that it's the same each time."""
    splits = asked.splits
    if not splits.held_out:
        return splits
    return replace(splits, held=reading.held(asked.queue, asked.label_horizon, splits.held_out))


def _depth(form: Format[Any]) -> Depth:
    return Depth.ALL if form.tells_all else Depth.TEXTS


def _counting_depth(asked: Ask) -> Depth:
    common, form = asked.common, asked.format
    if form.may_refuse:
        return _depth(form)
    together = common["raters"] != combining.EACH
    by_text = asked.is_split or common["max_tokens"] or common["benchmarks"] or form.picks_by_prompt
    return Depth.TEXTS if together or by_text else Depth.COUNT


def _found(asked: Ask, counts: Counts, depth: Depth, splits: Splits) -> Iterator[Picked]:
    """The label and the pick of each row. Raises ValidationError by option where a file of the team's is of no use."""
    try:
        yield from _chosen(asked, counts, depth, splits)
    except templates.Stuck as error:
        raise ValidationError({"template": [str(error)]}) from error
    except lengths.Uncountable as error:
        raise ValidationError({"tokenizer": [str(error)]}) from error
    except decontamination.Unfit as error:
        raise ValidationError({"benchmarks": [str(error)]}) from error


def _chosen(asked: Ask, counts: Counts, depth: Depth, splits: Splits) -> Iterator[Picked]:
    picked = _picked(asked.format, _labels(asked, counts, depth, splits), counts)
    if sets := asked.benchmarks:
        picked = decontamination.without_known(picked, asked.format, sets, asked.common["ngram"], counts)
    if most := asked.common["max_tokens"]:
        picked = lengths.without_long(picked, asked.format, most, asked.tokenizer, counts)
    if asked.format.may_refuse:
        picked = _certain(picked, asked.format, counts)
    return _by_split(picked, splits, counts) if asked.is_split else picked


def _certain(picked: Iterator[Picked], form: Format[Any], counts: Counts) -> Iterator[Picked]:
    """With its row in place of each pick; without those of which the format can make none."""
    for label, pick in picked:
        try:
            yield label, form.row(label, pick)
        except templates.Stuck:
            raise
        except Unwritable as error:
            counts.leave_out(label.prompt.key, "unrenderable", str(error))


def _by_split(picked: Iterator[Picked], splits: Splits, counts: Counts) -> Iterator[Picked]:
    """The same, counted by split."""
    for one in picked:
        name = splits.of(one[0].prompt)
        counts.splits[name] = counts.splits.get(name, 0) + 1
        yield one


def _labels(asked: Ask, counts: Counts, depth: Depth, splits: Splits) -> Iterator[Labelled]:
    span = _span(asked, depth)
    counts.checks_left_out = reading.checks_left_out(span)
    counts.rejected_left_out = rejected_left_out(asked)
    method = asked.common["raters"]
    if method == combining.EACH:
        labels = reading.labels(span, depth)
    else:
        learned = consensus.get(method).fitted(asked.queue, asked.label_horizon, asked.checks)
        labels = combining.combined(reading.tasks(span, depth), learned, counts)
    wanted = asked.common["split"]
    return (label for label in labels if splits.of(label.prompt) == wanted) if wanted else labels


def _span(asked: Ask, depth: Depth) -> Span:
    common, form = asked.common, asked.format
    return Span(
        asked.queue,
        asked.since,
        asked.label_horizon,
        form.wants_amended(asked.options),
        asked.review_horizon,
        {**common, "reviewed": asked.reviewed},
        common["fold_system"],
        asked.checks,
        asked.leaves_out_checks,
        "agreement" in form.schema.names and depth is not Depth.COUNT,
    )


def _picked(form: Format[Any], labels: Iterable[Labelled], counts: Counts) -> Iterator[Picked]:
    keeps_empty = form.keeps_empty
    for label in labels:
        nothing = True
        for pick in form.picks(label, counts):
            if not keeps_empty and not all(map(str.strip, form.answers(label, pick))):
                counts.empty_dropped += 1
                continue
            nothing = False
            counts.rows += 1
            yield label, pick
        read = len(label.votes) or 1
        counts.labels += read
        counts.labels_without_rows += nothing * read

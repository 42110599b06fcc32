"""Segments: a queue's labels as columns in a few rows of the database, so that a label is read once.

The segments of a queue are a chain: each begins after the last label of the one before. The order of labels and of
responses runs through the chain, so a response is held once, by the segment that first has it in a comparison.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any
from zlib import crc32

import msgspec
import numpy as np
import pyarrow as pa
from django.db import connection, transaction
from numpy.typing import NDArray

from annotate.models import Queue, Segment

type Array = NDArray[Any]

#: Counted up when a column changes its meaning.
RULES = 2
#: Labels in a segment; one that is longer is begun no more.
MOST_LABELS = 50_000

#: Blocks of columns, those of one block being of one length. The types are those stored.
LABELS = {
    "label": np.int64,
    "task": np.int64,
    "prompt": np.int64,
    "annotator": np.int64,
    "supersedes": np.int64,
    "guideline": np.int32,
    "created": np.float64,
    "seconds": np.float64,
    "category": np.int32,
    "fixed": np.bool_,
    "offered": np.int16,
}
SAID = {"said_label": np.int32, "said_measure": np.int16, "said_item": np.int32, "said_value": np.float64}
WON = {
    "won_label": np.int32,
    "winner": np.int64,
    "loser": np.int64,
    "tie": np.bool_,
    "strength": np.int8,
    "winner_place": np.int8,
    "loser_place": np.int8,
}
RESPONSES = {
    "response": np.int64,
    "model": np.int32,
    "prompt_of": np.int64,
    "length": np.int32,
    "lists": np.int32,
    "bold": np.int32,
    "headers": np.int32,
    "code": np.int32,
}
TYPES: dict[str, Any] = {**LABELS, **SAID, **WON, **RESPONSES}
#: Texts that a column has numbers for.
WORDS = {"category": "categories", "said_measure": "measures", "said_item": "items", "model": "models"}
#: Columns that point at labels, counted from the first of the segment. `winner` and `loser` count from the chain's.
POINTERS = ("said_label", "won_label")


@dataclass(frozen=True, slots=True)
class Piece:
    """Labels of a chain as columns, see `TYPES`; `words`: by the names in `WORDS`."""

    columns: dict[str, Array]
    words: dict[str, list[str]]

    @property
    def labels(self) -> int:
        return len(self.columns["label"])

    @property
    def responses(self) -> int:
        return len(self.columns["response"])


def empty() -> Piece:
    return Piece({name: np.empty(0, kind) for name, kind in TYPES.items()}, {name: [] for name in WORDS.values()})


def joined(pieces: Sequence[Piece]) -> Piece:
    """Pieces that follow each other in a chain as one."""
    if len(pieces) == 1:
        return pieces[0]
    pieces = pieces or [empty()]
    words = {name: _union(one.words[name] for one in pieces) for name in WORDS.values()}
    starts = [0, *accumulate(one.labels for one in pieces)]
    columns = {}
    for name in TYPES:
        parts = [one.columns[name] for one in pieces]
        if name in WORDS:
            parts = [_recoded(one, name, words) for one in pieces]
        if name in POINTERS:
            parts = [part + np.int32(start) for part, start in zip(parts, starts, strict=False)]
        columns[name] = np.concatenate(parts)
    return Piece(columns, words)


def _union(lists: Iterable[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(word for words in lists for word in words))


def _recoded(piece: Piece, name: str, words: dict[str, list[str]]) -> Array:
    """A column of numbers for words, with the numbers they have in `words`."""
    theirs = {word: code for code, word in enumerate(words[WORDS[name]])}
    codes = np.array([theirs[word] for word in piece.words[WORDS[name]]], TYPES[name])
    found: Array = codes[piece.columns[name]]
    return found


# --- Bytes -----------------------------------------------------------------------------------------------------------


def packed(piece: Piece) -> bytes:
    """As Arrow's stream format: one row of lists, compressed by Zstandard."""
    lists = {name: _one_list(pa.array(_storable(column))) for name, column in piece.columns.items()}
    lists |= {name: _one_list(pa.array(words, pa.string())) for name, words in piece.words.items()}
    batch = pa.record_batch(list(lists.values()), names=list(lists))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def unpacked(data: bytes | memoryview) -> Piece:
    """What was packed."""
    batch = pa.ipc.open_stream(pa.py_buffer(data)).read_next_batch()
    lists = {name: batch.column(name).values for name in batch.schema.names}
    columns = {name: lists[name].to_numpy() for name in TYPES}
    columns = {name: one.view(np.bool_) if TYPES[name] is np.bool_ else one for name, one in columns.items()}
    return Piece(columns, {name: lists[name].to_pylist() for name in WORDS.values()})


def _storable(column: Array) -> Array:
    return column.view(np.uint8) if column.dtype == np.bool_ else column


def _one_list(values: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)


# --- Rows ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Link:
    """A piece and where it stands in its queue; `pk` is 0 as long as it is not kept."""

    after: int
    last: int
    piece: Piece
    pk: int = 0


@dataclass(slots=True)
class Chain:
    """A queue's segments, from its first label on."""

    queue: Queue
    links: list[Link] = field(default_factory=list)

    @property
    def last(self) -> int:
        """The newest label that they hold."""
        return self.links[-1].last if self.links else 0

    @property
    def responses(self) -> int:
        return sum(link.piece.responses for link in self.links)

    def numbers(self, ids: Array) -> Array:
        """The number that each of these responses has in the chain; -1 for one it has not met."""
        known = np.concatenate([np.empty(0, np.int64), *(link.piece.columns["response"] for link in self.links)])
        order = np.argsort(known)
        found = np.searchsorted(known, ids, sorter=order)
        inside = np.minimum(found, max(0, len(known) - 1))
        there = known[order[inside]] == ids if len(known) else np.zeros(len(ids), np.bool_)
        numbers: Array = np.where(there, order[inside] if len(known) else -1, -1)
        return numbers

    def whole(self) -> Piece:
        return joined([link.piece for link in self.links])

    def add(self, piece: Piece) -> None:
        """Put more labels behind the last, and keep them.

        Shorter segments before them are taken in, so that there are few of them however seldom labels come, and yet
        each label is written a few times at most.
        """
        self.links.append(Link(self.last, int(piece.columns["label"][-1]), piece))
        merged = self.links[_begin_of_last(self.links) :]
        link = Link(merged[0].after, merged[-1].last, joined([one.piece for one in merged]))
        if self._keep(link, [one.pk for one in merged if one.pk]):
            self.links[-len(merged) :] = [link]

    def _keep(self, link: Link, instead: Sequence[int]) -> bool:
        """Store it in place of those it takes in. False where another process was quicker: then nobody's work is lost,
        as theirs is the same and this chain has its own in hand.
        """
        before = [one.pk for one in self.links if one.last <= link.after]
        with transaction.atomic():
            if not _try_lock(self.queue):
                return False
            rows = list(_rows(self.queue).values_list("pk", flat=True))
            if rows != before + list(instead):
                return False
            Segment.objects.filter(queue=self.queue).exclude(pk__in=before).delete()
            row = Segment(queue=self.queue, after=link.after, last=link.last, rules=rules_of(self.queue))
            row.labels, row.data = link.piece.labels, packed(link.piece)
            row.save(force_insert=True)
            link.pk = row.pk
        return True


def _begin_of_last(links: Sequence[Link]) -> int:
    """Where the links begin that are made one: from the end on, while those before are at most twice as many labels."""
    begin, labels = len(links) - 1, links[-1].piece.labels
    while begin and links[begin - 1].piece.labels <= min(2 * labels, MOST_LABELS - labels):
        begin -= 1
        labels += links[begin].piece.labels
    return begin


def stored(queue: Queue, horizon: int) -> Chain:
    """The queue's segments that hold labels up to `horizon`."""
    with connection.cursor() as cursor:
        # Bytes as bytes: in the text form they are twice as long, and have to be read digit by digit.
        raw = cursor.connection.cursor(binary=True)
        raw.execute(_STORED, [queue.pk, rules_of(queue), horizon])
        links = [Link(after, last, unpacked(data), pk) for pk, after, last, data in raw]
    if any(one.last != following.after for one, following in pairwise([Link(0, 0, empty()), *links])):
        drop(queue)  # somebody took rows away by hand
        links = []
    return Chain(queue, links)


_STORED = """
SELECT id, after, last, data FROM annotate_segment WHERE queue_id = %s AND rules = %s AND after < %s ORDER BY after
"""


def drop(queue: Queue) -> int:
    """Throw a queue's segments away; they are made anew when next asked for. How many there were."""
    return Segment.objects.filter(queue=queue).delete()[0]


def rules_of(queue: Queue) -> int:
    """A number that is another one where labels would give other columns: of our rules, the kind and its options."""
    options = msgspec.json.encode([RULES, queue.kind, queue.options], order="sorted")
    return crc32(options) & 0x7FFF_FFFF


def _rows(queue: Queue) -> Any:
    return Segment.objects.filter(queue=queue, rules=rules_of(queue)).order_by("after")


def _try_lock(queue: Queue) -> bool:
    """Whether nobody else stores segments of the queue until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('segments'), %s)", [queue.pk % 2**31])
        ((alone,),) = cursor.fetchall()
    return bool(alone)

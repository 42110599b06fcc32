"""Reads new labels and makes a `Piece` of them: what each says, whom it prefers, and what the responses are like.

Labels come in short pages, each statement a transaction of its own, as in `exporting.reading`. Many answers are the
same to the letter: each is asked of its kind once, and the arrays are made of these by number.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain as chained
from typing import Any, NamedTuple

import msgspec
import numpy as np
from django.db import connection
from psycopg.pq import Format

from annotate.kinds import Kind, by_chance, letters_for
from annotate.models import Queue
from annotate.quality import style
from annotate.quality.segments import LABELS, MOST_LABELS, RESPONSES, SAID, WON, WORDS, Array, Chain, Piece

#: Labels in a page; fewer where texts are long, and the first is short, as nobody knows yet how long they are.
FIRST_PAGE, LONGEST_PAGE = 500, 5_000
PAGE_CHARACTERS = 8_000_000
#: Answers longer than this are hardly ever given twice.
LONGEST_COMMON = 500

HUMAN = "human"
#: where a text that an annotator wrote was shown, and any response where nobody knows
NOWHERE = -1

# The columns of `LABELS` in their order, then the answer. Lease 0: the file does not say what order it was given in.
_PAGE = """
SELECT l.id, l.task_id, t.prompt_id, l.annotator_id, coalesce(l.supersedes_id, 0), coalesce(l.guideline_id, 0),
       extract(epoch FROM l.created_at)::float8, l.active_seconds, r.category,
       l.supersedes_id IS NOT NULL
       AND l.annotator_id <> (SELECT s.annotator_id FROM annotate_label s WHERE s.id = l.supersedes_id),
       cardinality(t.response_ids), {answer}
FROM annotate_label l
JOIN annotate_task t ON t.id = l.task_id
JOIN annotate_prompt r ON r.id = t.prompt_id
WHERE l.queue_id = %s AND l.id > %s AND l.id <= %s ORDER BY l.id LIMIT %s
"""
_ANSWER = "l.payload::text, l.shown, t.response_ids, l.fence > 0"
_NONE = "'', '{}'::bigint[], '{}'::bigint[], false"
_GUIDELINES = "SELECT id, version FROM annotate_guideline WHERE project_id = %s"
_RESPONSES = """
SELECT id, CASE WHEN model = '' AND author_id IS NOT NULL THEN 'human' ELSE model END, prompt_id, text
FROM annotate_response WHERE id = ANY(%s::bigint[]) ORDER BY id
"""


def pieces(chain: Chain, horizon: int) -> Iterator[Piece]:
    """The labels that a chain does not hold yet, up to `horizon`; each piece is to be put behind it at once."""
    size = FIRST_PAGE
    while chain.last < horizon:
        gathered = _Gathered(chain.queue)
        while gathered.labels < MOST_LABELS:
            after = gathered.last or chain.last
            rows = gathered.read(after, horizon, min(size, MOST_LABELS - gathered.labels))
            if not rows:
                break
            size = max(1, min(2 * size, size * PAGE_CHARACTERS // max(1, gathered.characters), LONGEST_PAGE))
        if not gathered.labels:
            return
        yield gathered.piece(chain)


class _Codes(dict[str, int]):
    """Words by number, in the order in which they were met."""

    def __missing__(self, word: str) -> int:
        return self.setdefault(word, len(self))


#: What is told of a response, in the order of `RESPONSES`, but the model's name for its number.
type _Fact = tuple[int, str, int, int, int, int, int, int]


class _Pair(NamedTuple):
    """A comparison of two responses by their place in the task; `len` of these for one that was written."""

    winner: int
    loser: int
    tie: bool
    strength: int
    winner_place: int
    loser_place: int


@dataclass(slots=True)
class _Answers:
    """Every answer that was met, once: its opinions and its comparisons, one answer after the other."""

    kind: Kind
    options: dict[str, Any]
    measures: _Codes = field(default_factory=_Codes)
    items: _Codes = field(default_factory=_Codes)
    known: dict[tuple[str, tuple[int, ...]], int] = field(default_factory=dict)
    said: list[tuple[int, int, float]] = field(default_factory=list)
    pairs: list[_Pair] = field(default_factory=list)
    #: by answer: how many opinions and comparisons it has, and the style of what it wrote
    opinions: list[int] = field(default_factory=list)
    comparisons: list[int] = field(default_factory=list)
    written: dict[int, style.Style] = field(default_factory=dict)

    def number(self, payload: str, shown: Sequence[int], responses: Sequence[int]) -> int:
        """The number of an answer whose letters are those of `shown`; it is kept by the order of `responses`."""
        order = tuple(map(responses.index, shown)) if shown != responses else _as_they_are(len(responses))
        found = self.known.get((payload, order))
        if found is None:
            found = self._add(payload, order)
            if len(payload) <= LONGEST_COMMON:
                self.known[payload, order] = found
        return found

    def _add(self, payload: str, order: tuple[int, ...]) -> int:
        names = letters_for(len(order))
        answer = self.kind.rename(_decode(payload), {one: names[nth] for one, nth in zip(names, order, strict=True)})
        said = [
            (self.measures[one.measure], self.items[one.item], one.value)
            for one in self.kind.opinions(answer, names, self.options)
        ]
        pairs = list(self._pairs(answer, names, order))
        self.said += said
        self.pairs += pairs
        self.opinions.append(len(said))
        self.comparisons.append(len(pairs))
        for text in self.kind.written(answer).values():
            self.written[len(self.opinions) - 1] = style.of(text)
        return len(self.opinions) - 1

    def _pairs(self, answer: dict[str, Any], names: list[str], order: tuple[int, ...]) -> Iterator[_Pair]:
        nth = {name: place for place, name in enumerate(names)}
        shown = {one: place for place, one in enumerate(order)}
        for one in chained(self.kind.comparisons(answer), self.kind.outdone(answer)):
            winner, loser = nth.get(one.winner, len(names)), nth.get(one.loser, len(names))
            places = shown.get(winner, NOWHERE), shown.get(loser, NOWHERE)
            yield _Pair(winner, loser, one.tie, one.strength or 0, *places)


_decode = msgspec.json.Decoder(dict[str, Any]).decode


@cache
def _as_they_are(many: int) -> tuple[int, ...]:
    return tuple(range(many))


class _Gathered:
    """Labels on the way to a piece."""

    def __init__(self, queue: Queue) -> None:
        kind = queue.way
        self.queue, self.answers = queue, _Answers(kind, queue.options)
        #: Only an answer that something is made of is read.
        self.speaks = kind.has("opinions") or kind.has("comparisons")
        self.categories = _Codes()
        self.facts: dict[str, list[Array]] = {name: [] for name in LABELS}
        self.answer_of: list[int] = []
        self.responses_of: list[Sequence[int]] = []
        self.in_order: list[bool] = []
        self.labels = self.last = self.characters = 0

    def read(self, after: int, horizon: int, limit: int) -> int:
        """Read a page; how many labels it had."""
        page = _PAGE.format(answer=_ANSWER if self.speaks else _NONE)
        rows = _read(page, [self.queue.pk, after, horizon, limit])
        if not rows:
            return 0
        *facts, payloads, shown, responses, in_order = zip(*rows, strict=True)
        for name, values in zip(LABELS, facts, strict=True):
            coded = list(map(self.categories.__getitem__, values)) if name == "category" else values
            self.facts[name].append(np.array(coded, LABELS[name]))
        self.characters = sum(map(len, payloads))
        if self.speaks:
            named = list(map(by_chance, responses))
            self.answer_of += map(self.answers.number, payloads, shown, named)
            self.responses_of += named
            self.in_order += in_order
        self.labels, self.last = self.labels + len(rows), rows[-1][0]
        return len(rows)

    def piece(self, chain: Chain) -> Piece:
        columns = {name: np.concatenate(parts) for name, parts in self.facts.items()}
        columns["guideline"] = self._versions(columns["guideline"])
        columns |= self._said() | self._won()
        told, models = self._responses(chain, columns)
        words = {
            WORDS["category"]: list(self.categories),
            WORDS["said_measure"]: list(self.answers.measures),
            WORDS["said_item"]: list(self.answers.items),
            WORDS["model"]: models,
        }
        return Piece(columns | told, words)

    def _versions(self, guideline: Array) -> Array:
        """The versions of guidelines, by id; 0 for none."""
        versions = {0: 0, **dict(_read(_GUIDELINES, [self.queue.project_id]))}
        ids, nth = np.unique(guideline, return_inverse=True)
        return np.array([versions[one] for one in ids.tolist()], LABELS["guideline"])[nth]

    def _said(self) -> dict[str, Array]:
        label, rows = _spread(self.answer_of, self.answers.opinions)
        measure, item, value = zip(*self.answers.said, strict=True) if self.answers.said else ((), (), ())
        found = {"said_measure": measure, "said_item": item, "said_value": value}
        return {"said_label": label} | {name: np.array(one, SAID[name])[rows] for name, one in found.items()}

    def _won(self) -> dict[str, Array]:
        """Comparisons; the two sides by the responses' ids for the time being."""
        label, rows = _spread(self.answer_of, self.answers.comparisons)
        pairs: Iterable[Any] = zip(*self.answers.pairs, strict=True)
        if not self.answers.pairs:
            pairs = [()] * len(_Pair._fields)
        columns = zip(_Pair._fields, pairs, strict=True)
        found: dict[str, Array] = {name: np.array(one, WON[name])[rows] for name, one in columns}
        many = np.fromiter(map(len, self.responses_of), np.int64, len(self.responses_of))
        every = np.fromiter(chained.from_iterable(self.responses_of), np.int64, many.sum())
        starts = np.cumsum(many) - many
        own = -1 - (np.concatenate(self.facts["label"]))
        for side in ("winner", "loser"):
            nth = found[side]
            shown = nth < many[label]
            found[side] = own[label]
            found[side][shown] = every[starts[label[shown]] + nth[shown]]
            found[f"{side}_place"][~np.array(self.in_order, np.bool_)[label]] = NOWHERE
        return {"won_label": label} | found

    def _responses(self, chain: Chain, columns: dict[str, Array]) -> tuple[dict[str, Array], list[str]]:
        """Facts of the responses that the chain has not met; the sides of comparisons become their numbers in it."""
        ids = np.concatenate([columns["winner"], columns["loser"]])
        met, nth = np.unique(ids, return_inverse=True)
        numbers = chain.numbers(met)
        new = met[numbers < 0]
        numbers[numbers < 0] = chain.responses + np.arange(len(new))
        columns["winner"], columns["loser"] = np.split(numbers[nth], 2)
        written = np.searchsorted(columns["label"], -1 - new[new < 0])
        return _told(new, [*self._written(written, columns), *_read_responses(new[new >= 0].tolist())])

    def _written(self, labels: Array, columns: dict[str, Array]) -> Iterator[_Fact]:
        """The texts that these labels (by place) wrote."""
        for one in labels.tolist():
            label, prompt = int(columns["label"][one]), int(columns["prompt"][one])
            yield -1 - label, HUMAN, prompt, *self.answers.written[self.answer_of[one]]


def _read_responses(ids: list[int]) -> Iterator[_Fact]:
    """What is told of these responses, which are in the order of their ids."""
    size = FIRST_PAGE
    while ids:
        page, ids = ids[:size], ids[size:]
        rows = _read(_RESPONSES, ["{" + ",".join(map(str, page)) + "}"])
        yield from [(pk, model, prompt, *style.of(text)) for pk, model, prompt, text in rows]
        characters = sum(len(row[-1]) for row in rows)
        size = max(1, min(2 * size, size * PAGE_CHARACTERS // max(1, characters), LONGEST_PAGE))


def _told(ids: Array, facts: Sequence[_Fact]) -> tuple[dict[str, Array], list[str]]:
    """The columns of responses, and the models' names. Of one that is gone nothing is known."""
    told = {name: np.zeros(len(ids), kind) for name, kind in RESPONSES.items()} | {"response": ids}
    models = _Codes()
    if len(facts) < len(ids):
        told["model"] += models[""]
    there, names, *rest = zip(*facts, strict=True) if facts else [()] * len(RESPONSES)
    place = np.searchsorted(ids, np.array(there, np.int64))
    coded = [models[one] for one in names]
    for name, values in zip(list(RESPONSES)[1:], [coded, *rest], strict=True):
        told[name][place] = values
    return told, list(models)


def _spread(of: Sequence[int], counts: Sequence[int]) -> tuple[Array, Array]:
    """For each row of each label's answer: the label, and the row's number. `counts`: rows by answer, in order."""
    answer, many = np.array(of, np.int64), np.array(counts, np.int64)
    starts = np.cumsum(many) - many
    each = many[answer]
    label = np.repeat(np.arange(len(answer), dtype=np.int32), each)
    before = np.repeat(np.cumsum(each) - each, each)
    return label, np.repeat(starts[answer], each) + np.arange(len(label)) - before


def _read(sql: str, values: Sequence[Any]) -> list[Any]:
    """In PostgreSQL's binary form: numbers, and lists of them above all, are read in less than half the time."""
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY
        cursor.execute(sql, values)
        rows: list[Any] = cursor.fetchall()
    return rows

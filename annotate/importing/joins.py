"""Files joined on the prompt, as one stream of native rows: how a worker, or a preview, reads a join.

The parts are read into a scratch file, which keeps memory flat, and joined there. The rows come in the order of the
first file, then what is only in later ones. The same files give the same rows, so a worker that takes over goes on.
Gold answers and labels of a row speak of its own responses: they are left out, and the report says of how many rows.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, groupby, islice
from typing import Any

import msgspec
from django.db import transaction
from django.utils.translation import gettext as _

from annotate import jobs
from annotate.importing import limits, looking, mapping, rows, sources
from annotate.importing.items import Refusal, storable
from annotate.importing.problems import Refused, Unreadable
from annotate.importing.rows import Answer, Row, Turn
from annotate.importing.shapes import SHAPES
from annotate.importing.sources import Source
from annotate.importing.texts import Numbered
from annotate.kinds import Problem
from annotate.models import Import, ImportPart, RefusedRow
from annotate.models.prompts import asked, turns_of

type Beat = Callable[[float], None]

#: Rows that are read between two signs of life.
AT_ONCE = 2_000
#: Rows of each file that a preview joins.
PREVIEWED = 500
#: The share of a join's work that is reading the parts.
READING = 0.5

_answers, _row = msgspec.json.Decoder(list[Answer]), msgspec.json.Decoder(Row)


@dataclass(slots=True)
class Part:
    """A file of the join: how its rows are read, and which could not be."""

    row: ImportPart
    turn: Turn | None
    refused: list[Refusal] = field(default_factory=list)
    bad: int = 0
    #: lines of rows with labels or a gold answer: how many, and the first
    judged: int = 0
    first_judged: int = 0

    def refuse(self, refusal: Refusal) -> None:
        self.bad += 1
        if len(self.refused) < limits.KEPT_REFUSALS:
            self.refused.append(refusal)


# --- Reading the parts -----------------------------------------------------------------------------------------------


@contextmanager
def joined(job: Import, beat: Beat) -> Iterator[Source]:
    """The joined rows that are still to come. What does not match is reported once. Raises Unreadable."""
    with _join(job) as join:
        for nth, part in enumerate(join.parts):
            with part.row.file.open("rb") as file:
                source = sources.read(file)
                join.load(nth, source.rows, partial(_tell, beat, nth, source, len(join.parts)))
        join.match()
        beat(READING)
        join.count()
        if not job.only_count:
            join.report()
        yield join.source(skip=0 if job.only_count else job.rows_read)


def _tell(beat: Beat, nth: int, source: Source, parts: int) -> None:
    beat(READING * (nth + source.progress()) / parts)


def previewed(job: Import) -> list[Numbered]:
    """The joined rows, as far as the first rows of the files tell. Raises Unreadable."""
    with _join(job) as join:
        for nth, part in enumerate(join.parts):
            join.load(nth, iter(looking.first(part.row, PREVIEWED)), lambda: None)
        join.match()
        return [*islice(join.source(skip=0).rows, limits.LOOKED_AT)]


@contextmanager
def _join(job: Import) -> "Iterator[Join]":
    with closing(sqlite3.connect("", check_same_thread=False, isolation_level=None)) as scratch:
        scratch.executescript(_TABLES)
        yield Join(scratch, _parts(job), job)


def _parts(job: Import) -> list[Part]:
    parts = list(job.parts.all())
    if job.format:
        turn = mapping.turn_of(SHAPES[job.format], job.columns)
        return [Part(part, turn) for part in parts]
    told = job.join.get("told") or _told(job, parts)
    return [
        Part(part, mapping.turn_of(SHAPES[shape], columns)) for part, (shape, columns) in zip(parts, told, strict=True)
    ]


def _told(job: Import, parts: Sequence[ImportPart]) -> list[tuple[str, dict[str, str]]]:
    """What each part's rows tell. It is kept: a worker that takes over must read the same."""
    found = []
    for part in parts:
        told = looking.told_of(job, part)
        if told.shape is None:
            names = ", ".join(sorted(told.there))[:300]
            reason = _("%(file)s: the rows are in none of the formats that are read. Their columns: %(names)s.")
            raise Unreadable(reason % {"file": part.name, "names": names})
        found.append((told.shape.name, told.columns))
    if job.state == Import.State.RUNNING:
        jobs.change(job, join=job.join | {"told": found})
    return found


# --- In the scratch file ---------------------------------------------------------------------------------------------

# `said`: a row of a part; `apart` if it has the id of another prompt. `asked`: a prompt, by its first row, and how
# many parts have it.
_TABLES = """
CREATE TABLE said (part INT, line INT, id TEXT, digest BLOB, prompt BLOB, answers BLOB, apart INT DEFAULT 0);
CREATE TABLE asked (first INTEGER PRIMARY KEY, key, parts INT);
"""
_INSERT = "INSERT INTO said (part, line, id, digest, prompt, answers) VALUES (?, ?, ?, ?, ?, ?)"

# {key} is `id` or `digest`.
_MATCH = """
CREATE INDEX said_by_key ON said ({key});
INSERT INTO asked SELECT min(rowid), {key}, count(DISTINCT part) FROM said
WHERE answers IS NOT NULL AND {key} <> '' GROUP BY {key};
CREATE INDEX asked_by_key ON asked (key);
"""
_SET_APART = """
UPDATE said SET apart = 1 WHERE answers IS NOT NULL AND id <> '' AND digest <> (
    SELECT f.digest FROM asked a JOIN said f ON f.rowid = a.first WHERE a.key = said.id
);
UPDATE asked SET parts = (
    SELECT count(DISTINCT part) FROM said s WHERE s.id = asked.key AND NOT s.apart AND s.answers IS NOT NULL
) WHERE EXISTS (SELECT 1 FROM said s WHERE s.id = asked.key AND s.apart);
"""
_ROWS = """
SELECT a.first, s.line, CASE WHEN s.rowid = a.first THEN s.prompt END, s.answers
FROM asked a CROSS JOIN said s ON s.{key} = a.key
WHERE a.parts >= ? AND s.answers IS NOT NULL AND NOT s.apart ORDER BY a.first, s.rowid
"""
_COUNTS = """
SELECT s.part, count(*), count(CASE WHEN a.parts = ? AND NOT s.apart AND s.answers IS NOT NULL THEN 1 END)
FROM said s LEFT JOIN asked a ON a.key = s.{key} GROUP BY s.part
"""
_UNMATCHED = """
SELECT s.part, s.line, s.answers IS NULL, s.{key} = '', s.apart, a.parts, s.prompt
FROM said s LEFT JOIN asked a ON a.key = s.{key}
WHERE s.answers IS NULL OR s.apart OR a.parts IS NULL OR a.parts < ? ORDER BY s.rowid LIMIT ?
"""


class Join:
    """The rows of the parts in a scratch file, and what comes of them."""

    def __init__(self, scratch: sqlite3.Connection, parts: Sequence[Part], job: Import) -> None:
        self.scratch, self.parts, self.job = scratch, parts, job
        self.key = "digest"
        self.least = len(parts) if job.join.get("only_complete") else 2

    def load(self, nth: int, numbered: Iterator[Numbered], beat: Callable[[], None]) -> None:
        """Read the rows of a part."""
        part = self.parts[nth]
        while some := [*islice(numbered, AT_ONCE)]:
            self.scratch.execute("BEGIN")
            self.scratch.executemany(
                _INSERT, (record for line, data in some for record in _records(nth, part, line, data))
            )
            self.scratch.execute("COMMIT")
            beat()

    def match(self) -> None:
        on = self.job.join.get("on") or ("id" if self._all_have_ids() else "text")
        self.key = "id" if on == "id" else "digest"
        self.scratch.executescript(_MATCH.format(key=self.key))
        if on == "id":
            self.scratch.executescript(_SET_APART)

    def _all_have_ids(self) -> bool:
        """Whether every row has an id, and ids are not each file's own."""
        if self._value("SELECT EXISTS (SELECT 1 FROM said WHERE id = '' AND answers IS NOT NULL)"):
            return False
        return bool(self._value("SELECT EXISTS (SELECT id FROM said GROUP BY id HAVING count(DISTINCT part) > 1)"))

    def _value(self, sql: str, *values: Any) -> Any:
        return self.scratch.execute(sql, values).fetchone()[0]

    def source(self, skip: int) -> Source:
        """The joined rows after the first `skip`."""
        total = self._value("SELECT count(*) FROM asked WHERE parts >= ?", self.least)
        at = [skip]
        found = self._rows(at)
        return Source(islice(found, skip, None), lambda: READING + (1 - READING) * (at[0] / total if total else 1))

    def _rows(self, at: list[int]) -> Iterator[Numbered]:
        found = self.scratch.execute(_ROWS.format(key=self.key), [self.least])
        for nth, (_first, some) in enumerate(groupby(found, lambda one: one[0]), 1):
            at[0] = nth
            (_id, line, prompt, answers), *others = some
            row = _row.decode(prompt)
            row.responses = _distinct(chain(_answers.decode(answers), *(_answers.decode(one[3]) for one in others)))
            yield line, msgspec.json.encode(row)

    def count(self) -> None:
        """Keep with each part how many rows it has, and how many are in all parts."""
        for nth, rows_there, matched in self.scratch.execute(_COUNTS.format(key=self.key), [len(self.parts)]):
            part = self.parts[nth]
            part.row.rows, part.row.matched = rows_there + part.bad, matched
        ImportPart.objects.bulk_update([part.row for part in self.parts], ["rows", "matched"])

    def report(self) -> None:
        """List what did not match or could not be read, once. Only the latter is refused. Raises Taken."""
        if self.job.join.get("reported"):
            return
        bad = sum(part.bad for part in self.parts)
        with transaction.atomic():
            join = self.job.join | {"reported": True}
            jobs.change(self.job, join=join, rows_refused=self.job.rows_refused + bad)
            listed = islice(chain(self._judged(), self._refused(), self._unmatched()), limits.KEPT_REFUSALS)
            RefusedRow.objects.bulk_create(listed)

    def _judged(self) -> Iterator[RefusedRow]:
        reason = _("labels or right answers of %d rows, this one first, are left out: they speak of the row alone")
        for part in self.parts:
            if part.judged:
                name, line = part.row.name[:200], part.first_judged
                yield RefusedRow(job=self.job, line=line, field=name, reason=reason % part.judged)

    def _refused(self) -> Iterator[RefusedRow]:
        for part in self.parts:
            for one in part.refused:
                name = storable(f"{part.row.name}: {one.problem.field}", 200)
                reason = storable(one.problem.reason, 1_000)
                yield RefusedRow(job=self.job, line=one.line, field=name, reason=reason, row=one.excerpt)

    def _unmatched(self) -> Iterator[RefusedRow]:
        found = self.scratch.execute(_UNMATCHED.format(key=self.key), [self.least, limits.KEPT_REFUSALS])
        for nth, line, empty, nameless, apart, parts, prompt in found:
            reason = self._why(empty, nameless, apart, parts)
            excerpt = Refusal(line, Problem("", ""), prompt).excerpt
            yield RefusedRow(job=self.job, line=line, field=self.parts[nth].row.name[:200], reason=reason, row=excerpt)

    def _why(self, empty: bool, nameless: bool, apart: bool, parts: int | None) -> str:
        if empty:
            return _("holds no response")
        if nameless:
            return _("has no external_id to be joined on")
        if apart:
            return _("asks something else than the first row with this external_id")
        if parts == 1:
            return _("is in no other file")
        return _("is in %(there)d of %(all)d files") % {"there": parts, "all": len(self.parts)}


def _records(nth: int, part: Part, line: int, data: Any) -> Iterator[tuple[Any, ...]]:
    if not isinstance(data, bytes):
        part.refuse(Refusal(line, data))
        return
    try:
        found = rows.read(data, part.turn)
    except Refused as refusal:
        part.refuse(Refusal(line, refusal.problem, data))
        return
    for row in found:
        if row.labels or row.gold is not None:
            part.judged, part.first_judged = part.judged + 1, part.first_judged or line
        for answer in row.responses:
            answer.model = answer.model or part.row.model
        answers = msgspec.json.encode(row.responses) if row.responses else None
        row.responses, row.labels, row.gold, row.check = [], [], None, ""
        yield nth, line, row.external_id, _said(row), msgspec.json.encode(row), answers


def _said(row: Row) -> bytes:
    """What stands for all that a row asks, be it an instruction or the same as a conversation of one turn."""
    messages = [{"role": one.role, "content": one.content} for one in row.messages or ()]
    turns = turns_of(row.instruction, row.input, row.system, messages or None)
    return asked(turns)


def _distinct(answers: Iterable[Answer]) -> list[Answer]:
    """Without what a model said twice in the same words; an id stays with the first that has it."""
    found: dict[tuple[str, str], Answer] = {}
    ids: set[str] = set()
    for one in answers:
        if (one.text, one.model) not in found:
            one.external_id = "" if one.external_id in ids else one.external_id
            ids.add(one.external_id)
            found[one.text, one.model] = one
    return list(found.values())

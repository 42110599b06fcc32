"""Reads a queue's labels in short pages, each statement a transaction of its own; so an export holds back no vacuum.

Labels are only added, never changed: the highest label id at the start, the horizon, fixes what an export holds.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced
from enum import Enum
from hashlib import sha256
from itertools import chain
from string import ascii_lowercase
from types import MappingProxyType
from typing import Any

import msgspec
from django.db import connection
from msgspec.structs import replace

from annotate.exporting.agreeing import Agreed, Agreeing
from annotate.exporting.base import LabelFacts, Labelled, Message, PromptFacts, ResponseFacts, said
from annotate.exporting.statements import (
    FIXED,
    OF_CHECKS,
    OF_REJECTED,
    OF_TASKS,
    OF_WORK,
    REVIEWED,
    STANDS,
    literal,
    read,
)
from annotate.kinds import Kind, Payload, by_chance, letters_for, renamed
from annotate.models import Queue
from annotate.models.projects import PSEUDONYM
from annotate.models.prompts import asked, turns_of

#: Labels in a page. The first is short, so that a stream begins at once; then pages grow and shrink with the texts.
FIRST_PAGE, LONGEST_PAGE = 200, 4_000
PAGE_CHARACTERS = 4_000_000

#: Whose task has one label alone.
_ALONE: Agreed = (1, 1.0)

#: A task and its responses, in the order by which letters name them.
type _Task = tuple[int, list[int]]


class Depth(Enum):
    """How much is read of each label."""

    COUNT = "count"
    TEXTS = "texts"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Span:
    """Which labels: those of a queue with ids after `since`, up to `horizon`, as they stood at the horizon.

    `chosen` are the options by which labels are chosen (`asking.CommonOptions`); `fold` the system text into the
    first user turn. `checks`: the roles of tasks that are checks, by id; `work_only`: without their labels.
    `agreeing`: with the raters and the agreement of each label's task.
    """

    queue: Queue
    since: int
    horizon: int
    amended: bool = False
    review_horizon: int = 0
    chosen: Mapping[str, Any] = MappingProxyType({})
    fold: bool = False
    checks: Mapping[int, str] = MappingProxyType({})
    work_only: bool = False
    agreeing: bool = False

    @property
    def is_split(self) -> bool:
        """Whether splits are asked for, or one of them."""
        return any(self.chosen.get(name) for name in ("splits", "held_out", "split"))

    def values(self) -> dict[str, Any]:
        """What the statements below are filled in with."""
        span = {
            "queue": self.queue.pk,
            "queue_name": self.queue.name,
            "since": self.since,
            "horizon": self.horizon,
            "amended": self.amended,
        }
        return {**self.chosen, **span, "reviews": self.review_horizon, "checks": literal(self.checks)}


# --- Pages ---------------------------------------------------------------------------------------------------------
# Joins whose columns are not asked for are left out by PostgreSQL.

_LABELS = """
SELECT {columns}
FROM annotate_label l
LEFT JOIN annotate_task t ON t.id = l.task_id
LEFT JOIN annotate_prompt r ON r.id = t.prompt_id
LEFT JOIN annotate_queue q ON q.id = l.queue_id
LEFT JOIN annotate_project p ON p.id = q.project_id
LEFT JOIN annotate_guideline g ON g.id = l.guideline_id
LEFT JOIN annotate_user u ON u.id = l.annotator_id
WHERE {which} AND l.id <= %(horizon)s AND (%(amended)s OR {stands}) {chosen}
ORDER BY l.id
"""
_PAGE = "l.queue_id = %(queue)s AND l.id > %(cursor)s AND l.id <= %(end)s"

# Where the next page ends, whatever is chosen of it: so no statement is long, however few labels are wanted.
_END = """
SELECT max(id) FROM (SELECT id FROM annotate_label WHERE queue_id = %(queue)s AND id > %(cursor)s AND id <= %(horizon)s
                     ORDER BY id LIMIT %(limit)s) AS page
"""

# The tasks that have labels of the span, each at the first of these.
_TASKS = """
SELECT l.task_id, t.response_ids
FROM annotate_label l JOIN annotate_task t ON t.id = l.task_id
WHERE l.queue_id = %(queue)s AND l.id > %(cursor)s AND l.id <= %(end)s
  AND NOT EXISTS (SELECT FROM annotate_label e WHERE e.task_id = l.task_id AND e.supersedes_id IS NULL
                  AND e.id > %(since)s AND e.id < l.id OFFSET 0)
  AND NOT EXISTS (SELECT FROM annotate_label e WHERE e.task_id = l.task_id AND e.supersedes_id IS NOT NULL
                  AND e.id > %(since)s AND e.id < l.id OFFSET 0)
ORDER BY l.id
"""

_LABELS_OF_TASKS = f"""
SELECT l.task_id, count(*) FROM annotate_label l WHERE {OF_TASKS} AND l.id <= %(horizon)s GROUP BY l.task_id
"""  # noqa: S608  # put together from our own words

_HELD = """
SELECT DISTINCT r.id, r.instruction, r.input, r.system, coalesce(r.messages::text, '')
FROM annotate_label l JOIN annotate_task t ON t.id = l.task_id JOIN annotate_prompt r ON r.id = t.prompt_id
WHERE l.queue_id = %(queue)s AND l.id > %(cursor)s AND l.id <= %(end)s AND r.category = ANY(%(categories)s::text[])
"""

#: By option, where it is given.
_CHOSEN = {
    "category": "r.category = ANY(%(category)s::text[])",
    "language": "r.language = ANY(%(language)s::text[])",
    "tag": "r.tags::text[] && %(tag)s::text[]",
    "annotator": f"{PSEUDONYM} = ANY(%(annotator)s::text[])",
    "after": "l.created_at >= %(after)s",
    "before": "l.created_at < %(before)s",
}

_FACTS = f"""
, l.queue_id::text, %(queue_name)s::text, l.task_id::text,
{PSEUDONYM}, coalesce(g.version, 0),
l.active_seconds, to_char(l.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),
coalesce(l.supersedes_id::text, ''), l.key::text, u.name, {FIXED}, t.role
"""
_OF_LABEL = "l.id, l.payload::text, l.shown, l.task_id"
_ABOUT = f"{_OF_LABEL}, t.prompt_id, l.annotator_id, t.places"
_LABEL_COLUMNS = {Depth.COUNT: f"{_OF_LABEL}, NULL, 0, 1", Depth.TEXTS: _ABOUT, Depth.ALL: _ABOUT + _FACTS}

_PROMPTS = "SELECT id, key, instruction, input, system, coalesce(messages::text, '') {columns} FROM annotate_prompt"
_PROMPT_COLUMNS = {
    Depth.TEXTS: ", category, encode(digest, 'hex')",
    Depth.ALL: """, external_id, category, domain, difficulty, language, array_to_json(tags)::text, source, meta::text,
                  encode(digest, 'hex')""",
}

_RESPONSES = "SELECT id, {columns} FROM annotate_response"
_RESPONSE_COLUMNS = {
    # Of a text that says nothing "", as of all others: a long one is not looked at.
    Depth.COUNT: "CASE WHEN octet_length(text) < 1000 AND text !~ '\\S' THEN '' ELSE encode(digest, 'hex') END",
    Depth.TEXTS: "text",
    Depth.ALL: "text, key, external_id, model, params::text",
}


def labels(span: Span, depth: Depth) -> Iterator[Labelled]:
    """The labels of a span, oldest first."""
    sql = _sql(span, depth, _PAGE)
    agreeing = Agreeing(span.queue.way, span.values(), span.chosen.get("reviewed", "")) if span.agreeing else None
    for values in (pages := _Pages(span)):
        page = _page(read(sql, values), span, depth)
        pages.read(page.characters)
        agreed = agreeing.of(page.shared()) if agreeing else {}
        _let_go()
        yield from page.labels(agreed)


def checks_left_out(span: Span) -> int:
    """How many of the chosen labels are of tasks that check people, where a span has none of these."""
    if not span.work_only:
        return 0
    sql = _sql(replaced(span, work_only=False), Depth.COUNT, OF_CHECKS)
    ((count,),) = read(f"SELECT count(*) FROM ({sql}) AS checks", span.values())  # noqa: S608  # our own words
    return int(count)


def rejected_left_out(span: Span) -> int:
    """How many of the otherwise chosen labels a reviewer rejected, where a span has none of these."""
    if span.chosen.get("reviewed") != "not_rejected":
        return 0
    sql = _sql(replaced(span, chosen={**span.chosen, "reviewed": "any"}), Depth.COUNT, OF_REJECTED)
    ((count,),) = read(f"SELECT count(*) FROM ({sql}) AS rejected", span.values())  # noqa: S608  # our own words
    return int(count)


def tasks(span: Span, depth: Depth) -> Iterator[list[Labelled]]:
    """The chosen labels of each task that has labels of the span, also those before it; under common letters.

    Letter n is the n-th of the task's responses. Tasks come in the order of their first label in the span.
    """
    sql = _sql(span, depth, OF_TASKS)
    for values in (pages := _Pages(span)):
        longest = 0
        for found in _few_labels(read(_TASKS, values), values, pages.size):
            page = _page(read(sql, values | {"tasks": _of(found)}), span, depth)
            longest = max(longest, page.characters)
            _let_go()
            yield from page.by_task(found)
        pages.read(longest)


def _few_labels(found: list[_Task], values: dict[str, Any], most: int) -> Iterator[list[_Task]]:
    """The same tasks, so many at a time that they have at most so many labels together; one task may have more."""
    labels = dict(read(_LABELS_OF_TASKS, values | {"tasks": _of(found)}))
    some, total = list[_Task](), 0
    for one in found:
        total += labels[one[0]]
        if some and total > most:
            yield some
            some, total = [], labels[one[0]]
        some.append(one)
    if some:
        yield some


def _of(tasks: Iterable[_Task]) -> str:
    return literal(task for task, _responses in tasks)


def held(queue: Queue, horizon: int, categories: Collection[str]) -> frozenset[bytes]:
    """What the queue's labelled prompts of these categories ask, as `PromptFacts.asked`: 32 bytes each."""
    found: set[bytes] = set()
    for values in (pages := _Pages(Span(queue, 0, horizon))):
        rows = read(_HELD, values | {"categories": list(categories)})
        pages.read(sum(len(text) for _pk, *texts in rows for text in texts))
        found |= {asked(_turns(*texts)) for _pk, *texts in rows}
    return frozenset(found)


class _Pages:
    """The values that statements are filled in with, page by page: as many labels as hold `PAGE_CHARACTERS`."""

    def __init__(self, span: Span) -> None:
        self.values, self.size = span.values() | {"cursor": span.since}, FIRST_PAGE

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while (end := read(_END, self.values | {"limit": self.size})[0][0]) is not None:
            yield self.values | {"end": end}
            self.values["cursor"] = end

    def read(self, characters: int) -> None:
        """The page held so many; the next has at most twice as many labels."""
        self.size = max(1, min(2 * self.size, self.size * PAGE_CHARACTERS // max(1, characters), LONGEST_PAGE))


@dataclass(frozen=True, slots=True)
class _Page:
    """Rows of labels, and what they are about."""

    rows: list[Any]
    kind: Kind
    prompts: dict[int, PromptFacts]
    responses: dict[int, ResponseFacts]
    depth: Depth
    checks: Mapping[int, str]

    @property
    def characters(self) -> int:
        asked = sum(len(one.instruction) + len(one.input) + len(one.messages) for one in self.prompts.values())
        shown = sum(len(one.text) for one in self.responses.values())
        return asked + shown + sum(len(row[1]) for row in self.rows)

    def shared(self) -> set[int]:
        """Tasks of these labels that may have others too."""
        return {row[3] for row in self.rows if row[6] > 1}

    def labels(self, agreed: Mapping[int, Agreed]) -> Iterator[Labelled]:
        decode = msgspec.json.Decoder(dict[str, Any]).decode
        for row in self.rows:
            yield self._label(row, row[2], decode(row[1]), agreed.get(row[3], _ALONE))

    def by_task(self, tasks: Sequence[_Task]) -> Iterator[list[Labelled]]:
        """For each task its labels, under the letters of its responses."""
        decode = msgspec.json.Decoder(dict[str, Any]).decode
        rows: dict[int, list[Any]] = {task: [] for task, _responses in tasks}
        for row in self.rows:
            rows[row[3]].append(row)
        for task, responses in tasks:
            payloads = [renamed(self.kind, decode(row[1]), row[2], responses) for row in rows[task]]
            letters = dict(zip(responses, letters_for(len(responses)), strict=True))
            names = tuple(letters[one] for one in by_chance(responses))
            both = zip(rows[task], payloads, strict=True)
            yield [self._label(row, responses, one, names=names) for row, one in both]

    def _label(
        self, row: Any, shown: list[int], payload: Payload, agreed: Agreed = _ALONE, names: tuple[str, ...] = ()
    ) -> Labelled:
        """`shown`: the responses in the order in which the payload's letters name them."""
        pk, _payload, _shown, task, prompt_id, annotator, _places, *facts = row
        candidates = dict(zip(ascii_lowercase, map(self.responses.__getitem__, shown), strict=False))
        prompt = self.prompts.get(prompt_id, _NOTHING)
        written = {name: _written(text, self.depth) for name, text in self.kind.written(payload).items()}
        told = self._facts(task, facts) if facts else _NOWHERE
        more = (written, task, (), *agreed, 0.0, annotator, names)
        return Labelled(pk, self.kind, payload, prompt, candidates, told, *more)

    def _facts(self, task: int, columns: Sequence[Any]) -> LabelFacts:
        found = LabelFacts(*columns)
        role = self.checks.get(task, "repeat" if found.role == "repeat" else "work")
        return found if role == found.role else replace(found, role=role)


def _sql(span: Span, depth: Depth, which: str) -> str:
    conditions = [sql for name, sql in _CHOSEN.items() if span.chosen.get(name)]
    conditions += [sql for name, sql in REVIEWED.items() if span.chosen.get("reviewed") == name]
    conditions += [OF_WORK] if span.work_only else []
    chosen = "".join(f"\n  AND {one}" for one in conditions)
    return _LABELS.format(columns=_LABEL_COLUMNS[depth], which=which, stands=STANDS, chosen=chosen)


_NOTHING, _NOWHERE = PromptFacts(), LabelFacts()


def _written(text: str, depth: Depth) -> ResponseFacts:
    return said(sha256(text.encode()).hexdigest() if depth is Depth.COUNT and text.strip() else text)


def _page(rows: list[Any], span: Span, depth: Depth) -> _Page:
    prompts = _prompts({row[4] for row in rows}, depth, span)
    responses = _responses(set(chain.from_iterable(row[2] for row in rows)), depth)
    return _Page(rows, span.queue.way, prompts, responses, depth, span.checks)


def _prompts(ids: set[int], depth: Depth, span: Span) -> dict[int, PromptFacts]:
    if depth is Depth.COUNT or not ids:
        return {}
    rows = _read_these(_PROMPTS.format(columns=_PROMPT_COLUMNS[depth]), ids)
    found = {row[0]: _prompt(row, depth) for row in rows}
    if span.is_split:
        found = {pk: replace(prompt, asked=asked(prompt.turns)) for pk, prompt in found.items()}
    return {pk: prompt.folded() for pk, prompt in found.items()} if span.fold else found


def _prompt(row: Any, depth: Depth) -> PromptFacts:
    _pk, key, instruction, more, system, messages, *rest = row
    turns = _turns(instruction, more, system, messages)
    if depth is Depth.ALL:
        return PromptFacts(turns, key, instruction, more, system, messages, *rest)
    category, digest = rest
    return PromptFacts(turns, key, instruction, more, system, messages, category=category, digest=digest)


def _turns(instruction: str, more: str, system: str, messages: str) -> list[Message]:
    return turns_of(instruction, more, system, msgspec.json.decode(messages) if messages else None)


def _responses(ids: set[int], depth: Depth) -> dict[int, ResponseFacts]:
    if not ids:
        return {}
    rows = _read_these(_RESPONSES.format(columns=_RESPONSE_COLUMNS[depth]), ids)
    return {row[0]: ResponseFacts(row[1], {"role": "assistant", "content": row[1]}, *row[2:]) for row in rows}


def _read_these(sql: str, ids: set[int]) -> list[Any]:
    return read(f"{sql} WHERE id = ANY(%s::bigint[])", [literal(ids)])


def _let_go() -> None:
    """Give a pooled connection back while the reader of the stream takes their time."""
    if connection.settings_dict["OPTIONS"].get("pool") and not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()

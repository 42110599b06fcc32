"""Reads a queue's labels in short pages, each statement a transaction of its own; so an export holds back no vacuum.

Labels are only added, never changed: the highest label id at the start, the horizon, fixes what an export holds.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from itertools import chain
from string import ascii_lowercase
from typing import Any

import msgspec
from django.db import OperationalError, connection

from annotate.exporting.base import LabelFacts, Labelled, PromptFacts, ResponseFacts
from annotate.models import Queue
from annotate.models.projects import PSEUDONYM
from annotate.models.prompts import turns_of

#: Labels in a page. The first is short, so that a stream begins at once; then pages grow and shrink with the texts.
FIRST_PAGE, LONGEST_PAGE = 200, 4_000
PAGE_CHARACTERS = 4_000_000
LONGEST_WAIT = 5.0


class Depth(Enum):
    """How much is read of each label."""

    COUNT = "count"
    TEXTS = "texts"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Span:
    """Which labels: those of a queue with ids after `since`, up to `horizon`, as they stood at the horizon."""

    queue: Queue
    since: int
    horizon: int
    amended: bool = False


# --- Where an export ends ------------------------------------------------------------------------------------------

_NEWEST = "SELECT coalesce(max(id), 0) FROM annotate_label WHERE queue_id = %s"

# Transactions that are adding labels now: a label of theirs may get into sight later, under an id below the newest.
_WRITING = """
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'annotate_label'::regclass AND mode = 'RowExclusiveLock' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()
"""


def horizon(queue: Queue) -> int:
    """The newest label's id, once every label below it is in sight: who asks for what is new since then misses none.

    Waits for the labels being stored at this moment, and holds nobody up. Raises OperationalError if they take long.
    """
    ((newest,),) = _read(_NEWEST, [queue.pk])
    before, deadline = set(_read(_WRITING)), time.monotonic() + LONGEST_WAIT
    while before:
        if time.monotonic() > deadline:
            raise OperationalError("labels are being stored in a transaction that takes long: try again later")
        time.sleep(0.005)
        before &= set(_read(_WRITING))
    return int(newest)


# --- Pages ---------------------------------------------------------------------------------------------------------
# Joins whose columns are not asked for are left out by PostgreSQL. OFFSET 0 keeps "was it amended" a look-up for each
# label of the page, whatever the planner believes of the table.

_LABELS = """
SELECT l.id, l.payload, l.shown {columns}
FROM annotate_label l
LEFT JOIN annotate_task t ON t.id = l.task_id
LEFT JOIN annotate_queue q ON q.id = l.queue_id
LEFT JOIN annotate_project p ON p.id = q.project_id
LEFT JOIN annotate_guideline g ON g.id = l.guideline_id
WHERE l.queue_id = %(queue)s AND l.id > %(after)s AND l.id <= %(horizon)s
  AND (%(amended)s OR NOT EXISTS (SELECT FROM annotate_label n
                                  WHERE n.supersedes_id = l.id AND n.id <= %(horizon)s OFFSET 0))
ORDER BY l.id LIMIT %(limit)s
"""

_FACTS = f"""
, q.id::text, q.name, l.task_id::text,
{PSEUDONYM}, coalesce(g.version, 0),
l.active_seconds, to_char(l.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),
coalesce(l.supersedes_id::text, ''), l.key::text
"""
_LABEL_COLUMNS = {Depth.COUNT: ", NULL", Depth.TEXTS: ", t.prompt_id", Depth.ALL: ", t.prompt_id" + _FACTS}

_PROMPTS = "SELECT id, key, instruction, input, system, coalesce(messages::text, '') {columns} FROM annotate_prompt"
_PROMPT_COLUMNS = {
    Depth.TEXTS: "",
    Depth.ALL: ", external_id, category, domain, difficulty, language, array_to_json(tags)::text, source, meta::text",
}

_RESPONSES = "SELECT id, {columns} FROM annotate_response"
_RESPONSE_COLUMNS = {
    Depth.COUNT: "encode(digest, 'hex')",
    Depth.TEXTS: "text",
    Depth.ALL: "text, key, external_id, model, params::text",
}


def labels(span: Span, depth: Depth) -> Iterator[Labelled]:
    """The labels of a span, oldest first."""
    sql = _LABELS.format(columns=_LABEL_COLUMNS[depth])
    values = {"queue": span.queue.pk, "horizon": span.horizon, "amended": span.amended, "after": span.since}
    size = FIRST_PAGE
    while rows := _read(sql, values | {"limit": size}):
        prompts = _prompts({row[3] for row in rows}, depth)
        responses = _responses(set(chain.from_iterable(row[2] for row in rows)), depth)
        _let_go()
        yield from _together(span.queue, rows, prompts, responses, depth)
        values["after"] = rows[-1][0]
        size = _next_size(size, _characters(rows, prompts, responses))


def _together(
    queue: Queue,
    rows: Sequence[Any],
    prompts: dict[int, PromptFacts],
    responses: dict[int, ResponseFacts],
    depth: Depth,
) -> Iterator[Labelled]:
    kind, nothing = queue.way, PromptFacts()
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for pk, payload, shown, prompt_id, *facts in rows:
        candidates = dict(zip(ascii_lowercase, map(responses.__getitem__, shown), strict=False))
        prompt, answer = prompts.get(prompt_id, nothing), decode(payload)
        written = {name: _written(text, depth) for name, text in kind.written(answer).items()}
        yield Labelled(pk, kind, answer, prompt, candidates, LabelFacts(*facts), written)


def _written(text: str, depth: Depth) -> ResponseFacts:
    text = sha256(text.encode()).hexdigest() if depth is Depth.COUNT else text
    return ResponseFacts(text, {"role": "assistant", "content": text})


def _prompts(ids: set[int], depth: Depth) -> dict[int, PromptFacts]:
    if depth is Depth.COUNT:
        return {}
    rows = _read_these(_PROMPTS.format(columns=_PROMPT_COLUMNS[depth]), ids)
    return {row[0]: PromptFacts(_turns(*row[2:6]), *row[1:]) for row in rows}


def _turns(instruction: str, more: str, system: str, messages: str) -> list[dict[str, str]]:
    return turns_of(instruction, more, system, msgspec.json.decode(messages) if messages else None)


def _responses(ids: set[int], depth: Depth) -> dict[int, ResponseFacts]:
    if not ids:
        return {}
    rows = _read_these(_RESPONSES.format(columns=_RESPONSE_COLUMNS[depth]), ids)
    return {row[0]: ResponseFacts(row[1], {"role": "assistant", "content": row[1]}, *row[2:]) for row in rows}


def _characters(rows: Sequence[Any], prompts: dict[int, PromptFacts], responses: dict[int, ResponseFacts]) -> int:
    asked = sum(len(one.instruction) + len(one.input) + len(one.messages) for one in prompts.values())
    return asked + sum(len(one.text) for one in responses.values()) + sum(len(row[1]) for row in rows)


def _next_size(size: int, characters: int) -> int:
    """As many labels as should hold `PAGE_CHARACTERS`, but at most twice as many as in the page before."""
    return max(1, min(2 * size, size * PAGE_CHARACTERS // max(1, characters), LONGEST_PAGE))


def _read_these(sql: str, ids: set[int]) -> list[Any]:
    # As a literal: psycopg takes ten times as long over a list.
    return _read(f"{sql} WHERE id = ANY(%s::bigint[])", ["{" + ",".join(map(str, ids)) + "}"])


def _read(sql: str, values: Any = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[Any] = cursor.fetchall()
    return rows


def _let_go() -> None:
    """Give a pooled connection back while the reader of the stream takes their time."""
    if connection.settings_dict["OPTIONS"].get("pool") and not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()

"""Batches into the database: one look at what is there, then COPY, all in one short transaction.

Whatever else sets up the project, another import included, waits until it ends: so what was looked up stays true, rows
with ids of our own can be copied straight into their tables, and a queue's overlap can't change under its new tasks.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from annotate import projects
from annotate.importing import limits, plans
from annotate.importing.items import Batch, Item, Refusal, storable
from annotate.importing.plans import Known, NewResponse, NewTask, Plan, Stored
from annotate.models import Import, Queue, RefusedRow

type Record = tuple[Any, ...]


class Taken(Exception):
    """The job is no longer this worker's: cancelled, or taken over by another after a long silence."""


def write[T](job: Import, batch: Batch, meanwhile: Callable[[], T]) -> T:
    """Store a batch and count it, or neither. `meanwhile` is called before the commit. Raises Taken."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            # No waiting for the disk: what a crash takes, it takes together with its count, and it is read again.
            cursor.execute("SET LOCAL synchronous_commit = off")
        projects.lock(job.queue.project)
        queue = Queue.objects.get(pk=job.queue_id)
        plan = plans.make(batch.items, _known(queue, batch.items))
        _store(queue, plan)
        refused = sorted(batch.refused + plan.refused, key=lambda one: one.line)
        _store_refusals(job, refused)
        _count(job, batch, plan, len(refused))
        return meanwhile()


def _known(queue: Queue, items: Sequence[Item]) -> Known:
    """What is there of these items. Only a prompt that is there can have responses or a task."""
    known = Known()
    prompts = _rows(
        "SELECT key, digest, id FROM annotate_prompt WHERE project_id = %s AND key = ANY(%s)",
        [queue.project_id, [item.key for item in items]],
    )
    known.prompts = {key: Stored(bytes(digest), pk) for key, digest, pk in prompts}
    old = [item for item in items if item.key in known.prompts]
    if not old:
        return known
    asked = [(known.prompts[item.key].id, item.key, one.key) for item in old for one in item.candidates]
    responses = _rows(
        "SELECT asked.nth, stored.digest, stored.id "
        "FROM unnest(%s::bigint[], %s::text[]) WITH ORDINALITY AS asked (prompt_id, key, nth) "
        "JOIN annotate_response stored ON stored.prompt_id = asked.prompt_id AND stored.key = asked.key",
        [[prompt for prompt, _, _ in asked], [key for _, _, key in asked]],
    )
    known.responses = {asked[nth - 1][1:]: Stored(bytes(digest), pk) for nth, digest, pk in responses}
    tasks = _rows(
        "SELECT digest FROM annotate_task WHERE queue_id = %s AND digest = ANY(%s)",
        [queue.pk, [item.task for item in old]],
    )
    known.tasks = {bytes(digest) for (digest,) in tasks}
    return known


def _rows(sql: str, values: Sequence[Any]) -> list[Record]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[Record] = cursor.fetchall()
    return rows


# --- What is new -----------------------------------------------------------------------------------------------------


def _store(queue: Queue, plan: Plan) -> None:
    if plan.prompts:
        _number("annotate_prompt", [stored for stored, _item in plan.prompts])
        _copy(f"annotate_prompt ({_PROMPT})", _prompts(queue.project_id, plan.prompts))
    if plan.responses:
        _number("annotate_response", [new.row for new in plan.responses])
        _copy(f"annotate_response ({_RESPONSE})", _responses(plan.responses))
    if plan.tasks:
        _number("annotate_task", plan.tasks)
        for task in plan.tasks:
            task.position = _position(queue, task.id, task.item)
        _copy(f"annotate_task ({_TASK})", _tasks(queue, plan.tasks))
        _copy(f"annotate_assignment ({_PLACE})", _places(queue, plan.tasks))


def _number(table: str, new: Sequence[Stored | NewTask]) -> None:
    """Give these rows their ids, in order."""
    ids = _rows(
        "WITH sequence AS MATERIALIZED (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS name) "
        "SELECT nextval(name) FROM sequence, generate_series(1, %s)",
        [table, len(new)],
    )
    for row, (pk,) in zip(new, ids, strict=True):
        row.id = pk


def _position(queue: Queue, task_id: int, item: Item) -> int:
    """Where the task stands in its queue's order; no two stand alike."""
    if queue.order == Queue.Order.PRIORITY:
        return (32_767 - item.row.priority << 40) + task_id
    if queue.order == Queue.Order.RANDOM:
        luck = sha256(queue.shuffle_seed.bytes + item.task).digest()
        return (int.from_bytes(luck[:4]) >> 1 << 32) + (task_id & 0xFFFF_FFFF)
    return task_id


_PROMPT = (
    "id, project_id, key, external_id, digest, instruction, input, system, messages, "
    "category, domain, difficulty, language, tags, source, meta"
)
_RESPONSE = "id, prompt_id, key, external_id, text, digest, model, params"
_TASK = "id, queue_id, prompt_id, response_ids, digest, priority, position, places, gold"
_PLACE = "task_id, queue_id, slot, position"


def _prompts(project_id: int, new: Iterable[tuple[Stored, Item]]) -> Iterator[Record]:
    for stored, item in new:
        row = item.row
        yield (
            *(stored.id, project_id, item.key, row.external_id, _bytes(item.digest)),
            *(row.instruction, row.input, row.system, _json(row.messages) if row.messages else None),
            *(row.category, row.domain, row.difficulty, row.language, _array(row.tags), row.source, _json(row.meta)),
        )


def _responses(new: Iterable[NewResponse]) -> Iterator[Record]:
    for one in new:
        answer = one.candidate.answer
        yield (
            *(one.row.id, one.prompt.id, one.candidate.key, answer.external_id),
            *(answer.text, _bytes(one.candidate.digest), answer.model, _json(answer.params)),
        )


def _tasks(queue: Queue, new: Iterable[NewTask]) -> Iterator[Record]:
    queue_id, places = queue.pk, queue.overlap
    for task in new:
        item, shown = task.item, "{" + ",".join([str(one.id) for one in task.responses]) + "}"
        gold = _json(item.row.gold) if item.row.gold is not None else None
        yield (
            *(task.id, queue_id, task.prompt.id, shown, _bytes(item.task)),
            *(item.row.priority, task.position, places, gold),
        )


def _places(queue: Queue, new: Iterable[NewTask]) -> Iterator[Record]:
    queue_id, slots = queue.pk, range(1, queue.overlap + 1)
    for task in new:
        for slot in slots:
            yield task.id, queue_id, slot, task.position


def _bytes(value: bytes) -> str:
    return f"\\x{value.hex()}"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode() if value else "{}"


def _array(texts: Sequence[str]) -> str:
    quoted = ['"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts]
    return "{" + ",".join(quoted) + "}"


def _copy(into: str, records: Iterable[Record]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {into} FROM STDIN") as copy:
        for record in records:
            copy.write_row(record)


# --- The job's own rows ----------------------------------------------------------------------------------------------


def _store_refusals(job: Import, refused: Sequence[Refusal]) -> None:
    """Keep the first of them; the rest is only counted."""
    kept = refused[: max(0, limits.KEPT_REFUSALS - job.rows_refused)]
    RefusedRow.objects.bulk_create(
        RefusedRow(
            job=job,
            line=one.line,
            field=storable(one.problem.field, 200),
            reason=storable(one.problem.reason, 1_000),
            row=one.excerpt,
        )
        for one in kept
    )


def _count(job: Import, batch: Batch, plan: Plan, refused: int) -> None:
    """In the batch's own transaction, so that a worker that takes over knows exactly what is done."""
    counts = {
        "rows_read": batch.read,
        "rows_added": plan.added,
        "rows_unchanged": plan.unchanged,
        "rows_refused": refused,
        "rows_self_named": len(plan.self_named),
    }
    job.self_named_lines = (job.self_named_lines + plan.self_named)[: limits.KEPT_SELF_NAMED]
    mine = Import.objects.filter(pk=job.pk, attempt=job.attempt, state=Import.State.RUNNING)
    changes = {name: F(name) + count for name, count in counts.items()}
    lines = job.self_named_lines
    if not mine.update(beat_at=Now(), progress=batch.progress, self_named_lines=lines, **changes):
        raise Taken
    for name, count in counts.items():
        setattr(job, name, getattr(job, name) + count)
    job.progress = batch.progress

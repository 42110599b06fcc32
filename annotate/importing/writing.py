"""Batches into the database: one look at what is there, then COPY, all in one short transaction.

Whatever else sets up the project, another import included, waits until it ends: so what was looked up stays true, rows
with ids of our own can be copied straight into their tables, and a queue's overlap can't change under its new tasks.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from annotate import jobs, projects
from annotate.importing import checks, limits, outside, plans
from annotate.importing.brought import Brought
from annotate.importing.checks import Issue
from annotate.importing.copying import (
    Record,
    as_bytes,
    as_digests,
    as_json,
    as_numbers,
    as_texts,
    copy,
    copy_lines,
    fetch,
    number,
)
from annotate.importing.items import Batch, Item, Refusal, storable
from annotate.importing.plans import Known, NewResponse, NewTask, Plan, Stored, TaskRow
from annotate.models import Import, Queue, RefusedRow


def write[T](job: Import, batch: Batch, meanwhile: Callable[[], T]) -> T:
    """Store a batch and count it, or neither. Raises Taken.

    `meanwhile` is called when what is left is PostgreSQL's work, for half of the time: places, keys and the commit.
    """
    with transaction.atomic():
        if not batch.labels:
            with connection.cursor() as cursor:
                # No waiting for the disk: what a crash takes, it takes together with its count, and it is read again.
                # But a label may have been exported by then, and its id must not come back as another label's.
                cursor.execute("SET LOCAL synchronous_commit = off")
        projects.lock(job.queue.project)
        queue = Queue.objects.get(pk=job.queue_id)
        plan = look(job, queue, batch)
        _store(queue, plan)
        refused = sorted(batch.refused + plan.refused, key=lambda one: one.line)
        _store_refusals(job, refused)
        issues = sorted(batch.issues + plan.issues, key=lambda one: one[0])
        _store_issues(job, issues)
        _count(job, batch, plan, len(refused), issues)
        places = _places(queue, plan.tasks)
        coming = meanwhile()
        if places:
            copy_lines(f"annotate_assignment ({_PLACE})", places)
        return coming


def look(job: Import, queue: Queue, batch: Batch, brought: Brought | None = None) -> Plan:
    """What of a batch is to be stored, by what is there. Nothing is written.

    What is refused is given back to the choice. `brought` is taken to be there as well, and told what comes.
    """
    duplicates = checks.CHECKS[checks.DUPLICATE].severity(job.queue.project.intake_checks)
    known = _known(job, queue, batch.items)
    if duplicates:
        known.asked = _asked(queue, [item for item in batch.items if item.key not in known.prompts])
    if brought:
        brought.add_to(known, batch.items)
    plan = plans.make(batch.items, known, duplicates)
    if brought:
        brought.keep(known)
    batch.chooser.give_back(plan.refused_rows)
    return plan


# The first of those there are comes last, and stays.
_ASKED = """
SELECT digest, key, id FROM annotate_prompt WHERE project_id = %s AND digest = ANY(%s::bytea[]) AND external_id <> ''
UNION ALL
SELECT digest, key, id FROM annotate_prompt WHERE project_id = %s AND key = ANY(%s::text[])
ORDER BY id DESC
"""


def _asked(queue: Queue, new: Sequence[Item]) -> dict[bytes, str]:
    """By digest, the keys of prompts that ask the same; one without an external_id has its digest for a key."""
    if not new:
        return {}
    keys = [f"sha256:{item.digest.hex()}" for item in new if item.row.external_id]
    digests = as_digests([item.digest for item in new])
    values = [queue.project_id, digests, queue.project_id, as_texts(keys)]
    return {bytes(digest): key for digest, key, _id in fetch(_ASKED, values)}


def _known(job: Import, queue: Queue, items: Sequence[Item]) -> Known:
    """What is there of these items. Only a prompt that is there can have responses or a task."""
    known = Known()
    if any(item.voices for item in items):
        known.people = outside.names(queue.project_id)
    prompts = fetch(
        "SELECT key, digest, id FROM annotate_prompt WHERE project_id = %s AND key = ANY(%s::text[])",
        [queue.project_id, as_texts([item.key for item in items])],
    )
    known.prompts = {key: Stored(bytes(digest), pk) for key, digest, pk in prompts}
    old = [item for item in items if item.key in known.prompts]
    if not old:
        return known
    asked = [(known.prompts[item.key].id, item.key, one.key) for item in old for one in item.candidates]
    responses = fetch(
        "SELECT asked.nth, stored.digest, stored.id "
        "FROM unnest(%s::bigint[], %s::text[]) WITH ORDINALITY AS asked (prompt_id, key, nth) "
        "JOIN annotate_response stored ON stored.prompt_id = asked.prompt_id AND stored.key = asked.key",
        [[prompt for prompt, _, _ in asked], [key for _, _, key in asked]],
    )
    known.responses = {asked[nth - 1][1:]: Stored(bytes(digest), pk) for nth, digest, pk in responses}
    tasks = fetch(
        "SELECT digest, id, position, created_at >= (SELECT started_at FROM annotate_import WHERE id = %s) "
        "FROM annotate_task WHERE queue_id = %s AND digest = ANY(%s)",
        [job.pk, queue.pk, [item.task for item in old]],
    )
    known.tasks = {bytes(digest): TaskRow(pk, position, ours=bool(ours)) for digest, pk, position, ours in tasks}
    if any(item.voices for item in old):
        outside.look_up(known.tasks.values())
    return known


# --- What is new -----------------------------------------------------------------------------------------------------


def _store(queue: Queue, plan: Plan) -> None:
    if plan.prompts:
        number("annotate_prompt", [stored for stored, _item in plan.prompts])
        copy(f"annotate_prompt ({_PROMPT})", _prompts(queue.project_id, plan.prompts))
    if plan.responses:
        number("annotate_response", [new.row for new in plan.responses])
        copy(f"annotate_response ({_RESPONSE})", _responses(plan.responses))
    if plan.tasks:
        number("annotate_task", [task.row for task in plan.tasks])
        for task in plan.tasks:
            task.row.position, task.row.slots = _position(queue, task.row.id, task.item), _wanted(queue, task)
        copy(f"annotate_task ({_TASK})", _tasks(queue, plan.tasks))
    if plan.labels:
        outside.make_room(plan.labels, [task.row for task in plan.tasks])
        outside.store(queue, plan.labels)


def _wanted(queue: Queue, task: NewTask) -> int:
    """How many places the task gets. Those of a check are made one by one, for whoever is given it."""
    return queue.overlap if task.item.row.gold is None else 0


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
_TASK = "id, queue_id, prompt_id, response_ids, digest, priority, position, places, gold, role"
_PLACE = "task_id, queue_id, slot, position"


def _prompts(project_id: int, new: Iterable[tuple[Stored, Item]]) -> Iterator[Record]:
    for stored, item in new:
        row = item.row
        yield (
            *(stored.id, project_id, item.key, row.external_id, as_bytes(item.digest)),
            *(row.instruction, row.input, row.system, as_json(row.messages) if row.messages else None),
            *(
                row.category,
                row.domain,
                row.difficulty,
                row.language,
                as_texts(row.tags),
                row.source,
                as_json(row.meta),
            ),
        )


def _responses(new: Iterable[NewResponse]) -> Iterator[Record]:
    for one in new:
        answer = one.candidate.answer
        yield (
            *(one.row.id, one.prompt.id, one.candidate.key, answer.external_id),
            *(answer.text, as_bytes(one.candidate.digest), answer.model, as_json(answer.params)),
        )


def _tasks(queue: Queue, new: Iterable[NewTask]) -> Iterator[Record]:
    queue_id = queue.pk
    for task in new:
        item, shown = task.item, as_numbers([one.id for one in task.responses])
        gold, role = None, "work"
        if item.row.gold is not None:
            gold, role = as_json(item.row.gold), item.row.check or "gold"
        yield (
            *(task.row.id, queue_id, task.prompt.id, shown, as_bytes(item.task)),
            *(item.row.priority, task.row.position, _wanted(queue, task) + task.row.new_labels, gold, role),
        )


def _places(queue: Queue, new: Iterable[NewTask]) -> str:
    queue_id, slots = queue.pk, range(1, queue.overlap + 1)
    rows = [task.row for task in new if task.item.row.gold is None]
    return "".join([f"{row.id}\t{queue_id}\t{slot}\t{row.position}\n" for row in rows for slot in slots])


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


def _store_issues(job: Import, issues: Sequence[tuple[int, Issue]]) -> None:
    """Keep the first of them; the rest is only counted."""
    kept = issues[: max(0, limits.KEPT_ISSUES - sum(sum(found.values()) for found in job.issues.values()))]
    if kept:
        records = ((job.pk, line, one.check, one.severity.value, one.field, one.reason) for line, one in kept)
        copy("annotate_rowissue (job_id, line, check_name, severity, field, reason)", records)


def summed(issues: Mapping[str, Mapping[str, int]], more: Sequence[tuple[int, Issue]]) -> dict[str, dict[str, int]]:
    """How many rows each check found fault with, by severity."""
    found = {check: dict(counts) for check, counts in issues.items()}
    for (check, severity), count in Counter([(one.check, one.severity) for _line, one in more]).items():
        counts = found.setdefault(check, {})
        counts[severity.value] = counts.get(severity.value, 0) + count
    return found


def _count(job: Import, batch: Batch, plan: Plan, refused: int, issues: Sequence[tuple[int, Issue]]) -> None:
    """In the batch's own transaction, so that a worker that takes over knows exactly what is done."""
    counts = {
        "rows_read": batch.read,
        "rows_added": plan.added,
        "rows_unchanged": plan.unchanged,
        "rows_refused": refused,
        "rows_self_named": len(plan.self_named),
        "labels_added": len(plan.labels),
        "labels_unchanged": plan.labels_unchanged,
        "rows_left_out": batch.left_out,
    }
    changes: dict[str, Any] = {name: getattr(job, name) + count for name, count in counts.items()}
    changes["self_named_lines"] = (job.self_named_lines + plan.self_named)[: limits.KEPT_SELF_NAMED]
    changes |= {"issues": summed(job.issues, issues), "chosen": batch.chooser.state}
    jobs.change(job, beat_at=Now(), progress=batch.progress, **changes)

"""How fast labels leave as files, and in how much memory: `python -m benchmarks.export_rows`.

For each format and container: rows a second, the time to the first byte, and by how much the process grew while it
wrote the whole file to nowhere. Beside them the limit: PostgreSQL's own COPY of the same rows to this process.
"""

import argparse
import itertools
import os
import random
import subprocess
import sys
import time

from benchmarks import ground
from benchmarks.ground import note, say

MB = 1024 * 1024

PROMPTS = "COPY annotate_prompt (project_id, key, external_id, digest, instruction) FROM STDIN"
RESPONSES = "COPY annotate_response (prompt_id, key, external_id, text, digest, model) FROM STDIN"

# Every prompt is one task; tasks are few where labels are many, as overlap makes them in real queues.
TASKS = """
INSERT INTO annotate_task (queue_id, prompt_id, response_ids, digest, position, places)
SELECT %(queue)s, p.id, coalesce((SELECT array_agg(r.id ORDER BY r.id) FROM annotate_response r
                                  WHERE %(responses)s AND r.prompt_id = p.id), '{}'),
       sha256(p.key::bytea), p.id, %(overlap)s
FROM annotate_prompt p ORDER BY p.id
"""

PLACES = """
INSERT INTO annotate_assignment (task_id, queue_id, slot, position, state, annotator_id, fence, holders, leased_at,
                                 lease_until)
SELECT t.id, t.queue_id, slot, t.position, 'done', (%(people)s::bigint[])[slot], 1,
       ARRAY[(%(people)s::bigint[])[slot]], now(), now()
FROM annotate_task t, generate_series(1, %(overlap)s) AS slot WHERE t.queue_id = %(queue)s ORDER BY slot, t.position
"""

# A label for every place: everybody goes through the queue from its start, so labels of one task are far apart.
LABELS = """
INSERT INTO annotate_label (assignment_id, task_id, queue_id, annotator_id, payload, shown, fence, active_seconds, key,
                            body_digest)
SELECT a.id, t.id, t.queue_id, a.annotator_id, {payload}, t.response_ids, 1, 30, gen_random_uuid(), ''
FROM annotate_assignment a JOIN annotate_task t ON t.id = a.task_id
WHERE t.queue_id = %(queue)s ORDER BY a.slot, a.position
"""
RANKED = """jsonb_build_object('comment', '', 'unusable', '[]'::jsonb, 'ranks', jsonb_build_object(
    'a', 1 + t.id %% 4, 'b', 1 + (t.id + 1) %% 4, 'c', 1 + (t.id + 2) %% 4, 'd', 1 + (t.id + 3) %% 4))"""
WRITTEN = """jsonb_build_object('comment', '', 'text', (
    SELECT r.text FROM annotate_response r WHERE r.prompt_id = t.prompt_id ORDER BY r.id OFFSET a.slot LIMIT 1))"""

# The same rows as the preference formats and the demonstration formats, made by PostgreSQL alone.
COPY_PAIRS = """
COPY (SELECT p.key, p.instruction, better.text, worse.text FROM annotate_label l
      JOIN annotate_task t ON t.id = l.task_id JOIN annotate_prompt p ON p.id = t.prompt_id
      CROSS JOIN unnest(l.shown) WITH ORDINALITY AS b(id, nth) CROSS JOIN unnest(l.shown) WITH ORDINALITY AS w(id, nth)
      JOIN annotate_response better ON better.id = b.id JOIN annotate_response worse ON worse.id = w.id
      WHERE l.queue_id = {queue} AND (l.payload -> 'ranks' -> chr(96 + b.nth::int))::int
                                     < (l.payload -> 'ranks' -> chr(96 + w.nth::int))::int) TO STDOUT
"""
COPY_TEXTS = """
COPY (SELECT p.key, p.instruction, l.payload ->> 'text' FROM annotate_label l
      JOIN annotate_task t ON t.id = l.task_id JOIN annotate_prompt p ON p.id = t.prompt_id
      WHERE l.queue_id = {queue}) TO STDOUT
"""
#: Made-up words, the n-th used as often as 1 / n says: texts that compress about as well as real ones.
WORDS = ["".join(one) for one in itertools.product(("ba", "co", "di", "fu", "mel", "nor", "sti", "tra"), repeat=4)]
OFTEN = list(itertools.accumulate(1 / n for n in range(1, len(WORDS) + 1)))

MEASURES = {
    "write": ("sft-messages", "sft-prompt-completion", "alpaca"),
    "rank": ("preference", "preference-implicit", "preference-text", "raw"),
}
BARS = {"write": 50_000, "rank": 100_000}


def a_text(seed: int, length: int) -> str:
    """`length` characters in lines, another text for each seed."""
    words = iter(random.Random(seed).choices(WORDS, cum_weights=OFTEN, k=length // 6))
    return "\n".join(" ".join(line) for line in itertools.batched(words, 12))[:length]


def made(labels: int, length: int, overlap: int) -> dict[str, int]:
    """A `rank` and a `write` queue of so many labels each, so many a task, over the same prompts; queue ids by kind."""
    from django.db import connection

    from annotate import rendering
    from annotate.models import Queue
    from benchmarks import crowd

    project, people = crowd.a_crowd(3)
    with connection.cursor() as cursor:
        with cursor.copy(PROMPTS) as copy:
            for n in range(labels // overlap):
                copy.write_row((project.pk, f"p-{n}", f"p-{n}", b"", a_text(n, length // 2)))
        cursor.execute("SELECT id FROM annotate_prompt ORDER BY id")
        prompts = [pk for (pk,) in cursor.fetchall()]
        with cursor.copy(RESPONSES) as copy:
            for prompt in prompts:
                for nth in range(4):
                    text = a_text(4 * prompt + nth, length)
                    digest = rendering.digest_of(text)
                    copy.write_row((prompt, f"{prompt}-{nth}", f"{prompt}-{nth}", text, digest, f"model-{nth}"))
    queues = {}
    for kind, payload in (("rank", RANKED), ("write", WRITTEN)):
        queue = Queue.objects.create(
            project=project, name=kind, kind=kind, overlap=overlap, created_by=project.created_by
        )
        values = {
            "queue": queue.pk,
            "responses": kind == "rank",
            "people": [one.pk for one in people],
            "overlap": overlap,
        }
        with connection.cursor() as cursor:
            for sql in (TASKS, PLACES, LABELS.format(payload=payload)):
                cursor.execute(sql, values)
        queues[kind] = queue.pk
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return queues


def copied(sql: str) -> tuple[int, float]:
    """Rows and seconds of a COPY read by this process."""
    from django.db import connection

    begin = time.perf_counter()
    with connection.cursor() as cursor, cursor.copy(sql) as copy:
        rows = sum(bytes(block).count(b"\n") for block in copy)  # newlines in texts are escaped
    return rows, time.perf_counter() - begin


def exported(queue_id: int, name: str, container: str) -> None:
    """One export in a process of its own, so that its growth is its own; prints what `measure` reads."""
    import resource

    import pyarrow

    from annotate import consensus, exporting
    from annotate.models import Queue

    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    pyarrow.array([""])  # loads pandas where it is installed, as a worker's first export does
    consensus.methods()  # loads scipy, which a server has from its start
    queue, counts = Queue.objects.get(pk=queue_id), exporting.Counts()
    before, begin, worked = peak(), time.perf_counter(), time.process_time()
    pieces = exporting.stream(queue, name, container=container, counts=counts)
    size = len(next(pieces))
    first = time.perf_counter() - begin
    size += sum(map(len, pieces))
    seconds, worked, growth = time.perf_counter() - begin, time.process_time() - worked, peak() - before
    begin = time.perf_counter()
    again = exporting.count(queue, name)
    assert again == counts, (again, counts)
    print(counts.rows, seconds, first, growth, size, worked, time.perf_counter() - begin)


def measure(kind: str, queue_id: int, bare: float) -> None:
    """A line for each format and container of a kind; `bare` is COPY's rows a second."""
    for name in MEASURES[kind]:
        for container in ("jsonl", "parquet"):
            command = [sys.executable, "-m", "benchmarks.export_rows", "--one", str(queue_id), name, container]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
            rows, seconds, first, growth, size, worked, counting = map(float, done.stdout.split())
            bar = "" if name == "raw" else f"{BARS[kind]:,}"
            say(f"{name}, {container} ({size / MB:,.0f} MB)", rows / seconds, "rows/s", bar)
            say("  of what COPY alone does", rows / seconds / bare, "x")
            say("  of this process's own time", worked / rows * 1e6, "us/row")
            say("  first byte", first * 1000, "ms", "500")
            say("  memory grown by", growth / MB, "MB")
        say(f"{name}, counted only", rows / counting, "rows/s")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--labels", type=int, default=200_000, help="in each queue")
    options.add_argument("--length", type=int, default=500, help="characters of a response; prompts have half of it")
    options.add_argument("--overlap", type=int, default=3, choices=(1, 2, 3), help="labels of a task")
    options.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    with ground.prepared(fresh=chosen.one is None):
        if chosen.one:
            queue_id, name, container = chosen.one
            exported(int(queue_id), name, container)
            return
        note(f"making two queues of {chosen.labels:,} labels ...")
        queues = made(chosen.labels, chosen.length, chosen.overlap)
        for kind, sql in (("write", COPY_TEXTS), ("rank", COPY_PAIRS)):
            rows, seconds = copied(sql.format(queue=queues[kind]))
            say(f"COPY of the rows of a {kind} queue", rows / seconds, "rows/s")
            measure(kind, queues[kind], rows / seconds)


if __name__ == "__main__":
    main()

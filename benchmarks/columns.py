"""How fast a queue's labels become columns: `python -m benchmarks.columns`.

A queue of comparisons, overlap 3, with two responses a task. Anew: every label and every response is read and kept as
segments; then from the segments alone; then after some more labels. Each in a process of its own, so that its memory
is its own. Beside them the limit: PostgreSQL's own COPY of the label table to this process.
"""

import argparse
import os
import subprocess
import sys
import time
from typing import Any

from benchmarks import ground
from benchmarks.export_rows import LABELS, PLACES, PROMPTS, RESPONSES, TASKS, a_text, copied
from benchmarks.ground import note, say

MB = 1024 * 1024
PEOPLE = 30
#: Texts that are made; every so many-th response has the same.
TEXTS = 20_000

COMPARED = """jsonb_strip_nulls(jsonb_build_object('comment', '', 'winner', w.side,
    'strength', CASE WHEN w.side IN ('a', 'b') THEN 1 + (t.id + a.slot) %% 3 END))"""
#: People of a task differ, and each sees its responses in an order of their own.
SHUFFLED = (
    LABELS.replace("t.response_ids, 1, 30", "CASE WHEN (t.id + a.slot) %% 2 = 0 THEN t.response_ids ELSE "
                   "ARRAY[t.response_ids[2], t.response_ids[1]] END, 1, 30")
    .replace("WHERE t.queue_id", "CROSS JOIN LATERAL (SELECT (ARRAY['a', 'b', 'a', 'b', 'tie', 'both_bad'])"
             "[1 + (hashint8(a.id) & 1048575) %% 6] AS side) w WHERE t.queue_id")
)  # fmt: skip
COPY_LABELS = "COPY annotate_label TO STDOUT"


def made(labels: int, length: int) -> int:
    """The id of a queue of so many comparisons."""
    from django.db import connection

    from annotate.models import Queue
    from benchmarks import crowd

    project, people = crowd.a_crowd(PEOPLE)
    texts = [a_text(n, length) for n in range(TEXTS)]
    with connection.cursor() as cursor:
        with cursor.copy(PROMPTS) as copy:
            for n in range(labels // 3):
                copy.write_row((project.pk, f"p-{n}", f"p-{n}", b"", texts[n % TEXTS][: length // 2]))
        cursor.execute("SELECT id FROM annotate_prompt ORDER BY id")
        prompts = [pk for (pk,) in cursor.fetchall()]
        with cursor.copy(RESPONSES) as copy:
            for prompt in prompts:
                for nth in range(2):
                    key, model = f"{prompt}-{nth}", f"model-{(prompt + nth * (1 + prompt % 18)) % 20}"
                    copy.write_row((prompt, key, key, texts[(2 * prompt + nth) % TEXTS], b"", model))
        queue = Queue.objects.create(
            project=project, name="compare", kind="compare", overlap=3, created_by=project.created_by
        )
        everybody = [one.pk for one in people]
        values: dict[str, Any] = {"queue": queue.pk, "responses": True, "people": everybody, "overlap": 3}
        for sql in (TASKS, PLACES, SHUFFLED.format(payload=COMPARED)):
            cursor.execute(sql, values)
        cursor.execute("VACUUM ANALYZE")
    return queue.pk


def loaded(queue_id: int, horizon: int) -> None:
    """Load columns, and print what `measured` reads."""
    import resource

    import pyarrow

    from annotate.models import Queue
    from annotate.quality import columns

    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    pyarrow.array([""])  # loads pandas where it is installed, as a worker's first report does
    queue = Queue.objects.select_related("project").get(pk=queue_id)
    before, begin, worked = peak(), time.perf_counter(), time.process_time()
    found = columns.load(queue, horizon or None)
    print(len(found.label), time.perf_counter() - begin, time.process_time() - worked, peak() - before)


def measured(queue_id: int, horizon: int) -> tuple[int, float, float, float]:
    command = [sys.executable, "-m", "benchmarks.columns", "--one", str(queue_id), str(horizon)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
    labels, seconds, worked, grown = map(float, done.stdout.split())
    return int(labels), seconds, worked, grown


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--labels", type=int, default=1_000_000)
    options.add_argument("--length", type=int, default=500, help="characters of a response")
    options.add_argument("--one", nargs=2, type=int, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    with ground.prepared(fresh=chosen.one is None):
        if chosen.one:
            loaded(*chosen.one)
            return
        note(f"making a queue of {chosen.labels:,} labels ...")
        measure(made(chosen.labels, chosen.length))


def measure(queue_id: int) -> None:
    from django.db import connection
    from django.db.models import Max, Sum
    from django.db.models.functions import Length

    from annotate.models import Label, Segment

    rows, bare = copied(COPY_LABELS)
    say("COPY of the label table", rows / bare, "labels/s")
    newest = Label.objects.aggregate(newest=Max("pk"))["newest"]
    labels, seconds, worked, grown = measured(queue_id, newest - 1_000)
    say("columns anew, responses read", labels / seconds, "labels/s", "50,000")
    say("  of what COPY alone does", labels / seconds / (rows / bare), "x")
    say("  of this process's own time", worked / labels * 1e6, "us/label")
    say("  memory grown by", grown / MB, "MB")
    kept = Segment.objects.aggregate(size=Sum(Length("data")))["size"]
    say(f"{Segment.objects.count()} segments in the database", kept / MB, "MB")
    _labels, seconds, _worked, _grown = measured(queue_id, newest)
    say("columns after 1,000 more labels", seconds, "s")
    for _ in range(3):
        _labels, seconds, worked, grown = measured(queue_id, newest)
        say("columns from segments", seconds, "s", "2")
        say("  of this process's own time", worked, "s")
        say("  memory grown by", grown / MB, "MB")
    connection.close()


if __name__ == "__main__":
    main()

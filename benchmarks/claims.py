"""What a claim costs, and what does not change it: `python -m benchmarks.claims`.

Times at 0 and 50,000 own labels, at 10,000 and 1,000,000 tasks, and with checks mixed in, taken in turns so that noise
hits all alike; of a queue that is put in order anew; and the same statement driven by pgbench, with no Python at all.
"""

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from itertools import batched

from benchmarks import ground
from benchmarks.ground import note, say

# As if `user` had labelled the first tasks of the queue.
LABELLED = """
WITH done AS (
    UPDATE annotate_assignment SET state = 'done', annotator_id = %(user)s, fence = 1, holders = ARRAY[%(user)s],
        leased_at = now(), lease_until = now()
    WHERE id IN (SELECT id FROM annotate_assignment WHERE queue_id = %(queue)s AND slot = 1
                 ORDER BY position LIMIT %(count)s)
    RETURNING id, task_id
)
INSERT INTO annotate_label (assignment_id, task_id, queue_id, annotator_id, payload, shown, fence, active_seconds,
                            key, body_digest)
SELECT done.id, task_id, %(queue)s, %(user)s, '{"text": "done"}', t.response_ids, 1, 5, gen_random_uuid(), ''
FROM done JOIN annotate_task t ON t.id = done.task_id
"""

TO_THE_END = """
UPDATE annotate_seat s SET cursor_position = a.position, cursor_id = a.id, done = %(count)s
FROM (SELECT position, id FROM annotate_assignment WHERE annotator_id = %(user)s AND queue_id = %(queue)s
      ORDER BY position DESC, id DESC LIMIT 1) a
WHERE s.queue_id = %(queue)s AND s.user_id = %(user)s
"""


def have_labelled(user: object, queue: object, count: int) -> None:
    from django.db import connection, transaction

    from annotate.queue import lock_seat

    values = {"user": user.pk, "queue": queue.pk, "count": count}  # type: ignore[attr-defined]
    with transaction.atomic(), connection.cursor() as cursor:
        lock_seat(user, queue)  # type: ignore[arg-type]
        cursor.execute(LABELLED, values)
        cursor.execute(TO_THE_END, values)


# As if the first tasks of the queue had been imported with their answers.
KNOWN = """
WITH known AS (SELECT id FROM annotate_task WHERE queue_id = %(queue)s ORDER BY id LIMIT %(count)s),
gone AS (DELETE FROM annotate_assignment WHERE task_id IN (SELECT id FROM known))
UPDATE annotate_task SET role = 'gold', places = 0,
    gold = '{"ranks": {"a": 1, "b": 2, "c": 3, "d": 4}, "unusable": [], "comment": ""}'
WHERE id IN (SELECT id FROM known)
"""


def with_checks(queue: object, gold: int) -> None:
    """Every tenth task is a check, every twentieth a repeat."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(KNOWN, {"queue": queue.pk, "count": gold})  # type: ignore[attr-defined]
    queue.rules = {"gold_rate": 0.1, "repeat_rate": 0.05}  # type: ignore[attr-defined]
    queue.save()  # type: ignore[attr-defined]


def one_claim(user: object, queue: object) -> float:
    """Milliseconds of a claim; the task is then labelled, outside the measure, so the next claim moves on."""
    from annotate import labelling
    from annotate import queue as verbs
    from annotate.models import Assignment

    begin = time.perf_counter()
    found = verbs.claim(user, queue)  # type: ignore[arg-type]
    seconds = time.perf_counter() - begin
    assert isinstance(found, int)
    place = Assignment.objects.select_related("task", "queue").get(pk=found)
    payload = {"ranks": {"a": 1, "b": 2, "c": 3, "d": 4}, "unusable": [], "comment": ""}
    labelling.submit(user, place, labelling.Answer(payload, place.fence))  # type: ignore[arg-type]
    return seconds * 1000


def compare(title: str, first: tuple[object, object], second: tuple[object, object], names: tuple[str, str]) -> None:
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(400):
        times[0].append(one_claim(*first))
        times[1].append(one_claim(*second))
    medians = [statistics.median(one) for one in times]
    for name, median in zip(names, medians, strict=True):
        say(f"claim, {name}", median, "ms")
    say(f"  ratio, {title}", medians[1] / medians[0], "x", "1.5")


def past_what_was_brought_forward(user: object, queue: object) -> float:
    """Median milliseconds of the first claim behind what was brought forward, twenty times put in order anew."""
    from annotate import ordering
    from annotate.models import Task

    last = Task.objects.filter(queue=queue).order_by("-position").values_list("pk", flat=True)[:40]
    times = []
    for pair in batched(last, 2):
        ordering.bring_forward(queue, pair)  # type: ignore[arg-type]
        times.append([one_claim(user, queue) for _ in range(3)][2])
    return statistics.median(times)


PGBENCH = r"""
\set seat random(1, :seats)
BEGIN;
SELECT user_id, cursor_position, cursor_id, forward_position FROM annotate_seat
WHERE id = :first::int + :seat::int FOR UPDATE \gset
{claim}
\gset
INSERT INTO annotate_label (assignment_id, task_id, queue_id, annotator_id, payload, shown, fence, active_seconds,
                            key, body_digest)
SELECT a.id, a.task_id, a.queue_id, :user_id, '{{"text": "x"}}', t.response_ids, a.fence, 1, gen_random_uuid(), ''
FROM annotate_assignment a JOIN annotate_task t ON t.id = a.task_id WHERE a.id = :id;
UPDATE annotate_assignment SET state = 'done' WHERE id = :id;
COMMIT;
"""


def bare(queue: object, users: list[object], seconds: int) -> None:
    """The claim, the label and the finished place by pgbench: what PostgreSQL alone can do here."""
    from django.db import connection, transaction

    from annotate import queue as verbs

    if not (program := shutil.which("pgbench")):
        note("no pgbench on the PATH: the bare figure is left out")
        return
    with transaction.atomic():
        seats = [verbs.lock_seat(user, queue).pk for user in users]  # type: ignore[arg-type]
    values = {
        "user": ":user_id",
        "seat": ":first::int + :seat::int",
        "position": ":cursor_position",
        "id": ":cursor_id",
        "forward": ":forward_position",
        "queue": str(queue.pk),  # type: ignore[attr-defined]
        "lease": "1800",
    }
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(PGBENCH.format(claim=verbs._CLAIM % values))
        file.flush()
        options = ["-n", "-M", "prepared", "-c", "8", "-j", "2", "-T", str(seconds), "-f", file.name]
        options += ["-D", f"first={seats[0] - 1}", "-D", f"seats={len(seats)}"]
        database = connection.settings_dict
        where = ["-h", database["HOST"], "-U", database["USER"], database["NAME"]]
        done = subprocess.run([program, *options, *where], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rate = next(line for line in done.stdout.splitlines() if line.startswith("tps"))
    say("claim + label by pgbench, 8 connections, no Python", float(rate.split()[2]), "/s")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tasks", type=int, default=1_000_000)
    chosen = options.parse_args()
    with ground.prepared():
        from benchmarks import crowd

        project, users = crowd.a_crowd(40)
        note(f"making queues of 10,000 and {chosen.tasks:,} tasks ...")
        small = crowd.a_queue(project, "small", 10_000, prompts=1_000)
        large = crowd.a_queue(project, "large", chosen.tasks, prompts=1_000)
        fresh, old, other = users[:3]
        have_labelled(old, large, min(50_000, chosen.tasks // 4))
        compare("own labels", (fresh, large), (old, large), ("0 own labels", "50,000 own labels"))
        say("claim behind what was brought forward, 50,000 own labels", past_what_was_brought_forward(old, large), "ms")
        compare("tasks", (other, small), (other, large), ("10,000 tasks", f"{chosen.tasks:,} tasks"))
        checked = crowd.a_queue(project, "checked", 10_000, prompts=1_000)
        with_checks(checked, 1_000)
        names = ("10,000 tasks, no rules", "10,000 tasks, 10 % gold of 1,000 and 5 % repeats")
        compare("checks", (users[3], small), (users[3], checked), names)
        bare(large, users[8:], 20)


if __name__ == "__main__":
    main()

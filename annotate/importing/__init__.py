"""Getting data in: a file into a queue, row by row checked, as a job that survives whoever does it.

    job = start(queue, user, file, "name.jsonl")    # a door: page, API
    run(job.pk)                                     # a worker

What goes through, in order: `sources` opens the file (`texts`, `parquet`) and gives rows as JSON; `shapes` turns
foreign ones; `rows` checks them; `items` adds who they are; `plans` tells what of them is new; `writing` stores it.
"""

from annotate.importing.jobs import cancel, run, run_now, start, wake_waiting, workers_alive
from annotate.importing.shapes import SHAPES as FORMATS
from annotate.importing.shapes import Shape


def formats() -> list[Shape]:
    """The shapes of rows that are read: each has `name`, `title` and `description`."""
    return list(FORMATS.values())


__all__ = [
    "FORMATS",
    "cancel",
    "formats",
    "run",
    "run_now",
    "start",
    "wake_waiting",
    "workers_alive",
]

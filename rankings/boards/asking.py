"""Which open tasks to ask next: those whose answers would tell most about the models' strengths."""

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from annotate.models import Queue
from rankings.boards import meetings, strengths
from rankings.scoring import bradley_terry, information

#: Tasks brought forward at a time, and among how many open places they are looked for.
WANTED, CANDIDATES = 1_000, 300_000

# Tasks with an open place in the queue's order, with the models of their responses ("" where one is not known).
_OPEN = """
SELECT t.id, array(SELECT r.model FROM unnest(t.response_ids) AS one(id) JOIN annotate_response r USING (id))
FROM (SELECT DISTINCT task_id FROM (
          SELECT task_id FROM annotate_assignment WHERE queue_id = %s AND state = 'open'
          ORDER BY position, id LIMIT %s
      ) open) place
JOIN annotate_task t ON t.id = place.task_id
WHERE t.state = 'ready' AND t.role = 'work' ORDER BY t.id
"""


def order(queue: Queue) -> list[int]:
    """Ids of up to `WANTED` open tasks, the most telling first, by all that was said in the queue so far.

    Tasks whose responses have fewer than two known models tell nothing and are left where they are.
    """
    tasks, shown = _open(queue)
    met = meetings.gather([queue])
    between = met.pick(met.of_models)
    names = sorted({one for models in shown for one in models} | set(met.models))
    number = {name: nth for nth, name in enumerate(names)}
    known = np.array([number[name] for name in met.models], dtype=np.int64)
    fit = bradley_terry.fit(strengths.compared(len(names), known[between.winner], known[between.loser], between))
    chosen = information.order(fit, _table(shown, number), WANTED)
    return [tasks[nth] for nth in chosen]


def _open(queue: Queue) -> tuple[list[int], list[list[str]]]:
    """Open tasks, and the different models that each of them shows."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [queue.pk, CANDIDATES])
        found = [(task, sorted(set(models) - {""})) for task, models in cursor.fetchall()]
    telling = [(task, models) for task, models in found if len(models) > 1]
    return [task for task, _models in telling], [models for _task, models in telling]


def _table(shown: list[list[str]], number: dict[str, int]) -> NDArray[np.int64]:
    """A row for each task: the numbers of its models, then -1."""
    table = np.full((len(shown), max(map(len, shown), default=0)), -1, dtype=np.int64)
    for nth, models in enumerate(shown):
        table[nth, : len(models)] = [number[name] for name in models]
    return table

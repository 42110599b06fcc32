"""Orders that follow a queue's labels: what is best asked next changes as labels come in.

`settings.ORDERS` names, by a queue's order, a function that takes the queue and gives ids of its tasks, the best first.
They are put in order by a worker, at most once a minute, and only where labels came since.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from annotate import jobs, queue
from annotate.models import Label, Queue
from annotate.models.queues import FAR_BEFORE
from annotate.places import FURTHER_ON
from annotate.quality import rules

TASK = "annotate.tasks.put_in_order"

EVERY = timedelta(minutes=1)


def wake_waiting() -> None:
    """Tell a worker of each queue whose order has grown old. Told twice, only one puts it in order."""
    for pk in _due().values_list("pk", flat=True):
        jobs.wake(TASK, pk)


def _due() -> QuerySet[Queue]:
    """Open queues with labels that their order does not know, and that were not put in order just now."""
    learning = Queue.objects.filter(order__in=settings.ORDERS, state=Queue.State.OPEN)
    just_now = Label.objects.filter(pk=OuterRef("ordered_to"), created_at__gt=Now() - EVERY)
    newer = Label.objects.filter(queue=OuterRef("pk"), pk__gt=OuterRef("ordered_to"))
    return learning.filter(Exists(newer), ~Exists(just_now))


def put_in_order(queue_id: int) -> None:
    """Bring forward what is best asked next."""
    work = _due().select_related("project").filter(pk=queue_id).first()
    if work is None:
        return
    newest = Label.objects.filter(queue=work).order_by("-pk").values_list("pk", flat=True)[0]
    ours = Queue.objects.filter(pk=work.pk, ordered_to=work.ordered_to).update(ordered_to=newest)
    if ours and (tasks := import_string(settings.ORDERS[work.order])(work)):
        bring_forward(work, tasks)


# What was brought forward earlier goes back to where its task stands: whoever is past that place has been offered it.
# Not so of one that was added or given back, or, where checks are, made for a task whose place a check took: it goes a
# little ahead of the foremost seat, each to a position of its own.
_BACK = """
WITH front AS (SELECT greatest(-1, max(cursor_position)) + %(further_on)s AS position
               FROM annotate_seat WHERE queue_id = %(queue)s),
free AS (
    SELECT a.id, t.position, a.slot > q.overlap OR a.fence > 0 OR %(mixed)s AS moved
    FROM annotate_assignment a JOIN annotate_task t ON t.id = a.task_id JOIN annotate_queue q ON q.id = a.queue_id
    WHERE a.queue_id = %(queue)s AND a.state = 'open' AND a.position < 0 AND a.task_id <> ALL(%(tasks)s::bigint[])
    FOR UPDATE OF a SKIP LOCKED
), back AS (
    SELECT id, CASE WHEN moved THEN greatest(free.position, front.position - 1 + row_number() OVER (
        PARTITION BY moved ORDER BY free.position, id)) ELSE free.position END AS position
    FROM free, front
)
UPDATE annotate_assignment a SET position = back.position FROM back WHERE a.id = back.id
"""

# In the order of `tasks`, and after all that anybody has come to of what was brought forward earlier. Places that
# somebody is just being given stay where they are.
_FORWARD = f"""
WITH last AS (SELECT greatest(max(forward_position), {queue.LAST_FORWARD}, %(least)s) AS position
              FROM annotate_seat WHERE queue_id = %(queue)s),
wanted AS (SELECT task_id, nth FROM unnest(%(tasks)s::bigint[]) WITH ORDINALITY AS one(task_id, nth)),
free AS (
    SELECT a.id, last.position + w.nth AS position
    FROM annotate_assignment a JOIN wanted w USING (task_id), last
    WHERE a.queue_id = %(queue)s AND a.state = 'open' FOR UPDATE OF a SKIP LOCKED
)
UPDATE annotate_assignment a SET position = free.position FROM free WHERE a.id = free.id
"""  # noqa: S608  # put together from our own words


def bring_forward(work: Queue, task_ids: Sequence[int]) -> None:
    """Let open places of these tasks be given next, to everybody, the first of them first, until others are.

    Nobody's cursor moves: who has done with them goes on where they were.
    """
    values: dict[str, Any] = {"queue": work.pk, "tasks": list(task_ids), "least": FAR_BEFORE}
    others = {"further_on": FURTHER_ON, "mixed": rules.of(work).mixes_checks}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_BACK, values | others)
        cursor.execute(_FORWARD, values)

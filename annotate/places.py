"""Further places for tasks that are in a queue already."""

from collections.abc import Collection

from django.db import connection, transaction

from annotate.models import Queue

#: Of a queue's tasks `t`: no place waits or is in hand.
NOTHING_LEFT = """
NOT EXISTS (SELECT FROM annotate_assignment a WHERE a.task_id = t.id AND a.queue_id = %(queue)s AND a.state = 'open')
AND NOT EXISTS (SELECT FROM annotate_assignment a
                WHERE a.task_id = t.id AND a.queue_id = %(queue)s AND a.state = 'leased')
"""
#: By task: how many places were added because a label was set aside with its annotator's other work
#: (`checking.reopen`, which rejects it for the reason of the pause).
AGAIN = """
again AS (
    SELECT l.task_id, count(DISTINCT v.id) AS n
    FROM annotate_pause p JOIN annotate_seat s ON s.id = p.seat_id
    JOIN annotate_label l ON l.annotator_id = s.user_id AND l.queue_id = s.queue_id
    JOIN annotate_review v ON v.label_id = l.id AND v.verdict = 'reject' AND NOT v.trial AND v.reason = p.reason
    WHERE s.queue_id = %(queue)s GROUP BY l.task_id
)
"""

#: A place given back is offered again this many open places further on than anybody has come.
FURTHER_ON = 30

_LOCK = "SELECT id FROM annotate_task WHERE queue_id = %s AND id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE"

# The tasks' rows are locked by a statement before, so nobody else gives a place the same slot. Each has a position of
# its own: with a check a seat goes past all places of one.
_ADD = """
WITH front AS (SELECT greatest(-1, max(cursor_position)) AS position FROM annotate_seat WHERE queue_id = %(queue)s),
spot AS (SELECT coalesce(
    (SELECT a.position FROM annotate_assignment a, front
     WHERE a.queue_id = %(queue)s AND a.state = 'open' AND a.position > front.position
     ORDER BY a.position, a.id OFFSET %(further_on)s LIMIT 1),
    (SELECT greatest(front.position, (SELECT max(a.position) FROM annotate_assignment a
                                      WHERE a.queue_id = %(queue)s AND a.state = 'open')) + 1 FROM front)) AS position
), grown AS (
    UPDATE annotate_task SET places = places + 1 WHERE id = ANY(%(tasks)s) AND role = 'work'
    RETURNING id, state, position
)
INSERT INTO annotate_assignment (task_id, queue_id, slot, position, state)
SELECT g.id, %(queue)s, 1 + (SELECT coalesce(max(a.slot), 0) FROM annotate_assignment a WHERE a.task_id = g.id),
       spot.position - 1 + row_number() OVER (ORDER BY g.position, g.id),
       CASE g.state WHEN 'ready' THEN 'open' ELSE 'held' END
FROM grown g, spot
"""


def add_places(queue: Queue, task_ids: Collection[int]) -> int:
    """One more place for each of these tasks of the queue, a little ahead of the foremost seat. Returns how many.

    Tasks that check people are left out: places for them are made one by one. A task that is out of work gets its
    place held back.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK, [queue.pk, list(task_ids)])
        tasks = [pk for (pk,) in cursor.fetchall()]
        cursor.execute(_ADD, {"queue": queue.pk, "tasks": tasks, "further_on": FURTHER_ON})
        return int(cursor.rowcount)

"""Checks among the work: now and then somebody is given a task whose answer is known, and can't tell.

The number in the address of a check must be like any other. So a check takes the place that would have been given
next, a row that was there all along, and the task that stood there gets a new place some way on. High numbers then come
up among ordinary work and checks alike. Nobody waits for anybody: a check that is just being given is passed over.
What somebody left for later comes again in its own place, as many tasks later as ordinary work would.

Of qualification tasks everybody knows what they are, and nobody may be kept out for want of a place to hide one in:
where there is no such place, they get a new one.
"""

from secrets import SystemRandom
from typing import Any

from annotate.checking import screening
from annotate.models import Queue, Seat, Task
from annotate.models.rows import LEFT_FOR_LATER, NOT_MINE, first_row
from annotate.quality import rules
from annotate.quality.rules import Rules

#: How many open places further on the task comes whose place a check has taken: from, to.
FURTHER_ON = (5, 65)
#: A task is asked again after this many labels at least, and only one of the newest so many.
REPEAT_AFTER, REPEAT_WITHIN = 5, 400
#: Leases of people who went away are cleared with a check that is given, so many at a time.
MOST_CLEARED = 20

_luck = SystemRandom()

# Tasks that check, in a random order, the first that this person may have and nobody else is being given. What was put
# away as they held it comes again by itself, or is lost to them as other work would be.
_ONE_TO_COME = f"""
    SELECT t.id FROM (
        SELECT a.task_id FROM (
            SELECT id AS task_id FROM annotate_task
            WHERE queue_id = %(queue)s AND role = %(role)s AND state = 'ready' AND gold IS NOT NULL
            ORDER BY random() OFFSET 0
        ) a WHERE {NOT_MINE}
            AND NOT EXISTS (SELECT FROM annotate_assignment h WHERE h.task_id = a.task_id
                            AND h.state = 'held' AND h.holders[h.fence] = %(user)s OFFSET 0)
    ) one JOIN annotate_task t ON t.id = one.task_id
    WHERE EXISTS (SELECT FROM next) LIMIT 1 FOR NO KEY UPDATE OF t SKIP LOCKED
"""  # noqa: S608  # put together from our own words

# The next slot. Fewer places than the highest slot has a task that lost some as ordinary work. From here on the two are
# the same: another's claim that was stored since this statement began is seen in the task's row alone.
_ONE_MORE = "1 + greatest(t.places, (SELECT max(o.slot) FROM annotate_assignment o WHERE o.task_id = t.id))"

_GIVEN = f"""
one AS ({_ONE_TO_COME}), given AS (
    UPDATE annotate_task t SET places = {_ONE_MORE} FROM one WHERE t.id = one.id RETURNING t.id, t.places AS slot
)
"""  # noqa: S608  # put together from our own words

# A twin of a task that they labelled some while ago. Whose it is, its digest says.
_GIVEN_AGAIN = """
known AS (
    SELECT t.id, sha256(t.digest || int8send(%(user)s::bigint)) AS digest
    FROM (SELECT task_id FROM annotate_label l
          WHERE l.annotator_id = %(user)s AND l.queue_id = %(queue)s AND l.supersedes_id IS NULL
            AND l.id >= coalesce((SELECT id FROM annotate_label WHERE annotator_id = %(user)s
                                  ORDER BY id DESC OFFSET %(within)s LIMIT 1), 0)
          ORDER BY l.id DESC OFFSET %(after)s) mine
    JOIN annotate_task t ON t.id = mine.task_id
    WHERE t.role = 'work' AND t.state = 'ready'
), one AS (
    SELECT id, digest FROM known k
    WHERE EXISTS (SELECT FROM next)
      AND NOT EXISTS (SELECT FROM annotate_task twin WHERE twin.queue_id = %(queue)s AND twin.digest = k.digest)
    ORDER BY random() LIMIT 1
), given AS (
    INSERT INTO annotate_task (queue_id, prompt_id, response_ids, digest, priority, position, places, role, repeats_id,
                               created_at)
    SELECT t.queue_id, t.prompt_id, t.response_ids, one.digest, t.priority, t.position, 1, 'repeat', t.id, now()
    FROM one JOIN annotate_task t ON t.id = one.id RETURNING id, 1 AS slot
)
"""

# The place that would be given next, if it was nobody's yet and is not the last one; the seat goes past all places of
# its task, as it would have done had that been given. For qualification it may be one further on. Of a lease that ran
# out `lease_until` stays: that place does not come again.
_TAKE = """
WITH stale AS (
    UPDATE annotate_assignment a SET state = 'held', annotator_id = NULL
    WHERE a.id IN (SELECT s.id FROM annotate_assignment s JOIN annotate_task t ON t.id = s.task_id
                   WHERE s.queue_id = %(queue)s AND s.state = 'leased' AND s.lease_until < now()
                     AND s.annotator_id <> %(user)s AND t.role <> 'work'
                   LIMIT %(cleared)s FOR UPDATE OF s SKIP LOCKED)
), forward AS (
    SELECT a.id, a.task_id, a.slot, a.position, a.fence FROM annotate_assignment a
    WHERE a.queue_id = %(queue)s AND a.state = 'open' AND a.position > %(forward)s AND a.position < 0 AND {not_mine}
      AND (a.fence = 0 OR %(role)s <> 'screen')
    ORDER BY a.position, a.id LIMIT 1 FOR UPDATE OF a SKIP LOCKED
), ahead AS (
    SELECT a.id, a.task_id, a.slot, a.position, a.fence FROM annotate_assignment a
    WHERE a.queue_id = %(queue)s AND a.state = 'open' AND (a.position, a.id) > (%(position)s, %(id)s) AND {not_mine}
      AND (a.fence = 0 OR %(role)s <> 'screen')
    ORDER BY a.position, a.id LIMIT 1 FOR UPDATE OF a SKIP LOCKED
), first AS (
    SELECT * FROM forward UNION ALL SELECT * FROM ahead LIMIT 1
), next AS MATERIALIZED (
    SELECT * FROM first f WHERE f.fence = 0 AND EXISTS (
        SELECT FROM annotate_assignment a
        WHERE a.queue_id = %(queue)s AND a.state = 'open' AND (a.position, a.id) > (f.position, f.id))
), {given}, place AS (
    UPDATE annotate_assignment a
    SET task_id = given.id, slot = given.slot, state = 'leased', annotator_id = %(user)s, fence = 1,
        holders = ARRAY[%(user)s::bigint], leased_at = now(), lease_until = now() + make_interval(secs => %(lease)s)
    FROM next, given WHERE a.id = next.id
    RETURNING a.id, a.position, next.task_id, next.slot
), fresh AS (
    INSERT INTO annotate_assignment (task_id, queue_id, slot, position)
    SELECT place.task_id, %(queue)s, place.slot, coalesce(
        (SELECT a.position FROM annotate_assignment a
         WHERE a.queue_id = %(queue)s AND a.state = 'open' AND a.position > front.position
         ORDER BY a.position, a.id OFFSET %(further_on)s LIMIT 1),
        1 + greatest(front.position, (SELECT max(a.position) FROM annotate_assignment a
                                      WHERE a.queue_id = %(queue)s AND a.state = 'open')))
    FROM place CROSS JOIN LATERAL (
        SELECT greatest(-1, place.position, max(cursor_position)) AS position FROM annotate_seat
        WHERE queue_id = %(queue)s
    ) front
), moved AS (
    UPDATE annotate_seat s SET cursor_position = place.position, cursor_id = 9223372036854775807
    FROM place WHERE s.id = %(seat)s AND place.position >= 0
), moved_forward AS (
    UPDATE annotate_seat s SET forward_position = place.position
    FROM place WHERE s.id = %(seat)s AND place.position < 0
)
SELECT id FROM place
"""

# A new place for a check, as long as there is work for this person to come to.
_ADD = f"""
WITH next AS MATERIALIZED (
    SELECT FROM annotate_assignment a WHERE a.queue_id = %(queue)s AND a.state = 'open' AND {NOT_MINE} LIMIT 1
), {_GIVEN}
INSERT INTO annotate_assignment (task_id, queue_id, slot, position, state, annotator_id, fence, holders, leased_at,
                                 lease_until)
SELECT given.id, %(queue)s, given.slot, %(position)s, 'leased', %(user)s, 1, ARRAY[%(user)s::bigint], now(),
       now() + make_interval(secs => %(lease)s)
FROM given RETURNING id
"""  # noqa: S608  # put together from our own words

# What they left for later, where it would come if it was open: once no open place of theirs stands before it. Who is
# to qualify meets it as soon as there is nothing new to qualify with.
_COME_AGAIN = f"""
UPDATE annotate_assignment
SET state = 'leased', annotator_id = %(user)s, fence = fence + 1, holders = array_append(holders, %(user)s),
    leased_at = now(), lease_until = now() + make_interval(secs => %(lease)s)
WHERE state = 'held' AND id = (
    SELECT later.id FROM (
        SELECT a.id, a.position, t.role FROM annotate_assignment a JOIN annotate_task t ON t.id = a.task_id
        WHERE a.queue_id = %(queue)s AND {LEFT_FOR_LATER} AND {NOT_MINE}
    ) later
    WHERE CASE WHEN %(role)s = 'screen' THEN later.role = 'screen' ELSE NOT EXISTS (
        SELECT FROM annotate_assignment a
        WHERE a.queue_id = %(queue)s AND a.state = 'open' AND a.position > %(forward)s AND a.position < 0 AND {NOT_MINE}
    ) AND NOT EXISTS (
        SELECT FROM annotate_assignment a
        WHERE a.queue_id = %(queue)s AND a.state = 'open' AND (a.position, a.id) > (%(position)s, %(id)s)
          AND (a.position, a.id) < (later.position, later.id) AND {NOT_MINE}
    ) END
    ORDER BY later.position, later.id LIMIT 1
) RETURNING id
"""  # noqa: S608  # put together from our own words
_TAKE_CHECK = _TAKE.replace("{not_mine}", NOT_MINE).replace("{given}", _GIVEN)
_TAKE_REPEAT = _TAKE.replace("{not_mine}", NOT_MINE).replace("{given}", _GIVEN_AGAIN)


def next_check(seat: Seat, queue: Queue) -> int | None:
    """Lease a check to the owner of a locked seat, if it is time for one and there is one for them."""
    asked = rules.of(queue)
    if screening.is_due(seat, asked):
        place = _give(seat, queue, Task.Role.SCREEN) or come_again(seat, queue, Task.Role.SCREEN)
        if place is None:
            screening.conclude(seat, asked)
        return place
    if (left := come_again(seat, queue)) is not None:
        return left
    role = _drawn(asked)
    return _give(seat, queue, role) if role else None


def must_qualify(seat: Seat, queue: Queue) -> bool:
    """Whether its owner gets no work before they have done the qualification tasks that there are."""
    return screening.is_due(seat, rules.of(queue)) and screening.tasks(queue).exists()


def come_again(seat: Seat, queue: Queue, role: Task.Role | None = None) -> int | None:
    """The id of the place of a check that they left for later, now theirs again; None where it isn't time for one.

    `role`: SCREEN for whoever has to qualify.
    """
    row = first_row(_COME_AGAIN, _values(seat, queue, role or Task.Role.WORK))
    return row[0] if row else None


def _drawn(asked: Rules) -> Task.Role | None:
    """What the next task is to be, by chance; None for ordinary work."""
    luck = _luck.random()
    shares = (
        (asked.gold_rate, Task.Role.GOLD),
        (asked.attention_rate, Task.Role.ATTENTION),
        (asked.repeat_rate, Task.Role.REPEAT),
    )
    for share, role in shares:
        if luck < share:
            return role
        luck -= share
    return None


def _give(seat: Seat, queue: Queue, role: Task.Role) -> int | None:
    """The id of the place that is now theirs; None where there is no such check for them, or no work to hide it in."""
    values = _values(seat, queue, role) | {
        "seat": seat.pk,
        "further_on": _luck.randint(*FURTHER_ON),
        "after": REPEAT_AFTER,
        "within": REPEAT_WITHIN,
        "cleared": MOST_CLEARED,
    }
    row = first_row(_TAKE_REPEAT if role == Task.Role.REPEAT else _TAKE_CHECK, values)
    if row is None and role == Task.Role.SCREEN:
        row = first_row(_ADD, values)
    return row[0] if row else None


def _values(seat: Seat, queue: Queue, role: Task.Role) -> dict[str, Any]:
    return {
        "queue": queue.pk,
        "user": seat.user_id,
        "role": role.value,
        "position": seat.cursor_position,
        "id": seat.cursor_id,
        "forward": seat.forward_position,
        "lease": queue.lease_seconds,
    }

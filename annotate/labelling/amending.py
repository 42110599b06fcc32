"""Changing one's mind: a label of one's own is superseded by another, until somebody reviews it."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from annotate import kinds, queue
from annotate.labelling.answers import Answer, Submitted
from annotate.labelling.refusals import KeyReused, NotAmendable
from annotate.models import Label, Queue, User

#: How many answers back one may go with "undo".
MOST_UNDONE = 10

SUPERSEDED = "superseded", _("This answer was changed already. Change the newest one.")
REVIEWED = "reviewed", _("This answer has been reviewed, so it stays as it is.")
QUEUE_CLOSED = "queue_closed", _("This queue is closed, so the answer stays as it is.")

# All but what is said is the old label's, under the guidelines of now.
_SUPERSEDE = """
WITH label AS (
    INSERT INTO annotate_label (assignment_id, task_id, queue_id, annotator_id, payload, shown, fence,
                                active_seconds, guideline_id, key, body_digest, supersedes_id)
    SELECT l.assignment_id, l.task_id, l.queue_id, l.annotator_id, %(payload)s::jsonb, l.shown, l.fence,
           %(seconds)s,
           (SELECT g.id FROM annotate_guideline g
            WHERE g.project_id = %(project)s AND (g.queue_id = l.queue_id OR g.queue_id IS NULL)
            ORDER BY g.queue_id NULLS LAST, g.version DESC LIMIT 1),
           %(key)s, %(digest)s, l.id
    FROM annotate_label l WHERE l.id = %(label)s
    RETURNING id
), seat AS (
    UPDATE annotate_seat SET active_seconds = active_seconds + greatest(%(seconds)s - %(before)s, 0)
    WHERE id = %(seat)s
)
SELECT id FROM label
"""


def amend(user: User, label: Label, answer: Answer) -> Submitted:
    """Supersede the person's own live label by a new one: same place, same shown order, guidelines in force now.

    `answer.active_seconds` is all the time spent on the task, that of the first answer included. The same key and
    answer again give the same label. Raises NotAmendable, KeyReused.
    """
    digest = _digest(label, answer.payload)
    with transaction.atomic():
        seat = queue.lock_seat(user, label.queue)
        there = Label.objects.filter(annotator=user, key=answer.key).values_list("pk", "body_digest").first()
        if there is not None:
            return _replayed(there, digest, seat.done)
        if why := why_not_amendable(label):
            raise NotAmendable(*why)
        values: dict[str, Any] = {
            "label": label.pk,
            "seat": seat.pk,
            "project": label.queue.project_id,
            "payload": json.dumps(answer.payload),
            "seconds": answer.seconds,
            "before": label.active_seconds,
            "key": answer.key,
            "digest": digest,
        }
        with connection.cursor() as cursor:
            cursor.execute(_SUPERSEDE, values)
            return Submitted(int(cursor.fetchone()[0]), done=seat.done)


def _digest(label: Label, payload: kinds.Payload) -> bytes:
    body = json.dumps([label.task_id, payload, label.pk], sort_keys=True)
    return hashlib.sha256(body.encode()).digest()


def _replayed(there: Sequence[Any], digest: bytes, done: int) -> Submitted:
    label_id, stored = there
    if bytes(stored) != digest:
        raise KeyReused(_("This key was used for another answer. Nothing was changed."))
    return Submitted(label_id, replayed=True, done=done)


def why_not_amendable(label: Label) -> tuple[str, Any] | None:
    """(code, words) of what keeps its owner from changing a label; None where nothing does."""
    if Label.objects.filter(supersedes=label).exists():
        return SUPERSEDED
    if label.reviews.exists():
        return REVIEWED
    state = Queue.objects.values_list("state", flat=True).get(pk=label.queue_id)
    return QUEUE_CLOSED if state == Queue.State.CLOSED else None


def amendable(user: User, work: Queue) -> QuerySet[Label]:
    """The person's labels in a queue that they may still change, newest first."""
    mine = Label.objects.live().filter(annotator=user, queue=work, reviews=None)
    return mine.order_by("-pk") if work.state != Queue.State.CLOSED else mine.none()


def back_from(user: User, work: Queue, before: int | None = None) -> int | None:
    """The id of the label that "undo" comes to: the newest, or the one given before `before`; None beyond ten."""
    last = list(amendable(user, work).values_list("pk", flat=True)[:MOST_UNDONE])
    return next((pk for pk in last if before is None or pk < before), None)

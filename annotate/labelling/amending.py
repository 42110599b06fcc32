"""Changing one's mind: a label of one's own is superseded by another, until somebody reviews it; and after that where
the reviewer asked for a change. A reviewer's own correction supersedes it in the same way (`supersede`).
"""

import hashlib
import json
from typing import Any

from django.db import connection, transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from annotate import kinds, queue
from annotate.checking import judging
from annotate.labelling.answers import Answer, Submitted
from annotate.labelling.refusals import KeyReused, NotAmendable
from annotate.models import Label, Queue, Review, Seat, Task, ToReview, User

#: How many answers back one may go with "undo".
MOST_UNDONE = 10

#: The weight of what a reviewer is to see before all else: a person waits for them.
FIRST = 4.0

SUPERSEDED = "superseded", _("This answer was changed already. Change the newest one.")
REVIEWED = "reviewed", _("This answer has been reviewed, so it stays as it is.")
FIXED = "reviewed", _("A reviewer fixed this answer. Theirs stands, and yours is kept with it.")
IS_FIX = "reviewed", _("This answer is a reviewer's correction, so it stays as it is.")
QUEUE_CLOSED = "queue_closed", _("This queue is closed, so the answer stays as it is.")

#: What the newest review may say where a label may still be changed: nothing, or that it is to be.
_LEAVES_OPEN = (None, Review.Verdict.CHANGES)

# All but what is said, and by whom, is the old label's, under the guidelines of now.
_SUPERSEDE = """
WITH label AS (
    INSERT INTO annotate_label (assignment_id, task_id, queue_id, annotator_id, payload, shown, fence,
                                active_seconds, guideline_id, key, body_digest, supersedes_id)
    SELECT l.assignment_id, l.task_id, l.queue_id, %(annotator)s, %(payload)s::jsonb, l.shown, l.fence,
           %(seconds)s,
           (SELECT g.id FROM annotate_guideline g
            WHERE g.project_id = %(project)s AND (g.queue_id = l.queue_id OR g.queue_id IS NULL)
            ORDER BY g.queue_id NULLS LAST, g.version DESC LIMIT 1),
           %(key)s, %(digest)s, l.id
    FROM annotate_label l WHERE l.id = %(label)s
    RETURNING id
), seat AS (
    UPDATE annotate_seat SET active_seconds = active_seconds + greatest(%(seconds)s - %(before)s, 0), to_judge = true
    WHERE id = %(seat)s
)
SELECT id FROM label
"""


def amend(user: User, label: Label, answer: Answer) -> Submitted:
    """Supersede the person's own live label by a new one: same place, same shown order, guidelines in force now.

    `answer.active_seconds` is all the time spent on the task, that of the first answer included. The same key and
    answer again give the same label. Raises NotAmendable, KeyReused.
    """
    with transaction.atomic():
        seat = queue.lock_seat(user, label.queue)
        if (there := stored_before(user, label, answer)) is not None:
            return Submitted(there, replayed=True, done=seat.done)
        if why := why_not_amendable(label):
            raise NotAmendable(*why)
        newer = supersede(user, label, answer, seat)
        _wait_for_reviewer(label, newer)
        if label.task.role == Task.Role.SCREEN:
            judging.qualify(seat, label.queue)
        return Submitted(newer, done=seat.done)


def _wait_for_reviewer(label: Label, newer: int) -> None:
    """What was changed as a reviewer asked goes back to them; what waited for any reviewer waits as it is now."""
    waits = ToReview.objects.filter(label=label, review=None).exclude(why=ToReview.Why.KNOWN)
    asked = Review.objects.filter(label=label, trial=False).order_by("-pk").first()
    if asked is None:
        waits.update(label=newer, reviewer=None, taken_at=None, held_until=None)
        return
    waits.delete()
    back = {"why": ToReview.Why.CHANGED, "only_for_id": asked.reviewer_id, "weight": FIRST}
    ToReview.objects.create(label_id=newer, queue_id=label.queue_id, **back)


def stored_before(user: User, label: Label, answer: Answer) -> int | None:
    """The id of the label that the person has stored under this key in the place of `label`. Raises KeyReused."""
    there = Label.objects.filter(annotator=user, key=answer.key).values_list("pk", "body_digest").first()
    if there is not None and bytes(there[1]) != digest(label, answer.payload):
        raise KeyReused(_("This key was used for another answer. Nothing was changed."))
    return there and there[0]


def supersede(user: User, label: Label, answer: Answer, seat: Seat | None = None) -> int:
    """Store what `user` says in the place of `label`, and give its id. `seat`: whose time it adds to.

    The caller has locked the label, and seen to it that `user` may.
    """
    values: dict[str, Any] = {
        "label": label.pk,
        "annotator": user.pk,
        "seat": seat and seat.pk,
        "project": label.queue.project_id,
        "payload": json.dumps(answer.payload),
        "seconds": answer.seconds,
        "before": label.active_seconds,
        "key": answer.key,
        "digest": digest(label, answer.payload),
    }
    with connection.cursor() as cursor:
        cursor.execute(_SUPERSEDE, values)
        return int(cursor.fetchone()[0])


def digest(label: Label, payload: kinds.Payload) -> bytes:
    """SHA-256 of what is said in the place of a label: the same for the same."""
    body = json.dumps([label.task_id, payload, label.pk], sort_keys=True)
    return hashlib.sha256(body.encode()).digest()


def why_not_amendable(label: Label) -> tuple[str, Any] | None:
    """(code, words) of what keeps its owner from changing a label; None where nothing does."""
    newer = Label.objects.filter(supersedes=label).values_list("annotator", flat=True).first()
    if newer is not None:
        return SUPERSEDED if newer == label.annotator_id else FIXED
    if Review.objects.filter(fix=label).exists():
        return IS_FIX
    said = Review.objects.filter(label=label, trial=False).order_by("-pk").values_list("verdict", flat=True).first()
    if said not in _LEAVES_OPEN:
        return REVIEWED
    state = Queue.objects.values_list("state", flat=True).get(pk=label.queue_id)
    return QUEUE_CLOSED if state == Queue.State.CLOSED else None


_SAID = Subquery(Review.objects.filter(label=OuterRef("pk"), trial=False).order_by("-pk").values("verdict")[:1])


def amendable(user: User, work: Queue) -> QuerySet[Label]:
    """The person's labels in a queue that they may still change, newest first."""
    live = Label.objects.live().filter(annotator=user, queue=work, fixes=None)
    mine = live.annotate(said=_SAID).filter(Q(said=None) | Q(said=Review.Verdict.CHANGES))
    return mine.order_by("-pk") if work.state != Queue.State.CLOSED else mine.none()


def back_from(user: User, work: Queue, before: int | None = None) -> int | None:
    """The id of the label that "undo" comes to: the newest, or the one given before `before`; None beyond ten."""
    last = list(amendable(user, work).values_list("pk", flat=True)[:MOST_UNDONE])
    return next((pk for pk in last if before is None or pk < before), None)

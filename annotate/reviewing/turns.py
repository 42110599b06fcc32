"""Whose turn it is to be reviewed: labels come into the review queue by rule or by hand, and reviewers take them.

Only PostgreSQL's clock decides how long a turn is held; turns are only ever taken with SKIP LOCKED.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from annotate import horizons
from annotate.models import KnownVerdict, Label, Member, Queue, Review, ToReview, User
from annotate.quality import rules
from annotate.reviewing.chance import chance
from annotate.reviewing.disagreement import EFFORT, written
from annotate.reviewing.rules import CHOSEN, drawn

logger = logging.getLogger(__name__)

#: How many labels are looked at in one transaction.
BATCH = 2_000

#: And while a reviewer waits for one of them.
A_FEW = 100

#: How many batches of a sweep a queue costs whose labels can't be read now: it may have waited for seconds.
WAITED = 10

#: How long a changed label waits for the reviewer who asked for the change, before anybody may take it; and how long a
#: known label for the one it was given to, after their time.
RESERVED = timedelta(days=3)

# What stands, isn't the reviewer's own nor made of theirs, and not of a task they have worked on, and was not reviewed
# by them. A turn that was held longer than its time is anybody's again.
_TAKE = """
UPDATE annotate_toreview SET reviewer_id = %(user)s, taken_at = now(),
    held_until = now() + make_interval(secs => %(hold)s)
WHERE id = (
    SELECT t.id FROM annotate_toreview t JOIN annotate_label l ON l.id = t.label_id
    WHERE t.queue_id = %(queue)s AND t.review_id IS NULL AND (t.held_until IS NULL OR t.held_until < now())
      AND t.why <> 'known' AND t.not_for_id IS DISTINCT FROM %(user)s
      AND (t.only_for_id IS NULL OR t.only_for_id = %(user)s OR t.created_at < now() - %(reserved)s)
      AND NOT EXISTS (SELECT FROM annotate_label mine WHERE mine.task_id = l.task_id
                      AND mine.assignment_id = l.assignment_id AND mine.annotator_id = %(user)s)
      AND NOT EXISTS (SELECT FROM annotate_label newer WHERE newer.supersedes_id = l.id)
      AND NOT EXISTS (SELECT FROM annotate_review r WHERE r.label_id = l.id AND r.reviewer_id = %(user)s)
      AND NOT EXISTS (SELECT FROM annotate_assignment a WHERE a.task_id = l.task_id AND a.annotator_id = %(user)s)
    ORDER BY t.weight DESC, t.id LIMIT 1 FOR UPDATE OF t SKIP LOCKED
)
RETURNING id
"""


def take(user: User, queue: Queue) -> ToReview | None:
    """Give the reviewer a label to review: the one they hold, else the next for them; None where nothing waits.

    Now and then it is one whose right verdict is known, which looks like any other.
    """
    turn = _taken(user, queue)
    if turn is None and _filled_now(queue):
        turn = _taken(user, queue)
    return turn


def _taken(user: User, queue: Queue) -> ToReview | None:
    with transaction.atomic():
        Member.objects.select_for_update(no_key=True).filter(project=queue.project_id, user=user).first()
        if (mine := held(user, queue)) is not None:
            return mine
        turn_id = _take_known(user, queue) or _take_next(user, queue)
        return _of(ToReview.objects.filter(pk=turn_id)).get() if turn_id else None


def _filled_now(queue: Queue) -> bool:
    """Whether the queue's rules were applied to some new labels while the reviewer waits.

    If labels are being stored in a transaction that takes long, they are left to the sweep.
    """
    try:
        return fill(queue, A_FEW)
    except OperationalError:
        return False


def held(user: User, queue: Queue) -> ToReview | None:
    """What the reviewer holds in this queue, if it still can be reviewed. It is theirs until somebody else takes it."""
    newer = Exists(Label.objects.filter(supersedes=OuterRef("label")))
    mine = ToReview.objects.filter(~newer, queue=queue, reviewer=user, review=None)
    return _of(mine.exclude(held_until=None)).order_by("pk").first()


def _of(turns: QuerySet[ToReview]) -> QuerySet[ToReview]:
    return turns.select_related("label__queue__project", "label__task__prompt", "label__annotator")


def give_back(user: User, queue: Queue) -> None:
    """Let go of the label that the reviewer holds."""
    mine = ToReview.objects.filter(queue=queue, reviewer=user, review=None)
    mine.filter(why=ToReview.Why.KNOWN).delete()
    mine.update(reviewer=None, taken_at=None, held_until=None)


def _take_next(user: User, queue: Queue) -> int | None:
    values: dict[str, Any] = {"user": user.pk, "queue": queue.pk, "hold": queue.lease_seconds, "reserved": RESERVED}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        row = cursor.fetchone()
    return row and int(row[0])


def _take_known(user: User, queue: Queue) -> int | None:
    """By chance, a turn with a label of a known verdict that this reviewer hasn't met, and nobody has in hand."""
    done = ToReview.objects.filter(queue=queue, reviewer=user).exclude(review=None).count()
    if chance(queue, "known", user.pk, done) >= rules.of(queue).known_rate:
        return None
    pending = ToReview.objects.filter(~_LEFT, label=OuterRef("label"), review=None)
    met = Review.objects.filter(label=OuterRef("label"), reviewer=user)
    newer = Label.objects.filter(supersedes=OuterRef("label"))
    own = Exists(Label.objects.filter(task=OuterRef("label__task"), annotator=user))
    unmet = KnownVerdict.objects.filter(~Exists(pending), ~Exists(met), ~Exists(newer), ~own, label__queue=queue)
    labels = unmet.exclude(created_by=user).values_list("label", flat=True).order_by("pk")[:BATCH]
    chosen = min(labels, key=lambda one: chance(queue, "which", user.pk, one), default=None)
    if chosen is None:
        return None
    turn = ToReview(
        label_id=chosen, queue=queue, why=ToReview.Why.KNOWN, only_for=user, reviewer=user, taken_at=Now(),
        held_until=Now() + timedelta(seconds=queue.lease_seconds),
    )  # fmt: skip
    ToReview.objects.filter(_LEFT, label=chosen).delete()
    ToReview.objects.bulk_create([turn], ignore_conflicts=True)
    return ToReview.objects.filter(label=chosen, reviewer=user, review=None).values_list("pk", flat=True).first()


# Turns with a known label that somebody took and let lie: such a turn is theirs alone, so nobody could end it. It stays
# long after its time, because without it a late verdict would count.
_LEFT = Q(why=ToReview.Why.KNOWN, review=None, held_until__lt=Now() - RESERVED)


def add(labels: Iterable[Label], why: ToReview.Why, weights: Mapping[int, float] | None = None) -> int:
    """Send labels to review, and give how many now wait that didn't. Amended ones are left out.

    `weights`: by label id, the highest comes first; `CHOSEN` where nothing is said.
    """
    ids = [label.pk for label in labels]
    found = Label.objects.live().filter(pk__in=ids).order_by("pk")
    fresh = [
        ToReview(label=label, queue_id=label.queue_id, why=why, weight=(weights or {}).get(label.pk, CHOSEN))
        for label in found
    ]
    return _added(fresh)


def _added(fresh: Collection[ToReview]) -> int:
    """How many of them are now in the queue: a label waits once at a time."""
    turns = ToReview.objects.filter(label__in=[one.label_id for one in fresh], review=None)
    with transaction.atomic():
        turns.filter(_LEFT).delete()
        before = turns.count()
        # In one order for all who add: two with the same labels would else wait for each other.
        ToReview.objects.bulk_create(sorted(fresh, key=lambda one: one.label_id), ignore_conflicts=True)
        return turns.count() - before


# --- By the rules ----------------------------------------------------------------------------------------------------


def fill(queue: Queue, most: int = BATCH) -> bool:
    """Look at the labels since `Queue.reviewed_to`, and send those to review that the queue's rules want.

    One batch, of at most so many labels. Whether more may be left to be looked at. Raises OperationalError where
    labels are being stored in a transaction that takes long.
    """
    since = Queue.objects.values_list("reviewed_to", flat=True).get(pk=queue.pk)
    if not rules.of(queue).asks_for_reviews or not Label.objects.filter(queue=queue, pk__gt=since).exists():
        return False
    horizon = horizons.of_labels(queue)  # it may wait, so before anything is locked
    with transaction.atomic():
        found = Queue.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=queue.pk)
        work = found.select_related("project").first()
        labels = list(_batch(work, horizon, most)) if work else []
        if work is None or not labels:  # somebody else is at it, or it is done
            return False
        standing = Label.objects.live().filter(pk__in=[label.pk for label in labels])
        _added(drawn(work, list(standing.select_related("task", "annotator").order_by("pk"))))
        Queue.objects.filter(pk=work.pk).update(reviewed_to=labels[-1].pk)
        return True


def _batch(queue: Queue, horizon: int, most: int) -> Iterator[Label]:
    """The labels to be looked at next, as many as can be compared in a moment, and one at least."""
    asked, spent = rules.of(queue), 0
    end = horizon
    if asked.review_disagreement is not None and asked.is_adaptive and queue.state != Queue.State.CLOSED:
        end = min(horizon, queue.adapted_to)  # first adaptive overlap says whether a task gets another label
    newer = Label.objects.filter(queue=queue, pk__gt=queue.reviewed_to, pk__lte=end).order_by("pk")[:most]
    for label in newer:
        yield label
        if asked.review_disagreement is not None:
            spent += queue.overlap * written(queue.way, label) ** 2
        if spent > EFFORT:
            return


def begin_anew(queue: Queue) -> None:
    """Look at all labels once more: the rules have changed. What waits or was reviewed stays as it is."""
    Queue.objects.filter(pk=queue.pk).update(reviewed_to=0)


def fill_all(most: int = 50) -> None:
    """For the sweep: what the rules of all queues want reviewed, in at most so many batches."""
    for work in Queue.objects.exclude(rules={}).select_related("project"):
        try:
            while most > 0 and fill(work):
                most -= 1
        except OperationalError as error:
            logger.warning("labels of queue %d can't be sent to review now: %s", work.pk, type(error).__name__)
            most -= WAITED


def waiting(queue: Queue) -> dict[str, int]:
    """How many labels wait for a reviewer, by why; labels whose verdict is known are told to nobody."""
    newer = Exists(Label.objects.filter(supersedes=OuterRef("label")))
    turns = ToReview.objects.filter(~newer, queue=queue, review=None).exclude(why=ToReview.Why.KNOWN)
    return dict(turns.order_by().values("why").annotate(n=Count("pk")).values_list("why", "n"))

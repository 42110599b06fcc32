"""Whose turn it is to be reviewed: labels come into the review queue by rule or by hand, and reviewers take them.

Only PostgreSQL's clock decides how long a turn is held; turns are only ever taken with SKIP LOCKED.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db import OperationalError, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from annotate import counting, horizons, outages
from annotate.models import KnownVerdict, Label, Member, Project, Queue, Review, ToReview, User
from annotate.models.rows import first_row
from annotate.quality import rules
from annotate.reviewing.chance import chance
from annotate.reviewing.disagreement import EFFORT, written
from annotate.reviewing.feedback import newest
from annotate.reviewing.rules import CHOSEN, drawn

logger = logging.getLogger(__name__)

#: How many labels are looked at in one transaction.
BATCH = 2_000

#: And while a reviewer waits for one of them.
A_FEW = 100

#: How many batches of a sweep a queue costs whose labels can't be read now: it may have waited for seconds.
WAITED = 10

#: How long a changed label waits for the reviewer who asked for the change, before anybody may take it.
RESERVED = timedelta(days=3)

# What stands, isn't the reviewer's own nor made of theirs, and not of a task they have worked on, and was not reviewed
# by them. A turn that was held longer than its time is anybody's again.
_NEXT = """
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
"""


def take(user: User, queue: Queue) -> ToReview | None:
    """Give the reviewer a label to review: the one they hold, else the next for them; None where nothing waits.

    Now and then it is one whose right verdict is known, which looks like any other: so only while another waits.
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
        following = _next(user, queue)
        if following is None:
            return None
        turn = ToReview.objects.filter(pk=_known_one(user, queue) or following)
        until = Now() + timedelta(seconds=queue.lease_seconds)
        turn.update(reviewer=user, taken_at=Now(), held_until=until)
        return _of(turn).get()


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


def _next(user: User, queue: Queue) -> int | None:
    """The turn that comes next for them, its row locked."""
    row = first_row(_NEXT, {"user": user.pk, "queue": queue.pk, "reserved": RESERVED})
    return int(row[0]) if row else None


def _known_one(user: User, queue: Queue) -> int | None:
    """By chance, a turn with a label of a known verdict that they haven't met, and that waits for none that counts.

    Others may have it in hand at the same time, each as a turn of their own.
    """
    done = ToReview.objects.filter(queue=queue, reviewer=user).exclude(review=None).count()
    if chance(queue, "known", user.pk, done) >= rules.of(queue).known_rate:
        return None
    pending = ToReview.objects.filter(label=OuterRef("label"), review=None).exclude(why=ToReview.Why.KNOWN)
    met = Review.objects.filter(label=OuterRef("label"), reviewer=user)
    newer = Label.objects.filter(supersedes=OuterRef("label"))
    own = Exists(Label.objects.filter(task=OuterRef("label__task"), annotator=user))
    unmet = KnownVerdict.objects.filter(~Exists(pending), ~Exists(met), ~Exists(newer), ~own, label__queue=queue)
    labels = unmet.exclude(created_by=user).values_list("label", flat=True).order_by("pk")[:BATCH]
    chosen = min(labels, key=lambda one: chance(queue, "which", user.pk, one), default=None)
    if chosen is None:
        return None
    turn = ToReview(label_id=chosen, queue=queue, why=ToReview.Why.KNOWN, only_for=user)
    ToReview.objects.bulk_create([turn], ignore_conflicts=True)
    return ToReview.objects.filter(label=chosen, only_for=user, review=None).values_list("pk", flat=True).first()


def add(
    labels: Iterable[Label], why: ToReview.Why, weights: Mapping[int, float] | None = None, by: User | None = None
) -> int:
    """Send labels to review, and give how many now wait that didn't. Amended ones are left out.

    `weights`: by label id, the highest comes first; `CHOSEN` where nothing is said. `by`: who sends them; what they
    have in hand waits already, also one with a known verdict, which they would else know for such.
    """
    ids = [label.pk for label in labels]
    in_hand = ToReview.objects.filter(label=OuterRef("pk"), reviewer=by, review=None)
    found = Label.objects.live().filter(~Exists(in_hand) if by else Q(), pk__in=ids).order_by("pk")
    fresh = [
        ToReview(label=label, queue_id=label.queue_id, why=why, weight=(weights or {}).get(label.pk, CHOSEN))
        for label in found
    ]
    return _added(fresh)


def _added(fresh: Collection[ToReview]) -> int:
    """How many of them are now in the queue: a label waits once at a time."""
    turns = ToReview.objects.filter(label__in=[one.label_id for one in fresh], review=None)
    turns = turns.exclude(why=ToReview.Why.KNOWN)
    with transaction.atomic():
        # In one order for all who add, and after who gives verdicts on them: they would else wait for each other.
        labels = Label.objects.filter(pk__in=[one.label_id for one in fresh]).order_by("pk")
        list(labels.select_for_update(no_key=True).values_list("pk"))
        before = turns.count()
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
        _added(_unreviewed(drawn(work, list(standing.select_related("task", "annotator").order_by("pk")))))
        Queue.objects.filter(pk=work.pk).update(reviewed_to=labels[-1].pk)
        return True


def _unreviewed(turns: list[ToReview]) -> list[ToReview]:
    """Those of labels that nobody has reviewed meanwhile; and nobody does before the transaction ends."""
    labels = Label.objects.filter(pk__in=[turn.label_id for turn in turns]).order_by("pk")
    done = newest(labels.select_for_update(no_key=True))
    return [turn for turn in turns if turn.label_id not in done]


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
    newer = Exists(Label.objects.filter(queue=OuterRef("pk"), pk__gt=OuterRef("reviewed_to")))
    for work in Queue.objects.filter(newer).exclude(rules={}).select_related("project").order_by("pk"):
        try:
            while most > 0 and rules.of(work).asks_for_reviews and fill(work):
                most -= 1
        except Exception as error:  # noqa: BLE001  # one queue keeps no other waiting; the message may quote a row
            level = logging.WARNING if outages.is_outage(error) else logging.ERROR
            logger.log(level, "labels of queue %d can't be sent to review now: %s", work.pk, type(error).__name__)
            most -= WAITED


def waiting(queue: Queue) -> dict[str, int]:
    """How many labels wait for a reviewer, by why; labels whose verdict is known are told to nobody."""
    found = all_waiting().filter(queue=queue).values("why").annotate(n=Count("pk"))
    return dict(found.values_list("why", "n"))


@dataclass(frozen=True, slots=True)
class Waits:
    """How many labels wait for a reviewer, and by why. `roughly`: `total` or more, and nothing by why."""

    total: int
    by_reason: dict[str, int]
    roughly: bool = False


def waits(queue: Queue, *, runs: bool) -> Waits:
    """What waits for a reviewer, as told to somebody who runs the project or not."""
    found = waiting(queue)
    total = sum(found.values())
    return Waits(counting.roughly(total), {}, total > 0) if is_hidden(queue, runs=runs) else Waits(total, found)


def is_hidden(queue: Queue, *, runs: bool) -> bool:
    """Whether it is not told which labels wait: what doesn't, and is given to review, has a known verdict."""
    return not runs and rules.of(queue).known_rate > 0


def queues_waiting(user: User) -> QuerySet[Queue]:
    """The queues with labels that wait for a reviewer, in projects where the person may be one, by name."""
    waits = ToReview.objects.filter(queue=OuterRef("pk"), review=None).exclude(why=ToReview.Why.KNOWN)
    theirs = Queue.objects.filter(Exists(waits), project__in=Project.objects.run_by(user))
    return theirs.select_related("project").order_by("project__name", "name")


def all_waiting() -> QuerySet[ToReview]:
    """What waits for a reviewer in any queue, in no order; without labels whose verdict is known."""
    newer = Exists(Label.objects.filter(supersedes=OuterRef("label")))
    return ToReview.objects.filter(~newer, review=None).exclude(why=ToReview.Why.KNOWN).order_by()

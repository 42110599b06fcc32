"""Whose turn: queues, their tasks, the places to label each task, and each annotator's seat."""

import uuid
from hashlib import sha256
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from annotate import kinds
from annotate.models.people import User
from annotate.models.projects import Guideline, Project
from annotate.models.prompts import Prompt

MAX_OVERLAP = 20

#: Places stand from 0 on, and those that were brought forward from `FAR_BEFORE` on: seats begin before either.
BEFORE, FAR_BEFORE = -1, -(2**62)


class QueueQuerySet(models.QuerySet["Queue"]):
    def worked_by(self, user: User) -> Self:
        """Queues `user` may take tasks from: of their projects, and not kept for people they are not among."""
        mine = Q(seats__user=user, seats__assigned=True)
        found = self.filter(project__in=Project.objects.seen_by(user))
        return found.filter(Q(assigned_only=False) | mine).distinct()

    def with_own_work(self, user: User) -> Self:
        """With `own_done` (None without a seat) and `in_hand`: what `user` did here and whether they hold a task."""
        seats = Seat.objects.filter(queue=OuterRef("pk"), user=user)
        held = Assignment.objects.leased().filter(queue=OuterRef("pk"), annotator=user)
        return self.annotate(own_done=Subquery(seats.values("done")), in_hand=Exists(held))


class Queue(models.Model):
    class State(models.TextChoices):
        OPEN = "open", _("open: people get tasks")
        PAUSED = "paused", _("paused: nobody gets a new task, who holds one may finish it")
        CLOSED = "closed", _("closed: over; tasks in hand are given back")

    class Order(models.TextChoices):
        FIFO = "fifo", _("as imported")
        RANDOM = "random", _("shuffled")
        PRIORITY = "priority", _("highest priority first")
        NEXT_PAIR = "next-pair", _("what tells most about the models first")

    project = models.ForeignKey(Project, models.PROTECT, related_name="queues")
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=40, choices=kinds.choices)
    options = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()))
    overlap = models.PositiveSmallIntegerField(
        _("labels per task"), default=1, validators=[MinValueValidator(1), MaxValueValidator(MAX_OVERLAP)]
    )
    order = models.CharField(_("order"), max_length=10, choices=Order, default=Order.FIFO)
    lease_seconds = models.PositiveIntegerField(
        _("time to hold a task, in seconds"),
        default=1800,
        validators=[MinValueValidator(30), MaxValueValidator(86_400)],
    )
    assigned_only = models.BooleanField(_("only people assigned to it"), default=False)
    confirm_guidelines = models.BooleanField(_("the guidelines have to be read first"), default=False, db_default=False)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    #: when a further label is asked for, which checks are mixed in, what is reviewed, what an hour costs; what is left
    #: out is as by default (`quality.rules`)
    rules = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()))
    #: the newest label that adaptive overlap, the review queue, and an order that learns from labels has looked at
    adapted_to = models.BigIntegerField(default=0, db_default=0)
    reviewed_to = models.BigIntegerField(default=0, db_default=0)
    ordered_to = models.BigIntegerField(default=0, db_default=0)
    #: places that adaptive overlap has published so far, beside `overlap`
    extra_places = models.PositiveIntegerField(default=0, db_default=0)
    #: whether a label of it was ever rejected: never taken back, also where the rejection was (`queue.note_rejection`)
    has_rejected = models.BooleanField(default=False, db_default=False)
    preset = models.CharField(max_length=60, blank=True, default="", db_default="")
    #: Decides in which order each lease shows its responses; see `Assignment.shown`.
    shuffle_seed = models.UUIDField(default=uuid.uuid4, editable=False)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    objects = QueueQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("project", "name", name="queue_name_once_per_project"),
            models.CheckConstraint(
                condition=Q(overlap__gte=1, overlap__lte=MAX_OVERLAP), name="queue_overlap_in_range"
            ),
            models.CheckConstraint(
                condition=Q(lease_seconds__gte=30, lease_seconds__lte=86_400), name="queue_lease_in_range"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def way(self) -> kinds.Kind:
        """The queue's kind as an object."""
        return kinds.get(self.kind)

    def guideline(self) -> Guideline | None:
        """The guidelines in force: the queue's own newest version, else the project's."""
        own_first = F("queue").asc(nulls_last=True)
        found = Guideline.objects.filter(Q(queue=self) | Q(queue=None), project=self.project_id)
        return found.order_by(own_first, "-version").first()


class Task(models.Model):
    """One prompt in one queue, with the responses to be shown frozen."""

    class State(models.TextChoices):
        READY = "ready", _("ready")
        FLAGGED = "flagged", _("flagged")
        CLOSED = "closed", _("closed")

    class Role(models.TextChoices):
        """What a task is given for. Annotators can't tell one from another."""

        WORK = "work", _("work")
        GOLD = "gold", _("gold: the answer is known")
        SCREEN = "screen", _("qualification: asked before real work")
        ATTENTION = "attention", _("attention: whoever reads it can't miss the answer")
        REPEAT = "repeat", _("repeat: asked the same person again")

    queue = models.ForeignKey(Queue, models.PROTECT, related_name="tasks", db_index=False)
    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="tasks")
    response_ids = ArrayField(
        models.BigIntegerField(), blank=True, default=list, db_default=Value([], ArrayField(models.BigIntegerField()))
    )
    #: Hash of the prompt's and the responses' identities: the same row imported twice is one task.
    digest = models.BinaryField(max_length=32)
    state = models.CharField(max_length=8, choices=State, default=State.READY, db_default=State.READY)
    priority = models.SmallIntegerField(default=0, db_default=0)
    position = models.BigIntegerField(default=0, db_default=0)
    places = models.PositiveSmallIntegerField(default=1)
    #: The known answer, its letters those of `response_ids` in their order.
    gold = models.JSONField(null=True, blank=True)
    role = models.CharField(max_length=9, choices=Role, default=Role.WORK, db_default=Role.WORK)
    #: when ordinary work was made a check; None for one that came as a check
    check_since = models.DateTimeField(null=True, blank=True)
    #: for a repeat: the task that the same person labelled before
    repeats = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="repeated", db_index=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint("queue", "digest", name="task_once_per_queue")]
        indexes = [
            models.Index("queue", "id", name="task_of_queue"),
            models.Index("queue", "id", condition=~Q(state="ready"), name="task_out_of_work"),
            models.Index("queue", "role", "id", condition=~Q(role="work"), name="task_that_checks"),
        ]

    def __str__(self) -> str:
        return f"task {self.pk}"


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def leased(self) -> Self:
        return self.filter(state=Assignment.State.LEASED)

    def in_hand(self, user: User, queue: Queue) -> Self:
        """What `user` holds in `queue`, oldest first. Looks only: to take or renew is `queue.claim`."""
        return self.leased().filter(annotator=user, queue=queue).order_by("leased_at")


class Assignment(models.Model):
    """One of the places to label a task. A database trigger refuses more of them than the task's `places`.

    `fence` counts the leases of this place: an answer that names an older one comes too late.
    A lease past its end is still its holder's until somebody else is given the place.
    """

    class State(models.TextChoices):
        OPEN = "open", _("open")
        LEASED = "leased", _("leased")
        DONE = "done", _("done")
        HELD = "held", _("held back")

    task = models.ForeignKey(Task, models.CASCADE, related_name="assignments", db_index=False)
    # The task's own queue, and the task's foreign key holds that: another check of each place costs imports dearly.
    queue = models.ForeignKey(Queue, models.CASCADE, related_name="assignments", db_index=False, db_constraint=False)
    slot = models.PositiveSmallIntegerField()
    position = models.BigIntegerField()
    state = models.CharField(max_length=6, choices=State, default=State.OPEN, db_default=State.OPEN)
    annotator = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="assignments", db_index=False
    )
    fence = models.PositiveIntegerField(default=0, db_default=0)
    #: Who was given this place, by fencing number: the n-th lease was the n-th user id's.
    holders = ArrayField(
        models.BigIntegerField(), blank=True, default=list, db_default=Value([], ArrayField(models.BigIntegerField()))
    )
    leased_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("task", "slot", name="assignment_slot_once"),
            models.UniqueConstraint(
                "task", "annotator", condition=Q(annotator__isnull=False), name="assignment_once_per_person"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["leased", "done"], annotator__isnull=False)
                | Q(state__in=["open", "held"], annotator=None),
                name="assignment_is_somebodys_while_leased_or_done",
            ),
            models.CheckConstraint(
                condition=~Q(state="leased") | Q(lease_until__isnull=False), name="assignment_lease_ends"
            ),
        ]
        indexes = [
            models.Index("queue", "position", "id", condition=Q(state="open"), name="assignment_open"),
            models.Index("queue", "lease_until", condition=Q(state="leased"), name="assignment_leased"),
            models.Index("annotator", "queue", condition=Q(state="leased"), name="assignment_in_hand"),
            models.Index("queue", RawSQL("holders[fence]", []), condition=Q(state="held"), name="assignment_put_away"),
        ]

    def __str__(self) -> str:
        return f"{self.task} place {self.slot}"

    def shown(self, fence: int | None = None) -> list[int]:
        """Ids of the responses in the order the lease numbered `fence` shows them (default: the newest lease).

        Sorted by a keyed hash, which is a fair shuffle, and can be told again for a lease that is long over:
        the answer of somebody who comes late still means what they saw.
        """
        lease = f"{self.queue.shuffle_seed}:{self.pk}:{self.fence if fence is None else fence}:"
        return sorted(self.task.response_ids, key=lambda one: sha256(f"{lease}{one}".encode()).digest())


class Seat(models.Model):
    """One annotator in one queue. Its row is locked first when they ask for work or hand it in."""

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")

    queue = models.ForeignKey(Queue, models.CASCADE, related_name="seats")
    user = models.ForeignKey(User, models.PROTECT, related_name="seats")
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE, db_default=State.ACTIVE)
    #: Put here by a manager, not by asking for work: counts where a queue is for assigned people only.
    assigned = models.BooleanField(default=False, db_default=False)
    #: Everything up to here in the queue's order was offered; the next claim looks only behind it.
    cursor_position = models.BigIntegerField(default=BEFORE, db_default=BEFORE)
    cursor_id = models.BigIntegerField(default=0, db_default=0)
    #: The same of what was brought forward, which comes first and leaves the cursor where it is.
    forward_position = models.BigIntegerField(default=FAR_BEFORE, db_default=FAR_BEFORE)
    done = models.PositiveIntegerField(default=0, db_default=0)
    active_seconds = models.FloatField(default=0, db_default=0.0)
    #: the version of the guidelines this person last said to have read
    read_guideline = models.ForeignKey(
        Guideline, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    #: when they passed the qualification set, in a queue that asks for one
    qualified_at = models.DateTimeField(null=True, blank=True)
    #: whether checks were answered, or any answer changed, since the sweep last looked at this person's checks
    to_judge = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint("queue", "user", name="seat_once_per_person")]

    def __str__(self) -> str:
        return f"{self.user} in {self.queue}"

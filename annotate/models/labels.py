"""What they said: labels, unfinished answers, and the ways out of a task."""

import uuid
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import MD5, Cast, Concat, Left, Now
from django.utils.translation import gettext_lazy as _

from annotate.models.people import User
from annotate.models.projects import Guideline
from annotate.models.queues import Assignment, Queue, Task


class LabelQuerySet(models.QuerySet["Label"]):
    def live(self) -> Self:
        """The newest of each chain of amendments."""
        return self.filter(~Exists(Label.objects.filter(supersedes=OuterRef("pk"))))

    def of_queue(self, queue: Queue) -> Self:
        return self.filter(queue=queue)

    def with_pseudonym(self) -> Self:
        """With the annotator's `pseudonym` in the project: `Project.pseudonym`, told by the database."""
        seed = Cast("queue__project__pseudonym_seed", models.TextField())
        person = Cast("annotator_id", models.TextField())
        digest = MD5(Concat(seed, Value(":"), person, output_field=models.TextField()))
        name = Concat(Value("annotator-"), Left(digest, 10), output_field=models.TextField())
        return self.annotate(pseudonym=name)


class Label(models.Model):
    """A submitted answer. Never edited or deleted (a database trigger refuses it): an amendment supersedes.

    `payload` names responses by letters; letter n is the n-th id of `shown`.
    """

    assignment = models.ForeignKey(Assignment, models.PROTECT, related_name="labels", db_index=False)
    task = models.ForeignKey(Task, models.PROTECT, related_name="labels", db_index=False)
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="labels", db_index=False)
    annotator = models.ForeignKey(User, models.PROTECT, related_name="labels", db_index=False)
    payload = models.JSONField()
    shown = ArrayField(models.BigIntegerField(), blank=True)
    #: of the lease, which `shown` goes by; 0 of a label from a file that says nothing of the order somebody was shown
    fence = models.PositiveIntegerField()
    active_seconds = models.FloatField(default=0)
    guideline = models.ForeignKey(Guideline, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    key = models.UUIDField(default=uuid.uuid4)
    body_digest = models.BinaryField(max_length=32)
    supersedes = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="superseded_by")
    created_at = models.DateTimeField(db_default=Now())

    objects = LabelQuerySet.as_manager()

    class Meta:
        constraints = [
            # `supersedes` is unique too, so labels of one person on one task form one chain: one live label.
            models.UniqueConstraint(
                "task", "annotator", condition=Q(supersedes=None), name="label_once_per_person_and_task"
            ),
            models.UniqueConstraint("assignment", "fence", condition=Q(supersedes=None), name="label_once_per_lease"),
            models.UniqueConstraint("annotator", "key", name="label_key_once"),
        ]
        indexes = [
            models.Index("queue", "id", name="label_of_queue"),
            models.Index("annotator", "id", name="label_of_person"),
            # Places are taken away where overlap is lowered: for each PostgreSQL looks whether a label names it.
            models.Index("assignment", name="label_of_assignment"),
            # With the first of each chain, which are in an index by task already: all labels of a task.
            models.Index("task", condition=Q(supersedes__isnull=False), name="label_amending_of_task"),
        ]

    def __str__(self) -> str:
        return f"label {self.pk}"


class Draft(models.Model):
    """An unfinished answer. It belongs to the person and the task, so it outlives the lease."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="drafts")
    annotator = models.ForeignKey(User, models.CASCADE, related_name="drafts")
    payload = models.JSONField()
    #: ids of the responses in the order in which the payload's letters name them
    shown = ArrayField(
        models.BigIntegerField(), blank=True, default=list, db_default=Value([], ArrayField(models.BigIntegerField()))
    )
    version = models.PositiveIntegerField(default=1)
    active_seconds = models.FloatField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint("task", "annotator", name="draft_once_per_person_and_task")]

    def __str__(self) -> str:
        return f"draft of {self.annotator} for {self.task}"


class Exit(models.Model):
    """Leaving a task without a label: not now, not me, or not as it is."""

    class Way(models.TextChoices):
        SKIP = "skip", _("not now: it comes back to me later")
        DECLINE = "decline", _("not me: somebody else does it")
        FLAG = "flag", _("the task is broken: the admin looks at it")

    task = models.ForeignKey(Task, models.CASCADE, related_name="exits")
    queue = models.ForeignKey(Queue, models.CASCADE, related_name="exits")
    annotator = models.ForeignKey(User, models.PROTECT, related_name="exits", db_index=False)
    way = models.CharField(max_length=8, choices=Way)
    reason = models.TextField(max_length=2_000)
    created_at = models.DateTimeField(db_default=Now())
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        indexes = [models.Index("annotator", "task", name="exit_of_person")]

    def __str__(self) -> str:
        return f"{self.way} by {self.annotator}"


class Review(models.Model):
    """What a reviewer said of a label. Never edited: the newest counts."""

    class Verdict(models.TextChoices):
        ACCEPT = "accept", _("accepted")
        FIX = "fix", _("fixed")
        CHANGES = "changes", _("to be changed")
        REJECT = "reject", _("rejected")

    label = models.ForeignKey(Label, models.PROTECT, related_name="reviews")
    reviewer = models.ForeignKey(User, models.PROTECT, related_name="reviews")
    verdict = models.CharField(max_length=8, choices=Verdict)
    reason = models.TextField(_("reason"), blank=True, max_length=2_000, default="", db_default="")
    #: given on a label whose right verdict is known: it grades the reviewer, and says nothing of the label
    trial = models.BooleanField(default=False, db_default=False)
    #: of a trial: SHA-256 of what was sent and under which key, by which it is known when it is sent again
    body_digest = models.BinaryField(max_length=32, null=True)
    #: the label by which the reviewer superseded the one they fixed; a trial stores none
    fix = models.OneToOneField(Label, models.PROTECT, null=True, blank=True, related_name="fixes")
    created_at = models.DateTimeField(db_default=Now())
    #: when its annotator first saw it
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(verdict__in=["reject", "changes"]) | ~Q(reason=""), name="review_that_refuses_says_why"
            ),
            models.CheckConstraint(
                condition=Q(verdict="fix", fix__isnull=False, trial=False)
                | Q(fix=None) & (~Q(verdict="fix") | Q(trial=True)),
                name="review_that_fixes_has_its_label",
            ),
        ]
        indexes = [models.Index("label", condition=Q(seen_at=None), name="review_unseen")]

    def __str__(self) -> str:
        return f"{self.verdict} by {self.reviewer}"

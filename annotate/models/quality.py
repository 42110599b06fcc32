"""Is it good: checks of annotators, what waits for reviewers, what is said of labels, and what is computed of them."""

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from annotate.models.files import Job, JobQuerySet
from annotate.models.labels import Label, Review
from annotate.models.people import User
from annotate.models.projects import Project
from annotate.models.queues import Queue, Seat, Task
from annotate.models.releases import Release


class CheckResult(models.Model):
    """How a label of a check task compares with the known answer; of a repeat, with the same person's first label.

    Computed by the sweep after the label was handed in, each person's in the order of their labels; `created_at` is the
    label's. Can be recomputed from the labels.
    """

    label = models.OneToOneField(Label, models.PROTECT, related_name="check_result")
    seat = models.ForeignKey(Seat, models.CASCADE, related_name="check_results")
    role = models.CharField(max_length=9, choices=Task.Role)
    #: the kind's distance between the two answers, 0 to 1
    distance = models.FloatField()
    right = models.BooleanField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.label}: {'right' if self.right else 'wrong'}"


class Pause(models.Model):
    """A seat that was paused: why, what its annotator says to it, and what became of it."""

    class Outcome(models.TextChoices):
        OPEN = "open", _("open")
        LIFTED = "lifted", _("lifted")
        UPHELD = "upheld", _("upheld")

    seat = models.ForeignKey(Seat, models.CASCADE, related_name="pauses")
    #: what the annotator reads
    reason = models.TextField(_("reason"), max_length=2_000)
    #: which rule paused it (`gold`, `screen`, `attention`), "" where a person did; and on what figures
    rule = models.CharField(max_length=20, blank=True, default="")
    facts = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(null=True, blank=True)
    appeal = models.TextField(_("appeal"), blank=True, default="", max_length=5_000)
    appealed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=6, choices=Outcome, default=Outcome.OPEN, db_default=Outcome.OPEN)
    answer = models.TextField(_("answer"), blank=True, default="", max_length=5_000)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("seat", condition=~Q(outcome="lifted"), name="pause_once_in_force_per_seat")
        ]

    def __str__(self) -> str:
        return f"pause of {self.seat}"


class ToReview(models.Model):
    """A label that waits for a reviewer, or had one: why, and who holds it until when."""

    class Why(models.TextChoices):
        SAMPLE = "sample", _("drawn by chance")
        DISAGREEMENT = "disagreement", _("annotators disagree")
        ANNOTATOR = "annotator", _("work of this annotator is reviewed")
        CHECK = "check", _("a check went wrong")
        MODEL = "model", _("the preference model disagrees")
        CHOSEN = "chosen", _("chosen by hand")
        SECOND = "second", _("a second opinion on a review")
        KNOWN = "known", _("the right verdict is known")
        CHANGED = "changed", _("changed as a reviewer asked")

    label = models.ForeignKey(Label, models.PROTECT, related_name="to_review")
    queue = models.ForeignKey(Queue, models.CASCADE, related_name="to_review", db_index=False)
    why = models.CharField(max_length=12, choices=Why)
    #: higher comes first
    weight = models.FloatField(default=0)
    #: who alone may take it, and who must not: whoever gave the first review of a second one
    only_for = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    not_for = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    reviewer = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    taken_at = models.DateTimeField(null=True, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)
    review = models.OneToOneField(Review, models.PROTECT, null=True, blank=True, related_name="turn")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "label", condition=Q(review=None) & ~Q(why="known"), name="to_review_once_at_a_time"
            ),
            # A label whose verdict is known is given to many, each by themselves.
            models.UniqueConstraint(
                "label", "only_for", condition=Q(review=None, why="known"), name="to_review_known_once_per_person"
            ),
        ]
        indexes = [models.Index(fields=["queue", "-weight", "id"], condition=Q(review=None), name="to_review_waiting")]

    def __str__(self) -> str:
        return f"{self.label}: {self.why}"


class KnownVerdict(models.Model):
    """A label whose right verdict is known: shown unseen among others, it grades reviewers."""

    label = models.OneToOneField(Label, models.PROTECT, related_name="known_verdict")
    verdict = models.CharField(max_length=8, choices=Review.Verdict)
    note = models.TextField(blank=True, default="", max_length=2_000)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.label}: {self.verdict}"


class Thread(models.Model):
    """What is said about a label, or about a task as such. Annotators see it once they have labelled the task."""

    task = models.ForeignKey(Task, models.PROTECT, related_name="threads")
    label = models.ForeignKey(Label, models.PROTECT, null=True, blank=True, related_name="threads")
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint("task", condition=Q(label=None), name="thread_once_per_task"),
            models.UniqueConstraint("label", condition=Q(label__isnull=False), name="thread_once_per_label"),
        ]

    def __str__(self) -> str:
        return f"thread on {self.label or self.task}"


class Remark(models.Model):
    """One thing said in a thread. Never edited."""

    thread = models.ForeignKey(Thread, models.CASCADE, related_name="remarks")
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    text = models.TextField(_("text"), max_length=5_000)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="remark_says_something")]

    def __str__(self) -> str:
        return self.text[:80]


class Segment(models.Model):
    """A stretch of a queue's labels as columns, for whatever is computed of them (`quality.columns`).

    Derived from labels alone, which never change: it may be thrown away at any time and is made anew.
    """

    queue = models.ForeignKey(Queue, models.CASCADE, related_name="segments", db_index=False)
    #: it holds the queue's labels with ids after `after`, up to `last`
    after = models.BigIntegerField()
    last = models.BigIntegerField()
    labels = models.PositiveIntegerField()
    #: by which rules it was made (`quality.segments.rules_of`); another number is made anew
    rules = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint("queue", "after", "rules", name="segment_once")]

    def __str__(self) -> str:
        return f"labels {self.after}-{self.last}"


class Report(Job):
    """Something computed of labels: agreement, a board, a bias report. The newest that is done is shown."""

    #: what it is: the name of a `quality.reports.Maker`
    name = models.CharField(max_length=40)
    project = models.ForeignKey(Project, models.CASCADE, related_name="reports")
    #: what it is of: a queue, a release of one, or (both null) the whole project
    queue = models.ForeignKey(Queue, models.CASCADE, null=True, blank=True, related_name="reports")
    release = models.ForeignKey(Release, models.CASCADE, null=True, blank=True, related_name="reports")
    #: of which labels and reviews: those with ids up to here, in any queue that it is of
    label_horizon = models.BigIntegerField(default=0)
    review_horizon = models.BigIntegerField(default=0)
    #: by which rules it was made; another number is made anew
    rules = models.PositiveSmallIntegerField(default=1)
    #: what else it rests on (`Maker.options`); other options, another report
    options = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()))
    seconds = models.FloatField(default=0)
    result = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()))

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name", "queue", "release"],
                condition=Q(state__in=["queued", "running"]),
                nulls_distinct=False,
                name="report_once_at_a_time",
            )
        ]
        indexes = [models.Index(fields=["project", "name", "queue", "release", "-id"], name="report_newest")]

    def __str__(self) -> str:
        return self.name

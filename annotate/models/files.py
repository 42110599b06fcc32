"""In and out: jobs and their rows, rendered texts, remembered requests, and signs of life of the workers."""

from datetime import timedelta
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from annotate.models.people import User
from annotate.models.queues import Queue

#: A running job whose worker has not been heard of for this long may be taken over by another.
#: With the sweep's ten seconds a dead worker's job goes on within a minute.
JOB_SILENCE = timedelta(seconds=45)
WORKER_SILENCE = timedelta(seconds=30)


class JobQuerySet[J: "Job"](models.QuerySet[J]):
    def waiting(self) -> Self:
        """Jobs that need a worker: never begun, or left by one that has gone silent."""
        silent = Q(state=Job.State.RUNNING, beat_at__lt=Now() - JOB_SILENCE)
        return self.filter(Q(state=Job.State.QUEUED) | silent)


class Job(models.Model):
    """Long work. This row is the truth; the message broker only wakes a worker."""

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    progress = models.FloatField(default=0)
    error = models.TextField(blank=True, default="")
    #: Counts the workers that have taken this job: a write that names an older one is refused.
    attempt = models.PositiveIntegerField(default=0)
    beat_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def is_over(self) -> bool:
        return self.state in {self.State.DONE, self.State.FAILED, self.State.CANCELLED}


class Import(Job):
    """A file on its way into a queue."""

    queue = models.ForeignKey(Queue, models.PROTECT, related_name="imports")
    file = models.FileField(upload_to="imports/")
    name = models.CharField(max_length=255)
    format = models.CharField(max_length=40, blank=True, default="")
    rows_read = models.PositiveIntegerField(default=0)
    rows_added = models.PositiveIntegerField(default=0)
    rows_unchanged = models.PositiveIntegerField(default=0)
    rows_refused = models.PositiveIntegerField(default=0)
    #: rows with a response that says which model wrote it, and the lines of the first of them
    rows_self_named = models.PositiveIntegerField(default=0, db_default=0)
    self_named_lines = ArrayField(
        models.PositiveIntegerField(), blank=True, default=list, db_default=Value([], ArrayField(models.IntegerField()))
    )

    objects = JobQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class RefusedRow(models.Model):
    """A row that was not imported: where it stands in the file, which field, why, and how it begins."""

    job = models.ForeignKey(Import, models.CASCADE, related_name="refused")
    line = models.PositiveIntegerField()
    field = models.CharField(max_length=200)
    reason = models.TextField()
    row = models.TextField(blank=True)

    class Meta:
        ordering = ["job", "line", "id"]

    def __str__(self) -> str:
        return f"line {self.line}: {self.field}: {self.reason}"


class Release(Job):
    """A frozen, numbered export. Labels are only ever added, so the highest label id freezes the set."""

    queue = models.ForeignKey(Queue, models.PROTECT, related_name="releases")
    number = models.PositiveIntegerField()
    format = models.CharField(max_length=40)
    options = models.JSONField(default=dict)
    label_horizon = models.BigIntegerField()
    manifest = models.JSONField(default=dict)

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint("queue", "number", name="release_number_once")]

    def __str__(self) -> str:
        return f"release {self.number}"


class Rendering(models.Model):
    """A text as safe HTML, made when it is first shown and kept under the SHA-256 of the text."""

    digest = models.BinaryField(primary_key=True, max_length=32)
    html = models.TextField()
    #: Which rules made it; other rules make it anew.
    rules = models.PositiveSmallIntegerField()

    def __str__(self) -> str:
        return bytes(self.digest).hex()


class Replay(models.Model):
    """The first answer to a request that carried an `Idempotency-Key`, given again when it is repeated."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    body_digest = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint("user", "key", name="replay_key_once")]

    def __str__(self) -> str:
        return self.key


class WorkerBeatQuerySet(models.QuerySet["WorkerBeat"]):
    def alive(self) -> bool:
        """Whether any worker has been heard of lately: without one, jobs wait for ever."""
        return self.filter(seen_at__gt=Now() - WORKER_SILENCE).exists()


class WorkerBeat(models.Model):
    name = models.CharField(max_length=200, unique=True)
    seen_at = models.DateTimeField()

    objects = WorkerBeatQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

"""The shapes that go in and out. What goes in names every field it may set; all else is refused by name."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from annotate import counting, exporting, kinds
from annotate.api.base import PageQuery, Strict
from annotate.models import Import, Label, Member, Project, Queue, RefusedRow, Role, Task
from annotate.models.queues import MAX_OVERLAP

LARGEST_INT = 2**31 - 1
LARGEST_BIGINT = 2**63 - 1


class Seconds(serializers.FloatField):
    """A number of seconds: finite, and a number in JSON too."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=LARGEST_INT, **kwargs)

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, (str, bool)):
            self.fail("invalid")
        return super().to_internal_value(data)


# --- Projects and people -----------------------------------------------------------------------------------------


class ProjectIn(Strict):
    slug = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=5_000, required=False, allow_blank=True)


class ProjectChange(Strict):
    name = serializers.CharField(max_length=120, required=False)
    description = serializers.CharField(max_length=5_000, required=False, allow_blank=True)


class ProjectOut(serializers.ModelSerializer[Project]):
    """`context["roles"]`: the asking person's role, by the project's id."""

    role = serializers.SerializerMethodField(help_text="Yours.")

    class Meta:
        model = Project
        fields = ["slug", "name", "description", "role", "created_at"]

    def get_role(self, project: Project) -> str:
        role: str = self.context["roles"][project.pk]
        return role


class MemberIn(Strict):
    email = serializers.EmailField(max_length=254)
    role = serializers.ChoiceField(choices=Role.choices, default=Role.ANNOTATOR)


class MemberChange(Strict):
    role = serializers.ChoiceField(choices=Role.choices)


class MemberOut(serializers.ModelSerializer[Member]):
    name = serializers.CharField(source="user.name")
    email = serializers.EmailField(source="user.email")

    class Meta:
        model = Member
        fields = ["id", "name", "email", "role", "joined_at"]


class InvitationOut(serializers.Serializer[Any]):
    email = serializers.EmailField()
    role = serializers.ChoiceField(choices=Role.choices)
    expires_at = serializers.DateTimeField()
    link = serializers.URLField(
        allow_null=True, help_text="For this person alone. Shown this once: null when the answer is given again."
    )


class TokenOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    project = serializers.CharField(source="project.slug", default=None, allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)


class MeOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    email = serializers.EmailField()
    token = TokenOut(allow_null=True)


# --- Queues and what is in them ----------------------------------------------------------------------------------


class QueueChange(Strict):
    name = serializers.CharField(max_length=120, required=False)
    options = serializers.DictField(required=False, help_text="Of the kind. Those not named stay as they are.")
    overlap = serializers.IntegerField(
        min_value=1, max_value=MAX_OVERLAP, required=False, help_text="Labels per task, each by another person."
    )
    order = serializers.ChoiceField(choices=Queue.Order.choices, required=False)
    lease_seconds = serializers.IntegerField(min_value=30, max_value=86_400, required=False)
    assigned_only = serializers.BooleanField(required=False)
    state = serializers.ChoiceField(choices=Queue.State.choices, required=False)


class QueueIn(QueueChange):
    name = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(choices=kinds.choices())
    preset = serializers.CharField(max_length=60, required=False, allow_blank=True)


class QueueOut(serializers.ModelSerializer[Queue]):
    project = serializers.SlugRelatedField[Project](slug_field="slug", read_only=True)
    options = serializers.DictField()

    class Meta:
        model = Queue
        fields = [
            *("id", "project", "name", "kind", "options", "overlap", "order", "lease_seconds", "assigned_only"),
            *("state", "preset", "created_at"),
        ]


class CountsOut(serializers.Serializer[Any]):
    tasks = serializers.IntegerField()
    flagged = serializers.IntegerField(help_text="Tasks taken out until somebody has looked at them.")
    open = serializers.IntegerField(help_text="Places that wait for somebody.")
    leased = serializers.IntegerField(help_text="Places that somebody works on.")
    done = serializers.IntegerField(help_text="Places with a label.")


class GuidelineOut(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    text = serializers.CharField()


class QueueDetail(QueueOut):
    """`context["counts"]`: the queue's counts, for those who may see them."""

    counts = serializers.SerializerMethodField(help_text="null for annotators")
    guideline = GuidelineOut(allow_null=True, help_text="The guidelines in force.")

    class Meta(QueueOut.Meta):
        fields = [*QueueOut.Meta.fields, "counts", "guideline"]

    @extend_schema_field(CountsOut(allow_null=True))
    def get_counts(self, _queue: Queue) -> dict[str, Any] | None:
        counts = self.context["counts"]
        return None if counts is None else CountsOut(counts).data


class ImportQuery(Strict):
    format = serializers.CharField(
        max_length=40, default="", help_text="Of the rows; told from the file itself if left out."
    )
    name = serializers.CharField(max_length=255, default="", help_text="What to call the file.")


class UploadIn(serializers.Serializer[Any]):
    file = serializers.FileField()


class ImportOut(serializers.ModelSerializer[Import]):
    """`context["worker_alive"]`: whether a worker has been heard of lately."""

    errors = serializers.HyperlinkedIdentityField(  # type: ignore[assignment]
        view_name="api-import-errors", help_text="The refused rows, as NDJSON."
    )
    worker_alive = serializers.SerializerMethodField()
    detail = serializers.SerializerMethodField(help_text="What there is to say about it, for a person.")

    class Meta:
        model = Import
        fields = [
            *("id", "queue", "name", "format", "state", "progress", "error"),
            *("rows_read", "rows_added", "rows_unchanged", "rows_refused", "errors"),
            *("worker_alive", "detail", "created_at", "started_at", "finished_at"),
        ]

    def get_worker_alive(self, _job: Import) -> bool:
        alive: bool = self.context["worker_alive"]
        return alive

    def get_detail(self, job: Import) -> str:
        if job.is_over or self.context["worker_alive"]:
            return job.error
        return str(_("No worker is running, so this import waits. Start one: `make run` does, or `celery worker`."))


class RefusedRowOut(serializers.ModelSerializer[RefusedRow]):
    class Meta:
        model = RefusedRow
        fields = ["line", "field", "reason", "row"]


class TaskQuery(PageQuery):
    state = serializers.ChoiceField(
        choices=list(counting.TASK_STATES), default="all", help_text="`done`: labelled, and no place left."
    )
    external_id = serializers.CharField(max_length=255, required=False, help_text="The prompt's.")


class TurnOut(serializers.Serializer[Any]):
    role = serializers.CharField()
    content = serializers.CharField()


class PromptOut(serializers.Serializer[Any]):
    external_id = serializers.CharField()
    turns = TurnOut(many=True)
    category = serializers.CharField()
    domain = serializers.CharField()
    difficulty = serializers.CharField()
    language = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    source = serializers.CharField()  # type: ignore[assignment]
    meta = serializers.DictField()


class ResponseOut(serializers.Serializer[Any]):
    """Reviewers see texts alone."""

    id = serializers.IntegerField()
    text = serializers.CharField()
    external_id = serializers.CharField(required=False, help_text="For managers.")
    model = serializers.CharField(required=False, help_text="For managers.")
    params = serializers.DictField(required=False, help_text="For managers.")


class TaskOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    queue = serializers.IntegerField()
    state = serializers.ChoiceField(choices=Task.State.choices)
    places = serializers.IntegerField(help_text="Labels wanted.")
    priority = serializers.IntegerField()
    prompt = PromptOut()
    responses = ResponseOut(many=True)
    gold = serializers.DictField(required=False, allow_null=True, help_text="For managers.")
    created_at = serializers.DateTimeField()


# --- Work --------------------------------------------------------------------------------------------------------


class ChoiceOut(serializers.Serializer[Any]):
    value = serializers.JSONField()
    label = serializers.CharField()  # type: ignore[assignment]


class FieldOut(serializers.Serializer[Any]):
    """One field of the payload. A dot in its name leads into an object: `ranks.a` is `{"ranks": {"a": ...}}`."""

    name = serializers.CharField()
    type = serializers.ChoiceField(choices=["text", "integer", "number", "boolean", "choice", "choices"])
    label = serializers.CharField()  # type: ignore[assignment]
    required = serializers.BooleanField()  # type: ignore[assignment]
    choices = ChoiceOut(many=True, required=False)
    min = serializers.FloatField(required=False)
    max = serializers.FloatField(required=False)
    max_length = serializers.IntegerField(required=False)


class BlindResponseOut(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="Blind, and of this assignment alone.")
    text = serializers.CharField()


class AssignmentOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    queue = serializers.IntegerField()
    kind = serializers.CharField()
    prompt = TurnOut(many=True)
    responses = BlindResponseOut(many=True)
    form = FieldOut(many=True, help_text="What the payload may hold.")
    draft = serializers.DictField(allow_null=True, help_text="The payload as last saved.")
    fence = serializers.IntegerField(help_text="Hand it in with the answer.")
    lease_until = serializers.DateTimeField()


class DraftIn(Strict):
    payload = serializers.DictField(help_text="As far as it goes.")
    fence = serializers.IntegerField(min_value=1, max_value=LARGEST_INT)
    active_seconds = Seconds(default=0.0)


class LabelIn(DraftIn):
    payload = serializers.DictField(help_text="See the payloads of the kinds in docs/api.md.")


class DraftOut(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    lease_until = serializers.DateTimeField(allow_null=True, help_text="null: the lease is over, the draft is kept")


class SubmitQuery(Strict):
    next = serializers.BooleanField(default=False, help_text="Claim the next task in the same round trip.")


class OwnLabelOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    payload = serializers.DictField(help_text="As stored.")


class SubmittedOut(serializers.Serializer[Any]):
    label = OwnLabelOut()  # type: ignore[assignment]
    done = serializers.IntegerField(help_text="Your labels in this queue.")
    next = AssignmentOut(required=False, allow_null=True, help_text="With ?next=1; null when nothing is left.")
    why = serializers.CharField(required=False, help_text="Why `next` is null.")


class LeaveIn(Strict):
    fence = serializers.IntegerField(min_value=1, max_value=LARGEST_INT)
    reason = serializers.CharField(max_length=2_000)


class GiveBackIn(Strict):
    fence = serializers.IntegerField(min_value=1, max_value=LARGEST_INT)
    reason = serializers.CharField(max_length=2_000, required=False, help_text="Welcome, but not kept.")


# --- Labels ------------------------------------------------------------------------------------------------------


class LabelQuery(PageQuery):
    since = serializers.IntegerField(
        min_value=0, max_value=LARGEST_BIGINT, default=0, help_text="Only labels with a higher id than this."
    )


class LabelOut(serializers.ModelSerializer[Label]):
    """Payload and `shown` go together: letter n is the n-th id of `shown`. Annotators see neither ids nor names."""

    payload = serializers.DictField()
    annotator = serializers.CharField(source="pseudonym", allow_null=True, required=False)
    shown = serializers.ListField(child=serializers.IntegerField(), required=False)
    guideline = serializers.IntegerField(source="guideline_version", allow_null=True, help_text="Version in force.")

    class Meta:
        model = Label
        fields = [
            *("id", "queue", "task", "annotator", "payload", "shown", "active_seconds"),
            *("guideline", "supersedes", "created_at"),
        ]


# --- Exports -----------------------------------------------------------------------------------------------------


class ColumnOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.CharField(help_text="As Arrow names it.")


class FormatOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    kinds = serializers.ListField(child=serializers.CharField(), help_text="Kinds of queue that give it.")
    trainers = serializers.ListField(child=serializers.CharField(), help_text="Who loads its files unchanged.")
    containers = serializers.ListField(child=serializers.CharField())
    columns = ColumnOut(many=True)
    options = FieldOut(many=True)


class ExportQuery(serializers.Serializer[Any]):
    """What is left over are the options of the format, which refuses those it does not know."""

    format = serializers.CharField(max_length=40)
    container = serializers.ChoiceField(choices=list(exporting.CONTAINERS), default="jsonl")
    since = serializers.IntegerField(
        min_value=0, max_value=LARGEST_BIGINT, default=0, help_text="Only labels with a higher id than this."
    )

    def to_internal_value(self, data: Any) -> Any:
        valid = super().to_internal_value(data)
        options = {name: text for name, text in data.items() if name not in self.fields}
        return {**valid, "options": options}


class ExportCountOut(serializers.Serializer[Any]):
    labels = serializers.IntegerField()
    rows = serializers.IntegerField()
    labels_without_rows = serializers.IntegerField()
    ties_dropped = serializers.IntegerField()
    identical_dropped = serializers.IntegerField(help_text="Pairs of two equal texts.")

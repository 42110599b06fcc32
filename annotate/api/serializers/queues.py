"""Queues, imports and tasks."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from annotate import adapting, counting, kinds
from annotate.api.base import PageQuery, Strict
from annotate.api.serializers.work import TurnOut
from annotate.models import Project, Queue, Task
from annotate.models.queues import MAX_OVERLAP


class QueueChange(Strict):
    name = serializers.CharField(max_length=120, required=False)
    options = serializers.DictField(required=False, help_text="Of the kind. Those not named stay as they are.")
    overlap = serializers.IntegerField(
        min_value=1, max_value=MAX_OVERLAP, required=False, help_text="Labels per task, each by another person."
    )
    order = serializers.ChoiceField(choices=Queue.Order.choices, required=False)
    lease_seconds = serializers.IntegerField(min_value=30, max_value=86_400, required=False)
    assigned_only = serializers.BooleanField(required=False)
    confirm_guidelines = serializers.BooleanField(
        required=False, help_text="Nobody gets a task before confirming the version in force."
    )
    rules = serializers.DictField(
        required=False, help_text="See `/queues/{id}/rules`. Those not named stay as they are."
    )
    state = serializers.ChoiceField(choices=Queue.State.choices, required=False)


class QueueIn(QueueChange):
    name = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(choices=kinds.choices(), required=False, help_text="A preset has one already.")
    preset = serializers.CharField(
        max_length=60,
        required=False,
        allow_blank=True,
        help_text="See `/presets`: its settings hold where none are given.",
    )
    guidelines = serializers.CharField(
        max_length=100_000, required=False, allow_blank=True, help_text="Of this queue alone, as Markdown."
    )


class PresetOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    kind = serializers.CharField()
    overlap = serializers.IntegerField()
    options = serializers.DictField()
    source = serializers.CharField(help_text="Where the recipe was published.")  # type: ignore[assignment]
    link = serializers.CharField()
    rest = serializers.CharField(help_text="What the recipe did besides, which no setting of one queue does.")
    guidelines = serializers.CharField(source="skeleton", help_text="A skeleton to be filled in, as Markdown.")


class QueueOut(serializers.ModelSerializer[Queue]):
    project = serializers.SlugRelatedField[Project](slug_field="slug", read_only=True)
    options = serializers.DictField()

    class Meta:
        model = Queue
        fields = [
            *("id", "project", "name", "kind", "options", "overlap", "order", "lease_seconds", "assigned_only"),
            *("confirm_guidelines", "state", "preset", "created_at"),
        ]


class CountsOut(serializers.Serializer[Any]):
    tasks = serializers.IntegerField()
    flagged = serializers.IntegerField(help_text="Tasks with flags that nobody has settled: out of work, if no checks.")
    open = serializers.IntegerField(help_text="Places that wait for somebody.")
    leased = serializers.IntegerField(help_text="Places that somebody works on.")
    done = serializers.IntegerField(help_text="Places with a label.")
    outside = serializers.IntegerField(help_text="Those of them whose label came with a file.")


class FinishedOut(serializers.Serializer[Any]):
    labels = serializers.IntegerField()
    tasks = serializers.IntegerField()


class AdaptiveOut(serializers.Serializer[Any]):
    start = serializers.IntegerField(help_text="Labels that a task begins with.")
    most = serializers.IntegerField()
    enough = serializers.FloatField(help_text="The agreement from which on a task gets no further label.")
    budget = serializers.IntegerField(allow_null=True, help_text="Further labels in all; null: no limit.")
    used = serializers.IntegerField(help_text="Those asked for so far.")
    left = serializers.IntegerField(allow_null=True)
    finished = FinishedOut(many=True, help_text="Tasks with nothing left to do, by how many labels they have.")


class GuidelineOut(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    text = serializers.CharField()


class QueueDetail(QueueOut):
    """`context["counts"]`: the queue's counts, for those who may see them."""

    counts = serializers.SerializerMethodField(help_text="null for annotators")
    guideline = GuidelineOut(allow_null=True, help_text="The guidelines in force.")
    adaptive = serializers.SerializerMethodField(
        help_text="How far further labels are, where the queue's rules ask for them; null for annotators."
    )

    class Meta(QueueOut.Meta):
        fields = [*QueueOut.Meta.fields, "counts", "guideline", "adaptive"]

    @extend_schema_field(CountsOut(allow_null=True))
    def get_counts(self, _queue: Queue) -> dict[str, Any] | None:
        counts = self.context["counts"]
        return None if counts is None else CountsOut(counts).data

    @extend_schema_field(AdaptiveOut(allow_null=True))
    def get_adaptive(self, queue: Queue) -> dict[str, Any] | None:
        found = adapting.standing(queue) if self.context["counts"] is not None else None
        if found is None:
            return None
        finished = [{"labels": labels, "tasks": tasks} for labels, tasks in found.finished.items()]
        named = {name: getattr(found, name) for name in ("start", "most", "enough", "budget", "used", "left")}
        return AdaptiveOut({**named, "finished": finished}).data


class TaskQuery(PageQuery):
    state = serializers.ChoiceField(
        choices=list(counting.TASK_STATES), default="all", help_text="`done`: labelled, and no place left."
    )
    external_id = serializers.CharField(max_length=255, required=False, help_text="The prompt's.")


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
    places = serializers.IntegerField(help_text="Labels wanted, those that came with files included.")
    priority = serializers.IntegerField()
    prompt = PromptOut()
    responses = ResponseOut(many=True)
    gold = serializers.DictField(required=False, allow_null=True, help_text="For managers.")
    role = serializers.ChoiceField(
        choices=Task.Role.choices, required=False, help_text="What it is given for. For managers."
    )
    created_at = serializers.DateTimeField()

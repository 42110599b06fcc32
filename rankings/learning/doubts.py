"""The labels that the model disagrees with, as they are in the database today."""

from collections.abc import Sequence

from django.db.models import Max

from annotate import reviewing
from annotate.models import Label, Release, ToReview
from rankings.boards.strengths import Json

#: Labels sent to review in one act.
MOST = 200


def found(release: Release, doubted: Sequence[Json]) -> list[tuple[Json, Label]]:
    """Each with its label; those of combined labels with every label of the task that was released."""
    labels = Label.objects.filter(queue=release.queue_id).select_related("task__prompt", "annotator")
    by_id = labels.in_bulk([one["label"] for one in doubted if "label" in one])
    tasks = [one["task"] for one in doubted if "task" in one]
    by_task: dict[int, list[Label]] = {}
    released = labels.filter(task__in=tasks, pk__lte=release.label_horizon) if tasks else labels.none()
    newest = released.values("task", "annotator").annotate(newest=Max("pk")).values("newest")
    for label in released.filter(pk__in=newest).order_by("pk"):
        by_task.setdefault(label.task_id, []).append(label)
    listed = []
    for one in doubted:
        own = [by_id[one["label"]]] if one.get("label") in by_id else by_task.get(one.get("task", 0), [])
        listed += [(one, label) for label in own]
    return listed


def send(release: Release, doubted: Sequence[Json], labels: int) -> int:
    """Let reviewers see the most doubtful `labels`, the most doubtful first; how many wait now that didn't."""
    chosen = found(release, doubted)[: min(labels, MOST)]
    weights = {label.pk: 4 - one["chance"] for one, label in chosen}
    return reviewing.add([label for _one, label in chosen], ToReview.Why.MODEL, weights)

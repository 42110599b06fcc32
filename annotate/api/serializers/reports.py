"""What calls that give a report share: how far it is, of when, its figures and their intervals."""

from typing import Any

from rest_framework import serializers

from annotate.models import WorkerBeat
from annotate.quality.reports import Shown

STATES = ["missing", "queued", "running", "done", "failed"]


class StandsOut(serializers.Serializer[Any]):
    """Where the figures stand. They are `null` until they were made once; made anew by POST, or when a page is seen."""

    state = serializers.ChoiceField(
        choices=STATES, help_text="Of the newest try: `done` where none is being made. `missing`: none was asked for."
    )
    progress = serializers.FloatField(help_text="Of the newest try, 0 to 1.")
    error = serializers.CharField(allow_blank=True, help_text="Why the newest try failed.")
    as_of = serializers.DateTimeField(allow_null=True, help_text="When the figures below were made.")
    stale = serializers.BooleanField(help_text="Whether labels or reviews came since.")


class ReportOut(StandsOut):
    worker_alive = serializers.BooleanField(help_text="Without a worker a large report waits.")


def told(shown: Shown) -> dict[str, Any]:
    """What `ReportOut` has."""
    return {**stands(shown), "worker_alive": WorkerBeat.objects.alive()}


def stands(shown: Shown) -> dict[str, Any]:
    """What `StandsOut` has."""
    newest = shown.newer or shown.failed or shown.report
    return {
        "state": newest.state if newest else "missing",
        "progress": newest.progress if newest else 0.0,
        "error": newest.error if newest else "",
        "as_of": shown.report.finished_at if shown.report else None,
        "stale": shown.stale,
    }


class EstimateOut(serializers.Serializer[Any]):
    """A figure with its 95 % interval; null where there is not enough data. `n`: of how many."""

    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()


class FigureOut(serializers.Serializer[Any]):
    """One of the page's figures, with what it means and whether to worry. Shares are 0 to 1."""

    name = serializers.CharField()
    title = serializers.CharField()
    value = serializers.FloatField(
        allow_null=True, help_text="null: not enough data; the sentence says what is needed."
    )
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    labels = serializers.IntegerField(help_text="How many labels are behind it.")
    unit = serializers.CharField(allow_blank=True)
    sentence = serializers.CharField()
    worry = serializers.ChoiceField(choices=["", "fine", "look", "worry"])
    known = serializers.DictField()

"""A project's queues side by side."""

from typing import Any

from rest_framework import serializers

from annotate.api.serializers.reports import FigureOut, StandsOut


class NoticeOut(serializers.Serializer[Any]):
    queue = serializers.IntegerField()
    name = serializers.CharField(help_text="The queue's.")
    worry = serializers.CharField(help_text="`worry` or `look`.")
    sentence = serializers.CharField()


class StandingOut(serializers.Serializer[Any]):
    queue = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.CharField()
    state = serializers.CharField(help_text="`open`, `paused` or `closed`.")
    measure = serializers.CharField(
        allow_blank=True, help_text="What `percent` and `alpha` are of: what is asked first. Empty without labels."
    )
    worry = serializers.ChoiceField(
        choices=["", "fine", "look", "worry"],
        help_text="The worst of what is to be looked at; empty: nothing is known.",
    )
    quality = StandsOut(help_text="Of the report behind agreement, checks and reviews.")
    cost = StandsOut(help_text="Of the report behind pace, forecast and cost.")
    figures = FigureOut(
        many=True,
        help_text="`percent`, `alpha`, `gold`, `accepted`, `pace` as of the reports; `waits` (for a reviewer), "
        "`paused` people and `appeals` as of now, `known.since`: the first; for managers `days_left` and `cost`. "
        "`known.roughly`: so many or more, and `known.since` to the day.",
    )


class OverviewOut(serializers.Serializer[Any]):
    worker_alive = serializers.BooleanField(help_text="Without a worker nothing is made.")
    well = serializers.BooleanField(help_text="Whether there are figures of all labels and nothing to look at.")
    first = NoticeOut(many=True, help_text="What to look at first, the worst before the rest.")
    queues = StandingOut(many=True, help_text="The newest queue first.")

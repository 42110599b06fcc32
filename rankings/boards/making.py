"""The board of a queue or of a project, as a report."""

from collections.abc import Callable
from typing import Any

from annotate.quality.reports import Maker, Subject
from rankings.boards import meetings, strengths


class Board(Maker):
    """Which model is better: the whole, each category by itself, and how it came about over time."""

    name = "board"
    rules = 3

    def suits(self, subject: Subject) -> bool:
        return subject.release is None and any(meetings.compares(one.way) for one in subject.queues())

    def make(
        self, subject: Subject, horizon: int, review_horizon: int, tell: Callable[[float], None]
    ) -> dict[str, Any]:
        met = meetings.gather(subject.queues(), horizon, review_horizon)
        tell(0.4)
        whole = strengths.board(met)
        tell(0.6)
        categories = strengths.by_category(met)
        tell(0.8)
        return {
            "whole": whole,
            "categories": categories,
            "over_time": strengths.over_time(met),
            "labels": met.labels,
            "rejected": met.rejected,
            "written": met.written,
        }

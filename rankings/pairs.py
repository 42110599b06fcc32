"""Preference pairs: what a label says of each two of its responses."""

from typing import NamedTuple

from annotate.exporting.base import Counts, Labelled
from annotate.kinds import Comparison


class Pair(NamedTuple):
    """One response preferred to another, by letter, and how many pairs its label gives: together they weigh 1.

    `strength` is 0.0 where none was asked.
    """

    chosen: str
    rejected: str
    rank_chosen: int
    rank_rejected: int
    strength: float
    in_group: int


def of_label(label: Labelled, counts: Counts) -> list[Pair]:
    """All pairs of a label. Ties teach nothing, nor do two equal texts: both are left out and counted."""
    found: list[Comparison] = []
    for one in label.kind.comparisons(label.payload):
        if one.tie:
            counts.ties_dropped += 1
        elif label.responses[one.winner].text == label.responses[one.loser].text:
            counts.identical_dropped += 1
        else:
            found.append(one)
    return [
        Pair(one.winner, one.loser, one.rank_winner, one.rank_loser, float(one.strength or 0), len(found))
        for one in found
    ]

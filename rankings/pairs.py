"""Preference pairs: what a label says of each two of its responses."""

from annotate.exporting.base import Counts, Labelled
from annotate.kinds import Comparison

#: One response preferred to another, and how many pairs its label gives: together they weigh 1.
type Pair = tuple[Comparison, int]


def of_label(label: Labelled, counts: Counts) -> list[Pair]:
    """All pairs of a label. Ties teach nothing, nor do two equal texts: both are left out and counted."""
    found: list[Comparison] = []
    for one in label.kind.comparisons(label.payload):
        if one.tie:
            counts.ties_dropped += 1
        elif label.text_of(one.winner).text == label.text_of(one.loser).text:
            counts.identical_dropped += 1
        else:
            found.append(one)
    return [(one, len(found)) for one in found]

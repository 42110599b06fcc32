"""Checks of the people: known answers among the work, qualification, repeats; what they come to, pauses and appeals.

`mixing` gives a check instead of ordinary work, `results` compares what was said with what is right, `pausing` acts on
it; `promoting` makes a check of an ordinary task, `reopening` lets others label again what a person has labelled. (Both
are built on `annotate.queue`, and that on `mixing`: so they are not taken in here.)
"""

from annotate.checking.figures import Accuracy, Item, accuracy, counts, items, seats
from annotate.checking.results import recompute

__all__ = ["Accuracy", "Item", "accuracy", "counts", "items", "recompute", "seats"]

"""What the kinds whose answer is a text share: how far two texts are apart, and the one nearest to all."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from annotate.kinds.base import Payload


def distance(first: Payload, second: Payload) -> float:
    """1 - the share of matching words (Ratcliff/Obershelp, as in Python's difflib)."""
    left, right = first["text"].split(), second["text"].split()
    return 1.0 - SequenceMatcher(None, left, right, autojunk=False).ratio()


def medoid(payloads: Sequence[Payload]) -> Payload | None:
    """The answer whose text is nearest to all others. Two texts have no middle: None."""
    if len(payloads) == 2:
        return None
    return min(payloads, key=lambda one: sum(distance(one, other) for other in payloads), default=None)

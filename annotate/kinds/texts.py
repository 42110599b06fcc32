"""What the kinds whose answer is a text share: how far two texts are apart, and the one nearest to all."""

from collections.abc import Sequence

from rapidfuzz.distance import Indel

from annotate.kinds.base import Payload

#: Texts that each one is compared with, as comparing all with all would take minutes.
MOST = 30


def distance(first: Payload, second: Payload) -> float:
    """1 - the share of words in their longest common subsequence.

    Found bit by bit in parallel: 20 kB against 20 kB take 10 ms, 200 kB half a second, whatever the texts say.
    """
    return Indel.normalized_distance(first["text"].split(), second["text"].split())


def medoid(payloads: Sequence[Payload]) -> Payload | None:
    """The answer whose text is nearest to the others, each compared with at most `MOST` of them. None of two texts."""
    if len(payloads) == 2:
        return None
    others = payloads[:: -(-len(payloads) // MOST)] if payloads else payloads
    return min(payloads, key=lambda one: sum(distance(one, other) for other in others), default=None)

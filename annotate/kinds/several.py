"""Several answers to one task: under common letters, in an order without meaning, and how far they agree."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import combinations
from statistics import fmean

from annotate.kinds.base import Kind, Payload, letters_for

#: Pairs of answers that are compared in one task, all of those of 32 people; of more people each with a few others.
MOST_PAIRS = 500


def renamed(kind: Kind, payload: Payload, shown: Sequence[int], responses: Sequence[int]) -> Payload:
    """An answer whose letters are of the responses `shown`, under the letters of the task's `responses`."""
    if shown == responses:
        return payload
    letters = dict(zip(responses, letters_for(len(responses)), strict=True))
    return kind.rename(payload, dict(zip(letters_for(len(shown)), map(letters.__getitem__, shown), strict=True)))


def by_chance(responses: Sequence[int]) -> list[int]:
    """A task's responses (ids) in an order without meaning, always the same.

    In a file's order the better one often comes first. Told in that order, "the first is better" would be what chance
    says, and people who agree on it would seem not to agree at all.
    """
    return sorted(responses, key=lambda one: blake2b(one.to_bytes(8), digest_size=8).digest())


def agreement(kind: Kind, votes: Sequence[Payload]) -> float:
    """Mean over each two of 1 - the kind's distance between their answers; 1.0 where there is but one.

    Of more than `MOST_PAIRS` pairs a sample, the same each time: see `each_two`.
    """
    two = ((votes[one], votes[other]) for one, other in each_two(len(votes)))
    far = [0.0 if one == other else kind.distance(one, other) for one, other in two]
    return 1.0 - fmean(far) if far else 1.0


def each_two(count: int) -> Iterator[tuple[int, int]]:
    """Pairs of 0..count-1: all, or in a ring each with the next ones, so that every one is in as many."""
    if count * (count - 1) // 2 <= MOST_PAIRS:
        yield from combinations(range(count), 2)
        return
    for step in range(1, 1 + max(1, MOST_PAIRS // count)):
        yield from ((one, (one + step) % count) for one in range(count))

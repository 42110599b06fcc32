"""The contract of a consensus: several answers to one task become one, with a certainty."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

from django.utils.functional import Promise

from annotate.kinds import Kind, Payload
from annotate.models import Queue


@dataclass(frozen=True, slots=True)
class Votes:
    """The answers to one task, at least one, under common letters. `names`: the letters of all its responses, in
    the order of `kinds.by_chance`; `raters`: user ids, one for each answer.
    """

    kind: Kind
    names: Sequence[str]
    payloads: Sequence[Payload]
    raters: Sequence[int]


class Together(NamedTuple):
    """What they say together. `certainty`: 0 to 1, what that is of each method says: a probability, or how far the
    answer stays the same when a rater is left out.
    """

    payload: Payload
    certainty: float


class Method(ABC):
    """One way to make one answer of several."""

    name: ClassVar[str]
    title: ClassVar[str | Promise]
    #: one sentence: what the answer is, and what its certainty
    description: ClassVar[str | Promise]

    def suits(self, kind: Kind) -> bool:
        """Whether it can be asked of this kind's answers."""
        return True

    def fitted(self, queue: Queue, horizon: int, checks: Collection[int]) -> Self:
        """The method with what it learns of the queue's annotators, from labels up to the horizon; most learn nothing.

        `checks`: ids of tasks whose labels are none of the work. Equal arguments give equal answers, to the bit.
        """
        return self

    @abstractmethod
    def say(self, votes: Votes) -> Together | None:
        """What they say together, or None where they say nothing together."""

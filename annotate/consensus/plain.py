"""Methods that learn nothing of annotators: everybody's answer weighs the same."""

from collections.abc import Iterator, Sequence
from math import comb
from statistics import fmean

from django.utils.translation import gettext_lazy as _

from annotate.consensus.base import Method, Together, Votes
from annotate.kinds import Kind, Payload

#: Of more raters so many are left out in turn, to see whether the answer stays.
MOST_LEFT_OUT = 10


def alike(kind: Kind, payloads: Sequence[Payload]) -> list[Payload]:
    """Those that give the answer which alone can have a majority. Two are the same answer if the kind has no distance
    between them: comments don't count, nor does the strength of a preference.
    """
    likely = _likely(kind, payloads)
    return [one for one in payloads if _same(kind, likely, one)]


def _likely(kind: Kind, payloads: Sequence[Payload]) -> Payload:
    """The only one that more than half can have given: Boyer and Moore's vote, one look at each."""
    likely, ahead = payloads[0], 0
    for one in payloads:
        if ahead == 0:
            likely = one
        ahead += 1 if _same(kind, likely, one) else -1
    return likely


def _same(kind: Kind, one: Payload, other: Payload) -> bool:
    return one == other or kind.distance(one, other) == 0


def together(kind: Kind, payloads: Sequence[Payload]) -> Payload | None:
    """What the kind makes of them; the only one stands as it is."""
    return payloads[0] if len(payloads) == 1 else kind.consensus(payloads)


class Majority(Method):
    """Certainty: the probability that more than half of all who might be asked would say so, before any vote was seen
    each share being as likely as any other (Bayes with a uniform prior: the posterior is Beta(same + 1, others + 1)).
    """

    name = "majority"
    title = _("the answer of the majority")
    description = _(
        "The answer that more than half gave, whatever they commented; a task without one is left out and counted. "
        "Certainty: the probability that more than half of all annotators would say so."
    )

    def say(self, votes: Votes) -> Together | None:
        same = alike(votes.kind, votes.payloads)
        if 2 * len(same) <= len(votes.payloads):
            return None
        payload = together(votes.kind, same)
        return None if payload is None else Together(payload, _more_than_half(len(same), len(votes.payloads)))


def _more_than_half(same: int, count: int) -> float:
    """P(share > 1/2) under Beta(same + 1, count - same + 1), which is a sum of binomial coefficients."""
    return float(sum(comb(count + 1, one) for one in range(same + 1)) / 2 ** (count + 1))


class Consensus(Method):
    """Certainty: how far the answer stays the same when one rater is left out (the jackknife): the mean over raters of
    1 - distance. 0 for one rater, and where those who are left say nothing together.
    """

    name = "consensus"
    title = _("what they say together")
    description = _(
        "As the kind of work has it: the order by mean place, the median score, the text nearest to the others. "
        "Certainty: how far that stays the same when one of them is left out."
    )

    def say(self, votes: Votes) -> Together | None:
        kind, payloads = votes.kind, votes.payloads
        payload = together(kind, payloads)
        if payload is None or len(payloads) == 1:
            return None if payload is None else Together(payload, 0.0)
        return Together(payload, fmean(_stays(kind, payload, rest) for rest in _without_one(payloads)))


def _without_one(payloads: Sequence[Payload]) -> Iterator[Sequence[Payload]]:
    """All but one, for each one; of many for `MOST_LEFT_OUT` that are evenly spread."""
    count = len(payloads)
    for nth in range(min(count, MOST_LEFT_OUT)):
        left_out = nth * count // min(count, MOST_LEFT_OUT)
        yield [*payloads[:left_out], *payloads[left_out + 1 :]]


def _stays(kind: Kind, payload: Payload, rest: Sequence[Payload]) -> float:
    other = together(kind, rest)
    return 0.0 if other is None else 1.0 - kind.distance(payload, other)


METHODS: list[Method] = [Majority(), Consensus()]

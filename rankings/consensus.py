"""What several orders of a prompt's responses say together: Bradley-Terry, plain and with raters' reliability."""

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from math import inf
from types import MappingProxyType

import numpy as np
from django.utils.translation import gettext_lazy as _

from annotate.consensus import Method, Together, Votes
from annotate.consensus.reliability import work_of
from annotate.kinds import Kind, Payload
from annotate.models import Queue
from rankings.scoring import raters, within
from rankings.scoring.comparisons import Comparisons
from rankings.scoring.styled import shown_first


class WithinPrompt(Method):
    """Certainty: the mean over pairs of responses of how likely their order is to be right; a tie counts 0.5."""

    name = "bradley-terry"
    title = _("by strength within the prompt (Bradley and Terry)")
    description = _(
        "Responses by the strength that their comparisons give them; what the votes leave level, and cycles, stay ties."
        " Certainty: how likely the order of two is to be right, on average."
    )

    def suits(self, kind: Kind) -> bool:
        return kind.has("ordered")

    def say(self, votes: Votes) -> Together | None:
        agreed = within.consensus([_places(votes, one) for one in votes.payloads], self.weights(votes))
        payload = votes.kind.ordered(agreed.places, votes.payloads)
        return None if payload is None else Together(payload, agreed.certainty if agreed.chance else 0.5)

    def weights(self, votes: Votes) -> Sequence[float] | None:
        """How much each answer counts; None: all the same."""
        return None


class RaterSkill(WithinPrompt):
    """The same with each vote weighed by its rater's reliability, as `rankings.scoring.raters` learns it from all."""

    name = "rater-skill"
    title = _("by strength, weighed by raters' reliability")
    description = _(
        "The same, where a vote counts as much as its rater's votes go by the responses, learned from all labels of "
        "the queue. Certainty: how likely the order of two is to be right, on average."
    )
    #: by user id
    reliability: Mapping[int, float] = MappingProxyType({})
    #: of somebody who was never met
    unknown = raters.BY_RESPONSES / (raters.BY_RESPONSES + raters.WITHOUT)

    def fitted(self, queue: Queue, horizon: int, checks: Collection[int]) -> "RaterSkill":
        found, work = work_of(queue, horizon, checks)
        rows = np.flatnonzero(work[found.won_label])
        label = found.won_label[rows]
        told = (found.winner[rows], found.loser[rows], found.tie[rows])
        people, rater = np.unique(found.annotator[label], return_inverse=True)
        first = shown_first(found.winner_place[rows], found.loser_place[rows])
        pairs = Comparisons.of(len(found.response), *told, cluster=found.prompt[label])
        learned = raters.fit(pairs, rater, first, len(people))
        chosen = copy(self)
        # To the hundredth: votes of people who are as reliable are then the same sum, which is worked out once.
        chosen.reliability = dict(zip(people.tolist(), learned.reliability.round(2).tolist(), strict=True))
        return chosen

    def weights(self, votes: Votes) -> Sequence[float] | None:
        return [self.reliability.get(one, self.unknown) for one in votes.raters]


def _places(votes: Votes, payload: Payload) -> Mapping[str, float]:
    """The places that an answer gives to responses that were shown; infinity for those it calls unusable."""
    found: dict[str, float] = {}
    for one in votes.kind.comparisons(payload):
        found |= {one.winner: one.rank_winner, one.loser: one.rank_loser}
    for one in votes.kind.outdone(payload):
        found |= {one.winner: one.rank_winner, one.loser: inf}
    return {name: place for name, place in found.items() if name in votes.names}


METHODS: list[Method] = [WithinPrompt(), RaterSkill()]

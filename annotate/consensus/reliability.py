"""Answers weighed by what each annotator is known to say: Dawid & Skene's model, learned from the whole queue.

Who says "tie" of everything, or often the opposite of what the others find, counts less, and in the way they err.
"""

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from statistics import fmean
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from django.utils.translation import gettext_lazy as _

from annotate.consensus.base import Method, Together, Votes
from annotate.kinds import Kind, Options
from annotate.models import Queue
from annotate.quality import columns
from annotate.quality.columns import Array, Columns, Mask
from annotate.scoring import dawid_skene

#: Two answers that are as likely to this point are level.
_LEVEL = 1e-9


class _Found(NamedTuple):
    """Of an item: the likeliest value and its probability; `value` None where two are level."""

    value: float | None
    chance: float


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned of a queue's annotators. `values`: the codes of the answers.

    Logarithms of probabilities: `prior`; `said`, by user id, true answer by answer given; `unknown`, the same of
    somebody who was never met.
    """

    values: list[float]
    prior: Array
    said: Mapping[int, Array]
    unknown: Array

    def find(self, given: Sequence[tuple[int, float]]) -> _Found:
        """The likeliest answer to an item, of (user id, value) by each who said something of it (equation 2.5)."""
        at = {value: nth for nth, value in enumerate(self.values)}
        known = [(self.said.get(rater, self.unknown), at[value]) for rater, value in given if value in at]
        likely = self.prior + sum((said[:, nth] for said, nth in known), np.zeros(len(self.values)))
        chances = np.exp(likely - likely.max())
        chances /= chances.sum()
        best, *rest = np.argsort(-chances, kind="stable")
        level = bool(rest) and chances[best] - chances[rest[0]] < _LEVEL
        return _Found(None if level else self.values[best], float(chances[best]))


def learn(found: Columns, work: Mask) -> Learned | None:
    """Of the chief measure's opinions of the labels in `work` (a mask); None where there are none."""
    mask = (found.said_measure == 0) & work[found.said_label]
    label = found.said_label[mask]
    if not len(label):
        return None
    _items, item = np.unique(found.said_item[mask], return_inverse=True)
    raters, rater = np.unique(found.annotator[label], return_inverse=True)
    values, answer = np.unique(found.said_value[mask], return_inverse=True)
    fit = dawid_skene.fit(item, rater, answer, len(values))
    with np.errstate(divide="ignore"):  # what nobody is thought to mean is never found
        prior, said = np.log(fit.prior), np.log(fit.confusion)
    unknown = np.log(fit.confusion.mean(axis=0))
    return Learned(values.tolist(), prior, dict(zip(raters.tolist(), said, strict=True)), unknown)


class DawidSkene(Method):
    """Certainty: the mean over items of the posterior probability of the answer (one item, where two are compared)."""

    name = "dawid-skene"
    title = _("weighed by reliability (Dawid and Skene)")
    description = _(
        "The likeliest answer, given what each annotator tends to say, learned from all labels of the queue. "
        "Certainty: its probability."
    )
    options: Options = MappingProxyType({})
    learned: Learned | None = None

    def suits(self, kind: Kind) -> bool:
        return kind.has("deciding")

    def fitted(self, queue: Queue, horizon: int, checks: Collection[int]) -> "DawidSkene":
        chosen = copy(self)
        chosen.options, chosen.learned = queue.options, learn(*work_of(queue, horizon, checks))
        return chosen

    def say(self, votes: Votes) -> Together | None:
        given: dict[str, list[tuple[int, float]]] = {}
        (chief, *_others) = votes.kind.measures(self.options)
        for rater, payload in zip(votes.raters, votes.payloads, strict=True):
            for one in votes.kind.opinions(payload, votes.names, self.options):
                if one.measure == chief.name:
                    given.setdefault(one.item, []).append((rater, one.value))
        if self.learned is None or not given:
            return None
        found = {item: self.learned.find(some) for item, some in given.items()}
        values = {item: one.value for item, one in found.items() if one.value is not None}
        together = votes.kind.deciding(values, votes.names, votes.payloads)
        return None if together is None else Together(together, fmean(one.chance for one in found.values()))


def work_of(queue: Queue, horizon: int, checks: Collection[int]) -> tuple[Columns, Mask]:
    """A queue's labels, and which of them are work that stood at the horizon: see `Method.fitted`."""
    found = columns.load(queue, horizon)
    repeats = found.role == found.roles.index("repeat") if "repeat" in found.roles else np.zeros(len(found.task), bool)
    mask: Mask = found.stands & ~repeats & ~np.isin(found.task, list(checks))
    return found, mask


METHODS: list[Method] = [DawidSkene()]

"""The bias report of a queue."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotate.quality.reports import Maker, Subject
from rankings.bias import people
from rankings.boards import meetings, strengths
from rankings.boards.meetings import Meetings
from rankings.boards.strengths import plain, told

type Json = dict[str, Any]

#: People who are told of one by one: those with most comparisons.
MOST_PEOPLE = 300


class Bias(Maker):
    """What sways annotators beside quality, all together and one by one."""

    name = "bias"
    rules = 2

    def suits(self, subject: Subject) -> bool:
        return subject.queue is not None and subject.release is None and meetings.compares(subject.queue.way)

    def make(
        self, subject: Subject, horizon: int, review_horizon: int, tell: Callable[[float], None]
    ) -> dict[str, Any]:
        met = meetings.gather(subject.queues(), horizon, review_horizon, fixes=False)
        tell(0.5)
        return report(met)


def report(met: Meetings) -> Json:
    """All figures, as JSON; people by their user ids, those with most labels first."""
    decided, agrees = people.with_majority(met)
    timed, sways = people.timed(met), people.sways(met)
    each = [_person(own, met, decided, agrees, timed) for own in _people(met)]
    return {
        "labels": met.labels,
        "comparisons": len(met),
        "ties": int(met.tie.sum()),
        "first": told(sways.first),
        "longer": told(sways.longer),
        "majority": told(people.majority(met, decided, agrees)),
        "effects": strengths.effects(met),
        "seconds": plain(people.median(timed.seconds)),
        "timed": len(timed.seconds),
        "hasty": told(people.haste(timed)),
        "pace": told(_pace(each)),
        "people": each,
    }


def _people(met: Meetings) -> list[NDArray[np.int64]]:
    """Which comparisons are whose, those with most first."""
    _ids, of = np.unique(met.annotator, return_inverse=True)
    each = np.split(np.argsort(of, kind="stable"), np.cumsum(np.bincount(of))[:-1]) if len(met) else []
    return sorted(each, key=lambda own: -len(own))[:MOST_PEOPLE]


def _person(own: NDArray[np.int64], met: Meetings, decided: Any, agrees: Any, timed: people.Timed) -> Json:
    who, of = met.annotator[own[0]], met.pick(own)
    sways, at = people.sways(of), timed.annotator == who
    paced = people.Timed(timed.annotator[at], timed.prompt[at], timed.seconds[at], timed.hasty[at])
    return {
        "annotator": int(who),
        "labels": len(np.unique(of.label)),
        "first": told(sways.first),
        "longer": told(sways.longer),
        "majority": told(people.majority(of, decided[own], agrees[own])),
        "seconds": plain(people.median(paced.seconds)),
        "hasty": told(people.haste(paced)),
    }


def _pace(each: list[Json]) -> Any:
    """Whether slower people agree more with the others: between their median seconds and their agreement."""
    both = [one for one in each if one["seconds"] is not None and one["majority"]["value"] is not None]
    return people.rank_correlation([one["seconds"] for one in both], [one["majority"]["value"] for one in both])

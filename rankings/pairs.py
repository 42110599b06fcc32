"""Preference pairs: what a label says of each two of its responses."""

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from annotate.exporting.base import Counts, Labelled, ResponseFacts
from annotate.kinds import Comparison

#: Which pairs of a ranking: all; the best against each other; the best against the worst; neighbours.
ALL, BEST_REST, BEST_WORST, ADJACENT = "all", "best-rest", "best-worst", "adjacent"

type _Two = tuple[ResponseFacts, ResponseFacts, Comparison]


class Pair(Struct, frozen=True, gc=False):
    """One response preferred to another (in a tie: the one shown first), of `in_group` that the label gives.

    `soft_label` is the share of the raters it speaks for who prefer `chosen`; who says nothing of the two, or ties
    them, counts half.
    """

    chosen: ResponseFacts
    rejected: ResponseFacts
    of: Comparison
    in_group: int
    soft_label: float = 1.0


def of_label(label: Labelled, counts: Counts, which: str = ALL, *, ties: bool = False) -> list[Pair]:
    """A label's pairs. Left out and counted: ties, unless asked for, equal texts, and texts that say nothing."""
    found: list[_Two] = []
    texts = label.texts
    blank = {name for name, one in texts.items() if not one.text.strip()}
    for one in _chosen(label, which):
        better, worse = texts[one.winner], texts[one.loser]
        if one.tie and not ties:
            counts.ties_dropped += 1
        elif better.text == worse.text:
            counts.identical_dropped += 1
        elif one.winner in blank or one.loser in blank:
            counts.empty_dropped += 1
        else:
            found.append((better, worse, one))
    if len({one.text for one in texts.values()}) < len(texts):
        before, found = len(found), _one_way(found)
        counts.identical_dropped += before - len(found)
    if label.votes:
        return list(_voted(label, found))
    many = len(found)
    return [Pair(better, worse, one, many, 0.5 if one.tie else 1.0) for better, worse, one in found]


def _chosen(label: Labelled, which: str) -> Iterable[Comparison]:
    """Those asked for; a text that was written beats what it was made of whatever is asked."""
    every = label.kind.comparisons(label.payload)
    if which == ALL:
        return every
    ordered: list[Comparison] = []
    beside: list[Comparison] = []
    for one in every:
        (beside if one.winner in label.written else ordered).append(one)
    return [*_of_order(ordered, which), *beside]


def _of_order(ordered: Sequence[Comparison], which: str) -> Sequence[Comparison]:
    if which == ADJACENT:
        return [one for one in ordered if one.rank_loser - one.rank_winner <= 1]
    best = min((one.rank_winner for one in ordered), default=0)
    of_best = [one for one in ordered if one.rank_winner == best]
    if which == BEST_REST:
        return of_best
    worst = max((one.rank_loser for one in ordered), default=0)
    return [one for one in of_best if one.rank_loser == worst][:1]


def _one_way(found: list[_Two]) -> list[_Two]:
    """Without the pairs of two texts that are also there the other way round: one of them stands twice in the label."""
    ways = {(better.text, worse.text) for better, worse, _one in found}
    return [one for one in found if (one[1].text, one[0].text) not in ways]


def _voted(label: Labelled, found: list[_Two]) -> Iterable[Pair]:
    lean: Counter[tuple[str, str]] = Counter()
    for vote in label.votes:
        for one in label.kind.comparisons(vote):
            lean[one.winner, one.loser] += not one.tie
            lean[one.loser, one.winner] -= not one.tie
    for better, worse, one in found:
        soft = (1 + lean[one.winner, one.loser] / len(label.votes)) / 2
        yield Pair(better, worse, one, len(found), soft)


def places(label: Labelled, counts: Counts) -> dict[str, int]:
    """The order a label gives: places by name, 1 is best, equal for a tie, no gaps. {} where nothing is ordered."""
    every = list(label.kind.comparisons(label.payload))
    if all(one.tie for one in every):
        counts.ties_dropped += len(every)
        return {}
    return _placed(every)


def of_shown(label: Labelled) -> dict[str, int]:
    """The same of the responses shown alone, where those that are all equal have places too."""
    return _placed([one for one in label.kind.comparisons(label.payload) if one.winner in label.responses])


def _placed(every: Sequence[Comparison]) -> dict[str, int]:
    found = {one.winner: one.rank_winner for one in every} | {one.loser: one.rank_loser for one in every}
    dense = {rank: place for place, rank in enumerate(sorted(set(found.values())), 1)}
    return {name: dense[rank] for name, rank in sorted(found.items(), key=lambda item: (item[1], item[0]))}

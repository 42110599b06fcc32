"""What rankings share: an order with ties as pairs, and the distance between two orders."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from annotate.kinds import Comparison


def comparisons(ranks: Mapping[str, int]) -> Iterator[Comparison]:
    """Every pair of an order with ties, the better one as winner. `ranks`: name -> place, 1 is best."""
    for first, second in combinations(sorted(ranks, key=lambda name: (ranks[name], name)), 2):
        better, worse = ranks[first], ranks[second]
        yield Comparison(first, second, better == worse, None, better, worse)


def dense(ranks: Mapping[str, float]) -> dict[str, int]:
    """The same order with places 1, 2, 3 ... and no gaps: {a: 1, b: 4, c: 4} becomes {a: 1, b: 2, c: 2}."""
    places = {value: place for place, value in enumerate(sorted(set(ranks.values())), start=1)}
    return {name: places[value] for name, value in ranks.items()}


def distance(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    """Share of pairs ordered otherwise, a tie against an order counting half; 0 where there is no pair.

    Kendall's distance with ties, penalty p = 1/2: Fagin et al., "Comparing and Aggregating Rankings with
    Ties" (PODS 2004), section 3.
    """
    pairs = list(combinations(sorted(first.keys() & second.keys()), 2))
    if not pairs:
        return 0.0
    return sum(abs(sign(first, *pair) - sign(second, *pair)) for pair in pairs) / (2 * len(pairs))


def sign(ranks: Mapping[str, float], left: str, right: str) -> int:
    """-1 where `left` is better, 1 where `right` is, 0 for a tie."""
    return (ranks[left] > ranks[right]) - (ranks[left] < ranks[right])


def mean_order(rankings: Sequence[Mapping[str, float]]) -> dict[str, int]:
    """Order by mean place; equal means tie. Only names that every ranking places, in their own order."""
    names = set.intersection(*(set(one) for one in rankings)) if rankings else set()
    return dense({name: sum(one[name] for one in rankings) / len(rankings) for name in sorted(names)})

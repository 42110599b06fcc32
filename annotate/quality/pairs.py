"""Each two answers to one thing, and how far they are apart: what agreement is made of, whatever a measure's level.

A measure with values is told by its columns. Of answers without values (texts) a fair sample of tasks is read again and
compared by the kind's own distance, as long as the effort lasts.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import Any

import msgspec
import numpy as np
from django.db import connection
from numpy.typing import NDArray

from annotate.kinds import Level, Measure, Payload, letters_for
from annotate.quality.columns import Columns
from annotate.scoring import agreement
from annotate.scoring.intervals import Estimate

type Array = NDArray[Any]
type Mask = NDArray[np.bool_]

#: Of texts: so many tasks at most are compared, and so many characters against characters.
SAMPLED_TASKS = 2_000
EFFORT = 4_000_000_000
TASKS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Pairs:
    """Each two answers to one item, an entry each. `left`, `right`: index of the label; `unit`: the same number for the
    same item; `task`: its id; `apart`: 0 or 1, of texts 0 to 1; `graded`: the same by how much, 0 to 1; `first`,
    `second`: the two values, of texts empty.
    """

    left: Array
    right: Array
    unit: Array
    task: Array
    apart: Array
    graded: Array
    first: Array
    second: Array

    def pick(self, which: Array) -> "Pairs":
        return Pairs(*(getattr(self, name)[which] for name in Pairs.__dataclass_fields__))

    def turned(self, which: Array) -> "Pairs":
        """With left and right exchanged where `which` says so."""
        left, right = np.where(which, self.right, self.left), np.where(which, self.left, self.right)
        first, second = np.where(which, self.second, self.first), np.where(which, self.first, self.second)
        return replace(self, left=left, right=right, first=first, second=second)

    def together(self, other: "Pairs") -> "Pairs":
        names = Pairs.__dataclass_fields__
        return Pairs(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names))


class Agreement(ABC):
    """How far labels agree on one measure. `mask`: which labels are looked at, None for all that were given.

    `begun`: by label, whether figures are made of it. `pairs` are of all: of the others, too.
    """

    measure: Measure
    columns: Columns
    begun: Mask
    pairs: Pairs

    def inside(self, mask: Mask | None) -> Pairs:
        return self.pairs if mask is None else self.pairs.pick(mask[self.pairs.left] & mask[self.pairs.right])

    def fair(self, pairs: Pairs) -> Pairs:
        """Those that figures are made of."""
        return pairs.pick(self.begun[pairs.left] & self.begun[pairs.right])

    def percent(self, mask: Mask | None = None) -> Estimate:
        """How often two say the same, the mean over items; of texts, how alike they are."""
        return self.percent_of(self.inside(mask))

    def percent_of(self, pairs: Pairs) -> Estimate:
        found = self.fair(pairs)
        return agreement.mean_agreement(found.apart, found.unit, found.task)

    @abstractmethod
    def alpha(self, mask: Mask | None = None) -> Estimate:
        """Krippendorff's alpha, of the measure's level."""

    @abstractmethod
    def kappa(self, pairs: Pairs) -> Estimate:
        """Beyond chance, of pairs whose two sides are two people: Cohen's kappa, weighted where values have an order;
        Kendall's tau-b of orders; nothing of texts.
        """

    @abstractmethod
    def chance(self) -> float | None:
        """What `percent` would be if everybody answered by chance, each answer as often as it was given."""


class Valued(Agreement):
    """Of a measure that has values."""

    def __init__(self, columns: Columns, measure: Measure, mask: Mask, begun: Mask) -> None:
        self.columns, self.measure, self.begun = columns, measure, begun
        said = columns.opinions(measure.name, mask)
        label = np.searchsorted(columns.label, said.label)
        nth = np.arange(len(said.value), dtype=np.float64)
        *_raters, left, right, task = agreement.rater_pairs(said.unit, said.rater, nth, said.task)
        left, right = left.astype(np.int64), right.astype(np.int64)
        first, second = said.value[left], said.value[right]
        self.values = said.value
        graded = abs(first - second) / self._range()
        apart = (first != second).astype(np.float64)
        self.pairs = Pairs(
            *(label[left], label[right], said.unit[left], task, apart),
            *(apart if measure.level is Level.NOMINAL else graded, first, second),
        )

    def _range(self) -> float:
        if self.measure.level is Level.ORDER:
            return 2.0
        return float(np.ptp(self.values)) or 1.0 if len(self.values) else 1.0

    def alpha(self, mask: Mask | None = None) -> Estimate:
        said = self.columns.opinions(self.measure.name, self.begun if mask is None else self.begun & mask)
        return agreement.alpha(said.unit, said.value, said.task, str(self.measure.level))

    def kappa(self, pairs: Pairs) -> Estimate:
        pairs = self.fair(pairs)
        if self.measure.level is Level.NOMINAL:
            return agreement.cohen(pairs.first, pairs.second, pairs.task)
        if self.measure.level is Level.ORDER:
            return agreement.tau_b(pairs.first, pairs.second, pairs.task, _orders(pairs))
        return agreement.weighted_kappa(pairs.first, pairs.second, pairs.task)

    def chance(self) -> float | None:
        found = self.fair(self.pairs)
        if not len(found.first):
            return None
        _known, counts = np.unique(np.concatenate([found.first, found.second]), return_counts=True)
        return float(((counts / counts.sum()) ** 2).sum())


def _orders(pairs: Pairs) -> Array:
    """The same number for entries of the same two labels."""
    labels = int(max(pairs.left.max(initial=0), pairs.right.max(initial=0))) + 1
    number: Array = pairs.left * labels + pairs.right
    return number


class Compared(Agreement):
    """Of answers that have no values, such as texts: of a sample of tasks, by the kind's distance."""

    def __init__(self, columns: Columns, measure: Measure, mask: Mask, begun: Mask) -> None:
        self.columns, self.measure, self.begun = columns, measure, begun
        self.pairs, self.between = _compare(columns, mask)

    def alpha(self, mask: Mask | None = None) -> Estimate:
        found = self.fair(self.inside(mask))
        return agreement.distance_alpha(found.apart, found.task, self.between)

    def kappa(self, pairs: Pairs) -> Estimate:
        return Estimate(n=len(pairs.apart))

    def chance(self) -> float | None:
        return float(1 - self.between.mean()) if len(self.between) else None


def of(columns: Columns, measure: Measure, mask: Mask, begun: Mask) -> Agreement:
    """The agreement of the labels that `begun` holds for, with the pairs of all that `mask` does."""
    return (Compared if measure.level is Level.DISTANCE else Valued)(columns, measure, mask, begun)


# --- Texts -----------------------------------------------------------------------------------------------------------

_ANSWERS = "SELECT id, payload, shown FROM annotate_label WHERE id = ANY(%s::bigint[])"


def _compare(columns: Columns, mask: Mask) -> tuple[Pairs, Array]:
    """The pairs within a sample of tasks, and the distances of answers to different tasks."""
    left: list[tuple[int, int, int, float]] = []
    between: list[float] = []
    spent, last = 0, None
    for task, answers in _sample(columns, mask):
        compared = [*combinations(answers, 2)]
        spent += sum(one[2] * other[2] for one, other in compared)
        if spent > EFFORT:
            break
        distance = columns.queue.way.distance
        left += [(task, one[0], other[0], distance(one[1], other[1])) for one, other in compared]
        between += [distance(last[1], answers[0][1])] if last else []
        last = answers[0]
    tasks, ones, others, apart = (np.array(part) for part in zip(*left, strict=True)) if left else [np.empty(0)] * 4
    nothing = np.empty(len(apart))
    indices = ones.astype(np.int64), others.astype(np.int64), tasks.astype(np.int64)
    return Pairs(*indices, indices[-1], apart, apart, nothing, nothing), np.array(between)


type Answer = tuple[int, Payload, int]


def _sample(columns: Columns, mask: Mask) -> Iterator[tuple[int, list[Answer]]]:
    """Tasks with several labels in an order that is by chance and always the same, each with its answers: the index of
    the label, the answer under the responses' ids, how long it is.
    """
    rows = np.flatnonzero(mask)
    rows = rows[np.argsort(columns.task[rows], kind="stable")]
    tasks, begin, count = np.unique(columns.task[rows], return_index=True, return_counts=True)
    shared = np.random.default_rng(0).permutation(np.flatnonzero(count > 1))[:SAMPLED_TASKS]
    edges = [*range(0, len(shared), TASKS_AT_ONCE), len(shared)]
    for start, end in pairwise(edges):
        groups = [rows[begin[one] : begin[one] + count[one]] for one in shared[start:end]]
        answers = _answers(columns, np.concatenate(groups))
        for one, group in zip(shared[start:end], groups, strict=True):
            yield int(tasks[one]), [answers[int(row)] for row in group]


def _answers(columns: Columns, rows: Array) -> dict[int, Answer]:
    index = {int(columns.label[row]): int(row) for row in rows}
    with connection.cursor() as cursor:
        cursor.execute(_ANSWERS, [list(index)])
        found = cursor.fetchall()
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    answers = {}
    for pk, payload, shown in found:
        names = dict(zip(letters_for(len(shown)), map(str, shown), strict=True))
        answer = columns.queue.way.rename(decode(payload), names)
        answers[index[pk]] = (index[pk], answer, len(payload))
    return answers

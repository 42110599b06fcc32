"""The quality report of a queue: how far annotators agree, on what, who with whom, since when, and how good each is.

Of what each annotator said last of ordinary work, also where a reviewer fixed or rejected it: agreement is that of
people who label, before anybody settles what they disagree on. Only what was set aside with all work of somebody who is
paused is left out. Where a queue asks for further labels as people disagree, agreement is that of the labels which
each task began with: whoever stops asking as soon as people agree finds too much of it.

Every group of labels that a figure is made of can be listed (`narrowing`). People are in it by user id: doors name them
as they may.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.db.models import Count, Q, Sum

from annotate import checking, reviewing
from annotate.kinds import Level
from annotate.models import CheckResult, Queue
from annotate.quality import columns as reading
from annotate.quality import pairs, rules
from annotate.quality.columns import Array, Columns, Mask
from annotate.quality.pairs import Agreement, Pairs
from annotate.quality.reports import OfQueue
from annotate.scoring.intervals import Estimate

#: Groups that are listed at most: pairs of people by how much they share, categories, versions, days or weeks.
MOST_PAIRS = 200
MOST_GROUPS = 60
MOST_SPLIT = 50
DAY = 86_400
#: Labels of fewer days than this are looked at day by day, others week by week.
SHORT = 28

type Tell = Callable[[float], None]


class Quality(OfQueue):
    """See the module's docstring."""

    name = "quality"
    rules = 4

    def rest_on(self, queues: Sequence[Queue]) -> list[dict[str, Any]]:
        """What is asked decides what there is to agree on, and checks may be judged anew without a new label."""
        judged = _judged(queues)
        return [{"kind": one.options, "first": _first(one), "judged": judged.get(one.pk, [0, 0])} for one in queues]

    def make_of(self, queue: Queue, horizon: int, review_horizon: int, tell: Tell) -> dict[str, Any]:
        columns = reading.load(queue, horizon)
        tell(0.3)
        mask = own_work(columns, review_horizon)
        begun = begun_with(columns, mask, _first(queue))
        measures, chief = [], None
        for nth, measure in enumerate(columns.measures):
            agreement = pairs.of(columns, measure, mask, begun)
            chief = chief or agreement
            measures.append(_measure(agreement, mask))
            tell(0.3 + 0.6 * (nth + 1) / len(columns.measures))
        return _counts(columns, mask) | {
            "first": _first(queue),
            "measures": measures,
            "people": _people(queue, columns, mask, chief),
            "agreed": _agreed(chief) if chief else {},
        }


def own_work(columns: Columns, review_horizon: int) -> Mask:
    """By label: whether it is the last that its annotator said, of ordinary work, and was not set aside with all else
    of theirs (`checking.reopen`). What reviewers reject or fix one by one stays, or to adjudicate would be to agree.
    """
    work = columns.role == columns.roles.index("work")
    mask: Mask = work & columns.last_said & ~columns.among(reading.set_aside(columns.queue, review_horizon))
    return mask


def _judged(queues: Sequence[Queue]) -> dict[int, list[int]]:
    """By queue, what tells one state of its checks' results from another: how many, and the sum of labels that are
    right. Those without a result are left out.
    """
    found = CheckResult.objects.filter(seat__queue__in=queues).order_by().values("seat__queue")
    told = found.annotate(n=Count("pk"), right=Sum("label_id", filter=Q(right=True), default=0))
    return {pk: [n, int(right)] for pk, n, right in told.values_list("seat__queue", "n", "right")}


def _first(queue: Queue) -> int | None:
    """Of how many labels of each task agreement is made, where further ones are asked for as people disagree."""
    return queue.overlap if rules.of(queue).is_adaptive and queue.overlap > 1 else None


def begun_with(columns: Columns, mask: Mask, first: int | None) -> Mask:
    """Those of the labels that are among the `first` of their task, an amended one by when it was first given."""
    if first is None:
        return mask
    rows = np.flatnonzero(mask)
    rows = rows[np.lexsort((_given_first(columns)[rows], columns.task[rows]))]
    _known, begin, count = np.unique(columns.task[rows], return_index=True, return_counts=True)
    begun = np.zeros_like(mask)
    begun[rows[np.arange(len(rows)) - np.repeat(begin, count) < first]] = True
    return begun


def _given_first(columns: Columns) -> Array:
    """By label: the id of the first of its chain of amendments."""
    found = np.where(columns.supersedes > 0, columns.supersedes, columns.label)
    while ((before := found[np.searchsorted(columns.label, found)]) != found).any():
        found = before
    return found


def _counts(columns: Columns, mask: Mask) -> dict[str, Any]:
    shared = shared_work(columns, mask)
    return {
        "given": len(columns.label),
        "labels": int(mask.sum()),
        "tasks": len(np.unique(columns.task[mask])),
        "shared_labels": int(shared.sum()),
        "shared_tasks": len(np.unique(columns.task[shared])),
        "annotators": len(np.unique(columns.annotator[mask])),
    }


def shared_work(columns: Columns, mask: Mask) -> Mask:
    """Those of the labels whose task has another of them."""
    _known, number, count = np.unique(columns.task[mask], return_inverse=True, return_counts=True)
    shared = mask.copy()
    shared[mask] = count[number] > 1
    return shared


def estimate(found: Estimate) -> list[float | int | None]:
    """As JSON: value, low, high, of how many."""
    return [None if one is None else round(float(one), 5) for one in found[:3]] + [int(found.n)]


# --- One measure -----------------------------------------------------------------------------------------------------


def _measure(agreement: Agreement, mask: Mask) -> dict[str, Any]:
    columns, chance = agreement.columns, agreement.chance()
    period, begins = _periods(columns, mask)
    both = agreement.pairs.together(agreement.pairs.turned(np.ones(len(agreement.pairs.task), np.bool_)))
    return {
        "name": agreement.measure.name,
        "level": str(agreement.measure.level),
        "compared": len(np.unique(agreement.fair(agreement.pairs).task)),
        **_agreement(agreement, None),
        "kappa": estimate(agreement.kappa(both)._replace(n=len(agreement.fair(agreement.pairs).task))),
        "chance": None if chance is None else round(chance, 5),
        "category": list(_groups(agreement, mask, columns.category, lambda one: columns.categories[one])),
        "guideline": list(_groups(agreement, mask, columns.guideline, int)),
        "period": period,
        "time": list(_groups(agreement, mask, begins, _day, newest=True)),
        "pairs": list(_pairs(agreement, mask)),
        "annotators": list(_against_the_rest(agreement, begins)),
    }


def _agreement(agreement: Agreement, mask: Mask | None) -> dict[str, Any]:
    return {"percent": estimate(agreement.percent(mask)), "alpha": estimate(agreement.alpha(mask))}


def _groups(
    agreement: Agreement, mask: Mask, group: Array, named: Callable[[Any], Any], newest: bool = False
) -> Iterator[dict[str, Any]]:
    """The same of each group of labels by itself, the largest or the last ones; nothing where there is but one."""
    known, count = np.unique(group[mask], return_counts=True)
    chosen = known[-MOST_GROUPS:] if newest else known[np.argsort(-count, kind="stable")[:MOST_GROUPS]]
    for one in chosen if len(known) > 1 else []:
        within = mask & (group == one)
        yield {"key": named(one), "labels": int(within.sum()), **_agreement(agreement, within)}


def _periods(columns: Columns, mask: Mask) -> tuple[str, Array]:
    """Days or weeks (from Monday, UTC), and by label the second in which its own began."""
    created = columns.created[mask]
    if len(created) and created.max() - created.min() > SHORT * DAY:
        return "week", columns.week * reading.WEEK + reading.week_begin(0)
    return "day", np.floor_divide(columns.created, DAY).astype(np.int64) * DAY


def _day(second: Any) -> str:
    return datetime.fromtimestamp(int(second), UTC).date().isoformat()


# --- People ----------------------------------------------------------------------------------------------------------


def _pairs(agreement: Agreement, mask: Mask) -> Iterator[dict[str, Any]]:
    """The pairs of people who share most."""
    columns, found = agreement.columns, agreement.pairs
    turned = found.turned(columns.annotator[found.left] > columns.annotator[found.right])
    first, second = columns.annotator[turned.left], columns.annotator[turned.right]
    people = np.unique(np.concatenate([first, second]))
    code = np.searchsorted(people, first) * len(people) + np.searchsorted(people, second)
    for one, both in _largest(code, MOST_PAIRS):
        within = turned.pick(both)
        a, b = divmod(one, max(1, len(people)))
        tasks = len(np.unique(within.task))
        yield {
            "a": int(people[a]),
            "b": int(people[b]),
            "tasks": tasks,
            "labels": 2 * tasks,
            "percent": estimate(agreement.percent_of(within)),
            "kappa": estimate(agreement.kappa(within)),
        }


def _against_the_rest(agreement: Agreement, begins: Array) -> Iterator[dict[str, Any]]:
    """Each annotator with everybody who labelled the same."""
    columns, found = agreement.columns, agreement.pairs
    each = found.together(found.turned(np.ones(len(found.task), np.bool_)))
    for person, own in _largest(columns.annotator[each.left], None):
        within = each.pick(own)
        yield {
            "who": person,
            "labels": len(np.unique(within.left)),
            "compared": len(np.unique(agreement.fair(within).task)),
            "percent": estimate(agreement.percent_of(within)),
            "kappa": estimate(agreement.kappa(within)),
            "time": list(_by_time(agreement, within, begins)),
        }


def _largest(code: Array, most: int | None) -> Iterator[tuple[int, Array]]:
    """Codes and the indices of their entries, the most frequent first."""
    order = np.argsort(code, kind="stable")
    known, begin, count = np.unique(code[order], return_index=True, return_counts=True)
    for nth in np.argsort(-count, kind="stable")[:most]:
        yield int(known[nth]), order[begin[nth] : begin[nth] + count[nth]]


def _by_time(agreement: Agreement, own: Pairs, begins: Array) -> Iterator[dict[str, Any]]:
    """One annotator's agreement with the rest, by when their own label was given."""
    begin = begins[own.left]
    for one in np.unique(begin)[-MOST_GROUPS:]:
        within = own.pick(begin == one)
        labels = len(np.unique(within.left))
        yield {"key": _day(one), "labels": labels, "percent": estimate(agreement.percent_of(within))}


def _people(queue: Queue, columns: Columns, mask: Mask, chief: Agreement | None) -> list[dict[str, Any]]:
    """Each annotator by themselves: how much, how fast, and what checks and reviews say, who gave most first."""
    accuracy, reviewed = checking.accuracy(queue), {one.user_id: one for one in reviewing.grading.annotators(queue)}
    found = []
    for person, rows in _largest(columns.annotator[mask], None):
        checked, seen = accuracy.get(person, checking.Accuracy()), reviewed.get(person)
        seconds = columns.seconds[mask][rows]
        found.append(
            {
                "who": person,
                "labels": len(rows),
                "seconds": [round(float(one), 2) for one in np.quantile(seconds, [0.25, 0.5, 0.75])],
                "total_seconds": round(float(seconds.sum()), 1),
                "gold": estimate(checked.gold),
                "attention": estimate(checked.attention),
                "same": estimate(checked.same),
                "alike": checked.alike,
                "reviews": dict(seen.verdicts) if seen else {},
                "accepted": estimate(seen.accepted) if seen else estimate(Estimate()),
                "rejected": estimate(seen.rejected) if seen else estimate(Estimate()),
            }
        )
    return found


# --- Tasks -----------------------------------------------------------------------------------------------------------


def _agreed(agreement: Agreement) -> Mapping[str, Any]:
    """How many tasks people agree on, and those on which they agree least: of each the mean over its pairs."""
    tasks, number = np.unique(agreement.pairs.task, return_inverse=True)
    if not len(tasks):
        return {"looked_at": 0, "texts": False, "spread": {}, "split": []}
    pairs_of = np.bincount(number)
    alike = 1 - np.bincount(number, agreement.pairs.graded) / pairs_of
    spread = {
        "all": int((alike > 1 - 1e-9).sum()),
        "most": int(((alike >= 0.5) & (alike <= 1 - 1e-9)).sum()),
        "few": int(((alike < 0.5) & (alike > 1e-9)).sum()),
        "none": int((alike <= 1e-9).sum()),
    }
    order = np.lexsort((tasks, -pairs_of, alike))[:MOST_SPLIT]
    split = [
        {"task": int(tasks[one]), "agreement": round(float(alike[one]), 4)} for one in order if alike[one] < 1 - 1e-9
    ]
    return {
        "looked_at": len(tasks),
        "texts": agreement.measure.level is Level.DISTANCE,
        "spread": spread,
        "split": split,
    }

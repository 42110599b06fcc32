"""Whether reports would be others if they were made now: of many at once in as many statements as of one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from annotate import horizons
from annotate.models import Report

#: By so many reviews, of whatever project, a report falls behind before it is said to be of the newest one.
FAR = 1_000


@dataclass(frozen=True, slots=True)
class Held:
    """A report, and what one that was made now would be of. `queues`: ids; `frozen`: its labels and reviews are those
    of a release.
    """

    report: Report
    queues: list[int]
    rules: int
    options: dict[str, Any]
    frozen: bool

    @property
    def rests_on_the_same(self) -> bool:
        return (self.report.rules, self.report.options) == (self.rules, self.options)


# A task that becomes a check, or is one no more, changes which labels count. Repeats are born as such.
_CHECKS = """
SELECT queue_id, count(*), sum(id)::bigint FROM annotate_task
WHERE queue_id = ANY(%s) AND role <> 'work' AND role <> 'repeat' GROUP BY queue_id
"""
# Of a report, its queues and its horizon. The newest label's id comes from an index under any plan;
# EXISTS (... id > %s) reads the table as soon as PostgreSQL plans it for any values.
_LABELS_SINCE = """
SELECT %s::bigint WHERE EXISTS (SELECT FROM unnest(%s::bigint[]) AS own (queue) WHERE coalesce(
    (SELECT id FROM annotate_label WHERE queue_id = own.queue ORDER BY id DESC LIMIT 1), 0) > %s)
"""
# A trial grades its reviewer alone.
_REVIEWS_SINCE = """
SELECT %s::bigint WHERE EXISTS (SELECT FROM annotate_review v JOIN annotate_label l ON l.id = v.label_id
                                WHERE l.queue_id = ANY(%s) AND v.id > %s AND NOT v.trial)
"""


def checks(queues: Sequence[Sequence[int]]) -> list[list[int]]:
    """What tells one choice of checks from another, of each of these groups of queues: how many, and their sum."""
    found = {pk: (count, ids) for pk, count, ids in _rows(_CHECKS, [[pk for some in queues for pk in some]])}
    told = [[found[pk] for pk in some if pk in found] for some in queues]
    return [[sum(count for count, _ids in some), sum(ids for _count, ids in some)] for some in told]


def among(found: Sequence[Held]) -> set[int]:
    """The ids of those that would be others: by other rules or options, or of newer labels or reviews."""
    stale = {one.report.pk for one in found if not one.rests_on_the_same}
    left = [one for one in found if one.report.pk not in stale and not one.frozen]
    stale |= _since(_LABELS_SINCE, [(one.report.pk, one.queues, one.report.label_horizon) for one in left])
    left = [one for one in left if one.report.pk not in stale]
    newest = horizons.of_reviews_now() if left else None  # before it is looked whether any up to there is one of theirs
    stale |= _since(_REVIEWS_SINCE, [(one.report.pk, one.queues, one.report.review_horizon) for one in left])
    if newest is not None:
        _move_on([one.report for one in left if one.report.pk not in stale], newest)
    return stale


def _since(sql: str, asked: Sequence[tuple[int, list[int], int]]) -> set[int]:
    """Those of (report, queues, horizon) with something newer: one statement, each part planned for its own values."""
    if not asked:
        return set()
    return {pk for (pk,) in _rows(" UNION ALL ".join([sql] * len(asked)), [value for one in asked for value in one])}


def _move_on(reports: Iterable[Report], newest: int) -> None:
    """They are the same up to there: whoever looks next reads only the reviews of all projects since."""
    far = [one.pk for one in reports if newest - one.review_horizon > FAR]
    if far:
        Report.objects.filter(pk__in=far, review_horizon__lt=newest).update(review_horizon=newest)


def _rows(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows

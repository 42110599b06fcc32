"""What a release tells of its labels: who gave them, under which guidelines, in which languages, how far they agree.

Everything is of the queue's labels that stood at the horizon, whatever a format takes of them, but for those of tasks
that check people, which are only counted; read in short pages, so no statement is long, and the same whenever it is
read again.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, groupby
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from django.db import connection

from annotate.exporting.statements import FIXED, OF_WORK, literal
from annotate.kinds import Kind, Payload, letters_for
from annotate.models import Guideline, OutsideAnnotator, Queue
from annotate.releasing import limits

COUNTED_AT_ONCE = 100_000
TASKS_AT_ONCE = 200

_STANDS = "NOT EXISTS (SELECT FROM annotate_label n WHERE n.supersedes_id = l.id AND n.id <= %(horizon)s OFFSET 0)"

_COUNT = f"""
WITH page AS (
    SELECT l.id, l.annotator_id, l.guideline_id, NOT ({OF_WORK}) AS checks, {FIXED} AS fixed
    FROM annotate_label l JOIN annotate_task t ON t.id = l.task_id
    WHERE l.queue_id = %(queue)s AND l.id > %(after)s AND l.id <= %(horizon)s AND {_STANDS}
    ORDER BY l.id LIMIT %(limit)s)
SELECT annotator_id, guideline_id, checks, fixed, count(*), max(id) FROM page GROUP BY 1, 2, 3, 4
"""  # noqa: S608  # put together from our own words

# A task's digest is a hash of what it asks: in its order, the first two thousand tasks are a fair sample.
_TASKS = """
SELECT t.id, t.digest, p.language FROM annotate_task t JOIN annotate_prompt p ON p.id = t.prompt_id
WHERE t.queue_id = %(queue)s AND t.digest > %(after)s AND t.role <> 'repeat' AND t.id <> ALL(%(checks)s::bigint[])
ORDER BY t.digest LIMIT %(limit)s
"""
_ONE_SIDE = f"""
SELECT l.task_id, l.id, l.payload, l.shown FROM annotate_label l
WHERE l.task_id = ANY(%(tasks)s::bigint[]) AND l.id <= %(horizon)s AND {_STANDS}
"""  # noqa: S608
# Two indexes by task: of the first labels of each chain, and of those that amend.
_LABELS = f"""
{_ONE_SIDE} AND l.supersedes_id IS NULL UNION ALL {_ONE_SIDE} AND l.supersedes_id IS NOT NULL ORDER BY 1, 2
"""


class Said(NamedTuple):
    """A label's answer under the responses' ids, and how long it is as JSON."""

    payload: Payload
    length: int


@dataclass(slots=True)
class Agreement:
    """Mean of `1 - distance(a, b)` over all pairs of labels of one task; `distance` is the kind's own, 0 to 1.

    Tasks count alike: a task's value is the mean of its pairs. Of a fair sample where there are many tasks, and
    without those whose answers are too long to be compared in what is `left` of the effort.
    """

    tasks: int = 0
    pairs: int = 0
    total: float = 0.0
    left: int = limits.COMPARED

    @property
    def value(self) -> float | None:
        return round(self.total / self.tasks, 6) if self.tasks else None

    def add(self, kind: Kind, labels: list[Said]) -> None:
        pairs = [*combinations(labels, 2)]
        effort = sum(one.length * other.length for one, other in pairs)
        if not pairs or effort > self.left:
            return
        alike = [1.0 - kind.distance(one.payload, other.payload) for one, other in pairs]
        self.tasks, self.pairs, self.left = self.tasks + 1, self.pairs + len(pairs), self.left - effort
        self.total += sum(alike) / len(alike)


@dataclass(slots=True)
class Facts:
    """`annotators` by pseudonym, `guidelines` by version ("0": none was in force): how many labels each has.

    `outside`: those annotators whose labels came with files, people or models.
    """

    labels: int = 0
    #: besides: labels of tasks that check people
    checks: int = 0
    #: those of the labels that a reviewer wrote in place of another's
    fixed: int = 0
    annotators: dict[str, int] = field(default_factory=dict)
    outside: dict[str, int] = field(default_factory=dict)
    guidelines: dict[str, int] = field(default_factory=dict)
    languages: list[str] = field(default_factory=list)
    agreement: Agreement = field(default_factory=Agreement)
    #: tasks with labels that were looked at for languages and agreement, by how many labels they have
    of_tasks: Counter[int] = field(default_factory=Counter)

    @property
    def sampled(self) -> int:
        return self.of_tasks.total()

    @property
    def labels_outside(self) -> int:
        return sum(self.outside.values())

    @property
    def labels_here(self) -> int:
        return self.labels - self.labels_outside


def gather(queue: Queue, horizon: int, checks: Collection[int] = ()) -> Facts:
    """The facts of a queue's labels up to the horizon. `checks`: ids of tasks that check people, repeats aside."""
    found = _counted(queue, horizon, checks)
    languages: set[str] = set()
    for language, labels in _sample(queue, horizon, checks):
        found.of_tasks[len(labels)] += 1
        languages.add(language)
        found.agreement.add(queue.way, labels)
    found.languages = sorted(languages - {""})
    return found


def _counted(queue: Queue, horizon: int, checks: Collection[int]) -> Facts:
    people, guidelines = Counter[int](), Counter[int | None]()
    of_checks = fixed = after = 0
    values = {"queue": queue.pk, "horizon": horizon, "checks": literal(checks), "limit": COUNTED_AT_ONCE}
    while rows := _read(_COUNT, values | {"after": after}):
        for annotator, guideline, is_check, is_fixed, count, newest in rows:
            after = max(after, newest)
            if is_check:
                of_checks += count
                continue
            people[annotator] += count
            guidelines[guideline] += count
            fixed += is_fixed * count
    versions: dict[int | None, int] = dict(
        Guideline.objects.filter(pk__in=filter(None, guidelines)).values_list("pk", "version")
    )
    outside = set(OutsideAnnotator.objects.filter(user__in=people).values_list("user", flat=True))
    return Facts(
        people.total(),
        of_checks,
        fixed,
        _by_pseudonym(queue, people),
        _by_pseudonym(queue, {pk: count for pk, count in people.items() if pk in outside}),
        {str(version): count for version, count in sorted((versions.get(pk, 0), n) for pk, n in guidelines.items())},
    )


def _by_pseudonym(queue: Queue, people: Mapping[int, int]) -> dict[str, int]:
    return dict(sorted((queue.project.pseudonym(pk), count) for pk, count in people.items()))


def _sample(queue: Queue, horizon: int, checks: Collection[int]) -> Iterator[tuple[str, list[Said]]]:
    """Of up to SAMPLED_TASKS tasks with labels: the prompt's language, and its labels."""
    values: dict[str, Any] = {"queue": queue.pk, "after": b"", "limit": TASKS_AT_ONCE, "checks": literal(checks)}
    left = limits.SAMPLED_TASKS
    while left and (tasks := _read(_TASKS, values)):
        values["after"] = bytes(tasks[-1][1])
        labels = _labels([pk for pk, _, _ in tasks], horizon, queue.way)
        for pk, _digest, language in tasks:
            if pk in labels and left:
                left -= 1
                yield language, labels[pk]


def _labels(tasks: list[int], horizon: int, kind: Kind) -> Mapping[int, list[Said]]:
    rows = _read(_LABELS, {"tasks": literal(tasks), "horizon": horizon})
    return {task: [_renamed(kind, row) for row in rows] for task, rows in groupby(rows, key=itemgetter(0))}


def _renamed(kind: Kind, row: Any) -> Said:
    _task, _pk, payload, shown = row
    names = dict(zip(letters_for(len(shown)), map(str, shown), strict=True))
    return Said(kind.rename(msgspec.json.decode(payload, type=dict[str, Any]), names), len(payload))


def _read(sql: str, values: Mapping[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[Any] = cursor.fetchall()
    return rows

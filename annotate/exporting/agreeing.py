"""How far the raters of each task agree: in every file that has room for it, also beside each rater's own answer."""

from array import array
from collections.abc import Collection, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from annotate.exporting.statements import OF_TASKS, REVIEWED, STANDS, literal, read
from annotate.kinds import Kind, agreement, renamed

#: Raters and their agreement, of a task.
type Agreed = tuple[int, float]

_SAID = """
SELECT l.task_id, t.response_ids, l.payload, l.shown
FROM annotate_label l JOIN annotate_task t ON t.id = l.task_id
WHERE {of_tasks} AND l.id <= %(horizon)s AND {stands} {reviewed}
ORDER BY l.task_id, l.id
"""
_BITS = 12


class _Noted:
    """What was found of each task, in ten bytes each: labels of one task lie far apart, and are met one by one."""

    def __init__(self) -> None:
        self.raters: dict[int, array[int]] = {}
        self.agreements: dict[int, array[float]] = {}

    def note(self, task: int, agreed: Agreed) -> None:
        block, place = task >> _BITS, task & (1 << _BITS) - 1
        if block not in self.raters:
            self.raters[block] = array("H", bytes(2 << _BITS))
            self.agreements[block] = array("d", bytes(8 << _BITS))
        self.raters[block][place], self.agreements[block][place] = agreed

    def of(self, task: int) -> Agreed | None:
        block, place = task >> _BITS, task & (1 << _BITS) - 1
        count = self.raters[block][place] if block in self.raters else 0
        return (count, self.agreements[block][place]) if count else None


class Agreeing:
    """Raters and agreement by task, of its labels that stand at the horizon; worked out once for each.

    `reviewed` narrows them as it does the export; other choices of labels don't.
    """

    def __init__(self, kind: Kind, values: Mapping[str, Any], reviewed: str) -> None:
        self.kind, self.values, self.noted = kind, values, _Noted()
        narrowed = REVIEWED.get(reviewed)
        self.sql = _SAID.format(of_tasks=OF_TASKS, stands=STANDS, reviewed=f"AND {narrowed}" if narrowed else "")

    def of(self, tasks: Collection[int]) -> dict[int, Agreed]:
        """By task, those of them that have labels."""
        if missing := [one for one in tasks if self.noted.of(one) is None]:
            self._look(missing)
        return {one: agreed for one in tasks if (agreed := self.noted.of(one))}

    def _look(self, tasks: Collection[int]) -> None:
        rows = read(self.sql, {**self.values, "tasks": literal(tasks)})
        decode = msgspec.json.Decoder(dict[str, Any]).decode
        for task, some in groupby(rows, key=itemgetter(0)):
            said = [renamed(self.kind, decode(row[2]), row[3], row[1]) for row in some]
            self.noted.note(task, (min(len(said), 65_535), agreement(self.kind, said)))

"""How far the raters of each task agree: in every file that has room for it, also beside each rater's own answer."""

from array import array
from collections.abc import Iterable, Mapping, Set
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from annotate.exporting.statements import REVIEWED, STANDS, literal, read
from annotate.kinds import Kind, agreement, renamed

#: Raters and their agreement, of a task.
type Agreed = tuple[int, float]
#: An answer as it was given, and the order in which its letters name the responses.
type _Said = tuple[str, bytes]

#: Where answers are few, what people say of one task others said of another: so many are not worked out again.
_COMMON = 5_000
#: Characters of a task's answers together. Longer ones are alike in no two tasks, and would fill the memory.
_SHORT = 500

# Both indexes that a task's labels are in, and nothing else: looked up by id again, or with its task, a label cost
# twice to four times as much.
_SAID = """
SELECT l.task_id, l.payload::text, l.shown
FROM (SELECT * FROM annotate_label WHERE task_id = ANY(%(tasks)s::bigint[]) AND supersedes_id IS NULL
      UNION ALL
      SELECT * FROM annotate_label WHERE task_id = ANY(%(tasks)s::bigint[]) AND supersedes_id IS NOT NULL) AS l
WHERE l.id <= %(horizon)s AND {stands} {reviewed}
ORDER BY l.task_id, l.id
"""
_BITS = 12
_decode = msgspec.json.Decoder(dict[str, Any]).decode


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
        self._remembered = lru_cache(_COMMON)(self._agreement)
        narrowed = REVIEWED.get(reviewed)
        self.sql = _SAID.format(stands=STANDS, reviewed=f"AND {narrowed}" if narrowed else "")

    def of(self, tasks: Set[int]) -> dict[int, Agreed]:
        """By task, those of them that have labels."""
        found = {one: agreed for one in tasks if (agreed := self.noted.of(one))}
        return found if len(found) == len(tasks) else found | self._look(tasks - found.keys())

    def _look(self, tasks: Iterable[int]) -> dict[int, Agreed]:
        found: dict[int, Agreed] = {}
        for task, some in groupby(read(self.sql, {**self.values, "tasks": literal(tasks)}), key=itemgetter(0)):
            said = tuple((payload, _order(shown)) for _task, payload, shown in some)
            found[task] = min(len(said), 65_535), self._agreed(said)
            self.noted.note(task, found[task])
        return found

    def _agreed(self, said: tuple[_Said, ...]) -> float:
        is_short = sum(len(payload) for payload, _order in said) < _SHORT
        return self._remembered(said) if is_short else self._agreement(said)

    def _agreement(self, said: tuple[_Said, ...]) -> float:
        return agreement(
            self.kind, [renamed(self.kind, _decode(one), order, bytes(sorted(order))) for one, order in said]
        )


def _order(shown: list[int]) -> bytes:
    """Which of a task's responses each letter is for, counted by their ids: each answer was shown all of them."""
    return bytes(map(sorted(shown).index, shown))

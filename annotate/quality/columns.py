"""A queue's labels as columns of numbers: what every report is computed from.

Labels never change, so what is read of them once is kept, as `Segment` rows, and only new labels are read again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from annotate import horizons
from annotate.kinds import Measure
from annotate.models import Queue, Task
from annotate.quality import gathering, segments
from annotate.quality.segments import LABELS, RESPONSES, SAID, WON, Piece

type Array = NDArray[Any]
type Mask = NDArray[np.bool_]

WEEK = 7 * 86_400
#: seconds from the Monday before it to the beginning of 1970, a Thursday
_MONDAY = 3 * 86_400


@dataclass(frozen=True, slots=True)
class Columns:
    """A queue's labels up to `horizon`, oldest first. Arrays of one block have one length.

    **Labels**: `label`, `task`, `prompt`, `annotator` (user id), `supersedes` (0: nothing): int64; `guideline`: its
    version, 0 for none; `created`: seconds since 1970 (float64); `seconds`: active time; `category`: index into
    `categories`; `role`: index into `roles`; `stands`: whether it was not superseded up to the horizon; `fixed`:
    whether it was written by a reviewer over another's; `offered`: how many responses its task has (int16).

    **Opinions**: `said_label`: index of the label (int32); `said_measure`: index into `measures` (int16); `said_item`:
    int64, the same for the same item of the same task and different for others (whatever order an annotator saw);
    `said_value` (float64).

    **Comparisons**: `won_label`: index of the label (int32); `winner`, `loser`: index into the responses below (int64;
    for a tie just the two sides); `tie`; `strength`: 1 to 3, 0 for none; `winner_place`, `loser_place`: where each was
    shown, from 0, -1 for a text that an annotator wrote and where nobody knows (int8).

    **Responses** that were compared: `response`: id, and -1 - label id for a text that an annotator wrote;
    `model`: index into `models` ("" for none known, "human" for one that a person wrote); `prompt_of`: prompt id;
    `length`: characters; `lists`, `bold`, `headers`, `code`: how many of each its Markdown has (`quality.style`).
    """

    queue: Queue
    horizon: int
    measures: list[Measure]
    categories: list[str]
    roles: list[str]
    models: list[str]
    label: Array
    task: Array
    prompt: Array
    annotator: Array
    supersedes: Array
    guideline: Array
    created: Array
    seconds: Array
    category: Array
    role: Array
    stands: Array
    fixed: Array
    offered: Array
    said_label: Array
    said_measure: Array
    said_item: Array
    said_value: Array
    won_label: Array
    winner: Array
    loser: Array
    tie: Array
    strength: Array
    winner_place: Array
    loser_place: Array
    response: Array
    model: Array
    prompt_of: Array
    length: Array
    lists: Array
    bold: Array
    headers: Array
    code: Array

    @property
    def counts(self) -> Mask:
        """By label: whether it stands and is real work, so that figures are made of it."""
        work: Mask = self.stands & (self.role == self.roles.index("work"))
        return work

    @property
    def last_said(self) -> Mask:
        """By label: whether it is the last that its annotator said. A reviewer's fix takes nothing of that back."""
        fixed_later = np.isin(self.label, self.supersedes[self.fixed])
        said: Mask = ~self.fixed & (self.stands | fixed_later)
        return said

    @property
    def week(self) -> Array:
        """By label: the week it was given in, counted from the one that 1970 began in; weeks begin on Mondays, UTC."""
        return week_of(self.created)

    def among(self, labels: Array) -> Mask:
        """By label: whether its id is one of these."""
        found: Mask = np.isin(self.label, labels)
        return found

    def pick(self, mask: Mask) -> "Columns":
        """Only the labels that `mask` holds for, with their opinions and comparisons; responses stay as they are."""
        index = np.cumsum(mask, dtype=np.int32) - 1
        said, won = mask[self.said_label], mask[self.won_label]
        found = {name: getattr(self, name)[mask] for name in (*LABELS, "role", "stands")}
        found |= {name: getattr(self, name)[said] for name in SAID}
        found |= {name: getattr(self, name)[won] for name in WON}
        found["said_label"], found["won_label"] = index[found["said_label"]], index[found["won_label"]]
        return replace(self, **found)

    def opinions(self, measure: str, mask: Mask | None = None) -> "Opinions":
        """What labels that count say on one measure, by name; with `mask`, what those labels say that it holds for.

        Raises KeyError where there is no such measure.
        """
        names = [one.name for one in self.measures]
        if measure not in names:
            raise KeyError(measure)
        wanted = self.counts if mask is None else mask
        rows = np.flatnonzero((self.said_measure == names.index(measure)) & wanted[self.said_label])
        label = self.said_label[rows].astype(np.int64)
        return Opinions(
            self.said_item[rows], self.annotator[label], self.said_value[rows], self.task[label], self.label[label]
        )


@dataclass(frozen=True, slots=True)
class Opinions:
    """One measure's opinions, an entry each. `unit`: what it is of, the same number for the same item of a task;
    `rater`: user id; `value`: float64; `task`; `label`: their ids.
    """

    unit: Array
    rater: Array
    value: Array
    task: Array
    label: Array


def week_of(created: Array) -> Array:
    """See `Columns.week`."""
    found: Array = np.floor_divide(created + _MONDAY, WEEK).astype(np.int64)
    return found


def week_begin(week: int) -> int:
    """The first second of a week, since 1970."""
    return week * WEEK - _MONDAY


# --- Loading ---------------------------------------------------------------------------------------------------------


def load(queue: Queue, horizon: int | None = None) -> Columns:
    """The columns of a queue's labels, up to the newest or to `horizon`; new labels are read and kept.

    A `horizon` that is given has to be one below which every label is in sight (`horizons.of_labels`). Raises
    OperationalError where labels are being stored in a transaction that takes long.
    """
    horizon = horizons.of_labels(queue) if horizon is None else horizon
    chain = segments.stored(queue, horizon)
    for piece in gathering.pieces(chain, horizon):
        chain.add(piece)
    return _columns(queue, horizon, chain.whole())


def _columns(queue: Queue, horizon: int, piece: Piece) -> Columns:
    kept = dict(piece.columns)
    measures = list(queue.way.measures(queue.options))
    numbers = {one.name: nth for nth, one in enumerate(measures)}
    renumbered = np.array([numbers[one] for one in piece.words["measures"]], np.int16)
    kept["said_measure"] = renumbered[kept["said_measure"]]
    kept["said_item"] = _items(kept["task"][kept["said_label"]], piece.words["items"], kept["said_item"])
    kept |= {name: kept[name].astype(np.int64) for name in ("guideline", "category", *RESPONSES)}
    found = Columns(
        queue,
        horizon,
        measures,
        piece.words["categories"],
        list(Task.Role.values),
        piece.words["models"],
        role=_roles(queue, kept["task"]),
        stands=np.ones(len(kept["label"]), np.bool_),
        **kept,
    )
    return _standing(_up_to(found))


def _items(task: Array, words: Sequence[str], item: Array) -> Array:
    """A number for each item of each task: both mixed as SplitMix64 does (Steele, Lea, Flood 2014)."""
    hashes = [int.from_bytes(blake2b(word.encode(), digest_size=8).digest()) for word in words]
    mixed = np.array(hashes, np.uint64)[item] + task.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: Array = (mixed ^ (mixed >> np.uint64(31))).view(np.int64)
    return found


_ROLES = "SELECT id, role FROM annotate_task WHERE queue_id = %s AND role <> 'work' ORDER BY id"


def _roles(queue: Queue, task: Array) -> Array:
    """By label; a task may be made a check later, so this is not kept."""
    codes = {role: code for code, role in enumerate(Task.Role.values)}
    with connection.cursor() as cursor:
        cursor.execute(_ROLES, [queue.pk])
        checks = cursor.fetchall()
    role = np.full(len(task), codes["work"])
    if checks:
        ids = np.array([pk for pk, _role in checks])
        nth = np.minimum(np.searchsorted(ids, task), len(ids) - 1)
        role = np.where(ids[nth] == task, np.array([codes[one] for _pk, one in checks])[nth], role)
    return role


def _up_to(columns: Columns) -> Columns:
    """Without labels after the horizon, and without the responses that only these compared."""
    inside = columns.label <= columns.horizon
    if inside.all():
        return columns
    found = columns.pick(inside)
    used = np.unique(np.concatenate([found.winner, found.loser]))
    index = np.zeros(len(found.response), np.int64)
    index[used] = np.arange(len(used))
    responses = {name: getattr(found, name)[used] for name in RESPONSES}
    return replace(found, winner=index[found.winner], loser=index[found.loser], **responses)


def _standing(columns: Columns) -> Columns:
    superseded = columns.supersedes[columns.supersedes > 0]
    return replace(columns, stands=~np.isin(columns.label, superseded))


# --- Reviews ---------------------------------------------------------------------------------------------------------

_REJECTED = """
SELECT v.label_id FROM annotate_review v JOIN annotate_label l ON l.id = v.label_id
WHERE l.queue_id = %(queue)s AND v.verdict = 'reject' AND NOT v.trial AND v.id <= %(horizon)s
  AND NOT EXISTS (SELECT FROM annotate_review n
                  WHERE n.label_id = v.label_id AND NOT n.trial AND n.id > v.id AND n.id <= %(horizon)s OFFSET 0)
"""


# What `checking.reopen` rejects is rejected for the reason of the pause.
_SET_ASIDE = f"""{_REJECTED}
  AND EXISTS (SELECT FROM annotate_pause p JOIN annotate_seat s ON s.id = p.seat_id
              WHERE s.queue_id = l.queue_id AND s.user_id = l.annotator_id AND p.reason = v.reason)
"""
_NEWEST = 2**63 - 1


def rejected(queue: Queue, review_horizon: int | None = None) -> Array:
    """Ids of the labels whose newest review (up to `review_horizon`) rejects them, ascending."""
    return _reviewed(_REJECTED, queue, review_horizon)


def set_aside(queue: Queue, review_horizon: int | None = None) -> Array:
    """Those of them that were rejected together, with all work of an annotator who was paused."""
    return _reviewed(_SET_ASIDE, queue, review_horizon)


def _reviewed(sql: str, queue: Queue, review_horizon: int | None) -> Array:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"queue": queue.pk, "horizon": _NEWEST if review_horizon is None else review_horizon})
        found: Array = np.array(sorted(pk for (pk,) in cursor.fetchall()), np.int64)
    return found

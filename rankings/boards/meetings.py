"""Comparisons of two responses, from one or several queues, as columns: what boards and bias reports are made of."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotate.kinds import Kind
from annotate.models import Queue
from annotate.quality import columns
from annotate.quality.columns import Columns

type Array = NDArray[Any]

#: What a response's style is told by, in the order of `Meetings.winner_style`.
STYLE = ("length", "lists", "bold", "headers", "code")


@dataclass(frozen=True, slots=True)
class Meetings:
    """Comparisons by labels that count, oldest first within a queue; all arrays have one entry for each.

    `winner`, `loser`: index into `models`, -1 where the response's model is not known (for a tie just the two sides);
    `winner_response`, `loser_response`: ids; `winner_place`, `loser_place`: where each was shown, from 0, or -1 where
    that is not known; `winner_style`, `loser_style`: (comparisons, 5), see `STYLE`; `category`: index into
    `categories`; `created`: seconds since 1970; `seconds`: the active time of the label.

    `labels`: how many labels counted, `given`: the same by category, also those that compare nothing ("both bad");
    `rejected`: how many did not because a reviewer refused them, `written`:
    comparisons left out because one side is a text its annotator wrote: whoever improves a text says it is better;
    `unsaid`: by category, of how many pairs of responses they say nothing, as both are unusable or bad.
    """

    models: list[str]
    categories: list[str]
    label: Array
    task: Array
    prompt: Array
    annotator: Array
    category: Array
    created: Array
    seconds: Array
    winner: Array
    loser: Array
    tie: Array
    winner_response: Array
    loser_response: Array
    winner_place: Array
    loser_place: Array
    winner_style: Array
    loser_style: Array
    labels: int = 0
    given: Mapping[str, int] = field(default_factory=dict)
    rejected: int = 0
    written: int = 0
    unsaid: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.winner)

    def pick(self, mask: Array) -> "Meetings":
        """Those that `mask` (bool, or indices) chooses."""
        return replace(self, **{name: getattr(self, name)[mask] for name in _ARRAYS})

    @property
    def of_models(self) -> NDArray[np.bool_]:
        """Whether two different models met, both known."""
        known: NDArray[np.bool_] = (self.winner >= 0) & (self.loser >= 0) & (self.winner != self.loser)
        return known


_ARRAYS = (
    *("label", "task", "prompt", "annotator", "category", "created", "seconds", "winner", "loser", "tie"),
    *("winner_response", "loser_response", "winner_place", "loser_place", "winner_style", "loser_style"),
)


def compares(kind: Kind) -> bool:
    """Whether annotators order two or more responses in such a queue."""
    return kind.has("comparisons") and kind.responses[1] > 1


def gather(
    queues: Sequence[Queue], horizon: int | None = None, review_horizon: int | None = None, *, fixes: bool = True
) -> Meetings:
    """All comparisons that count in these queues: of labels that stand, are real work, and were not rejected.

    `fixes`: whether those count that a reviewer put in the place of another's, which they had seen.
    """
    parts = [_of_queue(columns.load(one, horizon), review_horizon, fixes) for one in queues if compares(one.way)]
    return _joined(parts)


def _of_queue(read: Columns, review_horizon: int | None, fixes: bool) -> Meetings:
    refused = read.among(columns.rejected(read.queue, review_horizon))
    counting = read.counts & ~refused & (fixes | ~read.fixed)
    mine = counting[read.won_label]
    written = (read.response[read.winner] < 0) | (read.response[read.loser] < 0)
    kept = np.flatnonzero(mine & ~written)
    label, winner, loser = read.won_label[kept], read.winner[kept], read.loser[kept]
    style = np.stack([read.length, read.lists, read.bold, read.headers, read.code], axis=1).astype(np.float64)
    known = np.array([nth if name else -1 for nth, name in enumerate(read.models)], dtype=np.int64)
    return Meetings(
        models=read.models,
        categories=read.categories,
        label=read.label[label],
        task=read.task[label],
        prompt=read.prompt[label],
        annotator=read.annotator[label],
        category=read.category[label],
        created=read.created[label],
        seconds=read.seconds[label],
        winner=known[read.model[winner]],
        loser=known[read.model[loser]],
        tie=read.tie[kept],
        winner_response=read.response[winner],
        loser_response=read.response[loser],
        winner_place=read.winner_place[kept],
        loser_place=read.loser_place[kept],
        winner_style=style[winner],
        loser_style=style[loser],
        labels=int(counting.sum()),
        given={read.categories[nth]: int(n) for nth, n in enumerate(np.bincount(read.category[counting])) if n},
        rejected=int((read.counts & refused).sum()),
        written=int((mine & written).sum()),
        unsaid=_unsaid(read, counting, read.won_label[kept]),
    )


def _unsaid(read: Columns, counting: Array, told: Array) -> dict[str, int]:
    """By category: pairs of responses of labels that count less those told of; `told`: the label of each."""
    offered = read.offered.astype(np.int64)
    pairs = np.where(counting, offered * (offered - 1) // 2, 0) - np.bincount(told, minlength=len(offered))
    sums = np.bincount(read.category, pairs, len(read.categories))
    return {name: int(many) for name, many in zip(read.categories, sums, strict=True) if many}


def _joined(parts: Sequence[Meetings]) -> Meetings:
    models = _named(name for one in parts for name in one.models if name)
    categories = _named(name for one in parts for name in one.categories)
    renamed = [_renamed(one, models, categories) for one in parts] or [_nothing()]
    together = {name: np.concatenate([getattr(one, name) for one in renamed]) for name in _ARRAYS}
    return Meetings(
        models=models,
        categories=categories,
        labels=sum(one.labels for one in parts),
        given=sum((Counter(one.given) for one in parts), Counter()),
        rejected=sum(one.rejected for one in parts),
        written=sum(one.written for one in parts),
        unsaid=sum((Counter(one.unsaid) for one in parts), Counter()),
        **together,
    )


def _named(names: Iterable[str]) -> list[str]:
    return sorted(set(names))


def _renamed(part: Meetings, models: list[str], categories: list[str]) -> Meetings:
    """The same by the indices of the whole."""
    model, category = _places(part.models, models), _places(part.categories, categories)
    return replace(part, winner=model[part.winner], loser=model[part.loser], category=category[part.category])


def _places(names: Sequence[str], whole: Sequence[str]) -> Array:
    """Where each name stands in the whole; -1 for one that is not there, and for -1."""
    place = {name: nth for nth, name in enumerate(whole)}
    return np.array([*(place.get(name, -1) for name in names), -1], dtype=np.int64)


def _nothing() -> Meetings:
    numbers, shares, pairs = np.zeros(0, np.int64), np.zeros(0), np.zeros((0, len(STYLE)))
    whole: dict[str, Any] = dict.fromkeys(_ARRAYS, numbers)
    whole |= {"created": shares, "seconds": shares, "tie": np.zeros(0, np.bool_)}
    whole |= {"winner_style": pairs, "loser_style": pairs}
    return Meetings([], [], **whole)

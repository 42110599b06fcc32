"""The report on whether a release's preferences can be learned."""

from collections import defaultdict
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from scipy import sparse

from annotate.quality.reports import Maker, Subject
from annotate.scoring import intervals
from annotate.scoring.intervals import FEWEST_TASKS, Estimate, Floats, Ints
from rankings.boards.strengths import Json, plain, told
from rankings.learning import reading
from rankings.learning.reading import Handed
from rankings.scoring import learning_curve, preference_model, text_features
from rankings.scoring.learning_curve import FEWEST_PROMPTS, HeldOut, Resampled
from rankings.scoring.preference_model import Pairs

#: Labels that are told of by themselves: those that the model doubts most.
MOST_DOUBTED = 500
#: The split that models of the others are made of.
_TRAIN = "train"

type Tell = Callable[[float], None]


class Learnability(Maker):
    """What a small preference model reaches on prompts that it never saw, and how much further labels would bring."""

    name = "learnability"
    rules = 1
    #: some hundred pairs: more take a worker
    at_once = 60

    def suits(self, subject: Subject) -> bool:
        return subject.release is not None and reading.source(subject.release) is not None

    def make(self, subject: Subject, horizon: int, review_horizon: int, tell: Tell) -> dict[str, Any]:
        if subject.release is None:
            raise ValueError("subject: learnability is of a release")
        if reading.source(subject.release) is None:
            raise ValidationError(_("No format of this release holds preferences."))
        handed = reading.read(subject.release, check=lambda: tell(0.0))
        if handed.prompts < FEWEST_PROMPTS:
            words = _("It takes preferences on %(needed)d prompts at least; this release has them on %(there)d.")
            raise ValidationError(words % {"needed": FEWEST_PROMPTS, "there": handed.prompts})
        return report(handed, tell)


def report(handed: Handed, tell: Tell = lambda share: None) -> Json:
    """All figures, as JSON."""
    pairs = handed.pairs
    tell(0.05)
    responses = text_features.matrix(handed.responses)
    tell(0.2)
    held = learning_curve.held_out(responses, pairs, tell=lambda share: tell(0.2 + 0.7 * share))
    return _counts(handed) | {
        **_accuracy(handed, pairs, held),
        **_curve(handed, pairs, held),
        "ceiling": ceiling(handed),
        "calibration": _calibration(held.whole, pairs.prompt),
        "splits": list(_splits(handed, responses, pairs, held)),
        "doubted": doubted(handed, held.whole),
    }


def _counts(handed: Handed) -> Json:
    return {
        "rows": handed.rows,
        "ties": handed.ties,
        "pairs": len(handed),
        "prompts": handed.prompts,
        "labels": sum(handed.voices().values()),
    }


# --- How good, and from how many -------------------------------------------------------------------------------------


def longer(handed: Handed, pairs: Pairs) -> Floats:
    """By pair, whether the better one is the longer; a half where they are equally long."""
    length = handed.lengths
    return (1 + np.sign(length[pairs.chosen] - length[pairs.rejected])) / 2


def _accuracy(handed: Handed, pairs: Pairs, held: HeldOut) -> Json:
    both = np.stack([preference_model.right(held.whole), longer(handed, pairs)])[:, None, :]
    found = Resampled(both, pairs.prompt)
    return {
        "accuracy": told(found.estimate(lambda means: means[:, 0])),
        "longer": told(found.estimate(lambda means: means[:, 1], wider=1)),
        "beyond": told(found.estimate(lambda means: means[:, 0] - means[:, 1])),
        "log_loss": plain(preference_model.log_loss(held.whole, pairs)),
    }


def _curve(handed: Handed, pairs: Pairs, held: HeldOut) -> Json:
    """The curve; what the last doubling of prompts brought, and what the next would by the trend."""
    found, sizes = Resampled(held.right, pairs.prompt), held.sizes
    half = int(np.argmin(np.abs(sizes - sizes[-1] / 2)))
    each = [found.estimate(itemgetter((slice(None), nth))) for nth in range(len(sizes))]
    steps = [
        {"prompts": int(size), "labels": labels, **told(one)}
        for size, labels, one in zip(sizes, learned_from(handed, pairs, held), each, strict=True)
    ]
    return {
        "curve": steps,
        "last_doubling": told(found.estimate(lambda means: means[:, -1] - means[:, half])),
        "next_doubling": told(found.estimate(learning_curve.next_doubling(sizes))),
    }


def learned_from(handed: Handed, pairs: Pairs, held: HeldOut) -> list[int]:
    """How many labels the models of each size were made of, on average."""
    own = _labels_by_prompt(handed)
    counts = np.zeros((len(held.sizes), learning_curve.FOLDS, learning_curve.DRAWS))
    for fold in range(learning_curve.FOLDS):
        known = np.unique(pairs.prompt[held.fold != fold])
        for draw in range(learning_curve.DRAWS):
            labels = own[known][np.argsort(learning_curve.turns(known, draw))]
            counts[:, fold, draw] = np.cumsum(labels)[held.sizes.clip(max=len(known)) - 1]
    return [round(float(one)) for one in counts.mean(axis=(1, 2))]


def _labels_by_prompt(handed: Handed) -> Ints:
    voices, counts = handed.voices(), np.zeros(handed.prompts, np.int64)
    for prompt, group in {(prompt, group) for prompt, group in zip(handed.prompt, handed.group, strict=True) if group}:
        counts[prompt] += voices[group]
    for prompt, group in zip(handed.prompt, handed.group, strict=True):
        counts[prompt] += not group
    return counts


def _splits(handed: Handed, responses: sparse.csr_array, pairs: Pairs, held: HeldOut) -> list[Json]:
    """Of each other split of the release, the accuracy of a model that is made of its train split alone."""
    split = np.array(handed.split)
    others = sorted(set(handed.split) - {_TRAIN})
    if not others or _TRAIN not in handed.split:
        return []
    weights = preference_model.fit(responses, pairs.pick(split == _TRAIN), float(np.median(held.penalty)))
    found = []
    for name in others:
        rest = pairs.pick(split == name)
        right = preference_model.right(preference_model.chances(responses, weights, rest))
        found.append({"split": name, **told(_share(right, rest.prompt))})
    return found


def _share(values: Floats, prompt: Ints) -> Estimate:
    """Their mean; `n` is the number of values."""
    sums = intervals.summed(intervals.clusters(prompt), values, np.ones(len(values)))
    found = intervals.bootstrap(sums, lambda totals: intervals.ratio(totals[:, 0], totals[:, 1]))
    return found._replace(n=len(values))


# --- What people could reach -----------------------------------------------------------------------------------------


def ceiling(handed: Handed) -> Json:
    """How often two people prefer the same, and how often a label is predicted by whoever knows what most prefer."""
    agreement, of = _agreement(handed)
    raters = np.array(
        [own if group.startswith("task-") else 1 for own, group in zip(handed.raters, handed.group, strict=True)]
    )
    known, count = np.unique(np.minimum(raters, 99), return_counts=True)

    def reached(one: float | None) -> float | None:
        if one is None:
            return None
        return float(np.average([learning_curve.ceiling(one, int(many)) for many in known], weights=count))

    value, low, high = map(reached, agreement[:3])
    return {"agreement": told(agreement), "of": of, **told(Estimate(value, low, high, agreement.n))}


def _agreement(handed: Handed) -> tuple[Estimate, str]:
    """Of two people's labels, and what it is of: the same two responses, or what the file says of each task."""
    found = _votes(handed)
    if len(found[0]) >= FEWEST_TASKS:
        return _share(*found), "pairs"
    prompt, raters = np.array(handed.prompt, np.int64), np.array(handed.raters)
    several = raters > 1
    return _share(np.array(handed.agreement)[several], prompt[several]), "tasks"


def _votes(handed: Handed) -> tuple[Floats, Ints]:
    """By two responses with several labels, the chance that two of them say the same; and their prompts."""
    votes: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    prompts: dict[tuple[int, int], int] = {}
    single = (not group.startswith("task-") for group in handed.group)
    for better, worse, prompt, alone in zip(handed.chosen, handed.rejected, handed.prompt, single, strict=True):
        both = (min(better, worse), max(better, worse))
        votes[both][better > worse] += alone
        prompts[both] = prompt
    several = [both for both, (one, other) in votes.items() if one + other > 1]
    right = np.array([votes[both][0] for both in several], np.int64)
    count = np.array([sum(votes[both]) for both in several], np.int64)
    return learning_curve.agreed(right, count), np.array([prompts[both] for both in several], np.int64)


# --- Whether it is to be believed, and what it doubts ----------------------------------------------------------------


def _calibration(chance: NDArray[np.float64], prompt: Ints) -> Json:
    found = learning_curve.calibration(chance, prompt)
    return {
        "bins": [{"predicted": plain(p), "observed": plain(o), "pairs": n} for p, o, n in found.bins],
        "error": plain(found.error),
        "by_chance": plain(found.by_chance),
        "most": plain(found.most),
        "over": told(found.over),
    }


def doubted(handed: Handed, chance: Floats) -> list[Json]:
    """Labels by the mean chance of what they prefer, the least likely first, as far as the model prefers the other.

    Those of combined labels are told of by their task.
    """
    sums: dict[str, list[float]] = defaultdict(list)
    for group, one in zip(handed.group, chance, strict=True):
        if group:
            sums[group].append(float(one))
    means = sorted((float(np.mean(found)), group, len(found)) for group, found in sums.items())
    return [_doubt(*one) for one in means[:MOST_DOUBTED] if one[0] < 0.5]


def _doubt(chance: float, group: str, pairs: int) -> Json:
    task = group.startswith("task-")
    name = group.removeprefix("task-")
    return {"task" if task else "label": int(name), "chance": plain(chance), "pairs": pairs}

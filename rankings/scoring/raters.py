"""Strengths and raters' reliability, learned together, with a bias for the response shown first.

A rater of reliability r answers by the responses with probability r, as Bradley-Terry has it, and else without regard
to them, the first shown with a probability of their own (Bugakova, Fedorova, Gusev & Drutsa 2019, "Aggregation of
pairwise comparisons with reduction of biases", NoisyBT; kin to Chen et al. 2013, "Pairwise ranking aggregation in a
crowdsourced setting", Crowd-BT). Ties are half an answer either way.

Fitted by expectation maximisation, with one thing added: a rater's answers on a prompt are held against what all others
say there (strengths without this rater, with their uncertainty), because with three votes a prompt everybody would
agree with a consensus that they made themselves. Strengths and reliabilities have priors: at three votes a prompt,
compare raters with each other rather than with 1; a level may be off by a tenth.

Items may be responses of many prompts or models of one board: connected groups of one size are solved at once.
"""

from dataclasses import dataclass

import numpy as np

from annotate.scoring.intervals import Floats, Ints
from rankings.scoring.comparisons import Bools, Comparisons, groups
from rankings.scoring.robust import logistic

#: Before anything is known: as if a rater had given so many answers by the responses, and so many without regard.
BY_RESPONSES, WITHOUT = 1.0, 0.5
#: As if, of what they answer without regard to responses, so much had gone to the first and as much to the second.
EVEN = 2.0
#: with fewer prompts of a rater than this, a variance is at least the one that the model itself gives
FEW = 40
#: where a group has more raters than this, each one's own answers are so few among all that they are left in
MANY = 10
_CLOSE = 1e-3
_INNER = 10
_LONGEST = 1.0


@dataclass(frozen=True, slots=True)
class Raters:
    """`strength`, `error`, `group`: of items, (items,); natural logarithms, 0 for an average one of its group.

    Of raters, (raters,): `reliability`, the share of answers that go by the responses (0 to 1; 0 is a coin's toss),
    with a 95 % interval `low` to `high` that holds though answers on one prompt aren't independent; `first`: how often
    the first shown is taken in the rest; `count`: comparisons. Who gave none has the prior's.
    """

    strength: Floats
    error: Floats
    group: Ints
    reliability: Floats
    low: Floats
    high: Floats
    first: Floats
    count: Floats


@dataclass(frozen=True, slots=True)
class _Answers:
    """Comparisons with a tie as half of either answer. `first`: 1: the winner was shown first, -1: last, 0: unknown."""

    winner: Ints
    loser: Ints
    weight: Floats
    cluster: Ints
    rater: Ints
    first: Floats


@dataclass(frozen=True, slots=True)
class _Block:
    """The groups of one size, each once with all its answers, and once for each of its raters without theirs.

    `members`: (groups, size) items; `copies`: how many of both there are. An entry for each answer in each copy:
    `answer`, its number, `copy`, and winner and loser in it, `one` and `other`. `at`: the answers of these groups; of
    each, `held_against`: the copy without its rater, and `left` and `right`: winner and loser.
    """

    members: Ints
    copies: int
    answer: Ints
    copy: Ints
    one: Ints
    other: Ints
    at: Ints
    held_against: Ints
    left: Ints
    right: Ints


def fit(
    comparisons: Comparisons, rater: Ints, first: Floats, raters: int, prior: float = 2.0, rounds: int = 100
) -> Raters:
    """`rater`: numbered from 0; `first`: `styled.shown_first`; both with an entry for each comparison.

    `prior`: comparisons of each item with an average one, as in `within`. Raises ValueError where lengths differ.
    """
    if not len(rater) == len(first) == len(comparisons):
        raise ValueError("rater and first must have an entry for each comparison")
    answers, group = _both_ways(comparisons, rater, first), groups(comparisons)
    blocks = _blocks(answers, group, raters)
    solved, chance, reliability, side = _learned(answers, blocks, raters, prior, rounds)
    low, high = _interval(answers, chance, reliability, side)
    strength, error = _placed(blocks, solved, comparisons.items)
    count = np.bincount(answers.rater, answers.weight, raters)
    return Raters(strength, error, group, reliability, low, high, side, count)


def _learned(
    answers: _Answers, blocks: list[_Block], raters: int, prior: float, rounds: int
) -> tuple[list[tuple[Floats, Floats]], Floats, Floats, Floats]:
    """Strengths and covariances block by block, how likely each answer is by all others, reliabilities and sides."""
    solved = [(np.zeros((one.copies, one.members.shape[1])), np.zeros(0)) for one in blocks]
    reliability, side = np.full(raters, BY_RESPONSES / (BY_RESPONSES + WITHOUT)), np.full(raters, 0.5)
    chance = np.full(len(answers.winner), 0.5)
    for _round in range(rounds):
        before, by, blind = reliability, reliability[answers.rater], _blind(answers, side)
        for number, block in enumerate(blocks):
            solved[number] = _step(block, answers.weight, by, blind, solved[number][0], prior)
            chance[block.at] = _predicted(block, *solved[number])
        reliability, side = _rated(answers, chance, reliability, side)
        if np.abs(reliability - before).max(initial=0) < _CLOSE:
            break
    return solved, chance, reliability, side


def _both_ways(comparisons: Comparisons, rater: Ints, first: Floats) -> _Answers:
    tie = comparisons.tie
    weight = np.where(tie, comparisons.weight / 2, comparisons.weight)
    pairs = (
        (comparisons.winner, comparisons.loser[tie]),
        (comparisons.loser, comparisons.winner[tie]),
        (weight, weight[tie]),
        (comparisons.cluster, comparisons.cluster[tie]),
        (np.asarray(rater, np.int64), np.asarray(rater, np.int64)[tie]),
        (np.asarray(first, np.float64), -np.asarray(first, np.float64)[tie]),
    )
    return _Answers(*(np.concatenate(pair) for pair in pairs))


def _blocks(answers: _Answers, group: Ints, raters: int) -> list[_Block]:
    """Groups by their size; an item that was never compared is in none."""
    size = np.bincount(group) if len(group) else np.zeros(0, np.int64)
    order = np.argsort(group, kind="stable")
    begin = np.cumsum(size) - size
    local = np.zeros(len(group), np.int64)
    local[order] = np.arange(len(group)) - begin[group[order]]
    of = group[answers.winner]
    return [
        _block(answers, order[begin[groups, None] + np.arange(many)], groups, of, local, raters)
        for many in np.unique(size[size > 1])
        for groups in [np.flatnonzero(size == many)]
    ]


def _block(answers: _Answers, members: Ints, groups: Ints, of: Ints, local: Ints, raters: int) -> _Block:
    number = np.full(int(of.max()) + 1, -1)
    number[groups] = np.arange(len(groups))
    at = np.flatnonzero(number[of] >= 0)
    group, rater = number[of[at]], answers.rater[at]
    units, unit = np.unique(group * raters + rater, return_inverse=True)
    whose = units // raters
    few = np.bincount(whose, minlength=len(groups)) <= MANY
    copy_of = np.cumsum(few[whose]) - 1 + len(groups)
    pairs, beside = _others(group, unit, whose, few, copy_of)
    entry, copy = np.concatenate([np.arange(len(at)), pairs]), np.concatenate([group, beside])
    one, other = local[answers.winner[at]], local[answers.loser[at]]
    copies = len(groups) + int(few[whose].sum())
    against = np.where(few[group], copy_of[unit], group)
    return _Block(members, copies, at[entry], copy, one[entry], other[entry], at, against, one, other)


def _others(group: Ints, unit: Ints, whose: Ints, few: Bools, copy_of: Ints) -> tuple[Ints, Ints]:
    """Each answer beside each copy of its group that is without another rater: numbers of answers, of copies."""
    many = np.bincount(whose, minlength=len(few)) * few
    begin = np.searchsorted(whose, np.arange(len(few)))
    answer = np.repeat(np.arange(len(group)), many[group])
    within = np.arange(len(answer)) - np.repeat(np.cumsum(many[group]) - many[group], many[group])
    beside = begin[group[answer]] + within
    kept = beside != unit[answer]
    return answer[kept], copy_of[beside[kept]]


def _step(
    block: _Block, weight: Floats, reliability: Floats, blind: Floats, strength: Floats, prior: float
) -> tuple[Floats, Floats]:
    """One step up in each copy: strengths, (copies, size), and their covariances, (copies, size, size).

    The step is the expectation maximiser's (by what an answer that went by the responses tells), which never jumps too
    far; covariances go by Fisher's information, which knows that some answers didn't.
    """
    size, many = block.members.shape[1], block.copies
    row, column = block.copy * size + block.one, block.copy * size + block.other
    at = strength.ravel()
    slopes = _slopes(at[row] - at[column], reliability[block.answer], blind[block.answer])
    pull, most, fisher = (weight[block.answer] * values for values in slopes)
    held = logistic(strength)
    slope = np.bincount(row, pull, many * size) - np.bincount(column, pull, many * size)
    cell, held_by = row * size + block.other, prior * held * (1 - held)
    upward = (slope.reshape(many, size) + prior * (0.5 - held))[:, :, None]
    step = np.linalg.solve(_bent(cell, most, held_by), upward)[:, :, 0]
    return strength + np.clip(step, -_LONGEST, _LONGEST), np.linalg.inv(_bent(cell, fisher, held_by))


def _slopes(x: Floats, reliability: Floats, blind: Floats) -> tuple[Floats, Floats, Floats]:
    """Of answers at differences `x`: the log-likelihood's slope, and what they tell of x.

    That is: if those that went by the responses were known, and as it is (Fisher's information).
    """
    chance = logistic(x)
    said, slope = reliability * chance + (1 - reliability) * blind, reliability * chance * (1 - chance)
    return slope / said, chance * slope / said, slope**2 / (said * (1 - said))


def _bent(cell: Ints, across: Floats, held: Floats) -> Floats:
    """The information on strengths of answers that tell so much of a difference: (copies, size, size)."""
    many, size = held.shape
    table = np.bincount(cell, across, many * size**2).reshape(many, size, size)
    table = table + np.swapaxes(table, 1, 2)
    return np.asarray(np.eye(size) * (table.sum(axis=2) + held)[:, :, None] - table)


def _predicted(block: _Block, strength: Floats, covariance: Floats) -> Floats:
    """How likely each answer is by what all others than its rater say of the group.

    The logistic averaged over a Gaussian difference as MacKay 1992 does: at m / sqrt(1 + pi v / 8).
    """
    of, one, other = block.held_against, block.left, block.right
    variance = covariance[of, one, one] + covariance[of, other, other] - 2 * covariance[of, one, other]
    return logistic((strength[of, one] - strength[of, other]) / np.sqrt(1 + np.pi * np.maximum(variance, 0) / 8))


def _rated(answers: _Answers, chance: Floats, reliability: Floats, side: Floats) -> tuple[Floats, Floats]:
    """Reliabilities and sides, given what others say of each answer: expectation maximisation by itself."""
    count = np.bincount(answers.rater, answers.weight, len(reliability))
    for _round in range(_INNER):
        own = reliability[answers.rater]
        by, other = own * chance, (1 - own) * _blind(answers, side)
        by_responses = by / (by + other)
        said = np.bincount(answers.rater, answers.weight * by_responses, len(reliability))
        reliability = (said + BY_RESPONSES) / (count + BY_RESPONSES + WITHOUT)
        side = _sides(answers, by_responses, len(side))
    return reliability, side


def _blind(answers: _Answers, side: Floats) -> Floats:
    """How likely each answer is without regard to the responses."""
    return 0.5 + answers.first * (side[answers.rater] - 0.5)


def _sides(answers: _Answers, by_responses: Floats, raters: int) -> Floats:
    """How often each rater takes the first shown in what they answer without regard to the responses."""
    rest = answers.weight * (1 - by_responses)
    first = np.bincount(answers.rater, rest * (answers.first > 0), raters)
    second = np.bincount(answers.rater, rest * (answers.first < 0), raters)
    return np.asarray((first + EVEN) / (first + second + 2 * EVEN))


def _interval(answers: _Answers, chance: Floats, reliability: Floats, side: Floats) -> tuple[Floats, Floats]:
    """95 % interval of reliabilities, on the logit's scale: the sandwich over prompts, of each rater by itself.

    Two parameters, reliability and side; the prior's information is added to bread and filling. With fewer than `FEW`
    prompts, the variance is at least the model's own.
    """
    own, blind = reliability[answers.rater], _blind(answers, side)
    said = own * chance + (1 - own) * blind
    slopes = (chance - blind) / said, (1 - own) * answers.first / said
    prior = (BY_RESPONSES / reliability**2 + WITHOUT / (1 - reliability) ** 2, EVEN / side**2 + EVEN / (1 - side) ** 2)
    many = max(len(reliability), 1)
    named, unit = np.unique(answers.cluster * many + answers.rater, return_inverse=True)
    sums = [np.bincount(unit, answers.weight * slope) for slope in slopes]
    bend, meat = np.zeros((len(reliability), 2, 2)), np.zeros((len(reliability), 2, 2))
    for i in range(2):
        for j in range(2):
            held = prior[i] * (i == j)
            bend[:, i, j] = np.bincount(answers.rater, answers.weight * slopes[i] * slopes[j], len(bend)) + held
            meat[:, i, j] = np.bincount(named % many, sums[i] * sums[j], len(bend)) + held
    few = np.bincount(named % many, minlength=len(bend)) < FEW
    meat[few & (meat[:, 0, 0] < bend[:, 0, 0])] = bend[few & (meat[:, 0, 0] < bend[:, 0, 0])]
    bread = np.linalg.inv(bend)
    error = np.sqrt((bread @ meat @ bread)[:, 0, 0])
    middle, half = np.log(reliability / (1 - reliability)), 1.96 * error / (reliability * (1 - reliability))
    return logistic(middle - half), logistic(middle + half)


def _placed(blocks: list[_Block], solved: list[tuple[Floats, Floats]], items: int) -> tuple[Floats, Floats]:
    """Strengths and their errors in the items' own order, centred in each group."""
    strength, error = np.zeros(items), np.zeros(items)
    for block, (at, covariance) in zip(blocks, solved, strict=True):
        middle, many = np.eye(at.shape[1]) - 1 / at.shape[1], len(block.members)
        strength[block.members] = at[:many] @ middle
        variance = np.diagonal(middle @ covariance[:many] @ middle, axis1=1, axis2=2)
        error[block.members] = np.sqrt(np.maximum(variance, 0))
    return strength, error

"""Strengths with style taken out: how models compare at equal length, lists, bold words, and what each of these adds.

A logistic regression of who was preferred on who the two were and on how their styles differ: Li, Angelopoulos &
Chiang, "Does Style Matter? Disentangling style and substance in Chatbot Arena" (LMSYS 2024). As there, a difference is
(a - b) / (a + b), counted in standard deviations, and a tie is half a win; its mean isn't taken off, because which of
the two comes first means nothing. Compare strengths to `bradley_terry.fit(..., ties="half")`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from annotate.scoring.intervals import Estimate, Floats, Ints
from rankings.scoring import bradley_terry, robust
from rankings.scoring.bradley_terry import Fit
from rankings.scoring.comparisons import Comparisons

#: A feature of this name is taken as it is: 1 if the winner was shown before the loser, -1 after it, 0 if nobody knows.
FIRST = "first"
_STEPS = 100
_CLOSE = 1e-6
_LONGEST = 2.0


@dataclass(frozen=True, slots=True)
class Styled:
    """`fit`: strengths at equal style. `effects`: by feature, the log-odds that one standard deviation more of it
    adds (of "first": that being shown first adds), `n` the comparisons; no figures where it never differs.
    `deviations`: by feature, its standard deviation: 1 for "first".
    """

    fit: Fit
    effects: dict[str, Estimate]
    deviations: dict[str, float]


def difference(first: Floats | Ints, second: Floats | Ints) -> Floats:
    """(a - b) / (a + b) of lengths or counts: -1 to 1, 0 where both are 0."""
    total = np.asarray(first + second, np.float64)
    return np.divide(first - second, total, out=np.zeros_like(total), where=total > 0)


def shown_first(winner_place: Ints, loser_place: Ints) -> Floats:
    """1 where the winner was shown before the loser, -1 where after it, 0 where a place is below 0: not known."""
    known = (winner_place >= 0) & (loser_place >= 0)
    return np.where(known, np.sign(loser_place - winner_place), 0).astype(np.float64)


def fit(comparisons: Comparisons, features: Mapping[str, Floats], prior: float = 0.5) -> Styled:
    """`features`: by name, winner's less loser's, an entry for each comparison (`difference`, `shown_first`).

    Intervals are the clusters' (`robust.sandwich`), and no narrower than the model's own. `prior`: as in
    `bradley_terry`, for effects too.
    Raises ValueError where a feature has another length.
    """
    for name, values in features.items():
        if len(values) != len(comparisons):
            raise ValueError(f"{name} has {len(values)} entries for {len(comparisons)} comparisons")
    deviations = {name: _deviation(name, values) for name, values in features.items()}
    told = [name for name, deviation in deviations.items() if deviation > 0]
    columns = [np.asarray(features[name] / deviations[name]) for name in told]
    style = np.column_stack(columns) if told else np.zeros((len(comparisons), 0))
    found, bread = _newton(comparisons, style, prior)
    covariance = robust.sandwich(bread, *_scores(comparisons, style, found))
    strengths = _strengths(comparisons, found, covariance, bread)
    # Where a feature differs in a few clusters alone, the sandwich has next to nothing to stand on.
    variance = np.maximum(np.diagonal(covariance), np.diagonal(bread))[comparisons.items :]
    effects = _effects(comparisons, told, found, variance, strengths.clusters)
    return Styled(strengths, {name: effects.get(name, Estimate()) for name in features}, deviations)


def _deviation(name: str, values: Floats) -> float:
    """The root of the mean square: the sign of a difference means nothing, so its mean is 0."""
    if not values.any():
        return 0.0
    return 1.0 if name == FIRST else float(np.sqrt(np.mean(values**2)))


def _newton(comparisons: Comparisons, style: Floats, prior: float) -> tuple[Floats, Floats]:
    """Strengths, then effects, and the inverse of the information there."""
    at = np.zeros(comparisons.items + style.shape[1])
    bend = np.eye(len(at))
    for _step in range(_STEPS):
        slope, bend = _slopes(comparisons, style, at, prior)
        step = np.linalg.solve(bend, slope)
        at = at + np.clip(step, -_LONGEST, _LONGEST)
        if not len(step) or np.abs(step).max() < _CLOSE:
            break
    return at, np.linalg.inv(bend)


def _slopes(comparisons: Comparisons, style: Floats, at: Floats, prior: float) -> tuple[Floats, Floats]:
    """First derivatives of the log-likelihood, prior included, and second ones with their sign turned."""
    many, held = comparisons.items, robust.logistic(at)
    pull, chance = _pull(comparisons, style, at)
    slope = prior * (0.5 - held) + np.append(_spread(comparisons, pull), pull @ style)
    across = comparisons.weight * chance * (1 - chance)
    table = comparisons.table(across)
    table = table + table.T
    bend = np.diag(prior * held * (1 - held))
    bend[:many, :many] += np.diag(table.sum(axis=1)) - table
    for column, values in enumerate(style.T, many):
        bend[:many, column] += _spread(comparisons, across * values)
        bend[column, :many] = bend[:many, column]
    bend[many:, many:] += style.T @ (style * across[:, None])
    return slope, bend


def _pull(comparisons: Comparisons, style: Floats, at: Floats) -> tuple[Floats, Floats]:
    """How much more the winner won than was expected, by weight, and the probability that it would."""
    strength, effect = at[: comparisons.items], at[comparisons.items :]
    chance = robust.logistic(strength[comparisons.winner] - strength[comparisons.loser] + style @ effect)
    return comparisons.weight * (np.where(comparisons.tie, 0.5, 1.0) - chance), chance


def _spread(comparisons: Comparisons, values: Floats) -> Floats:
    """What each item has of values that count for the winner and against the loser."""
    gained = np.bincount(comparisons.winner, values, comparisons.items)
    return np.asarray(gained - np.bincount(comparisons.loser, values, comparisons.items), np.float64)


def _scores(comparisons: Comparisons, style: Floats, at: Floats) -> tuple[Ints, Ints, Floats]:
    """Each comparison's derivatives: (cluster, parameter, score), for `robust.sandwich`."""
    pull, _chance = _pull(comparisons, style, at)
    effects = range(comparisons.items, len(at))
    columns = [comparisons.winner, comparisons.loser, *(np.full(len(pull), effect) for effect in effects)]
    scores = np.concatenate([pull, -pull, *(pull * values for values in style.T)])
    return np.tile(comparisons.cluster, len(columns)), np.concatenate(columns), scores


def _strengths(comparisons: Comparisons, found: Floats, covariance: Floats, bread: Floats) -> Fit:
    many, met = comparisons.items, comparisons.wins() + comparisons.ties()
    return bradley_terry.summary(
        found[:many],
        covariance[:many, :many],
        bread[:many, :many],
        met,
        tie=-np.inf,
        clusters=robust.clusters(comparisons.cluster),
        count=bradley_terry.counts(comparisons),
    )


def _effects(
    comparisons: Comparisons, names: list[str], found: Floats, variance: Floats, clusters: int
) -> dict[str, Estimate]:
    effects, half = found[comparisons.items :], robust.reach(clusters) * np.sqrt(variance)
    return {
        name: Estimate(float(value), float(value - reach), float(value + reach), len(comparisons))
        for name, value, reach in zip(names, effects, half, strict=True)
    }

"""A board: the strengths of models and what belongs beside them, as JSON. All strengths are natural logarithms.

Numbers that are open or not known are None: an undefeated model has no upper bound.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotate.scoring.intervals import Estimate
from rankings.boards.meetings import STYLE, Meetings
from rankings.scoring import bradley_terry, plackett_luce, styled
from rankings.scoring.bradley_terry import Fit
from rankings.scoring.comparisons import Comparisons, distinct, win_rates

#: Prompts that two sides should have met on before a strength is more than a hint.
ENOUGH = 20
#: The matrix has so many of the most compared models, and so many categories have a board of their own.
IN_MATRIX, MOST_CATEGORIES = 24, 20
#: Points in time that strengths are told for.
PERIODS = 26

type Json = dict[str, Any]


def board(met: Meetings) -> Json:
    """The board of these comparisons; those between two known and different models count."""
    between = met.pick(met.of_models)
    models, winner, loser = _present(between)
    comparisons = compared(len(models), winner, loser, between)
    if not models:
        return _facts(met, between) | {"models": [], "groups": 0, "matrix": {"models": [], "cells": []}, "effects": []}
    fit, control = bradley_terry.fit(comparisons), _styled(comparisons, between)
    lists = _lists(met, models)
    rows = _rows(models, comparisons, _Fits(fit, bradley_terry.fit(comparisons, ties="half"), control.fit, lists))
    return _facts(met, between) | {
        "models": rows,
        "groups": int(fit.group.max()) + 1,
        "matrix": _matrix(models, comparisons, [models.index(row["model"]) for row in rows]),
        "effects": _effects(control),
    }


def effects(met: Meetings) -> list[Json]:
    """What style and place do to the odds of winning, the models' strengths apart: a logarithm of odds for each.

    Of a standard deviation more of a feature, `deviation` being that of (a - b) / (a + b); of being shown first.
    """
    between = met.pick(met.of_models)
    models, winner, loser = _present(between)
    return _effects(_styled(compared(len(models), winner, loser, between), between)) if models else []


def _styled(comparisons: Comparisons, between: Meetings) -> styled.Styled:
    return styled.fit(comparisons, _features(between))


def _effects(control: styled.Styled) -> list[Json]:
    return [
        {"name": name, **told(one), "deviation": plain(control.deviations[name])}
        for name, one in control.effects.items()
    ]


def told(one: Estimate) -> Json:
    """An estimate as JSON."""
    return {"value": plain(one.value), "low": plain(one.low), "high": plain(one.high), "n": one.n}


def plain(value: float | None) -> float | None:
    """A number for JSON, to six digits; None where it is open."""
    return None if value is None or not np.isfinite(value) else round(float(value), 6)


def _present(met: Meetings) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """The models that are there, and winners and losers by their numbers."""
    there = np.unique(np.concatenate([met.winner, met.loser]))
    return [met.models[nth] for nth in there], np.searchsorted(there, met.winner), np.searchsorted(there, met.loser)


def compared(models: int, winner: Any, loser: Any, met: Meetings) -> Comparisons:
    """Comparisons of models by number, for the maths; a prompt's are not independent."""
    return Comparisons.of(models, winner, loser, met.tie, cluster=met.prompt)


def _features(met: Meetings) -> dict[str, NDArray[np.float64]]:
    """What a reader may be swayed by, winner against loser: the style's differences, and who was shown first."""
    style = styled.difference(met.winner_style, met.loser_style)
    first = styled.shown_first(met.winner_place, met.loser_place)
    return {**dict(zip(STYLE, style.T, strict=True)), styled.FIRST: first}


def _lists(met: Meetings, models: list[str]) -> Fit | None:
    """Plackett-Luce of the orders of three or more, where there are any: with two, it is Bradley-Terry."""
    known = met.pick((met.winner >= 0) & (met.loser >= 0))
    if len(distinct(known.label)) == len(known):
        return None
    number = np.array([models.index(name) if name in models else -1 for name in known.models])
    response, nth = np.unique(np.concatenate([known.winner_response, known.loser_response]), return_index=True)
    model = number[np.concatenate([known.winner, known.loser])[nth]]
    winner, loser = np.searchsorted(response, known.winner_response), np.searchsorted(response, known.loser_response)
    there = (model[winner] >= 0) & (model[loser] >= 0)
    return plackett_luce.fit(
        plackett_luce.Rankings.of_comparisons(
            len(models),
            known.label[there],
            winner[there],
            loser[there],
            known.tie[there],
            np.maximum(model, 0),
            known.prompt[there],
        )
    )


@dataclass(frozen=True, slots=True)
class _Fits:
    """The ways in which strengths are told: with ties as Davidson has them; ties as halves; the same with style held
    equal; and by whole orders, where there are some.
    """

    fit: Fit
    halves: Fit
    styled: Fit
    ordered: Fit | None


def _facts(met: Meetings, between: Meetings) -> Json:
    unknown = (met.winner < 0) | (met.loser < 0)
    return {
        "labels": met.labels,
        "comparisons": len(between),
        "ties": int(between.tie.sum()),
        "prompts": len(distinct(between.prompt)),
        "annotators": len(distinct(between.annotator)),
        "unknown": int(unknown.sum()),
        "alike": int((~unknown & (met.winner == met.loser)).sum()),
        "unsaid": sum(met.unsaid.values()),
    }


def _rows(models: list[str], of: Comparisons, fits: _Fits) -> list[Json]:
    """One for each model: larger groups first, then the stronger ones."""
    fit = fits.fit
    best, worst = fit.places()
    wins, ties = of.wins(), of.ties()
    prompts = _prompts(of)
    size = np.bincount(fit.group)
    rows = [
        {
            "model": name,
            **_strength(fit, nth),
            "best": int(best[nth]),
            "worst": int(worst[nth]),
            "group": int(fit.group[nth]),
            "won": int(wins[nth].sum()),
            "lost": int(wins[:, nth].sum()),
            "tied": int(ties[nth].sum()),
            "prompts": int(prompts[nth]),
            "enough": bool(prompts[nth] >= ENOUGH),
            "halves": _strength(fits.halves, nth),
            "styled": _strength(fits.styled, nth),
            "ordered": _strength(fits.ordered, nth) if fits.ordered else None,
        }
        for nth, name in enumerate(models)
    ]
    return sorted(rows, key=lambda row: (-size[row["group"]], row["group"], -row["strength"], row["model"]))


def _strength(fit: Fit, nth: int) -> Json:
    return {
        "strength": plain(fit.strength[nth]),
        "low": plain(fit.low[nth]),
        "high": plain(fit.high[nth]),
    }


def _prompts(of: Comparisons) -> NDArray[np.int64]:
    """On how many prompts each model was compared."""
    item, cluster = np.concatenate([of.winner, of.loser]), np.concatenate([of.cluster, of.cluster])
    many = int(cluster.max(initial=0)) + 1
    return np.bincount(distinct(item * many + cluster) // many, minlength=of.items)


def _matrix(models: list[str], of: Comparisons, order: list[int]) -> Json:
    """Win rates of the most compared models, in the board's order; None where two never met."""
    met = np.bincount(np.concatenate([of.winner, of.loser]), minlength=of.items)
    chosen = set(np.argsort(-met, kind="stable")[:IN_MATRIX].tolist())
    shown = [nth for nth in order if nth in chosen]
    rates = win_rates(of)

    def cell(row: int, column: int) -> Json | None:
        if not rates.prompts[row, column]:
            return None
        values = {"value": rates.rate, "low": rates.low, "high": rates.high}
        return {name: plain(one[row, column]) for name, one in values.items()} | {
            "prompts": int(rates.prompts[row, column])
        }

    return {"models": [models[nth] for nth in shown], "cells": [[cell(row, one) for one in shown] for row in shown]}


# --- By category, and over time ---------------------------------------------------------------------------------------


def by_category(met: Meetings) -> dict[str, Json]:
    """A board for each of the categories that most was compared in, by name."""
    between = met.pick(met.of_models)
    many = np.bincount(between.category, minlength=len(met.categories))
    chosen = [nth for nth in np.argsort(-many, kind="stable")[:MOST_CATEGORIES] if many[nth]]
    return {met.categories[nth]: board(_within(met, nth)) for nth in sorted(chosen)}


def _within(met: Meetings, category: int) -> Meetings:
    """What there is of one category alone."""
    name = met.categories[category]
    labels, unsaid = met.given.get(name, 0), {name: met.unsaid.get(name, 0)}
    return replace(met.pick(met.category == category), labels=labels, unsaid=unsaid)


def over_time(met: Meetings) -> Json:
    """Strengths by all that was said up to the end of each day or week: `{"every", "until", "models": {name: [...]}}`.

    A model that had not been compared by then has None.
    """
    between = met.pick(met.of_models)
    ends, every = _ends(between.created)
    models, winner, loser = _present(between)
    found: dict[str, list[float | None]] = {name: [] for name in models}
    wins = ties = np.zeros((len(models), len(models)))
    for part in _in_turn(compared(len(models), winner, loser, between), between.created, ends):
        wins, ties = wins + part.wins(), ties + part.ties()
        strength, seen = bradley_terry.strengths(wins, ties), (wins + wins.T + ties).any(axis=1)
        for nth, name in enumerate(models):
            found[name].append(plain(strength[nth]) if seen[nth] else None)
    days = [(end - timedelta(days=1)).date().isoformat() for end in ends]
    return {"every": every, "until": days, "models": found}


def _in_turn(comparisons: Comparisons, created: NDArray[np.float64], ends: list[datetime]) -> Iterator[Comparisons]:
    """Those before the first end, those from then on before the second, and so on."""
    order = np.argsort(created, kind="stable")
    until = np.searchsorted(created, [end.timestamp() for end in ends], sorter=order)
    for begin, end in pairwise([0, *until.tolist()]):
        yield comparisons.only(order[begin:end])


def _ends(created: NDArray[np.float64]) -> tuple[list[datetime], str]:
    """The ends (midnight UTC) of the days or weeks in which there were labels, the last `PERIODS`."""
    if not len(created):
        return [], "day"
    days = np.unique(created // 86_400).astype(np.int64)
    weekly = days[-1] - days[0] >= PERIODS
    # The first of January 1970 was a Thursday: weeks end with Sunday.
    last = np.unique((days + 3) // 7) * 7 + 3 if weekly else days
    ends = [datetime.fromtimestamp((int(day) + 1) * 86_400, UTC) for day in last[-PERIODS:]]
    return ends, "week" if weekly else "day"

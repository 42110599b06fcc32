"""What a worker computes for the board of a large queue: `python -m benchmarks.whole_board [--comparisons 1000000]`.

Three votes on each prompt's two responses, 200 models, twenty categories, half a year: the whole, a board for each
category, and strengths over time, from comparisons in memory (`benchmarks.columns` tells what reading them costs).
Processor time with one thread of linear algebra; beside it the least there is, one pass over the pairs.
"""

import argparse
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.ground import note, say

if TYPE_CHECKING:
    from rankings.boards.meetings import Meetings

VOTES, CATEGORIES, PEOPLE, DAYS = 3, 20, 30, 182
#: the first second of 2025
BEGIN = 1_735_689_600


def met(models: int, many: int) -> "Meetings":
    """Comparisons of models of known strengths, about a seventh of them ties; longer responses win more often."""
    from rankings.boards.meetings import STYLE, Meetings

    random = np.random.default_rng(1)
    strength = np.sort(random.normal(size=models))
    prompt = np.arange(many) // VOTES
    first = random.integers(models, size=prompt[-1] + 1)
    pair = np.stack([first, (first + random.integers(1, models, size=len(first))) % models])
    style = random.poisson([400, 4, 3, 1, 0.5], size=(2, len(first), len(STYLE))).astype(np.float64)
    lead = (strength[pair[0]] - strength[pair[1]] + (style[0, :, 0] - style[1, :, 0]) / 100)[prompt]
    won = (random.random(many) > 1 / (1 + np.exp(lead))).astype(np.int64)  # the number of the side that lost
    winner, loser = 1 - won, won
    shown = random.integers(2, size=many)
    return Meetings(
        models=[f"model-{nth:03}" for nth in range(models)],
        categories=[f"category {nth:02}" for nth in range(CATEGORIES)],
        label=np.arange(many),
        task=prompt,
        prompt=prompt,
        annotator=random.integers(PEOPLE, size=many),
        category=prompt % CATEGORIES,
        created=BEGIN + np.arange(many) * (DAYS * 86_400 / many),
        seconds=random.gamma(4, 5, size=many),
        winner=pair[winner, prompt],
        loser=pair[loser, prompt],
        tie=random.random(many) < 1 / 7,
        winner_response=2 * prompt + winner,
        loser_response=2 * prompt + loser,
        winner_place=shown,
        loser_place=1 - shown,
        winner_style=style[winner, prompt],
        loser_style=style[loser, prompt],
        labels=many,
    )


def measured(name: str, act: Callable[[], object], bar: str = "") -> float:
    begin = time.process_time()
    act()
    took = time.process_time() - begin
    say(name, took, "s", bar)
    return took


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--comparisons", type=int, default=1_000_000)
    options.add_argument("--models", type=int, default=200)
    chosen = options.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from rankings.boards import strengths

    note(f"{chosen.comparisons:,} comparisons of {chosen.models} models, {CATEGORIES} categories")
    these = met(chosen.models, chosen.comparisons)
    cells = these.winner * chosen.models + these.loser
    measured("one bincount of the pairs", lambda: np.bincount(cells, minlength=chosen.models**2))
    parts = [
        measured("the whole", lambda: strengths.board(these)),
        measured("by category", lambda: strengths.by_category(these)),
        measured("over time", lambda: strengths.over_time(these)),
    ]
    say("all of it", sum(parts), "s", "30 s")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()

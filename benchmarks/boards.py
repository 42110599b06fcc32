"""Strengths of models with their intervals: `python -m benchmarks.boards [--comparisons 1000000] [--models 200]`.

From raw arrays of indices to strengths; processor time, the median of three, with one thread of linear algebra: its
matrices are small, and threads wait for each other by spinning. evalica and choix have the same arrays, no intervals.
Twice: three votes on each prompt's two responses, as a queue of pairs gives them, and every comparison of a prompt
between other models, which is the worst for the sandwich. Reading the arrays once is the limit that nothing beats.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import choix
import evalica
import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.ground import note, say
from rankings.scoring import bradley_terry, information, plackett_luce, raters, styled
from rankings.scoring.comparisons import Comparisons

ROUNDS = 3
VOTES = 3


class Answers:
    """`many` comparisons of models of known strengths, about a seventh of them ties, `VOTES` to a prompt."""

    def __init__(self, models: int, many: int, paired: bool) -> None:
        random = np.random.default_rng(1)
        self.models, self.strength = models, np.sort(random.normal(size=models))
        self.prompt = np.arange(many) // VOTES
        first = random.integers(models, size=many)
        second = (first + random.integers(1, models, size=many)) % models
        if paired:
            first, second = first[self.prompt * VOTES], second[self.prompt * VOTES]
        won = random.random(many) < 1 / (1 + np.exp(self.strength[second] - self.strength[first]))
        self.winner, self.loser = np.where(won, first, second), np.where(won, second, first)
        self.tie = random.random(many) < 1 / 7
        self.shown_first = random.choice([-1.0, 1.0], size=many)
        self.styles = {name: random.normal(size=many) for name in ("length", "lists", "bold", "headers", "code")}
        self.rater = random.integers(100, size=many)

    def comparisons(self) -> Comparisons:
        return Comparisons.of(self.models, self.winner, self.loser, self.tie, None, self.prompt)


def measured(name: str, act: Callable[[], object], bar: str = "", rounds: int = ROUNDS) -> float:
    took = median(_seconds(act) for _ in range(rounds)) * 1000
    say(name, took, "ms", bar)
    return took


def _seconds(act: Callable[[], object]) -> float:
    begin = time.process_time()
    act()
    return time.process_time() - begin


def against(answers: Answers) -> float:
    """The others, from the same arrays; the faster one's time."""

    def said() -> list[evalica.Winner]:
        return [evalica.Winner.Draw if tie else evalica.Winner.X for tie in answers.tie.tolist()]

    names = said()
    made = measured("evalica bradley_terry, no intervals, its list of outcomes ready", lambda: theirs(answers, names))
    measured("evalica bradley_terry, from the arrays", lambda: theirs(answers, said()))
    measured("evalica newman (ties), ready", lambda: evalica.newman(answers.winner, answers.loser, names))
    pairs = list(zip(answers.winner.tolist(), answers.loser.tolist(), strict=True))
    measured("choix ilsr_pairwise_dense, no ties, of a table made by bincount", lambda: tabled(answers))
    measured("choix ilsr_pairwise, its list ready", lambda: choix.ilsr_pairwise(answers.models, pairs), rounds=1)
    return made


def tabled(answers: Answers) -> object:
    table = np.bincount(answers.winner * answers.models + answers.loser, minlength=answers.models**2)
    return choix.ilsr_pairwise_dense(table.reshape(answers.models, answers.models).astype(np.float64))


def theirs(answers: Answers, outcomes: list[evalica.Winner]) -> object:
    return evalica.bradley_terry(answers.winner, answers.loser, outcomes)


def ours(answers: Answers, bar: str) -> None:
    measured("fit, ties as halves, sandwich intervals", lambda: bradley_terry.fit(answers.comparisons(), "half"), bar)
    measured("fit, Davidson's ties, sandwich intervals", lambda: bradley_terry.fit(answers.comparisons()), bar)


def more(answers: Answers) -> None:
    comparisons = answers.comparisons()
    features = answers.styles | {styled.FIRST: answers.shown_first}
    measured("style-controlled, five styles and the first shown", lambda: styled.fit(comparisons, features))
    measured(
        "raters' reliability, 100 raters", lambda: raters.fit(comparisons, answers.rater, answers.shown_first, 100)
    )


def of_orders(models: int, many: int) -> None:
    random = np.random.default_rng(2)
    shown = np.argsort(random.random((many, models)), axis=1)[:, :4]
    order = np.take_along_axis(shown, np.argsort(random.gumbel(size=shown.shape), axis=1), axis=1)
    place = np.where(random.random((many, 1)) < 0.3, [1, 2, 2, 3], [1, 2, 3, 4])
    ranking, prompt = np.repeat(np.arange(many), 4), np.repeat(np.arange(many) // VOTES, 4)
    rankings = plackett_luce.Rankings.of(models, ranking, order.ravel(), place.ravel(), prompt)
    measured(f"Plackett-Luce with ties, {many:,} orders of 4 of {models}", lambda: plackett_luce.fit(rankings))


def to_ask(answers: Answers, many: int) -> None:
    random = np.random.default_rng(3)
    fit = bradley_terry.fit(answers.comparisons())
    for size in (2, 4, 9):
        tasks = np.argsort(random.random((many, answers.models)), axis=1)[:, :size]
        measured(f"gain of asking {many:,} tasks of {size}", lambda tasks=tasks: information.gain(fit, tasks))  # type: ignore[misc]
    pairs = np.argsort(random.random((many, answers.models)), axis=1)[:, :2]
    measured(f"the next 1,000 of {many:,} pairs to ask", lambda: information.order(fit, pairs, 1000))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comparisons", type=int, default=1_000_000)
    parser.add_argument("--models", type=int, default=200)
    asked = parser.parse_args()
    paired = Answers(asked.models, asked.comparisons, paired=True)
    note(f"{asked.comparisons:,} comparisons of {asked.models} models, three votes on each prompt's two responses")
    cells = paired.winner * asked.models + paired.loser
    measured("reading the arrays once (bincount of pairs)", lambda: np.bincount(cells, minlength=asked.models**2))
    bar = f"{min(2 * against(paired), 2000):,.0f}"
    ours(paired, bar)
    note("each vote of a prompt between other models")
    ours(Answers(asked.models, asked.comparisons, paired=False), bar)
    more(paired)
    of_orders(20, 100_000)
    to_ask(paired, 100_000)


if __name__ == "__main__":
    with threadpool_limits(1):
        main()

"""Agreement of a million labels, with bootstrap intervals: `python -m benchmarks.agreement`.

Labels of three annotators a task, in random order, as arrays in memory; a value is what the task is about in 60 % of
cases, else any. Against the `krippendorff` package (alpha alone, without an interval, on its own table of counts made
beforehand), and one bare pass of `numpy.bincount` over the same labels: no method reads them faster. Medians.
"""

import argparse
from collections.abc import Callable
from functools import partial

import krippendorff
import numpy as np

from annotate.scoring import agreement, dawid_skene
from annotate.scoring.intervals import Floats, Ints
from benchmarks.ground import median_ms, note, say

LABELS, OVERLAP, TIMES = 1_000_000, 3, 3
#: of each level: how many different values
VALUES = {"nominal": 4, "ordinal": 7, "interval": 100, "order": 3}
#: The package has an array of tasks x values x values in memory, four times over.
CELLS = 20_000_000
BAR = 5_000


def drawn(labels: int, values: int, order: Ints) -> tuple[Ints, Floats]:
    """Task (a large number, as in a database) and value of each label, oldest first."""
    rng = np.random.default_rng(values)
    task = order // OVERLAP
    about = rng.integers(0, values, labels // OVERLAP + 1)
    value = np.where(rng.random(labels) < 0.6, about[task], rng.integers(0, values, labels))
    return 10_000_000 + 7 * task, value.astype(np.float64)


def compare(level: str, task: Ints, value: Floats, values: int) -> None:
    """The package's time for the same alpha, of as many tasks as it has the memory for; and that it is the same."""
    unit = (task - 10_000_000) // 7
    few = unit < CELLS // values**2
    code = unit[few] * values + value[few].astype(np.int64)
    counts = np.bincount(code, minlength=(unit[few].max() + 1) * values).reshape(-1, values)
    act = partial(krippendorff.alpha, value_counts=counts, level_of_measurement=level)
    measure(f"  krippendorff package, no interval, {few.sum():,} labels", act)
    found = agreement.alpha(task[few], value[few], task[few], level).value
    if found is None or abs(act() - found) > 1e-9:
        raise SystemExit(f"alpha {level}: {found} here, {act()} there")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, default=LABELS)
    labels = parser.parse_args().labels
    order = np.random.default_rng(0).permutation(labels)
    note(f"{labels:,} labels, {OVERLAP} a task; 1,000 resamples an interval")
    task, value = drawn(labels, 4, order)
    took = measure(f"percent, {labels:,} labels", lambda: percent(task, value))
    for level, values in VALUES.items():
        task, value = drawn(labels, values, order)
        said = value - 1 if level == "order" else value
        took += measure(f"alpha {level}, {values} values", partial(agreement.alpha, task, said, task, level))
        if level != "order":
            compare(level, task, value, values)
    say("all five, with intervals", took, "ms", f"{BAR:,} ms")
    pass_over(task, labels)
    annotators(labels, order)


def percent(task: Ints, value: Floats) -> object:
    """Of a task's labels each two, and how many of them are the same."""
    *_raters, left, right, unit = agreement.rater_pairs(task, task, value, task)
    return agreement.mean_agreement((left != right).astype(np.float64), unit, unit)


def measure(name: str, act: Callable[[], object]) -> float:
    took = median_ms(act, TIMES)
    say(name, took, "ms")
    return took


def pass_over(task: Ints, labels: int) -> None:
    """The physical limit: every label read once, and counted where it belongs."""
    unit = (task - 10_000_000) // 7
    measure(f"bare numpy.bincount of {labels:,} labels", lambda: np.bincount(unit))


def annotators(labels: int, order: Ints) -> None:
    """Dawid and Skene's method: 50 annotators, four answers."""
    task, value = drawn(labels, 4, order)
    rater = np.random.default_rng(1).integers(0, 50, labels)
    unit, answer = (task - 10_000_000) // 7, value.astype(np.int64)
    fit = dawid_skene.fit(unit, rater, answer, 4)
    measure(f"Dawid-Skene, {fit.rounds} rounds", lambda: dawid_skene.fit(unit, rater, answer, 4))


if __name__ == "__main__":
    main()

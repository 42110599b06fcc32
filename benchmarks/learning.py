"""Whether preferences can be learned, of 16,000 pairs: `python -m benchmarks.learning`.

Two responses of some 150 words a prompt, as a release has them; words as frequent as in English (Zipf). Reading the
texts, the features, and all models of the learning curve, with the most memory that the process ever had. Once each.
"""

import argparse
import random
import resource
import time
from collections.abc import Iterator
from itertools import accumulate

from benchmarks.ground import note, prepared, say

PAIRS, VOCABULARY, WORDS = 16_000, 30_000, 150
BAR_MB, BAR_SECONDS = 512, 300


def texts(pairs: int) -> Iterator[tuple[str, str, str]]:
    """Prompt, better and worse response: the better one has more of the words that people like."""
    rng = random.Random(0)
    words = [f"w{number:x}" for number in range(VOCABULARY)]
    weights = list(accumulate(1 / (nth + 10) for nth in range(VOCABULARY)))
    worth = {word: rng.gauss(0, 1) for word in words}
    for number in range(pairs):
        both = [rng.choices(words, cum_weights=weights, k=rng.randint(WORDS // 2, 3 * WORDS // 2)) for _ in range(2)]
        both.sort(key=lambda said: rng.gauss(sum(map(worth.__getitem__, said)), 15), reverse=True)
        better, worse = map(" ".join, both)
        yield f"Question {number} on {' '.join(rng.choices(words, k=20))}?", better, worse


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    with prepared():
        run(parser.parse_args().pairs)


def run(pairs: int) -> None:
    from rankings.learning import making, reading

    gathered = reading.Gathered(1.0, lambda row: (row["prompt"], row["chosen"], row["rejected"]))
    took, before = 0.0, megabytes()
    for number, (prompt, better, worse) in enumerate(texts(pairs)):
        row = {"prompt": prompt, "chosen": better, "rejected": worse, "group_id": str(number)}
        begin = time.perf_counter()
        gathered.add(row, "train")
        took += time.perf_counter() - begin
    note(f"{pairs:,} pairs on as many prompts, {WORDS} words a response; {before:,.0f} MB before the first")
    say("taking in the texts", took, "s")
    begin, last = time.perf_counter(), [0.0]

    def tell(share: float) -> None:
        if last[0] < 0.2 <= share:
            say("features", time.perf_counter() - begin, "s")
        last[0] = share

    report = making.report(gathered.done(), tell)
    say("features, all models, figures", time.perf_counter() - begin, "s", f"{BAR_SECONDS} s")
    say("most memory", megabytes(), "MB", f"{BAR_MB} MB")
    for one in report["curve"]:
        say(f"accuracy from {one['labels']:,} labels", 100 * one["value"], "%")


if __name__ == "__main__":
    main()

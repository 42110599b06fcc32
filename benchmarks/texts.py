"""How long the worst texts take to be made readable: `python -m benchmarks.texts`.

The hostile texts of the tests, each as long as is rendered at all, one of a million characters, which is shown as it
stands, and pairs of 20 kB compared word by word. Processor time, the median of three; the slowest are printed.
"""

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from statistics import median

from benchmarks.ground import say

ROUNDS = 3
SHOWN = 3


def slowest(name: str, acts: Mapping[str, Callable[[], object]], bar: str) -> None:
    """The longest of these acts, one line each."""
    took = {act: median(_seconds(acts[act]) for _ in range(ROUNDS)) * 1000 for act in acts}
    for act in sorted(took, key=took.__getitem__, reverse=True)[:SHOWN]:
        say(f"{name}: {act}", took[act], "ms", bar)


def _seconds(act: Callable[[], object]) -> float:
    begin = time.thread_time()
    act()
    return time.thread_time() - begin


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("PRECEPTOR_LOCAL", "1")
    import django

    django.setup()
    from annotate import differences, rendering
    from tests.core.test_differences import PAIRS
    from tests.core.test_rendering import SLOW

    texts = SLOW | {"a million characters": "[a](b " * 170_000}
    slowest("rendered", {name: partial(rendering.to_html, text) for name, text in texts.items()}, "1000 ms")
    slowest("compared", {name: partial(differences.words, *pair) for name, pair in PAIRS.items()}, "200 ms")


if __name__ == "__main__":
    main()

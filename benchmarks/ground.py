"""The ground of every benchmark: a durable embedded PostgreSQL in a folder of its own, and a line for each measure.

`python -m benchmarks.<name> --help` tells what each takes. They are run by hand, never by the tests: what a
machine reaches is read beside the physical limit that the same run prints.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("BENCHMARK_DATA", ROOT / ".data" / "benchmarks"))


@contextmanager
def prepared(fresh: bool = True) -> Iterator[None]:
    """Django on an embedded PostgreSQL that syncs every commit; with `fresh`, on an empty database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("CELERY_BROKER_URL", "memory://")
    os.environ |= {"PRECEPTOR_DATA": str(DATA), "PRECEPTOR_LOCAL": "1", "PRECEPTOR_ROLE": "job"}
    os.environ["DATABASE_STATEMENT_TIMEOUT"] = "0"
    import django
    from django.core.management import call_command
    from django.db import connection

    from config import embedded

    with embedded.running(DATA):
        django.setup()
        if fresh:
            with connection.cursor() as cursor:
                cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        call_command("migrate", verbosity=0)
        try:
            yield
        finally:
            connection.close()


def say(measure: str, value: float | str, unit: str = "", bar: str = "") -> None:
    """One line a measure: what, how much, and the bar it is held against."""
    number = value if isinstance(value, str) else f"{value:,.1f}" if abs(value) < 100 else f"{value:,.0f}"
    print(f"{measure:<64} {number:>12} {unit:<10} {f'bar: {bar}' if bar else ''}".rstrip(), flush=True)


def note(words: str) -> None:
    """What the reader should know of the next measures; not a measure."""
    print(f"# {words}", file=sys.stderr, flush=True)


def median_ms(act: Callable[[], object], times: int) -> float:
    """Median wall time of `act()`, in milliseconds."""
    seconds = []
    for _ in range(times):
        begin = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds) * 1000


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]

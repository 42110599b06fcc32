"""Labels out, as files that trainers load.

`base` the contract of a format; `registry` finds formats; `sft` and `raw` are some, other apps have others;
`reading` labels in pages; `containers` JSON lines and Parquet; `streams` the verbs. The whole way: docs/formats.md.
"""

from annotate.exporting.base import Counts, Format
from annotate.exporting.containers import CONTAINERS
from annotate.exporting.reading import horizon
from annotate.exporting.registry import for_kind, formats, get
from annotate.exporting.streams import count, rows, stream

__all__ = [
    "CONTAINERS",
    "Counts",
    "Format",
    "count",
    "for_kind",
    "formats",
    "get",
    "horizon",
    "rows",
    "stream",
]

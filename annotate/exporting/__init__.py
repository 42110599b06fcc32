"""Labels out, as files that trainers load. One subject in a few modules:

`base` the contract of a format; `registry` finds formats; `sft` and `raw` are some (others are in other apps);
`reading` labels in pages; `containers` JSON lines and Parquet; `streams` the verbs. docs/formats.md tells the whole way.
"""

from annotate.exporting.base import Counts, Format, Row
from annotate.exporting.containers import CONTAINERS, Container
from annotate.exporting.reading import horizon
from annotate.exporting.registry import for_kind, formats, get
from annotate.exporting.streams import checked, count, rows, stream

__all__ = [
    "CONTAINERS",
    "Container",
    "Counts",
    "Format",
    "Row",
    "checked",
    "count",
    "for_kind",
    "formats",
    "get",
    "horizon",
    "rows",
    "stream",
]

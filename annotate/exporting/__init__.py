"""Labels out, as files that trainers load.

`base` the contract of a format; `registry` finds formats; `sft` and `raw` are some, other apps have others;
`reading` labels in pages; `containers` JSON lines and Parquet; `streams` the verbs. The whole way: docs/formats.md.
"""

from annotate.exporting.asking import Ask, CommonOptions, ask, plain
from annotate.exporting.base import REASONS, Counts, Format
from annotate.exporting.containers import CONTAINERS
from annotate.exporting.registry import for_kind, formats, get
from annotate.exporting.rendered import preview
from annotate.exporting.streams import Example, count, examples, rejected_left_out, rows, stream, written

__all__ = [
    "CONTAINERS",
    "REASONS",
    "Ask",
    "CommonOptions",
    "Counts",
    "Example",
    "Format",
    "ask",
    "count",
    "examples",
    "for_kind",
    "formats",
    "get",
    "plain",
    "preview",
    "rejected_left_out",
    "rows",
    "stream",
    "written",
]

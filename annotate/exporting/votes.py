"""How many raters a row speaks for, and how far they agree: the columns that formats have for it."""

import pyarrow as pa

from annotate.exporting.base import Labelled

#: The columns of `columns`.
COLUMNS = [("raters", pa.int64()), ("agreement", pa.float64())]


def columns(label: Labelled) -> tuple[int, float]:
    """How many people answered the label's task, and their `agreement`."""
    return label.raters, label.agreement

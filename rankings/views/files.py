"""The labels behind the figures, and tables as files for a spreadsheet."""

from typing import Any

from django.http import StreamingHttpResponse

from annotate.models import Task
from annotate.narrowing import KEPT
from annotate.quality.figures import csv_lines
from rankings.boards.telling import Table

#: Which labels boards and bias reports are made of, for `narrowing.link`.
COUNTING: dict[str, Any] = {"role": Task.Role.WORK.value, "verdict": KEPT}


def as_csv(table: Table, name: str) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(csv_lines(table.columns, table.rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer

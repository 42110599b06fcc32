"""PandaLM's 500 pairs with their three votes each, imported as a team would: one file, its labels beside its rows."""

import io
import json
from typing import Any

from annotate import importing
from annotate.management.commands.load_research_data import comparing_rows
from annotate.models import Import, Project, Queue
from tests import factories as make
from tests.journeys import research

#: A vote in the file, as places: equal, the first is better, the second is.
RANKS = {0: [1, 1], 1: [1, 2], 2: [2, 1]}


def rows() -> list[dict[str, Any]]:
    """Native rows with the votes of the three."""
    return [
        row
        | {
            "labels": [
                {"annotator": f"annotator {number}", "ranks": RANKS[vote[f"annotator{number}"]], "in_order": True}
                for number in (1, 2, 3)
            ]
        }
        for row, vote in zip(comparing_rows(research.folder()), research.votes(), strict=True)
    ]


def imported(project: Project | None = None) -> Queue:
    """A queue that compares, with the 500 pairs and 1,500 votes."""
    work = make.a_queue(project, "compare", overlap=1, options={"strength": False, "tie": True, "both_bad": False})
    file = io.BytesIO("".join(json.dumps(row) + "\n" for row in rows()).encode())
    job = importing.run_now(work, work.created_by, file, "votes.jsonl", "native")
    assert (job.state, job.rows_refused) == (Import.State.DONE, 0), job.error
    return work

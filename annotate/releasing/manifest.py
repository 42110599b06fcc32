"""manifest.json: everything that is known of a release, for programs and for audits."""

import json
from dataclasses import fields
from typing import Any

from annotate.exporting import asking
from annotate.exporting.base import REASONS, Counts
from annotate.releasing.told import Told, Whole

VERSION = 1
FORMULA = "mean over tasks of the mean of 1 - distance(a, b) over all pairs of labels of the task; 0 to 1"


def of(told: Told) -> dict[str, Any]:
    """The manifest; it names every file but itself and SHA256SUMS."""
    release, frozen = told.release, told.frozen
    return {
        "manifest_version": VERSION,
        "project": frozen["project"],
        "queue": {"id": release.queue_id, **frozen["queue"]},
        "release": {
            "number": release.number,
            "created_at": release.created_at.isoformat(),
            "note": release.note,
            "license": frozen["license"],
            "container": release.container,
            "rows": told.rows,
        },
        "frozen_at": {"label": release.label_horizon, "review": release.review_horizon},
        "code": frozen["code"],
        "options": release.options,
        "formats": [_format(one) for one in told.wholes],
        "labels": {
            "count": told.facts.labels,
            "fixed_by_reviewers": told.facts.fixed,
            "of_check_tasks": told.facts.checks,
            "by_annotator": told.facts.annotators,
            "outside": {"count": told.facts.labels_outside, "by_annotator": told.facts.outside},
            "by_guideline_version": told.facts.guidelines,
            "languages": told.facts.languages,
        },
        "guideline_version": frozen["guideline"]["version"] if frozen["guideline"] else None,
        "agreement": _agreement(told),
        "assets": frozen["assets"],
        "left_out": _left_out(told),
        "files": [
            {"name": one.name, "rows": one.rows, "size": one.size, "sha256": one.sha256} for one in sorted(told.files)
        ],
    }


def _format(one: Whole) -> dict[str, Any]:
    form = one.part.ask.format
    return {
        "name": form.name,
        "folder": f"data/{one.folder}",
        "options": asking.plain(one.part.ask.options),
        "columns": {column.name: str(column.type) for column in form.schema},
        "counts": numbers(one.counts),
        "splits": {split.name: {"rows": split.rows, "bytes": split.size, "files": split.files} for split in one.splits},
        "empty": not one.files,
        "empty_splits": sorted(set(one.part.ask.splits.names) - {split.name for split in one.splits}),
    }


def numbers(counts: Counts) -> dict[str, int]:
    """What was counted, by name; without the lists."""
    found = {one.name: getattr(counts, one.name) for one in fields(counts)}
    return {name: value for name, value in found.items() if isinstance(value, int)}


def _agreement(told: Told) -> dict[str, Any]:
    agreement = told.facts.agreement
    return {
        "value": agreement.value,
        "formula": FORMULA,
        "distance": told.frozen["queue"]["kind"],
        "tasks": agreement.tasks,
        "pairs": agreement.pairs,
        "tasks_looked_at": told.facts.sampled,
    }


def _left_out(told: Told) -> dict[str, Any]:
    total = sum(getattr(one.counts, reason) for one in told.wholes for reason in REASONS)
    file = told.left_out
    return {"rows": total, "listed": file.rows if file else 0, "file": file.name if file else None}


def text(manifest: dict[str, Any]) -> str:
    return json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"

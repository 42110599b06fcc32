"""A release's files, from its row alone: the same row gives the same bytes, whatever happened since.

data/<format>/<split>-00000-of-00005.<ending>   the rows, and what goes beside them (dataset_info.json)
left-out.jsonl                                  rows that are not in them, and why
README.md, croissant.json, manifest.json, SHA256SUMS
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from typing import Any

from django.utils import translation

from annotate.exporting import containers
from annotate.exporting.base import Counts
from annotate.exporting.streams import examples
from annotate.models import Release
from annotate.releasing import card, croissant, facts, freezing, manifest
from annotate.releasing.comparing import Index, index_name
from annotate.releasing.freezing import Part
from annotate.releasing.shards import Shards, Written, written
from annotate.releasing.told import Told, Whole, short


@dataclass(slots=True)
class Progress:
    """How far a build is; read by another thread."""

    labels: int = 0
    #: labels of the formats that are whole
    read: int = 0
    parts: int = 1
    counts: Counts = field(default_factory=Counts)

    def told(self) -> dict[str, Any]:
        read = self.read + self.counts.labels
        return {"labels_read": read, "progress": min(0.99, read / max(1, self.labels * self.parts))}

    def next(self) -> Counts:
        self.read, self.counts = self.read + self.counts.labels, Counts()
        return self.counts


@dataclass(frozen=True, slots=True)
class Built:
    """`files` are given out; `kept` are the names of all that is to be stored."""

    files: list[Written]
    kept: list[str]
    manifest: dict[str, Any]
    rows: int
    labels: int


def build(
    release: Release, root: Path, progress: Progress | None = None, check: Callable[[], None] = lambda: None
) -> Built:
    """Make the files below `root`. `check` is called now and then, and may raise to stop it."""
    progress = progress or Progress()
    with translation.override("en"):
        parts, found = freezing.parts(release), _facts(release)
        check()
        progress.labels, progress.parts = found.labels, len(parts)
        wholes = [_part(release, root, part, progress.next(), check) for part in parts]
        told = Told(release, found, wholes, _left_out(root, wholes))
        files = _described(told, root)
    kept = [one.name for one in files] + [index_name(part.folder) for part in parts]
    rows = sum(one.counts.rows for one in wholes)
    return Built(files, kept, told.manifest, rows, sum(one.counts.labels for one in wholes))


def _facts(release: Release) -> facts.Facts:
    return facts.gather(freezing.queue_of(release), release.label_horizon, freezing.checks(release))


def _part(release: Release, root: Path, part: Part, counts: Counts, check: Callable[[], None]) -> Whole:
    form = part.ask.format
    folder = root / "data" / part.folder
    shards = Shards(root, folder, form.schema, release.container)
    index = Index(root / index_name(part.folder))
    try:
        _write(part, counts, shards, index, check)
        index.close()
        files = shards.close()
    finally:
        shards.give_up()
    beside = form.companions({short(one, files): Path(one.name).name for one in files}) if files else {}
    return Whole(
        part, counts, files, [_document(root, f"data/{part.folder}/{name}", text) for name, text in beside.items()]
    )


def _write(part: Part, counts: Counts, shards: Shards, index: Index, check: Callable[[], None]) -> None:
    for batch in batched(examples(part.ask, counts), containers.BATCH):
        for split in sorted({one.split for one in batch}):
            mine = [one for one in batch if one.split == split]
            shards.add(split, [one.row for one in mine])
            index.add(split, mine)
        check()


def _left_out(root: Path, wholes: Sequence[Whole]) -> Written | None:
    lines = [
        json.dumps({"format": one.part.folder, **left._asdict()}, ensure_ascii=False)
        for one in wholes
        for left in one.counts.left_out
    ]
    return _document(root, "left-out.jsonl", "\n".join([*lines, ""]), len(lines)) if lines else None


def _document(root: Path, name: str, text: str, rows: int = 0) -> Written:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return written(root, path, rows)


def _described(told: Told, root: Path) -> list[Written]:
    """The files that tell of the others, after which the release is whole."""
    told.files += [
        _document(root, "README.md", card.text(told)),
        _document(root, "croissant.json", croissant.text(told)),
    ]
    told.manifest = manifest.of(told)
    told.files.append(_document(root, "manifest.json", manifest.text(told.manifest)))
    told.files.sort()
    sums = "".join(f"{one.sha256}  {one.name}\n" for one in told.files)
    return [*told.files, _document(root, "SHA256SUMS", sums)]

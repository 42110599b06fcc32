"""Preferences out of a release's own files, so that what is learned from is what was handed over.

Of a large release whole prompts are taken by chance, the same every time, and of texts what the model sees: so memory
is flat. What the formats are: `rankings.formats`.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
import pyarrow.parquet as pq

from annotate import releasing
from annotate.models import Release
from rankings.scoring.preference_model import Pairs
from rankings.scoring.text_features import Seen, seen

#: Pairs that are learned from at most, and of one prompt.
MOST_PAIRS, MOST_OF_PROMPT = 16_000, 400
_BATCH = 200

type Row = Mapping[str, Any]
#: Prompt, better and worse response.
type Said = tuple[str, str, str]


def _text(said: Any) -> str:
    """What a text, a turn or several turns say."""
    if isinstance(said, str):
        return said
    if isinstance(said, list):
        return "\n\n".join(map(_text, said))
    return str(said["content"] if "content" in said else said["value"])


def _apart(row: Row) -> Said:
    return _text(row["prompt"]), _text(row["chosen"]), _text(row["rejected"])


def _conversations(row: Row) -> Said:
    return _text(row["conversations"]), _text(row["chosen"]), _text(row["rejected"])


def _whole(row: Row) -> Said:
    return _text(row["chosen"][:-1]), _text(row["chosen"][-1]), _text(row["rejected"][-1])


def _dialogues(row: Row) -> Said:
    shared = os.path.commonprefix([row["chosen"], row["rejected"]])  # noqa: RUF071  # of texts
    before = shared[: shared.rfind(_SPEAKER) + len(_SPEAKER)] if _SPEAKER in shared else ""
    return before, *(row[one][len(before) :].removeprefix(" ") for one in ("chosen", "rejected"))


def _openai(row: Row) -> Said:
    return _text(row["input"]["messages"]), _text(row["preferred_output"]), _text(row["non_preferred_output"])


def _helpsteer(row: Row) -> Said:
    first, second = row["response1"], row["response2"]
    return _text(row["context"]), *((second, first) if row["overall_preference"] > 0 else (first, second))


_SPEAKER = "\n\nAssistant:"

#: Formats that hold preferences, those that know most of each first.
DIALECTS: dict[str, Callable[[Row], Said]] = {
    "preference": _apart,
    "preference-implicit": _whole,
    "preference-text": _apart,
    "preference-llama-factory": _conversations,
    "preference-hh": _dialogues,
    "preference-helpsteer3": _helpsteer,
    "preference-openai": _openai,
}


def source(release: Release) -> dict[str, Any] | None:
    """What its manifest says of the format that is read; None where none of its formats holds preferences."""
    formats = release.manifest.get("formats", [])
    held = {one["name"]: one for one in reversed(formats) if not one["empty"]}
    return next((held[name] for name in DIALECTS if name in held), None)


@dataclass(slots=True)
class Handed:
    """Pairs as they were handed over, an entry a pair but for `responses`.

    `group`: the label, "task-…" where several were made one, "" where the file doesn't say. `raters`, `agreement`: of
    its task; 1 where it doesn't say. `ties`: rows that prefer neither. `rows`: of the format in all.
    """

    responses: list[Seen] = field(default_factory=list)
    chosen: list[int] = field(default_factory=list)
    rejected: list[int] = field(default_factory=list)
    prompt: list[int] = field(default_factory=list)
    target: list[float] = field(default_factory=list)
    weight: list[float] = field(default_factory=list)
    group: list[str] = field(default_factory=list)
    raters: list[int] = field(default_factory=list)
    agreement: list[float] = field(default_factory=list)
    split: list[str] = field(default_factory=list)
    ties: int = 0
    rows: int = 0

    def __len__(self) -> int:
        return len(self.chosen)

    @property
    def pairs(self) -> Pairs:
        rows = [np.array(one, np.int64) for one in (self.chosen, self.rejected, self.prompt)]
        return Pairs(rows[0], rows[1], rows[2], np.array(self.target, np.float64), np.array(self.weight, np.float64))

    @property
    def lengths(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """By response, the logarithm of its length."""
        return np.array([one.facts[0] for one in self.responses], np.float64)

    @property
    def prompts(self) -> int:
        return len(set(self.prompt))

    def voices(self) -> dict[str, int]:
        """By group, how many people's labels it is. Pairs whose group is not known are a label each."""
        return {
            one or f"row-{nth}": raters if one.startswith("task-") else 1
            for nth, (one, raters) in enumerate(zip(self.group, self.raters, strict=True))
        }


def read(release: Release, most: int = MOST_PAIRS, check: Callable[[], None] = lambda: None) -> Handed:
    """The pairs of a release that has a `source`; some `most` of them. `check` is called now and then."""
    form = source(release)
    if form is None:
        return Handed()
    rows = sum(split["rows"] for split in form["splits"].values())
    gathered = Gathered(min(1.0, most / max(1, rows)), DIALECTS[form["name"]])
    gathered.handed.rows = rows
    for nth, (split, row) in enumerate(_rows(release, form)):
        gathered.add(row, split)
        if nth % 1_000 == 0:
            check()
    return gathered.done()


def _rows(release: Release, form: Row) -> Iterator[tuple[str, Row]]:
    """All rows, each with its split."""
    for file in release.files.filter(name__startswith=f"{form['folder']}/", rows__gt=0).order_by("name"):
        split = file.name.rsplit("/", 1)[1].split("-")[0]
        with releasing.open_file(release, file.name) as content:
            if release.container == "parquet":
                batches = pq.ParquetFile(content).iter_batches(_BATCH)
                yield from ((split, row) for batch in batches for row in batch.to_pylist())
            else:
                yield from ((split, msgspec.json.decode(line)) for line in content)


class Gathered:
    """Pairs of a share of all prompts. What asks the same is one prompt, whatever it is called."""

    def __init__(self, share: float, dialect: Callable[[Row], Said]) -> None:
        self.handed, self.dialect = Handed(), dialect
        self.most = share * 2**64
        self.prompts: dict[int, int] = {}
        self.responses: dict[tuple[int, bytes], int] = {}
        self.counts: list[int] = []

    def add(self, row: Row, split: str) -> None:
        asked, better, worse = self.dialect(row)
        key = int.from_bytes(_digest(" ".join(asked.split()).casefold()))
        if key > self.most:
            return
        prompt = self.prompts.setdefault(key, len(self.prompts))
        if prompt == len(self.counts):
            self.counts.append(0)
        soft = row.get("soft_label", 1.0)
        if row.get("overall_preference", 1) == 0 or soft == 0.5:
            self.handed.ties += 1
        elif self.counts[prompt] < MOST_OF_PROMPT:
            self.counts[prompt] += 1
            self._keep(row, split, prompt, [self._response(prompt, asked, one) for one in (better, worse)])

    def done(self) -> Handed:
        """The pairs, with prompts numbered by what they ask: so in another order of rows they are dealt alike."""
        used = set(self.handed.prompt)
        known = sorted(key for key, number in self.prompts.items() if number in used)
        place = {self.prompts[key]: nth for nth, key in enumerate(known)}
        self.handed.prompt = [place[one] for one in self.handed.prompt]
        return self.handed

    def _response(self, prompt: int, asked: str, text: str) -> int:
        """Its number; the same text below one prompt is one response."""
        key, known = (prompt, _digest(text)), self.handed.responses
        if key not in self.responses:
            self.responses[key] = len(known)
            known.append(seen(asked, text))
        return self.responses[key]

    def _keep(self, row: Row, split: str, prompt: int, both: list[int]) -> None:
        handed = self.handed
        handed.chosen.append(both[0])
        handed.rejected.append(both[1])
        handed.prompt.append(prompt)
        handed.target.append(float(row.get("soft_label", 1.0)))
        handed.weight.append(float(row.get("pair_weight", 1.0)))
        handed.group.append(str(row.get("group_id", "")))
        handed.raters.append(int(row.get("raters", 1)))
        handed.agreement.append(float(row.get("agreement", 1.0)))
        handed.split.append(split)


def _digest(text: str) -> bytes:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()

"""What a small preference model sees of a response: its words and letters, its style, and how it meets its prompt.

Words, pairs of words and runs of three letters are hashed (Weinberger et al. 2009, "Feature Hashing for Large Scale
Multitask Learning"), so no vocabulary is kept and nothing is downloaded; letters stand in for words where a language
has no spaces. Rare ones weigh more (Spärck Jones 1972), and each response's have length 1 together.
"""

import math
import re
from collections.abc import Sequence
from itertools import batched
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from annotate.quality import style

type Floats = NDArray[np.float64]
type Matrix = sparse.csr_array

#: So many characters of a response are read for words, and for runs of letters; and of a prompt. Bounds memory.
WORDS, LETTERS, ASKED = 2_000, 300, 4_000
#: As a power of two: columns for words, and for letters.
_WORD_COLUMNS, _LETTER_COLUMNS = 1 << 17, 1 << 15
_BATCH = 500
#: What fewer responses have tells nothing of others.
_FEWEST = 3
_WORD = re.compile(r"\w+")

#: The columns of `Seen.facts`.
FACTS = (
    *("length", "lists", "bold", "headers", "code", "from the prompt", "of the prompt", "new"),
    *("length for a long prompt", "unfinished"),
)


class Seen(NamedTuple):
    """A response: the beginning of its text, and what was counted of the whole (`FACTS`)."""

    text: str
    facts: tuple[float, ...]


def seen(prompt: str, response: str) -> Seen:
    """What is kept of a response: some 2 kB, however long it is."""
    dressed = style.of(response)
    asked = set(_WORD.findall(prompt[:ASKED].casefold()))
    said = set(_WORD.findall(response[:WORDS].casefold()))
    shared, length = len(asked & said), math.log1p(dressed.length)
    facts = (
        length,
        *(math.log1p(count) for count in dressed[1:]),
        shared / max(1, len(said)),
        shared / max(1, len(asked)),
        math.log1p(len(said) - shared),
        length * math.log1p(len(prompt)),
        float(bool(response.strip()) and response.rstrip()[-1].isalnum()),
    )
    return Seen(response[:WORDS], facts)


def matrix(responses: Sequence[Seen]) -> Matrix:
    """(responses, columns): words, letters and facts of each, as 32-bit floats.

    Every text is read twice, first to count, so that the whole is put down once, where it stays: memory.
    """
    ways = [_Way(responses, *how) for how in _HOW]
    facts = _facts(responses)
    room = sum(way.entries for way in ways) + facts.size
    data, columns, ends = np.empty(room, np.float32), np.empty(room, np.int32), [0]
    for begin in range(0, len(responses), _BATCH):
        some = responses[begin : begin + _BATCH]
        parts = [way.of(some) for way in ways] + [sparse.csr_array(facts[begin : begin + _BATCH])]
        part = sparse.hstack(parts, format="csr")
        place = slice(ends[-1], ends[-1] + part.nnz)
        data[place], columns[place] = part.data, part.indices
        ends += (ends[-1] + part.indptr[1:]).tolist()
    width = sum(way.width for way in ways) + facts.shape[1]
    shape = (len(responses), width)
    return sparse.csr_array((data[: ends[-1]], columns[: ends[-1]], np.array(ends, np.int32)), shape=shape)


#: By sort: what is read, how it is cut, how long the runs are, and into how many columns it goes.
_HOW = (("word", WORDS, (1, 2), _WORD_COLUMNS), ("char_wb", LETTERS, (3, 3), _LETTER_COLUMNS))


class _Way:
    """One way to cut texts: each entry by how rare it is among all responses, without columns that few have."""

    def __init__(
        self, responses: Sequence[Seen], analyzer: str, length: int, runs: tuple[int, int], columns: int
    ) -> None:
        # Here, for it takes as long to load as all of Django: only a worker that makes a model needs it.
        from sklearn.feature_extraction.text import HashingVectorizer

        self.length = length
        self.hashing = HashingVectorizer(
            analyzer=analyzer, ngram_range=runs, n_features=columns, token_pattern=_WORD.pattern, binary=True,
            norm=None, alternate_sign=False, dtype=np.float32,
        )  # fmt: skip
        parts = map(self._hashed, batched(responses, _BATCH))
        often = sum((np.bincount(part.indices, minlength=columns) for part in parts), np.zeros(columns, np.int64))
        self.kept = often >= _FEWEST
        self.rare = (1 + np.log((1 + len(responses)) / (1 + often[self.kept]))).astype(np.float32)
        self.width, self.entries = int(self.kept.sum()), int(often[self.kept].sum())

    def _hashed(self, some: Sequence[Seen]) -> Matrix:
        return sparse.csr_array(self.hashing.transform([one.text[: self.length] for one in some]))

    def of(self, some: Sequence[Seen]) -> Matrix:
        """(responses, columns), each row of length 1."""
        there = self._hashed(some)[:, self.kept]
        there.data *= self.rare[there.indices]
        row = np.repeat(np.arange(there.shape[0]), np.diff(there.indptr))
        length = np.sqrt(np.bincount(row, there.data.astype(np.float64) ** 2, there.shape[0]))
        there.data /= np.maximum(length, 1e-9).astype(np.float32)[row]
        return there


def _facts(responses: Sequence[Seen]) -> NDArray[np.float32]:
    """In standard deviations from the mean; 0 where all have the same."""
    facts = np.array([one.facts for one in responses], np.float64).reshape(-1, len(FACTS))
    if len(facts):
        spread = facts.std(axis=0)
        facts = np.divide(facts - facts.mean(axis=0), spread, out=np.zeros_like(facts), where=spread > 1e-9)
    return facts.astype(np.float32)

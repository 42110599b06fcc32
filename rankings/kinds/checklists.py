"""Weighted criteria: how a queue's options and a prompt's facts say them, and what verdicts on them are worth.

A criterion is `{"text": "Names the capital", "weight": 2}`; in a text field `2 | Names the capital`, or the text
alone for a weight of 1. A negative weight is a fault that takes points off.
"""

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from django.utils.translation import gettext as _

from rankings.kinds.scales import ListField

type Criterion = dict[str, Any]

MOST_CRITERIA, LONGEST_TEXT, HEAVIEST = 50, 1_000, 100
VERDICTS = ("yes", "no", "na")
_LINE = re.compile(r"(-?\d{1,3}(?:\.\d{1,3})?)\s*\|\s*(.*)")


class CriteriaField(ListField):
    """A weighted checklist, one criterion a line: see the module's docstring for both forms."""

    most = MOST_CRITERIA

    def of_line(self, line: str) -> Criterion:
        found = _LINE.fullmatch(line)
        return criterion(found[2].strip(), float(found[1])) if found else criterion(line, 1)

    def of_json(self, entry: Any) -> Criterion:
        return read(entry)

    def name_of(self, one: Criterion) -> str:
        return str(one["text"])

    def as_line(self, stored: Any) -> str:
        return f"{stored['weight']} | {stored['text']}" if isinstance(stored, dict) else str(stored)


def read(entry: Any) -> Criterion:
    """A criterion out of JSON; a `name` may stand beside its text. Raises ValueError with the reason."""
    if not isinstance(entry, dict) or not entry.keys() - {"name", "weight"} == {"text"}:
        raise ValueError(_("a criterion is an object with a text and a weight"))
    return criterion(entry["text"], entry.get("weight", 1))


def criterion(text: Any, weight: Any) -> Criterion:
    """A criterion in its canonical form. Raises ValueError with the reason."""
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TEXT or "\0" in text:
        raise ValueError(_("a criterion's text has 1 to %d characters") % LONGEST_TEXT)
    if type(weight) not in (int, float) or not isfinite(weight) or not 0 < abs(weight) <= HEAVIEST:
        raise ValueError(_("a weight is a number from -100 to 100, and not 0"))
    return {"text": " ".join(text.split()), "weight": int(weight) if weight == int(weight) else weight}


def of_facts(facts: Mapping[str, Any]) -> list[Criterion]:
    """The criteria that came with a prompt, in its `meta.criteria`. Raises ValueError with the reason."""
    given = facts.get("criteria", [])
    if not isinstance(given, list) or len(given) > MOST_CRITERIA:
        raise ValueError(_("must be a list of at most %d criteria") % MOST_CRITERIA)
    return [read(entry) for entry in given]


def score(criteria: Sequence[Criterion], verdicts: Sequence[str]) -> float:
    """Weights of the criteria met over the positive weights of those that apply, clipped to 0..1; 0 where none does.

    The explicit aggregation of "Rubrics as Rewards" (arXiv 2507.17746, section 3), with negative weights and the
    clipping of HealthBench (arXiv 2505.08775, section 3).
    """
    applying = [(one["weight"], verdict) for one, verdict in zip(criteria, verdicts, strict=True) if verdict != "na"]
    possible = sum(weight for weight, _verdict in applying if weight > 0)
    met = sum(weight for weight, verdict in applying if verdict == "yes")
    return min(max(met / possible, 0.0), 1.0) if possible else 0.0

"""Agreement is the same whatever order a file has: that the better response comes first there says nothing."""

import io
import json
from typing import Any

import pytest

from annotate import importing, labelling
from annotate.models import Queue
from annotate.quality import columns, pairs
from annotate.quality.pairs import Agreement
from tests import factories as make

pytestmark = pytest.mark.django_db

ROWS, SAME = 100, 80


@pytest.fixture(autouse=True)
def uploads(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def a_queue_of_preferences(kind: str, **options: Any) -> Queue:
    """100 rows of a file, the better response first in each, and an annotator who agrees with 80 of them."""
    work = make.a_queue(kind=kind, overlap=1, options=options)
    rows = [{"prompt": f"Q {n}", "chosen": f"Good {n}.", "rejected": f"Bad {n}."} for n in range(ROWS)]
    file = io.BytesIO("".join(json.dumps(row | {"preference_strength": 1}) + "\n" for row in rows).encode())
    importing.run_now(work, work.created_by, file, "rows.jsonl", "preference")
    person = make.a_member(work.project)
    for nth in range(ROWS):
        place = make.a_lease(person, work)
        better = place.task.response_ids[0 if nth < SAME else 1]
        payload = labelling.check(place, _answer(kind, "ab"[place.shown().index(better)], options))
        labelling.submit(person, place, labelling.Answer(payload, place.fence))
    return work


def _answer(kind: str, better: str, options: dict[str, Any]) -> dict[str, Any]:
    if kind == "rank":
        return {"ranks": {"a": 1 if better == "a" else 2, "b": 1 if better == "b" else 2}}
    return {"winner": better} | ({"strength": 1} if options["strength"] else {})


def told(work: Queue, name: str) -> Agreement:
    found = columns.load(work)
    (measure,) = [one for one in found.measures if one.name == name]
    return pairs.of(found, measure, found.counts, found.counts)


@pytest.mark.parametrize(
    ("kind", "measure", "options"),
    [
        ("compare", "preference", {"strength": False}),
        ("compare", "strength", {"strength": True}),
        ("rank", "order", {}),
    ],
)
def test_agreement_of_files_whose_better_response_comes_first(kind, measure, options):
    """80 of 100 pairs are equal and chance is a coin's, so 0.6 is beyond it. In the file's own order "the first is
    better" was 90 % of all answers: chance 82 %, alpha -0.11 and kappa 0, as if people said the opposite.
    """
    found = told(a_queue_of_preferences(kind, **options), measure)
    percent, alpha, kappa = found.percent().value, found.alpha().value, found.kappa(found.pairs).value
    assert percent == pytest.approx(0.8)
    assert found.chance() == pytest.approx(0.5, abs=0.03)
    assert alpha is not None and alpha == pytest.approx(0.6, abs=0.06)
    assert kappa is not None and kappa == pytest.approx(0.6, abs=0.06)

"""What our own files hold that no other tool's do: raw labels, ratings, checklists, edits. See docs/formats.md."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.importing.problems import Refused
from annotate.importing.shapes.base import Json, Shape, as_id, filled, last, needed, objects, opened, rest, text
from annotate.importing.shapes.ratings import RATINGS
from annotate.importing.shapes.training import asked

EDITS = "edits of the file"
_TEXTS = ("instruction", "input", "system", "category", "domain", "difficulty", "language", "source", "external_id")


def _raw(row: Json) -> Json:
    """A label with its prompt and its responses in the order in which they were shown, as the payload names them."""
    native = filled({name: text(row, name) for name in _TEXTS})
    native |= {name: found for name in ("messages", "meta", "tags") if (found := opened(row.get(name)))}
    native["responses"] = [
        {"text": needed(one, "text", path)}
        | filled({"model": text(one, "model", path), "external_id": as_id(one.get("external_id"))})
        | filled({"params": opened(one.get("params")) or None})
        for path, one in objects(row, "responses")
    ]
    payload = opened(row.get("payload"))
    if not isinstance(payload, dict):
        raise Refused("payload", _("must be an object"))
    # Who had it on a page took some time. Without it the label came from a file, in whatever order that had.
    timed = isinstance(seconds := row.get("active_seconds"), int | float) and seconds > 0
    said = {"annotator": needed(row, "annotator"), "payload": payload} | ({"in_order": True} if timed else {})
    return native | {"labels": [said]}


def _rated(row: Json) -> Json:
    """One response with its scores; flags and the checklist are kept with the response."""
    native = rest(row, {"prompt", "response", "scores", "flags", "rubric"}) | asked(row)
    scores = {needed(one, "axis", path): _number(one.get("score"), path) for path, one in objects(row, "scores")}
    kept = {name: found for name in ("flags", "rubric") if (found := opened(row.get(name)))}
    native["responses"] = [{"text": last(row, "response")[1]} | filled({"params": kept})]
    return native | ({"labels": [{"annotator": RATINGS, "scores": [scores]}]} if scores else {})


def _number(score: Any, path: str) -> float:
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise Refused(f"{path}.score", _("is missing") if score is None else _("must be a number"))
    return float(score)


def _checked(row: Json) -> Json:
    """One response with the verdicts on a checklist."""
    native = rest(row, {"prompt", "response", "criteria", "verdicts", "score"}) | asked(row)
    criteria = [
        {"text": needed(one, "criterion", path), "weight": _weight(one, path)} for path, one in objects(row, "criteria")
    ]
    verdicts = row.get("verdicts")
    if not isinstance(verdicts, list) or len(verdicts) != len(criteria):
        raise Refused("verdicts", _("must be a list with one for each of the criteria"))
    payload = {"criteria": criteria, "verdicts": {"a": verdicts}}
    native["responses"] = [{"text": last(row, "response")[1]}]
    return native | {"labels": [{"annotator": "checklists of the file", "payload": payload}]}


def _weight(criterion: Json, path: str) -> float:
    weight = criterion.get("weight", 1)
    if isinstance(weight, bool) or not isinstance(weight, int | float):
        raise Refused(f"{path}.weight", _("must be a number"))
    return int(weight) if float(weight).is_integer() else weight


def _edit(row: Json) -> Json:
    native = rest(row, {"prompt", "original", "edited", "diff"}) | asked(row)
    native["responses"] = [{"text": last(row, "original")[1]}]
    return native | {"labels": [{"annotator": EDITS, "text": last(row, "edited")[1]}]}


SHAPES = [
    Shape(
        "raw",
        gettext_lazy("Labels with their provenance (Preceptor)"),
        gettext_lazy("As exported here: a label with its prompt, its responses and its annotator's pseudonym."),
        lambda row: "label_id" in row and "payload" in row and "annotator" in row,
        _raw,
        ("annotator", "payload", "instruction", "input", "messages", "responses"),
    ),
    Shape(
        "rated",
        gettext_lazy("Ratings (Preceptor)"),
        gettext_lazy("As exported here: prompt, response and its scores by axis."),
        lambda row: "prompt" in row and "response" in row and "scores" in row,
        _rated,
        ("prompt", "response", "scores"),
    ),
    Shape(
        "checked",
        gettext_lazy("Checklists (Preceptor)"),
        gettext_lazy("As exported here: prompt, response, criteria and the verdict on each."),
        lambda row: "response" in row and "criteria" in row and "verdicts" in row,
        _checked,
        ("prompt", "response", "criteria", "verdicts"),
    ),
    Shape(
        "edits",
        gettext_lazy("Edits (Preceptor)"),
        gettext_lazy("As exported here: prompt, a response before and after it was edited."),
        lambda row: "prompt" in row and "original" in row and "edited" in row,
        _edit,
        ("prompt", "original", "edited"),
    ),
]

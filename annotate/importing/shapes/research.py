"""Published research files: PandaLM's votes, Self-Instruct's seed tasks and its models' answers.

WeOpenML/PandaLM (data/testset-v1.json), yizhongw/self-instruct (data/seed_tasks.jsonl, human_eval/).
"""

import re
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.importing.problems import Refused
from annotate.importing.shapes.base import Json, Shape, as_id, filled, needed, objects, rest, text, whole, with_meta

_VOTE = re.compile(r"annotator\d+")
_RANKS = {0: [1, 1], 1: [1, 2], 2: [2, 1]}


def _pandalm(row: Json) -> Json:
    votes = sorted((name for name in row if _VOTE.fullmatch(name)), key=lambda name: int(name[len("annotator") :]))
    native = rest(row, {"instruction", "input", "response1", "response2", "idx", "cmp_key", "motivation_app", *votes})
    if (number := as_id(row.get("idx"))) and "external_id" not in native:
        native["external_id"] = f"pandalm-{number}"
    native |= filled({"domain": text(row, "motivation_app")}) | _blank_or_not(row)
    models = _models(row)
    native["responses"] = [
        filled({"model": model}) | {"text": _spoken(row, name)}
        for name, model in zip(("response1", "response2"), models, strict=True)
    ]
    native["labels"] = [
        {"annotator": f"PandaLM, {name}", "ranks": _RANKS[whole(row, name, among=range(3))], "in_order": True}
        for name in votes
        if row[name] is not None
    ]
    return native


def _blank_or_not(row: Json) -> Json:
    """What is asked: where the instruction is blank, its input."""
    instruction, more = text(row, "instruction"), text(row, "input")
    return {"instruction": instruction, "input": more} if instruction.strip() else {"instruction": more}


def _models(row: Json) -> list[str]:
    """`cmp_key` names both; a model's own name may hold the sign between them, and then none is named."""
    names = text(row, "cmp_key").split("_")
    return names if len(names) == 2 else ["", ""]


def _spoken(row: Json, name: str) -> str:
    """An answer. Some were “True”, which their file holds as a truth value, or numbers."""
    value = row.get(name)
    return str(value) if isinstance(value, bool | int | float) else needed(row, name)


# --- Self-Instruct ---------------------------------------------------------------------------------------------------


def _seed(row: Json) -> Json | list[Json]:
    """A row for each instance: its input is asked, its output a response."""
    native = rest(row, {"id", "instruction", "instances", "is_classification", "motivation_app"})
    native |= filled({"domain": text(row, "motivation_app"), "instruction": needed(row, "instruction")})
    if isinstance(row.get("is_classification"), bool):
        native["category"] = "classification" if row["is_classification"] else "generation"
    instances = list(objects(row, "instances"))
    if not instances:
        raise Refused("instances", _("is missing"))
    name = as_id(row.get("id"))
    rows = []
    for nth, (path, one) in enumerate(instances):
        key = name if nth == 0 else f"{name}-{nth}"
        output = text(one, "output", path)
        responses = [{"text": output, "params": {"reference": True}}] if output else []
        rows.append(
            native
            | filled({"external_id": key if name else "", "input": text(one, "input", path)})
            | {"responses": responses}
        )
    return rows if len(rows) > 1 else rows[0]


def _prediction(row: Json) -> Json:
    native = rest(row, {"prompt", "instruction", "input", "response", "target"})
    native |= {"instruction": needed(row, "instruction").rstrip(), "input": text(row, "input")}
    native = with_meta(native, filled({"target": text(row, "target")}))
    return native | {"responses": [_answer(row.get("response"))]}


def _answer(response: Any) -> Json:
    """A model's answer, which may be a completion API's whole answer object."""
    if isinstance(response, str):
        return {"text": response}
    try:
        return filled({"model": response.get("model")}) | {"text": response["choices"][0]["text"]}
    except (AttributeError, KeyError, IndexError, TypeError) as error:
        raise Refused("response", _("must be text, or an answer with choices")) from error


SHAPES = [
    Shape(
        "pandalm",
        gettext_lazy("Voted pairs (PandaLM)"),
        gettext_lazy("instruction, input, response1, response2, and each annotator's vote: 1, 2, or 0 for neither."),
        lambda row: "response1" in row and "response2" in row and "annotator1" in row,
        _pandalm,
        ("instruction", "input", "response1", "response2", "annotator1", "annotator2", "annotator3", "cmp_key"),
    ),
    Shape(
        "self-instruct",
        gettext_lazy("Seed tasks (Self-Instruct)"),
        gettext_lazy("instruction, and instances of input and output; each instance becomes a prompt."),
        lambda row: "instruction" in row and "instances" in row,
        _seed,
        ("instruction", "instances"),
    ),
    Shape(
        "self-instruct-answers",
        gettext_lazy("A model's answers (Self-Instruct)"),
        gettext_lazy("instruction, input and response; the target is kept."),
        lambda row: "instruction" in row and "response" in row and "target" in row,
        _prediction,
        ("instruction", "input", "response", "target"),
    ),
]

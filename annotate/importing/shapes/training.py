"""The shapes that trainers read: preference pairs, verdicts, Alpaca, conversations; and our own.

TRL 1.16 (docs/source/dataset_formats.md), OpenAI fine-tuning (FineTuneChatRequestInput), LLaMA-Factory 0.9.5
(data/README.md: Alpaca with history, `kto_tag`), Stanford Alpaca.
"""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.importing.problems import Refused
from annotate.importing.shapes.base import Json, Shape, Turns, last, prompt, rest, text, turns

CHOICES, VERDICTS = "preferences of the file", "verdicts of the file"


def _alpaca(row: Json) -> Json:
    native = rest(row, {"instruction", "input", "output", "history", "kto_tag"})
    native |= {name: row[name] for name in ("instruction", "input") if name in row}
    if output := text(row, "output"):
        native |= judged(output, verdict(row, "kto_tag")) if "kto_tag" in row else {"responses": [{"text": output}]}
    if row.get("history"):
        parts = [text(row, name) for name in ("instruction", "input")]
        question = {"role": "user", "content": "\n\n".join(part for part in parts if part)}
        del native["instruction"]
        native.pop("input", None)
        native["messages"] = [*_history(row["history"]), question]
    return native


def _history(pairs: Any) -> Turns:
    found: Turns = []
    for nth, pair in enumerate(pairs if isinstance(pairs, list) else [None]):
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(one, str) for one in pair)):
            raise Refused(f"history[{nth}]", _("must be a list of two texts: question and answer"))
        found += [{"role": "user", "content": pair[0]}, {"role": "assistant", "content": pair[1]}]
    return found


def _chat(row: Json) -> Json:
    native = rest(row, {"messages", "prompt", "completion"})
    if row.get("messages") is not None:
        native["messages"], answer = answered(_weighed(row, native))
    else:
        native |= asked(row, "prompt")
        answer = last(row, "completion")[1] if row.get("completion") is not None else None
    if answer is not None:
        native["responses"] = [{"text": answer}]
    return native


def answered(said: Turns) -> tuple[Turns, str | None]:
    """A conversation's turns before its last answer, and that answer; None where it awaits one."""
    if said and said[-1]["role"] == "assistant":
        return said[:-1], said[-1]["content"]
    return said, None


def _weighed(row: Json, native: Json) -> Turns:
    """The turns; which of them OpenAI's trainer is to learn from (`weight`: 0 or 1) is kept under `meta`."""
    said = row["messages"]
    if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
        return turns(row, "messages")
    weights = [one.get("weight") for one in said]
    if weights != [None] * len(weights):
        native["meta"] = (native.get("meta") or {}) | {"weights": weights}
    bare = [{name: value for name, value in one.items() if name != "weight"} for one in said]
    return turns({"messages": bare}, "messages")


def _preference(row: Json) -> Json:
    (before, chosen), (also_before, rejected) = last(row, "chosen"), last(row, "rejected")
    if before != also_before:
        raise Refused("rejected", _("begins otherwise than chosen: only their last turns may differ"))
    # Some files have whole conversations and, under `messages`, the better one again.
    own = {"prompt", "chosen", "rejected", "messages"}
    if not before:
        return rest(row, own | {*_asked_in(row)}) | asked(row) | sides(row, chosen, rejected)
    _must_agree(row, before)
    return rest(row, own) | {"messages": before} | sides(row, chosen, rejected)


def _asked_in(row: Json) -> tuple[str, ...]:
    """The columns that are asked: where there is no prompt, Alpaca's, or a question."""
    if row.get("prompt") is None:
        for names in (("instruction", "input"), ("question",)):
            if row.get(names[0]) is not None:
                return names
    return ("prompt",)


def sides(row: Json, chosen: str, rejected: str) -> Json:
    """The responses of a pair, and the label that prefers the first."""
    # Which was preferred is kept, out of the annotators' sight like everything else of a response but its text.
    said = {"chosen": chosen, "rejected": rejected}
    label: Json = {"annotator": CHOICES, "ranks": [1, 2]}
    if (strength := row.get("preference_strength")) in (1, 2, 3):
        label["strength"] = int(strength)
    return {
        "responses": [{"text": one, "params": {"preference": side}} for side, one in said.items()],
        "labels": row.get("labels") or [label],
    }


def _must_agree(row: Json, before: Turns) -> None:
    """A prompt beside whole conversations must say what they begin with, as a text or as turns."""
    there = row.get("prompt")
    told = turns(row, "prompt") if isinstance(there, list) else there
    if told is not None and told not in (before, before[-1]["content"]):
        raise Refused("prompt", _("is not what chosen and rejected begin with"))


def asked(row: Json, *columns: str) -> Json:
    """The prompt. Our own plain texts end with a newline, for the trainer's sake."""
    name, *more = columns or _asked_in(row)
    found = prompt(row, name) | {key: text(row, key) for key in more if row.get(key)}
    if "prompt_id" in row and "instruction" in found:
        found["instruction"] = found["instruction"].removesuffix("\n")
    return found


def _unpaired(row: Json) -> Json:
    native = rest(row, {"completion", "label", "labels", *_asked_in(row)}) | asked(row)
    answer = last(row, "completion")[1]
    return native | judged(answer, verdict(row, "label"))


def judged(answer: str, good: bool) -> Json:
    """A response and what the file says of it."""
    return {"responses": [{"text": answer}], "labels": [{"annotator": VERDICTS, "verdicts": [good]}]}


def verdict(row: Json, name: str) -> bool:
    """A truth value; in CSV it is a word. -1 is refused: trainers take it for true."""
    value = row.get(name)
    value = value.strip().lower() if isinstance(value, str) else value
    known = {True: True, False: False, "true": True, "false": False, "1": True, "0": False}
    if isinstance(value, dict | list) or value not in known:
        raise Refused(name, _("is missing") if value is None else _("must be true or false"))
    return known[value]


def _ends_with_an_answer(row: Json) -> bool:
    said = row.get("messages")
    final = said[-1] if isinstance(said, list) and said else None
    return isinstance(final, dict) and final.get("role") == "assistant"


SHAPES = [
    Shape(
        "unpaired",
        gettext_lazy("Good and bad responses (TRL, KTO)"),
        gettext_lazy("prompt, completion and label (true or false); the label becomes a verdict."),
        lambda row: "prompt" in row and "completion" in row and "label" in row,
        _unpaired,
        ("prompt", "completion", "label"),
    ),
    Shape(
        "preference",
        gettext_lazy("Preference pairs (TRL)"),
        gettext_lazy(
            "chosen and rejected, with a prompt or with whole conversations; both become responses to one prompt."
        ),
        lambda row: "chosen" in row and "rejected" in row,
        _preference,
        ("prompt", "chosen", "rejected"),
    ),
    Shape(
        "alpaca",
        gettext_lazy("Alpaca"),
        gettext_lazy("instruction, input and output, also system and history; the output becomes a response."),
        lambda row: "instruction" in row and "output" in row,
        _alpaca,
        ("instruction", "input", "output", "history"),
    ),
    Shape(
        "messages",
        gettext_lazy("Conversations (OpenAI, TRL)"),
        gettext_lazy(
            "messages, or prompt with or without completion; a last turn of the assistant becomes a response."
        ),
        lambda row: "prompt" in row or _ends_with_an_answer(row),
        _chat,
        ("messages", "prompt", "completion"),
    ),
    Shape(
        "native",
        gettext_lazy("Preceptor's own"),
        gettext_lazy(
            "instruction and input, or messages; responses with their models; external_id, category, domain, "
            "difficulty, language, tags, source, meta, gold, check, priority. Other keys are refused."
        ),
        lambda row: "instruction" in row or "messages" in row,
        columns=("instruction", "input", "messages", "responses"),
    ),
]

"""The shapes in which rows come, and how each is turned into the native one.

What a foreign row carries besides its shape's own columns is kept: as itself where the native row has such a key
(`external_id`, `category`, `tags` ...), else under `meta`. A file's shape is told by its first rows.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.importing.problems import Refused
from annotate.importing.rows import Row, Turn

type Json = dict[str, Any]
type Turns = list[dict[str, str]]

#: Native keys that a row in another shape may carry beside its own.
SHARED = frozenset(Row.__struct_fields__) - {"instruction", "input", "messages", "responses"}
ROLES = {"system", "user", "assistant"}


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape: how to tell it from a row, and how to turn such a row into a native one (None: it is one)."""

    name: str
    title: str | Promise
    description: str | Promise
    fits: Callable[[Json], bool]
    turn: Turn | None = None


def shape_of(rows: Iterable[Json]) -> Shape | None:
    """What most of these rows look like; None where no shape fits any."""
    fitting = (next((shape for shape in SHAPES.values() if shape.fits(row)), None) for row in rows)
    votes = Counter(shape for shape in fitting if shape is not None)
    return votes.most_common(1)[0][0] if votes else None


def _alpaca(row: Json) -> Json:
    native = _rest(row, {"instruction", "input", "output", "history"})
    native |= {name: row[name] for name in ("instruction", "input") if name in row}
    if output := _text(row, "output"):
        native["responses"] = [{"text": output}]
    if row.get("history"):
        parts = [_text(row, name) for name in ("instruction", "input")]
        question = {"role": "user", "content": "\n\n".join(part for part in parts if part)}
        del native["instruction"]
        native.pop("input", None)
        native["messages"] = [*_history(row["history"]), question]
    return native


def _history(pairs: Any) -> Turns:
    turns: Turns = []
    for nth, pair in enumerate(pairs if isinstance(pairs, list) else [None]):
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair)):
            raise Refused(f"history[{nth}]", _("must be a list of two texts: question and answer"))
        turns += [{"role": "user", "content": pair[0]}, {"role": "assistant", "content": pair[1]}]
    return turns


def _chat(row: Json) -> Json:
    native = _rest(row, {"messages", "prompt", "completion"})
    if row.get("messages") is not None:
        turns = _turns(row, "messages")
        answer = turns.pop()["content"] if turns and turns[-1]["role"] == "assistant" else None
        native["messages"] = turns
    else:
        native |= _prompt(row)
        answer = _last(row, "completion")[1] if row.get("completion") is not None else None
    if answer is not None:
        native["responses"] = [{"text": answer}]
    return native


def _preference(row: Json) -> Json:
    native = _rest(row, {"prompt", "chosen", "rejected"})
    (before, chosen), (also_before, rejected) = _last(row, "chosen"), _last(row, "rejected")
    if before != also_before:
        raise Refused("rejected", _("begins otherwise than chosen: only their last turns may differ"))
    if before:
        _must_agree(row, before)
        native["messages"] = before
    else:
        native |= _prompt(row)
    # Which was preferred is kept, out of the annotators' sight like everything else of a response but its text.
    sides = {"chosen": chosen, "rejected": rejected}
    native["responses"] = [{"text": text, "params": {"preference": side}} for side, text in sides.items()]
    return native


def _must_agree(row: Json, before: Turns) -> None:
    """A prompt beside whole conversations must say what they begin with, as a text or as turns."""
    prompt = row.get("prompt")
    told = _turns(row, "prompt") if isinstance(prompt, list) else prompt
    if told is not None and told not in (before, before[-1]["content"]):
        raise Refused("prompt", _("is not what chosen and rejected begin with"))


def _prompt(row: Json) -> Json:
    prompt = row.get("prompt")
    if prompt is None:
        raise Refused("prompt", _("is missing"))
    return {"messages": _turns(row, "prompt")} if isinstance(prompt, list) else {"instruction": _text(row, "prompt")}


def _last(row: Json, name: str) -> tuple[Turns, str]:
    """The turns before an answer, and the answer, which may also stand as a plain text."""
    value = row.get(name)
    if value is None:
        raise Refused(name, _("is missing"))
    if not isinstance(value, list):
        return [], _text(row, name)
    turns = _turns(row, name)
    if not turns or turns[-1]["role"] != "assistant":
        raise Refused(name, _("must end with a turn of the assistant"))
    return turns[:-1], turns[-1]["content"]


def _turns(row: Json, name: str) -> Turns:
    value = row[name]
    if not isinstance(value, list):
        raise Refused(name, _("must be a list of messages"))
    return [_turn(turn, f"{name}[{nth}]") for nth, turn in enumerate(value)]


def _turn(turn: Any, path: str) -> dict[str, str]:
    if not isinstance(turn, dict):
        raise Refused(path, _("must be an object with role and content"))
    turn = {name: value for name, value in turn.items() if value is not None}
    for name in turn.keys() - {"role", "content"}:
        raise Refused(f"{path}.{name}", _("can't be imported: a turn has a role and a content"))
    if turn.get("role") not in ROLES:
        raise Refused(f"{path}.role", _("must be system, user or assistant"))
    return {"role": turn["role"], "content": _text(turn, "content", path)}


def _text(row: Json, name: str, path: str = "") -> str:
    value = row.get(name)
    if value is not None and not isinstance(value, str):
        raise Refused(f"{path}.{name}" if path else name, _("must be text"))
    return value or ""


def _rest(row: Json, own: set[str]) -> Json:
    """What the native row has a key for, and everything else under `meta`."""
    known = {name: value for name, value in row.items() if name in SHARED - own}
    extra = {name: value for name, value in row.items() if name not in SHARED | own and value is not None}
    if extra and isinstance(known.get("meta"), dict | None):
        known["meta"] = extra | (known.get("meta") or {})
    return known


def _ends_with_an_answer(row: Json) -> bool:
    turns = row.get("messages")
    last = turns[-1] if isinstance(turns, list) and turns else None
    return isinstance(last, dict) and last.get("role") == "assistant"


_ALL = [
    Shape(
        "preference",
        gettext_lazy("Preference pairs (TRL)"),
        gettext_lazy(
            "chosen and rejected, with a prompt or with whole conversations; both become responses to one prompt."
        ),
        lambda row: "chosen" in row and "rejected" in row,
        _preference,
    ),
    Shape(
        "alpaca",
        gettext_lazy("Alpaca"),
        gettext_lazy("instruction, input and output, also system and history; the output becomes a response."),
        lambda row: "instruction" in row and "output" in row,
        _alpaca,
    ),
    Shape(
        "messages",
        gettext_lazy("Conversations (OpenAI, TRL)"),
        gettext_lazy(
            "messages, or prompt with or without completion; a last turn of the assistant becomes a response."
        ),
        lambda row: "prompt" in row or _ends_with_an_answer(row),
        _chat,
    ),
    Shape(
        "native",
        gettext_lazy("Preceptor's own"),
        gettext_lazy(
            "instruction and input, or messages; responses with their models; external_id, category, domain, "
            "difficulty, language, tags, source, meta, gold, priority. Other keys are refused."
        ),
        lambda row: "instruction" in row or "messages" in row,
    ),
]
#: By name, in the order in which they are tried.
SHAPES = {shape.name: shape for shape in _ALL}

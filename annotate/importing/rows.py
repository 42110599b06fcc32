"""A row as it must be: types, lengths, and texts that PostgreSQL can hold.

Good native rows, which are nearly all, are read and checked by msgspec in one go. Only what that refuses, and what
came in another shape, goes the long way over plain dicts, where null means the same as a key left out, and where
the reason is found and put into words.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from django.utils.translation import gettext as _
from msgspec import Meta, Struct

from annotate.importing import limits
from annotate.importing.problems import Refused

type Key = Annotated[str, Meta(max_length=255)]
type Name = Annotated[str, Meta(max_length=200)]
type Text = Annotated[str, Meta(max_length=limits.MOST_TEXT)]


class Message(Struct, forbid_unknown_fields=True):
    role: Literal["system", "user", "assistant"]
    content: Text


class Answer(Struct, forbid_unknown_fields=True):
    """A response that came with its prompt."""

    text: Text
    model: Name = ""
    external_id: Key = ""
    params: dict[str, Any] = {}


class Said(Struct, forbid_unknown_fields=True):
    """A label that came with its row, of somebody outside, called `annotator`.

    Either `payload`, in the queue's kind (letters name the row's responses in their order), or what was said in no
    kind's words, by the place of each response: `ranks` (1 is best, equal numbers tie), `scores` by axis,
    `verdicts` (good or not), `steps` of the one response (1, 0, -1), `text` that was written. See `kinds.Said`.
    `in_order`: whether it is known that they were shown the responses in the row's order.
    """

    annotator: Name
    payload: dict[str, Any] | None = None
    ranks: Annotated[list[int], Meta(max_length=limits.MOST_RESPONSES)] | None = None
    scores: Annotated[list[dict[str, float]], Meta(max_length=limits.MOST_RESPONSES)] | None = None
    verdicts: Annotated[list[bool], Meta(max_length=limits.MOST_RESPONSES)] | None = None
    steps: Annotated[list[int], Meta(max_length=limits.MOST_STEPS)] | None = None
    text: Text = ""
    strength: int | None = None
    comment: Annotated[str, Meta(max_length=10_000)] = ""
    in_order: bool = False


class Row(Struct, forbid_unknown_fields=True):
    """A native row. Where `messages` is given, `read` has moved its system turn to `system`."""

    instruction: Text = ""
    input: Text = ""
    system: Text = ""
    messages: Annotated[list[Message], Meta(max_length=limits.MOST_TURNS)] | None = None
    responses: Annotated[list[Answer], Meta(max_length=limits.MOST_RESPONSES)] = []
    external_id: Key = ""
    category: Name = ""
    domain: Name = ""
    difficulty: Name = ""
    language: Annotated[str, Meta(max_length=35)] = ""
    tags: Annotated[list[Name], Meta(max_length=limits.MOST_TAGS)] = []
    source: Annotated[str, Meta(max_length=500)] = ""
    meta: dict[str, Any] = {}
    gold: dict[str, Any] | None = None
    #: what a row with `gold` is for: gold where nothing is said
    check: Literal["", "gold", "screen", "attention"] = ""
    priority: Annotated[int, Meta(ge=-32_768, le=32_767)] = 0
    labels: Annotated[list[Said], Meta(max_length=limits.MOST_LABELS)] = []


#: Makes native rows of one in another shape: one of them, or a list.
type Turn = Callable[[dict[str, Any]], dict[str, Any] | list[dict[str, Any]]]

_HALF = re.compile("[\ud800-\udfff]")
_native = msgspec.json.Decoder(Row)


def read(data: bytes, turn: Turn | None) -> list[Row]:
    """The rows that `data` (a JSON object) holds: one, unless `turn` makes several of it. Raises Refused."""
    plain = _is_plain(data)
    if plain and turn is None:
        try:
            return [_checked(_native.decode(data))]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # read it again, to say why
    found = as_dict(data)
    if not plain:
        check_storable(found, "")
    turned = turn(found) if turn else found
    return [_read(one) for one in (turned if isinstance(turned, list) else [turned])]


def _read(found: dict[str, Any]) -> Row:
    found = _without_nulls(found)
    try:
        row = msgspec.convert(found, Row)
    except msgspec.ValidationError as error:
        raise _in_words(str(error)) from error
    _check_sizes(row)
    return _checked(row)


def _is_plain(data: bytes) -> bool:
    """Whether nothing in the row can hold a NUL, be nested too deeply, or be too large under `meta` and its like."""
    shallow = data.count(b"{") + data.count(b"[") <= limits.DEEPEST
    return shallow and len(data) <= limits.MOST_EXTRA_BYTES and b"\\u0000" not in data


def as_dict(data: bytes) -> dict[str, Any]:
    """Any JSON object. Raises Refused."""
    try:
        row = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        row = _with_a_reason(data)
    if not isinstance(row, dict):
        raise Refused("row", _("must be a JSON object"))
    if len(row) > limits.MOST_COLUMNS:
        raise Refused("row", _("has more than %d keys") % limits.MOST_COLUMNS)
    return row


def _with_a_reason(data: bytes) -> Any:
    """Read again what msgspec refused: Python's own reader takes more, and says better what is wrong."""
    try:
        row = json.loads(data, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise Refused("row", _("is not UTF-8 text")) from error
    except RecursionError as error:
        raise Refused("row", _too_deep()) from error
    except json.JSONDecodeError as error:
        reason = _("is not JSON: %(error)s at character %(place)d")
        raise Refused("row", reason % {"error": error.msg, "place": error.pos + 1}) from error
    except ValueError as error:  # an integer of thousands of digits
        raise Refused("row", _too_large()) from error
    check_storable(row, "")
    return row


def _no_number(name: str) -> None:
    raise Refused("row", _("holds %s, which is not JSON and not a number") % name)


def _too_deep() -> str:
    return _("is nested more than %d levels deep") % limits.DEEPEST


def _too_large() -> str:
    return _("holds a number that is too large")


def _checked(row: Row) -> Row:
    """What types can't say. Raises Refused."""
    if row.messages is not None:
        _check_messages(row)
    elif not row.instruction.strip():
        raise Refused("instruction", _("is missing: a row needs an instruction or messages"))
    if row.check and row.gold is None:
        raise Refused("check", _("stands without gold: a check needs the answer that is right"))
    return row


def _check_sizes(row: Row) -> None:
    params = {f"responses[{nth}].params": answer.params for nth, answer in enumerate(row.responses)}
    payloads = {f"labels[{nth}].payload": said.payload for nth, said in enumerate(row.labels)}
    for name, extra in ({"meta": row.meta, "gold": row.gold} | params | payloads).items():
        if extra and len(msgspec.json.encode(extra)) > limits.MOST_EXTRA_BYTES:
            raise Refused(name, _("is larger than %d kB") % (limits.MOST_EXTRA_BYTES // limits.KB))


def _check_messages(row: Row) -> None:
    turns = row.messages or []
    if row.instruction or row.input:
        raise Refused("messages", _("stands beside an instruction or input: give one or the other"))
    first = 1 if turns and turns[0].role == "system" else 0
    for nth, turn in enumerate(turns[first:]):
        wanted = "assistant" if nth % 2 else "user"
        if turn.role != wanted:
            reason = _("is a turn of the %(role)s where one of the %(wanted)s is due: user and assistant take turns")
            raise Refused(f"messages[{first + nth}]", reason % {"role": turn.role, "wanted": wanted})
    if first:
        if row.system:
            raise Refused("messages[0]", _("is a system turn, and the row has a system text besides"))
        row.system, row.messages = turns[0].content, turns[1:]
        turns = row.messages
    if len(turns) % 2 == 0:
        raise Refused("messages", _("must end with a turn of the user, which awaits an answer"))
    if not turns[-1].content.strip():
        raise Refused("messages", _("ends with an empty turn"))


def check_storable(value: Any, path: str, depth: int = 0) -> None:
    """Refuse what PostgreSQL can't hold: characters that are none, numbers that are none, and endless nesting."""
    if isinstance(value, str):
        _sane_text(value, path)
    elif isinstance(value, float) and not math.isfinite(value):
        raise Refused(path, _too_large())
    elif isinstance(value, dict | list):
        if depth >= limits.DEEPEST:
            raise Refused(re.split(r"[.[]", path)[0], _too_deep())
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(name, str):
                _sane_text(name, path)
            check_storable(inner, _joined(path, name), depth + 1)


def _sane_text(text: str, path: str) -> None:
    if "\0" in text:
        raise Refused(path or "row", _("holds a NUL character (\\u0000), which can't be stored"))
    if not text.isascii() and _HALF.search(text):
        raise Refused(path or "row", _("holds half a character (a lone surrogate such as \\ud800)"))


def _joined(path: str, name: str | int) -> str:
    if isinstance(name, int):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name


def _without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    """Null means left out; in columns of whole numbers that some writers keep as floats, 3.0 means 3."""
    row = {name: _pruned(name, value) for name, value in row.items() if value is not None}
    if "priority" in row:
        row["priority"] = _whole(row["priority"])
    return row


def _pruned(name: str, value: Any) -> Any:
    if name == "labels" and isinstance(value, list):
        return [_with_whole_numbers(bare(one)) for one in value]
    if name not in {"messages", "responses"} or not isinstance(value, list):
        return value
    return [{k: v for k, v in one.items() if v is not None} if isinstance(one, dict) else one for one in value]


def bare(value: Any) -> Any:
    """Without nulls in objects, however deep: columns of a table give every object all keys."""
    if isinstance(value, dict):
        return {name: bare(inner) for name, inner in value.items() if inner is not None}
    return [bare(inner) for inner in value] if isinstance(value, list) else value


def _with_whole_numbers(label: Any) -> Any:
    if not isinstance(label, dict):
        return label
    lists = {name: label[name] for name in ("ranks", "steps") if isinstance(label.get(name), list)}
    return label | {name: [_whole(one) for one in values] for name, values in lists.items()}


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# --- msgspec's reasons, in words for a person ------------------------------------------------------------------------

_PATH = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_UNKNOWN = re.compile(r"unknown field `(?P<key>.*)`", re.DOTALL)
_MISSING = re.compile(r"missing required field `(?P<key>.*)`")
_TYPE = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<got>[^`]*)`")
_MOST = re.compile(r"Expected `(?P<type>\w+)` of length <= (?P<most>\d+)")


def _in_words(message: str) -> Refused:
    place = _PATH.search(message)
    path = place["path"] if place else ""
    message = message[: place.start()] if place else message
    if found := _UNKNOWN.search(message):
        key = f"{path}.{found['key']}" if path else found["key"]
        return Refused(key[:200], _("is not a key we know; whatever else a row carries belongs under meta"))
    if found := _MISSING.search(message):
        return Refused(f"{path}.{found['key']}" if path else found["key"], _("is missing"))
    if found := _TYPE.search(message):
        values = {"wanted": _type(found["wanted"]), "got": _type(found["got"])}
        return Refused(path or "row", _("must be %(wanted)s, not %(got)s") % values)
    if found := _MOST.search(message):
        unit = _("characters") if found["type"] == "str" else _("entries")
        return Refused(path, _("has more than %(most)s %(unit)s") % {"most": found["most"], "unit": unit})
    if path == "priority":
        return Refused(path, _("must be a whole number from -32768 to 32767"))
    if path.endswith("role"):
        return Refused(path, _("must be system, user or assistant"))
    if path == "check":
        return Refused(path, _("must be gold, screen or attention"))
    return Refused(path or "row", message)


def _type(names: str) -> str:
    words = {"str": _("text"), "int": _("a whole number"), "float": _("a number"), "bool": _("true or false"),
             "array": _("a list"), "object": _("an object"), "null": _("null")}  # fmt: skip
    return words.get(names.partition(" | ")[0], names)

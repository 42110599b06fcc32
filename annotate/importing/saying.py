"""What a row says that people outside said of its responses: checked as answers of the queue's kind."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

import msgspec
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext as _

from annotate import kinds, labelling
from annotate.importing import rows
from annotate.importing.problems import Refused
from annotate.importing.rows import Row
from annotate.kinds import Payload
from annotate.models import Assignment, Queue, Task

#: Answers without texts are few and come again and again: each is checked once.
KEPT_ANSWERS = 10_000

#: What of a label is a list with an entry for each response, and what else it may say.
BY_RESPONSE = ("ranks", "scores", "verdicts")
PARTS = (*BY_RESPONSE, "steps", "text")


@dataclass(slots=True)
class Voice:
    """What one of them said, and in which place of the row's list. `payload` names responses by the row's order, which
    is known to be the one they were shown where it is `in_order`.

    `digest` is the same for the same said of the same responses, in whatever order a row has them.
    """

    place: int
    annotator: str
    payload: Payload
    digest: bytes
    in_order: bool = False


@dataclass(frozen=True, slots=True)
class Candidates:
    """What of a row is judged: how many responses it has, and of those that are shown the texts and the keys."""

    count: int
    texts: Sequence[str]
    keys: Sequence[str]


class Hearing:
    """Hears the rows of one file for one queue."""

    def __init__(self, queue: Queue) -> None:
        self.kind, self.options = queue.way, queue.options
        self._reads: bool = self.kind.reads_with(self.options)
        self._known: Callable[[bytes, int], Payload] = lru_cache(KEPT_ANSWERS)(self._check_unread)

    def voices(self, row: Row, judged: Candidates) -> list[Voice]:
        """The row's labels, without those that say nothing this kind asks for. Raises Refused."""
        letters = kinds.letters_for(len(judged.texts))
        shown = kinds.Shown(letters, dict(zip(letters, judged.texts, strict=True)), row.meta)
        found = [self._voice(nth, said, judged, shown) for nth, said in enumerate(row.labels)]
        return [voice for voice in found if voice is not None]

    def _voice(self, place: int, said: rows.Said, judged: Candidates, shown: kinds.Shown) -> Voice | None:
        path = f"labels[{place}]"
        annotator = said.annotator.strip()
        if not annotator:
            raise Refused(f"{path}.annotator", _("is missing: a label says who gave it"))
        payload = self._payload(path, said, judged, shown)
        if payload is None:
            return None
        try:
            payload = self._checked(payload, shown)
        except ValidationError as error:
            name, messages = next(iter(error.message_dict.items()))
            raise Refused(_field(path, name, said), " ".join(messages)) from error
        return Voice(place, annotator, payload, self._digest(payload, judged.keys), said.in_order)

    def _payload(self, path: str, said: rows.Said, judged: Candidates, shown: kinds.Shown) -> Payload | None:
        if said.payload is not None:
            return dict(rows.bare(said.payload))
        return self.kind.answer(_by_letter(path, said, judged.count), shown, self.options)

    def _checked(self, payload: Payload, shown: kinds.Shown) -> Payload:
        if self._reads:
            return self._check(payload, shown)
        return self._known(msgspec.json.encode(payload), len(shown.letters))

    def _check_unread(self, payload: bytes, count: int) -> Payload:
        return self._check(msgspec.json.decode(payload), kinds.Shown(kinds.letters_for(count)))

    def _check(self, payload: Payload, shown: kinds.Shown) -> Payload:
        asked = Queue(kind=self.kind.name, options=self.kind.asked_outside(payload, self.options))
        place = Assignment(queue=asked, task=Task(queue=asked, response_ids=[*range(len(shown.letters))]))
        return labelling.check(place, payload, shown=shown)

    def _digest(self, payload: Payload, keys: Sequence[str]) -> bytes:
        letters = dict(zip(sorted(keys), kinds.letters_for(len(keys)), strict=True))
        names = {old: letters[key] for old, key in zip(kinds.letters_for(len(keys)), keys, strict=True)}
        return sha256(json.dumps(self.kind.rename(payload, names), sort_keys=True).encode()).digest()


def _by_letter(path: str, said: rows.Said, count: int) -> kinds.Said:
    return kinds.Said(
        ranks=_named(path, "ranks", said.ranks, count),
        scores=_named(path, "scores", said.scores, count),
        verdicts=_named(path, "verdicts", said.verdicts, count),
        steps=said.steps or (),
        text=said.text,
        strength=said.strength,
        comment=said.comment,
    )


def _named[V](path: str, part: str, values: Sequence[V] | None, count: int) -> Mapping[str, V]:
    if not values:
        return {}
    if len(values) != count:
        reason = _("has %(given)d entries for %(count)d responses: one for each is due, in their order")
        raise Refused(f"{path}.{part}", reason % {"given": len(values), "count": count})
    return dict(zip(kinds.letters_for(count), values, strict=True))


def _field(path: str, name: str, said: rows.Said) -> str:
    """Where in the row it stands what a field of the kind's form finds fault with."""
    if said.payload is not None:
        return f"{path}.payload" if name == NON_FIELD_ERRORS else f"{path}.payload.{name}"
    if name.partition(".")[0] in rows.Said.__struct_fields__:
        return f"{path}.{name}"
    given = [part for part in PARTS if getattr(said, part)]
    return f"{path}.{given[0]}" if len(given) == 1 else path

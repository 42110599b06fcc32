"""The contract of an export format: what of a label becomes a row, and how the row is written.

"Rows from the kind, files from the machine": a kind says what its answers hold (texts, comparisons); a format makes
rows of that; a container (`annotate.exporting.containers`) writes any rows. A format names no kind and no container.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import msgspec
import pyarrow as pa
from django import forms
from django.utils.functional import Promise
from msgspec import Struct
from msgspec.structs import replace

from annotate import kinds
from annotate.exporting.once import Once
from annotate.kinds import Kind, Payload

#: A row: the columns of the format's schema in their order, never None, so that any reader infers what we meant.
type Row = tuple[Any, ...]
type Message = dict[str, str]

#: Rows left out that are told one by one; the others are only counted.
LISTED = 1_000

#: What is known of a label's task and may stand in any row: the names are fields of `Labelled`.
MORE = {"raters": pa.int64(), "agreement": pa.float64(), "certainty": pa.float64()}

#: A conversation, as trainers read it: `[{"role": ..., "content": ...}, ...]`.
MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))


class Unwritable(ValueError):
    """A format can't make a row of this conversation; the message says why."""


# What is made by the million is a struct, made five times as fast as a named tuple and no work for the collector.


class PromptFacts(Struct, frozen=True, gc=False):
    """A prompt; `messages` is JSON, "" where there are none. After it: read only for a format that `tells_all`."""

    turns: list[Message] = []
    key: str = ""
    instruction: str = ""
    input: str = ""
    system: str = ""
    messages: str = ""
    external_id: str = ""
    category: str = ""
    domain: str = ""
    difficulty: str = ""
    language: str = ""
    tags: str = "[]"
    source: str = ""
    meta: str = "{}"
    #: SHA-256 (hex) of what is asked, whatever it is called
    digest: str = ""
    #: what is asked, the same however it is written (`models.prompts.asked`); read where splits are asked for
    asked: bytes = b""

    def folded(self) -> "PromptFacts":
        """The same with its system text at the head of the first user turn, as "S\\n\\nU".

        For models without a system turn (Gemma, Mistral). A conversation without a user turn stays as it is.
        """
        users = [nth for nth, turn in enumerate(self.turns) if turn["role"] == "user"]
        if not self.system or not users:
            return self
        turns = list(self.turns)
        turns[users[0]] = {"role": "user", "content": f"{self.system}\n\n{turns[users[0]]['content']}"}
        rest = [turn for turn in turns if turn["role"] != "system"]
        if self.messages:
            return replace(self, turns=rest, system="", messages=msgspec.json.encode(rest).decode())
        question = f"{self.system}\n\n{self.instruction}"
        return replace(self, turns=rest, system="", instruction=question)


class ResponseFacts(Struct, frozen=True, gc=False):
    """A response that was shown, as text and as a chat turn; the rest only for a format that `tells_all`."""

    text: str
    turn: Message
    key: str = ""
    external_id: str = ""
    model: str = ""
    params: str = "{}"


def said(text: str) -> ResponseFacts:
    """A text that an annotator wrote, as one of a response."""
    return ResponseFacts(text, {"role": "assistant", "content": text})


class LabelFacts(Struct, frozen=True, gc=False):
    """Where a label comes from; read only for a format that `tells_all`. Ids are strings, as they are in files."""

    queue_id: str = ""
    queue: str = ""
    task_id: str = ""
    annotator: str = ""
    guideline_version: int = 0
    active_seconds: float = 0.0
    created_at: str = ""
    supersedes: str = ""
    key: str = ""
    #: the annotator's name, which only a format that was asked for names may write
    person: str = ""
    #: whether a reviewer wrote it in place of another's
    fixed: bool = False
    #: "work", or which sort of check its task is
    role: str = "work"


class Labelled(Struct, frozen=True, gc=False):
    """A label with what it is about. `responses` are by letter, in the order in which they were shown.

    While rows are only counted the prompt is empty and a response's text is its digest: enough to tell texts apart.
    """

    id: int
    kind: Kind
    payload: Payload
    prompt: PromptFacts
    responses: dict[str, ResponseFacts]
    facts: LabelFacts = LabelFacts()
    #: texts the annotator wrote beside the responses, by the names of `Kind.written`
    written: Mapping[str, ResponseFacts] = MappingProxyType({})
    task_id: int = 0
    #: The answers that were combined into this one, under its letters; empty where it is one person's.
    votes: tuple[Payload, ...] = ()
    #: how many people answered its task, and how far they agree, see `kinds.agreement`
    raters: int = 1
    agreement: float = 1.0
    #: how sure it is what they say together: see `annotate.consensus`
    certainty: float = 0.0
    #: whose it is: a user id, for what learns of annotators, never for a file
    annotator: int = 0
    #: of several answers under common letters: the letters in the order of `kinds.by_chance`
    by_chance: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """What a label's rows have in common: the label, or the task where several were combined."""
        return f"task-{self.task_id}" if self.votes else str(self.id)

    @property
    def texts(self) -> Mapping[str, ResponseFacts]:
        """By name: the responses that were shown, and the texts that were written."""
        return {**self.responses, **self.written} if self.written else self.responses

    def text_of(self, name: str) -> ResponseFacts:
        """A response that was shown, or a text that was written."""
        return self.responses[name] if name in self.responses else self.written[name]


#: Why a row is left out that is told of by itself; each is a field of `Counts`.
REASONS = ("too_long", "contaminated", "unrenderable")


class LeftOut(NamedTuple):
    """A row that is not in the files: of which prompt, and why, by `REASONS`, with what was found.

    `found`: the number of tokens and whether it is estimated; the evaluation set's name and the run of words; what a
    template said.
    """

    prompt_id: str
    reason: str
    found: str


@dataclass(slots=True)
class Counts:
    """What an export holds and what it leaves out; `identical_dropped` are pairs of two equal texts."""

    labels: int = 0
    rows: int = 0
    labels_without_rows: int = 0
    ties_dropped: int = 0
    identical_dropped: int = 0
    #: rows with a response that says nothing, in formats that trainers read
    empty_dropped: int = 0
    #: by what was asked of all formats alike: see `asking`
    too_long: int = 0
    contaminated: int = 0
    #: rows that a template of the team's refuses
    unrenderable: int = 0
    #: tasks whose labels say nothing together: no majority, no consensus
    undecided: int = 0
    #: labels of tasks that check people: known answers, attention checks, repeats
    checks_left_out: int = 0
    #: labels that a reviewer rejected, where these are not wanted
    rejected_left_out: int = 0
    #: rows by split, where splits are asked for
    splits: dict[str, int] = field(default_factory=dict)
    #: rows that were left out, and why, up to `LISTED` of them
    left_out: list[LeftOut] = field(default_factory=list)
    #: tasks met so far, for a format that gives each prompt once
    tasks: Once = field(default_factory=Once, repr=False, compare=False)

    def leave_out(self, prompt_id: str, reason: str, found: str) -> None:
        """A row that was counted is left out after all; `reason` is the name of the field that counts it then."""
        self.rows -= 1
        setattr(self, reason, getattr(self, reason) + 1)
        if len(self.left_out) < LISTED:
            self.left_out.append(LeftOut(prompt_id, reason, found))


class Format[Pick](ABC):
    """One kind of training row. `annotate.exporting.sft` has the smallest ones."""

    name: ClassVar[str]
    title: ClassVar[str | Promise]
    description: ClassVar[str | Promise]
    #: Who loads its files unchanged: only what was tried with the released package.
    trainers: ClassVar[list[str]]
    #: Of the format itself for all, but that `configured` may add a column that was asked for.
    schema: pa.Schema
    options_form: ClassVar[type[forms.Form]] = forms.Form
    #: The method of `Kind` it lives on: a kind that has its own gives this format. Empty: every kind does.
    needs: ClassVar[str] = ""
    #: Whether it writes the provenance as well as the texts.
    tells_all: ClassVar[bool] = False
    #: Whether it has labels of tasks that check people, and says so.
    keeps_checks: ClassVar[bool] = False
    #: Whether it has labels that reviewers rejected, unless it is asked for others alone.
    keeps_rejected: ClassVar[bool] = False
    #: Columns of `MORE` that stand after its own.
    more: tuple[str, ...] = ()
    #: Whether rows are of use whose response says nothing: to audits, not to trainers.
    keeps_empty: ClassVar[bool] = False
    #: Whether `picks` looks at the prompt, so that it is read for counting too.
    picks_by_prompt: ClassVar[bool] = False
    #: Whether `row` may raise Unwritable: such a row is left out and counted.
    may_refuse: bool = False
    #: Whether it was asked to write people's names.
    names_people: bool = False

    def suits(self, kind: Kind) -> bool:
        """Whether this kind's labels can be written in this format."""
        return not self.needs or kind.has(self.needs)

    def is_asked_for(self, kind: Kind, options: Mapping[str, Any]) -> bool:
        """Whether labels made under these options of a queue can be. Those made before may fit all the same."""
        return not self.needs or kind.gives(self.needs, options)

    def kinds(self) -> list[Kind]:
        """The kinds whose labels can be written in this format."""
        return [kind for kind in kinds.all_kinds() if self.suits(kind)]

    def wants_amended(self, options: Mapping[str, Any]) -> bool:
        """Whether labels that were amended are written too, or only those that stand."""
        return False

    def configured(self, options: Mapping[str, Any]) -> "Format[Pick]":
        """The format as these checked options want it; itself where they don't change its rows."""
        return self

    def templates(self, options: Mapping[str, Any]) -> Iterable[str]:
        """The names of the templates that these options ask for, ours or the team's own."""
        return ()

    def with_sources(self, sources: Mapping[str, str]) -> "Format[Pick]":
        """The configured format, given the Jinja of those among its `templates` that are the team's own, by name."""
        return self

    def with_more(self, names: Sequence[str]) -> "Format[Pick]":
        """The configured format, with columns of `MORE` after its own."""
        if not names:
            return self
        chosen = copy(self)
        chosen.more, fields = (*self.more, *names), [pa.field(name, MORE[name]) for name in names]
        chosen.schema = pa.schema([*self.schema, *fields])
        return chosen

    def with_people(self, people: Mapping[str, str]) -> "Format[Pick]":
        """The configured format, given the names that people had, by pseudonym, for one that writes them."""
        return self

    def answers(self, label: Labelled, pick: Pick) -> Iterable[str]:
        """The response texts that a row holds, each of which would follow its prompt: for measuring their length."""
        return ()

    def snippets(self, file_name: str, options: Mapping[str, Any]) -> dict[str, str]:
        """By trainer, what to write into its configuration so that it loads the file as it is."""
        return {}

    def companions(self, file_names: Mapping[str, str]) -> dict[str, str]:
        """Files that go beside the data, by name (`dataset_info.json`); `file_names` are the data's, by split."""
        return {}

    @abstractmethod
    def picks(self, label: Labelled, counts: Counts) -> Iterable[Pick]:
        """What of a label becomes a row each. What is left out on purpose is counted here."""

    @abstractmethod
    def row(self, label: Labelled, pick: Pick) -> Row:
        """The row of one pick. Raises Unwritable where the format `may_refuse`."""

"""The contract of a kind: what is asked of a person, how the answer is checked, and what it gives.

A kind knows nothing of the database. Responses are named by the blind ids of one assignment, the letters
"a", "b", "c" ... in the order in which they were shown; `Kind.rename` turns a payload from one naming to another.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import StrEnum
from string import ascii_lowercase
from types import NoneType
from typing import Any, ClassVar, NamedTuple

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

type Payload = dict[str, Any]
type Options = Mapping[str, Any]


def letters_for(count: int) -> list[str]:
    """The blind ids of `count` responses, in shown order."""
    return list(ascii_lowercase[:count])


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a task or an answer is refused: the field it is about and a sentence for a person."""

    field: str
    reason: str


class Comparison(Struct, frozen=True, gc=False):
    """One response against another, by name. For a tie `winner` and `loser` are just the two sides.

    `strength` is 1 (slightly) to 3 (much better) where the annotator gave one, else None.
    Ranks are 1 for the best; equal for a tie.
    """

    winner: str
    loser: str
    tie: bool = False
    strength: int | None = None
    rank_winner: int = 1
    rank_loser: int = 2


class Verdict(NamedTuple):
    """One response called good or bad by itself."""

    name: str
    good: bool


class Rating(NamedTuple):
    """One response's score on one axis."""

    name: str
    axis: str
    score: int


class Checked(NamedTuple):
    """One criterion of a weighted checklist on one response: `verdict` is yes, no or na (doesn't apply)."""

    name: str
    criterion: str
    weight: float
    verdict: str


class StepLabel(NamedTuple):
    """One step of a response: its text and +1 (right), 0 (neither) or -1 (wrong)."""

    text: str
    rating: int


class Level(StrEnum):
    """What may be done with the values of a measure: Krippendorff's levels of measurement, orders, and texts."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"
    #: an opinion for each pair of responses, -1 (the first is better), 0 (tied) or 1
    ORDER = "order"
    #: no values: told by the kind's `distance` between answers alone
    DISTANCE = "distance"


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that annotators may agree on. `values`: a word for each value, those of whole numbers from `low` up."""

    name: str
    label: str | Promise
    level: Level
    values: tuple[str | Promise, ...] = ()
    low: int = 0


class Opinion(NamedTuple):
    """What an answer says on one measure of one item: a response's name, two of them as "a:b", a step, "" for all."""

    measure: str
    item: str
    value: float


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody outside said of a task's responses, by letter and in no kind's words; empty where they did not.

    `ranks`: 1 is best, equal numbers tie. `scores`: by axis. `steps`: 1 (right), 0 (neither), -1 (wrong).
    `text`: what they wrote. `strength`: of a preference, 1 to 3.
    """

    ranks: Mapping[str, int] = dataclass_field(default_factory=dict)
    scores: Mapping[str, Mapping[str, float]] = dataclass_field(default_factory=dict)
    verdicts: Mapping[str, bool] = dataclass_field(default_factory=dict)
    steps: Sequence[int] = ()
    text: str = ""
    strength: int | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What of a task an answer is checked against. `texts` and `facts` are read for a kind that `reads` alone.

    `letters`: the blind ids in shown order; `texts`: the responses' texts by letter; `facts`: the prompt's `meta`.
    """

    letters: Sequence[str] = ()
    texts: Mapping[str, str] = dataclass_field(default_factory=dict)
    facts: Mapping[str, Any] = dataclass_field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Example:
    """A task of this kind and a correct answer to it: feeds the contract test, the preview and the demo."""

    instruction: str
    payload: Payload
    other_payload: Payload
    input: str = ""
    responses: tuple[str, ...] = ()
    options: dict[str, Any] = dataclass_field(default_factory=dict)
    #: the prompt's `meta`
    facts: dict[str, Any] = dataclass_field(default_factory=dict)

    def shown(self) -> "Shown":
        """The task as it is before somebody who makes `payload` of it."""
        letters = letters_for(len(self.responses))
        return Shown(letters, dict(zip(letters, self.responses, strict=True)), self.facts)


class LabelForm(forms.Form):
    """Checks an answer, whether it comes as a page's POST or as an API's JSON payload.

    Arguments: `shown`, the task it answers; `options`, the queue's options.
    """

    comment = forms.CharField(
        label=_("Comment"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        shown: Shown | None = None,
        options: Options | None = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        self.shown = shown or Shown()
        self.letters = list(self.shown.letters)
        self.options: Options = options or {}
        self.build()

    def build(self) -> None:
        """Add the fields that depend on the responses shown or on the queue's options."""

    @classmethod
    def flatten(cls, payload: Payload) -> dict[str, Any]:
        """A payload as this form's field values. A key that the kind does not know is kept, to be refused by name."""
        return dict(payload)

    @classmethod
    def posted(cls, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """A page's POST as this form's field values: for a page that asks for several of them in one press."""
        return data

    def payload(self) -> Payload:
        """The answer, from what is valid so far: whole after `is_valid()`, partial for a draft."""
        raise NotImplementedError

    def unknown_fields(self) -> list[str]:
        """Names in the data that no field reads. The API refuses them; a page's POST carries others by right."""
        return sorted(set(self.data) - set(self.fields))


def wrong_types(form: forms.Form) -> dict[str, list[Any]]:
    """By field: what a JSON value is that an HTML form would have made into the right thing, or the wrong one."""
    wrong: dict[str, list[Any]] = {}
    for name, field in form.fields.items():
        if name not in form.data:
            continue
        value = form.data[name]
        if isinstance(field, forms.BooleanField) and not isinstance(value, bool):
            wrong[name] = [_("Must be true or false.")]
        elif isinstance(field, forms.IntegerField) and type(value) not in (int, float, NoneType):
            wrong[name] = [_("Must be a number.")]
        elif isinstance(field, forms.CharField) and not isinstance(value, str):
            wrong[name] = [_("Must be a text.")]
    return wrong


class Kind(ABC):
    """One kind of work. See the module's docstring; `annotate.kinds.write` is the smallest example."""

    name: ClassVar[str]
    label: ClassVar[str | Promise]
    description: ClassVar[str | Promise]
    #: what the annotator is asked to do, in a sentence
    asks: ClassVar[str | Promise]
    #: the prompt, the responses and their fields; with the partial `controls` (what stays in sight)
    template: ClassVar[str]
    #: (key, what it does), for the help and for whoever wants it on another key; "1 … 9" stands for several
    keys: ClassVar[Sequence[tuple[str, str | Promise]]] = ()
    #: ES module under static/js/ that adds keys and pointer acts to the page; the form works without it.
    script: ClassVar[str] = ""
    #: fewest and most responses a task of this kind shows
    responses: ClassVar[tuple[int, int]] = (0, 0)
    #: Whether its form needs the responses' texts and the prompt's facts, not only the letters.
    reads: ClassVar[bool] = False
    options_form: ClassVar[type[forms.Form]] = forms.Form
    label_form: ClassVar[type[LabelForm]] = LabelForm

    def reads_with(self, options: Options) -> bool:
        """Whether it `reads` under these options."""
        return self.reads

    def has(self, what: str) -> bool:
        """Whether its answers can hold `what`, a method of this class such as "ratings"."""
        return getattr(type(self), what) is not getattr(Kind, what)

    def gives(self, what: str, options: Options) -> bool:
        """Whether answers made under these options can hold it."""
        return self.has(what)

    def check_task(
        self, responses: Sequence[str], options: Options, facts: Mapping[str, Any] | None = None
    ) -> Iterator[Problem]:
        """What is wrong with a task of this kind, given its responses' texts and its prompt's `meta`."""
        low, high = self.responses
        if not low <= len(responses) <= high:
            wanted = f"{low}" if low == high else f"{low} to {high}"
            yield Problem("responses", f"{self.name} needs {wanted} responses, this row has {len(responses)}")

    def answer(self, said: Said, shown: Shown, options: Options) -> Payload | None:
        """What was said outside, as an answer of this kind; None where it says nothing this kind asks for.

        It is right under the options that `asked_outside` gives for it, where it can be right at all.
        """
        return None

    def asked_outside(self, payload: Payload, options: Options) -> Options:
        """The options under which somebody outside answered: they were not asked for all that this queue asks for."""
        return options

    def rename(self, payload: Payload, names: Mapping[str, str]) -> Payload:
        """The same answer with each response called `names[old name]`."""
        return payload

    @abstractmethod
    def distance(self, first: Payload, second: Payload) -> float:
        """How far two answers to one task are apart: 0 (the same) to 1. Both under the same names."""

    @abstractmethod
    def consensus(self, payloads: Sequence[Payload]) -> Payload | None:
        """What several answers to one task say together, or None where they say nothing together."""

    def measures(self, options: Options) -> Sequence[Measure]:
        """What annotators may agree on under these options, the chief one first. Never empty."""
        return [Measure("answer", _("Answer"), Level.DISTANCE)]

    def opinions(self, payload: Payload, names: Sequence[str], options: Options) -> Iterator[Opinion]:
        """What an answer says on each measure but those of level DISTANCE. `names`: all responses, in a fixed order.

        What can't be set beside answers made under `options` is left out, such as a score on another scale.
        """
        return iter(())

    def deciding(
        self, values: Mapping[str, float], names: Sequence[str], payloads: Sequence[Payload]
    ) -> Payload | None:
        """What several answers say together, but with these values on the chief measure, by item, as `opinions` has it.

        Of an item that is left out two values are level. For kinds whose chief measure is nominal.
        """
        return None

    def ordered(self, places: Mapping[str, int], payloads: Sequence[Payload]) -> Payload | None:
        """What several answers say together, but in this order: 1 is best, equal numbers tie. For kinds that order."""
        return None

    def demonstrations(self, payload: Payload) -> Iterator[str]:
        """Texts in this answer that a model should learn to write (supervised fine-tuning)."""
        return iter(())

    def in_words(self, payload: Payload) -> str:
        """The answer in one line, without the texts that were written. Responses are called as `payload` does."""
        return ""

    def written(self, payload: Payload) -> dict[str, str]:
        """Texts that this answer sets beside the responses shown, by a name that `comparisons` may use."""
        return {}

    def comparisons(self, payload: Payload) -> Iterator[Comparison]:
        """Every pair of responses this answer orders or ties; also of those it has `written`."""
        return iter(())

    def outdone(self, payload: Payload) -> Iterator[Comparison]:
        """Each response that this answer orders against each it calls unusable: they count where strengths are told and
        several answers are made one; but nothing is to be learned of such a pair, so it is in no file.
        """
        return iter(())

    def verdicts(self, payload: Payload) -> Iterator[Verdict]:
        """Responses called good or bad by themselves (unpaired preference, KTO)."""
        return iter(())

    def ratings(self, payload: Payload) -> Iterator[Rating]:
        """Scores of responses on named axes."""
        return iter(())

    def checked(self, payload: Payload) -> Iterator[Checked]:
        """Verdicts on the criteria of a checklist, response by response."""
        return iter(())

    def steps(self, payload: Payload, texts: Mapping[str, str]) -> Iterator[StepLabel]:
        """The steps of the one response with their labels (process rewards). `texts`: the responses, by letter."""
        return iter(())

    @abstractmethod
    def example(self) -> Example:
        """See `Example`."""

"""`steps`: a response in steps, each right (+1), neither (0) or wrong (-1): process rewards.

Payload: `{"steps": [1, 0, -1], "split": "paragraphs", "better": {"2": "..."}, "comment": ""}`. `split` is written by
the form, and may be sent back; `better` (where the queue asks for it) has a text for steps called wrong, by their
place from 0. Where the queue stops at the first error the list ends with it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.kinds import (
    Example,
    Kind,
    LabelForm,
    Level,
    Measure,
    Opinion,
    Options,
    Payload,
    Problem,
    Said,
    Shown,
    StepLabel,
)
from rankings.kinds.axes import flat
from rankings.kinds.criteria import enumerated
from rankings.kinds.rate import BY_KEYS

PARAGRAPHS, LINES = "paragraphs", "lines"
MOST_STEPS = 200
LONGEST_STEP = 20_000
WRONG = -1


class StepsOptions(forms.Form):
    split = forms.TypedChoiceField(
        label=_("A step is"),
        choices=[(PARAGRAPHS, _("what stands between blank lines")), (LINES, _("a line"))],
        initial=PARAGRAPHS,
        required=False,
        empty_value=PARAGRAPHS,
        help_text=_("Code and formulas stay whole. Drafts made of other steps are put aside; labels stay."),
    )
    stop = forms.BooleanField(
        label=_("Stop at the first error"),
        required=False,
        help_text=_("On: steps after a wrong one are not judged. Labels already given stay as they are."),
    )
    better = forms.BooleanField(
        label=_("A better text can be given for a wrong step"),
        required=False,
        help_text=_("Off: refused from now on. Texts already given stay with their labels."),
    )


# --- Cutting ---------------------------------------------------------------------------------------------------------

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_MATH = re.compile(r"(?<!\\)\$\$|\\\[|\\\]")


def split(text: str, how: str) -> list[str]:
    """The steps of a text, without blank ones. Fenced code and display formulas are never cut."""
    found: list[list[str]] = [[]]
    block = _Block()
    for line in text.splitlines():
        if not block.is_open and (how == LINES or not line.strip()):
            found.append([])
        block.read(line)
        if found[-1] or line.strip():
            found[-1].append(line)
    return ["\n".join(lines).rstrip() for lines in found if lines]


class _Block:
    """Whether the lines read so far end inside of fenced code or of a display formula."""

    def __init__(self) -> None:
        self.fence, self.math = "", False

    @property
    def is_open(self) -> bool:
        return bool(self.fence) or self.math

    def read(self, line: str) -> None:
        if fence := _FENCE.fullmatch(line):
            self._fence(fence[1], fence[2])
        elif not self.fence:
            for mark in _MATH.findall(line):
                self.math = not self.math if mark == "$$" else mark == r"\["

    def _fence(self, marks: str, rest: str) -> None:
        if not self.fence:
            self.fence = "" if marks[0] == "`" and "`" in rest else marks
        elif marks.startswith(self.fence) and not rest.strip():
            self.fence = ""


# --- The form --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """One step as the page shows it; `rating` is "1", "0", "-1" or ""."""

    place: int
    text: str
    rating: str
    better: str
    errors: list[str]


class StepsForm(LabelForm):
    def build(self) -> None:
        self.fields["split"] = forms.CharField(required=False, widget=forms.HiddenInput)
        if self.initial.get("split", self.how) != self.how:
            self.initial = {"comment": self.initial.get("comment", "")}  # a draft of other steps
        for place in range(len(self.texts)):
            self.fields[f"steps.{place}"] = forms.IntegerField(
                label=_("Step %d") % (place + 1), min_value=-1, max_value=1, required=False
            )
            if self.options.get("better"):
                self.fields[f"better.{place}"] = forms.CharField(
                    label=_("Better text for step %d") % (place + 1),
                    max_length=LONGEST_STEP,
                    required=False,
                    strip=False,
                )

    @property
    def how(self) -> str:
        return str(self.options.get("split", PARAGRAPHS))

    @property
    def stops(self) -> bool:
        return bool(self.options.get("stop", False))

    @cached_property
    def texts(self) -> list[str]:
        return split(self.shown.texts.get("a", ""), self.how)

    @classmethod
    def flatten(cls, payload: Payload) -> dict[str, Any]:
        rest = {name: value for name, value in payload.items() if name not in ("steps", "better")}
        steps = enumerated("steps", payload.get("steps", []))
        return rest | dict(steps) | dict(flat("better", payload.get("better", {})))

    def clean_split(self) -> str:
        if self.cleaned_data["split"] not in ("", self.how):
            raise forms.ValidationError(_("The response is cut into other steps now. Judge them anew."))
        return self.how

    def clean(self) -> dict[str, Any]:
        ratings = self._ratings()
        for place, rating in enumerate(ratings[: self._asked(ratings)]):
            if rating is None and not self.has_error(f"steps.{place}"):
                self.add_error(f"steps.{place}", _("Step %d is not judged yet.") % (place + 1))
        return self.cleaned_data

    def payload(self) -> Payload:
        ratings = self._ratings()
        ratings = ratings[: self._asked(ratings)]
        while ratings and ratings[-1] is None:
            ratings.pop()
        better = {"better": self._better(ratings)} if self.options.get("better") else {}
        return {"steps": ratings, "split": self.how, **better, "comment": self.cleaned_data.get("comment", "")}

    def _ratings(self) -> list[int | None]:
        return [self.cleaned_data.get(f"steps.{place}") for place in range(len(self.texts))]

    def _asked(self, ratings: Sequence[int | None]) -> int:
        """How many steps want an answer: up to the first wrong one where the queue stops there."""
        return ratings.index(WRONG) + 1 if self.stops and WRONG in ratings else len(ratings)

    def _better(self, ratings: Sequence[int | None]) -> dict[str, str]:
        texts = {str(n): self.cleaned_data.get(f"better.{n}", "") for n, one in enumerate(ratings) if one == WRONG}
        return {place: text for place, text in texts.items() if text.strip()}

    def rows(self) -> list[Row]:
        """The steps, for the page."""
        return [self._row(place, text) for place, text in enumerate(self.texts)]

    def _row(self, place: int, text: str) -> Row:
        rating, better = self[f"steps.{place}"], f"better.{place}"
        given = "" if rating.value() is None else str(rating.value())
        errors = [*rating.errors, *self.errors.get(better, [])]
        return Row(place, text, given, str(self[better].value() or "") if better in self.fields else "", errors)


class Steps(Kind):
    name = "steps"
    label = _("Judge steps")
    description = _("People say of each step of a response whether it is right: data for process rewards.")
    asks = _("Is each step right?")
    template = "kinds/steps.html"
    script = "js/steps.js"
    keys = (
        ("1 +", _("This step is right")),
        ("0", _("Neither right nor wrong")),
        ("2 -", _("This step is wrong")),
        ("b", _("Write a better step")),
        *BY_KEYS,
    )
    responses = (1, 1)
    reads = True
    options_form = StepsOptions
    label_form = StepsForm

    def answer(self, said: Said, shown: Shown, options: Options) -> Payload | None:
        """A number for each step as this queue cuts the response, or up to the first wrong one."""
        return {"steps": list(said.steps), "comment": said.comment} if said.steps else None

    def asked_outside(self, payload: Payload, options: Options) -> Options:
        """Who stopped at the first wrong step was asked to."""
        steps = payload.get("steps")
        stopped = isinstance(steps, list) and WRONG in steps and steps.index(WRONG) == len(steps) - 1
        better = bool(options.get("better")) and "better" in payload
        return {**options, "stop": stopped or bool(options.get("stop")), "better": better}

    def check_task(
        self, responses: Sequence[str], options: Options, facts: Mapping[str, Any] | None = None
    ) -> Iterator[Problem]:
        yield from super().check_task(responses, options, facts)
        if len(responses) == 1:
            count = len(split(responses[0], options.get("split", PARAGRAPHS)))
            if not 1 <= count <= MOST_STEPS:
                reason = _("has %(count)d steps; 1 to %(most)d can be judged") % {"count": count, "most": MOST_STEPS}
                yield Problem("responses[0].text", str(reason))

    def distance(self, first: Payload, second: Payload) -> float:
        """Mean of |x - y| / 2 over the steps that either judged; a step that only one judged counts 1/2."""
        pairs = [_pair(first["steps"], second["steps"], place) for place in range(_longest([first, second]))]
        apart = [abs(one - other) / 2 if one is not None and other is not None else 0.5 for one, other in pairs]
        return sum(apart) / len(apart) if apart else 0.0

    def consensus(self, payloads: Sequence[Payload]) -> Payload | None:
        """Of each step what more than half of those who judged it say, else 0; as far as more than half judged."""
        steps: list[int] = []
        for place in range(_longest(payloads)):
            votes = [one["steps"][place] for one in payloads if place < len(one["steps"])]
            if 2 * len(votes) <= len(payloads):
                break
            steps.append(next((one for one in (1, -1) if 2 * votes.count(one) > len(votes)), 0))
        return {"steps": steps, "split": payloads[0]["split"], "comment": ""} if steps else None

    def measures(self, options: Options) -> Sequence[Measure]:
        words = (_("wrong"), _("neither"), _("right"))
        return [Measure("steps", _("Steps"), Level.ORDINAL, words, WRONG)]

    def opinions(self, payload: Payload, names: Sequence[str], options: Options) -> Iterator[Opinion]:
        """Each step that was judged, if the response is still cut that way."""
        if payload["split"] == options.get("split", PARAGRAPHS):
            yield from (Opinion("steps", str(place), float(one)) for place, one in enumerate(payload["steps"]))

    def in_words(self, payload: Payload) -> str:
        """A sign for each step, in order."""
        return " ".join({1: "+", 0: "○", -1: "−"}[one] for one in payload["steps"])  # noqa: RUF001

    def steps(self, payload: Payload, texts: Mapping[str, str]) -> Iterator[StepLabel]:
        """The steps judged. Where the annotator stopped, those after are not among them."""
        for text, rating in zip(split(texts["a"], payload["split"]), payload["steps"], strict=False):
            yield StepLabel(text, rating)

    def example(self) -> Example:
        return Example(
            instruction="A train leaves at 9:40 and arrives at 12:05. How long does the journey take?",
            responses=(
                "From 9:40 to 10:00 it is 20 minutes.\n\nFrom 10:00 to 12:05 it is 2 hours and 5 minutes.\n\n"
                "Together that is 2 hours and 35 minutes.",
            ),
            options={"split": PARAGRAPHS, "stop": False, "better": True},
            payload={
                "steps": [1, 1, -1],
                "split": PARAGRAPHS,
                "better": {"2": "Together that is 2 hours and 25 minutes."},
                "comment": "",
            },
            other_payload={"steps": [1, 0, -1], "split": PARAGRAPHS, "better": {}, "comment": ""},
        )


def _longest(payloads: Sequence[Payload]) -> int:
    return max((len(one["steps"]) for one in payloads), default=0)


def _pair(ours: Sequence[int], theirs: Sequence[int], place: int) -> tuple[int | None, int | None]:
    return (ours[place] if place < len(ours) else None, theirs[place] if place < len(theirs) else None)

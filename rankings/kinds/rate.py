"""`rate`: score each response by itself, on named axes, with yes/no flags.

Payload: `{"scores": {"a": {"overall": 4}}, "scales": {"overall": [1, 5]}, "flags": {"a": ["made up"]}, "comment": ""}`;
`scales` is written by the form (see `rankings.kinds.axes`), `flags` is there where the queue asks for them.
Scores are absolute: they give ratings, and no preferences are made of them. An order derived from scores often
differs from the order the same person gives when asked for one.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.kinds import Example, Kind, Measure, Opinion, Options, Payload, Rating, Said, Shown
from rankings.kinds import axes
from rankings.kinds.axes import axes_field, flags_field
from rankings.kinds.scales import axes_in

OVERALL: list[dict[str, Any]] = [
    {"name": "overall", "low": 1, "points": ["bad", "poor", "fair", "good", "excellent"]},
]
#: Keys that every kind made of questions has.
BY_KEYS = (
    ("↑ ↓", _("Question before, question after (also k and j)")),
    ("Backspace", _("Take the answer back")),
)


class RateOptions(forms.Form):
    axes = axes_field(initial=OVERALL)
    flags = flags_field()

    def clean_axes(self) -> list[dict[str, Any]]:
        """A rating without any axis would ask nothing."""
        return self.cleaned_data["axes"] or OVERALL


class RateForm(axes.AxesForm):
    default_axes = OVERALL

    def payload(self) -> Payload:
        return self.judged() | {"comment": self.cleaned_data.get("comment", "")}


class Rate(Kind):
    name = "rate"
    label = _("Rate responses")
    description = _("People score one to nine responses, each by itself, on axes that you name.")
    asks = _("Score each response by itself.")
    template = "kinds/rate.html"
    script = "js/questions.js"
    keys = (("0 … 9", _("The point that shows this number; goes on to the next question")), *BY_KEYS)
    responses = (1, 9)
    options_form = RateOptions
    label_form = RateForm

    def answer(self, said: Said, shown: Shown, options: Options) -> Payload | None:
        """Scores on the queue's axes, by their names; None where no axis has one for each response."""
        scores = axes.said_outside(said, shown.letters, axes_in(options.get("axes", OVERALL)))
        return {**scores, "comment": said.comment} if scores else None

    def asked_outside(self, payload: Payload, options: Options) -> Options:
        asked = axes.asked_outside(payload, {"axes": OVERALL, **options})
        return asked if asked["axes"] else options

    def rename(self, payload: Payload, names: Mapping[str, str]) -> Payload:
        return payload | axes.rename(payload, names)

    def distance(self, first: Payload, second: Payload) -> float:
        """See `axes.distance`."""
        return axes.distance(first, second)

    def consensus(self, payloads: Sequence[Payload]) -> Payload | None:
        """See `axes.consensus`."""
        return axes.consensus(payloads) | {"comment": ""} if payloads else None

    def measures(self, options: Options) -> Sequence[Measure]:
        return list(axes.measures(options, OVERALL))

    def opinions(self, payload: Payload, names: Sequence[str], options: Options) -> Iterator[Opinion]:
        return axes.opinions(payload, names, options, OVERALL)

    def in_words(self, payload: Payload) -> str:
        return axes.in_words(payload)

    def ratings(self, payload: Payload) -> Iterator[Rating]:
        return axes.ratings(payload)

    def example(self) -> Example:
        scales = {"helpfulness": [0, 4], "correctness": [0, 4]}
        return Example(
            instruction="How do I get a wax stain out of a tablecloth?",
            responses=(
                "Let the wax harden and scrape it off. Then put paper towels above and below the stain and iron it "
                "warm: the paper takes up the rest. Change the paper until it stays clean.",
                "Cover the stain with salt. Salt dissolves wax within an hour.",
            ),
            options={
                "axes": [
                    {"name": "helpfulness", "low": 0, "points": ["useless", "poor", "fair", "good", "excellent"]},
                    {"name": "correctness", "low": 0, "points": ["wrong", "mostly wrong", "mixed", "mostly", "right"]},
                ],
                "flags": ["made up", "harmful advice"],
            },
            payload={
                "scores": {"a": {"helpfulness": 4, "correctness": 4}, "b": {"helpfulness": 1, "correctness": 0}},
                "scales": scales,
                "flags": {"b": ["made up"]},
                "comment": "",
            },
            other_payload={
                "scores": {"a": {"helpfulness": 3, "correctness": 4}, "b": {"helpfulness": 0, "correctness": 0}},
                "scales": scales,
                "flags": {},
                "comment": "",
            },
        )

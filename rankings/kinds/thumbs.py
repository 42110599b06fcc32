"""`thumbs`: each response good or bad, by itself.

Payload: `{"thumbs": {"a": true, "b": false}, "flags": {"b": ["too long"]}, "comment": ""}`; `flags` where asked.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.kinds import Example, Kind, Level, Measure, Opinion, Options, Payload, Said, Shown, Verdict
from rankings.kinds import axes
from rankings.kinds.axes import flags_field
from rankings.kinds.rate import BY_KEYS


class ThumbsOptions(forms.Form):
    flags = flags_field(label=_("Tags to tick for a response"))


@dataclass(frozen=True, slots=True)
class Thumb:
    """What a page shows of one response's answer so far: "true", "false" or ""."""

    value: str
    errors: list[str]


class ThumbsForm(axes.AxesForm):
    def build(self) -> None:
        for letter in self.letters:
            self.fields[f"thumbs.{letter}"] = forms.NullBooleanField(label=letter.upper())
        super().build()

    @classmethod
    def flatten(cls, payload: Payload) -> dict[str, Any]:
        flat = super().flatten(payload)
        return flat | dict(axes.flat("thumbs", flat.pop("thumbs", {})))

    def clean(self) -> dict[str, Any]:
        for letter in self.letters:
            if self._thumb(letter) is None:
                self.add_error(f"thumbs.{letter}", _("Say whether response %s is good or bad.") % letter.upper())
        return self.cleaned_data

    def payload(self) -> Payload:
        thumbs = {letter: self._thumb(letter) for letter in self.letters}
        given = {letter: good for letter, good in thumbs.items() if good is not None}
        return {"thumbs": given, **self.judged(), "comment": self.cleaned_data.get("comment", "")}

    def _thumb(self, letter: str) -> bool | None:
        good: bool | None = self.cleaned_data.get(f"thumbs.{letter}")
        return good

    def thumbs(self) -> dict[str, Thumb]:
        """By letter, for the page."""
        fields = {letter: self[f"thumbs.{letter}"] for letter in self.letters}
        return {
            letter: Thumb("" if field.value() is None else str(field.value()).lower(), [str(e) for e in field.errors])
            for letter, field in fields.items()
        }


class Thumbs(Kind):
    name = "thumbs"
    label = _("Thumbs up or down")
    description = _("People call each of one to nine responses good or bad.")
    asks = _("Is each response good or bad?")
    template = "kinds/thumbs.html"
    script = "js/questions.js"
    keys = (
        ("1 u +", _("Good")),
        ("2 e -", _("Bad")),
        *BY_KEYS,
    )
    responses = (1, 9)
    options_form = ThumbsOptions
    label_form = ThumbsForm

    def answer(self, said: Said, shown: Shown, options: Options) -> Payload | None:
        """Verdicts alone: that one response is better than another does not say that either is good."""
        return {"thumbs": dict(said.verdicts), "comment": said.comment} if said.verdicts else None

    def asked_outside(self, payload: Payload, options: Options) -> Options:
        return axes.asked_outside(payload, options)

    def rename(self, payload: Payload, names: Mapping[str, str]) -> Payload:
        thumbs = {names[one]: good for one, good in payload.get("thumbs", {}).items()}
        return payload | {"thumbs": thumbs} | axes.rename(payload, names)

    def distance(self, first: Payload, second: Payload) -> float:
        """Share of the responses both judge that they judge otherwise; tags don't count."""
        both = first["thumbs"].keys() & second["thumbs"].keys()
        return sum(first["thumbs"][one] != second["thumbs"][one] for one in both) / len(both) if both else 0.0

    def consensus(self, payloads: Sequence[Payload]) -> Payload | None:
        """What more than half say of each response; a response with as many for as against is left out."""
        votes: dict[str, int] = {}
        for payload in payloads:
            for name, good in payload["thumbs"].items():
                votes[name] = votes.get(name, 0) + (1 if good else -1)
        thumbs = {name: count > 0 for name, count in sorted(votes.items()) if count}
        return {"thumbs": thumbs, **axes.consensus(payloads), "comment": ""} if thumbs else None

    def deciding(
        self, values: Mapping[str, float], names: Sequence[str], payloads: Sequence[Payload]
    ) -> Payload | None:
        """A response of which good and bad are level is left out."""
        thumbs = {name: bool(value) for name, value in sorted(values.items())}
        return {"thumbs": thumbs, **axes.consensus(payloads), "comment": ""} if thumbs else None

    def measures(self, options: Options) -> Sequence[Measure]:
        return [Measure("thumbs", _("Good or bad"), Level.NOMINAL, (_("bad"), _("good"))), *axes.measures(options)]

    def opinions(self, payload: Payload, names: Sequence[str], options: Options) -> Iterator[Opinion]:
        yield from (Opinion("thumbs", name, float(good)) for name, good in payload["thumbs"].items())
        yield from axes.opinions(payload, names, options)

    def in_words(self, payload: Payload) -> str:
        said = {True: _("good"), False: _("bad")}
        return "; ".join(f"{name.upper()}: {said[good]}" for name, good in sorted(payload["thumbs"].items()))

    def verdicts(self, payload: Payload) -> Iterator[Verdict]:
        for name, good in payload["thumbs"].items():
            yield Verdict(name, good)

    def example(self) -> Example:
        return Example(
            instruction="Translate into French: “The train is late again.”",
            responses=("Le train est encore en retard.",),
            options={"flags": ["wrong", "unclear", "too long"]},
            payload={"thumbs": {"a": True}, "flags": {}, "comment": ""},
            other_payload={"thumbs": {"a": False}, "flags": {"a": ["unclear"]}, "comment": ""},
        )

"""`edit`: make the one response better.

Payload: `{"text": "...", "unchanged": false, "comment": ""}`. A text that is still the given one is refused, unless
the annotator says that there is nothing to improve (`unchanged`).
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.kinds import texts
from annotate.kinds.base import (
    Comparison,
    Example,
    Kind,
    LabelForm,
    Level,
    Measure,
    Opinion,
    Options,
    Payload,
    Said,
    Shown,
)

LONGEST = 200_000
#: the edited text's name among the responses
WRITTEN = "written"


class EditOptions(forms.Form):
    unchanged = forms.BooleanField(
        label=_("“Nothing to improve” can be chosen"),
        required=False,
        initial=True,
        help_text=_("Off: every response has to be changed. Answers already given stay."),
    )


class EditForm(LabelForm):
    text = forms.CharField(
        label=_("Better response"),
        max_length=LONGEST,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12}),
        error_messages={"required": _("Write a response first.")},
    )

    def build(self) -> None:
        self.initial.setdefault("text", self.given)
        if self.options.get("unchanged", True):
            self.fields["unchanged"] = forms.BooleanField(label=_("Nothing to improve"), required=False)

    @property
    def given(self) -> str:
        """The response to be made better; its lines end as those of a text field do."""
        return given(self.shown)

    @property
    def current(self) -> str:
        """The text as it stands in the field."""
        return str(self["text"].value() or "")

    def clean(self) -> dict[str, Any]:
        text, unchanged = self.cleaned_data.get("text"), self.cleaned_data.get("unchanged", False)
        if text is None:
            return self.cleaned_data
        if not text.strip():
            self.add_error("text", _("Write a response first."))
        elif unchanged and text != self.given:
            self.add_error("unchanged", _("You have changed the text. Untick this, or take your changes back."))
        elif not unchanged and text == self.given:
            self.add_error("text", self.still_given())
        return self.cleaned_data

    def still_given(self) -> Any:
        """What is said to who changed nothing."""
        if "unchanged" in self.fields:
            return _("The text is still as it was. Change it, or tick “Nothing to improve”.")
        return _("The text is still as it was. Change it.")

    def payload(self) -> Payload:
        valid = self.cleaned_data
        # What can't be handed in is still a draft: fall back on what was typed.
        text = valid.get("text", str(self.data.get("text", "")).replace("\0", ""))
        unchanged = valid.get("unchanged", False)
        return {"text": text, "unchanged": unchanged, "comment": valid.get("comment", "")}


def given(shown: Shown) -> str:
    """The response to be made better, its lines ending as those of a text field do."""
    return shown.texts.get("a", "").replace("\r\n", "\n").replace("\r", "\n")


class Edit(Kind):
    name = "edit"
    label = _("Edit a response")
    description = _("People make a given response better: a text to learn from, and a preference over the given one.")
    asks = _("Make the response better.")
    template = "kinds/edit.html"
    script = "js/edit.js"
    keys = (
        ("w", _("Edit the response")),
        ("n", _("Nothing to improve")),
        ("x", _("Show or hide the changes")),
    )
    responses = (1, 1)
    reads = True
    options_form = EditOptions
    label_form = EditForm

    def answer(self, said: Said, shown: Shown, options: Options) -> Payload | None:
        """The text written; one that is the given one says that there was nothing to improve."""
        if not said.text.strip():
            return None
        unchanged = {"unchanged": said.text == given(shown)} if options.get("unchanged", True) else {}
        return {"text": said.text, **unchanged, "comment": said.comment}

    def distance(self, first: Payload, second: Payload) -> float:
        return texts.distance(first, second)

    def consensus(self, payloads: Sequence[Payload]) -> Payload | None:
        return texts.medoid(payloads)

    def measures(self, options: Options) -> Sequence[Measure]:
        words = (_("made better"), _("nothing to improve"))
        return [*super().measures(options), Measure("unchanged", _("Nothing to improve"), Level.NOMINAL, words)]

    def opinions(self, payload: Payload, names: Sequence[str], options: Options) -> Iterator[Opinion]:
        yield Opinion("unchanged", "", float(payload["unchanged"]))

    def in_words(self, payload: Payload) -> str:
        return str(_("Nothing to improve")) if payload["unchanged"] else ""

    def demonstrations(self, payload: Payload) -> Iterator[str]:
        """The text as it is now, also where there was nothing to improve."""
        yield payload["text"]

    def written(self, payload: Payload) -> dict[str, str]:
        return {} if payload["unchanged"] else {WRITTEN: payload["text"]}

    def comparisons(self, payload: Payload) -> Iterator[Comparison]:
        """The edited text is better than the given one; none where there was nothing to improve."""
        if not payload["unchanged"]:
            yield Comparison(WRITTEN, "a")

    def example(self) -> Example:
        return Example(
            instruction="Remind a colleague of an overdue report, kindly.",
            responses=(
                "Hi Sam, your report was due on Friday and I still don't have it. Send it today or I will have to tell "
                "the manager.",
            ),
            payload={
                "text": "Hi Sam, I think your report was due on Friday. Could you send it to me today, or let me know "
                "if something is in the way?",
                "unchanged": False,
                "comment": "",
            },
            other_payload={
                "text": "Hi Sam, your report was due on Friday. Could you send it today? Thank you!",
                "unchanged": False,
                "comment": "",
            },
        )

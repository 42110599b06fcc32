"""Labels as the reader gives them to a format, and what a format makes of them."""

import json
from typing import Any

from annotate import exporting, kinds
from annotate.exporting.base import Counts, LabelFacts, Labelled, PromptFacts, ResponseFacts
from annotate.models.prompts import turns_of


def a_prompt(instruction="Why?", more="", system="", messages=None):
    turns = turns_of(instruction, more, system, messages)
    text = json.dumps(messages) if messages else ""
    return PromptFacts(turns, "p-1", "" if messages else instruction, more, system, text, external_id="p-1")


def a_label(kind="rank", payload=None, texts=None, prompt=None, votes=(), task_id=3):
    """A label as the reader gives it; the kind's example unless more is said."""
    way = kinds.get(kind)
    texts = list(way.example().responses) if texts is None else texts
    responses = {
        letter: ResponseFacts(text, {"role": "assistant", "content": text}, f"r-{letter}", model="m")
        for letter, text in zip(kinds.letters_for(len(texts)), texts, strict=True)
    }
    payload = payload or way.example().payload
    written = {name: ResponseFacts(text, *said(text)) for name, text in way.written(payload).items()}
    facts = LabelFacts(task_id=str(task_id), person="Ada Lovelace")
    prompt, given = prompt or a_prompt(), tuple(votes)
    told = (given, len(given) or 1, kinds.agreement(way, given))
    return Labelled(7, way, payload, prompt, responses, facts, written, task_id, *told)


#: What these kinds give a format only where a queue asks for it.
MORE = {
    "improved": {"of": "a", "text": "A better text."},
    "scores": {"a": {"overall": 4}},
    "scales": {"overall": [1, 5]},
}


def a_full_label(kind, form=None):
    """The kind's example; of a ranking and a comparison with all that can be asked besides; on the format's axes."""
    way = kinds.get(kind)
    more = MORE if kind in ("rank", "compare") else {}
    if axes := getattr(form, "axes", ()):
        low, high = form.scale
        scores = {letter: dict.fromkeys(axes, high) for letter in kinds.letters_for(len(way.example().responses))}
        more = {"scores": scores, "scales": {axis: [low, high] for axis in axes}}
    return a_label(kind, way.example().payload | more)


def configured(name, **options):
    """A format with the options given, the others as they are at first."""
    form = exporting.get(name)
    return form.configured({name: field.initial for name, field in form.options_form.base_fields.items()} | options)


def rows_of(form, label, counts=None):
    """The rows of one label, as dictionaries."""
    counts = counts or Counts()
    return [dict(zip(form.schema.names, form.row(label, pick), strict=True)) for pick in form.picks(label, counts)]


def ranking(ranks, unusable=()):
    return {"ranks": ranks, "unusable": list(unusable), "comment": ""}


def said(text):
    return [{"role": "assistant", "content": text}]


def asked(text):
    return [{"role": "user", "content": text}]


TALK = [*asked("Hello"), *said("Hi"), *asked("Why?")]


def axes_of(name: str) -> tuple[str, ...]:
    """The axes that a format of fixed axes wants."""
    form: Any = exporting.get(name)
    return tuple(form.axes)

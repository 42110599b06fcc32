"""Demonstrations: texts that a model should learn to write. Which trainer reads what: docs/formats.md."""

from collections.abc import Iterable
from itertools import batched, groupby

import pyarrow as pa
from django.utils.translation import gettext_lazy as _

from annotate.exporting.base import MESSAGES, Counts, Format, Labelled, Message, Row


class Demonstrations(Format[str]):
    """A row for each text that a kind's `demonstrations` gives."""

    needs = "demonstrations"

    def picks(self, label: Labelled, counts: Counts) -> Iterable[str]:
        return label.kind.demonstrations(label.payload)


class SftMessages(Demonstrations):
    name = "sft-messages"
    title = _("Conversations")
    description = _("The whole conversation, the written response as its last turn. No other column.")
    trainers = ["TRL", "LLaMA-Factory", "Axolotl", "OpenRLHF"]
    schema = pa.schema([("messages", MESSAGES)])

    def row(self, label: Labelled, pick: str) -> Row:
        return ([*label.prompt.turns, {"role": "assistant", "content": pick}],)


class SftPromptCompletion(Demonstrations):
    name = "sft-prompt-completion"
    title = _("Prompt and completion")
    description = _("The conversation so far and the written response, apart: only the response is learnt from.")
    trainers = ["TRL"]
    schema = pa.schema([("prompt", MESSAGES), ("completion", MESSAGES), ("prompt_id", pa.string())])

    def row(self, label: Labelled, pick: str) -> Row:
        return label.prompt.turns, [{"role": "assistant", "content": pick}], label.prompt.key


class Alpaca(Demonstrations):
    name = "alpaca"
    title = _("Alpaca")
    description = _("Instruction, input and output as plain texts; of a conversation, the earlier turns as history.")
    trainers = ["LLaMA-Factory"]
    schema = pa.schema(
        [
            ("instruction", pa.string()),
            ("input", pa.string()),
            ("output", pa.string()),
            ("system", pa.string()),
            ("history", pa.list_(pa.list_(pa.string()))),
        ]
    )

    def row(self, label: Labelled, pick: str) -> Row:
        prompt = label.prompt
        history: list[list[str]] = []
        question = prompt.instruction
        if prompt.messages:
            history, question = in_pairs(prompt.turns[1:] if prompt.system else prompt.turns)
        return question, prompt.input, pick, prompt.system, history


def in_pairs(turns: list[Message]) -> tuple[list[list[str]], str]:
    """A conversation as [question, answer] pairs and the question that is still open.

    Turns of one side that follow each other become one; an answer to no question gets an empty one.
    """
    sides = [(answers, list(said)) for answers, said in groupby(turns, lambda turn: turn["role"] == "assistant")]
    texts = ["\n\n".join(turn["content"] for turn in said) for _answers, said in sides]
    if sides[0][0]:
        texts.insert(0, "")
    if sides[-1][0]:
        texts.append("")
    return [list(pair) for pair in batched(texts[:-1], 2)], texts[-1]


FORMATS = [SftMessages(), SftPromptCompletion(), Alpaca()]

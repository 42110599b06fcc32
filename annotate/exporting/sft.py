"""Demonstrations: texts that a model should learn to write. Which trainer reads what: docs/formats.md."""

from collections.abc import Iterable
from itertools import batched

import pyarrow as pa
from django.utils.translation import gettext_lazy as _

from annotate.exporting.base import MESSAGES, Counts, Format, Labelled, Row


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
        if not prompt.messages:
            return prompt.instruction, prompt.input, pick, prompt.system, []
        # User and assistant take turns, and the user has the last: the importer sees to that.
        *before, question = [turn["content"] for turn in prompt.turns if turn["role"] != "system"]
        history = [list(pair) for pair in batched(before, 2)]
        return question, "", pick, prompt.system, history


FORMATS = [SftMessages(), SftPromptCompletion(), Alpaca()]

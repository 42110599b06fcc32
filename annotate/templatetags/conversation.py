"""A prompt's turns as a page shows them: what was said before can be folded away, what awaits an answer can't."""

from collections.abc import Sequence
from dataclasses import dataclass

from django import template

from annotate.panels import Turn

register = template.Library()

#: Earlier turns of more characters, or more of them, are folded at first.
SHORT_TEXT, SHORT_TALK = 1_500, 6


@dataclass(frozen=True, slots=True)
class Conversation:
    """`last` is what the user said last; `before` the earlier turns without the system's."""

    system: Turn | None
    before: Sequence[Turn]
    last: Turn

    @property
    def is_long(self) -> bool:
        return len(self.before) > SHORT_TALK or sum(len(turn.text) for turn in self.before) > SHORT_TEXT


@register.filter
def conversation(turns: Sequence[Turn]) -> Conversation:
    """The turns of a panel, told apart."""
    *before, last = turns
    system = before.pop(0) if before and before[0].role == "system" else None
    return Conversation(system, before, last)

"""How one answer differs from another of the same shown order, in words and in texts."""

from dataclasses import dataclass
from itertools import zip_longest

from django.utils.safestring import SafeString

from annotate import differences
from annotate.models import Label


@dataclass(frozen=True, slots=True)
class Correction:
    """What was said before and after, each in a line; and each text that was written, with its changes marked."""

    before: str
    after: str
    texts: list[SafeString]

    @property
    def in_words(self) -> bool:
        """Whether the lines differ."""
        return self.before != self.after


def correction(old: Label, new: Label) -> Correction:
    """The way from `old` to `new`, which supersedes it."""
    written = zip_longest(_texts(old), _texts(new), fillvalue="")
    texts = [differences.as_html(before, after) for before, after in written if before != after]
    return Correction(_words(old), _words(new), texts)


def _texts(label: Label) -> list[str]:
    return [*label.queue.way.demonstrations(label.payload), label.payload.get("comment", "")]


def _words(label: Label) -> str:
    return label.queue.way.in_words(label.payload)

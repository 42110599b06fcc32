"""What changed between two texts, word by word.

The longest common subsequence of their words stays (rapidfuzz: bit-parallel, so its time does not depend on what the
texts say); then lone words between larger changes go with these, because confetti can't be read.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from rapidfuzz.distance import LCSseq

type How = Literal["kept", "removed", "added"]

#: Pairs of words up to which words are compared (20 MB of memory), then lines; beyond, the texts as a whole.
MOST_PAIRS = 150_000_000

# Scripts that put no space between words go by their characters.
_ONE_BY_ONE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"([{_ONE_BY_ONE}]|[^\W{_ONE_BY_ONE}]+|[^\w\s])(\s*)|(\s+)")
_LINE = re.compile(r"([^\n]+)(\n*)|(\n+)")


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring words that met the same fate. All but the added is the old text, all but the removed the new."""

    how: How
    text: str


#: A word, and the white space after it, which is no reason to call the word changed.
type _Token = tuple[str, str]


def words(old: str, new: str) -> list[Run]:
    """The way from `old` to `new`, in the order of reading. Within 0.2 s for 20 kB on either side."""
    if old == new:
        return [Run("kept", new)] if new else []
    for pattern in (_WORD, _LINE):
        was, now = _tokens(pattern, old), _tokens(pattern, new)
        if len(was) * len(now) <= MOST_PAIRS:
            return _joined(_pieces(was, now))
    return [Run(how, text) for how, text in _changed(old, new)]


def as_html(old: str, new: str) -> SafeString:
    """The way from `old` to `new`, with <del> and <ins>. Show it with `white-space: pre-wrap`."""
    return format_html_join("", "{}", ([_marked(run)] for run in words(old, new)))


def sides_as_html(left: str, right: str) -> tuple[SafeString, SafeString]:
    """Two texts as peers: in each, what the other has not is in <mark>. Neither is the old one or the better one."""
    runs = words(left, right)
    return _side(runs, "removed"), _side(runs, "added")


def _marked(run: Run) -> SafeString | str:
    if run.how == "kept":
        return run.text
    if run.text.isspace():
        return run.text if run.how == "added" else ""
    if run.how == "removed":
        return _told("del", _("removed:"), run.text, _("end of removed"))
    return _told("ins", _("added:"), run.text, _("end of added"))


def _told(tag: str, before: str, text: str, after: str) -> SafeString:
    """Browsers don't say these elements aloud, so hidden words do. The space behind the last word stays outside."""
    inside = text.rstrip()
    html = "<{tag}>{hidden}{before} </span>{inside}{hidden} {after} </span></{tag}>{space}"
    hidden = mark_safe('<span class="visually-hidden">')
    space = text[len(inside) :]
    return format_html(html, tag=tag, hidden=hidden, before=before, inside=inside, after=after, space=space)


def _side(runs: list[Run], own: How) -> SafeString:
    mine = [run for run in runs if run.how in ("kept", own)]
    return format_html_join("", "{}", ([_only_here(run)] for run in mine))


def _only_here(run: Run) -> SafeString | str:
    if run.how == "kept" or run.text.isspace():
        return run.text
    return _told("mark", _("only here:"), run.text, _("end"))


# --- How it is found -------------------------------------------------------------------------------------------------


class _Stretch(NamedTuple):
    """Words of the old text, and those of the new one that stand in their place: the same, or others."""

    is_kept: bool
    old: list[_Token]
    new: list[_Token]

    @property
    def size(self) -> int:
        """Characters of the words of the longer side."""
        return max(sum(len(word) for word, _space in side) for side in (self.old, self.new))


def _tokens(pattern: re.Pattern[str], text: str) -> list[_Token]:
    return [(word, space + lone) for word, space, lone in pattern.findall(text)]


def _pieces(old: list[_Token], new: list[_Token]) -> Iterator[tuple[How, str]]:
    for one in _readable(_stretches(old, new)):
        if one.is_kept:
            yield from _kept(one.old, one.new)
        else:
            yield from _changed(_text(one.old), _text(one.new))


def _stretches(old: list[_Token], new: list[_Token]) -> Iterator[_Stretch]:
    """Kept and changed stretches in turn."""
    steps = LCSseq.opcodes([word for word, _space in old], [word for word, _space in new])
    for is_kept, some in groupby(steps, key=lambda step: step.tag == "equal"):
        run = list(some)
        first, last = run[0], run[-1]
        yield _Stretch(is_kept, old[first.src_start : last.src_end], new[first.dest_start : last.dest_end])


def _readable(stretches: Iterable[_Stretch]) -> list[_Stretch]:
    """The same, without kept stretches that are shorter than the changes on both their sides."""
    done: list[tuple[_Stretch, int]] = []
    for one in stretches:
        size = one.size
        while not one.is_kept and len(done) > 1 and done[-1][1] < min(done[-2][1], size):
            (kept, between), (left, before) = done.pop(), done.pop()
            one = _Stretch(False, left.old + kept.old + one.old, left.new + kept.new + one.new)
            size += between + before
        done.append((one, size))
    return [one for one, _size in done]


def _kept(old: list[_Token], new: list[_Token]) -> Iterator[tuple[How, str]]:
    for (_word, was), (word, now) in zip(old, new, strict=True):
        yield "kept", word + now if was == now else word
        if was != now:
            yield from _changed(was, now)


def _changed(old: str, new: str) -> Iterator[tuple[How, str]]:
    if old:
        yield "removed", old
    if new:
        yield "added", new


def _text(tokens: list[_Token]) -> str:
    return "".join(word + space for word, space in tokens)


def _joined(pieces: Iterator[tuple[How, str]]) -> list[Run]:
    """Neighbouring pieces as runs; in each change what was removed comes first."""
    runs: list[Run] = []
    for is_kept, some in groupby(pieces, key=lambda piece: piece[0] == "kept"):
        change = list(some)
        hows: tuple[How, ...] = ("kept",) if is_kept else ("removed", "added")
        texts = [Run(how, "".join(text for one, text in change if one == how)) for how in hows]
        runs.extend(run for run in texts if run.text)
    return runs

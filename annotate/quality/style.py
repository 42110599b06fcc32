"""How a text is dressed: its length, and how many lists, bold phrases, headers and code blocks its Markdown has.

After LMSYS, "Does style matter? Disentangling style and substance in Chatbot Arena" (2024), and the code it came with
(FastChat, `fastchat/serve/monitor/add_markdown_info.py`): list items and bold phrases are counted one by one, and what
stands in fenced code does not count. Code blocks are an addition of ours.
"""

import re
from typing import NamedTuple

_FENCE = "```"
# Possessive, and never over the end of a line: the time a hostile text takes grows with its length alone.
# A newline before each line, rather than `^`, is looked for many times as fast.
_LIST = re.compile(r"\n[ \t]*+(?:\d++\.|[-*+])[ \t]")
_STARS, _BARS = r"\*\*[^*\n]++\*\*", r"__[^_\n]++__"
#: A pattern that begins with a fixed mark is found five times as fast, so both together are for texts that have both.
_BOLD = {(1, 0): re.compile(_STARS), (0, 1): re.compile(_BARS), (1, 1): re.compile(f"{_STARS}|{_BARS}")}
_HEADER = re.compile(r"\n#{1,6}[ \t]")


class Style(NamedTuple):
    """`length`: characters; the others: how many of each."""

    length: int
    lists: int
    bold: int
    headers: int
    code: int


def of(text: str) -> Style:
    """The style of a Markdown text. One character is looked for several times as fast as two: so first for that."""
    plain, code = "\n" + text, 0
    if "`" in text:
        parts = text.split(_FENCE)
        plain, code = "\n" + "".join(parts[::2]), len(parts) // 2
    headers = len(_HEADER.findall(plain)) if "#" in plain else 0
    return Style(len(text), len(_LIST.findall(plain)), _bold(plain), headers, code)


def _bold(text: str) -> int:
    marks = "*" in text and "**" in text, "_" in text and "__" in text
    return len(_BOLD[marks].findall(text)) if any(marks) else 0

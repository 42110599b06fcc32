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
_BOLD = re.compile(r"\*\*[^*\n]++\*\*|__[^_\n]++__")
_HEADER = re.compile(r"\n#{1,6}[ \t]")


class Style(NamedTuple):
    """`length`: characters; the others: how many of each."""

    length: int
    lists: int
    bold: int
    headers: int
    code: int


def of(text: str) -> Style:
    """The style of a Markdown text."""
    parts = text.split(_FENCE)
    plain = "\n" + "".join(parts[::2])
    bold = len(_BOLD.findall(plain)) if "**" in plain or "__" in plain else 0
    return Style(len(text), len(_LIST.findall(plain)), bold, len(_HEADER.findall(plain)), len(parts) // 2)

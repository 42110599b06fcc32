r"""Formulas in Markdown: $…$, $$…$$, \(…\), \[…\] and \begin{align}…: a markdown-it plugin.

Written anew because the usual ones look for the end of a formula from each beginning to the end of the text: two
minutes for 100 kB of "$$". Here each search ends after `maths.LONGEST` characters.
"""

import re
from bisect import bisect_left
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from annotate.rendering import maths

#: LaTeX of one text, in characters; what follows is shown as it is written.
MOST_LATEX = 30_000

_BRACKETS = {"\\(": "\\)", "\\[": "\\]"}
# No price follows ("$5-$10") and no variable of a shell ("$HOME/bin:$PATH").
_DOLLARS = re.compile(r"\$((?:[^\\$`]|\\.){1,4000}+)\$(?!\d|[A-Z_]{2})", re.DOTALL)
_BEGIN = re.compile(r"\\begin\{((?:align|alignat|equation|gather|multline|eqnarray)\*?|[pbvBV]?matrix|cases|array)\}")
#: "$5 for one and 6$" is about money.
_PRICE = re.compile(r"\d[^\\^_={}]*[A-Za-z]{2}[^\\^_={}]*\Z")


def has_formulas(text: str) -> bool:
    """Whether there may be any: most texts have none and are spared the search."""
    return "$" in text or "\\(" in text or "\\[" in text or "\\begin{" in text


def formulas(markdown: MarkdownIt) -> None:
    """Teach a parser formulas."""
    markdown.inline.ruler.before("escape", "formula", _inline)
    markdown.block.ruler.before("fence", "formula", _block, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    markdown.add_render_rule("formula", _render)
    markdown.add_render_rule("formula_block", _render_block)


# --- In a line -------------------------------------------------------------------------------------------------------


def _inline(state: StateInline, silent: bool) -> bool:
    found = _formula_at(state.src, state.pos)
    if found is None:
        return False
    opening, latex, closing = found
    if not silent:
        token = state.push("formula", "math", 0)
        token.content, token.markup, token.info = latex, opening, closing
    state.pos += len(opening) + len(latex) + len(closing)
    return True


def _formula_at(text: str, at: int) -> tuple[str, str, str] | None:
    """(opening, LaTeX, closing) of the formula that begins at `at`."""
    if text[at] == "$":
        return _between(text, at, "$$", "$$") if text.startswith("$$", at) else _single(text, at)
    closing = _BRACKETS.get(text[at : at + 2])
    return _between(text, at, text[at : at + 2], closing) if closing else None


def _between(text: str, at: int, opening: str, closing: str) -> tuple[str, str, str] | None:
    start = at + 2
    end = text.find(closing, start, start + maths.LONGEST + 2)
    latex = text[start:end] if end > start else ""
    return (opening, latex, closing) if latex.strip() and "`" not in latex else None


def _single(text: str, at: int) -> tuple[str, str, str] | None:
    before = text[at - 1] if at else ""
    found = None if before.isascii() and before.isalnum() else _DOLLARS.match(text, at)
    if not found or found[1][0].isspace() or found[1][-1].isspace() or _PRICE.match(found[1]):
        return None
    return "$", found[1], "$"


# --- On lines of its own ---------------------------------------------------------------------------------------------


def _block(state: StateBlock, start: int, last: int, silent: bool) -> bool:
    at = state.bMarks[start] + state.tShift[start]
    found = None if state.is_code_block(start) else _ends(state.src, at)
    if found is None:
        return False
    opening, closing, end = found
    line = bisect_left(state.eMarks, end, start)
    if line >= last or state.src[end : state.eMarks[line]].strip():
        return False
    if silent:
        return True
    _push(state, (start, line + 1), opening, closing)
    return True


def _ends(text: str, at: int) -> tuple[str, str, int] | None:
    """(opening, closing, where it ends) of the formula block that begins at `at`; an environment is all LaTeX."""
    if text.startswith(("$$", "\\["), at):
        opening, closing = text[at : at + 2], "$$" if text[at] == "$" else "\\]"
    elif text.startswith("\\begin{", at) and (begin := _BEGIN.match(text, at)):
        opening, closing = begin[0], f"\\end{{{begin[1]}}}"
    else:
        return None
    inner = at + len(opening)
    end = text.find(closing, inner, inner + maths.LONGEST + len(closing))
    return (opening, closing, end + len(closing)) if end >= 0 and _is_one(text[inner:end]) else None


def _is_one(inner: str) -> bool:
    """Whether it is one formula: what begins on the line of its opening goes on without an empty line."""
    first = inner.partition("\n")[0]
    return bool(inner.strip()) and (not first.strip() or not re.search(r"\n[ \t>]*\n", inner))


def _push(state: StateBlock, lines: tuple[int, int], opening: str, closing: str) -> None:
    source = state.getLines(*lines, state.blkIndent, False).strip()
    is_environment = opening.startswith("\\begin")
    token = state.push("formula_block", "math", 0)
    token.block, token.map = True, list(lines)
    token.content = source if is_environment else source[len(opening) : -len(closing)]
    token.markup, token.info = ("", "") if is_environment else (opening, closing)
    state.line = lines[1]


# --- As HTML ---------------------------------------------------------------------------------------------------------


def _mathml(token: Token, env: Any, display: bool) -> str | None:
    env["latex"] = env.get("latex", 0) + len(token.content)
    if env["latex"] > MOST_LATEX:
        return None
    return maths.to_mathml(re.sub(r"\n\s*\n", "\n", token.content), display=display)


def _source(token: Token) -> str:
    return escape(token.markup + token.content + token.info)


def _render(renderer: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    return _mathml(token, env, token.markup in ("$$", "\\[")) or _source(token)


def _render_block(renderer: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    mathml = _mathml(tokens[index], env, True)
    return f"<div>{mathml}</div>\n" if mathml else f"<pre><code>{_source(tokens[index])}</code></pre>\n"

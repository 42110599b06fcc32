"""Markdown as HTML, with the project's own ways of showing images, headings, formulas and code."""

from functools import cache
from html import escape
from time import thread_time
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from annotate.rendering.cleaning import cleaner
from annotate.rendering.colours import TOO_SLOW as LONGEST_COLOURING
from annotate.rendering.colours import coloured
from annotate.rendering.formulas import formulas, has_formulas

#: Longer texts are shown as they are.
LONGEST = 100_000
#: Texts longer than this are watched, and shown as they are when they take more seconds of processor time than that.
LONG = 10_000
TOO_SLOW = 0.6
#: Rendered text that grew to this is shown as it is: a table's missing cells are filled in.
MOST_HTML = 700_000

_BOXES = {"[ ] ": "☐ ", "[x] ": "☑ ", "[X] ": "☑ "}


class _TooSlow(Exception):
    """A text that was made to take long."""


def to_html(text: str) -> SafeString:
    """One text, rendered now. Never raises: what can't be rendered is shown as it is."""
    if len(text) > LONGEST:
        return _plain(text)
    markdown = _markdown(has_formulas(text), len(text) > LONG)
    try:
        html = markdown.render(text, {"until": thread_time() + TOO_SLOW})
    except (_TooSlow, RecursionError):
        return _plain(text)
    if len(html) > MOST_HTML:
        return _plain(text)
    return mark_safe(cleaner().clean(html))  # noqa: S308 - this is the one place that makes untrusted text safe


def _plain(text: str) -> SafeString:
    return mark_safe(f'<pre class="plain">{escape(text)}</pre>')  # noqa: S308 - escaped


@cache
def _markdown(with_formulas: bool, is_long: bool) -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False})
    markdown.enable(["table", "strikethrough"])
    if with_formulas:
        markdown.use(formulas)
    if is_long:
        markdown.block.ruler.before("table", "watch", _watch, {"alt": ["paragraph", "blockquote", "list"]})
        markdown.inline.ruler.before("text", "watch", _watch)
    markdown.core.ruler.push("blocks", _blocks)
    markdown.add_render_rule("image", _image)
    markdown.add_render_rule("fence", _fence)
    # A response's headings are not the page's: keep its own, but under the page's two levels.
    markdown.add_render_rule("heading_open", _heading)
    markdown.add_render_rule("heading_close", _heading)
    return markdown


def _watch(state: StateBlock | StateInline, *_: Any) -> bool:
    if thread_time() > state.env["until"]:
        raise _TooSlow
    return False


def _blocks(state: StateCore) -> None:
    """Each block of the text reads in its own direction; boxes of task lists are drawn."""
    before = None
    for token in state.tokens:
        if token.level == 0 and token.nesting == 1:
            token.attrs["dir"] = "auto"
        elif token.type == "inline" and before == "list_item_open":
            _draw_box(token)
        before = token.type if token.type != "paragraph_open" else before


def _draw_box(inline: Token) -> None:
    box = _BOXES.get(inline.content[:4])
    if box and inline.children and inline.children[0].type == "text":
        inline.children[0].content = box + inline.children[0].content[4:]


def _image(renderer: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    """An image would tell its host who reads what: show what it stands for instead."""
    token = tokens[index]
    return f"<em>[image: {escape(token.content or str(token.attrs.get('src', '')))}]</em>"


def _fence(renderer: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    language, *_ = [*token.info.split(), ""]
    until = env.setdefault("colours until", thread_time() + LONGEST_COLOURING)
    html = coloured(token.content, language, until) if language else None
    name = f' class="language-{escape(language)}"' if language else ""
    return f"<pre><code{name}>{escape(token.content) if html is None else html}</code></pre>\n"


def _heading(renderer: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    level = min(int(token.tag[1]) + 2, 6)
    return f"</h{level}>\n" if token.type == "heading_close" else f"<h{level}{renderer.renderAttrs(token)}>"

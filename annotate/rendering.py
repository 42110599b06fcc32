"""Untrusted Markdown as safe HTML: CommonMark with tables, coloured code, no HTML of its own, nothing remote.

Made when a text is first shown, and kept in the database under the text's hash, so each text is rendered once
whoever reads it and however often. markdown-it-py lets no HTML through; nh3 is a second, independent lock.
"""

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from html import escape
from typing import Any

import nh3
from django.db import connection
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from annotate.models import Rendering

#: Change it with any change of what this module gives, and every text is rendered anew when next shown.
RULES = 1
#: Longer texts are shown as they are: rendering takes up to 5 µs a character at worst.
LONGEST = 100_000
LONGEST_CODE = 20_000

TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "em", "strong", "s", "blockquote", "a"),
    *("ul", "ol", "li", "pre", "code", "span", "div"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
# `class` is only what the colouring of code writes; ids, styles, data-* and hx-* never pass ("*": nh3's own extras).
ATTRIBUTES = {"*": set(), "a": {"href"}, "ol": {"start"}, "span": {"class"}, "div": {"class"}, "code": {"class"}}


def digest_of(text: str) -> bytes:
    """The key of a text's rendering, and `Response.digest`."""
    return hashlib.sha256(text.encode()).digest()


def to_html(text: str) -> SafeString:
    """One text, rendered now. Never raises: what can't be rendered is shown as it is."""
    if len(text) > LONGEST:
        return _plain(text)
    html = nh3.clean(
        _markdown().render(text),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(html)  # noqa: S308 - this is the one place that makes untrusted text safe


def rendered(texts: Iterable[str], known: Mapping[bytes, str] | None = None) -> dict[str, SafeString]:
    """Texts as HTML. `known`: renderings already read, by digest; the rest is read, or made and kept."""
    digests = {text: digest_of(text) for text in texts}
    html = dict(known) if known is not None else _read(digests.values())
    missing = {digest: text for text, digest in digests.items() if digest not in html}
    if missing:
        made = {digest: to_html(text) for digest, text in missing.items()}
        _keep(made)
        html |= made
    return {text: mark_safe(html[digest]) for text, digest in digests.items()}  # noqa: S308 - see to_html


def _read(digests: Iterable[bytes]) -> dict[bytes, str]:
    found = Rendering.objects.filter(digest__in=list(digests), rules=RULES)
    return {bytes(digest): html for digest, html in found.values_list("digest", "html")}


_KEEP = """
INSERT INTO annotate_rendering (digest, html, rules)
SELECT digest, html, %(rules)s FROM unnest(%(digests)s::bytea[], %(texts)s::text[]) AS made (digest, html)
ON CONFLICT (digest) DO UPDATE SET html = excluded.html, rules = excluded.rules
"""


def _keep(made: Mapping[bytes, str]) -> None:
    rows = sorted(made.items())  # in one order for all, so that two at once wait and don't deadlock
    digests, texts = [digest for digest, _ in rows], [html for _, html in rows]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, {"digests": digests, "texts": texts, "rules": RULES})


def _plain(text: str) -> SafeString:
    return mark_safe(f'<pre class="plain">{escape(text)}</pre>')  # noqa: S308 - escaped


@cache
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "highlight": _colour})
    markdown.enable(["table", "strikethrough"])
    markdown.add_render_rule("image", _image)
    # A response's headings are not the page's: keep its own, but under the page's two levels.
    markdown.add_render_rule("heading_open", _heading)
    markdown.add_render_rule("heading_close", _heading)
    return markdown


def _image(renderer: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    """An image would tell its host who reads what: show what it stands for instead."""
    token = tokens[index]
    return f"<em>[image: {escape(token.content or str(token.attrs.get('src', '')))}]</em>"


def _heading(renderer: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    level = min(int(token.tag[1]) + 2, 6)
    return f"</h{level}>\n" if token.type == "heading_close" else f"<h{level}>"


def _colour(code: str, language: str, _attributes: str) -> str:
    """Code with its colours as classes; '' leaves it to markdown-it to escape."""
    if not language or len(code) > LONGEST_CODE:
        return ""
    lexer = _lexer(language)
    return highlight(code, lexer, _formatter()) if lexer else ""


@lru_cache(maxsize=100)
def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language)
    except ClassNotFound:
        return None


@cache
def _formatter() -> HtmlFormatter[str]:
    return HtmlFormatter(nowrap=True)

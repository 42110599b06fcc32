"""Untrusted Markdown as safe HTML: CommonMark with tables, formulas and coloured code, no HTML of its own.

Made when a text is first shown, and kept in the database under the text's hash, so each text is rendered once
whoever reads it and however often. markdown-it-py lets no HTML through; nh3 is a second, independent lock.
"""

import hashlib
from collections.abc import Iterable, Mapping

from django.db import connection
from django.utils.safestring import SafeString, mark_safe

from annotate.models import Rendering
from annotate.rendering.markdown import LONGEST, to_html

__all__ = ["LONGEST", "RULES", "digest_of", "rendered", "to_html"]

#: Change it with any change of what `to_html` gives, and every text is rendered anew when next shown.
RULES = 2


def digest_of(text: str) -> bytes:
    """The key of a text's rendering, and `Response.digest`."""
    return hashlib.sha256(text.encode()).digest()


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

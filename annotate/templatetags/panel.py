"""What the templates of the annotator's page need beyond Django's own."""

from collections.abc import Iterable, Mapping, Sequence

from django import template
from django.template.base import NodeList, Parser, Token
from django.template.context import Context
from django.utils.safestring import SafeString
from django.utils.translation import get_language, get_language_bidi

from annotate import differences, rendering
from annotate.panels import Turn

register = template.Library()
MIRRORED = str.maketrans("←→", "→←")


@register.filter
def at[K, V](mapping: Mapping[K, V], key: K) -> V | None:
    """The value under a key that is known only in the template."""
    return mapping.get(key)


@register.filter
def keys(names: str) -> list[str]:
    """The keys of a line of help, "← →" or "1 … 9", one by one; left and right as they are in the reader's language."""
    return names.translate(MIRRORED if get_language_bidi() else {}).split()


@register.filter
def last_text(turns: Sequence[Turn]) -> str:
    """What the last turn of a prompt says."""
    return turns[-1].text if turns else ""


@register.filter
def prose(texts: Iterable[str]) -> dict[str, SafeString]:
    """Texts as safe HTML, by text; each is rendered once and kept."""
    return rendering.rendered(texts)


@register.filter
def changes(old: str, new: str) -> SafeString:
    """What changed from one text to another, as safe HTML."""
    return differences.as_html(old, new)


class Constant(template.Node):
    """Content that depends on nothing but the language: rendered once in each, then kept with the template.

    A panel is drawn for every label, and its fixed words would be half of the work.
    """

    def __init__(self, content: NodeList) -> None:
        self.content = content
        self.kept: dict[str | None, SafeString] = {}

    def render(self, context: Context) -> SafeString:
        language = get_language()
        if language not in self.kept:
            self.kept[language] = self.content.render(Context())
        return self.kept[language]


@register.tag
def constant(parser: Parser, token: Token) -> Constant:
    """{% constant %}…{% endconstant %}: see `Constant`. Variables are empty inside."""
    content = parser.parse(("endconstant",))
    parser.delete_first_token()
    return Constant(content)

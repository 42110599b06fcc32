"""What the templates of the annotator's page need beyond Django's own."""

from collections.abc import Mapping

from django import template
from django.template.base import NodeList, Parser, Token
from django.template.context import Context
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()


@register.filter
def at[K, V](mapping: Mapping[K, V], key: K) -> V | None:
    """The value under a key that is known only in the template."""
    return mapping.get(key)


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

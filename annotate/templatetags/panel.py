"""Template filters of the annotator's page."""

from collections.abc import Mapping

from django import template

register = template.Library()


@register.filter
def at[K, V](mapping: Mapping[K, V], key: K) -> V | None:
    """The value under a key that is known only in the template."""
    return mapping.get(key)

"""The labels behind a number on a page."""

from typing import Any

from django import template

from annotate import narrowing
from annotate.models import Queue

register = template.Library()


@register.simple_tag
def labels_behind(queue: Queue, **narrowed: Any) -> str:
    """The address of the queue's labels, narrowed as `narrowing.link` has it."""
    return narrowing.link(queue, **narrowed)

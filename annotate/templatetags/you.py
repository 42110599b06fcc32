"""What every page shows of who reads it: their preferences, and how much feedback waits."""

from django import template
from django.template.context import Context

from annotate import preferences, reviewing
from annotate.models import User

register = template.Library()


@register.simple_tag
def preferences_of(user: object) -> preferences.Preferences:
    """The reader's preferences, the defaults for who is not signed in. The person is loaded already: no query."""
    return preferences.of(user) if isinstance(user, User) else preferences.DEFAULTS


@register.simple_tag(takes_context=True)
def unseen_feedback(context: Context) -> int:
    """How many reviews of their labels the reader has not marked as read; `unseen` where the view has counted them."""
    if "unseen" in context:
        return int(context["unseen"])
    user = context.get("user")
    return reviewing.unseen(user) if isinstance(user, User) else 0

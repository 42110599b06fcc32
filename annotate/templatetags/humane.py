"""Numbers, times, spans and prompts as people read them."""

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.models import Prompt, Role

register = template.Library()


@register.filter
def thousands(number: int) -> str:
    """1234567 as "1,234,567", in the reader's own way."""
    return formats.number_format(number, use_l10n=True, force_grouping=True)


@register.filter
def when(at: datetime | None) -> SafeString | str:
    """A moment told from now, exact in its title; "" for none."""
    if at is None:
        return ""
    exact = formats.date_format(timezone.localtime(at), "DATETIME_FORMAT")
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), exact, _from_now(at))


def _from_now(at: datetime) -> str:
    now = timezone.now()
    if abs(now - at) < timedelta(minutes=1):
        return _("just now") if at <= now else _("in a moment")
    if at > now:
        return _("in %s") % timesince(now, at, depth=1)
    return _("%s ago") % timesince(at, now, depth=1)


@register.filter
def span(seconds: Any) -> str:
    """Seconds as "2 h 5 min", "5 min" or "40 s"."""
    whole = round(float(seconds or 0))
    if whole < 60:
        return _("%s s") % whole
    hours, minutes = divmod(whole // 60, 60)
    if hours >= 100:
        return ngettext("%s hour", "%s hours", hours) % thousands(hours)
    return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes} if hours else _("%s min") % minutes


@register.filter
def per_hour(count: int, seconds: float) -> str:
    """How many an hour, at this many in so many seconds; "" where there is nothing to divide by."""
    return thousands(round(count * 3600 / seconds)) if seconds >= 1 else ""


@register.filter
def excerpt(prompt: Prompt) -> str:
    """A prompt in one line: what is asked last."""
    words = prompt.turns()[-1]["content"].split()
    return Truncator(" ".join(words)).chars(90) or prompt.key


@register.filter
def role(name: str) -> str:
    """What a role is called: "reviewer"."""
    return Role(name).word


@register.filter
def of_role(count: int, name: str) -> str:
    """How many people have a role: "2 reviewers"."""
    words = {
        Role.ANNOTATOR: ngettext("%s annotator", "%s annotators", count),
        Role.REVIEWER: ngettext("%s reviewer", "%s reviewers", count),
        Role.MANAGER: ngettext("%s manager", "%s managers", count),
        Role.OWNER: ngettext("%s owner", "%s owners", count),
    }
    return words[Role(name)] % thousands(count)

"""Reasons, and shares with their intervals, as text; and what tells one sending of a verdict from another."""

import uuid

from django import template
from django.utils.translation import gettext as _

from annotate.checking import pausing
from annotate.scoring.intervals import Estimate

register = template.Library()


@register.simple_tag
def fresh_key() -> uuid.UUID:
    """Another one each time a form is shown: a form that is sent twice sends it twice."""
    return uuid.uuid4()


@register.filter
def reason(stored: str) -> str:
    """Why a label was refused, or somebody paused: what a rule says in the reader's language."""
    return pausing.reason(stored)


@register.filter
def share(one: Estimate) -> str:
    """A share in percent, with its interval and how many it is of."""
    if one.value is None or one.low is None or one.high is None:
        return _("not enough data")
    return _("%(value).0f %% (%(low).0f to %(high).0f), of %(n)s") % {
        "value": 100 * one.value, "low": 100 * one.low, "high": 100 * one.high, "n": one.n,
    }  # fmt: skip


@register.filter
def beyond_chance(one: Estimate) -> str:
    """A coefficient of agreement with its interval."""
    if one.value is None:
        return _("not enough data")
    if one.low is None or one.high is None:
        return f"{one.value:.2f}"
    return f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})"

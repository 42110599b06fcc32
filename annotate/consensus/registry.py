"""Looks methods up by name. The modules that give them are in `settings.CONSENSUS`, imported when first asked."""

from functools import cache
from importlib import import_module

from django.conf import settings

from annotate.consensus.base import Method
from annotate.kinds import Kind


@cache
def _by_name() -> dict[str, Method]:
    return {one.name: one for path in settings.CONSENSUS for one in import_module(path).METHODS}


def methods() -> list[Method]:
    """Every method, in the order of `settings.CONSENSUS`."""
    return list(_by_name().values())


def get(name: str) -> Method:
    """The method called `name`. Raises KeyError for a name that there is not."""
    return _by_name()[name]


def for_kind(kind: Kind) -> list[Method]:
    """The methods that can be asked of this kind's answers."""
    return [one for one in methods() if one.suits(kind)]

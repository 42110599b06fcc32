"""Looks kinds up by name. A kind is listed in `settings.KINDS`; nothing registers itself by being imported."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from annotate.kinds.base import Kind


@cache
def _by_name() -> dict[str, Kind]:
    kinds = [import_string(path)() for path in settings.KINDS]
    return {kind.name: kind for kind in kinds}


def all_kinds() -> list[Kind]:
    """Every kind, in the order of `settings.KINDS`."""
    return list(_by_name().values())


def get(name: str) -> Kind:
    """The kind called `name`. Raises KeyError for a name that is not in `settings.KINDS`."""
    return _by_name()[name]


def choices() -> list[tuple[str, str]]:
    """(name, label) pairs for a model field or a form. A function, so that a new kind makes no migration."""
    return [(kind.name, str(kind.label)) for kind in all_kinds()]

"""Looks formats up by name. The modules that give them are in `settings.FORMATS`, imported when first asked."""

from functools import cache
from importlib import import_module
from typing import Any

from django.conf import settings

from annotate.exporting.base import Format
from annotate.kinds import Kind


@cache
def _by_name() -> dict[str, Format[Any]]:
    found = [one for path in settings.FORMATS for one in import_module(path).FORMATS]
    return {one.name: one for one in found}


def formats() -> list[Format[Any]]:
    """Every format, in the order of `settings.FORMATS`."""
    return list(_by_name().values())


def get(name: str) -> Format[Any]:
    """The format called `name`. Raises KeyError for a name that there is not."""
    return _by_name()[name]


def for_kind(kind: Kind) -> list[Format[Any]]:
    """The formats in which labels of this kind can be written."""
    return [one for one in formats() if one.suits(kind)]

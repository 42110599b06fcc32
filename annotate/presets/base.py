"""What a preset is, and where presets are found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Preset:
    """A published recipe as the settings of a queue.

    `source` says where it was published, `link` leads there; `rest` names what the recipe did besides, which no
    setting of one queue can do. `guidelines` is a file with a skeleton to be filled in.
    """

    name: str
    title: str | Promise
    description: str | Promise
    kind: str
    overlap: int
    source: str
    link: str
    rest: str | Promise
    guidelines: Path
    options: Mapping[str, Any] = field(default_factory=dict)

    def settings(self) -> dict[str, Any]:
        """What a queue made of it starts with."""
        return {"kind": self.kind, "overlap": self.overlap, "options": dict(self.options)}

    def skeleton(self) -> str:
        """The guidelines to begin with, as Markdown."""
        return self.guidelines.read_text(encoding="utf-8")


@cache
def _by_name() -> dict[str, Preset]:
    found = [one for module in settings.PRESETS for one in import_string(f"{module}.PRESETS")]
    return {one.name: one for one in found}


def all_presets() -> list[Preset]:
    """Every preset, in the order of `settings.PRESETS`."""
    return list(_by_name().values())


def get(name: str) -> Preset:
    """The preset called `name`. Raises KeyError for a name that there is not."""
    return _by_name()[name]

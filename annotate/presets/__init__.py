"""Queues set up after published recipes. `settings.PRESETS` names the modules that list them."""

from annotate.presets.base import Preset, all_presets, get

__all__ = ["Preset", "all_presets", "get"]

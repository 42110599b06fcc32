"""Recipes for reward models and preference training. What each rests on: its `source`."""

from rankings.presets.judging import JUDGING
from rankings.presets.ordering import ORDERING

PRESETS = [*ORDERING, *JUDGING]

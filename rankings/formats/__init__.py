"""What judgements give trainers: preferences, verdicts, ratings, steps. Which trainer reads what: docs/formats.md."""

from rankings.formats import judgements, preferences
from rankings.formats.preferences import as_text

FORMATS = [*preferences.FORMATS, *judgements.FORMATS]

__all__ = ["FORMATS", "as_text"]

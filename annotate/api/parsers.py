"""Bodies: JSON that PostgreSQL can store, and files of any size."""

from typing import IO, Any

import msgspec
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

DEEPEST = 32
LARGEST = 2**63


class StrictJSONParser(JSONParser):
    """JSON without what no column holds: NUL characters, lone surrogates, NaN, numbers beyond 64 bits, deep nests."""

    def parse(self, stream: IO[Any], media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            return _storable(msgspec.json.decode(stream.read()), DEEPEST)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise ParseError(_("The body is not valid JSON: %s") % error) from error


def _storable(value: Any, depth: int) -> Any:
    match value:
        case str():
            if "\0" in value:
                raise ParseError(_("The body holds a NUL character, which can't be stored."))
        case dict() | list():
            if not depth:
                raise ParseError(_("The body is nested deeper than %d levels.") % DEEPEST)
            for inner in [*value, *value.values()] if isinstance(value, dict) else value:
                _storable(inner, depth - 1)
        case int() if not -LARGEST <= value < LARGEST:
            raise ParseError(_("The body holds a number beyond 64 bits."))
    return value

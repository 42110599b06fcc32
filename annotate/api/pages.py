"""Long lists in pages, each found by the last id of the one before: page 1,000 costs what page 1 costs."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

LARGEST_ID = 2**63 - 1


@extend_schema_field(OpenApiTypes.STR)
class Cursor(serializers.Field[int, str, str, Any]):
    """Opaque to clients; inside it is the last id they were given."""

    def to_internal_value(self, data: str) -> int:
        try:
            number = int(urlsafe_b64decode(data.encode()).decode("ascii"))
        except ValueError as error:
            raise serializers.ValidationError(_("This is not a cursor from a page's “next”.")) from error
        return min(max(number, 0), LARGEST_ID)


class PageQuery(serializers.Serializer[Any]):
    """What every list takes."""

    limit = serializers.IntegerField(min_value=1, max_value=500, default=100, help_text="How many at most.")
    cursor = Cursor(default=0, help_text="Leave it to the page's `next`.")


def page[M: Model](request: Request, found: QuerySet[M], asked: dict[str, Any]) -> tuple[list[M], str | None]:
    """The rows of the page asked for, by rising id, and the address of the next."""
    rows = list(found.filter(pk__gt=asked["cursor"]).order_by("pk")[: asked["limit"] + 1])
    if len(rows) <= asked["limit"]:
        return rows, None
    rows.pop()
    parameters = request.query_params.copy()
    parameters["cursor"] = urlsafe_b64encode(str(rows[-1].pk).encode()).decode()
    return rows, request.build_absolute_uri(f"{request.path}?{parameters.urlencode()}")


def every[M: Model](found: QuerySet[M], at_a_time: int = 1_000) -> Iterator[list[M]]:
    """All rows by rising id, in batches read by statements of their own: flat memory, no long transaction.

    While the reader takes their time nobody holds a connection of the pool.
    """
    last = 0
    while rows := list(found.filter(pk__gt=last).order_by("pk")[:at_a_time]):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        yield rows
        last = rows[-1].pk

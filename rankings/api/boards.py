"""Boards of models, of a queue and of a project."""

from typing import Any, TypedDict

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from annotate import access
from annotate.api.base import ApiView, Call, Request, Strict, accepted
from annotate.api.idempotency import idempotent
from annotate.api.serializers.reports import ReportOut, told
from annotate.models import Role, Scope
from annotate.quality import reports
from annotate.quality.reports import Subject
from rankings.boards import meetings
from rankings.boards.strengths import Json


class BoardQuery(Strict):
    category = serializers.CharField(
        required=False, allow_blank=True, help_text="The board of one category of prompts alone."
    )


class StrengthOut(serializers.Serializer[Any]):
    """A strength with its 95 % interval: a natural logarithm of odds against the average of its group."""

    strength = serializers.FloatField()
    low = serializers.FloatField(allow_null=True, help_text="null: it never won, and nothing bounds it.")
    high = serializers.FloatField(allow_null=True, help_text="null: it never lost, and nothing bounds it.")


class ModelOut(StrengthOut):
    model = serializers.CharField()
    best = serializers.IntegerField(help_text="The best place it may have in its group, as far as others differ.")
    worst = serializers.IntegerField(help_text="The worst one.")
    group = serializers.IntegerField(help_text="Models of two groups never met: they have no common scale.")
    won = serializers.IntegerField()
    lost = serializers.IntegerField()
    tied = serializers.IntegerField()
    prompts = serializers.IntegerField()
    enough = serializers.BooleanField(help_text="Whether it met others on enough prompts to say more than a hint.")
    halves = StrengthOut(help_text="With ties as half a win for each: what `styled` is compared with.")
    styled = StrengthOut(help_text="The same with style and place held equal.")
    ordered = StrengthOut(allow_null=True, help_text="By Plackett-Luce, from whole orders of three or more.")


class Cell(TypedDict):
    """`value`: the share won, a tie half."""

    value: float
    low: float
    high: float
    prompts: int


# Of serializers in a list the document would not tell that there are nulls.
@extend_schema_field(list[list[Cell | None]])  # type: ignore[arg-type]  # it takes any type hint
class CellsField(serializers.ListField):
    child = serializers.ListField(child=serializers.DictField(allow_null=True))


class MatrixOut(serializers.Serializer[Any]):
    models = serializers.ListField(child=serializers.CharField(), help_text="The most compared ones.")
    cells = CellsField(help_text="Row against column, `value`: the share won, a tie half; null: never met.")


class EffectOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    value = serializers.FloatField(
        allow_null=True,
        help_text="Logarithm of odds for `deviation` more of (a - b) / (a + b), or for the first place.",
    )
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()
    deviation = serializers.FloatField()


class OneBoardOut(serializers.Serializer[Any]):
    labels = serializers.IntegerField(help_text="That count; some of them may compare nothing, such as “both bad”.")
    comparisons = serializers.IntegerField()
    ties = serializers.IntegerField()
    prompts = serializers.IntegerField()
    annotators = serializers.IntegerField()
    unknown = serializers.IntegerField(help_text="Comparisons left out as the model of a response is not known.")
    alike = serializers.IntegerField(help_text="Comparisons of a model with itself, left out.")
    unsaid = serializers.IntegerField(help_text="Pairs of responses left out as both are called unusable, or bad.")
    groups = serializers.IntegerField()
    models = ModelOut(many=True)
    matrix = MatrixOut()
    effects = EffectOut(many=True)


class OverTimeOut(serializers.Serializer[Any]):
    every = serializers.ChoiceField(choices=["day", "week"])
    until = serializers.ListField(child=serializers.DateField(), help_text="The last day of each.")
    models = serializers.DictField(
        child=serializers.ListField(child=serializers.FloatField(allow_null=True)),
        help_text="Strengths by all labels up to then; null before a model was compared.",
    )


class BoardOut(ReportOut):
    board = OneBoardOut(allow_null=True)
    categories = serializers.ListField(child=serializers.CharField(allow_blank=True))
    over_time = OverTimeOut(allow_null=True)


class _BoardView(ApiView):
    def _answer(self, subject: Subject) -> dict[str, Any]:
        shown = reports.look("board", subject)
        result = shown.result
        return BoardOut(
            told(shown)
            | {
                "board": self._board(result) if result else None,
                "categories": list(result.get("categories", {})),
                "over_time": result.get("over_time"),
            }
        ).data

    def _board(self, result: Json) -> Json:
        category = self.asked.get("category")
        if category is not None and category not in result["categories"]:
            raise serializers.ValidationError({"category": [_("No comparison is of this category.")]})
        board: Json = result["whole"] if category is None else result["categories"][category]
        return board


def _queue(request: Request, pk: int) -> Subject:
    queue = access.queue(request.user, pk, Role.MANAGER)
    if not meetings.compares(queue.way):
        raise Http404
    return Subject.of_queue(queue)


class QueueBoard(_BoardView):
    calls = {
        "GET": Call("get_queue_board", Scope.READ, {200: BoardOut}, query=BoardQuery),
        "POST": Call("make_queue_board", Scope.WRITE, {202: BoardOut}),
    }

    def get(self, request: Request, pk: int) -> Response:
        """Strengths of the models whose responses a queue compares, with what belongs beside them."""
        return Response(self._answer(_queue(request, pk)))

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Have the board made anew. A small one is made at once."""
        subject = _queue(request, pk)
        reports.refresh("board", subject, request.user)
        return accepted(request, self._answer(subject))


class ProjectBoard(_BoardView):
    calls = {
        "GET": Call("get_project_board", Scope.READ, {200: BoardOut}, query=BoardQuery),
        "POST": Call("make_project_board", Scope.WRITE, {202: BoardOut}),
    }

    def get(self, request: Request, slug: str) -> Response:
        """The same, of all queues of a project that compare."""
        return Response(self._answer(Subject(access.project(request.user, slug, Role.MANAGER))))

    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        """Have the board made anew. A small one is made at once."""
        subject = Subject(access.project(request.user, slug, Role.MANAGER))
        reports.refresh("board", subject, request.user)
        return accepted(request, self._answer(subject))

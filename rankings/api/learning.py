"""Whether a release's preferences can be learned."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.response import Response

from annotate import access
from annotate.api.base import ApiView, Call, Request, Strict, accepted
from annotate.api.idempotency import idempotent
from annotate.api.serializers.reports import FigureOut, ReportOut, told
from annotate.models import Release, Role, Scope
from annotate.quality import reports
from annotate.quality.reports import Subject
from rankings.api.bias import ShareOut
from rankings.learning import doubts, telling


class StepOut(ShareOut):
    prompts = serializers.IntegerField()
    labels = serializers.IntegerField(help_text="Labels that the models were made of.")


class BinOut(serializers.Serializer[Any]):
    predicted = serializers.FloatField()
    observed = serializers.FloatField()
    pairs = serializers.IntegerField()


class DoubtOut(serializers.Serializer[Any]):
    label = serializers.IntegerField(  # type: ignore[assignment]  # a serializer has a `label` too
        required=False, help_text="Or `task`, where several labels were made one."
    )
    task = serializers.IntegerField(required=False)
    chance = serializers.FloatField(
        help_text="That somebody prefers what was preferred here, by models that never saw the prompt."
    )
    pairs = serializers.IntegerField()


class LearnabilityOut(ReportOut):
    figures = FigureOut(many=True, allow_null=True)
    curve = StepOut(many=True, allow_null=True, help_text="Accuracy on prompts that were not learned from.")
    calibration = BinOut(many=True, allow_null=True, help_text="By how sure the model is of its own choice.")
    doubted = DoubtOut(
        many=True, allow_null=True, help_text="Labels that the model disagrees with, the most doubtful first."
    )


class DoubtsIn(Strict):
    labels = serializers.IntegerField(
        min_value=1, max_value=doubts.MOST, help_text="How many, the most doubtful first."
    )


class DoubtsOut(serializers.Serializer[Any]):
    added = serializers.IntegerField(help_text="Labels that wait for a reviewer now and didn't before.")


class Learnability(ApiView):
    calls = {
        "GET": Call("get_learnability", Scope.READ, {200: LearnabilityOut}),
        "POST": Call("make_learnability", Scope.WRITE, {202: LearnabilityOut}),
    }

    def get(self, request: Request, pk: int) -> Response:
        """What a small preference model made of a release: held out by prompt, with its learning curve."""
        return Response(_answer(access.release(request.user, pk)))

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Have it made anew by a worker."""
        release = access.release(request.user, pk)
        if release.state != Release.State.DONE:
            raise serializers.ValidationError({"release": [_("It is not done yet.")]})
        reports.refresh("learnability", Subject.of_release(release), request.user)
        return accepted(request, _answer(release))


class Review(ApiView):
    calls = {"POST": Call("review_doubted_labels", Scope.LABEL, {200: DoubtsOut}, takes=DoubtsIn)}

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Send the labels that the model most disagrees with to review."""
        release = access.release(request.user, pk, Role.MANAGER)
        wanted = self.body()["labels"]
        report = reports.newest("learnability", Subject.of_release(release))
        doubted = report.result["doubted"] if report else []
        return Response(DoubtsOut({"added": doubts.send(release, doubted, wanted)}).data)


def _answer(release: Release) -> dict[str, Any]:
    shown = reports.look("learnability", Subject.of_release(release))
    report = shown.result
    found: dict[str, Any] = dict.fromkeys(("figures", "curve", "calibration", "doubted"))
    if report:
        found = {
            "figures": [one.as_json() for one in telling.figures(report, "")],
            "curve": report["curve"],
            "calibration": report["calibration"]["bins"],
            "doubted": report["doubted"],
        }
    return LearnabilityOut(told(shown) | found).data

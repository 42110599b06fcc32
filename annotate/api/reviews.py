"""Was it good: what reviewers say of labels, whose turn it is to be reviewed, and how good reviewers are."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response

from annotate import access, discussing, labelling, panels, reviewing
from annotate.api.base import ApiView, Call, PageQuery, Request, page_of
from annotate.api.idempotency import answer_key, idempotent
from annotate.api.pages import page
from annotate.api.serializers.own import ReviewIn, ReviewOut
from annotate.api.serializers.reviews import (
    GradesOut,
    KnownIn,
    KnownOut,
    SendIn,
    SentOut,
    ToReviewOut,
    WaitingReviewsOut,
)
from annotate.models import Assignment, Label, Queue, Review, Role, Scope, ToReview
from annotate.reviewing import grading


class Reviews(ApiView):
    calls = {
        "GET": Call("list_reviews", Scope.READ, {200: page_of(ReviewOut)}, query=PageQuery),
        "POST": Call("review_label", Scope.LABEL, {201: ReviewOut}, takes=ReviewIn),
    }

    def get(self, request: Request, pk: int) -> Response:
        """What was said of a label. The last one counts."""
        label = access.label(request.user, pk, Role.REVIEWER)
        # Of a review that only grades its reviewer nobody else is told.
        found = label.reviews.filter(Q(trial=False) | Q(reviewer=request.user))
        rows, following = page(request, found, self.asked)
        return Response({"results": ReviewOut(rows, many=True).data, "next": following})

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Accept a label, reject it, ask for changes, or fix it: `payload` then takes its place and counts as accepted.

        Its annotator reads verdict and reason, and can't change it any more, but where changes are asked for.
        409 with a `code` for a label of your own (`own_label`) and for one that was amended (`amended`).
        """
        label = access.label(request.user, pk, Role.REVIEWER)
        given = self.body()
        if given["verdict"] == Review.Verdict.FIX:
            return Response(ReviewOut(_fix(request, label, given)).data, status=201)
        if extra := sorted({"payload", "active_seconds"} & given.keys()):
            raise ValidationError({name: [_("Only a fix takes it.")] for name in extra})
        review = reviewing.review(request.user, label, **given, key=answer_key(request))
        return Response(ReviewOut(review).data, status=201)


def _fix(request: Request, label: Label, given: dict[str, Any]) -> Review:
    if "payload" not in given:
        raise ValidationError({"payload": [_("Say what is right instead.")]})
    place = Assignment(task=label.task, queue=label.queue)
    payload = labelling.check(place, given["payload"], shown=labelling.shown_by(label))
    seconds = given.get("active_seconds", label.active_seconds)
    answer = labelling.Answer(payload, label.fence, answer_key(request), seconds)
    return reviewing.fix(request.user, label, answer, given["reason"])


class ClaimReview(ApiView):
    calls = {"POST": Call("claim_review", Scope.LABEL, {200: ToReviewOut, 204: None})}

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Get a label to review: the one you hold, else the next for you; 204 where nothing waits.

        Never one of your own, nor of a task that you have worked on. Answer with `POST /labels/{id}/reviews`.
        """
        queue = access.queue(request.user, pk, Role.REVIEWER)
        turn = reviewing.take(request.user, queue)
        return Response(status=204) if turn is None else Response(ToReviewOut(_turn(turn, queue)).data)


def _turn(turn: ToReview, queue: Queue) -> dict[str, Any]:
    label = turn.label
    panel = panels.of_label(Assignment(task=label.task, queue=queue), label.shown, label.payload)
    return {
        "label": label.pk,
        "queue": queue.pk,
        "kind": queue.kind,
        "annotator": queue.project.pseudonym(label.annotator_id),
        "prompt": [{"role": one.role, "content": one.text} for one in panel.turns],
        "responses": [{"id": one.letter, "text": one.text} for one in panel.candidates],
        "payload": label.payload,
        "active_seconds": label.active_seconds,
        "held_until": turn.held_until,
    }


class GiveBackReview(ApiView):
    calls = {"POST": Call("release_review", Scope.LABEL, {204: None})}

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Give back the label that you hold to review: another reviewer gets it."""
        reviewing.give_back(request.user, access.queue(request.user, pk, Role.REVIEWER))
        return Response(status=204)


class Waiting(ApiView):
    calls = {"GET": Call("get_waiting_reviews", Scope.READ, {200: WaitingReviewsOut})}

    def get(self, request: Request, pk: int) -> Response:
        """How many labels wait for a reviewer, by why, and how many discussions are not settled."""
        queue = access.queue(request.user, pk, Role.REVIEWER)
        runs = access.membership(request.user, queue.project).can(Role.MANAGER)
        waits = reviewing.waits(queue, runs=runs)
        talks = discussing.unresolved(queue).count()
        found = {"total": waits.total, "by_reason": waits.by_reason, "unresolved_threads": talks}
        return Response(WaitingReviewsOut(found).data)


class Send(ApiView):
    calls = {"POST": Call("send_to_review", Scope.LABEL, {200: SentOut}, takes=SendIn)}

    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Let labels of this queue be reviewed."""
        queue = access.queue(request.user, pk, Role.REVIEWER)
        wanted = self.body()["labels"]
        chosen = list(Label.objects.filter(queue=queue, pk__in=wanted))
        if missing := sorted(set(wanted) - {label.pk for label in chosen}):
            raise ValidationError({"labels": [_("Not in this queue: %s.") % ", ".join(map(str, missing[:20]))]})
        return Response(SentOut({"added": reviewing.add(chosen, ToReview.Why.CHOSEN, by=request.user)}).data)


class Grades(ApiView):
    calls = {"GET": Call("get_review_grades", Scope.READ, {200: GradesOut})}

    def get(self, request: Request, pk: int) -> Response:
        """How good reviewers are, by known verdicts and second opinions; and what they made of people's labels."""
        queue = access.queue(request.user, pk, Role.MANAGER)
        grades = grading.of(queue)
        pseudonym = queue.project.pseudonym
        found = {
            "all": grades.all,
            "reviewers": [_reviewer(one) | {"pseudonym": pseudonym(one.user_id)} for one in grades.reviewers],
            "annotators": [_reviewed(one) | {"pseudonym": pseudonym(one.user_id)} for one in grades.annotators],
        }
        return Response(GradesOut(found).data)


def _reviewer(one: grading.Reviewer) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("verdicts", "known", "second", "kappa", "seconds")}


def _reviewed(one: grading.Reviewed) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("verdicts", "accepted", "fixed", "rejected")}


class Known(ApiView):
    calls = {
        "PUT": Call("mark_known_verdict", Scope.WRITE, {200: KnownOut}, takes=KnownIn),
        "DELETE": Call("unmark_known_verdict", Scope.WRITE, {204: None}),
    }

    def put(self, request: Request, pk: int) -> Response:
        """Say which verdict on a label is right: reviewers get it unseen among others, and are graded by it."""
        label = access.label(request.user, pk, Role.MANAGER)
        known = reviewing.mark_known(label, request.user, **self.body())
        known.refresh_from_db()
        return Response(KnownOut(known).data)

    def delete(self, request: Request, pk: int) -> Response:
        """It grades nobody any more."""
        reviewing.unmark_known(access.label(request.user, pk, Role.MANAGER))
        return Response(status=204)

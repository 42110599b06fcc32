"""Seats that are paused: by a rule or by a person, with a reason that its annotator reads and may answer once.

A pause is in force until it is lifted. What is said of it never tells that some tasks were checks.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from annotate.models import CheckResult, Member, Pause, Project, Queue, Role, Seat, Task, User
from annotate.quality.rules import Rules
from annotate.scoring.sequential import Finding, ratio_test

LONGEST_REASON, LONGEST_APPEAL = 2_000, 5_000
#: Of tasks that whoever reads them can't miss: who reads gets this share right, and who is no better than the second
#: doesn't. Where 2 % of errors are allowed, two wrong ones of the first six pause, three of 15, four of 24.
READS, SKIMS = 0.98, 0.7

#: What the annotator reads, by the rule.
WORDS: dict[Task.Role, Promise] = {
    Task.Role.GOLD: _("Your answers differ too often from what reviewers expect."),
    Task.Role.ATTENTION: _("Several answers look as if the texts had not been read."),
    Task.Role.SCREEN: _("Your first answers differ too often from what reviewers expect."),
}


class Settled(ValidationError):
    """The pause was decided, or answered, before."""


# --- How a seat comes to be paused -----------------------------------------------------------------------------------


def by_rule(seat: Seat, rule: Task.Role, facts: Mapping[str, Any]) -> None:
    """Pause a locked seat because its answers to checks were wrong."""
    with override(None):  # in no language: it is read in that of the reader
        words = str(WORDS[rule])
    _pause(seat, reason=words, rule=rule.value, facts=dict(facts))


def reason(stored: str) -> str:
    """Why, in the reader's language where it was a rule; also of labels that were set aside for the same reason."""
    return str(_by_what_is_stored().get(stored, stored))


@cache
def _by_what_is_stored() -> dict[str, Promise]:
    with override(None):
        return {str(words): words for words in WORDS.values()}


def by_hand(seat: Seat, user: User, why: str) -> Pause:
    """Give this person no new task in this queue, and say why. They may finish the one in hand.

    A seat that is paused already keeps its pause. Raises ValidationError by field.
    """
    why = _text(why, "reason", LONGEST_REASON)
    with transaction.atomic():
        there = in_force(_locked(seat))
        return there or _pause(seat, reason=why, created_by=user)


def _pause(seat: Seat, **fields: Any) -> Pause:
    Seat.objects.filter(pk=seat.pk).update(state=Seat.State.PAUSED)
    seat.state = Seat.State.PAUSED
    return Pause.objects.create(seat=seat, **fields)


def _locked(seat: Seat) -> Seat:
    return Seat.objects.select_for_update().get(pk=seat.pk)


def _text(text: str, field: str, longest: int) -> str:
    text = text.replace("\0", "").strip()
    if not text:
        raise ValidationError({field: [_("Say why: somebody reads it.")]})
    if len(text) > longest:
        raise ValidationError({field: [_("At most %s characters.") % longest]})
    return text


def judge(seat: Seat, asked: Rules) -> None:
    """Pause a locked seat if the rules and its results say so. What was before a pause that was lifted is forgiven."""
    if not asked.pause or seat.state == Seat.State.PAUSED:
        return
    bounds = {Task.Role.GOLD: (asked.pause_good, asked.pause_bad), Task.Role.ATTENTION: (READS, SKIMS)}
    counts = _counts(seat)
    for role, (good, bad) in bounds.items():
        right, wrong = counts.get(role, (0, 0))
        if ratio_test(right, wrong, good, bad, asked.pause_error) == Finding.BAD:
            measure = {"good": good, "bad": bad, "error": asked.pause_error}
            by_rule(seat, role, {"right": right, "wrong": wrong} | measure)
            return


def _counts(seat: Seat) -> dict[str, tuple[int, int]]:
    """By role: right and wrong answers since the last pause was lifted."""
    forgiven = Pause.objects.filter(seat=seat, outcome=Pause.Outcome.LIFTED, decided_at__gte=OuterRef("created_at"))
    found = CheckResult.objects.filter(~Exists(forgiven), seat=seat).order_by().values("role")
    told = found.annotate(good=Count("pk", filter=Q(right=True)), bad=Count("pk", filter=Q(right=False)))
    return {role: (good, bad) for role, good, bad in told.values_list("role", "good", "bad")}


# --- What becomes of it ----------------------------------------------------------------------------------------------


def in_force(seat: Seat) -> Pause | None:
    """The pause that keeps the seat from work."""
    return Pause.objects.filter(seat=seat).exclude(outcome=Pause.Outcome.LIFTED).first()


def of_queue(queue: Queue) -> QuerySet[Pause]:
    """All pauses in the queue."""
    return Pause.objects.filter(seat__queue=queue).select_related("seat__user", "created_by", "decided_by")


def appeals(queue: Queue) -> QuerySet[Pause]:
    """Those whose annotators wait for an answer."""
    return Pause.objects.filter(seat__queue=queue, outcome=Pause.Outcome.OPEN).exclude(appeal="")


def queues_appealed(user: User) -> QuerySet[Queue]:
    """The queues in which a paused person waits for an answer that this one may give, by name."""
    mine = Member.objects.filter(user=user, role__in=Role.at_least(Role.MANAGER)).values("project")
    waits = Pause.objects.filter(seat__queue=OuterRef("pk"), outcome=Pause.Outcome.OPEN).exclude(appeal="")
    found = Queue.objects.filter(Exists(waits), project__in=mine, project__archived_at=None)
    return found.select_related("project").order_by("project__name", "name")


def of_person(user: User) -> QuerySet[Pause]:
    """The person's own pauses, in projects they see: in force, or lifted and they have not read it."""
    mine = Pause.objects.filter(seat__user=user, seat__queue__project__in=Project.objects.seen_by(user))
    return mine.filter(~Q(outcome=Pause.Outcome.LIFTED) | Q(seen_at=None)).select_related("seat__queue").order_by("pk")


def seen(pause: Pause) -> None:
    """Its annotator has read it."""
    Pause.objects.filter(pk=pause.pk, seen_at=None).update(seen_at=Now())


def appeal(pause: Pause, text: str) -> Pause:
    """What its annotator says to it, once. Raises ValidationError by field, Settled."""
    text = _text(text, "appeal", LONGEST_APPEAL)
    waiting = Pause.objects.filter(pk=pause.pk, appeal="", outcome=Pause.Outcome.OPEN)
    if not waiting.update(appeal=text, appealed_at=Now(), seen_at=Now()):
        raise Settled({"appeal": [_("This pause was answered or decided before.")]})
    pause.refresh_from_db()
    return pause


def decide(pause: Pause, user: User, outcome: str, answer: str = "") -> Pause:
    """Lift a pause or uphold it, with an answer that the annotator reads. One that was upheld can still be lifted.

    Raises ValidationError by field, Settled.
    """
    if outcome not in {Pause.Outcome.LIFTED, Pause.Outcome.UPHELD}:
        raise ValidationError({"outcome": [_("Lift it or uphold it.")]})
    answer = answer.replace("\0", "").strip()
    if len(answer) > LONGEST_APPEAL:
        raise ValidationError({"answer": [_("At most %s characters.") % LONGEST_APPEAL]})
    if pause.seat.user_id == user.pk:
        raise ValidationError({"outcome": [_("This pause is your own. Somebody else decides on it.")]})
    with transaction.atomic():
        seat = _locked(pause.seat)
        found = Pause.objects.filter(pk=pause.pk).exclude(outcome=Pause.Outcome.LIFTED)
        if not found.update(outcome=outcome, answer=answer, decided_by=user, decided_at=Now(), seen_at=None):
            raise Settled({"outcome": [_("This pause was lifted before.")]})
        pause.refresh_from_db()
        if outcome == Pause.Outcome.LIFTED:
            _let_in(seat, pause)
    return pause


def _let_in(seat: Seat, pause: Pause) -> None:
    """Whoever was kept out by the qualification tasks is let in without them."""
    Seat.objects.filter(pk=seat.pk).update(state=Seat.State.ACTIVE)
    if pause.rule == Task.Role.SCREEN:
        Seat.objects.filter(pk=seat.pk, qualified_at=None).update(qualified_at=Now())


def resume(seat: Seat, user: User) -> None:
    """Let a paused person have tasks again."""
    with transaction.atomic():
        pause = in_force(_locked(seat))  # else a rule might pause them at this moment
        if pause is not None:
            decide(pause, user, Pause.Outcome.LIFTED, _now("You get tasks again."))
        else:
            Seat.objects.filter(pk=seat.pk).update(state=Seat.State.ACTIVE)

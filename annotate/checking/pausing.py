"""Seats that are paused: by a rule or by a person, with a reason that its annotator reads and may answer once.

A pause is in force until it is lifted. What is said of it never tells that some tasks were checks.
"""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from annotate.models import CheckResult, Pause, Project, Queue, Seat, Task, User
from annotate.quality import rules
from annotate.quality.rules import Rules
from annotate.scoring.sequential import Finding, ratio_test

LONGEST_REASON, LONGEST_APPEAL = 2_000, 5_000
#: Of tasks that whoever reads them can't miss: who reads gets this share right, and who is no better than the second
#: doesn't. Where 2 % of errors are allowed, two wrong ones of the first six pause, three of 15, four of 24.
READS, SKIMS = 0.98, 0.7

#: What the annotator reads, by the rule.
WORDS = {
    Task.Role.GOLD: _("Your answers differ too often from what reviewers expect."),
    Task.Role.ATTENTION: _("Several answers look as if the texts had not been read."),
    Task.Role.SCREEN: _("Your first answers differ too often from what reviewers expect."),
}


class Settled(ValidationError):
    """The pause was decided, or answered, before."""


# --- How a seat comes to be paused -----------------------------------------------------------------------------------


def by_rule(seat: Seat, rule: Task.Role, facts: Mapping[str, Any]) -> None:
    """Pause a locked seat because its answers to checks were wrong."""
    _pause(seat, reason=str(WORDS[rule]), rule=rule.value, facts=dict(facts))


def reason(pause: Pause) -> str:
    """Why, in the reader's language where it was a rule: what is stored is in that of whoever ran the rule."""
    return str(WORDS[Task.Role(pause.rule)]) if pause.rule else pause.reason


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


def judge_waiting() -> None:
    """Pause those whose checks since the last time say so: for the worker's sweep.

    Not as a check is handed in: its annotator would know by the answer that it was one.
    """
    waiting = Seat.objects.filter(to_judge=True).order_by("pk")
    for pk in waiting.values_list("pk", flat=True):
        with transaction.atomic():
            locked = waiting.select_for_update(skip_locked=True, of=["self"]).select_related("queue")
            if (seat := locked.filter(pk=pk).first()) is not None:
                Seat.objects.filter(pk=pk).update(to_judge=False)
                _judge(seat, rules.of(seat.queue))


def _judge(seat: Seat, asked: Rules) -> None:
    """Pause a locked seat if the rules and its results say so. What was before a pause that was lifted is forgiven."""
    if not asked.pause or seat.state == Seat.State.PAUSED:
        return
    bounds = {Task.Role.GOLD: (asked.pause_good, asked.pause_bad), Task.Role.ATTENTION: (READS, SKIMS)}
    for role, (good, bad) in bounds.items():
        right, wrong = _counts(seat, role)
        if ratio_test(right, wrong, good, bad, asked.pause_error) == Finding.BAD:
            measure = {"good": good, "bad": bad, "error": asked.pause_error}
            by_rule(seat, role, {"right": right, "wrong": wrong} | measure)
            return


def _counts(seat: Seat, role: Task.Role) -> tuple[int, int]:
    """Right and wrong answers since the last pause was lifted."""
    found = CheckResult.objects.filter(seat=seat, role=role)
    lifted = Pause.objects.filter(seat=seat, outcome=Pause.Outcome.LIFTED).order_by("-decided_at").first()
    if lifted is not None:
        found = found.filter(created_at__gt=lifted.decided_at)
    told = list(found.values_list("right", flat=True))
    return sum(told), len(told) - sum(told)


# --- What becomes of it ----------------------------------------------------------------------------------------------


def in_force(seat: Seat) -> Pause | None:
    """The pause that keeps the seat from work."""
    return Pause.objects.filter(seat=seat).exclude(outcome=Pause.Outcome.LIFTED).first()


def of_queue(queue: Queue) -> QuerySet[Pause]:
    """All pauses in the queue."""
    return Pause.objects.filter(seat__queue=queue).select_related("seat__user", "created_by", "decided_by")


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
    pause = in_force(seat)
    if pause is not None:
        decide(pause, user, Pause.Outcome.LIFTED, _now("You get tasks again."))
    else:
        Seat.objects.filter(pk=seat.pk).update(state=Seat.State.ACTIVE)

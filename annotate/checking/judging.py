"""What was said to checks is looked at a moment after it was handed in: by the worker's sweep.

Not as it is handed in, for its annotator would know a check by how long the answer takes, or by a pause that comes with
it. Only the answer to a qualification task is, which everybody knows for one.
"""

import logging

from django.db import transaction

from annotate.checking import pausing, results, screening
from annotate.models import Queue, Seat
from annotate.quality import rules

logger = logging.getLogger(__name__)


def judge_waiting() -> None:
    """Compare with what is right what was said since the last time, and pause those whose answers say so.

    Whatever is wrong with one seat, the others are not to wait for it.
    """
    for pk in Seat.objects.filter(to_judge=True).order_by("pk").values_list("pk", flat=True):
        try:
            _judge(pk)
        except Exception as error:  # noqa: BLE001  # not the message: that may quote a row
            logger.error("what was said to checks from seat %d can't be judged: %s", pk, type(error).__name__)


def _judge(pk: int) -> None:
    with transaction.atomic():
        waiting = Seat.objects.select_for_update(skip_locked=True, of=["self"]).select_related("queue")
        seat = waiting.filter(pk=pk, to_judge=True).first()
        if seat is not None:
            results.catch_up(seat, seat.queue)
            Seat.objects.filter(pk=pk).update(to_judge=False)
            pausing.judge(seat, rules.of(seat.queue))


def qualify(seat: Seat, queue: Queue) -> None:
    """The owner of a locked seat has answered a qualification task: see whether they are to be let in.

    `seat` is brought up to date.
    """
    results.catch_up(seat, queue)
    asked = rules.of(queue)
    if screening.is_due(seat, asked):
        screening.conclude(seat, asked)

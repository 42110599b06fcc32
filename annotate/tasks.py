"""The doors for workers: each does one job by its number, and the rows of the database say whether it's to be done."""

import logging
import traceback

from celery import shared_task

from annotate import adapting, importing, ordering, releasing, reviewing
from annotate.checking import judging
from annotate.quality import reports

logger = logging.getLogger(__name__)


@shared_task(name="annotate.tasks.run_import")
def run_import(import_id: int) -> None:
    importing.run(import_id)


@shared_task(name="annotate.tasks.run_release")
def run_release(release_id: int) -> None:
    releasing.run(release_id)


@shared_task(name="annotate.tasks.run_report")
def run_report(report_id: int) -> None:
    reports.run(report_id)


@shared_task(name="annotate.tasks.put_in_order")
def put_in_order(queue_id: int) -> None:
    ordering.put_in_order(queue_id)


@shared_task(name="annotate.tasks.sweep")
def sweep() -> None:
    """Send again what was forgotten: by a broker that lost it, or by a worker that died."""
    for part in _SWEPT:
        try:
            part()
        except Exception as error:  # noqa: BLE001  # whatever is wrong with one, the others are not to wait for it
            where = traceback.format_tb(error.__traceback__)[-1]  # not the message: that may quote a row
            logger.error("%s.%s: %s at\n%s", part.__module__, part.__name__, type(error).__name__, where)


# What is short comes first. Tasks that adaptive overlap gives another label are not reviewed yet: so it comes before.
_SWEPT = (
    importing.wake_waiting, releasing.wake_waiting, reports.wake_waiting, judging.judge_waiting,
    ordering.wake_waiting, adapting.adapt_waiting, reviewing.fill_all,
)  # fmt: skip

"""Celery: which broker, and the rules by which a worker takes and gives back work."""

import os
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("preceptor")


@app.add_defaults  # called when first needed: importing this package must not read the settings
def _rules() -> dict[str, Any]:
    from django.conf import settings

    from config import broker

    return dict(
        # A task is done when it has ended, not when it was taken; one at a time; and a lost child's is tried again.
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        task_reject_on_worker_lost=True,
        task_retry_on_worker_lost=True,
        task_annotations={"*": {"default_retry_delay": 5}},
        task_acks_on_failure_or_timeout=True,
        task_soft_time_limit=broker.SOFT_LIMIT_SECONDS,
        task_time_limit=broker.HARD_LIMIT_SECONDS,
        # Results are rows of the database.
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_default_queue=settings.CELERY_QUEUE,
        # Workers: renewed before they grow, gone within a few seconds when asked, patient with a broker that is away.
        worker_max_tasks_per_child=500,
        worker_max_memory_per_child=600_000,
        worker_soft_shutdown_timeout=3,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        timezone="UTC",
        **broker.configuration(settings.CELERY_BROKER_URL, settings.DATABASES["default"]),
    )


app.autodiscover_tasks(["annotate", "rankings"])

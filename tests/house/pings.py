"""A task whose only trace is a row: what the service tests send through each broker."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from annotate.models import WorkerBeat


@shared_task(name="tests.ping")
def ping(name: str) -> None:
    WorkerBeat.objects.update_or_create(name=name, defaults={"seen_at": timezone.now()})

"""What a load balancer asks: is the process alive, and can it serve?"""

from __future__ import annotations

import shutil

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import DurationField, ExpressionWrapper, Max
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotate.models import WorkerBeat

LEAST_FREE_BYTES = 100 * 1024 * 1024
_migrated = False


@login_not_required
@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """The process answers. It asks nothing else, so a restart can be decided by it."""
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """The database answers, is migrated, and there is room on the disk.

    The worker's age is told but decides nothing: people can label while it is away.
    """
    try:
        report: dict[str, object] = {
            "database": True,
            "migrated": _is_migrated(),
            "worker_seconds": _worker_age(),
        }
    except DatabaseError:
        report = {"database": False}
    report["disk"] = shutil.disk_usage(settings.DATA).free > LEAST_FREE_BYTES
    served = all(report.get(part) for part in ("database", "migrated", "disk"))
    return JsonResponse(report, status=200 if served else 503)


def _is_migrated() -> bool:
    """Whether every migration is applied; once true it stays so, and only the connection is tried."""
    global _migrated
    if _migrated:
        connection.ensure_connection()
    else:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated


def _worker_age() -> float | None:
    """Seconds since any worker was last seen, by the database's clock."""
    if not _migrated:
        return None
    silence = ExpressionWrapper(Now() - Max("seen_at"), output_field=DurationField())
    age = WorkerBeat.objects.aggregate(age=silence)["age"]
    return None if age is None else round(age.total_seconds(), 1)

"""`manage.py import_file QUEUE_ID PATH`: import a file here and now, without a worker.

Ends with 0 when every row is in, 1 when some were refused (the others are in), 2 when the file could not be imported.
"""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from annotate import importing
from annotate.models import Import, Queue, User

SHOWN = 20


class Command(BaseCommand):
    help = "Import a file into a queue: JSON lines, a JSON list, CSV or Parquet, gzipped or not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queue", type=int, help="the queue's number")
        parser.add_argument("path", type=Path)
        parser.add_argument("--format", default="", choices=importing.FORMATS, help="told by the rows if left out")
        parser.add_argument("--user", help="e-mail address of who imports it (default: who made the queue)")

    def handle(self, *args: Any, **options: Any) -> None:
        queue, user = _whom(options["queue"], options["user"])
        path = options["path"]
        try:
            with path.open("rb") as file:
                job = importing.run_now(queue, user, file, path.name, options["format"], self.tell)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}", returncode=2) from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages), returncode=2) from error
        self.report(job)

    def tell(self, job: Import) -> None:
        self.stderr.write(f"\r{job.progress:4.0%}  {job.rows_read:,} rows", ending="")
        self.stderr.flush()

    def report(self, job: Import) -> None:
        self.stderr.write("")
        counts = f"{job.rows_added:,} added, {job.rows_unchanged:,} unchanged, {job.rows_refused:,} refused"
        self.stdout.write(f"{job.rows_read:,} rows read as {job.format or 'nothing'}: {counts}")
        for row in job.refused.all()[:SHOWN]:
            self.stdout.write(f"{row}\n    {json.dumps(row.row[:100], ensure_ascii=False)}")
        if job.rows_refused > SHOWN:
            self.stdout.write(f"... and {job.rows_refused - SHOWN:,} more, on the import's page")
        if job.state != Import.State.DONE:
            raise CommandError(job.error or f"The import is {job.get_state_display()}.", returncode=2)
        if job.rows_refused:
            raise CommandError("Some rows were refused; the others are in.", returncode=1)


def _whom(queue_id: int, email: str | None) -> tuple[Queue, User]:
    queue = Queue.objects.select_related("project", "created_by").filter(pk=queue_id).first()
    if queue is None:
        raise CommandError(f"There is no queue {queue_id}.", returncode=2)
    user = User.objects.filter(email=email.lower()).first() if email else queue.created_by
    if user is None:
        raise CommandError(f"Nobody has the address {email}.", returncode=2)
    return queue, user

"""`manage.py recompute_quality --queue ID` or `--project SLUG`: make everything that is computed of labels anew.

Ends with 0 when every report was made, 1 when some failed, 2 when there is no such queue or project.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotate.models import Project, Queue, Report
from annotate.quality import reports


class Command(BaseCommand):
    help = "Throw away the kept columns and reports of a queue or a project, and make the reports anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        of = parser.add_mutually_exclusive_group(required=True)
        of.add_argument("--queue", type=int, help="the id that its address has")
        of.add_argument("--project", help="the name that its address has")

    def handle(self, *args: Any, **options: Any) -> None:
        project, queue = self._found(options)
        made = list(map(self._told, reports.recompute(project, queue)))
        if failed := [one for one in made if one.state != Report.State.DONE]:
            raise CommandError(f"{len(failed)} of {len(made)} reports could not be made.")
        self.stdout.write(f"{len(made)} reports made anew.")

    def _found(self, options: dict[str, Any]) -> tuple[Project, Queue | None]:
        try:
            if options["queue"] is not None:
                queue = Queue.objects.select_related("project").get(pk=options["queue"])
                return queue.project, queue
            return Project.objects.get(slug=options["project"]), None
        except (Queue.DoesNotExist, Project.DoesNotExist):
            raise CommandError("There is no such queue or project.", returncode=2) from None

    def _told(self, report: Report) -> Report:
        of = f"queue {report.queue_id}" if report.queue_id else "the project"
        of = f"release {report.release_id}" if report.release_id else of
        self.stdout.write(f"{report.name} of {of}: {report.state} {report.error}".rstrip())
        return report

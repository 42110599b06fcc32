"""What the quality page of a large queue costs: `python -m benchmarks.quality_page`.

A queue of comparisons, overlap 3, thirty people, eight categories, ninety days, a few reviews. First the seconds a
worker takes to make the reports, then the server's time for each page once they are made (view, template and database,
no network), and for the lists that its figures lead to. Beside it the least that a page needs: one row of one report by
its id.
"""

import argparse
import time
from typing import TYPE_CHECKING, Any

from benchmarks import columns, ground
from benchmarks.ground import median_ms, note, say

if TYPE_CHECKING:
    from annotate.models import Queue

TIMES = 15
SPREAD = """
ALTER TABLE annotate_label DISABLE TRIGGER USER;
UPDATE annotate_label SET created_at = now() - (id % 90) * interval '1 day', active_seconds = 5 + id % 60;
ALTER TABLE annotate_label ENABLE TRIGGER USER;
UPDATE annotate_prompt SET category = 'category ' || id % 8;
INSERT INTO annotate_review (label_id, reviewer_id, verdict, reason)
SELECT l.id, p.created_by_id, CASE WHEN l.id % 4 = 0 THEN 'reject' ELSE 'accept' END, 'A reason.'
FROM annotate_label l JOIN annotate_queue q ON q.id = l.queue_id JOIN annotate_project p ON p.id = q.project_id
WHERE l.id % 1499 = 0;
"""


def make_reports(queue_id: int) -> None:
    from annotate.models import Queue, Report
    from annotate.quality import columns, reports

    queue = Queue.objects.select_related("project").get(pk=queue_id)
    begin = time.perf_counter()
    columns.load(queue)
    say("reading all labels as columns, once", time.perf_counter() - begin, "s")
    for name in ("quality", "cost"):
        report = Report.objects.create(name=name, project=queue.project, queue=queue, created_by=queue.created_by)
        reports.run(report.pk)
        report.refresh_from_db()
        assert report.state == "done", report.error
        say(f"making the {name} report", report.seconds, "s")


def lists(queue: "Queue", result: dict[str, Any]) -> dict[str, str]:
    """What some figures of the pages lead to."""
    from annotate.quality import pricing, saying

    pair = result["measures"][0]["pairs"][0]
    return {
        "agreement": saying.behind(queue, shared=True),
        "one category": saying.behind(queue, category="category 3"),
        "one annotator": saying.behind(queue, by=pair["a"], shared=True),
        "two annotators": saying.behind(queue, by=pair["a"], mate=pair["b"]),
        "the cost": pricing.behind(queue),
        "the cost of one annotator": pricing.behind(queue, by=pair["a"]),
    }


def open_pages(queue_id: int) -> None:
    from django.test import Client
    from django.urls import reverse

    from annotate.models import Queue, Report

    queue = Queue.objects.select_related("project").get(pk=queue_id)
    report = Report.objects.filter(name="quality").latest("pk")
    person = queue.project.pseudonym(report.result["people"][0]["who"])
    client = Client(SERVER_NAME="localhost")
    client.force_login(queue.created_by)
    pages = {
        "the quality page": reverse("quality", args=[queue_id]),
        "one annotator's page": reverse("quality-annotator", args=[queue_id, person]),
        "the cost page": reverse("cost", args=[queue_id]),
        "over REST": reverse("api-quality", args=[queue_id]),
    }
    for name, address in pages.items():
        assert client.get(address).status_code == 200, name
        say(f"{name}, median", median_ms(lambda address=address: client.get(address), TIMES), "ms", "300 ms")
    for name, address in lists(queue, report.result).items():
        assert client.get(address).status_code == 200, name
        say(f"the list behind {name}, median", median_ms(lambda address=address: client.get(address), 3), "ms")
    say("one row of a report by its id", median_ms(lambda: Report.objects.get(pk=report.pk), TIMES), "ms")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--labels", type=int, default=1_000_000)
    chosen = options.parse_args()
    with ground.prepared():
        from django.core.management import call_command
        from django.db import connection

        from annotate.models import Member, Queue, Role

        call_command("collectstatic", interactive=False, verbosity=0)
        note(f"making a queue of {chosen.labels:,} labels ...")
        queue_id = columns.made(chosen.labels, 400)
        queue = Queue.objects.select_related("project").get(pk=queue_id)
        Member.objects.get_or_create(project=queue.project, user=queue.created_by, defaults={"role": Role.OWNER})
        with connection.cursor() as cursor:
            cursor.execute(SPREAD)
            cursor.execute("VACUUM ANALYZE")
        make_reports(queue_id)
        open_pages(queue_id)


if __name__ == "__main__":
    main()

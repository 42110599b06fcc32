"""Reports: what is computed of labels, by a worker, and kept until labels change. The newest that is done is shown.

A report is a `Maker` in `settings.REPORTS`. Small ones are made at once, while somebody waits; large ones by a worker,
and meanwhile the page shows the one before, and says of when it is.
"""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Self

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from annotate import horizons, jobs
from annotate.models import Job, Project, Queue, Release, Report, User
from annotate.models.files import JobQuerySet
from annotate.quality import segments

TASK = "annotate.tasks.run_report"

#: Up to so many labels a report is made while somebody waits.
AT_ONCE = 2_000
MOST_ATTEMPTS = 5
#: Reports of one name and subject that are kept when they are done: the newest, and those before it.
KEPT = 3
#: By so many reviews, of whatever project, a report falls behind before it is said to be of the newest one.
FAR = 1_000

_UNDER_WAY = Q(state__in=[Job.State.QUEUED, Job.State.RUNNING])


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is of: a queue, a release of one (then its queue is told too), or a whole project."""

    project: Project
    queue: Queue | None = None
    release: Release | None = None

    @classmethod
    def of_queue(cls, queue: Queue) -> Self:
        return cls(queue.project, queue)

    @classmethod
    def of_release(cls, release: Release) -> Self:
        return cls(release.queue.project, release.queue, release)

    def queues(self) -> list[Queue]:
        """The queues whose labels it is made of."""
        return [self.queue] if self.queue else list(Queue.objects.filter(project=self.project).order_by("pk"))

    def reports(self, name: str) -> JobQuerySet[Report]:
        """Its reports of this name."""
        return Report.objects.filter(name=name, project=self.project, queue=self.queue, release=self.release)

    def horizons(self) -> tuple[int, int]:
        """Up to which label and which review a report made now is. Raises OperationalError as `horizons.of_labels`."""
        if self.release:
            return self.release.label_horizon, self.release.review_horizon
        return horizons.of_labels(*self.queues()), horizons.of_reviews()


class Maker(ABC):
    """One kind of report."""

    #: its key in `settings.REPORTS`
    name: ClassVar[str]
    #: counted up when the figures change their meaning: reports of an older number are made anew
    rules: ClassVar[int] = 1
    #: Up to so many labels it is made while somebody waits; 0: by a worker always.
    at_once: ClassVar[int] = AT_ONCE

    def suits(self, subject: Subject) -> bool:
        """Whether there is such a report of it: a board needs comparisons."""
        return True

    def options(self, subject: Subject) -> dict[str, Any]:
        """What beside labels and reviews the figures rest on (such as rules), as JSON: other options, another report.

        Asked whenever a page looks whether its report is stale, so it has to be quick.
        """
        return {}

    def options_of(self, subjects: Sequence[Subject]) -> list[dict[str, Any]]:
        """`options` of each; for a page of many it should cost no more statements than of one."""
        return [self.options(one) for one in subjects]

    @abstractmethod
    def make(
        self, subject: Subject, horizon: int, review_horizon: int, tell: Callable[[float], None]
    ) -> dict[str, Any]:
        """The figures as JSON (no NaN), of labels and reviews up to the horizons. `tell` takes the progress, 0 to 1.

        A ValidationError is told to whoever looks at the page, in its own words.
        """


class OfQueue(Maker):
    """A report of one queue's labels."""

    def suits(self, subject: Subject) -> bool:
        return subject.queue is not None

    def options(self, subject: Subject) -> dict[str, Any]:
        return self.options_of([subject])[0]

    def options_of(self, subjects: Sequence[Subject]) -> list[dict[str, Any]]:
        return self.rest_on([_queue_of(one) for one in subjects])

    def make(
        self, subject: Subject, horizon: int, review_horizon: int, tell: Callable[[float], None]
    ) -> dict[str, Any]:
        return self.make_of(_queue_of(subject), horizon, review_horizon, tell)

    @abstractmethod
    def rest_on(self, queues: Sequence[Queue]) -> list[dict[str, Any]]:
        """As `Maker.options_of`."""

    @abstractmethod
    def make_of(self, queue: Queue, horizon: int, review_horizon: int, tell: Callable[[float], None]) -> dict[str, Any]:
        """As `Maker.make`."""


def _queue_of(subject: Subject) -> Queue:
    if subject.queue is None:
        raise ValueError("subject: this report is of a queue")
    return subject.queue


@cache
def _made(path: str) -> Maker:
    maker: Maker = import_string(path)()
    return maker


def maker(name: str) -> Maker:
    """The maker of this name. Raises KeyError for one that is not in `settings.REPORTS`."""
    return _made(settings.REPORTS[name])


# --- For the doors ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows. `report`: the newest that is done, None before the first; `newer`: one that is being made;
    `stale`: whether labels, reviews or rules changed since `report`; `failed`: the newest try, where it came to nothing
    (its `error` says why).
    """

    report: Report | None
    newer: Report | None
    stale: bool
    failed: Report | None = None

    @property
    def result(self) -> dict[str, Any]:
        return self.report.result if self.report else {}


def show(name: str, subject: Subject, user: User) -> Shown:
    """The newest report; where it is stale or there is none, another is begun (made at once if it is small).

    What failed is not tried again until something changes or somebody asks (`refresh`).
    """
    report, failed = newest(name, subject), _failed(name, subject)
    stale = report is None or _is_stale(report, subject)
    if stale and (failed is None or _is_stale(failed, subject)):
        begun = _begin(name, subject, user)
        if begun.is_over:
            report, failed = newest(name, subject), _failed(name, subject)
            stale = report is None or report.pk < begun.pk
    return Shown(report, _under_way(name, subject), stale, failed)


def look(name: str, subject: Subject) -> Shown:
    """As `show`, but begins nothing."""
    report = newest(name, subject)
    stale = report is None or _is_stale(report, subject)
    return Shown(report, _under_way(name, subject), stale, _failed(name, subject))


def look_each(name: str, queues: Sequence[Queue]) -> dict[int, Shown]:
    """As `look` of each of a project's queues, by their ids, in as many statements as of one."""
    projects = {one.project_id for one in queues}
    found = Report.objects.filter(name=name, project__in=projects, queue__in=queues, release=None)
    over = found.filter(state__in=[Job.State.DONE, Job.State.FAILED])
    reports, last = _latest(over.filter(state=Job.State.DONE)), _latest(over.defer("result"))
    under_way = _latest(found.filter(_UNDER_WAY))
    stale = _stale([(reports[one.pk], Subject.of_queue(one)) for one in queues if one.pk in reports])
    return {
        pk: Shown(report, under_way.get(pk), report is None or report.pk in stale, _if_failed(last.get(pk)))
        for pk, report in ((one.pk, reports.get(one.pk)) for one in queues)
    }


def _latest(found: JobQuerySet[Report]) -> dict[int | None, Report]:
    """The newest of them of each queue, by its id."""
    return {one.queue_id: one for one in found.order_by("queue_id", "-pk").distinct("queue_id")}


def newest(name: str, subject: Subject) -> Report | None:
    """The newest report that is done, however old. Begins nothing."""
    return subject.reports(name).filter(state=Job.State.DONE).order_by("-pk").first()


def refresh(name: str, subject: Subject, user: User) -> Report:
    """Begin another now, or give the one that is being made."""
    return _begin(name, subject, user)


def recompute(project: Project, queue: Queue | None = None) -> Iterator[Report]:
    """Throw away what was computed of a project, or of one queue and its releases, and make it anew in this process.

    Gives each report that there was, made again: labels hold all that is needed.
    """
    queues = Queue.objects.filter(project=project, **({"pk": queue.pk} if queue else {}))
    kept = Report.objects.filter(project=project, **({"queue": queue} if queue else {}))
    whats = ("name", "project", "queue", "release")
    before = list(kept.order_by(*whats, "-pk").distinct(*whats).select_related(*whats[1:], "created_by"))
    kept.delete()
    for one in queues:
        segments.drop(one)
    for old in before:
        if old.name in settings.REPORTS:
            subject = Subject(old.project, old.queue, old.release)
            yield _begin(old.name, subject, old.created_by, at_once=True)


def _under_way(name: str, subject: Subject) -> Report | None:
    return subject.reports(name).filter(_UNDER_WAY).first()


def _failed(name: str, subject: Subject) -> Report | None:
    """The newest try, if it failed."""
    last = subject.reports(name).filter(state__in=[Job.State.DONE, Job.State.FAILED]).order_by("-pk").first()
    return _if_failed(last)


def _if_failed(last: Report | None) -> Report | None:
    return last if last and last.state == Job.State.FAILED else None


# A task that becomes a check, or is one no more, changes which labels count. Repeats are born as such.
_CHECKS = """
SELECT queue_id, count(*), sum(id)::bigint FROM annotate_task
WHERE queue_id = ANY(%s) AND role <> 'work' AND role <> 'repeat' GROUP BY queue_id
"""
# Of a report, its queues and its horizon. The newest label's id comes from an index under any plan; EXISTS (... id > %s)
# reads the table as soon as PostgreSQL plans it for any values.
_LABELS_SINCE = """
SELECT %s::bigint WHERE EXISTS (SELECT FROM unnest(%s::bigint[]) AS of (queue) WHERE coalesce(
    (SELECT id FROM annotate_label WHERE queue_id = of.queue ORDER BY id DESC LIMIT 1), 0) > %s)
"""
# A trial grades its reviewer alone.
_REVIEWS_SINCE = """
SELECT %s::bigint WHERE EXISTS (SELECT FROM annotate_review v JOIN annotate_label l ON l.id = v.label_id
                                WHERE l.queue_id = ANY(%s) AND v.id > %s AND NOT v.trial)
"""


def _options(made_by: Maker, subjects: Sequence[Subject]) -> list[dict[str, Any]]:
    """What reports rest on beside labels and reviews: what their maker says, and which tasks are checks."""
    queues = [[one.pk for one in subject.queues()] for subject in subjects]
    checks = {pk: (count, ids) for pk, count, ids in _rows(_CHECKS, [[pk for some in queues for pk in some]])}
    own = [[checks.get(pk, (0, 0)) for pk in some] for some in queues]
    told = [[sum(count for count, _ids in some), sum(ids for _count, ids in some)] for some in own]
    return [{**options, "checks": one} for options, one in zip(made_by.options_of(subjects), told, strict=True)]


def _is_stale(report: Report, subject: Subject) -> bool:
    """Whether it would be another if it was made now."""
    return bool(_stale([(report, subject)]))


def _stale(found: Sequence[tuple[Report, Subject]]) -> set[int]:
    """The ids of those, reports of one name, that would be others if they were made now."""
    if not found:
        return set()
    made_by = maker(found[0][0].name)
    now = _options(made_by, [subject for _report, subject in found])
    rest = zip(found, now, strict=True)
    stale = {one.pk for (one, _of), options in rest if (one.rules, one.options) != (made_by.rules, options)}
    lasting = [(one, [queue.pk for queue in of.queues()]) for one, of in found if one.pk not in stale and not of.release]
    stale |= _since(_LABELS_SINCE, [(one.pk, queues, one.label_horizon) for one, queues in lasting])
    left = [(one, queues) for one, queues in lasting if one.pk not in stale]
    newest_review = horizons.of_reviews_now() if left else None  # before it is looked whether any up to there counts
    stale |= _since(_REVIEWS_SINCE, [(one.pk, queues, one.review_horizon) for one, queues in left])
    if newest_review is not None:
        _move_on([one for one, _queues in left if one.pk not in stale], newest_review)
    return stale


def _since(sql: str, asked: Sequence[tuple[int, list[int], int]]) -> set[int]:
    """Those of (report, queues, horizon) for which there is something newer, each planned for its own values."""
    values = [value for one in asked for value in one]
    return {pk for (pk,) in _rows(" UNION ALL ".join([sql] * len(asked)), values)} if asked else set()


def _move_on(reports: Iterable[Report], newest_review: int) -> None:
    """They are the same up to there: whoever looks next reads only the reviews of all projects since."""
    far = [one.pk for one in reports if newest_review - one.review_horizon > FAR]
    if far:
        Report.objects.filter(pk__in=far, review_horizon__lt=newest_review).update(review_horizon=newest_review)


def _rows(sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _begin(name: str, subject: Subject, user: User, *, at_once: bool = False) -> Report:
    """A report that is now being made, or was made at once; if one is being made already, that one."""
    at_once = at_once or _is_small(subject, maker(name).at_once)
    report = Report(name=name, project=subject.project, queue=subject.queue, release=subject.release, created_by=user)
    try:
        with transaction.atomic():  # the database holds that there is one at a time
            report.save(force_insert=True)
    except IntegrityError:
        return _under_way(name, subject) or subject.reports(name).latest("pk")
    if at_once:
        run(report.pk)
        report.refresh_from_db()
    else:
        transaction.on_commit(lambda: jobs.wake(TASK, report.pk))
    return report


def _is_small(subject: Subject, most: int) -> bool:
    """Whether it has at most so many labels; counts no further."""
    left = most
    for queue in subject.queues() if most else []:
        left -= queue.labels.order_by()[: left + 1].count()
        if left < 0:
            return False
    return most > 0


def wake_waiting() -> None:
    """Tell workers again of reports that nobody makes."""
    jobs.wake_waiting(Report, TASK)


# --- For the worker --------------------------------------------------------------------------------------------------


def run(report_id: int) -> None:
    """Make a report, if it is still to be made: for a worker.

    What is the database's trouble, or ours to stop early, leaves it for the next worker.
    """
    report = jobs.take(Report, report_id)
    if report is None:
        return
    try:
        _work(report)
    except jobs.Taken:
        pass
    except (OperationalError, InterfaceError) as error:
        jobs.log(report, error)
        with suppress(OperationalError, InterfaceError):
            jobs.give_back(report)
    except SoftTimeLimitExceeded:
        _fail(report, _("It takes longer than a worker may take."))
    except (SystemExit, KeyboardInterrupt):
        jobs.give_back(report)
        raise
    except ValidationError as error:
        _fail(report, " ".join(error.messages))
    except Exception as error:  # noqa: BLE001  # whatever it is, the job must not hang
        jobs.log(report, error)
        reason = _("Something went wrong here that should not (%s). Tell whoever runs this site.")
        _fail(report, reason % type(error).__name__)


def _work(report: Report) -> None:
    made_by, begun = maker(report.name), time.perf_counter()
    subject = Subject(report.project, report.queue, report.release)
    # Before the work, and kept when it fails: so what failed is tried again when something changed.
    jobs.change(report, rules=made_by.rules, options=_options(made_by, [subject])[0])
    if report.attempt > MOST_ATTEMPTS:
        raise ValidationError(_("%d workers tried, and none came to the end.") % MOST_ATTEMPTS)
    horizon, review_horizon = subject.horizons()
    jobs.change(report, label_horizon=horizon, review_horizon=review_horizon)
    progress = [0.0]
    with jobs.beating(report, lambda: {"progress": progress[0]}) as check:

        def tell(share: float) -> None:
            progress[0] = share
            check()

        result = made_by.make(subject, horizon, review_horizon, tell)
        json.dumps(result, allow_nan=False)  # PostgreSQL would say so later, and in words that blame the database
        jobs.end(report, Job.State.DONE, result=result, seconds=time.perf_counter() - begun)
    _forget_older(subject.reports(report.name))


def _forget_older(reports: JobQuerySet[Report]) -> None:
    done = reports.filter(state=Job.State.DONE).order_by("-pk").values_list("pk", flat=True)
    newest_done = list(done[:KEPT])
    over = Q(state__in=[Job.State.DONE, Job.State.FAILED, Job.State.CANCELLED])
    reports.filter(over, pk__lt=newest_done[0]).exclude(pk__in=newest_done).delete()


def _fail(report: Report, reason: str) -> None:
    with suppress(jobs.Taken):
        jobs.end(report, Job.State.FAILED, reason)

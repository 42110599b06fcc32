"""Reports: what is computed of labels, by a worker, and kept until labels change. The newest that is done is shown.

A report is a `Maker` in `settings.REPORTS`. Small ones are made at once, while somebody waits; large ones by a worker,
and meanwhile the page shows the one before, and says of when it is.
"""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Self

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, InterfaceError, transaction
from django.db.models import Func, Q
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from annotate import horizons, jobs, outages
from annotate.models import Job, Project, Queue, Release, Report, User
from annotate.models.files import JobQuerySet
from annotate.quality import segments, staleness

TASK = "annotate.tasks.run_report"

#: Up to so many labels a report is made while somebody waits.
AT_ONCE = 2_000
MOST_ATTEMPTS = 5
#: Reports of one name and subject that are kept when they are done: the newest, and those before it.
KEPT = 3

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


def look_each(name: str, queues: Sequence[Queue], brief: "Func[Any] | None" = None) -> dict[int, Shown]:
    """As `look` of each of a project's queues, by their ids, in as many statements as of one.

    `brief`: what is to be read of `result`, which may be long.
    """
    projects = {one.project_id for one in queues}
    found = Report.objects.filter(name=name, project__in=projects, queue__in=queues, release=None)
    over = found.filter(state__in=[Job.State.DONE, Job.State.FAILED])
    under_way = _latest(found.filter(_UNDER_WAY))  # first: what is done meanwhile is not to be missed by both
    last, reports = _latest(over), _latest(over.filter(state=Job.State.DONE))
    results = dict(found.filter(pk__in=[one.pk for one in reports.values()]).values_list("pk", brief or "result"))
    for one in reports.values():
        one.result = results.get(one.pk, {})
    stale = _stale(name, [(reports[one.pk], Subject.of_queue(one)) for one in queues if one.pk in reports])
    return {
        pk: Shown(report, under_way.get(pk), report is None or report.pk in stale, _if_failed(last.get(pk)))
        for pk, report in ((one.pk, reports.get(one.pk)) for one in queues)
    }


def _latest(found: JobQuerySet[Report]) -> dict[int | None, Report]:
    """The newest of them of each queue, by its id, without results."""
    newest_first = found.order_by("queue_id", "-pk").distinct("queue_id")
    return {one.queue_id: one for one in newest_first.defer("result")}


def newest(name: str, subject: Subject) -> Report | None:
    """The newest report that is done, however old. Begins nothing."""
    return subject.reports(name).filter(state=Job.State.DONE).order_by("-pk").first()


def refresh(name: str, subject: Subject, user: User, *, by_worker: bool = False) -> Report:
    """Begin another now, or give the one that is being made. `by_worker`: nobody waits, however small it is."""
    return _begin(name, subject, user, at_once=False if by_worker else None)


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


def _options(made_by: Maker, subjects: Sequence[Subject]) -> list[dict[str, Any]]:
    """What reports rest on beside labels and reviews: what their maker says, and which tasks are checks. A release has
    left out those that were checks when it was made, and stays as it is.
    """
    checks = staleness.checks([[] if one.release else _ids(one) for one in subjects])
    return [{**told, "checks": one} for told, one in zip(made_by.options_of(subjects), checks, strict=True)]


def _ids(subject: Subject) -> list[int]:
    return [one.pk for one in subject.queues()]


def _is_stale(report: Report, subject: Subject) -> bool:
    """Whether it would be another if it was made now."""
    return bool(_stale(report.name, [(report, subject)]))


def _stale(name: str, found: Sequence[tuple[Report, Subject]]) -> set[int]:
    """The ids of those that would be others if they were made now. All are of this name."""
    made_by = maker(name)
    options = _options(made_by, [subject for _report, subject in found]) if found else []
    return staleness.among(
        [
            staleness.Held(report, _ids(subject), made_by.rules, now, frozen=subject.release is not None)
            for (report, subject), now in zip(found, options, strict=True)
        ]
    )


def _begin(name: str, subject: Subject, user: User, *, at_once: bool | None = None) -> Report:
    """A report that is now being made, or was made at once; if one is being made already, that one.

    `at_once` None: whether it is small says so.
    """
    if at_once is None:
        at_once = _is_small(subject, maker(name).at_once)
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
    except SoftTimeLimitExceeded:
        _fail(report, _("It takes longer than a worker may take."))
    except (SystemExit, KeyboardInterrupt):
        jobs.give_back(report)
        raise
    except ValidationError as error:
        _fail(report, " ".join(error.messages))
    except Exception as error:  # noqa: BLE001  # whatever it is, the job must not hang
        jobs.log(report, error)
        _give_up(report, error)


def _give_up(report: Report, error: Exception) -> None:
    """Leave it for the next worker, if the same may well succeed in a moment."""
    if outages.is_outage(error):
        with suppress(DatabaseError, InterfaceError):
            jobs.give_back(report)
        return
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

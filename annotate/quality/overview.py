"""All queues of a project side by side: their newest reports, and what waits now; in as many statements as of one.

Looking makes nothing. `make` has what is stale or missing made by the worker.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Count, Exists, Func, JSONField, Min, OuterRef
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate import charts, counting, reviewing
from annotate.models import Pause, Project, Queue, Seat, Task, User
from annotate.quality import drawing, noticing, reports
from annotate.quality.figures import Figure
from annotate.quality.noticing import Notice
from annotate.quality.reports import Subject
from annotate.quality.saying import TENTATIVE
from annotate.quality.standing import MANAGERS, TITLES, Now, Standing, Waiting

#: The table's columns: figures by name, and their heads. Alpha has none, since the chart beside it shows it.
COLUMNS = {
    "percent": gettext_lazy("Agreement"),
    "gold": gettext_lazy("Checks right"),
    "accepted": gettext_lazy("Accepted"),
    "waits": gettext_lazy("To review"),
    "paused": gettext_lazy("Paused"),
    "appeals": gettext_lazy("Appeals"),
    "pace": gettext_lazy("Labels a day"),
    "days_left": gettext_lazy("Days to finish"),
    "cost": gettext_lazy("Cost so far"),
}
#: Of a quality report what is shown here: the chief measure alone, without what it is by person, time and category.
_BRIEF = Func(
    "result",
    template="jsonb_set(%(expressions)s, '{measures}', jsonb_path_query_array(%(expressions)s, '$.measures[0]'))"
    + "".join(f" #- '{{measures,0,{name}}}'" for name in ("annotators", "pairs", "time", "category", "guideline")),
    output_field=JSONField(),
)


@dataclass(frozen=True)
class Overview:
    """The queues, newest first. `runs`: as told to somebody who runs the project."""

    standings: list[Standing]
    runs: bool

    @cached_property
    def first(self) -> list[Notice]:
        return noticing.first(self.standings)

    @property
    def to_make(self) -> list[tuple[str, Queue]]:
        """Reports that are missing or stale."""
        return [(name, one.queue) for one in self.standings for name in one.to_make]

    @property
    def making(self) -> int:
        """How many reports are being made."""
        return sum(len(one.being_made) for one in self.standings)

    @property
    def has_labels(self) -> bool:
        return any(one.has_labels for one in self.standings)

    @property
    def unknown(self) -> int:
        """How many queues have labels and no figures yet."""
        return sum(one.has_labels and one.quality.report is None for one in self.standings)

    @property
    def too_little(self) -> int:
        """How many queues have labels and figures that tell nothing yet."""
        known = [one for one in self.standings if one.has_labels and one.quality.report]
        return sum(noticing.worst(one) == "" for one in known)

    @property
    def is_well(self) -> bool:
        """Whether every queue with labels is known to be fine."""
        return self.has_labels and not (self.first or self.unknown or self.too_little)

    @property
    def as_of(self) -> datetime | None:
        """Of when the oldest of the reports is."""
        return min((one.as_of for one in self.standings if one.as_of), default=None)


def of_project(project: Project, *, runs: bool) -> Overview:
    """How the queues of a project stand, told to whoever `runs` it or to a reviewer."""
    queues = list(project.queues.order_by("-pk"))
    quality, cost = reports.look_each("quality", queues, _BRIEF), reports.look_each("cost", queues)
    now = _now(queues, runs)
    return Overview([Standing(one, quality[one.pk], cost[one.pk], now[one.pk], runs) for one in queues], runs)


def make(project: Project, user: User) -> int:
    """Have the worker make what is missing or stale; returns how many reports."""
    wanted = of_project(project, runs=False).to_make
    for name, queue in wanted:
        reports.refresh(name, Subject.of_queue(queue), user, by_worker=True)
    return len(wanted)


def _now(queues: Sequence[Queue], runs: bool) -> dict[int, Now]:
    """By queue."""
    reviews, appeals = _reviews(queues, runs), _appeals(queues)
    paused = Seat.objects.filter(queue__in=queues, state=Seat.State.PAUSED).order_by().values("queue")
    out = dict(paused.annotate(n=Count("pk")).values_list("queue", "n"))
    some_task = Exists(Task.objects.filter(queue=OuterRef("pk")))
    tasks = set(Queue.objects.filter(some_task, pk__in=[one.pk for one in queues]).values_list("pk", flat=True))
    last = counting.last_labels(queues)
    nothing = Waiting()
    return {
        pk: Now(reviews.get(pk, nothing), appeals.get(pk, nothing), out.get(pk, 0), last.get(pk), pk in tasks)
        for pk in (one.pk for one in queues)
    }


def _reviews(queues: Sequence[Queue], runs: bool) -> dict[int, Waiting]:
    roughly = {one.pk for one in queues if reviewing.is_hidden(one, runs=runs)}
    found = reviewing.all_waiting().filter(queue__in=queues).values("queue")
    told = found.annotate(n=Count("pk"), since=Min("created_at"))
    rows = told.values_list("queue", "n", "since")
    return {
        pk: Waiting(counting.roughly(n), since, roughly=True) if pk in roughly else Waiting(n, since)
        for pk, n, since in rows
    }


def _appeals(queues: Sequence[Queue]) -> dict[int, Waiting]:
    found = Pause.objects.filter(seat__queue__in=queues, outcome=Pause.Outcome.OPEN).exclude(appeal="")
    told = found.order_by().values("seat__queue").annotate(n=Count("pk"), since=Min("appealed_at"))
    return {pk: Waiting(n, since) for pk, n, since in told.values_list("seat__queue", "n", "since")}


# --- For the doors ---------------------------------------------------------------------------------------------------


def heads(overview: Overview) -> list[Any]:
    """Of the table's columns."""
    return [head for name, head in COLUMNS.items() if overview.runs or name not in MANAGERS]


def cells(standing: Standing) -> list[Figure]:
    """The figures of the table's columns."""
    return [standing.figures[name] for name in COLUMNS if name in standing.figures]


def chart(standings: Sequence[Standing]) -> SafeString | None:
    """Alpha of each queue that has labels: it alone can be compared between queues that ask different things, because
    it is told beyond what chance would give.
    """
    known = [one for one in standings if one.measure is not None]
    if not known:
        return None
    points = [_point(one, one.measure or {}) for one in known]
    low = min([0.0, *(number for one in points for number in one.numbers)])
    title = _("Agreement beyond chance, by queue (Krippendorff's alpha)")
    return charts.dots(title, points, low=low, high=1, mark=TENTATIVE, mark_label=_("tentative conclusions from"))


def _point(standing: Standing, measure: Mapping[str, Any]) -> charts.Point:
    href = reverse("quality", args=[standing.queue.pk])
    return drawing.point(standing.queue.name, measure["alpha"], measure["alpha"][3], href)


#: Figures with an interval.
WITH_INTERVAL = ("percent", "alpha", "gold", "accepted", "days_left")


def table(overview: Overview) -> tuple[list[str], list[list[Any]]]:
    """For a spreadsheet: heads and a row for each queue."""
    names = [name for name in TITLES if overview.runs or name not in MANAGERS]
    titles = ["queue", "name", "kind", "state", "judgement", "look_first"]
    titles += [f"{name}{part}" for name in names for part in _parts(name)]
    titles += ["currency"] if overview.runs else []
    return [*titles, "as_of", "stale"], [list(_row(one, names)) for one in overview.standings]


def _parts(name: str) -> tuple[str, ...]:
    return ("", "_low", "_high") if name in WITH_INTERVAL else ("",)


def _row(standing: Standing, names: Sequence[str]) -> Iterator[Any]:
    queue = standing.queue
    yield from (queue.pk, queue.name, queue.kind, queue.state, noticing.worst(standing))
    yield " ".join(one.sentence for one in noticing.of(standing))
    for name in names:
        figure = standing.figures[name]
        yield from (figure.value, figure.low, figure.high)[: len(_parts(name))]
    if standing.runs:
        yield standing.figures["cost"].word
    yield standing.as_of.isoformat(timespec="seconds") if standing.as_of else None
    yield "yes" if standing.is_stale else "no"

"""How one queue of a project stands: the figures that its own pages have, of its newest reports, and what waits now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.kinds import Level
from annotate.models import Queue, Report
from annotate.quality import costs, pricing, saying, telling
from annotate.quality.figures import Figure
from annotate.quality.reports import Shown
from annotate.scoring.intervals import wilson

#: Figures by name, in the order of the page's columns.
TITLES = {
    "percent": gettext_lazy("Agreement"),
    "alpha": gettext_lazy("Krippendorff's alpha"),
    "gold": gettext_lazy("Checks answered right"),
    "accepted": gettext_lazy("Accepted by reviewers"),
    "waits": gettext_lazy("Waits for review"),
    "paused": gettext_lazy("Paused people"),
    "appeals": gettext_lazy("Appeals"),
    "pace": gettext_lazy("Labels a day"),
    "days_left": gettext_lazy("Days to finish"),
    "cost": gettext_lazy("Cost so far"),
}
#: Those of money and forecasts, for managers.
MANAGERS = ("days_left", "cost")

type Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many there are, and since when the first of them. `roughly`: `n` or more, as `reviewing.Waits` has it."""

    n: int = 0
    since: datetime | None = None
    roughly: bool = False

    @property
    def known(self) -> dict[str, Any]:
        """For programs. Where the number is rough the time is, too: the exact one would tell which label it is."""
        since = self.since.date() if self.since and self.roughly else self.since
        return ({"since": since.isoformat()} if since else {}) | ({"roughly": True} if self.roughly else {})


@dataclass(frozen=True, slots=True)
class Now:
    """What is no report's: how things are at this moment. `last`: when the last label came; `tasks`: whether there are
    any.
    """

    reviews: Waiting = field(default_factory=Waiting)
    appeals: Waiting = field(default_factory=Waiting)
    paused: int = 0
    last: datetime | None = None
    tasks: bool = False


@dataclass(frozen=True)
class Standing:
    """A queue's. `runs`: whether it is told to somebody who runs the project: with money, and links to their pages."""

    queue: Queue
    quality: Shown
    cost: Shown
    now: Now
    runs: bool

    @property
    def has_labels(self) -> bool:
        return self.now.last is not None

    @property
    def shown(self) -> dict[str, Shown]:
        """Its reports by name."""
        return {"quality": self.quality, "cost": self.cost}

    @property
    def made(self) -> list[Report]:
        return [one.report for one in self.shown.values() if one.report]

    @property
    def being_made(self) -> list[Report]:
        return [one.newer for one in self.shown.values() if one.newer]

    @property
    def failed(self) -> list[Report]:
        return [one.failed for one in self.shown.values() if one.failed and not one.newer]

    @property
    def to_make(self) -> list[str]:
        """The names of reports that are missing or stale, and are not being made. Without labels there is none."""
        wanted = [name for name, one in self.shown.items() if one.stale and not one.newer]
        return wanted if self.has_labels else []

    @property
    def is_stale(self) -> bool:
        """Whether a report is missing, or labels, reviews or rules changed since."""
        return self.has_labels and any(one.stale for one in self.shown.values())

    @property
    def as_of(self) -> datetime | None:
        """Of when the older of its reports is."""
        return min((one.finished_at for one in self.made if one.finished_at), default=None)

    @cached_property
    def measure(self) -> Told | None:
        """The chief measure of what is asked, as the report has it; None before the first labels."""
        return telling.chosen(self.quality.result, "") if self.quality.result.get("labels") else None

    @property
    def asked(self) -> str:
        """What the chief measure is called; "" without one."""
        name = self.measure["name"] if self.measure else ""
        return telling.labels_of(self.queue).get(name, name)

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """By name, in the order of `TITLES`; those without data have no value."""
        found = {one.name: one for one in (*self._of_quality(), *self._of_cost(), *self._of_now())}
        names = [name for name in TITLES if self.runs or name not in MANAGERS]
        return {name: found.get(name) or Figure(name, TITLES[name], None) for name in names}

    @property
    def judged(self) -> Figure | None:
        """The figure that says whether people agree enough: what is usual, where that is known, unless they can't be
        told from chance; else alpha. Good texts may well differ, so they agree too little only if no more than chance.
        """
        percent, alpha = self.figures["percent"], self.figures["alpha"]
        if percent.worry and alpha.worry != "worry":
            return percent
        texts = self.measure is not None and self.measure["level"] == Level.DISTANCE
        return None if texts and alpha.worry == "look" else alpha

    # --- Where they come from ----------------------------------------------------------------------------------------

    def _of_quality(self) -> Iterable[Figure]:
        if self.measure is None:
            return []
        result = self.quality.result
        page = reverse("quality", args=[self.queue.pk]) + "#people-title"
        told = saying.of_queue(self.queue, result, self.measure)
        return [*told, _gold(result["people"], page), _accepted(result["people"], page)]

    def _of_cost(self) -> Iterable[Figure]:
        if not self.cost.result:
            return []
        page = reverse("cost", args=[self.queue.pk]) if self.runs else reverse("labels", args=[self.queue.pk])
        told = pricing.of_queue(self.queue, self.cost.result) if self.runs else []
        return [_pace(self.cost.result, page), *(replace(one, href=page) for one in told)]

    def _of_now(self) -> Iterable[Figure]:
        pauses = reverse("queue-pauses", args=[self.queue.pk]) if self.runs else ""
        reviews = reverse("reviewing", args=[self.queue.pk])
        return [
            _counted("waits", self.now.reviews, reviews),
            _counted("paused", Waiting(self.now.paused), pauses),
            _counted("appeals", self.now.appeals, pauses),
        ]


def _counted(name: str, waiting: Waiting, href: str) -> Figure:
    href = href if waiting.n else ""
    return Figure(name, TITLES[name], waiting.n, decimals=0, known=waiting.known, href=href)


def _gold(people: Sequence[Told], href: str) -> Figure:
    """Of the annotators whose labels count, all together."""
    right, n = sum(_times(one["gold"]) for one in people), sum(one["gold"][3] for one in people)
    found = wilson(right, n)
    if found.value is None:
        return Figure("gold", TITLES["gold"], None, sentence=_("Nobody has answered a check yet."))
    worry = saying.checked_worry(found)
    sentence = {
        "fine": _("%(good)s and more is good."),
        "worry": _("Surely below %(good)s: read the checks that most get wrong, then the guidelines."),
        "": _("Too few to say more; %(good)s is good."),
    }[worry] % {"good": saying.percent(saying.GOOD)}
    return saying.figure(
        "gold", str(TITLES["gold"]), found, unit="%", sentence=sentence, worry=worry, count=n, href=href
    )


def _times(share: Sequence[Any]) -> int:
    """How often, of a stored share of how many."""
    value, _low, _high, n = share
    times: int = round((value or 0) * n)
    return times


def _accepted(people: Sequence[Told], href: str) -> Figure:
    """Of the reviewed labels of the annotators whose labels count, all together."""
    n = sum(sum(one["reviews"].values()) for one in people)
    found = wilson(sum(one["reviews"].get("accept", 0) for one in people), n)
    if found.value is None:
        return Figure("accepted", TITLES["accepted"], None, sentence=_("Nothing has been reviewed yet."))
    sentence = _("Which labels are reviewed is not by chance unless the rules say so.")
    more: dict[str, Any] = {"worry": saying.accepted_worry(found), "count": n, "href": href}
    return saying.figure("accepted", str(TITLES["accepted"]), found, unit="%", sentence=sentence, **more)


def _pace(result: Told, href: str) -> Figure:
    """Labels of work a day, of the whole days before the report's."""
    recent = costs.last_days(result["days"], date.fromisoformat(result["today"]))
    if not len(recent):
        return Figure("pace", TITLES["pace"], None, sentence=_("It needs a whole day with labels."))
    sentence = _("The mean of the last %(n)s whole days, without checks.") % {"n": len(recent)}
    return Figure("pace", TITLES["pace"], float(recent.mean()), sentence=sentence, href=href)

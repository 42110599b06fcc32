"""What to look at first, of the queues of a project: by these rules alone, each a plain sentence with a way there."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.kinds import Level
from annotate.models import Queue
from annotate.quality import saying
from annotate.quality.costs import IDLE_DAYS
from annotate.quality.figures import WORRIES
from annotate.quality.standing import Standing, Waiting

#: Labels that wait for a reviewer for this long have been forgotten.
LONG = timedelta(days=2)
#: Nothing is said of a shorter time.
SHORT = timedelta(hours=1)
#: So many labels of which nothing is known are too many.
BLIND_FROM = 20


@dataclass(frozen=True, slots=True)
class Notice:
    """`worry`: "worry" or "look"; `href`: "" where it leads to a page that the reader may not see."""

    queue: Queue
    worry: str
    sentence: str
    href: str = ""

    @property
    def worry_word(self) -> str:
        return str(WORRIES[self.worry])


def first(standings: Iterable[Standing]) -> list[Notice]:
    """What to look at first: what is surely wrong before what may be."""
    found = [notice for one in standings for notice in of(one)]
    return sorted(found, key=lambda one: one.worry != "worry")


def of(standing: Standing) -> list[Notice]:
    """All that is to be looked at in a queue."""
    return [notice for rule in RULES for notice in rule(standing)]


def worst(standing: Standing) -> str:
    """ "worry" or "look" of what is to be looked at, else "fine" where a figure says so, and "" where none does."""
    signs = {one.worry for one in of(standing)}
    judged = {one.worry for one in (standing.judged, standing.figures["gold"], standing.figures["accepted"]) if one}
    return next((one for one in ("worry", "look") if one in signs), "fine" if "fine" in judged else "")


# --- By the newest report --------------------------------------------------------------------------------------------


def _agreement(standing: Standing) -> Iterator[Notice]:
    figure = standing.judged
    if figure is None or figure.value is None or figure.worry not in {"worry", "look"}:
        return
    said = _preferring(figure.value) if figure.name == "percent" else _beyond_chance(standing)
    yield Notice(standing.queue, figure.worry, said, reverse("quality", args=[standing.queue.pk]))


def _preferring(value: float) -> str:
    said = _(
        "Two people say the same in %(share)s of cases; published preferences have 63 to 77 %%. Read the tasks they "
        "are most divided on."
    )
    return said % {"share": saying.percent(value)}


def _beyond_chance(standing: Standing) -> str:
    """As `saying.alpha_says`, in short."""
    alpha, texts = standing.figures["alpha"], standing.figures["alpha"].known["level"] == Level.DISTANCE
    if alpha.worry == "worry" and texts:
        return _("Two people's texts for one task are no more alike than any others: do people answer what is asked?")
    if alpha.worry == "worry" and (alpha.high or 0) < 0:
        return _("People agree less than by chance, as if they understood the question differently.")
    if alpha.worry == "worry":
        return _("People's agreement can't be told from chance: is the question clear, do they read?")
    if (alpha.value or 0) >= saying.TENTATIVE:
        return _("People may agree well enough; more tasks with labels of two people would tell.")
    return _("People agree more than by chance, but not enough to rely on a single label.")


def _checks(standing: Standing) -> Iterator[Notice]:
    gold = standing.figures["gold"]
    if gold.worry == "worry":
        said = _("%(share)s of checks are answered right: surely less than %(good)s. See which ones most get wrong.")
        words = {"share": gold.shown, "good": saying.percent(saying.GOOD)}
        yield Notice(standing.queue, "worry", said % words, reverse("queue-checks", args=[standing.queue.pk]))


def _refused(standing: Standing) -> Iterator[Notice]:
    accepted = standing.figures["accepted"]
    if accepted.worry == "look":
        said = _("Reviewers accepted %(share)s of what they looked at: read why they did not take the rest.")
        href = reverse("labels", args=[standing.queue.pk]) + "?which=all&verdict=any"
        yield Notice(standing.queue, "look", said % {"share": accepted.shown}, href)


def _blind(standing: Standing) -> Iterator[Notice]:
    """Nothing that could tell good labels from bad ones has come in."""
    result = standing.quality.result
    if result.get("labels", 0) < BLIND_FROM or result["shared_tasks"] or standing.now.reviews.n:
        return
    if standing.figures["gold"].value is None and standing.figures["accepted"].value is None:
        said = _("Nothing tells how good the labels are: ask for two labels of some tasks, mix in checks, or review.")
        yield Notice(standing.queue, "look", said, _for_managers(standing, "queue-rules"))


def _failed(standing: Standing) -> Iterator[Notice]:
    for report in standing.failed:
        if standing.runs or report.name != "cost":
            said = _("The figures could not be made: %s") % report.error
            yield Notice(standing.queue, "look", said, reverse(report.name, args=[standing.queue.pk]))


# --- Now -------------------------------------------------------------------------------------------------------------


def _appeals(standing: Standing) -> Iterator[Notice]:
    if (waiting := standing.now.appeals).n:
        yield Notice(standing.queue, "look", _appealed(waiting), _for_managers(standing, "queue-pauses"))


def _appealed(waiting: Waiting) -> str:
    if waiting.since is None or timezone.now() - waiting.since < SHORT:
        said = ngettext("%(n)s appeal waits for an answer", "%(n)s appeals wait for an answer", waiting.n)
        return said % {"n": waiting.n} + "."
    said = ngettext(
        "%(n)s appeal has waited for an answer for %(days)s.",
        "%(n)s appeals wait for an answer, the first for %(days)s.",
        waiting.n,
    )
    return _since(said, waiting)


def _reviews(standing: Standing) -> Iterator[Notice]:
    waiting = standing.now.reviews
    if waiting.since and timezone.now() - waiting.since >= LONG:
        yield Notice(standing.queue, "look", _to_review(waiting), reverse("reviewing", args=[standing.queue.pk]))


def _to_review(waiting: Waiting) -> str:
    if waiting.roughly:
        said = ngettext(
            "%(n)s or more labels wait for a reviewer", "%(n)s or more labels wait for a reviewer", waiting.n
        )
        return said % {"n": waiting.n} + "."
    said = ngettext(
        "%(n)s label has waited for a reviewer for %(days)s.",
        "%(n)s labels wait for a reviewer, the first for %(days)s.",
        waiting.n,
    )
    return _since(said, waiting)


def _since(said: str, waiting: Waiting) -> str:
    return said % {"n": waiting.n, "days": timesince(waiting.since, depth=1) if waiting.since else ""}


def _idle(standing: Standing) -> Iterator[Notice]:
    """An open queue in which nobody has labelled for long though something was left, as its report has it."""
    last, left = standing.now.last, standing.cost.result.get("forecast", {}).get("places")
    if standing.queue.state != Queue.State.OPEN or last is None or not left:
        return
    if timezone.now() - last > timedelta(days=IDLE_DAYS):
        said = _("Nobody has labelled since %(day)s, and something is left to do: are there people for it?")
        words = {"day": date_format(timezone.localdate(last))}
        yield Notice(standing.queue, "look", said % words, reverse("queue", args=[standing.queue.pk]))


def _for_managers(standing: Standing, page: str) -> str:
    return reverse(page, args=[standing.queue.pk]) if standing.runs else ""


type Rule = Callable[[Standing], Iterator[Notice]]
RULES: tuple[Rule, ...] = (_agreement, _checks, _appeals, _reviews, _refused, _idle, _blind, _failed)

"""The labels behind a figure: what a list of labels can be narrowed to, and the address of that list.

`Narrowed.of` reads an address, `link` writes one, `labels` finds the labels: so a figure and its list can't differ.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Self
from urllib.parse import urlencode

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from annotate.models import Label, Pause, Queue, Response, Review, Task, ToReview

#: Of prompts without a category.
NO_CATEGORY = "(none)"
NOT_REVIEWED = "none"
#: Of labels that no review has set aside.
KEPT = "kept"
REVIEWED = "any"
#: Up to so many labels are counted one by one.
MOST_COUNTED = 20_000

TITLES: dict[str, str | Promise] = {
    "by": _("By"),
    "with": _("On tasks shared with"),
    "category": _("Category"),
    "guideline": _("Guidelines version"),
    "from": _("From"),
    "to": _("To"),
    "role": _("Tasks"),
    "verdict": _("Review"),
    "task": _("Task"),
    "shared": _("Only tasks with labels of several people"),
    "fixes": _("Without reviewers' fixes"),
    "model": _("Model"),
    "against": _("Beside the model"),
    "waits": _("Waits for a reviewer"),
    "last": _("What annotators said last, also where a reviewer fixed it"),
}


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a list is narrowed to; what is None isn't asked for. `by`, `mate`: user ids. Days are those of UTC.

    `mate`: labels of `by` and this person, on tasks that both labelled. `guideline`: a version, 0 for none.
    `verdict`: of the newest review. `shared`: on tasks that somebody else labelled too. `fixes`: False leaves out
    labels that a reviewer put in the place of another's. `model`: one of the responses shown is this model's and,
    with `against`, another one this one's. `waits`: why it is in the review queue. `last`: the last that their
    annotators said, without fixes, and without what was set aside with all work of somebody who is paused: what a
    quality report is made of.
    """

    by: int | None = None
    mate: int | None = None
    category: str | None = None
    guideline: int | None = None
    since: date | None = None
    until: date | None = None
    role: str | None = None
    verdict: str | None = None
    task: int | None = None
    shared: bool | None = None
    fixes: bool | None = None
    model: str | None = None
    against: str | None = None
    waits: str | None = None
    last: bool | None = None

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> Self:
        """What an address asks for. ValueError, with the name, for what can't be."""
        found = {}
        for name, (field, read, _write) in _WORDS.items():
            if text := asked.get(name, "").replace("\0", ""):
                try:
                    found[field] = read(text)
                except (ValueError, OverflowError) as error:
                    raise ValueError(name) from error
        return cls(**found)

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) is not None for one in fields(self))

    def asked(self) -> dict[str, str]:
        """As an address asks for it."""
        return {
            name: write(value)
            for name, (field, _read, write) in _WORDS.items()
            if (value := getattr(self, field)) is not None
        }

    def without(self, name: str) -> "Narrowed":
        return replace(self, **{_WORDS[name][0]: None})


def _one_of(*choices: str) -> Any:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(text)
        return text

    return read


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise ValueError(text)
    return int(text)


def _yes(text: str) -> bool:
    return bool(_one_of("yes", "no")(text) == "yes")


def _said(value: bool) -> str:
    return "yes" if value else "no"


#: Why labels may wait for a reviewer, but for what nobody is told.
_TOLD = [why for why in ToReview.Why.values if why != ToReview.Why.KNOWN]

#: By its name in addresses: the field of `Narrowed`, and from text and to text.
_WORDS: dict[str, tuple[str, Any, Any]] = {
    "by": ("by", _number, str),
    "with": ("mate", _number, str),
    "category": ("category", str, str),
    "guideline": ("guideline", _number, str),
    "from": ("since", date.fromisoformat, date.isoformat),
    "to": ("until", date.fromisoformat, date.isoformat),
    "role": ("role", _one_of(*Task.Role.values), str),
    "verdict": ("verdict", _one_of(NOT_REVIEWED, KEPT, REVIEWED, *Review.Verdict.values), str),
    "task": ("task", _number, str),
    "shared": ("shared", _yes, _said),
    "fixes": ("fixes", _yes, _said),
    "model": ("model", str, str),
    "against": ("against", str, str),
    "waits": ("waits", _one_of(*_TOLD), str),
    "last": ("last", _yes, _said),
}


def link(queue: Queue | int, **narrowed: Any) -> str:
    """The address of a queue's labels, narrowed; takes the fields of `Narrowed`. Without `last`: that stand."""
    asked = Narrowed(**narrowed).asked() | ({"which": "all"} if narrowed.get("last") else {})
    where = reverse("labels", args=[queue if isinstance(queue, int) else queue.pk])
    return f"{where}?{urlencode(asked)}" if asked else where


def labels(found: QuerySet[Label], wanted: Narrowed) -> QuerySet[Label]:
    """Those of the labels that are wanted."""
    for condition in _conditions(wanted):
        found = found.filter(condition)
    return found


def _conditions(wanted: Narrowed) -> Iterator[Q | Exists]:
    yield from _of_people(wanted)
    yield from _of_tasks(wanted)
    yield from _of_time(wanted)
    if wanted.verdict:
        yield from _of_reviews(wanted.verdict)
    if wanted.fixes is not None:
        yield Q(fixes__isnull=not wanted.fixes)
    if wanted.last:
        yield from _said_last()
    if wanted.waits:
        yield Q(Exists(ToReview.objects.filter(label=OuterRef("pk"), review=None, why=wanted.waits)))
    for model in filter(None, (wanted.model, wanted.against)):
        theirs = Response.objects.filter(prompt=OuterRef("task__prompt"), model=model)
        yield Q(shown__overlap=ArraySubquery(theirs.values("pk")))


def _of_time(wanted: Narrowed) -> Iterator[Q]:
    if wanted.guideline is not None:
        yield Q(guideline__version=wanted.guideline) if wanted.guideline else Q(guideline=None)
    if wanted.since:
        yield Q(created_at__gte=_midnight(wanted.since))
    if wanted.until:
        yield Q(created_at__lt=_midnight(wanted.until + timedelta(days=1)))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _of_people(wanted: Narrowed) -> Iterator[Q | Exists]:
    if wanted.mate is None:
        if wanted.by is not None:
            yield Q(annotator=wanted.by)
        return
    both = [wanted.mate] if wanted.by is None else [wanted.by, wanted.mate]
    if wanted.by is not None:
        yield Q(annotator__in=both)
    for person in both:
        yield Q(task__in=Label.objects.filter(annotator=person).values("task"))  # which an index tells
        yield Exists(_beside(wanted).filter(annotator=person))


def _beside(wanted: Narrowed) -> QuerySet[Label]:
    """Labels of the same task that count as those do that are wanted."""
    others = Label.objects.all() if wanted.last else Label.objects.live()
    return labels(
        others.filter(task=OuterRef("task")), Narrowed(verdict=wanted.verdict, fixes=wanted.fixes, last=wanted.last)
    )


def _of_tasks(wanted: Narrowed) -> Iterator[Q | Exists]:
    if wanted.task is not None:
        yield Q(task=wanted.task)
    if wanted.role:
        yield Q(task__role=wanted.role)
    if wanted.category is not None:
        yield Q(task__prompt__category="" if wanted.category == NO_CATEGORY else wanted.category)
    if wanted.shared:
        yield Q(task__places__gt=1)  # each label has a place of its own: so most tasks need not be looked at
        yield Exists(_beside(wanted).exclude(annotator=OuterRef("annotator")))


def _said_last() -> Iterator[Q | Exists]:
    """As `Columns.last_said` without `columns.set_aside`."""
    yield Q(fixes__isnull=True)
    yield ~Q(Exists(Label.objects.filter(supersedes=OuterRef("pk"), fixes__isnull=True)))
    paused = Pause.objects.filter(
        seat__queue=OuterRef("label__queue"), seat__user=OuterRef("label__annotator"), reason=OuterRef("reason")
    )
    yield ~Q(Exists(_counting().filter(Exists(paused), verdict=Review.Verdict.REJECT)))


def _counting() -> QuerySet[Review]:
    """The newest review of each label."""
    newest = Review.objects.filter(label=OuterRef("label"), trial=False).order_by("-pk").values("pk")[:1]
    return Review.objects.filter(label=OuterRef("pk"), trial=False, pk=Subquery(newest))


def _of_reviews(verdict: str) -> Iterator[Q | Exists]:
    # What a reviewer says of a label whose verdict is known grades the reviewer alone.
    reviews = Review.objects.filter(label=OuterRef("pk"), trial=False)
    counting = _counting()
    if verdict == NOT_REVIEWED:
        yield ~Q(Exists(reviews))
    elif verdict == REVIEWED:
        yield Q(Exists(reviews))
    elif verdict == KEPT:
        yield ~Q(Exists(counting.filter(verdict=Review.Verdict.REJECT)))
    else:
        yield Q(Exists(counting.filter(verdict=verdict)))


def counted(found: QuerySet[Label]) -> tuple[int, bool]:
    """How many there are, and whether that is all: many are counted only so far."""
    number = found.order_by()[: MOST_COUNTED + 1].count()
    return min(number, MOST_COUNTED), number <= MOST_COUNTED

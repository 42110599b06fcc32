"""The labels behind a figure: what a list of labels can be narrowed to, and the address of that list.

`Narrowed.of` reads an address, `link` writes one, `labels` finds the labels: so a figure and its list can't differ.
People are in addresses by pseudonym: an id is the same in every project, so it would tell reviewers who somebody is.
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

from annotate.models import (
    Label,
    Member,
    OutsideAnnotator,
    Pause,
    Queue,
    Response,
    Review,
    Seat,
    Task,
    ToReview,
    User,
)

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
    "own": _("What the queue's own people said last"),
}


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a list is narrowed to; what is None isn't asked for. `by`, `mate`: user ids. Days are those of UTC.

    `mate`: labels of `by` and this person, on tasks that both labelled. `guideline`: a version, 0 for none.
    `verdict`: of the newest review; what was set aside with all work of somebody who is paused is neither reviewed nor
    rejected, since nobody read it. `shared`: on tasks that somebody else labelled too. `fixes`: False leaves out
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
    own: bool | None = None

    @classmethod
    def of(cls, asked: Mapping[str, str], queue: Queue) -> Self:
        """What an address asks for. ValueError, with the name, for what can't be."""
        found: dict[str, Any] = {}
        for name, (field, read, _write) in _WORDS.items():
            if text := asked.get(name, "").replace("\0", ""):
                try:
                    found[field] = _person(queue, text) if name in _PEOPLE else read(text)
                except (ValueError, OverflowError) as error:
                    raise ValueError(name) from error
        return cls(**found)

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) is not None for one in fields(self))

    def asked(self, queue: Queue) -> dict[str, str]:
        """As an address asks for it."""
        return {
            name: queue.project.pseudonym(value) if name in _PEOPLE else write(value)
            for name, (field, _read, write) in _WORDS.items()
            if (value := getattr(self, field)) is not None
        }

    def without(self, name: str) -> "Narrowed":
        return replace(self, **{_WORDS[name][0]: None})


def _person(queue: Queue, pseudonym: str) -> int:
    """Whose it is. ValueError where it is nobody's whose labels can be in the queue."""
    project = queue.project
    seated = Seat.objects.filter(queue=queue).values_list("user", flat=True)
    others = (one.objects.filter(project=project).values_list("user", flat=True) for one in (Member, OutsideAnnotator))
    for pk in seated.union(*others):
        if project.pseudonym(pk) == pseudonym:
            return pk
    raise ValueError(pseudonym)


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


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    return day + timedelta(days=1) - timedelta(days=1)  # the last day there is has no end


def _yes(text: str) -> bool:
    return bool(_one_of("yes", "no")(text) == "yes")


def _said(value: bool) -> str:
    return "yes" if value else "no"


#: Why labels may wait for a reviewer, but for what nobody is told.
_TOLD = [why for why in ToReview.Why.values if why != ToReview.Why.KNOWN]

#: Told by pseudonym.
_PEOPLE = ("by", "with")
#: By its name in addresses: the field of `Narrowed`, and from text and to text.
_WORDS: dict[str, tuple[str, Any, Any]] = {
    "by": ("by", _number, str),
    "with": ("mate", _number, str),
    "category": ("category", str, str),
    "guideline": ("guideline", _number, str),
    "from": ("since", _day, date.isoformat),
    "to": ("until", _day, date.isoformat),
    "role": ("role", _one_of(*Task.Role.values), str),
    "verdict": ("verdict", _one_of(NOT_REVIEWED, KEPT, REVIEWED, *Review.Verdict.values), str),
    "task": ("task", _number, str),
    "shared": ("shared", _yes, _said),
    "fixes": ("fixes", _yes, _said),
    "model": ("model", str, str),
    "against": ("against", str, str),
    "waits": ("waits", _one_of(*_TOLD), str),
    "last": ("last", _yes, _said),
    "own": ("own", _yes, _said),
}


def link(queue: Queue, *, every: bool = False, **narrowed: Any) -> str:
    """The address of a queue's labels, narrowed; takes the fields of `Narrowed`. `every`: those too that were amended,
    as with `last` and `own`; else those that stand.
    """
    every = every or bool(narrowed.get("last") or narrowed.get("own"))
    asked = Narrowed(**narrowed).asked(queue) | ({"which": "all"} if every else {})
    where = reverse("labels", args=[queue.pk])
    return f"{where}?{urlencode(asked)}" if asked else where


def labels(found: QuerySet[Label], wanted: Narrowed, reader: User | None = None) -> QuerySet[Label]:
    """Those of the labels that are wanted. `reader`: a reviewer, for whom what they said on a trial is a review too."""
    for condition in _conditions(wanted, reader):
        found = found.filter(condition)
    return found


def _conditions(wanted: Narrowed, reader: User | None) -> Iterator[Q | Exists]:
    yield from _of_people(wanted)
    yield from _of_tasks(wanted)
    yield from _of_time(wanted)
    if wanted.verdict:
        yield from _of_reviews(wanted.verdict, reader)
    if wanted.fixes is not None:
        yield Q(_is_fix()) if wanted.fixes else ~Q(_is_fix())
    if wanted.last or wanted.own:
        yield from _said_last()
    if wanted.last:
        yield _not_set_aside()
    if wanted.own:
        outside = OutsideAnnotator.objects.filter(project=OuterRef("queue__project"), user=OuterRef("annotator"))
        yield ~Q(Exists(outside))
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
    if wanted.by is not None:
        yield Q(annotator__in=[wanted.by, wanted.mate])
    theirs = [_alike(wanted).filter(annotator=one).values("task") for one in (wanted.by, wanted.mate) if one]
    yield Q(task__in=theirs[0].intersection(*theirs[1:]))  # all of them first: for each label it would take minutes


def _alike(wanted: Narrowed) -> QuerySet[Label]:
    """Labels that count as those do that are wanted, of whatever task."""
    found = Label.objects.all() if wanted.last or wanted.own else Label.objects.live()
    alike = {name: getattr(wanted, name) for name in ("verdict", "fixes", "last", "own")}
    return labels(found, Narrowed(**alike)).order_by()


def _of_tasks(wanted: Narrowed) -> Iterator[Q | Exists]:
    if wanted.task is not None:
        yield Q(task=wanted.task)
    if wanted.role:
        yield Q(task__role=wanted.role)
    if wanted.category is not None:
        yield Q(task__prompt__category="" if wanted.category == NO_CATEGORY else wanted.category)
    if wanted.shared:
        yield Q(task__places__gt=1)  # each label has a place of its own: so most tasks need not be looked at
        others = _alike(wanted).filter(task=OuterRef("task"))
        yield Exists(others.exclude(annotator=OuterRef("annotator")))


def _is_fix() -> Exists:
    """Not `fixes__isnull`: PostgreSQL expects next to nothing of that, and then reads a whole table for each label."""
    return Exists(Review.objects.filter(fix=OuterRef("pk")))


def _said_last() -> Iterator[Q]:
    """As `Columns.last_said`."""
    yield ~Q(_is_fix())
    yield ~Q(Exists(Label.objects.filter(~Q(_is_fix()), supersedes=OuterRef("pk"))))


def _not_set_aside() -> Q:
    """As without `columns.set_aside`."""
    return ~Q(Exists(_counting().filter(_sets_aside())))


def _sets_aside() -> Q:
    """Of reviews: they reject a label for the reason of its annotator's pause, with all others, and nobody read it."""
    paused = Pause.objects.filter(
        seat__queue=OuterRef("label__queue"), seat__user=OuterRef("label__annotator"), reason=OuterRef("reason")
    )
    return Q(verdict=Review.Verdict.REJECT) & Q(Exists(paused))


def _counting(reader: User | None = None) -> QuerySet[Review]:
    """The newest review of each label."""
    newest = _reviews(reader).filter(label=OuterRef("label")).order_by("-pk").values("pk")[:1]
    return Review.objects.filter(label=OuterRef("pk"), pk=Subquery(newest))


def _reviews(reader: User | None) -> QuerySet[Review]:
    """What a reviewer says of a label whose verdict is known grades the reviewer alone; they are not to know which."""
    counts = Q(trial=False)
    return Review.objects.filter(counts | Q(reviewer=reader) if reader else counts)


def _of_reviews(verdict: str, reader: User | None) -> Iterator[Q | Exists]:
    reviews = _reviews(reader).filter(label=OuterRef("pk"))
    counting = _counting(reader)
    if verdict == NOT_REVIEWED:
        yield ~Q(Exists(reviews))
    elif verdict == REVIEWED:
        yield Q(Exists(counting.exclude(_sets_aside())))
    elif verdict == KEPT:
        yield ~Q(Exists(counting.filter(verdict=Review.Verdict.REJECT)))
    else:
        yield Q(Exists(counting.filter(verdict=verdict).exclude(_sets_aside())))


def counted(found: QuerySet[Label]) -> tuple[int, bool]:
    """How many there are, and whether that is all: many are counted only so far."""
    number = found.order_by()[: MOST_COUNTED + 1].count()
    return min(number, MOST_COUNTED), number <= MOST_COUNTED

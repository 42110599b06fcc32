"""What the pages of whoever runs projects share: the project and the queue around them, and lists in short pages."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.db.models import Model, QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from annotate import access, running
from annotate.kinds import Kind, Payload
from annotate.models import Label, Member, OutsideAnnotator, Project, Queue, Release, Role
from annotate.views.doors import Request

ROWS = 50


@dataclass(frozen=True, slots=True)
class Tab:
    """A page of another app among the tabs of a project or of a queue, or on a release's page. `of`: "project", "queue"
    or "release"; `address`: the name of its address, which takes the project's slug or the id; `suits`: whether this
    queue or release has one.
    """

    of: str
    name: str
    label: str | Promise
    address: str
    role: Role = Role.REVIEWER
    suits: Callable[[Any], bool] = lambda of: True


@cache
def _tabs() -> list[Tab]:
    return [tab for path in settings.TABS for tab in import_string(path)]


def _more_tabs(me: Member, project: Project, queue: Queue | None) -> list[tuple[Tab, str]]:
    """Tabs of other apps that this member sees, each with its address."""
    of, key = ("queue", queue.pk) if queue else ("project", project.slug)
    seen = [tab for tab in _tabs() if tab.of == of and me.can(tab.role) and (queue is None or tab.suits(queue))]
    return [(tab, reverse(tab.address, args=[key])) for tab in seen]


def pages_of(release: Release, me: Member) -> list[tuple[Tab, str]]:
    """Pages of other apps on a release that this member sees, each with its address."""
    seen = [tab for tab in _tabs() if tab.of == "release" and me.can(tab.role) and tab.suits(release)]
    return [(tab, reverse(tab.address, args=[release.pk])) for tab in seen]


def around(request: Request, project: Project, queue: Queue | None = None, tab: str = "") -> dict[str, Any]:
    """For the crumbs and tabs: where one is; whether one sees others' work, runs things, owns all (`reviews`, `runs`,
    `owns`); and `promise`: what opening, pausing and closing a queue does to work already done.
    """
    me = access.membership(request.user, project)
    return {
        "project": project,
        "queue": queue,
        "tab": tab,
        "me": me,
        "reviews": me.can(Role.REVIEWER),
        "runs": me.can(Role.MANAGER),
        "owns": me.can(Role.OWNER),
        "more_tabs": _more_tabs(me, project, queue),
        "promise": running.AFTERWARDS["state"],
    }


@dataclass(frozen=True, slots=True)
class Rows[M]:
    """One page of a list. `more` is the query string of the next page; `start` that of the first, "" if this is it."""

    rows: list[M]
    start: str
    more: str


def rows[M: Model](request: Request, found: QuerySet[M], *, newest_first: bool = False) -> Rows[M]:
    """The page asked for with `?after=ID`, in the order of ids. Page 1,000 costs what page 1 costs."""
    after, asked = number(request.GET.get("after", "")), request.GET.copy()
    if after:
        found = found.filter(pk__lt=after) if newest_first else found.filter(pk__gt=after)
    page = list(found.order_by("-pk" if newest_first else "pk")[: ROWS + 1])
    asked.pop("after", None)
    start = f"?{asked.urlencode()}" if after else ""
    if len(page) <= ROWS:
        return Rows(page, start, "")
    page.pop()
    asked["after"] = str(page[-1].pk)
    return Rows(page, start, f"?{asked.urlencode()}")


def number(text: str) -> int:
    """An id from an address or a form. 0, which nothing has, for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


# --- Labels in lists -----------------------------------------------------------------------------------------------


def names(project: Project, user_ids: Iterable[int], runs: bool) -> dict[int, str]:
    """What to call annotators, by user id: by their names for whoever runs the project, else by their pseudonyms."""
    ids = set(user_ids)
    if not runs:
        return {pk: project.pseudonym(pk) for pk in ids}
    members = Member.objects.filter(project=project, user__in=ids).select_related("user")
    known = {one.user_id: str(one.user) for one in members}
    outside = OutsideAnnotator.objects.filter(project=project, user__in=ids - known.keys())
    known |= {one.user_id: _("%s, from a file") % one.name for one in outside}
    return {pk: known.get(pk) or _("former member, %s") % project.pseudonym(pk) for pk in ids}


def described(labels: Iterable[Label], queue: Queue, runs: bool) -> list[tuple[Label, str, str]]:
    """Labels of a queue, each with who gave it and what it says in one line."""
    found = list(labels)
    who = names(queue.project, (label.annotator_id for label in found), runs)
    return [(label, who[label.annotator_id], in_words(queue.way, label.payload)) for label in found]


def in_words(kind: Kind, payload: Payload) -> str:
    """What an answer says in one line: the answer, the texts that were written, the comment."""
    texts = [kind.in_words(payload), *kind.demonstrations(payload), payload.get("comment", "")]
    return " · ".join(filter(None, texts))

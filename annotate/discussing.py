"""What people say about a label, or about a task as such: one thread each, settled or not.

An annotator takes part once they have submitted a label of the task: in the threads of their own labels and in the
task's. A label's thread goes on with what supersedes the label.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Now
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from annotate.models import Label, Member, Project, Queue, Remark, Role, Task, Thread, User

LONGEST = 5_000


@dataclass(frozen=True, slots=True)
class Said:
    """A remark as one reader sees it: `who` is "you", a role, or a name where the reader is told names."""

    text: str
    who: str | Promise
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Discussion:
    """A thread as one reader sees it; without a thread nothing was said yet."""

    thread: Thread | None
    remarks: list[Said]

    @property
    def is_resolved(self) -> bool:
        return self.thread is not None and self.thread.resolved_at is not None


def first_of_chain(label: Label) -> Label:
    """The label that all others of its chain of amendments go back to."""
    while label.supersedes_id:
        label = Label.objects.get(pk=label.supersedes_id)
    return label


def thread_of(about: Label | Task) -> Thread | None:
    """What was said about a label (or what it superseded), or about a task as such; None where nothing was."""
    return Thread.objects.filter(**_key(about)).first()


def _key(about: Label | Task) -> dict[str, object]:
    if isinstance(about, Task):
        return {"task_id": about.pk, "label": None}
    return {"task_id": about.task_id, "label_id": first_of_chain(about).pk}


def say(user: User, about: Label | Task, text: str) -> Remark:
    """Add a remark; a settled thread is open again. The caller has seen to it that `user` may take part.

    The same said again as the last word is the same remark. Raises ValidationError by field.
    """
    text = _checked(text)
    with transaction.atomic():
        thread = Thread.objects.select_for_update().get(pk=_made(about))
        last = thread.remarks.last()
        if last and (last.author_id, last.text) == (user.pk, text):
            return last
        Thread.objects.filter(pk=thread.pk).update(resolved_at=None, resolved_by=None)
        return Remark.objects.create(thread=thread, author=user, text=text)


def _checked(text: str) -> str:
    text = text.replace("\0", "").strip()
    if not text:
        raise ValidationError({"text": [_("Write something.")]})
    if len(text) > LONGEST:
        raise ValidationError({"text": [_("At most %s characters.") % LONGEST]})
    return text


def _made(about: Label | Task) -> int:
    Thread.objects.bulk_create([Thread(**_key(about))], ignore_conflicts=True)
    there = thread_of(about)
    assert there is not None
    return there.pk


def resolve(user: User, thread: Thread, resolved: bool = True) -> None:
    """Settle a thread, or open it again."""
    now = {"resolved_at": Now(), "resolved_by": user} if resolved else {"resolved_at": None, "resolved_by": None}
    Thread.objects.filter(pk=thread.pk, resolved_at__isnull=resolved).update(**now)
    thread.refresh_from_db()


def read(about: Label | Task, reader: User, names: bool = False) -> Discussion:
    """The thread as `reader` sees it; `names`: whether they are told who others are, as managers are."""
    thread = thread_of(about)
    return Discussion(thread, said(thread, reader, names)) if thread else Discussion(None, [])


def said(thread: Thread, reader: User, names: bool = False) -> list[Said]:
    """The remarks of a thread as `reader` sees them."""
    remarks = list(thread.remarks.select_related("author"))
    project = Project.objects.get(queues__tasks=thread.task_id)
    reviewers = _reviewers(project, {one.author_id for one in remarks})
    return [Said(one.text, _who(one, reader, names, reviewers), one.created_at) for one in remarks]


def _reviewers(project: Project, people: Iterable[int]) -> set[int]:
    found = Member.objects.filter(project=project, user__in=people, role__in=Role.at_least(Role.REVIEWER))
    return set(found.values_list("user", flat=True))


def _who(remark: Remark, reader: User, names: bool, reviewers: set[int]) -> str | Promise:
    if remark.author_id == reader.pk:
        return _("you")
    if names:
        return str(remark.author)
    return _("a reviewer") if remark.author_id in reviewers else _("an annotator")


# --- Lists -----------------------------------------------------------------------------------------------------------


def unresolved(queue: Queue) -> QuerySet[Thread]:
    """The threads of a queue that nobody has settled, in which something was said, newest first."""
    talked = Exists(Remark.objects.filter(thread=OuterRef("pk")))
    found = Thread.objects.filter(talked, task__queue=queue, resolved_at=None)
    return found.select_related("label", "task__prompt").order_by("-pk")


def awaiting(user: User) -> QuerySet[Thread]:
    """Unsettled threads on the person's own labels in which somebody else has the last word, newest first."""
    last = Remark.objects.filter(thread=OuterRef("pk")).order_by("-pk").values("author")[:1]
    mine = Thread.objects.filter(
        label__annotator=user, resolved_at=None, task__queue__project__in=Project.objects.seen_by(user)
    )
    found = mine.annotate(last=Subquery(last)).filter(last__isnull=False).exclude(last=F("label__annotator"))
    return found.select_related("label", "task__prompt", "task__queue").order_by("-pk")

"""The one door to a permitted object: the first line of every view and API method.

Each function takes the user and an id and gives the object, or raises Http404, alike for what does not exist
and for what is not theirs. A member whose role is too low for an object they may know of gets PermissionDenied.
A token bound to a project sees that project alone.
"""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404

from annotate.models import (
    Asset,
    Assignment,
    Import,
    Label,
    Member,
    Pause,
    Project,
    Queue,
    Release,
    Role,
    Task,
    Thread,
    Token,
    User,
)
from annotate.models.people import digest
from annotate.models.rows import columns, first_row, instance

type Who = User | AnonymousUser

# Read with almost every request, so plain statements; `Project.objects.seen_by` says the same of projects.
_MEMBER = f"""
SELECT {columns(Member, "m")} FROM annotate_member m WHERE m.project_id = %(project)s AND m.user_id = %(user)s
"""  # noqa: S608  # put together from our own columns
_QUEUE = f"""
SELECT {columns(Queue, "q")}, {columns(Project, "p")}, {columns(Member, "m")}
FROM annotate_queue q
JOIN annotate_project p ON p.id = q.project_id AND p.archived_at IS NULL
JOIN annotate_member m ON m.project_id = p.id AND m.user_id = %(user)s
WHERE q.id = %(id)s AND (%(project)s::bigint IS NULL OR p.id = %(project)s)
"""  # noqa: S608


def _one[M: Model](found: QuerySet[M], pk: int) -> M:
    # Ids beyond a bigint can't exist: say so before the database complains.
    obj = found.filter(pk=pk).first() if 0 < pk < 2**63 else None
    if obj is None:
        raise Http404
    return obj


def _row(sql: str, person: User, pk: int) -> Iterator[Any]:
    """The columns of what `sql` finds for an id, a person and the project of their token."""
    project_id = person.token.project_id if person.token else None
    values = {"id": pk, "user": person.pk, "project": project_id}
    row = first_row(sql, values) if 0 < pk < 2**63 else None
    if row is None:
        raise Http404
    return iter(row)


def _person(user: Who) -> User:
    if not user.is_authenticated:
        raise Http404
    return user


def _require(user: User, project: Project, role: Role) -> Member:
    row = first_row(_MEMBER, {"project": project.pk, "user": user.pk})
    if row is None:
        raise Http404
    return _allowed(instance(Member, iter(row)), role)


def _allowed(member: Member, role: Role) -> Member:
    if not member.can(role):
        raise PermissionDenied
    return member


def project(user: Who, slug: str, role: Role = Role.ANNOTATOR) -> Project:
    """The project called `slug`."""
    person = _person(user)
    found = Project.objects.seen_by(person).filter(slug=slug).first()
    if found is None:
        raise Http404
    _require(person, found, role)
    return found


def membership(user: Who, project: Project) -> Member:
    """The user's own membership of a project."""
    return _require(_person(user), project, Role.ANNOTATOR)


def member(user: Who, slug: str, pk: int, role: Role = Role.MANAGER) -> Member:
    """A member of the project called `slug`."""
    within = project(user, slug, role)
    return _one(Member.objects.filter(project=within).select_related("user", "project"), pk)


def queue(user: Who, pk: int, role: Role = Role.MANAGER) -> Queue:
    """A queue. To an annotator it exists only if they may work in it."""
    person = _person(user)
    row = _row(_QUEUE, person, pk)
    found = instance(Queue, row)
    found.project, member = instance(Project, row), instance(Member, row)
    if role is Role.ANNOTATOR and not member.can(Role.REVIEWER):
        return _one(Queue.objects.worked_by(person).select_related("project"), pk)
    _allowed(member, role)
    return found


def own_queue(user: Who, pk: int) -> Queue:
    """A queue that the user may work in, or once did: what they were told there is theirs to read."""
    person = _person(user)
    mine = Queue.objects.filter(project__in=Project.objects.seen_by(person), seats__user=person)
    found = mine.select_related("project").filter(pk=pk).first() if 0 < pk < 2**63 else None
    return found or queue(user, pk, Role.ANNOTATOR)


def queues(user: Who, project: Project) -> QuerySet[Queue]:
    """A project's queues; for an annotator those they may work in."""
    person = _person(user)
    found = (
        Queue.objects
        if _require(person, project, Role.ANNOTATOR).can(Role.REVIEWER)
        else Queue.objects.worked_by(person)
    )
    return found.filter(project=project)


def task(user: Who, pk: int, role: Role = Role.REVIEWER) -> Task:
    """A task, with its queue and prompt. To annotators none exists: new ids would tell them of repeats."""
    person = _person(user)
    mine = Task.objects.filter(queue__project__in=Project.objects.seen_by(person))
    found = _one(mine.select_related("queue__project", "prompt"), pk)
    member = _require(person, found.queue.project, Role.ANNOTATOR)
    if not member.can(Role.REVIEWER):
        raise Http404
    if not member.can(role):
        raise PermissionDenied
    return found


# Read with every draft and every submit; `Project.objects.seen_by` says the same of projects.
_GIVEN = f"""
SELECT {columns(Assignment, "a")}, {columns(Task, "t")}, {columns(Queue, "q")}
FROM annotate_assignment a
JOIN annotate_task t ON t.id = a.task_id
JOIN annotate_queue q ON q.id = a.queue_id
JOIN annotate_project p ON p.id = q.project_id AND p.archived_at IS NULL
JOIN annotate_member m ON m.project_id = p.id AND m.user_id = %(user)s
WHERE a.id = %(id)s AND a.holders @> ARRAY[%(user)s]::bigint[]
  AND (%(project)s::bigint IS NULL OR p.id = %(project)s)
"""  # noqa: S608  # put together from our own columns


def assignment(user: Who, pk: int) -> Assignment:
    """A place the user holds, or once held: they may still hand in late."""
    row = _row(_GIVEN, _person(user), pk)
    place = instance(Assignment, row)
    place.task, place.queue = instance(Task, row), instance(Queue, row)
    return place


def label(user: Who, pk: int, role: Role = Role.REVIEWER) -> Label:
    """Anybody's label for a reviewer; for an annotator (with `role=Role.ANNOTATOR`) one of their own."""
    person = _person(user)
    labels = Label.objects.filter(queue__project__in=Project.objects.seen_by(person))
    found = _one(labels.select_related("queue__project", "task__prompt", "annotator"), pk)
    if role is Role.ANNOTATOR and found.annotator_id == person.pk:
        return found
    _require(person, found.queue.project, max(role, Role.REVIEWER, key=lambda one: one.rank))
    return found


def own_label(user: Who, pk: int) -> Label:
    """One of the user's own labels, whatever their role. What they fixed as a reviewer is no label of their own."""
    person = _person(user)
    mine = Label.objects.filter(annotator=person, fixes=None, queue__project__in=Project.objects.seen_by(person))
    return _one(mine.select_related("queue__project", "task__prompt", "guideline"), pk)


# Read with every request of a program.
_BEARER = f"""
SELECT {columns(Token, "t")}, {columns(User, "u")}
FROM annotate_token t
JOIN annotate_user u ON u.id = t.user_id AND u.is_active
WHERE t.secret_digest = %(digest)s AND t.revoked_at IS NULL
  AND (t.expires_at IS NULL OR t.expires_at > STATEMENT_TIMESTAMP())
"""  # noqa: S608  # put together from our own columns


def bearer(secret: str) -> Token | None:
    """The token with this secret and its user: neither revoked nor expired, of somebody who may still sign in."""
    row = first_row(_BEARER, {"digest": digest(secret)})
    if row is None:
        return None
    read = iter(row)
    found, user = instance(Token, read), instance(User, read)
    found.user, user.token = user, found
    return found


def token(user: Who, pk: int) -> Token:
    """One of the user's own tokens."""
    return _one(Token.objects.filter(user=_person(user)), pk)


def import_job(user: Who, pk: int, role: Role = Role.MANAGER) -> Import:
    """An import, with its queue."""
    person = _person(user)
    jobs = Import.objects.filter(queue__project__in=Project.objects.seen_by(person))
    found = _one(jobs.select_related("queue__project"), pk)
    _require(person, found.queue.project, role)
    return found


def release(user: Who, pk: int, role: Role = Role.MANAGER) -> Release:
    """A release, with its queue."""
    person = _person(user)
    releases = Release.objects.filter(queue__project__in=Project.objects.seen_by(person))
    found = _one(releases.select_related("queue__project"), pk)
    _require(person, found.queue.project, role)
    return found


def asset(user: Who, pk: int, role: Role = Role.MANAGER) -> Asset:
    """A file that a project's exports are made with; not one that was put away."""
    person = _person(user)
    offered = Asset.objects.filter(project__in=Project.objects.seen_by(person), removed_at=None)
    found = _one(offered.select_related("project"), pk)
    _require(person, found.project, role)
    return found


def thread(user: Who, pk: int, role: Role = Role.REVIEWER) -> Thread:
    """What is said about a label or a task."""
    person = _person(user)
    seen = Thread.objects.filter(task__queue__project__in=Project.objects.seen_by(person))
    found = _one(seen.select_related("task__queue__project", "label"), pk)
    _require(person, found.task.queue.project, role)
    return found


def pause(user: Who, pk: int, role: Role = Role.MANAGER) -> Pause:
    """A pause of somebody's seat; for an annotator (with `role=Role.ANNOTATOR`) one of their own."""
    person = _person(user)
    seen = Pause.objects.filter(seat__queue__project__in=Project.objects.seen_by(person))
    if role is Role.ANNOTATOR:
        seen = seen.filter(seat__user=person)
    found = _one(seen.select_related("seat__queue__project", "seat__user"), pk)
    _require(person, found.seat.queue.project, role)
    return found

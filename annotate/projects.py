"""The team's space: making and changing projects, publishing guidelines, and who is a member in which role.

The role rules live here, so every door keeps them: managers bring in reviewers and annotators; only owners make
managers and owners, or touch them; nobody raises themselves; a project always has an owner.
Raises ValidationError by field, and PermissionDenied. `create_project` and `invite` can be asked for twice.
"""

import secrets
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.http import Http404
from django.utils.translation import gettext_lazy as _

from annotate import queue as places
from annotate.models import Assignment, Guideline, Invitation, Member, Project, Queue, Role, Seat, User
from annotate.models.people import digest


class Conflict(ValidationError):
    """Something else exists under the same name. By field, as every ValidationError here."""


def lock(project: Project) -> None:
    """Let whatever else sets up this project wait until the transaction ends. Labels go on; an import
    waits between two batches.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)


def create_project(user: User, slug: str, name: str, description: str = "") -> tuple[Project, bool]:
    """A project owned by `user`, and whether it is new: asking again gives it back. Raises Conflict."""
    if user.token is not None and user.token.project_id is not None:
        raise PermissionDenied(_("This token is for one project alone."))
    project = Project(slug=slug, name=name.strip(), description=description.strip(), created_by=user)
    project.full_clean(exclude=["created_by"], validate_unique=False)
    try:
        with transaction.atomic():
            project.save()
            Member.objects.create(project=project, user=user, role=Role.OWNER)
            return project, True
    except IntegrityError:
        stored = Project.objects.get(slug=slug)
    if _is_owner(stored, user) and _words(stored) == _words(project) and stored.archived_at is None:
        return stored, False
    raise Conflict({"slug": [_("This short name is taken. Choose another.")]})


def _is_owner(project: Project, user: User) -> bool:
    return project.members.filter(user=user, role=Role.OWNER).exists()


def _words(project: Project) -> tuple[str, str]:
    return project.name, project.description


def change_project(project: Project, **changes: str) -> Project:
    """Change `name` and `description`. The short name is part of addresses and stays."""
    for field in changes.keys() - {"name", "description"}:
        raise ValidationError({field: [_("This can't be changed.")]})
    for field, text in changes.items():
        setattr(project, field, text.strip())
    project.full_clean(exclude=["created_by"], validate_unique=False)
    project.save(update_fields=list(changes))
    return project


def archive_project(project: Project) -> None:
    """Put a project away: nobody sees it any more, nothing of it is deleted."""
    Project.objects.filter(pk=project.pk, archived_at=None).update(archived_at=Now())


def publish_guideline(project: Project, author: User, text: str, queue: Queue | None = None) -> Guideline:
    """The next version of the project's guidelines, or of one queue's own. The same text again is no new version."""
    with transaction.atomic():
        lock(project)
        before = Guideline.objects.filter(project=project, queue=queue).first()
        if before is not None and before.text == text.strip():
            return before
        newest = Guideline.objects.filter(project=project).aggregate(number=Max("version"))["number"] or 0
        guideline = Guideline(project=project, queue=queue, author=author, text=text.strip(), version=newest + 1)
        guideline.full_clean(exclude=["project", "queue", "author"], validate_unique=False, validate_constraints=False)
        guideline.save()
        return guideline


# --- Who is a member ---------------------------------------------------------------------------------------------


def invite(project: Project, by: User, email: str, role: str) -> tuple[Invitation, str]:
    """An invitation and the secret of its link, shown this once. It takes the place of an open one to this address."""
    email = _email(email)
    _must_grant(_member(project, by), role)
    if project.members.filter(user__email=email).exists():
        raise ValidationError({"email": [_("This person is a member already.")]})
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        lock(project)
        project.invitations.filter(email=email, accepted_at=None).delete()
        invitation = Invitation.objects.create(
            project=project, email=email, role=role, invited_by=by, secret_digest=digest(secret)
        )
    return invitation, secret


def invitation(secret: str) -> Invitation:
    """The open invitation behind a link. Http404 if it is over, or its sender may not grant its role any more."""
    found = Invitation.objects.select_related("project").filter(secret_digest=digest(secret)).first()
    if found is None or not found.is_open or found.project.archived_at is not None:
        raise Http404
    sender = Member.objects.filter(project=found.project, user=found.invited_by_id).first()
    if sender is None or not _may_grant(sender, found.role):
        raise Http404
    return found


def accept_invitation(secret: str, user: User | None = None, name: str = "", password: str = "") -> Member:
    """Make whoever holds the link a member: the signed-in `user`, else a new account under the invited address."""
    with transaction.atomic():
        lock(invitation(secret).project)
        found = invitation(secret)  # again: it may have been used while we waited
        person = user or _new_account(found.email, name, password)
        Invitation.objects.filter(pk=found.pk).update(accepted_at=Now())
        return Member.objects.get_or_create(project=found.project, user=person, defaults={"role": found.role})[0]


def _new_account(email: str, name: str, password: str) -> User:
    if User.objects.filter(email=email).exists():
        raise ValidationError({"email": [_("This address has an account: sign in, then open the link again.")]})
    person = User(email=email, name=name.strip())
    person.full_clean(exclude=["password"])
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise ValidationError({"password": error.messages}) from error
    return User.objects.create_user(email, password, name=person.name)


def withdraw_invitation(invitation: Invitation) -> None:
    """Make an open link worthless."""
    Invitation.objects.filter(pk=invitation.pk, accepted_at=None).delete()


def add_member(project: Project, by: User, email: str, role: str) -> tuple[Member, bool]:
    """Make somebody who works with `by` elsewhere a member at once, and whether they are new here.

    Others have to be invited: whether an address has an account here is nobody's business. Site staff know all.
    Raises Conflict for a member in another role.
    """
    email = _email(email)
    _must_grant(_member(project, by), role)
    known = User.objects.filter(email=email, is_active=True)
    if not by.is_superuser:
        known = known.filter(memberships__project__in=Project.objects.filter(members__user=by)).distinct()
    person = known.first()
    if person is None:
        raise ValidationError({"email": [_("Nobody you work with has this address. Invite them instead.")]})
    member, new = Member.objects.get_or_create(project=project, user=person, defaults={"role": role})
    if not new and member.role != role:
        raise Conflict({"email": [_("This person is a member already, in another role.")]})
    return member, new


def set_role(member: Member, by: User, role: str) -> Member:
    """Give a member another role, within the rules at the top of this module."""
    with transaction.atomic():
        lock(member.project)
        actor, member = _member(member.project, by), _again(member)
        _must_grant(actor, role)
        _must_grant(actor, member.role)
        if member.role == Role.OWNER and role != Role.OWNER:
            _must_not_be_last(member)
        member.role = role
        member.save(update_fields=["role"])
        return member


def remove_member(member: Member, by: User) -> None:
    """End one's own membership, or that of somebody one could bring in. Tasks in hand go back; labels stay."""
    with transaction.atomic():
        lock(member.project)
        actor, member = _member(member.project, by), _again(member)
        if actor.pk != member.pk:
            _must_grant(actor, member.role)
        if member.role == Role.OWNER:
            _must_not_be_last(member)
        _take_work_from(member)
        member.delete()


def _take_work_from(member: Member) -> None:
    seats = Seat.objects.filter(queue__project=member.project_id, user=member.user_id).order_by("pk")
    list(seats.select_for_update().values_list("pk"))  # seats first, as whoever claims and submits does
    seats.update(assigned=False)
    held = Assignment.objects.leased().filter(queue__project=member.project_id, annotator=member.user_id)
    for place in held.select_for_update():
        places.free(place)


def _member(project: Project, user: User) -> Member:
    found = Member.objects.filter(project=project, user=user).first()
    if found is None:
        raise PermissionDenied
    return found


def _again(member: Member) -> Member:
    """The member as stored now. Http404 if gone meanwhile."""
    found = Member.objects.select_related("project", "user").filter(pk=member.pk).first()
    if found is None:
        raise Http404
    return found


def _may_grant(actor: Member, role: str) -> bool:
    return actor.can(Role.OWNER if Role(role).covers(Role.MANAGER) else Role.MANAGER)


def _must_grant(actor: Member, role: str) -> None:
    if role not in Role.values:
        raise ValidationError({"role": [_("There is no such role.")]})
    if not _may_grant(actor, role):
        raise PermissionDenied(_("Only an owner can do this."))


def _must_not_be_last(owner: Member) -> None:
    if not Member.objects.filter(project=owner.project_id, role=Role.OWNER).exclude(pk=owner.pk).exists():
        raise ValidationError({"role": [_("A project needs an owner: make somebody else one first.")]})


def _email(text: Any) -> str:
    email = str(text).strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise ValidationError({"email": error.messages}) from error
    return email

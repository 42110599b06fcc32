"""Who: users, their membership of projects, invitations, and the tokens of their programs."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

INVITATION_LIFE = timedelta(days=14)


def digest(secret: str) -> str:
    """What is stored of a secret: its SHA-256, in hex. The secrets hold 256 random bits, so no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person, or a named outside annotator whose labels came in by a file or the API (no usable password)."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=100)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(db_default=Now())
    #: the language of pages; empty: as the browser asks
    language = models.CharField(_("language"), max_length=10, blank=True, default="", db_default="")
    #: how pages look and which keys act; see `annotate.preferences`
    preferences = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()))

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[UserManager] = UserManager()

    #: Set by token authentication: the token this request came with. `access` honours its project.
    token: "Token | None" = None

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_is_lower_case"),
        ]

    def __str__(self) -> str:
        return self.name or self.email


class Role(models.TextChoices):
    """What a member may do. Each role may do all that the roles below it may."""

    ANNOTATOR = "annotator", _("annotator: writes and judges")
    REVIEWER = "reviewer", _("reviewer: also sees everybody's labels")
    MANAGER = "manager", _("manager: also runs queues, people and files")
    OWNER = "owner", _("owner: also makes managers and archives the project")

    @property
    def rank(self) -> int:
        return list(Role).index(self)

    @property
    def word(self) -> str:
        """The role alone, in the reader's language: its label as far as the colon."""
        return str(self.label).partition(":")[0]

    def covers(self, other: "Role") -> bool:
        return self.rank >= other.rank

    @classmethod
    def at_least(cls, role: "Role") -> list["Role"]:
        return [one for one in cls if one.covers(role)]


class Member(models.Model):
    project = models.ForeignKey("annotate.Project", models.CASCADE, related_name="members")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.ANNOTATOR)
    joined_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint("project", "user", name="member_once_per_project"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"

    @property
    def pseudonym(self) -> str:
        return self.project.pseudonym(self.user_id)

    def can(self, role: Role) -> bool:
        return Role(self.role).covers(role)


class OutsideAnnotator(models.Model):
    """Somebody whose labels came with a file, by the name the file gives them; their user can't sign in."""

    project = models.ForeignKey("annotate.Project", models.CASCADE, related_name="outside_annotators")
    name = models.CharField(max_length=200)
    user = models.OneToOneField(User, models.PROTECT, related_name="outside")

    class Meta:
        constraints = [models.UniqueConstraint("project", "name", name="outside_annotator_once_per_project")]

    def __str__(self) -> str:
        return self.name


class Invitation(models.Model):
    """A link that makes whoever opens it a member. Only the link's digest is kept."""

    project = models.ForeignKey("annotate.Project", models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Role, default=Role.ANNOTATOR)
    secret_digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "project", "email", condition=Q(accepted_at=None), name="invitation_once_while_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} ({self.role})"

    @property
    def expires_at(self) -> Any:
        return self.created_at + INVITATION_LIFE

    @property
    def is_open(self) -> bool:
        return self.accepted_at is None and timezone.now() < self.expires_at


class Scope(models.TextChoices):
    """What a token may do, on top of what its user may do."""

    READ = "read", _("read: look at projects, queues, tasks and labels")
    LABEL = "label", _("label: claim tasks and submit labels")
    WRITE = "write", _("write: make and change projects and queues, import")
    EXPORT = "export", _("export: download labels as training files")


class Token(models.Model):
    """Lets a program act as its user. The secret is shown once; only its digest and first characters are kept."""

    user = models.ForeignKey(User, models.CASCADE, related_name="tokens")
    project = models.ForeignKey("annotate.Project", models.CASCADE, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, editable=False)
    secret_digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope))
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def revoke(self) -> None:
        """End it: from now on it opens nothing."""
        type(self).objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=Now())

    @classmethod
    def issue(cls, user: User, name: str, scopes: list[str], **fields: Any) -> tuple["Token", str]:
        """A new token and its secret, which nothing can show again."""
        secret = "prc_" + secrets.token_urlsafe(32)
        token = cls.objects.create(
            user=user, name=name, scopes=scopes, prefix=secret[:12], secret_digest=digest(secret), **fields
        )
        return token, secret

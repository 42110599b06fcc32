"""Who asks: tokens in the Authorization header, and what their scopes let them do.

A token is read from the header alone, so one in an address opens nothing. The browser's session works too.
"""

from datetime import timedelta
from typing import Any

from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from annotate import access
from annotate.models import Scope, Token, User

#: How exactly `Token.last_used_at` is kept: a busy program writes that row once in this time.
USE_IS_NOTED_EVERY = timedelta(minutes=1)


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <secret>`; `request.auth` is the token, and `access` honours its project."""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = access.bearer(secret.strip())
        if token is None:
            raise AuthenticationFailed(_("This token is not valid: unknown, expired or revoked."))
        _note_use(token)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _note_use(token: Token) -> None:
    if token.last_used_at is None or token.last_used_at < timezone.now() - USE_IS_NOTED_EVERY:
        Token.objects.filter(pk=token.pk).update(last_used_at=Now())


class Scoped(BasePermission):
    """Whoever has signed in may knock; a token only where its scopes cover the view's scope for the method."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        scope = scope_of(view, request.method or "")
        token: Any = request.auth
        if token is None or scope is None:
            return True
        self.message = _("This token does not have the scope “%s”.") % scope
        return bool(scope in token.scopes)


def scope_of(view: Any, method: str) -> Scope | None:
    """The scope a token needs for a method of a view; None for a method the view does not have."""
    method = "GET" if method == "HEAD" else method
    return view.calls[method].scope if method in view.calls else None

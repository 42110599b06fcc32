"""`manage.py token EMAIL --scope export`: a token for a person's program, shown this once."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.http import Http404
from django.utils import timezone

from annotate import access
from annotate.models import Project, Scope, Token, User


class Command(BaseCommand):
    help = "Make a token for a person's program. The secret is printed once and stored nowhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="whose token: the program may do what this person may")
        parser.add_argument(
            "--scope", dest="scopes", action="append", required=True, choices=Scope.values, help="may be repeated"
        )
        parser.add_argument("--project", help="short name of the one project the token is for (all if left out)")
        parser.add_argument("--name", default="", help="what the token is for (the scopes if left out)")
        parser.add_argument("--days", type=int, help="how many days it holds (for ever if left out)")

    def handle(self, *args: Any, **given: Any) -> None:
        user = User.objects.filter(email=given["email"].strip().lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"nobody has the address {given['email']}")
        scopes = [scope for scope in Scope.values if scope in given["scopes"]]
        name = given["name"] or f"{', '.join(scopes)} (command line)"
        if len(name) > 100:
            raise CommandError("--name: at most 100 characters")
        _token, secret = Token.issue(
            user, name, scopes, project=_project(user, given["project"]), expires_at=_end(given["days"])
        )
        self.stdout.write(secret)


def _project(user: User, slug: str | None) -> Project | None:
    if slug is None:
        return None
    try:
        return access.project(user, slug)
    except Http404 as error:
        raise CommandError(f"{user.email} is in no project called {slug}") from error


def _end(days: int | None) -> Any:
    if days is None:
        return None
    if not 1 <= days <= 3650:
        raise CommandError("--days: 1 to 3650")
    return timezone.now() + timedelta(days=days)

"""`manage.py demo`: a small project to look around in, and how to sign in to it. Run it as often as you like."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from annotate.demo import making


class Command(BaseCommand):
    help = "Make the demo project, unless it is there, and print how to sign in."

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.DATA / "demo-password"
        password, new = making.kept_password(path)
        making.make(password, renew=new)
        people = ", ".join(email for email, _name in making.ANNOTATORS)
        self.stdout.write(f"Sign in as {making.OWNER[0]} (runs the demo project) or {people} (annotators).")
        self.stdout.write(f"The password of each, made for this installation alone: {password}")

#!/usr/bin/env python3
"""Django's commands, with the embedded PostgreSQL up where no DATABASE_URL is set."""

import os
import sys
from contextlib import ExitStack

NEED_NO_DATABASE = {
    "check",
    "collectstatic",
    "compilemessages",
    "help",
    "makemessages",
    "spectacular",
    "version",
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("PRECEPTOR_ROLE", "job")
    from django.conf import settings
    from django.core.management import execute_from_command_line

    from config import embedded

    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    with ExitStack() as stack:
        if not settings.DATABASE_URL and command not in NEED_NO_DATABASE:
            stack.enter_context(embedded.running(settings.DATA))
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()

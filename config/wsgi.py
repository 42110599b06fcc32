"""The door for WSGI servers."""

import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
# Every page, now: once for all of a server's processes where it preloads, and in any case before somebody waits.
import_module(settings.ROOT_URLCONF)

"""How Preceptor is set up and run. Nothing outside this package imports it."""

import os

# Before numpy is imported: web and worker processes share the cores, and linear algebra in several threads on busy
# ones takes ten times as long as in one.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from config.celery import app as celery_app

__all__ = ["celery_app"]

"""How Preceptor is set up and run. Nothing outside this package imports it."""

from config.celery import app as celery_app

__all__ = ["celery_app"]

"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path

from config import health

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("django-admin/", admin.site.urls),
    path("", include("rankings.urls")),
    path("", include("annotate.urls")),
]

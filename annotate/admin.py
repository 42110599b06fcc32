"""Django's admin, for emergencies: superusers look at rows that no page shows. Daily work is done on the pages.

Two things can be changed: whether a person may sign in, and whether a project is archived. Nothing can be added or
deleted, labels least of all; hashes of passwords and of secrets are never shown.
"""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from annotate.models import (
    Assignment,
    Exit,
    Guideline,
    Import,
    Invitation,
    Label,
    Member,
    Project,
    Prompt,
    Queue,
    Release,
    Response,
    Seat,
    Task,
    Token,
    User,
    WorkerBeat,
)

SECRETS = {"password", "secret_digest"}


class Looking(admin.ModelAdmin[Model]):
    """Every field, to be read. A subclass may name a field that can be changed."""

    changeable: tuple[str, ...] = ()
    show_full_result_count = False
    list_per_page = 50
    ordering = ["-pk"]
    actions = None

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return [field.name for field in self.model._meta.fields if field.name not in SECRETS]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return [name for name in self.get_fields(request, obj) if name not in self.changeable]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.is_superuser

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.changeable) and self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class LookingAtPeople(Looking):
    changeable = ("is_active",)
    list_display = ["email", "name", "is_active", "is_superuser", "joined_at"]
    search_fields = ["email", "name"]


@admin.register(Project)
class LookingAtProjects(Looking):
    changeable = ("archived_at",)
    list_display = ["slug", "name", "created_by", "created_at", "archived_at"]
    search_fields = ["slug", "name"]


admin.site.register([Assignment, Exit, Guideline, Import, Invitation, Label, Member, Prompt], Looking)
admin.site.register([Queue, Release, Response, Seat, Task, Token, WorkerBeat], Looking)

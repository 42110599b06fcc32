"""Django's admin: for superusers, to look; labels can't be touched and secrets are not shown."""

import pytest
from django.contrib import admin
from django.urls import reverse

from annotate.models import Label, Project, Token, User
from tests import factories as make
from tests.admin_pages.cast import a_busy_cast
from tests.pages.desk import client_of

pytestmark = pytest.mark.django_db

OURS = [model for model in admin.site._registry if model._meta.app_label == "annotate"]


@pytest.fixture
def chief() -> User:
    return make.a_user(is_staff=True, is_superuser=True)


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_a_superuser_looks_and_no_one_adds_or_deletes(model, chief):
    cast = a_busy_cast()
    Token.issue(cast.people["owner"], "x", ["read"])
    client, name = client_of(chief), model._meta.model_name
    assert client.get(reverse(f"admin:annotate_{name}_changelist")).status_code == 200
    assert client.get(reverse(f"admin:annotate_{name}_add")).status_code == 403
    row = model._default_manager.first()
    if row is not None:
        assert client.get(reverse(f"admin:annotate_{name}_change", args=[row.pk])).status_code == 200
        assert client.post(reverse(f"admin:annotate_{name}_delete", args=[row.pk])).status_code == 403


def test_staff_who_are_no_superusers_see_nothing():
    cast = a_busy_cast()
    client = client_of(make.a_user(is_staff=True))
    assert client.get(reverse("admin:annotate_label_changelist")).status_code == 403
    assert client.get(reverse("admin:annotate_user_change", args=[cast.people["owner"].pk])).status_code == 403


def test_a_label_can_not_be_changed(chief):
    label = a_busy_cast().label
    address = reverse("admin:annotate_label_change", args=[label.pk])
    assert client_of(chief).post(address, {"payload": "{}"}).status_code == 403
    assert Label.objects.get(pk=label.pk).payload == label.payload


def test_a_person_can_be_shut_out_and_nothing_else_of_them_changed(chief):
    person = make.a_user()
    address = reverse("admin:annotate_user_change", args=[person.pk])
    client_of(chief).post(address, {"is_superuser": "on", "is_staff": "on", "email": "evil@example.org"})
    person.refresh_from_db()
    assert (person.is_active, person.is_superuser, person.is_staff) == (False, False, False)
    assert person.email != "evil@example.org"


def test_an_archived_project_can_be_brought_back(chief):
    cast = a_busy_cast()
    cast.post("owner", "project-settings", cast.project.slug, archive="1")
    address = reverse("admin:annotate_project_change", args=[cast.project.pk])
    client_of(chief).post(address, {"archived_at_0": "", "archived_at_1": ""})
    assert Project.objects.get(pk=cast.project.pk).archived_at is None


def test_hashes_are_not_shown(chief):
    token, _secret = Token.issue(make.a_user(), "x", ["read"])
    html = client_of(chief).get(reverse("admin:annotate_token_change", args=[token.pk])).content.decode()
    assert token.secret_digest not in html
    html = client_of(chief).get(reverse("admin:annotate_user_change", args=[token.user.pk])).content.decode()
    assert token.user.password not in html

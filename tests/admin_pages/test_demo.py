"""The demo project: every kind with tasks and labels, no default credentials, and as often as one likes."""

import io
import stat
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command

from annotate import kinds
from annotate.demo import making
from annotate.models import Label, Project, RefusedRow, Task, User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path: Path):
    settings.DATA = tmp_path
    settings.MEDIA_ROOT = tmp_path


def demo() -> str:
    said = io.StringIO()
    call_command("demo", stdout=said)
    return said.getvalue()


def test_every_kind_has_a_queue_with_tasks_and_labels_of_several_people():
    demo()
    queues = Project.objects.get(slug="demo").queues.all()
    assert {one.kind for one in queues} == {kind.name for kind in kinds.all_kinds()}
    assert not RefusedRow.objects.exists()
    for queue in queues:
        assert queue.tasks.count() >= 6
        assert queue.labels.values("annotator").distinct().count() >= 2
        assert queue.tasks.filter(state=Task.State.FLAGGED).count() == 1
        instruction = queue.way.example().instruction
        assert queue.labels.filter(task__prompt__instruction=instruction).count() == making.OVERLAP


def test_a_second_time_changes_nothing():
    first = demo()
    before = counts()
    assert demo() == first
    assert counts() == before


def counts() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in apps.get_app_config("annotate").get_models()}


def test_the_password_is_random_kept_apart_and_printed(settings):
    said = demo()
    file = settings.DATA / "demo-password"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    password = file.read_text()
    assert len(password) >= 16
    assert password in said
    assert User.objects.values("password").distinct().count() == 1, "to hash is slow on purpose: once will do"
    for email in [making.OWNER[0], *(email for email, _name in making.ANNOTATORS)]:
        assert User.objects.get(email=email).check_password(password)
        assert email in said


def test_a_lost_password_is_made_anew(settings):
    demo()
    file = settings.DATA / "demo-password"
    old = file.read_text()
    file.unlink()
    demo()
    new = file.read_text()
    assert new != old
    assert User.objects.get(email=making.OWNER[0]).check_password(new)


def test_labels_of_judging_kinds_prefer_the_better_texts():
    """The demo's responses stand in the example's order, so its labels mean something."""
    demo()
    for label in Label.objects.select_related("queue").exclude(shown=[]):
        of_shown = [one for one in label.queue.way.comparisons(label.payload) if len(one.winner) == 1]
        better = [label.shown[ord(one.winner) - ord("a")] for one in of_shown]
        worst = label.task.response_ids[-1]
        ties = [one.tie for one in of_shown]
        assert worst not in [pk for pk, tie in zip(better, ties, strict=True) if not tie]

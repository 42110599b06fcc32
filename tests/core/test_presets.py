"""Queues set up after published recipes: what each fills in, and that anybody may still change it."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from annotate import kinds, presets, running
from annotate.models import Queue
from tests import factories as make
from tests.pages.desk import client_of

pytestmark = pytest.mark.django_db

SHIPPED = {
    *("sft-demo", "instructgpt-rank", "pairwise-basic", "llama2-4pt", "hh-helpful", "helpsteer2-attributes"),
    *("helpsteer3-preference", "prm-stepwise", "ultrafeedback-4x4", "kto-thumbs"),
}
each = pytest.mark.parametrize("preset", presets.all_presets(), ids=lambda one: one.name)


def test_all_ten_are_there() -> None:
    assert {one.name for one in presets.all_presets()} == SHIPPED


@each
def test_its_options_are_its_kinds_and_its_source_is_named(preset: presets.Preset) -> None:
    options = running.checked_options(preset.kind, preset.options)
    assert {name: options[name] for name in preset.options} == dict(preset.options)
    assert preset.source and preset.link.startswith("https://") and str(preset.rest)
    assert preset.skeleton().startswith("# ") and "## Examples" in preset.skeleton()


@each
def test_a_queue_made_of_it_has_all_it_says(preset: presets.Preset) -> None:
    project = make.a_project()
    work, new = running.create_queue(project, project.created_by, name="Q", preset=preset.name)
    assert new and (work.kind, work.overlap, work.preset) == (preset.kind, preset.overlap, preset.name)
    guideline = work.guideline()
    assert guideline is not None and guideline.text == preset.skeleton().strip()
    assert running.create_queue(project, project.created_by, name="Q", preset=preset.name) == (work, False)


@each
def test_choosing_it_fills_the_page_and_the_page_makes_the_queue(preset: presets.Preset) -> None:
    project = make.a_project()
    client, address = client_of(project.created_by), reverse("queue-new", args=[project.slug])
    page = client.get(address, {"preset": preset.name})
    assert page.context["form"].initial["overlap"] == preset.overlap
    assert preset.link in page.content.decode()
    sent = {field.html_name: field.value() for form in ("form", "options") for field in page.context[form]}
    sent |= {"name": "Q", "lease_seconds": 1800, "preset": preset.name}
    answer = client.post(address, {name: value for name, value in sent.items() if value not in (None, False)})
    assert answer.status_code == 303, answer.content.decode()
    work = Queue.objects.get(project=project)
    assert (work.kind, work.preset) == (preset.kind, preset.name)
    assert work.options == running.checked_options(preset.kind, preset.options)


def test_what_is_given_goes_before_what_it_says() -> None:
    project = make.a_project()
    settings = {"preset": "pairwise-basic", "overlap": 5, "options": {"tie": False}}
    work, _ = running.create_queue(project, project.created_by, "Mine.", name="Q", **settings)
    assert (work.overlap, work.options["tie"], work.options["strength"]) == (5, False, False)
    assert [one.text for one in work.guidelines.all()] == ["Mine."]


def test_an_unknown_one_or_another_kind_is_refused_by_name() -> None:
    project = make.a_project()
    for settings, field in (({"preset": "gpt9"}, "preset"), ({"preset": "kto-thumbs", "kind": "rank"}, "kind")):
        with pytest.raises(ValidationError) as error:
            running.create_queue(project, project.created_by, name="Q", **settings)
        assert list(error.value.message_dict) == [field]
    assert {one.kind for one in presets.all_presets()} <= {one.name for one in kinds.all_kinds()}

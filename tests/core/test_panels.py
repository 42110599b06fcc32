"""What is put before an annotator, and what is not."""

import pytest

from annotate import kinds, labelling, panels
from annotate.models import Label, Response
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_a_panel_shows_the_responses_in_the_leases_order_under_letters(django_assert_max_num_queries):
    work = make.a_queue()
    make.a_task(work, instruction="Which is *best*?")
    ann = make.a_member(work.project)
    place = make.a_lease(ann, work)
    panels.load(ann, place.pk, work)
    with django_assert_max_num_queries(2):
        panel = panels.load(ann, place.pk, work)
    texts = dict(Response.objects.values_list("id", "text"))
    assert [one.text for one in panel.candidates] == [texts[pk] for pk in place.shown()]
    assert [one.letter for one in panel.candidates] == ["a", "b", "c", "d"]
    assert "<em>best</em>" in panel.turns[0].html
    assert panel.draft is None and not panel.form().is_bound


def test_a_draft_is_shown_in_the_form_under_the_letters_of_the_present_lease():
    work = make.a_queue(kind="compare")
    make.a_task(work)
    ann, bea = make.a_member(work.project), make.a_member(work.project)
    while True:  # until the two leases show the pair in different orders
        place = make.a_lease(ann, work)
        labelling.save_draft(ann, place, {"winner": "a", "comment": ""}, place.fence)
        seen = place.shown()
        labelling.give_back(ann, place, place.fence)
        panel = panels.load(ann, make.a_lease(ann, work).pk, work)
        best = {one: letter for letter, one in zip("ab", panel.assignment.shown(), strict=True)}[seen[0]]
        assert panel.draft and panel.draft["winner"] == best == panel.form()["winner"].value()
        if best == "b":
            break
        labelling.give_back(ann, panel.assignment, panel.assignment.fence)
    assert not Label.objects.exists() and bea


@pytest.mark.parametrize("kind", kinds.all_kinds(), ids=lambda kind: kind.name)
def test_every_kind_can_be_previewed_and_nothing_is_stored(kind, django_assert_num_queries):
    work = make.a_queue(kind=kind.name)
    with django_assert_num_queries(0):
        panel = panels.preview(work)
    assert len(panel.candidates) == len(kind.example().responses)
    assert not panel.form().is_bound

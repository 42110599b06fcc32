"""Inviting, roles, leaving, and who works in a queue."""

import re

import pytest
from django.core import mail
from django.urls import reverse

from annotate.models import Invitation, Member, Role, Seat
from tests import factories as make
from tests.admin_pages.cast import a_busy_cast, a_cast

pytestmark = pytest.mark.django_db

INVITE = {"invite": "1", "email": "New@Example.org", "role": "annotator"}


def link_in(html: str) -> str:
    found = re.search(r'<pre class="code" id="link">(.+?)</pre>', html)
    return found[1] if found else ""


def test_an_invitation_shows_its_link_this_once():
    cast = a_cast()
    link = link_in(cast.post("manager", "people", cast.project.slug, **INVITE).content.decode())
    assert cast.client("anonymous").get(link).status_code == 200
    again = cast.get("manager", "people", cast.project.slug).content.decode()
    assert "new@example.org" in again
    assert link.split("/")[-2] not in again


def test_without_mailers_no_letter_is_sent_and_the_page_says_so():
    cast = a_cast()
    html = cast.post("manager", "people", cast.project.slug, **INVITE).content.decode()
    assert "Send them this link" in html
    assert mail.outbox == []


def test_with_mailers_the_link_is_mailed(settings):
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    cast = a_cast()
    html = cast.post("manager", "people", cast.project.slug, **INVITE).content.decode()
    (letter,) = mail.outbox
    assert letter.to == ["new@example.org"]
    assert link_in(html) in letter.body


@pytest.mark.parametrize("sent", [
    {"email": "not an address"}, {"email": ""}, {"role": "emperor"}, {"email": "member@example.org"},
])  # fmt: skip
def test_an_invitation_that_is_wrong_says_why(sent):
    cast = a_cast()
    make.a_member(cast.project, make.a_user("member@example.org"))
    answer = cast.post("manager", "people", cast.project.slug, **(INVITE | sent))
    assert answer.status_code == 422
    assert 'class="errors"' in answer.content.decode()
    assert not Invitation.objects.exists()


def test_a_manager_can_not_invite_a_manager():
    cast = a_cast()
    answer = cast.post("manager", "people", cast.project.slug, **(INVITE | {"role": "manager"}))
    assert answer.status_code == 422
    assert cast.post("owner", "people", cast.project.slug, **(INVITE | {"role": "manager"})).status_code == 200


def test_withdrawing_makes_the_link_worthless():
    cast = a_cast()
    link = link_in(cast.post("manager", "people", cast.project.slug, **INVITE).content.decode())
    cast.post("manager", "people", cast.project.slug, withdraw=Invitation.objects.get().pk)
    assert cast.client("anonymous").get(link).status_code == 404


def test_an_invitation_of_another_project_can_not_be_withdrawn():
    cast, other = a_cast(), a_cast()
    other.post("manager", "people", other.project.slug, **INVITE)
    answer = cast.post("manager", "people", cast.project.slug, withdraw=Invitation.objects.get().pk)
    assert answer.status_code == 404
    assert Invitation.objects.exists()


def test_removing_somebody_keeps_their_labels():
    cast = a_busy_cast()
    bea = cast.people["bea"]
    member = cast.project.members.get(user=bea)
    before = cast.queue.labels.count()
    cast.post("manager", "people", cast.project.slug, member=member.pk, remove="1")
    assert not Member.objects.filter(pk=member.pk).exists()
    assert cast.queue.labels.count() == before
    html = cast.get("manager", "queue-people", cast.queue.pk).content.decode()
    assert "left the project" in html
    assert cast.get("reviewer", "labels", cast.queue.pk).status_code == 200


def test_the_last_owner_stays_and_is_told_why():
    cast = a_cast()
    me = cast.project.members.get(user=cast.people["owner"])
    client = cast.client("owner")
    answer = client.post(reverse("people", args=[cast.project.slug]), {"member": me.pk, "remove": "1"}, follow=True)
    assert "make somebody else one first" in answer.content.decode()
    assert Member.objects.filter(pk=me.pk).exists()


def test_who_leaves_lands_at_home():
    cast = a_cast()
    me = cast.project.members.get(user=cast.people["manager"])
    answer = cast.post("manager", "people", cast.project.slug, member=me.pk, remove="1")
    assert answer.url == reverse("home")


def test_people_show_their_labels_over_all_queues():
    cast = a_busy_cast()
    html = cast.get("manager", "people", cast.project.slug).content.decode()
    row = html.split(cast.people["annotator"].email)[1].split("</tr>")[0]
    assert '<td class="number">3</td>' in row


def test_assigning_says_who_and_nobody_else():
    cast = a_cast()
    ann, reviewer = cast.people["annotator"], cast.people["reviewer"]
    cast.post("manager", "queue-people", cast.queue.pk, assign="1", user=[ann.pk, reviewer.pk])
    cast.post("manager", "queue-people", cast.queue.pk, assign="1", user=[reviewer.pk, cast.people["stranger"].pk])
    assert list(Seat.objects.filter(assigned=True).values_list("user", flat=True)) == [reviewer.pk]


def test_a_seat_of_another_queue_can_not_be_paused_here():
    cast, other = a_busy_cast(), a_busy_cast()
    seat = other.queue.seats.all()[0]
    answer = cast.post("manager", "queue-people", cast.queue.pk, seat=seat.pk, pause="1")
    assert answer.status_code == 404
    assert Seat.objects.get(pk=seat.pk).state == "active"


@pytest.mark.parametrize("junk", ["", "abc", "-1", "9" * 30, "٣"])
def test_ids_that_are_none_are_not_found(junk):
    cast = a_busy_cast()
    assert cast.post("manager", "queue-people", cast.queue.pk, seat=junk, pause="1").status_code == 404
    assert cast.post("manager", "people", cast.project.slug, member=junk, remove="1").status_code == 404


def test_reviewers_see_pseudonyms_and_managers_names():
    cast = a_busy_cast()
    ann = cast.people["annotator"]
    pseudonym = ann.memberships.get(project=cast.project).pseudonym
    for name in ("labels", "queue", "places"):
        seen = cast.get("reviewer", name, cast.queue.pk, query={"state": "done"} if name == "places" else {})
        assert pseudonym in seen.content.decode()
        assert ann.name not in seen.content.decode()
        run = cast.get("manager", name, cast.queue.pk, query={"state": "done"} if name == "places" else {})
        assert ann.name in run.content.decode()


def test_roles_are_offered_as_far_as_one_may_give_them():
    cast = a_cast()
    html = cast.get("manager", "people", cast.project.slug).content.decode()
    offered = set(re.findall(r'<option value="(\w+)"', html))
    assert offered == {Role.ANNOTATOR, Role.REVIEWER}

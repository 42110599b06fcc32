"""Projects and who is in them: the role rules, invitations, and what a removal leaves behind."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404
from django.utils import timezone

from annotate import projects
from annotate.models import Assignment, Guideline, Invitation, Label, Member, Project, Role, User
from tests.api.callers import Caller
from tests.factories import a_label, a_lease, a_member, a_project, a_queue, a_task, a_user

pytestmark = pytest.mark.django_db


def role_of(project: Project, user: User) -> str:
    return project.members.get(user=user).role


def change(by: User, project: Project, user: User, role: str) -> int:
    pk = project.members.get(user=user).pk
    return int(Caller(by)("PATCH", f"/projects/{project.slug}/members/{pk}", {"role": role}).status_code)


def remove(by: User, project: Project, user: User) -> int:
    pk = project.members.get(user=user).pk
    return int(Caller(by)("DELETE", f"/projects/{project.slug}/members/{pk}").status_code)


@pytest.fixture
def project() -> Project:
    return a_project()


@pytest.fixture
def owner(project: Project) -> User:
    return project.created_by


@pytest.fixture
def manager(project: Project) -> User:
    return a_member(project, role=Role.MANAGER)


def test_owners_give_every_role(project: Project, owner: User) -> None:
    person = a_member(project)
    for role in ("reviewer", "manager", "owner", "annotator"):
        assert change(owner, project, person, role) == 200
        assert role_of(project, person) == role


def test_managers_make_reviewers_and_annotators(project: Project, manager: User) -> None:
    person = a_member(project)
    assert change(manager, project, person, "reviewer") == 200
    for role in ("manager", "owner"):
        assert change(manager, project, person, role) == 403
    assert role_of(project, person) == "reviewer"


def test_managers_touch_no_manager_and_no_owner(project: Project, owner: User, manager: User) -> None:
    other = a_member(project, role=Role.MANAGER)
    for person in (owner, other):
        assert change(manager, project, person, "annotator") == 403
        assert remove(manager, project, person) == 403


def test_nobody_raises_themselves(project: Project, manager: User) -> None:
    assert change(manager, project, manager, "owner") == 403
    assert role_of(project, manager) == "manager"


def test_the_last_owner_stays(project: Project, owner: User) -> None:
    assert change(owner, project, owner, "manager") == 400
    assert remove(owner, project, owner) == 400
    other = a_member(project, role=Role.OWNER)
    assert change(owner, project, owner, "manager") == 200
    assert remove(other, project, owner) == 204


def test_a_removed_member_leaves_labels_and_gives_tasks_back(project: Project, owner: User) -> None:
    queue = a_queue(project, assigned_only=True)
    a_task(queue), a_task(queue)
    person = a_member(project)
    queue.seats.create(user=person, assigned=True)
    a_label(person, queue)
    place = a_lease(person, queue)
    worker = Caller(person)
    assert remove(owner, project, person) == 204
    assert Label.objects.filter(annotator=person).count() == 1
    assert Assignment.objects.get(pk=place.pk).state == "open"
    assert not queue.seats.get(user=person).assigned
    assert worker.get(f"/queues/{queue.pk}").status_code == 404
    late = worker.post(f"/assignments/{place.pk}/submit", {"fence": place.fence, "payload": {}})
    assert late.status_code == 404


def test_members_are_added_from_among_colleagues(project: Project, owner: User) -> None:
    colleague, unknown = a_user(), a_user()
    shared = a_project(owner)
    a_member(shared, colleague)
    caller, path = Caller(owner), f"/projects/{project.slug}/members"
    added = caller.post(path, {"email": colleague.email.upper(), "role": "reviewer"})
    assert (added.status_code, role_of(project, colleague)) == (201, "reviewer")
    again = caller.post(path, {"email": colleague.email, "role": "reviewer"})
    assert (again.status_code, again.json()) == (200, added.json())
    assert caller.post(path, {"email": colleague.email, "role": "annotator"}).status_code == 409
    refused = [caller.post(path, {"email": email}) for email in (unknown.email, "nobody@example.org")]
    assert [answer.status_code for answer in refused] == [400, 400]
    assert refused[0].content == refused[1].content


def test_managers_add_no_managers(project: Project, manager: User) -> None:
    colleague = a_member(a_project(manager))
    path = f"/projects/{project.slug}/members"
    assert Caller(manager).post(path, {"email": colleague.email, "role": "manager"}).status_code == 403


# --- Invitations ---------------------------------------------------------------------------------------------------


def invite(by: User, project: Project, email: str = "new@example.org", role: str = "annotator") -> Any:
    return Caller(by).post(f"/projects/{project.slug}/invitations", {"email": email, "role": role})


def secret_of(answer: Any) -> str:
    assert answer.status_code == 201
    return str(urlsplit(answer.json()["link"]).path).strip("/").rpartition("/")[2]


def test_an_invitation_makes_an_account_and_a_member(project: Project, manager: User) -> None:
    secret = secret_of(invite(manager, project, "New@Example.org", "reviewer"))
    member = projects.accept_invitation(secret, name="New", password="correct horse battery")
    assert (member.user.email, member.role, member.project) == ("new@example.org", "reviewer", project)
    assert member.user.check_password("correct horse battery")
    with pytest.raises(Http404):
        projects.accept_invitation(secret, user=a_user())


def test_whoever_is_signed_in_may_follow_the_link(project: Project, manager: User) -> None:
    user = a_user()
    secret = secret_of(invite(manager, project))
    assert projects.accept_invitation(secret, user=user).user == user


def test_an_invitation_lowers_and_raises_nobody(project: Project, owner: User, manager: User) -> None:
    secret = secret_of(invite(owner, project, role="owner"))
    projects.accept_invitation(secret, user=manager)
    assert role_of(project, manager) == "manager"


def test_only_the_newest_link_holds(project: Project, owner: User) -> None:
    old, new = secret_of(invite(owner, project)), secret_of(invite(owner, project))
    with pytest.raises(Http404):
        projects.invitation(old)
    assert projects.invitation(new).email == "new@example.org"


def test_a_link_ends_with_time_with_the_project_and_with_its_sender(
    project: Project, owner: User, manager: User
) -> None:
    secret = secret_of(invite(manager, project))
    projects.invitation(secret)
    project.members.filter(user=manager).update(role=Role.REVIEWER)
    with pytest.raises(Http404):
        projects.invitation(secret)
    project.members.filter(user=manager).update(role=Role.MANAGER)
    Project.objects.filter(pk=project.pk).update(archived_at=timezone.now())
    with pytest.raises(Http404):
        projects.invitation(secret)
    Project.objects.filter(pk=project.pk).update(archived_at=None)
    Invitation.objects.update(created_at=timezone.now() - timedelta(days=14, seconds=1))
    with pytest.raises(Http404):
        projects.invitation(secret)


def test_a_withdrawn_link_is_worthless(project: Project, owner: User) -> None:
    secret = secret_of(invite(owner, project))
    projects.withdraw_invitation(projects.invitation(secret))
    with pytest.raises(Http404):
        projects.invitation(secret)


def test_who_is_invited(project: Project, owner: User, manager: User) -> None:
    assert invite(manager, project, role="manager").status_code == 403
    assert invite(owner, project, email=manager.email).json()["errors"].keys() == {"email"}
    assert invite(owner, project, email="no address").json()["errors"].keys() == {"email"}
    assert invite(owner, project, role="king").json()["errors"].keys() == {"role"}
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    ("name", "password", "field"), [("", "correct horse battery", "name"), ("New", "12345", "password")]
)
def test_an_account_needs_a_name_and_a_password(
    project: Project, owner: User, name: str, password: str, field: str
) -> None:
    secret = secret_of(invite(owner, project))
    with pytest.raises(ValidationError) as error:
        projects.accept_invitation(secret, name=name, password=password)
    assert list(error.value.message_dict) == [field]
    assert not User.objects.filter(email="new@example.org").exists()
    assert projects.invitation(secret)


def test_an_address_with_an_account_signs_in_first(project: Project, owner: User) -> None:
    a_user("new@example.org")
    secret = secret_of(invite(owner, project))
    with pytest.raises(ValidationError) as error:
        projects.accept_invitation(secret, name="New", password="correct horse battery")
    assert list(error.value.message_dict) == ["email"]


# --- Projects ------------------------------------------------------------------------------------------------------


def test_the_same_project_twice_is_one() -> None:
    caller = Caller(a_user())
    body = {"slug": "fresh", "name": " Fresh ", "description": "x"}
    first, again = caller.post("/projects", body), caller.post("/projects", body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert caller.get(f"/projects/{first.json()['slug']}").json() == first.json()
    assert first.headers["Location"].endswith("/api/v1/projects/fresh")
    other = caller.post("/projects", body | {"name": "Other"})
    assert (other.status_code, list(other.json()["errors"])) == (409, ["slug"])
    assert Caller(a_user()).post("/projects", body).status_code == 409
    assert Project.objects.count() == 1


def test_an_archived_project_is_gone_and_its_name_taken(project: Project, owner: User) -> None:
    caller = Caller(owner)
    assert caller("DELETE", f"/projects/{project.slug}").status_code == 204
    assert caller.get(f"/projects/{project.slug}").status_code == 404
    assert caller.get("/projects").json()["results"] == []
    assert caller.post("/projects", {"slug": project.slug, "name": project.name}).status_code == 409


def test_guidelines_are_numbered_and_the_same_text_is_no_new_version(project: Project, owner: User) -> None:
    queue = a_queue(project)
    caller = Caller(owner)
    path = f"/queues/{queue.pk}"
    assert caller.get(path).json()["guideline"] is None
    first = projects.publish_guideline(project, owner, "Be fair.\n")
    assert projects.publish_guideline(project, owner, "Be fair.") == first
    assert caller.get(path).json()["guideline"] == {"version": 1, "text": "Be fair."}
    projects.publish_guideline(project, owner, "Be quick.", queue)
    projects.publish_guideline(project, owner, "Be kind.")
    assert caller.get(path).json()["guideline"] == {"version": 2, "text": "Be quick."}
    with pytest.raises(ValidationError):
        projects.publish_guideline(project, owner, " ")
    assert Guideline.objects.count() == 3


def test_a_stranger_is_no_actor(project: Project) -> None:
    with pytest.raises(PermissionDenied):
        projects.invite(project, a_user(), "new@example.org", Role.ANNOTATOR)
    member = Member.objects.get(project=project)
    with pytest.raises(PermissionDenied):
        projects.set_role(member, a_user(), Role.ANNOTATOR)

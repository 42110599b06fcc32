"""People: the members of a project, and who works in a queue."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet, Subquery, Sum
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from annotate import access, counting, mailing, projects, running
from annotate.checking import pausing
from annotate.models import Invitation, Member, Project, Queue, Role, Seat
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import around, number


class InviteForm(forms.Form):
    email = forms.EmailField(label=gettext_lazy("E-mail address"), max_length=254)
    role = forms.ChoiceField(label=gettext_lazy("Role"), initial=Role.ANNOTATOR, widget=forms.RadioSelect)

    def __init__(self, data: Any = None, *, roles: list[Role]) -> None:
        super().__init__(data)
        self.fields["role"].choices = [(role.value, role.label) for role in roles]  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def people(request: Request, slug: str) -> HttpResponse:
    """The members with their roles and labels, and the open invitations. POST: invite, withdraw, role or remove."""
    project = access.project(request.user, slug, Role.MANAGER)
    if "invite" in request.POST:
        return _invite(request, project)
    if request.method == "POST":
        try:
            messages.success(request, _act(request, project))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        stayed = project.members.filter(user=request.user).exists()
        return see_other("people", slug) if stayed else see_other("home")
    return _people(request, project, InviteForm(roles=_grantable(request, project)))


def _people(request: Request, project: Project, form: InviteForm, **more: Any) -> HttpResponse:
    done = Seat.objects.filter(queue__project=project, user=OuterRef("user")).values("user")
    members = project.members.select_related("user").annotate(labels=Subquery(done.annotate(n=Sum("done")).values("n")))
    grantable = _grantable(request, project)
    context = {
        "form": form,
        "members": sorted(members, key=lambda one: (-Role(one.role).rank, one.user.name.casefold())),
        "invitations": project.invitations.filter(accepted_at=None).select_related("invited_by").order_by("email"),
        "grantable": [(role.value, capfirst(role.word)) for role in grantable],
        "grantable_values": [role.value for role in grantable],
        "mails": mailing.is_set_up(),
        **more,
    }
    context |= around(request, project, tab="people")
    return render(request, "people/people.html", context, status=422 if form.errors else 200)


def _grantable(request: Request, project: Project) -> list[Role]:
    """The roles that whoever asks may give and take."""
    owner = access.membership(request.user, project).can(Role.OWNER)
    return [role for role in Role if owner or not role.covers(Role.MANAGER)]


def _invite(request: Request, project: Project) -> HttpResponse:
    """Invite, and show the link in this very answer: nothing else ever shows it again."""
    form = InviteForm(request.POST, roles=_grantable(request, project))
    if not form.is_valid():
        return _people(request, project, form)
    try:
        invitation, secret = projects.invite(project, request.user, **form.cleaned_data)
    except ValidationError as error:
        form.add_error(None, error)
        return _people(request, project, form)
    link = request.build_absolute_uri(reverse("accept-invitation", args=[secret]))
    fresh = InviteForm(roles=_grantable(request, project))
    mailed = mailing.send_invitation(invitation, link)
    return _people(request, project, fresh, invited=invitation, link=link, mailed=mailed)


def _act(request: Request, project: Project) -> str:
    """Carry out the pressed button, and say what became of it."""
    if "withdraw" in request.POST:
        invitation = _one(Invitation.objects.filter(project=project, accepted_at=None), request.POST["withdraw"])
        projects.withdraw_invitation(invitation)
        return _("The invitation of %s is withdrawn: its link is worthless now.") % invitation.email
    member = access.member(request.user, project.slug, number(request.POST.get("member", "")))
    if "remove" in request.POST:
        projects.remove_member(member, request.user)
        return _("%s is no longer a member. Tasks in hand went back; labels stay.") % member.user
    if "role" not in request.POST:
        raise Http404
    changed = projects.set_role(member, request.user, request.POST["role"])
    return _("%(name)s is now %(role)s.") % {"name": member.user, "role": Role(changed.role).word}


# --- Who works in a queue ------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def seats(request: Request, pk: int) -> HttpResponse:
    """Everybody with a seat in the queue, and who may be given one. POST: assign, pause or resume."""
    queue = access.queue(request.user, pk, Role.MANAGER)
    if request.method == "POST":
        try:
            messages.success(request, _seat_act(request, queue))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return see_other("queue-people", pk)
    people = list(_seats(queue))
    last = counting.last_labels_of_people(queue)
    assigned = {seat.user_id for seat in people if seat.assigned}
    members = queue.project.members.select_related("user").order_by("user__name")
    context = {
        "seats": [(seat, last.get(seat.user_id)) for seat in people],
        "members": [(member, member.user_id in assigned) for member in members],
    }
    return render(request, "people/seats.html", context | around(request, queue.project, queue, tab="people"))


def _seats(queue: Queue) -> QuerySet[Seat]:
    """The queue's seats, busiest first. `member` is false for somebody who has left the project."""
    member = Exists(Member.objects.filter(project=queue.project_id, user=OuterRef("user")))
    return counting.seats(queue).select_related("user").annotate(member=member).order_by("-done", "user__name")


def _seat_act(request: Request, queue: Queue) -> str:
    if "assign" in request.POST:
        chosen = [number(text) for text in request.POST.getlist("user")]
        members = queue.project.members.filter(user__in=chosen).select_related("user")
        running.assign(queue, [member.user for member in members])
        return _("Assigned: %s people. Work already done stays as it is.") % len(members)
    seat = _one(Seat.objects.filter(queue=queue).select_related("user"), request.POST.get("seat", ""))
    if "pause" in request.POST:
        pausing.by_hand(seat, request.user, request.POST.get("reason", ""))
        return _("%s gets no new task here, and may finish the one in hand.") % seat.user
    if "resume" not in request.POST:
        raise Http404
    pausing.resume(seat, request.user)
    return _("%s gets tasks again.") % seat.user


def _one[M: Any](found: QuerySet[M], text: str) -> M:
    one = found.filter(pk=number(text)).first()
    if one is None:
        raise Http404
    return one

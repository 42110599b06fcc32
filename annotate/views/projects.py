"""Projects: making one, its page, its settings and its guidelines."""

from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from annotate import access, counting, projects, rendering
from annotate.models import Guideline, Project, Queue, Role
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import around


class ProjectForm(forms.ModelForm[Project]):
    class Meta:
        model = Project
        fields = ["name", "description"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}


class NewProjectForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    slug = forms.SlugField(
        label=gettext_lazy("Short name"),
        max_length=60,
        required=False,
        help_text=gettext_lazy("Part of addresses, and never changes. Left empty, it is made from the name."),
    )
    description = forms.CharField(
        label=gettext_lazy("Description"), max_length=5_000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def clean(self) -> dict[str, Any]:
        valid = self.cleaned_data
        if "slug" not in self.errors:
            valid["slug"] = valid["slug"] or slugify(valid.get("name", ""))[:60]
            if "name" in valid and not valid["slug"]:
                self.add_error("slug", _("Give a short name of Latin letters, digits or dashes."))
        return valid


class GuidelineForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("Guidelines"),
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 14, "dir": "auto"}),
        help_text=gettext_lazy(
            "Markdown. Say what a good answer is, and show one. A new text is a new version: labels already given "
            "keep the version they were made under."
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def create(request: Request) -> HttpResponse:
    """A new project of one's own."""
    form = NewProjectForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            project, _new = projects.create_project(request.user, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return see_other("project", project.slug)
    return render(request, "projects/new.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
@signed_in
def show(request: Request, slug: str) -> HttpResponse:
    """The project's queues, each with where it stands; its people; its guidelines."""
    project = access.project(request.user, slug, Role.REVIEWER)
    queues = list(project.queues.order_by("-id"))
    last = counting.last_labels(queues)
    roles = Counter(project.members.values_list("role", flat=True))
    context = {
        "queues": [(one, counting.of_queue(one), last.get(one.pk)) for one in queues],
        "roles": [(role, roles[role]) for role in reversed(Role) if roles[role]],
        "invited": project.invitations.filter(accepted_at=None).count(),
        "guideline": Guideline.objects.filter(project=project, queue=None).first(),
    }
    return render(request, "projects/project.html", context | around(request, project, tab="queues"))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def settings(request: Request, slug: str) -> HttpResponse:
    """Change the project's name and description; its owners may put it away."""
    project = access.project(request.user, slug, Role.OWNER if "archive" in request.POST else Role.MANAGER)
    if "archive" in request.POST:
        projects.archive_project(project)
        messages.success(request, _("“%s” is archived. Nothing of it was deleted.") % project.name)
        return see_other("home")
    form = ProjectForm(request.POST if request.method == "POST" else None, instance=project)
    if form.is_valid():
        projects.change_project(project, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return see_other("project-settings", slug)
    context = {"form": form} | around(request, project, tab="settings")
    return render(request, "projects/settings.html", context, status=422 if form.errors else 200)


# --- Guidelines ----------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def guidelines(request: Request, slug: str) -> HttpResponse:
    """What the project's annotators are asked to do: read it, publish the next version, compare versions."""
    project = access.project(request.user, slug, _role(request))
    return _guidelines(request, project, None)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def queue_guidelines(request: Request, pk: int) -> HttpResponse:
    """The same for one queue, whose own guidelines take the place of the project's."""
    queue = access.queue(request.user, pk, _role(request))
    return _guidelines(request, queue.project, queue)


def _role(request: Request) -> Role:
    """Everybody may read guidelines, managers publish them."""
    return Role.MANAGER if request.method == "POST" else Role.ANNOTATOR


def _guidelines(request: Request, project: Project, queue: Queue | None) -> HttpResponse:
    versions = list(Guideline.objects.filter(project=project, queue=queue).select_related("author"))
    newest = {"text": versions[0].text} if versions else None
    form = GuidelineForm(request.POST if request.method == "POST" else None, initial=newest)
    if form.is_valid():
        return _publish(request, project, queue, form.cleaned_data["text"])
    shown = _version(versions, request.GET.get("version")) or (versions[0] if versions else None)
    context = {
        "form": form,
        "versions": versions,
        "shown": shown,
        "html": shown and rendering.rendered([shown.text])[shown.text],
        "compared": _compared(request, versions),
        "frame": "queues/frame.html" if queue else "projects/frame.html",
    }
    context |= around(request, project, queue, tab="guidelines")
    return render(request, "projects/guidelines.html", context, status=422 if form.errors else 200)


def _publish(request: Request, project: Project, queue: Queue | None, text: str) -> HttpResponse:
    fresh = projects.publish_guideline(project, request.user, text, queue)
    messages.success(
        request, _("Version %s is in force. Labels from now on name it; older labels keep theirs.") % fresh.version
    )
    return see_other("queue-guidelines", queue.pk) if queue else see_other("guidelines", project.slug)


def _version(versions: list[Guideline], number: str | None) -> Guideline | None:
    """The version of that number, if one is asked for. Http404 if there is none such."""
    if not number:
        return None
    found = next((one for one in versions if str(one.version) == number), None)
    if found is None:
        raise Http404
    return found


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an older text beside that of a newer one; `change` is "", "changed", "gone" or "new"."""

    old: str | None
    new: str | None
    change: str


def _compared(request: Request, versions: list[Guideline]) -> dict[str, Any] | None:
    old, new = (_version(versions, request.GET.get(name)) for name in ("from", "to"))
    if old is None or new is None:
        return None
    return {"old": old, "new": new, "lines": difference(old.text, new.text)}


def difference(old: str, new: str) -> list[Line]:
    """Two texts, line beside line."""
    before, after = old.splitlines(), new.splitlines()
    found = []
    for tag, from_old, to_old, from_new, to_new in SequenceMatcher(None, before, after).get_opcodes():
        for left, right in zip_longest(before[from_old:to_old], after[from_new:to_new]):
            changed = "gone" if right is None else "new" if left is None else "changed"
            found.append(Line(left, right, "" if tag == "equal" else changed))
    return found

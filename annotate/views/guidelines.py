"""What annotators are asked to do: its versions, what changed between them, and the word of who has read one."""

from dataclasses import dataclass
from itertools import zip_longest

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from annotate import access, differences, projects, queue, rendering
from annotate import guidelines as reading
from annotate.models import Guideline, Project, Queue, Role
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import around, number


class GuidelineForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("Guidelines"),
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 14, "dir": "auto"}),
        help_text=gettext_lazy(
            "Markdown. Say what a good answer is, and show one: what stands under the heading “Examples” folds away. "
            "A new text is a new version: labels already given keep the version they were made under."
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def of_project(request: Request, slug: str) -> HttpResponse:
    """What the project's annotators are asked to do: read it, publish the next version, compare versions."""
    project = access.project(request.user, slug, _role(request))
    return _guidelines(request, project, None)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def of_queue(request: Request, pk: int) -> HttpResponse:
    """The same for one queue, whose own guidelines take the place of the project's."""
    found = access.queue(request.user, pk, _role(request))
    return _guidelines(request, found.project, found)


def _role(request: Request) -> Role:
    """Everybody may read guidelines, managers publish them."""
    return Role.MANAGER if request.method == "POST" else Role.ANNOTATOR


def _guidelines(request: Request, project: Project, of: Queue | None) -> HttpResponse:
    versions = list(Guideline.objects.filter(project=project, queue=of).select_related("author"))
    newest = {"text": versions[0].text} if versions else None
    form = GuidelineForm(request.POST if request.method == "POST" else None, initial=newest)
    if form.is_valid():
        return _publish(request, project, of, form.cleaned_data["text"])
    shown = _version(versions, request.GET.get("version")) or (versions[0] if versions else None)
    context = {
        "form": form,
        "versions": list(zip_longest(versions, versions[1:])),
        "shown": shown,
        "html": shown and rendering.rendered([shown.text])[shown.text],
        "compared": _compared(request, versions),
        "frame": "queues/frame.html" if of else "projects/frame.html",
    }
    context |= around(request, project, of, tab="guidelines")
    return render(request, "projects/guidelines.html", context, status=422 if form.errors else 200)


def _publish(request: Request, project: Project, of: Queue | None, text: str) -> HttpResponse:
    fresh = projects.publish_guideline(project, request.user, text, of)
    messages.success(
        request, _("Version %s is in force. Labels from now on name it; older labels keep theirs.") % fresh.version
    )
    return see_other("queue-guidelines", of.pk) if of else see_other("guidelines", project.slug)


def _version(versions: list[Guideline], number: str | None) -> Guideline | None:
    """The version of that number, if one is asked for. Http404 if there is none such."""
    if not number:
        return None
    found = next((one for one in versions if str(one.version) == number), None)
    if found is None:
        raise Http404
    return found


@dataclass(frozen=True, slots=True)
class Compared:
    """Two versions and, word by word, what became of the older."""

    old: Guideline
    new: Guideline
    html: SafeString


def _compared(request: Request, versions: list[Guideline]) -> Compared | None:
    old, new = (_version(versions, request.GET.get(name)) for name in ("from", "to"))
    if old is None or new is None:
        return None
    return Compared(old, new, differences.as_html(old.text, new.text))


# --- An annotator's word that they have read them --------------------------------------------------------------------


@require_POST
@signed_in
def confirm(request: Request, pk: int) -> HttpResponse:
    """Note that the person has read `version`, then give them their next task; while at work, just note it."""
    found = access.queue(request.user, pk, Role.ANNOTATOR)
    if "read" not in request.POST:
        messages.warning(request, _("Tick that you have read the guidelines."))
        return see_other("work", pk)
    try:
        reading.confirm(request.user, found, number(request.POST.get("version", "")))
    except ValidationError as error:
        messages.warning(request, error.message_dict["version"][0])
        return see_other("work", pk)
    if request.htmx:
        return render(request, "guidelines/confirm.html#done")
    queue.claim(request.user, found)
    return see_other("work", pk)

"""Queues: making one, its page, its settings, and the screen as an annotator sees it."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from annotate import access, adapting, charts, counting, kinds, panels, presets, reviewing, running
from annotate.checking import pausing
from annotate.models import Project, Queue, Role
from annotate.models.queues import MAX_OVERLAP
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import around, described
from annotate.views.rules import RulesForm

NEWEST = 8


class QueueForm(forms.Form):
    """The settings that every queue has. Each says what changing it does to work already done."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120, help_text=running.AFTERWARDS["name"])
    overlap = forms.IntegerField(
        label=gettext_lazy("Labels per task"),
        min_value=1,
        max_value=MAX_OVERLAP,
        initial=1,
        help_text=running.AFTERWARDS["overlap"],
    )
    order = forms.ChoiceField(
        label=gettext_lazy("Order"), choices=Queue.Order.choices, initial="fifo", help_text=running.AFTERWARDS["order"]
    )
    lease_seconds = forms.IntegerField(
        label=gettext_lazy("Time to hold a task, in seconds"),
        min_value=30,
        max_value=86_400,
        initial=1800,
        help_text=running.AFTERWARDS["lease_seconds"],
    )
    assigned_only = forms.BooleanField(
        label=gettext_lazy("Only for people assigned to it"),
        required=False,
        help_text=running.AFTERWARDS["assigned_only"],
    )
    confirm_guidelines = forms.BooleanField(
        label=gettext_lazy("People confirm that they have read the guidelines"),
        required=False,
        help_text=running.AFTERWARDS["confirm_guidelines"],
    )

    def __init__(self, *args: Any, kind: kinds.Kind, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        order = self.fields["order"]
        assert isinstance(order, forms.ChoiceField)
        order.choices = running.orders(kind)


class StateForm(forms.Form):
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        choices=Queue.State.choices,
        widget=forms.RadioSelect,
        help_text=running.AFTERWARDS["state"],
    )


class NewQueueForm(QueueForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    guidelines = forms.CharField(
        label=gettext_lazy("Guidelines for this queue alone"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 5, "dir": "auto"}),
        help_text=gettext_lazy("Markdown. Left empty, the project's guidelines hold."),
    )


def options_form(kind: kinds.Kind, data: QueryDict | None, options: dict[str, Any] | None = None) -> forms.Form:
    """The form of a kind's own options; `options` are those of a queue that exists."""
    return kind.options_form(data, prefix="options", initial=options or None)


# --- Making one ----------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def create(request: Request, slug: str) -> HttpResponse:
    """A new queue of the kind `?kind=`, or after `?preset=`. A script asks for the kind's part or the preview alone."""
    project = access.project(request.user, slug, Role.MANAGER)
    preset = _preset(request.POST.get("preset") or request.GET.get("preset", ""))
    kind = _kind(preset.kind if preset else request.POST.get("kind") or request.GET.get("kind", ""))
    if request.method == "POST":
        form, options = NewQueueForm(request.POST, kind=kind), options_form(kind, request.POST)
        if form.is_valid() & options.is_valid():
            queue = _create(request, project, kind, form, options, preset)
            if queue is not None:
                return see_other("queue", queue.pk)
    else:
        form = NewQueueForm(kind=kind, initial=_initial(preset))
        given = request.GET if "preview" in request.GET else None
        options = options_form(kind, given, dict(preset.options) if preset else None)
    part = "#preview" if "preview" in request.GET else "#kind"
    context = {"form": form, "options": options, "kind": kind, "kinds": kinds.all_kinds()}
    context |= {"preset": preset, "presets": presets.all_presets()}
    context |= _preview(_example(project, kind, options, preset)) | around(request, project, tab="queues")
    template = "queues/new.html" + (part if request.htmx else "")
    return render(request, template, context, status=422 if request.method == "POST" else 200)


def _kind(name: str) -> kinds.Kind:
    """The kind of that name, the first kind where none is asked for."""
    try:
        return kinds.get(name) if name else kinds.all_kinds()[0]
    except KeyError:
        raise Http404 from None


def _preset(name: str) -> presets.Preset | None:
    try:
        return presets.get(name) if name else None
    except KeyError:
        raise Http404 from None


def _initial(preset: presets.Preset | None) -> dict[str, Any]:
    if preset is None:
        return {}
    return {"name": str(preset.title), "overlap": preset.overlap, "guidelines": preset.skeleton()}


def _example(project: Project, kind: kinds.Kind, options: forms.Form, preset: presets.Preset | None) -> Queue:
    """A queue to be looked at, never stored."""
    chosen: Mapping[str, Any] = preset.options if preset else {}
    if options.is_bound:
        chosen = options.cleaned_data if options.is_valid() else {}
    return Queue(project=project, kind=kind.name, options=running.checked_options(kind.name, chosen))


def _create(
    request: Request,
    project: Project,
    kind: kinds.Kind,
    form: forms.Form,
    options: forms.Form,
    preset: presets.Preset | None,
) -> Queue | None:
    """The queue, or None with the reasons in the forms."""
    settings = form.cleaned_data | {"kind": kind.name, "options": options.cleaned_data}
    settings["preset"] = preset.name if preset else ""
    try:
        queue, _new = running.create_queue(project, request.user, **settings)
    except ValidationError as error:
        _spread(error, form, options)
        return None
    return queue


def _spread(error: ValidationError, form: forms.Form, options: forms.Form) -> None:
    """Put each complaint beside the field it is about."""
    for name, complaints in error.message_dict.items():
        if name.startswith("rules."):  # which these forms have not: it is their overlap that a rule forbids
            rule = RulesForm.base_fields[name.removeprefix("rules.")].label
            form.add_error("overlap", [f"{_('Rules')}, “{rule}”: {one}" for one in complaints])
            continue
        where, field = (options, name.removeprefix("options.")) if name.startswith("options.") else (form, name)
        where.add_error(field if field in where.fields else None, complaints)


def _preview(queue: Queue) -> dict[str, Any]:
    panel = panels.preview(queue)
    return {"panel": panel, "preview_form": panel.form()}


# --- Its page ------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def show(request: Request, pk: int) -> HttpResponse:
    """Where the queue stands: every number leads to its rows. POST `state` opens, pauses or closes it."""
    queue = access.queue(request.user, pk, Role.MANAGER if request.method == "POST" else Role.REVIEWER)
    if request.method == "POST":
        return _set_state(request, queue)
    context = around(request, queue.project, queue, tab="queue")
    newest = counting.labels(queue).select_related("task__prompt").order_by("-pk")[:NEWEST]
    context["newest"] = described(newest, queue, context["runs"])
    if request.htmx:
        return render(request, "queues/queue.html#newest", context)
    flagged = counting.tasks(queue, "flagged").select_related("prompt").order_by("pk")[:NEWEST]
    context |= {
        "counts": counting.of_queue(queue),
        "today": counting.labels_since(queue, counting.midnight()),
        "flagged": counting.with_flags(flagged),
        "active_seconds": counting.active_seconds(queue),
        "guideline": queue.guideline(),
        "appeals": pausing.appeals(queue).count() if context["runs"] else 0,
        "to_review": reviewing.waits(queue, runs=context["runs"]),
        "imports": queue.imports.order_by("-pk")[:3],
        **_adaptive(queue),
    }
    return render(request, "queues/queue.html", context)


def _adaptive(queue: Queue) -> dict[str, Any]:
    """How far further labels are, with a chart of the finished tasks; nothing for a queue without the rule."""
    standing = adapting.standing(queue)
    if standing is None:
        return {}
    rows = [(ngettext("%d label", "%d labels", labels) % labels, tasks) for labels, tasks in standing.finished.items()]
    points = [charts.Point(label, tasks) for label, tasks in rows]
    return {"adaptive": standing, "adaptive_chart": charts.bars(_("Finished tasks, by their labels"), points)}


def _set_state(request: Request, queue: Queue) -> HttpResponse:
    form = StateForm(request.POST)
    if form.is_valid():
        changed = running.change_queue(queue, state=form.cleaned_data["state"])
        messages.success(request, _("The queue is %s.") % changed.get_state_display())
    return see_other("queue", queue.pk)


# --- Its settings and its screen -----------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def settings(request: Request, pk: int) -> HttpResponse:
    """Change the queue. What each change does to work already done stands beside it."""
    queue = access.queue(request.user, pk, Role.MANAGER)
    if request.method == "POST":
        form, options = QueueForm(request.POST, kind=queue.way), options_form(queue.way, request.POST)
        if form.is_valid() & options.is_valid() and _change(queue, form, options):
            messages.success(request, _("Saved."))
            return see_other("queue-settings", pk)
    else:
        form = QueueForm(kind=queue.way, initial={name: getattr(queue, name) for name in QueueForm.base_fields})
        options = options_form(queue.way, None, queue.options)
    context = {"form": form, "options": options} | around(request, queue.project, queue, tab="settings")
    return render(request, "queues/settings.html", context, status=422 if form.errors or options.errors else 200)


def _change(queue: Queue, form: forms.Form, options: forms.Form) -> bool:
    """Whether it was changed; if not, the forms say why."""
    try:
        running.change_queue(queue, **form.cleaned_data, options=options.cleaned_data)
    except ValidationError as error:
        _spread(error, form, options)
        return False
    return True


@require_safe
@signed_in
def preview(request: Request, pk: int) -> HttpResponse:
    """The screen as an annotator sees it, on the kind's example. Nobody's turn is taken."""
    queue = access.queue(request.user, pk, Role.REVIEWER)
    context = _preview(queue) | around(request, queue.project, queue, tab="preview")
    return render(request, "queues/preview.html", context)

"""One's own pages: what one did and what waits, one's labels, what reviewers said of them, and how pages look."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.utils import flatatt
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from annotate import access, discussing, labelling, own, panels, preferences, reviewing
from annotate.models import Assignment, Label, Review
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import in_words, number, rows
from annotate.views.telling import correction

NEWEST = 5
TALLEST = 180

# --- What one did, and what waits ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bar:
    """A day of the chart: its place and height in the drawing's own units."""

    day: own.Day
    x: int
    y: int
    height: int

    @property
    def middle(self) -> int:
        return self.x + 20


def bars(days: Iterable[own.Day]) -> list[Bar]:
    """The days side by side, each as high as its labels; the best one fills the drawing."""
    days = list(days)
    most = max(1, *(day.labels for day in days))
    heights = ((day, round(TALLEST * day.labels / most)) for day in days)
    return [Bar(day, 60 * nth, TALLEST - height, height) for nth, (day, height) in enumerate(heights)]


@require_safe
@signed_in
def overview(request: Request) -> HttpResponse:
    """Today, this week, each queue, and the newest labels."""
    mine = preferences.of(request.user)
    days, seats = own.week(request.user, mine.zone), list(own.seats(request.user))
    waits = own.waiting(request.user, [seat.queue for seat in seats])
    newest = own.labels(request.user).select_related("task__prompt", "queue").order_by("-pk")[:NEWEST]
    context = {
        "today": days[-1],
        "days": days,
        "bars": bars(days),
        "seats": [(seat, waits[seat.queue_id]) for seat in seats],
        "labels": _described(newest),
        "time_zone": mine.time_zone,
    }
    return _page(request, "you/overview.html", "you", context)


def _page(request: Request, template: str, tab: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    around = {"tab": tab, "unseen": reviewing.unseen(request.user)}
    return render(request, template, around | context, status=status)


@dataclass(frozen=True, slots=True)
class Row:
    """One's own label in a list: what it says in a line, and the review that counts."""

    label: Label
    words: str
    review: Review | None


def _described(labels: Iterable[Label]) -> list[Row]:
    found = list(labels)
    reviews = reviewing.newest(found)
    return [Row(label, in_words(label.queue.way, label.payload), reviews.get(label.pk)) for label in found]


# --- One's labels ----------------------------------------------------------------------------------------------------


@require_safe
@signed_in
def history(request: Request) -> HttpResponse:
    """One's labels, newest first, narrowed by `?queue=` and `?day=`."""
    mine = own.labels(request.user)
    queue, day = number(request.GET.get("queue", "")), _day(request.GET.get("day", ""))
    found = mine.filter(queue=queue) if queue else mine
    if day:
        found = own.on_day(found, day, preferences.of(request.user).zone)
    page = rows(request, found.select_related("task__prompt", "queue"), newest_first=True)
    context = {
        "page": page,
        "labels": _described(page.rows),
        "queue": queue,
        "day": day,
        "queues": [seat.queue for seat in own.seats(request.user)],
    }
    return _page(request, "you/labels.html", "labels", context)


def _day(text: str) -> date | None:
    """A day from an address; None for anything else."""
    try:
        return parse_date(text)
    except ValueError:
        return None


@require_safe
@signed_in
def label(request: Request, pk: int) -> HttpResponse:
    """What one saw and what one said, the guidelines it was made under, and what a reviewer said of it."""
    found = access.own_label(request.user, pk)
    panel = panels.of_label(Assignment(task=found.task, queue=found.queue), found.shown, found.payload)
    newer = Label.objects.filter(supersedes=found).select_related("queue").first()
    fixed = newer is not None and Review.objects.filter(fix=newer).exists()
    reviews = reviewing.feedback(request.user).filter(label=found).order_by("-pk")
    context = {
        "label": found,
        "panel": panel,
        "form": panel.form(),
        "newer": newer,
        "reviews": list(reviews),
        "amendable": labelling.why_not_amendable(found) is None,
        "fixed": fixed,
        "change": correction(found, newer) if fixed and newer else None,
        "discussion": discussing.read(found, request.user),
        "task_discussion": discussing.read(found.task, request.user),
    }
    return _page(request, "you/label.html", "labels", context)


# --- What reviewers said ---------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def feedback(request: Request) -> HttpResponse:
    """Reviews of one's labels, newest first. POST `up_to` marks what was shown as read."""
    if request.method == "POST":
        reviewing.mark_seen(request.user, number(request.POST.get("up_to", "")))
        return HttpResponse(status=204) if request.htmx else see_other("you-feedback")
    found: QuerySet[Review] = reviewing.feedback(request.user).select_related("label__task__prompt", "label__queue")
    context = {
        "page": rows(request, found, newest_first=True),
        "asked": reviewing.asked_to_change(request.user).select_related("label__task__prompt", "label__queue"),
        "threads": discussing.awaiting(request.user)[:NEWEST],
    }
    return _page(request, "you/feedback.html", "feedback", context)


# --- How pages look, and keys ----------------------------------------------------------------------------------------


class LookForm(forms.Form):
    theme = forms.ChoiceField(label=gettext_lazy("Colours"), choices=preferences.THEMES, widget=forms.RadioSelect)
    text_size = forms.ChoiceField(
        label=gettext_lazy("Text size"), choices=preferences.TEXT_SIZES, widget=forms.RadioSelect
    )
    layout = forms.ChoiceField(label=gettext_lazy("Responses"), choices=preferences.LAYOUTS, widget=forms.RadioSelect)


class LongSelect(forms.Select):
    """For hundreds of choices: Django makes two templates of each, which took most of this page's time."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        marked = ((one, " selected" if one == value else "", words) for one, words in self.choices)
        options = format_html_join("", '<option value="{}"{}>{}</option>', marked)
        return format_html("<select{}>{}</select>", flatatt(self.build_attrs({"name": name}, attrs)), options)


class TimeForm(forms.Form):
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        widget=LongSelect,
        choices=lambda: [(name, name.replace("_", " ")) for name in preferences.time_zones()],
        help_text=gettext_lazy("Where your days begin, on the page of your work."),
    )


class KeyInput(forms.TextInput):
    """For one character."""

    def __init__(self) -> None:
        super().__init__({"maxlength": 1, "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"})


class KeysForm(forms.Form):
    """A field for each key that can be moved, named `keys.<canonical key>`. Left empty it is as it was made."""

    single_keys = forms.BooleanField(
        label=gettext_lazy("Single keys work"),
        required=False,
        help_text=gettext_lazy("Off: only Ctrl Enter submits, everything else by Tab and clicks."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for shortcut in preferences.shortcuts().values():
            self.fields[f"keys.{shortcut.key}"] = forms.CharField(
                label=str(shortcut), required=False, max_length=1, widget=KeyInput()
            )

    def groups(self) -> list[tuple[str, list[tuple[preferences.Shortcut, forms.BoundField]]]]:
        """The fields, those with the same words together; the digits are one group."""
        every, digits = preferences.shortcuts().values(), _("Places, points and buttons that show a digit")
        found: dict[str, list[tuple[preferences.Shortcut, forms.BoundField]]] = {}
        for one in every:
            words = digits if one.key.isdecimal() else str(one)
            found.setdefault(words, []).append((one, self[f"keys.{one.key}"]))
        return list(found.items())

    def moved(self) -> dict[str, str]:
        """Canonical key -> own key, of those that are not empty."""
        chosen = {name.removeprefix("keys."): value for name, value in self.cleaned_data.items() if "." in name}
        return {key: own.lower() for key, own in chosen.items() if own and own != preferences.SIGNS.get(key)}


def _look(form: forms.Form) -> dict[str, Any]:
    return form.cleaned_data


def _keys(form: forms.Form) -> dict[str, Any]:
    assert isinstance(form, KeysForm)
    return {"single_keys": form.cleaned_data["single_keys"], "keys": form.moved()}


#: The parts of the page, each a form of its own: its form and what it changes.
PARTS = {"look": (LookForm, _look), "time": (TimeForm, _look), "keys": (KeysForm, _keys)}


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def settings(request: Request) -> HttpResponse:
    """How the pages look, where days begin, and which keys act. POST names the `part` it is about.

    Scripts change one thing at once (204): `part=reset`, `part=single-keys`, or a part that the page has.
    """
    part = request.POST.get("part", "")
    bound = PARTS[part][0](request.POST) if part in PARTS else None
    if request.method == "POST" and _changed(request, part, bound):
        if request.htmx:
            return HttpResponse(status=204)
        messages.success(request, _("Saved."))
        return see_other(_back(request))
    forms_by_part = _forms(preferences.of(request.user)) | ({part: bound} if bound else {})
    return _page(request, "you/settings.html", "settings", forms_by_part, 422 if request.method == "POST" else 200)


def _changed(request: Request, part: str, form: forms.Form | None) -> bool:
    """Whether it was changed; if not, the form says why."""
    if part == "reset":
        preferences.change(request.user, keys={})
        return True
    if part == "single-keys":
        preferences.change(request.user, single_keys="single_keys" in request.POST)
        return True
    if form is None or not form.is_valid():
        return False
    try:
        preferences.change(request.user, **PARTS[part][1](form))
    except ValidationError as error:
        for name, complaints in error.message_dict.items():
            form.add_error(name if name in form.fields else None, complaints)
        return False
    return True


def _back(request: Request) -> str:
    return "you" if request.POST.get("back") == "you" else "you-settings"


def _forms(chosen: preferences.Preferences) -> dict[str, forms.Form]:
    keys = {f"keys.{key}": own for key, own in chosen.keys.items()}
    look = {name: getattr(chosen, name) for name in LookForm.base_fields}
    return {
        "look": LookForm(initial=look),
        "time": TimeForm(initial={"time_zone": chosen.time_zone}),
        "keys": KeysForm(initial={"single_keys": chosen.single_keys} | keys),
    }

"""Was it good: a reviewer's word on a label, what they make of it, and what is known of it."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from annotate import access, kinds, labelling, panels, reviewing
from annotate.models import Assignment, Label, Role
from annotate.views import answering
from annotate.views.answering import Note
from annotate.views.doors import Request, see_other, signed_in
from annotate.views.frames import around
from annotate.views.reviewing import following


@require_POST
@signed_in
def review(request: Request, pk: int) -> HttpResponse:
    """Accept or reject a label, or ask for changes; `next` takes the next one to review, `task` goes to its task."""
    label = access.label(request.user, pk, Role.REVIEWER)
    verdict, reason = request.POST.get("verdict", ""), request.POST.get("reason", "").replace("\r\n", "\n")
    try:
        given = reviewing.review(request.user, label, verdict, reason, _key(request))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return _where(request, label, taken=False)
    except labelling.Refused as refused:
        messages.error(request, refused.message)
        return _where(request, label, taken=isinstance(refused, reviewing.Amended))
    messages.success(request, _("The label is %s.") % given.get_verdict_display())
    return _where(request, label, taken=True)


def _key(request: Request) -> uuid.UUID | None:
    """What tells one sending of the form from another."""
    try:
        return uuid.UUID(request.POST.get("key", ""))
    except ValueError:
        return None


def _where(request: Request, label: Label, *, taken: bool) -> HttpResponse:
    """Where the reviewer came from; the next label instead, where this one is done with."""
    if "next" in request.POST:
        return following(request, label.queue) if taken else see_other("review-next", label.queue_id)
    return see_other("adjudicate", label.task_id) if "task" in request.POST else see_other("label", label.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def fix(request: Request, pk: int) -> HttpResponse:
    """A label to be put right, in the kind's own form. POST stores what is right in its place."""
    label = access.label(request.user, pk, Role.REVIEWER)
    panel = panels.of_label(Assignment(task=label.task, queue=label.queue), label.shown, label.payload)
    if request.method != "POST":
        return _page(request, label, panel, panel.form(), _why_not(request, label))
    slip = answering.slip(request)
    form = panel.form(answering.posted(request, label.queue.way))
    if not form.is_valid():
        return _page(request, label, panel, form)
    try:
        reason = request.POST.get("review_reason", "").replace("\r\n", "\n")
        in_hand = reviewing.held(request.user, label.queue)
        reviewing.fix(request.user, label, slip.answer(form.payload()), reason)
    except ValidationError as error:
        return _page(request, label, panel, form, Note(" ".join(error.messages)))
    except labelling.Refused as refused:
        return _page(request, label, panel, form, Note(refused.message, refused.code))
    messages.success(request, _("Fixed. Yours counts from now on; its annotator sees what was changed."))
    if in_hand is not None and in_hand.label_id == label.pk and "task" not in request.POST:
        return following(request, label.queue)  # its page would tell whether the verdict on it was known
    return _where(request, label, taken=True)


def _why_not(request: Request, label: Label) -> Note | None:
    if reviewing.is_own(request.user, label):
        return Note(_("This label is yours. Somebody else reviews it."), "own_label")
    if Label.objects.filter(supersedes=label).exists():
        return Note(_("This label was amended meanwhile. Review the newer one."), "amended")
    return None


def _page(
    request: Request, label: Label, panel: panels.Panel, form: kinds.LabelForm, note: Note | None = None
) -> HttpResponse:
    came_from = next((name for name in ("next", "task") if name in request.POST or name in request.GET), "")
    context: dict[str, Any] = around(request, label.queue.project, label.queue, tab="reviewing") | {
        "label": label,
        "panel": panel,
        "form": form,
        "note": note,
        "key": request.POST.get("key") or uuid.uuid4(),
        "seconds": request.POST.get("active_seconds") or label.active_seconds,
        "reason": request.POST.get("review_reason", ""),
        "came_from": came_from,
    }
    status = 409 if note and note.code else 422 if request.method == "POST" else 200
    return render(request, "reviews/fix.html", context, status=status)


@require_POST
@signed_in
def known(request: Request, pk: int) -> HttpResponse:
    """Say which verdict on a label is right, so that it grades reviewers; without a verdict it does so no more."""
    label = access.label(request.user, pk, Role.MANAGER)
    verdict = request.POST.get("verdict", "")
    try:
        if verdict:
            reviewing.mark_known(label, request.user, verdict, request.POST.get("note", "").replace("\r\n", "\n"))
        else:
            reviewing.unmark_known(label)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("Kept. It is shown to reviewers unseen.") if verdict else _("It grades nobody."))
    return see_other("label", pk)

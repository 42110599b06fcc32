"""The annotator's loop: read what is asked, take a task, answer it and get the next, or leave it with a reason."""

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from annotate import access, kinds, labelling, queue
from annotate.models import Assignment, Exit, Role
from annotate.views import answering
from annotate.views.answering import Note
from annotate.views.doors import Request, see_other, signed_in


class LeaveForm(forms.Form):
    """A way out: "skip", "decline" or "flag" with a reason (one of the quick ones, own words, or both), or "leave"."""

    LEAVE = "leave"
    way = forms.ChoiceField(choices=[*Exit.Way.choices, (LEAVE, LEAVE)])
    reason = forms.CharField(required=False, max_length=200)
    words = forms.CharField(required=False, max_length=1_500)

    def why(self) -> str:
        """The reason in one line."""
        return ": ".join(filter(None, [self.cleaned_data["reason"], self.cleaned_data["words"]]))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def work(request: Request, pk: int) -> HttpResponse:
    """The task in hand, else what the queue asks. POST takes a task; GET takes nothing."""
    found = access.queue(request.user, pk, Role.ANNOTATOR)
    if request.method == "POST":
        claimed = queue.claim(request.user, found)
        return see_other("work", pk) if isinstance(claimed, int) else answering.nothing(request, found, claimed)
    held = Assignment.objects.in_hand(request.user, found).values_list("pk", flat=True).first()
    if held is not None:
        return answering.task(request, found, held, answering.done(request, found))
    if request.htmx:
        return answering.nothing(request, found, answering.NONE_IN_HAND)
    return answering.intro(request, found)


@require_POST
@signed_in
def ahead(request: Request, pk: int) -> HttpResponse:
    """One more task beside those the page has got, leased and ready to be shown; 204 where there is none."""
    found = access.queue(request.user, pk, Role.ANNOTATOR)
    form = answering.HavingForm(request.POST)
    if not form.is_valid():
        raise BadRequest
    place = queue.claim(request.user, found, form.places())
    if not isinstance(place, int):
        return HttpResponse(status=204)
    return answering.task(request, found, place, answering.done_before(request, found, form.places()))


@require_POST
@signed_in
def submit(request: Request, pk: int) -> HttpResponse:
    """Hand an answer in and get the next task in the same answer."""
    place = access.assignment(request.user, pk)
    slip = answering.slip(request)
    form = _answer_form(request, place, slip)
    if not form.is_valid():
        return answering.again(request, place, form, slip, status=422)
    alone, having = slip.cleaned_data["alone"], slip.places()
    try:
        stored = labelling.submit(request.user, place, slip.answer(form.payload()), not alone, having)
    except labelling.Refused as refused:
        return answering.again(request, place, form, slip, Note(refused.message, refused.code), status=409)
    if alone:
        return HttpResponse(status=204)
    return answering.following(request, place.queue, stored.next, stored.done + stored.before, _("Saved."))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def draft(request: Request, pk: int) -> HttpResponse:
    """GET: the task with the draft as stored. POST: keep an unfinished answer; see `_keep`."""
    place = access.assignment(request.user, pk)
    if request.method == "POST":
        return _keep(request, place)
    if not labelling.is_held(place, request.user, place.fence):
        return HttpResponse(status=409)
    return answering.task(request, place.queue, place.pk, answering.done(request, place.queue))


def _keep(request: Request, place: Assignment) -> JsonResponse:
    """200 with the draft's version and whether they still hold the task; 409 with why it isn't kept."""
    slip = answering.slip(request)
    given = slip.cleaned_data
    form = _answer_form(request, place, slip)
    form.is_valid()  # a draft may be anything; `payload` gives what is valid so far
    seconds = given["active_seconds"] or 0
    try:
        version = labelling.save_draft(request.user, place, form.payload(), given["fence"], seconds, given["base"])
    except labelling.DraftNewer as newer:
        told = {"code": newer.code, "message": str(newer), "version": newer.version, "saved_at": newer.saved_at}
        return JsonResponse(told, status=409)
    except labelling.Refused as refused:
        return JsonResponse({"code": refused.code, "message": str(refused.message)}, status=409)
    return JsonResponse({"version": version, "held": labelling.is_held(place, request.user, given["fence"])})


@require_POST
@signed_in
def release(request: Request, pk: int) -> HttpResponse:
    """Give a place back that nobody has looked at: what a closing page does with the task it held ahead."""
    place = access.assignment(request.user, pk)
    try:
        labelling.give_back(request.user, place, answering.slip(request).cleaned_data["fence"])
    except labelling.Refused:
        return HttpResponse(status=409)
    return HttpResponse(status=204)


@require_POST
@signed_in
def leave(request: Request, pk: int) -> HttpResponse:
    """Skip, decline or flag with a reason and go on with the next task; or give the task back and go home."""
    place = access.assignment(request.user, pk)
    slip, form = answering.slip(request), LeaveForm(request.POST)
    if not form.is_valid():
        raise BadRequest
    way = form.cleaned_data["way"]
    if way != LeaveForm.LEAVE and not form.why():
        note = Note(_("Choose a reason or write one; you still hold this task."))
        return answering.again(request, place, None, slip, note, status=422)
    try:
        return _go(request, place, slip.cleaned_data["fence"], way, form.why())
    except labelling.Refused as refused:
        return answering.again(request, place, None, slip, Note(refused.message, refused.code), status=409)


def _go(request: Request, place: Assignment, fence: int, way: str, why: str) -> HttpResponse:
    if way == LeaveForm.LEAVE:
        labelling.give_all_back(request.user, place, fence)
        messages.success(request, _("You gave the task back. Your draft is kept."))
        return see_other("home")
    labelling.leave(request.user, place, fence, Exit.Way(way), why)
    said = {
        Exit.Way.SKIP: _("Skipped. It comes back to you later."),
        Exit.Way.DECLINE: _("Declined. Somebody else does it."),
        Exit.Way.FLAG: _("Flagged. The admin looks at it."),
    }[Exit.Way(way)]
    claimed = queue.claim(request.user, place.queue)
    return answering.following(request, place.queue, claimed, answering.done(request, place.queue), said)


def _answer_form(request: Request, place: Assignment, slip: answering.Slip) -> kinds.LabelForm:
    return labelling.form_for(place, answering.posted(request, place.queue.way), fence=slip.cleaned_data["fence"])

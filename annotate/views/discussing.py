"""What people say about labels and tasks."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from annotate import access, discussing
from annotate.models import Label, Review, Role, Task
from annotate.views.doors import Request, see_other, signed_in


@require_POST
@signed_in
def on_label(request: Request, pk: int) -> HttpResponse:
    """A remark on a label; with `about=task` on its task as such. Its annotator says it on their own page."""
    label = access.label(request.user, pk, Role.ANNOTATOR)
    about = label.task if request.POST.get("about") == "task" else label
    _say(request, about)
    own = label.annotator_id == request.user.pk and not Review.objects.filter(fix=label).exists()
    return see_other("you-label" if own else "label", pk)


@require_POST
@signed_in
def on_task(request: Request, pk: int) -> HttpResponse:
    """A remark on a task as such, by a reviewer."""
    task = access.task(request.user, pk, Role.REVIEWER)
    _say(request, task)
    return see_other("task", pk)


def _say(request: Request, about: Label | Task) -> None:
    try:
        discussing.say(request.user, about, request.POST.get("text", "").replace("\r\n", "\n"))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("Said."))


@require_POST
@signed_in
def resolve(request: Request, pk: int) -> HttpResponse:
    """Settle a thread; with `open` it is open again."""
    thread = access.thread(request.user, pk, Role.REVIEWER)
    discussing.resolve(request.user, thread, "open" not in request.POST)
    messages.success(request, _("The discussion is open again.") if "open" in request.POST else _("Settled."))
    return see_other("label", thread.label_id) if thread.label_id else see_other("task", thread.task_id)

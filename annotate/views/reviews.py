"""Was it good: a reviewer's word on a label."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from annotate import access, labelling, reviewing
from annotate.models import Role
from annotate.views.doors import Request, see_other, signed_in


@require_POST
@signed_in
def review(request: Request, pk: int) -> HttpResponse:
    """Accept or reject a label; back on its page it says what came of it."""
    label = access.label(request.user, pk, Role.REVIEWER)
    try:
        given = reviewing.review(
            request.user, label, request.POST.get("verdict", ""), request.POST.get("reason", "").replace("\r\n", "\n")
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    except labelling.Refused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("The label is %s.") % given.get_verdict_display())
    return see_other("label", pk)

"""What somebody has changed of a response so far, while they work on it."""

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_POST

from annotate import access, differences, labelling
from annotate.views.answering import posted, slip
from annotate.views.doors import Request, signed_in


@require_POST
@signed_in
def changes(request: Request, pk: int) -> HttpResponse:
    """The way from the given response to the text in the panel's form, as HTML. Nothing is stored."""
    place = access.assignment(request.user, pk)
    fence = slip(request).cleaned_data["fence"]
    if not labelling.was_leased_to(place, request.user, fence):
        raise Http404
    form = labelling.form_for(place, posted(request, place.queue.way), fence=fence)
    form.is_valid()  # what can't be handed in yet has changes all the same
    texts = place.queue.way.written(form.payload())
    pairs = [one for one in place.queue.way.comparisons(form.payload()) if one.winner in texts]
    html = [differences.as_html(form.shown.texts[one.loser], texts[one.winner]) for one in pairs]
    return HttpResponse("\n".join(html))

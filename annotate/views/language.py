"""In which language the pages speak."""

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from annotate.models import User
from annotate.views.doors import see_other


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep the choice with the person, or in a cookie for who is not signed in; then back to `next`.

    An empty `language` leaves it to the browser. One that there is not is refused (400).
    """
    chosen = request.POST.get("language", "")
    if chosen and chosen not in dict(settings.LANGUAGES):
        raise BadRequest(f"no language {chosen!r}")
    if isinstance(request.user, User):
        User.objects.filter(pk=request.user.pk).update(language=chosen)
    answer = see_other(_back(request))
    _set_cookie(answer, chosen)
    return answer


def _back(request: HttpRequest) -> str:
    """The page of this site that `next` names, else the home page."""
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours else resolve_url("home")


def _set_cookie(answer: HttpResponse, language: str) -> None:
    """Also for who is signed in: so that signing out does not change the language."""
    name = settings.LANGUAGE_COOKIE_NAME
    if not language:
        answer.delete_cookie(name, samesite="Lax")
        return
    answer.set_cookie(
        name,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite="Lax",
    )

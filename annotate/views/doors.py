"""What the pages' views share: who may come in, and what their requests carry."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.views.decorators.cache import never_cache
from django_htmx.middleware import HtmxDetails

from annotate.models import User


class Request(HttpRequest):
    """A request of somebody signed in."""

    user: User
    htmx: HtmxDetails


def signed_in[**P](
    view: Callable[Concatenate[Request, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Send whoever is not signed in to the sign-in page. A script is told 401, so it never shows that page in place.

    What a signed-in person sees is kept by no cache and gone after signing out.
    """

    @wraps(view)
    @never_cache
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(cast(Request, request), *args, **kwargs)
        if cast(Request, request).htmx:
            return HttpResponse(status=401)
        back = request.get_full_path() if request.method == "GET" else resolve_url("home")
        return redirect_to_login(back)

    return guarded


def see_other(to: Any, *args: Any) -> HttpResponseRedirect:
    """After a POST: look at this page next (303)."""
    return HttpResponseRedirect(resolve_url(to, *args), status=303)

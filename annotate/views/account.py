"""One's own account: signing in and out, taking an invitation up, and the tokens of one's programs."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import login, views
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.password_validation import password_validators_help_texts
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from annotate import access, projects
from annotate.models import Member, Project, Scope, Token, User
from annotate.views.doors import Request, see_other, signed_in

BACKEND = "django.contrib.auth.backends.ModelBackend"


class SignInForm(AuthenticationForm):
    error_messages = {
        "invalid_login": _("This e-mail address and password don't go together. Mind upper and lower case."),
        "inactive": _("This account is switched off."),
    }


class SignIn(views.LoginView):
    """The page; and for a script that signs somebody in again in place: {user} with 200, or {errors} with 422."""

    template_name = "account/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_valid(form)
        return JsonResponse({"user": form.get_user().pk}) if _is_script(self.request) else answer

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        if not _is_script(self.request):
            return super().form_invalid(form)
        return JsonResponse({"errors": [error for errors in form.errors.values() for error in errors]}, status=422)


def _is_script(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


sign_in = SignIn.as_view()
sign_out = views.LogoutView.as_view()


# --- Invitations -----------------------------------------------------------------------------------------------------


class NewAccountForm(forms.Form):
    name = forms.CharField(
        label=_("Your name"),
        max_length=100,
        help_text=_("Whoever runs the project sees it. It is in no export."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=_("A password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = " ".join(password_validators_help_texts())


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accept_invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """Join a project: whoever is signed in by a press, anybody else by making an account."""
    invitation = projects.invitation(secret)
    person = request.user if isinstance(request.user, User) else None
    form = NewAccountForm(request.POST or None)
    if request.method == "POST":
        member = projects.accept_invitation(secret, user=person) if person else _new_member(request, secret, form)
        if member is not None:
            messages.success(request, gettext("Welcome to %s.") % member.project.name)
            return see_other("home")
    status = 422 if form.errors else 200
    return render(request, "account/invitation.html", {"invitation": invitation, "form": form}, status=status)


def _new_member(request: HttpRequest, secret: str, form: NewAccountForm) -> Member | None:
    """A new account, signed in and a member; or None, with the reason in the form."""
    if not form.is_valid():
        return None
    try:
        member = projects.accept_invitation(secret, **form.cleaned_data)
    except ValidationError as error:
        for field, problems in error.message_dict.items():
            for problem in problems:
                form.add_error(field if field in form.fields else None, problem)
        return None
    login(request, member.user, backend=BACKEND)
    return member


# --- Tokens ----------------------------------------------------------------------------------------------------------


class TokenForm(forms.Form):
    LIFE = [("30", _("in 30 days")), ("90", _("in 90 days")), ("365", _("in a year")), ("", _("never"))]

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("What it is for, so that you know it later: “nightly export”.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"), choices=Scope.choices, widget=forms.CheckboxSelectMultiple, initial=[Scope.READ]
    )
    project = forms.ModelChoiceField(
        label=_("Where"), queryset=Project.objects.none(), required=False, empty_label=_("in all my projects")
    )
    life = forms.ChoiceField(label=_("It ends"), choices=LIFE, required=False, initial="90")

    def __init__(self, user: User, data: Any = None) -> None:
        super().__init__(data)
        self.fields["project"].queryset = Project.objects.seen_by(user).order_by("name")  # type: ignore[attr-defined]

    def issue(self, user: User) -> tuple[Token, str]:
        """The token asked for, and its secret."""
        wanted = self.cleaned_data
        ends = timezone.now() + timedelta(days=int(wanted["life"])) if wanted["life"] else None
        return Token.issue(user, wanted["name"], wanted["scopes"], project=wanted["project"], expires_at=ends)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def tokens(request: Request) -> HttpResponse:
    """One's tokens. A new one's secret is in the answer to the POST that made it, and nowhere else."""
    if "revoke" in request.POST:
        return _revoke(request)
    form = TokenForm(request.user, request.POST or None)
    made, secret = form.issue(request.user) if form.is_valid() else (None, "")
    context = {
        "form": TokenForm(request.user) if made else form,
        "made": made,
        "secret": secret,
        "tokens": request.user.tokens.filter(revoked_at=None).select_related("project").order_by("-created_at"),
    }
    return render(request, "account/tokens.html", context, status=422 if form.errors else 200)


def _revoke(request: Request) -> HttpResponse:
    pk = request.POST["revoke"]
    token = access.token(request.user, int(pk) if pk.isdecimal() else 0)
    token.revoke()
    messages.success(request, gettext("“%s” is revoked: it works no more.") % token.name)
    return see_other("tokens")

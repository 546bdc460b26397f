"""The page behind an invitation's link. It says who invites to what, and leads to an account; by itself it opens nothing.

Whoever chooses a way in takes the invitation along in their session. `accept_waiting` redeems it once they are signed in.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login_by_code import LoginCodeVerificationProcess
from allauth.core import ratelimit
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model, update_session_auth_hash
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from tenants import invitations
from tenants.invitations import DeadInvitation
from tenants.models import Invitation, Membership

WAITING, PASSWORD = "invitation", "invitation_password"
BACK = "after_second_factor"  # where somebody goes on who sets one up
GONE = {"unknown": 404}
View = Callable[[HttpRequest, str, Invitation], HttpResponse]


class NewAccount(forms.Form):
    name = forms.CharField(max_length=150)
    password = forms.CharField(required=False, strip=False, max_length=200)

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        if password:
            validate_password(password)
        return password


def accept_waiting(request: HttpRequest) -> Membership | None:
    """After any sign-in: the invitation that was chosen before it. A dead one says why in a message."""
    token = request.session.pop(WAITING, "")
    whose, password = request.session.pop(PASSWORD, (0, ""))
    if not token or not request.user.is_authenticated:
        return None
    try:
        membership = invitations.accept(token, user=request.user)
    except DeadInvitation as dead:
        messages.error(request, str(dead))
        return None
    if whose == request.user.pk and not request.user.has_usable_password():
        request.user.password = password
        request.user.save(update_fields=["password"])
        update_session_auth_hash(request, request.user)
        request.session[BACK] = resolve_url("portal:checklist", membership.tenant.code)
    messages.success(request, _("You look after %(customer)s from now on.") % {"customer": membership.tenant.name})
    return membership


def alive(view: View) -> Callable[[HttpRequest, str], HttpResponse]:
    """The view gets the open invitation behind the link, and speaks its language; a dead one says why."""

    @never_cache
    @wraps(view)
    def opened(request: HttpRequest, token: str) -> HttpResponse:
        try:
            invitation = invitations.shown(token)
        except DeadInvitation as dead:
            return _dead(request, dead)
        if settings.LANGUAGE_COOKIE_NAME in request.COOKIES:
            return view(request, token, invitation)
        language = invitation.language or invitation.tenant.language
        with translation.override(language):
            response = view(request, token, invitation)
        response.headers["Content-Language"] = language
        if request.method == "POST":  # so that signing in goes on in it
            response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, samesite="Lax")
        return response

    return opened


def _dead(request: HttpRequest, dead: DeadInvitation) -> HttpResponse:
    accepted_by = dead.invitation and dead.invitation.accepted_by
    if accepted_by and accepted_by == request.user:
        return redirect("portal:home")
    return render(request, "tenants/portal/invitation.html", {"dead": dead}, status=GONE.get(dead.reason, 410))


@require_GET
@alive
def show(request: HttpRequest, token: str, invitation: Invitation) -> HttpResponse:
    """Changes nothing, so scanners of e-mail may open it."""
    return _page(request, token, invitation, NewAccount())


def _page(
    request: HttpRequest, token: str, invitation: Invitation, form: NewAccount, status: int = 200
) -> HttpResponse:
    context = {"invitation": invitation, "customer": invitation.tenant.name, "token": token, "form": form}
    context["here"] = resolve_url("invitation", token)
    context["inviter"] = get_user_model()._default_manager.filter(username=invitation.invited_by).first()
    return render(request, "tenants/portal/invitation.html", context, status=status)


@require_POST
@alive
def sign_in(request: HttpRequest, token: str, invitation: Invitation) -> HttpResponse:
    """With an account that is there already."""
    _take_along(request, token)
    return redirect("account_login")


@require_GET
@alive
def microsoft(request: HttpRequest, token: str, invitation: Invitation) -> HttpResponse:
    """A link and no form, because Microsoft's redirects would break a strict form-action; so it must be our page's link."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return redirect("invitation", token)
    _take_along(request, token)
    return redirect("signin:portal")


@require_POST
@sensitive_post_parameters("password")
@alive
def make_account(request: HttpRequest, token: str, invitation: Invitation) -> HttpResponse:
    """A new account; the code mailed to the invited address opens it. Where there is an account, its owner gets the code."""
    form = NewAccount(request.POST)
    if request.user.is_authenticated:
        return redirect("invitation", token)
    if form.is_valid() and not ratelimit.consume(request, action="request_login_code", key=invitation.email.lower()):
        form.add_error(None, get_adapter().error_messages["too_many_login_attempts"])
    if not form.is_valid():
        return _page(request, token, invitation, form, status=422)
    user = invitations.account_for(token, name=form.cleaned_data["name"])
    _take_along(request, token)
    if password := form.cleaned_data["password"]:
        request.session[PASSWORD] = (user.pk, make_password(password))
    LoginCodeVerificationProcess.initiate(request=request, user=user, email=user.email)
    return redirect("account_confirm_login_code")


def _take_along(request: HttpRequest, token: str) -> None:
    request.session[WAITING] = token
    request.session.pop(PASSWORD, None)


@require_POST
@never_cache
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """As whoever is signed in; the page said who that is."""
    if not request.user.is_authenticated:
        return redirect("invitation", token)
    _take_along(request, token)
    accept_waiting(request)
    return redirect("portal:home")

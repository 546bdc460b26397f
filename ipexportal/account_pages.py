"""allauth's pages that we use, at their addresses; what is not listed does not exist here."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from allauth.account import views as account
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY, get_authentication_records
from allauth.account.decorators import secure_admin_login
from allauth.account.forms import RequestLoginCodeForm
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.base import views as second_factor
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpResponse
from django.shortcuts import resolve_url
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.generic import RedirectView

from ipexportal.accounts import BACK

if TYPE_CHECKING:
    from django.http import HttpRequest


class CodeForm(RequestLoginCodeForm):  # type: ignore[misc]  # allauth has no types
    """Also finds an address that was stored with capitals; allauth looks for small letters only."""

    def clean_email(self) -> str:
        email = str(super().clean_email())
        self._user: User | None = (
            self._user or User.objects.filter(email__iexact=email, is_active=True).order_by("pk").first()
        )
        return email


class SetUp(totp.ActivateTOTPView):  # type: ignore[misc]  # allauth has no types
    """The code typed here shows the second factor as well as one asked for at sign-in."""

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        record_authentication(self.request, self.request.user, "mfa", type="totp", reauthenticated=True)
        return response


class ShowAgain(second_factor.ReauthenticateView):  # type: ignore[misc]  # allauth has no types
    def form_valid(self, form: Any) -> HttpResponse:
        self.request.session.pop(BACK, None)
        response: HttpResponse = super().form_valid(form)
        return response


class SwitchOff(totp.DeactivateTOTPView):  # type: ignore[misc]  # allauth has no types
    """A session opened with it is worth no more than one without."""

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        kept = [each for each in _records(self.request) if each["method"] != "mfa"]
        self.request.session[AUTHENTICATION_METHODS_SESSION_KEY] = kept
        return response


class RecoveryCodes(recovery.ViewRecoveryCodesView):  # type: ignore[misc]  # allauth has no types
    def get_context_data(self, **more: Any) -> dict[str, Any]:
        back = self.request.session.pop(BACK, "") or resolve_url("portal:account")
        return {**super().get_context_data(**more), "back": back}


def admin_door(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The admin has no sign-in of its own; for customers' people it is not there."""
    secured: Callable[..., HttpResponse] = secure_admin_login(view)

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **more: Any) -> HttpResponse:
        if request.user.is_authenticated and not request.user.is_staff:
            raise Http404
        return secured(request, *args, **more)

    return door


def _records(request: HttpRequest) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = get_authentication_records(request, request.user)
    return records


urlpatterns = [
    path("login/", account.login, name="account_login"),
    path("login/code/", account.request_login_code, name="account_request_login_code"),
    path("login/code/confirm/", account.confirm_login_code, name="account_confirm_login_code"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("signup/", account.signup, name="account_signup"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("password/set/", account.password_set, name="account_set_password"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/code/", account.confirm_password_reset_code, name="account_confirm_password_reset_code"),
    path("password/reset/new/", account.complete_password_reset, name="account_complete_password_reset"),
    path("password/reset/done/", account.password_reset_from_key_done, name="account_password_reset_completed"),
    path("second-factor/", RedirectView.as_view(pattern_name="portal:account"), name="mfa_index"),
    path("second-factor/enter/", second_factor.authenticate, name="mfa_authenticate"),
    path("second-factor/again/", login_required(ShowAgain.as_view()), name="mfa_reauthenticate"),
    path("second-factor/set-up/", never_cache(SetUp.as_view()), name="mfa_activate_totp"),
    path("second-factor/off/", SwitchOff.as_view(), name="mfa_deactivate_totp"),
    path("second-factor/codes/", never_cache(RecoveryCodes.as_view()), name="mfa_view_recovery_codes"),
    path("second-factor/codes/new/", recovery.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("second-factor/codes/file/", recovery.download_recovery_codes, name="mfa_download_recovery_codes"),
]

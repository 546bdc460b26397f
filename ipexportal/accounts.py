"""How people get into the portal: by being made there or invited, never by themselves; and how sure we are who they are.

A mailed code, Microsoft, or a password with a second factor is enough. Staff need a second factor however they came in.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.stages import AuthenticateStage
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, resolve_url
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django_htmx.http import HttpResponseClientRedirect

from tenants import fields
from tenants.models import audit
from tenants.portal import invitation

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

ENOUGH = {"code", "microsoft", "mfa"}
FRESH = timedelta(minutes=15)
BACK = invitation.BACK
# Pages that have nothing to do with a portal session, or that are the way to a better one
OPEN = ("/accounts/", "/language/", "/static/", "/signin/", "/activate/", "/window/", "/api/", "/simulator/")
Handler = Callable[[HttpRequest], HttpResponse]


# How sure we are


def ways_of(request: HttpRequest, user: User | AnonymousUser) -> set[str]:
    """By what this session was opened: password, code, microsoft, mfa."""
    return {record["method"] for record in get_authentication_records(request, user)}


def is_sure(request: HttpRequest, user: User | AnonymousUser) -> bool:
    return bool(ways_of(request, user) & ({"mfa"} if user.is_staff else ENOUGH))


class SecondFactorStage(AuthenticateStage):  # type: ignore[misc]  # allauth has no types
    """Asked for before somebody is signed in, if they have one and are not known well enough by now."""

    def _should_handle(self, request: HttpRequest) -> bool:
        return bool(super()._should_handle(request)) and not is_sure(request, self.login.user)


def second_factor(get_response: Handler) -> Handler:
    """Whoever is signed in but not known well enough sets a second factor up, or shows it, before anything else."""

    def middleware(request: HttpRequest) -> HttpResponse:
        unsure = (
            settings.SESSION_COOKIE_NAME in request.COOKIES
            and not request.path.startswith(OPEN)
            and request.user.is_authenticated
            and not is_sure(request, request.user)
        )
        return _to_second_factor(request) if unsure else get_response(request)

    return middleware


def _to_second_factor(request: HttpRequest) -> HttpResponse:
    from allauth.mfa.models import Authenticator  # models are not there yet when settings name this module

    htmx = getattr(request, "htmx", None)
    here = request.get_full_path() if request.method == "GET" else ""
    back = (htmx.current_url_abs_path if htmx else here) or resolve_url("portal:home")
    request.session[BACK] = back
    if Authenticator.objects.filter(user=request.user.pk, type=Authenticator.Type.TOTP).exists():
        address = f"{resolve_url('mfa_reauthenticate')}?{urlencode({'next': back})}"
    else:
        address = resolve_url("mfa_activate_totp")
    return HttpResponseClientRedirect(address) if htmx else HttpResponseRedirect(address)


@transaction.atomic
def forget_second_factor(user: User, *, by: User | str) -> bool:
    """For somebody who lost phone and recovery codes: they set another one up when they sign in. False: there was none."""
    from allauth.mfa.models import Authenticator

    from ipexportal import account_mail

    found, _kinds = Authenticator.objects.filter(user=user).delete()
    if found:
        audit(tenant=None, by=by, act="account.second_factor_reset", target=user.get_username())
        transaction.on_commit(lambda: account_mail.notify("totp_deactivated", user.email))
    return bool(found)


# What allauth asks us


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    error_messages = DefaultAccountAdapter.error_messages | {
        "account_inactive": _("This account is switched off."),
        "email_password_mismatch": _("The e-mail and the password do not belong together."),
        "enter_current_password": _("This is not your current password."),
        "incorrect_code": _("This code is not right. Type the newest one."),
        "incorrect_password": _("This password is not right."),
        "too_many_login_attempts": _("That was too many attempts. Wait a few minutes and try again."),
        "rate_limited": _("That was too many attempts. Wait a few minutes and try again."),
    }
    said = {
        "account/messages/logged_out.txt": _("You are signed out."),
        "account/messages/password_changed.txt": _("The password is changed."),
        "account/messages/password_set.txt": _("The password is set."),
        "mfa/messages/totp_activated.txt": _("The second factor is on."),
        "mfa/messages/totp_deactivated.txt": _("The second factor is off."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_stages(self) -> list[str]:
        return ["allauth.account.stages.LoginByCodeStage", "ipexportal.accounts.SecondFactorStage"]

    def get_client_ip(self, request: HttpRequest) -> str:
        """What the server says, as everywhere here; behind a socket it may say nothing."""
        return str(request.META.get("REMOTE_ADDR") or "unknown")

    def post_login(self, request: HttpRequest, user: User, **details: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **details)
        if user.email != user.email.lower():  # typed so by whoever made the account; allauth finds small letters only
            user.email = user.email.lower()
            user.save(update_fields=["email"])
        return redirect("portal:home") if invitation.WAITING in request.session else response

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """A password goes together with a second factor, so that nobody else sets one up for it."""
        return resolve_url("portal:account" if _has_second_factor(request.user) else "mfa_activate_totp")

    def is_reauthentication_required(self, *, app: str, **details: Any) -> bool:
        """Setting up the first second factor right after signing in asks for nothing again."""
        if app == "allauth.mfa" and self._came_just_now() and not _has_second_factor(self.request.user):
            return False
        return bool(super().is_reauthentication_required(app=app, **details))

    def _came_just_now(self) -> bool:
        records = get_authentication_records(self.request, self.request.user)
        return any(record["at"] > time.time() - FRESH.total_seconds() for record in records)

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *rest: Any, **more: Any
    ) -> None:
        """Only what is worth saying, and in our words."""
        message = more.get("message") or self.said.get(message_template or "")
        if message:
            super().add_message(request, level, message=str(message))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        from ipexportal import account_mail

        account_mail.send(self.request, template_prefix, email, context)

    def send_notification_mail(
        self, template_prefix: str, user: User, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Each change of how somebody gets in leaves a trace, and its owner hears of it."""
        name = template_prefix.rpartition("/")[2]
        audit(tenant=None, by=user, act=f"account.{name}", target=user.get_username())
        self.tell_owner(name, email or user.email)

    def tell_owner(self, change: str, address: str) -> None:
        from ipexportal import account_mail

        if address:
            account_mail.notify(change, address)


def _has_second_factor(user: User | AnonymousUser) -> bool:
    from allauth.mfa.utils import is_mfa_enabled

    return bool(is_mfa_enabled(user))


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Its secrets lie encrypted in the database."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("This code is not right. Type the one that the app shows now."),
        "cannot_generate_recovery_codes": _("Recovery codes are for an account with a second factor."),
    }

    def encrypt(self, text: str) -> str:
        return fields.seal_text("mfa", text)

    def decrypt(self, encrypted_text: str) -> str:
        return fields.unseal_text("mfa", encrypted_text)

    def get_totp_issuer(self) -> str:
        return "IPEX"

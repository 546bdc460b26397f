"""To Microsoft and back for people of the portal: signing in, linking an account, and what the one redirect URI answers them.

Everything that leads to Microsoft is a link, because its further redirects would break a strict form-action.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from tenants import access, consent, linked_accounts, portal_attempts
from tenants.dataverse.errors import DataverseError
from tenants.entra import NotTrusted
from tenants.invitations import DeadInvitation
from tenants.models import SIGN_IN_MINUTES, Instance, PortalAttempt
from tenants.portal.guard import own_path, signed_in
from tenants.portal.invitation import WAITING
from tenants.portal_attempts import Browser, Purpose
from tenants.refusals import CONSENT_NEEDED, refusal_in_portal

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PASSING = frozenset(
    {
        "access_denied", "AADSTS65004", "Unavailable", "Throttled", "attempt_expired", "forged", "other_session", "state",
        "nonce", "expired", "no_token", "consent_denied", "no_directory", "AADSTS54005",
    }
)  # fmt: skip
COOKIE = settings.PORTAL_SIGN_IN_COOKIE


@require_GET
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """For whoever has linked a Microsoft account, and for somebody invited who brings theirs."""
    next_page = own_path(request.GET.get("next", ""))
    if request.user.is_authenticated:
        return redirect(next_page or "portal:home")
    return to_microsoft(request, Purpose.SIGN_IN, next_page=next_page)


@require_GET
@signed_in
def link(request: HttpRequest) -> HttpResponse:
    """From another site nobody is led here: it would be that site's choice which account opens the portal."""
    next_page = own_path(request.GET.get("next", ""))
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        return redirect(_account_page())
    return to_microsoft(request, Purpose.LINK, next_page=next_page)


@require_POST
@signed_in
def unlink(request: HttpRequest, code: uuid.UUID) -> HttpResponse:
    user = cast("User", request.user)
    account = linked_accounts.of(user).filter(code=code).first()
    if account is None:
        raise Http404
    linked_accounts.unlink(account, by=user)
    get_adapter(request).tell_owner("microsoft_unlinked", user.email)
    messages.success(request, _("%(account)s no longer opens the portal.") % {"account": account.account})
    return redirect(own_path(request.POST.get("next", "")) or _account_page())


def to_microsoft(
    request: HttpRequest, purpose: Purpose, *, instance: Instance | None = None, next_page: str = ""
) -> HttpResponse:
    """Begin, leave the nonce and go; or the page that says why not."""
    begun = PortalAttempt(purpose=purpose, instance=instance, next=next_page)
    try:
        address, nonce = portal_attempts.begin(purpose, browser_of(request), instance=instance, next_page=next_page)
    except NotTrusted as refusal:
        return refused(request, begun, refusal.reason, status=409)
    except DataverseError as error:
        return refused(request, begun, type(error).__name__, status=503)
    response = redirect(address)
    minutes = int(SIGN_IN_MINUTES.total_seconds())
    response.set_cookie(COOKIE, nonce, max_age=minutes, path="/", secure=True, httponly=True, samesite="Lax")
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def browser_of(request: HttpRequest) -> Browser:
    return Browser(
        nonce=request.COOKIES.get(COOKIE, ""),
        user=request.user if request.user.is_authenticated else None,
        session=request.session.session_key or "",
        invitation=request.session.get(WAITING, ""),
    )


# Coming back


def came_back(request: HttpRequest) -> HttpResponse:
    """The callback of an attempt of the portal. Redirects at once, so that a reload does not redeem the code again."""
    answer = request.GET.dict()
    attempt = portal_attempts.claim(answer.get("state", ""), browser_of(request))
    if attempt is None:
        return refused(request, PortalAttempt(purpose=Purpose.SIGN_IN), "forged", status=400)
    try:
        return _arrived(request, attempt, answer)
    except NotTrusted as refusal:
        portal_attempts.end(attempt, reason=refusal.reason, account=refusal.account)
    except DeadInvitation:
        portal_attempts.end(attempt, reason="dead_invitation")
    except DataverseError as error:
        portal_attempts.end(attempt, reason=type(error).__name__)
    return redirect("signin:ended", attempt.code)


def _arrived(request: HttpRequest, attempt: PortalAttempt, answer: dict[str, str]) -> HttpResponse:
    arrive = {
        Purpose.SIGN_IN: _signed_in,
        Purpose.LINK: _linked,
        Purpose.CONNECT: _connected,
        Purpose.CONSENT: _consented,
    }
    return arrive[Purpose(attempt.purpose)](request, attempt, answer)


def _signed_in(request: HttpRequest, attempt: PortalAttempt, answer: dict[str, str]) -> HttpResponse:
    """As after a mailed code: through allauth, so that sessions, second factors and invitations are treated alike."""
    token = request.session.get(WAITING, "")
    user = portal_attempts.signed_in(attempt, answer, invitation=token)
    portal_attempts.end(attempt)
    if request.user.is_authenticated:  # somebody signed in here meanwhile
        logout(request)
    record_authentication(request, user, "microsoft")
    login = Login(user=user, redirect_url=attempt.next or resolve_url("portal:home"))
    response: HttpResponse = perform_login(request, login)
    return response


def _linked(request: HttpRequest, attempt: PortalAttempt, answer: dict[str, str]) -> HttpResponse:
    account, is_new = portal_attempts.linked(attempt, answer, browser_of(request))
    portal_attempts.end(attempt)
    if is_new:
        get_adapter(request).tell_owner("microsoft_linked", account.user.email)
    messages.success(request, _("%(account)s opens the portal from now on.") % {"account": account.account})
    return redirect(attempt.next or _account_page())


def _connected(request: HttpRequest, attempt: PortalAttempt, answer: dict[str, str]) -> HttpResponse:
    if not _may_see(request, attempt.instance):
        raise NotTrusted("other_session")
    connection = portal_attempts.connected(attempt, answer, browser_of(request))
    portal_attempts.end(attempt)
    messages.success(request, _("The CRM is connected through %(account)s.") % {"account": connection.account})
    return redirect(attempt.next or resolve_url("portal:checklist", connection.instance.tenant.code))


def _consented(request: HttpRequest, attempt: PortalAttempt, answer: dict[str, str]) -> HttpResponse:
    """Somebody of the customer's goes back to their page; the directory's admin, who may have no account, hears thanks."""
    portal_attempts.consented(attempt, answer, browser_of(request))
    portal_attempts.end(attempt)
    mine = attempt.instance and access.instances_of(request.user).filter(pk=attempt.instance.pk).exists()
    if not (mine and attempt.next):
        return redirect("signin:ended", attempt.code)
    messages.success(request, _("Microsoft reports that the company has consented."))
    return redirect(attempt.next)


@require_GET
@never_cache
def ended(request: HttpRequest, attempt: uuid.UUID) -> HttpResponse:
    """How it ended: why not, or that the company has consented."""
    row = portal_attempts.of_browser(attempt, request.COOKIES.get(COOKIE, ""))
    if row is None:
        return refused(request, PortalAttempt(purpose=Purpose.SIGN_IN), "attempt_expired", status=410)
    if row.reason:
        return refused(request, row, row.reason)
    if row.purpose == Purpose.CONSENT:
        return _page(request, {"consented": row.instance})
    return redirect("portal:home")


def refused(request: HttpRequest, attempt: PortalAttempt, reason: str, *, status: int = 200) -> HttpResponse:
    """The sentence, and the way on that fits it."""
    refusal = refusal_in_portal(reason, purpose=Purpose(attempt.purpose))
    instance = attempt.instance if _may_see(request, attempt.instance) else None
    address = consent.link(instance) if instance and reason in CONSENT_NEEDED else ""
    context = {
        "refusal": refusal,
        "attempt": attempt,
        "reason": reason,
        "consent": address,
        "ways": list(_ways(request, attempt, reason, consent_page=address, again=refusal.again)),
    }
    return _page(request, context, status=status)


def _ways(
    request: HttpRequest, attempt: PortalAttempt, reason: str, *, consent_page: str, again: bool
) -> Iterator[dict[str, str]]:
    """Buttons, the best one first."""
    query = f"?{urlencode({'next': attempt.next})}" if attempt.next else ""
    if consent_page:
        yield {"address": consent_page + query, "label": _("Consent for the whole company")}
    if not request.user.is_authenticated and attempt.purpose == Purpose.SIGN_IN:
        yield {"address": resolve_url("account_login") + query, "label": _("Sign in with a mailed code")}
    if again and (address := _start(attempt)):
        label = _("Try again") if reason in PASSING else _("Use another Microsoft account")
        yield {"address": address + query, "label": label}
    if request.user.is_authenticated:
        yield {"address": attempt.next or resolve_url("portal:home"), "label": _("Back")}


def _start(attempt: PortalAttempt) -> str:
    """Where this way began; "" when that is not known any more."""
    if attempt.purpose == Purpose.SIGN_IN:
        return resolve_url("signin:portal")
    if attempt.purpose == Purpose.LINK:
        return resolve_url("portal:link")
    if attempt.instance is None:
        return ""
    if attempt.purpose == Purpose.CONSENT:
        return resolve_url("signin:consent", consent.token(attempt.instance))
    return resolve_url("portal:connect", attempt.instance.tenant.code)


def _may_see(request: HttpRequest, instance: Instance | None) -> bool:
    return instance is not None and access.instances_of(request.user).filter(pk=instance.pk).exists()


def _page(request: HttpRequest, context: dict[str, object], *, status: int = 200) -> HttpResponse:
    response = render(request, "tenants/portal/microsoft.html", context, status=status)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _account_page() -> str:
    return resolve_url("portal:account")

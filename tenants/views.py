"""The top-level pages of a sign-in with Microsoft: go there, come back, and say what became of it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from tenants import activation, portal_attempts, sign_in
from tenants.dataverse.errors import DataverseError
from tenants.entra import NotTrusted
from tenants.models import SIGN_IN_MINUTES, Agent, SignInAttempt, digest
from tenants.portal import microsoft
from tenants.refusals import Refusal, refusal_of

COOKIE = settings.SIGN_IN_COOKIE


@require_GET
@never_cache
def activate(request: HttpRequest, token: str) -> HttpResponse:
    """The personal link of the activation e-mail: explains and leads to Microsoft. Scanners that open it change nothing."""
    try:
        agent = activation.agent_of(token)
    except activation.DeadLink as dead:
        return _activation(request, None, dead=dead.reason)
    return _activation(request, agent, token=token)


@require_GET
@never_cache
def activate_sign_in(request: HttpRequest, token: str) -> HttpResponse:
    """Its button. A link and no form, because Microsoft's further redirects would break a strict form-action."""
    try:
        agent = activation.agent_of(token)
    except activation.DeadLink as dead:
        return _activation(request, None, dead=dead.reason)
    attempt = sign_in.new_attempt(instance=agent.tenant.instance, agent=agent)
    return _to_microsoft(request, attempt)


def _activation(request: HttpRequest, agent: Agent | None, *, token: str = "", dead: str = "") -> HttpResponse:
    language = agent.spoken_language if agent else translation.get_language_from_request(request)
    status = {"": 200, "unknown": 404}.get(dead, 410)
    with translation.override(language):
        context = {"agent": agent, "token": token, "dead": dead}
        response = render(request, "tenants/activate.html", context, status=status)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@require_GET
@never_cache
def start(request: HttpRequest, attempt: uuid.UUID) -> HttpResponse:
    """The window's link, in a window of its own: leave the nonce cookie and go to Microsoft."""
    row = SignInAttempt.objects.select_related("instance__tenant", "agent").filter(code=attempt).first()
    if row is None or row.expires_at < timezone.now() or row.outcome in {row.Outcome.DONE, row.Outcome.CODE}:
        return _page(request, None, refusal_of("attempt_expired"), status=410)
    return _to_microsoft(request, row)


def _to_microsoft(request: HttpRequest, row: SignInAttempt) -> HttpResponse:
    try:
        address, nonce = sign_in.start(row)
    except NotTrusted as error:
        return _page(request, row, refusal_of(error.reason), status=409)
    except DataverseError as error:
        return _page(request, row, refusal_of(type(error).__name__), status=503)
    response = redirect(address)
    _leave(response, nonce)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@require_GET
@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    """Microsoft sends the browser back. Redirects at once, so that a reload does not redeem the code again."""
    if portal_attempts.is_one(request.GET.get("state", "")) or _only_of_the_portal(request):
        return microsoft.came_back(request)
    window = request.COOKIES.get(settings.WINDOW_COOKIE, "")
    came = sign_in.came_back(
        request.GET.dict(),
        nonce=request.COOKIES.get(COOKIE, ""),
        session_frame=digest(window) if window else "",
    )
    if came is None:
        return _page(request, None, refusal_of("forged"), status=400)
    response = redirect("signin:done", attempt=came.attempt.code)
    _leave(response, came.nonce)
    return response


def _only_of_the_portal(request: HttpRequest) -> bool:
    """An answer that came before is nobody's; who never began with a window hears of it as the portal's people do."""
    return microsoft.COOKIE in request.COOKIES and COOKIE not in request.COOKIES


@require_GET
@never_cache
def done(request: HttpRequest, attempt: uuid.UUID) -> HttpResponse:
    """How it ended: close this window, type this code there, or why not."""
    row = sign_in.of_browser(attempt, request.COOKIES.get(COOKIE, ""))
    if row is None or row.outcome == row.Outcome.WAITING:
        return _page(request, None, refusal_of("attempt_expired"), status=410)
    if row.outcome in {row.Outcome.REFUSED, row.Outcome.OTHER_ACCOUNT}:
        return _page(request, row, refusal_of(row.reason, attempt=row))
    code = sign_in.make_code(row) if row.outcome == row.Outcome.CODE else ""
    if row.outcome == row.Outcome.CODE and not code:
        return _page(request, row, refusal_of("attempt_expired"), status=410)
    return _page(request, row, None, code=code)


def _page(
    request: HttpRequest, attempt: SignInAttempt | None, refusal: Refusal | None, *, code: str = "", status: int = 200
) -> HttpResponse:
    """In the language of whoever signs in, as far as we know them."""
    by_link = attempt is not None and attempt.agent_id is not None and not attempt.frame
    context = {"attempt": attempt, "refusal": refusal, "code": code, "by_link": by_link}
    with translation.override(_language(request, attempt)):
        response = render(request, "tenants/signin.html", context, status=status)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _language(request: HttpRequest, attempt: SignInAttempt | None) -> str:
    if attempt is None:
        return translation.get_language_from_request(request)
    agent = attempt.agent or attempt.signed_in
    return agent.spoken_language if agent else attempt.instance.tenant.language


def _leave(response: HttpResponse, nonce: str) -> None:
    response.set_cookie(COOKIE, nonce, max_age=SIGN_IN_MINUTES, path="/", secure=True, httponly=True, samesite="Lax")

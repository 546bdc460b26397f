"""Signing in from the window: a link to the top-level page, waiting, the six digits. The frame polls; nothing blocks."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from crmwindow import card, presentation, problems, sessions
from crmwindow.sessions import WindowRequest, window_view
from tenants import limits
from tenants import sign_in as signing_in
from tenants.models import Agent, SignInAttempt
from tenants.refusals import refusal_of


@require_POST
@window_view
def sign_in(request: WindowRequest) -> HttpResponse:
    """The link to the top-level page."""
    return _begin(request)


@require_GET
@window_view
def sign_in_status(request: WindowRequest, attempt: uuid.UUID) -> HttpResponse:
    """How far it is; 204 while nothing has changed. `waiting`: the link was clicked just now."""
    if settings.WINDOW_COOKIE not in request.COOKIES:  # the link came with one
        return _begin(request, problem=problems.cookie_refused())
    row = _attempt(request, attempt)
    waiting = "waiting" in request.GET
    outcomes = SignInAttempt.Outcome
    if row is None or (row.outcome == outcomes.WAITING and row.expires_at < timezone.now()):
        return _begin(request, problem=problems.sign_in(refusal_of("attempt_expired")))
    if row.outcome == outcomes.DONE:
        return _signed_in(request, row.signed_in)
    if row.outcome == outcomes.CODE and row.code_expires_at and row.code_expires_at > timezone.now():
        return _sign_in(request, presentation.code_wanted(row))
    if row.outcome == outcomes.CODE:
        return _begin(request, problem=problems.code_expired())
    if row.outcome == outcomes.WAITING:
        return _sign_in(request, presentation.waiting(row)) if waiting else HttpResponse(status=204)
    return _begin(request, problem=problems.sign_in(refusal_of(row.reason, attempt=row)))


@require_POST
@window_view
def sign_in_code(request: WindowRequest, attempt: uuid.UUID) -> HttpResponse:
    """Six digits from the other window say whose this one is."""
    row = _attempt(request, attempt)
    if row is None:
        return _begin(request, problem=problems.code_expired())
    agent = signing_in.type_code(row, request.POST.get("code", ""), frame=row.frame)
    if agent is not None:
        return _signed_in(request, agent)
    row.refresh_from_db()
    if row.tries_left and row.code_expires_at and row.code_expires_at > timezone.now():
        return _sign_in(request, presentation.code_wanted(row, problem=problems.wrong_code(row.tries_left)), status=422)
    return _begin(request, problem=problems.code_expired(), status=422)


def _begin(request: WindowRequest, *, problem: card.Problem | None = None, status: int = 200) -> HttpResponse:
    """Offer a new attempt, bound to this window's cookie; a window without one gets a session of nobody yet."""
    limits.spend("window_sign_in", limits.address_of(request))
    instance, session, new = request.window.instance, request.window.session, HttpResponse()
    session = session or sessions.start_session(new, instance=instance, agent=None)
    row = signing_in.new_attempt(instance=instance, agent=request.window.agent, frame=session.digest)
    answer = _sign_in(request, presentation.ready(row, problem=problem), status=status)
    answer.cookies.update(new.cookies)
    return answer


def _attempt(request: WindowRequest, code: uuid.UUID) -> SignInAttempt | None:
    """This very window's attempt; anybody else's does not exist."""
    session = request.window.session
    rows = SignInAttempt.objects.select_related("instance__tenant", "agent", "signed_in__tenant")
    row = rows.filter(code=code, instance=request.window.instance).first() if session else None
    if row is None or session is None or row.frame == session.digest:
        return row
    proof = request.GET.get("proof", "")
    is_nobodys = session.agent_id is None
    return row if is_nobodys and signing_in.go_on_with(row, frame=session.digest, proof=proof) else None


def _signed_in(request: WindowRequest, agent: Agent | None) -> HttpResponse:
    session = request.window.session
    if session and agent and session.agent_id is None:
        sessions.bind(session, agent)
    return _sign_in(request, card.SignIn(step="done"))


def _sign_in(request: WindowRequest, shown: card.SignIn, *, status: int = 200) -> HttpResponse:
    compact = "?compact=1" if "compact" in request.GET else ""
    context = {"instance": request.window.instance.code, "sign_in": shown, "compact": compact}
    return render(request, "crmwindow/sign_in.html", context, status=status)

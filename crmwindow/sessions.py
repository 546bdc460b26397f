"""Whose window is this? Tickets, the window's own session, and the guard of every window view.

The session lives in one cookie, `HttpOnly; Secure; SameSite=None; Partitioned` (the middleware adds the last), that portal
views never read. Its row says the rest and dies with the agent's `session_epoch`.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseForbidden
from django.utils import timezone, translation
from django.utils.csp import build_policy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from crmwindow.models import WindowSession, WindowTicket
from tenants import api_keys
from tenants.models import Agent, ApiKey, Instance, audit, digest
from tenants.prepared import Prepared

TICKET_FOR = timedelta(seconds=60)
SESSION_FOR = timedelta(hours=12)
TICKETS_KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Window:
    """One window's request: whose it is (nobody's yet: `agent` is None) and at which customer's CRM it looks."""

    instance: Instance
    session: WindowSession | None

    @property
    def agent(self) -> Agent | None:
        return self.session.agent if self.session else None

    def __bool__(self) -> bool:
        return self.agent is not None


View = Callable[..., HttpResponseBase]


class WindowRequest(HttpRequest):
    window: Window


class AgentRequest(HttpRequest):
    window: Window
    agent: Agent


# -- tickets -----------------------------------------------------------------------------------------------------------


class NotYet(Exception):
    """No ticket for this agent: their window is off, or nobody has proven whose the instance is."""


def issue_ticket(*, agent: Agent, by: ApiKey) -> str:
    """A ticket for one window, once, within a minute. Audited. Raises NotYet."""
    if not agent.window or not agent.tenant.instance.is_proven:
        raise NotYet
    ticket = secrets.token_urlsafe(32)
    WindowTicket.objects.create(digest=digest(ticket), agent=agent, expires_at=timezone.now() + TICKET_FOR)
    audit(tenant=agent.tenant, by=api_keys.signature(by), act=api_keys.TICKET, target=str(agent.code))
    return ticket


def ticket_for(text: str) -> tuple[WindowTicket | None, bool]:
    """The ticket of this text and whether it was still good; it is used up by this."""
    now = timezone.now()
    good = WindowTicket.objects.filter(digest=digest(text), used_at__isnull=True, expires_at__gt=now).update(
        used_at=now
    )
    tickets = WindowTicket.objects.select_related("agent__tenant__instance")
    return tickets.filter(digest=digest(text), created_at__gt=now - TICKETS_KEPT).first(), bool(good)


# -- sessions ----------------------------------------------------------------------------------------------------------


def start_session(response: HttpResponseBase, *, instance: Instance, agent: Agent | None) -> WindowSession:
    """A new session and its cookie; of nobody yet when `agent` is None."""
    value = secrets.token_urlsafe(32)
    session = WindowSession.objects.create(
        digest=digest(value),
        instance=instance,
        agent=agent,
        epoch=agent.session_epoch if agent else 0,
        expires_at=timezone.now() + SESSION_FOR,
    )
    response.set_cookie(
        settings.WINDOW_COOKIE, value, max_age=SESSION_FOR, path="/", secure=True, httponly=True, samesite="None"
    )
    return session


def bind(session: WindowSession, agent: Agent) -> None:
    """The waiting window turned out to be this agent's."""
    session.agent, session.epoch, session.expires_at = agent, agent.session_epoch, timezone.now() + SESSION_FOR
    session.save(update_fields=["agent", "epoch", "expires_at"])


def end_session(response: HttpResponseBase) -> None:
    response.delete_cookie(settings.WINDOW_COOKIE, path="/", samesite="None")
    response.cookies[settings.WINDOW_COOKIE]["secure"] = True


_SESSION = Prepared(
    lambda digest, instance, now: (
        WindowSession.objects.filter(digest=digest, instance__code=instance, expires_at__gt=now)
        .select_related("instance__tenant", "agent")
        .defer("instance__metadata")[:1]
    )
)


def session_from_cookie(value: str, instance: uuid.UUID) -> WindowSession | None:
    """The live session of that cookie for that instance, with agent, tenant and instance read in the same query.

    Stored metadata is big and mostly in this process's memory already, so it is read by whoever lacks it.
    """
    if not value:
        return None
    session = _SESSION.first(digest=digest(value), instance=instance, now=timezone.now())
    return _joined(session) if session and is_live(session) else None


def _joined(session: WindowSession) -> WindowSession | None:
    """Agent and instance are one customer's, whose row was read once."""
    tenant, agent = session.instance.tenant, session.agent
    tenant.instance = session.instance
    if agent:
        if agent.tenant_id != tenant.pk:
            return None
        agent.tenant = tenant
    return session


def live_among(sessions: Iterable[int]) -> set[int]:
    """Which of these still stand; the same rule as `is_live` in one light query, asked every second for all open streams."""
    agents = Q(agent__window=True, agent__session_epoch=F("epoch"), instance__proven_at__isnull=False)
    rows = WindowSession.objects.filter(Q(agent=None) | agents, pk__in=sessions, expires_at__gt=timezone.now())
    return set(rows.values_list("pk", flat=True))


def is_live(session: WindowSession) -> bool:
    agent = session.agent
    if agent is None:
        return True
    return agent.window and agent.session_epoch == session.epoch and session.instance.is_proven


# -- the guard ---------------------------------------------------------------------------------------------------------


def shell_view(view: View) -> View:
    """A page of the window: finds instance and session, speaks the agent's language, may be framed by the tenant only."""

    @csrf_exempt
    @never_cache
    @wraps(view)
    def guarded(request: WindowRequest, instance: uuid.UUID, *args: Any, **kwargs: Any) -> HttpResponseBase:
        request.window = _window(request, instance)
        with translation.override(language_of(request.window)):
            response = view(request, *args, **kwargs)
        allow_framing(response, request.window.instance)
        return response

    return guarded


def window_view(view: View) -> View:
    """A request of the window's own script: besides, it must come from our own page and through htmx."""

    @wraps(view)
    def same_origin(request: WindowRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not is_our_own(request):
            return HttpResponseForbidden(_("This request did not come from the CRM window."))
        return view(request, *args, **kwargs)

    return shell_view(same_origin)


def agent_view(view: View) -> View:
    """Besides, somebody's window: without a session the window's script asks for the state, which offers sign-in."""

    @wraps(view)
    def with_agent(request: AgentRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.window.agent:
            return HttpResponse(status=401, headers={"HX-Trigger": "ipex:signed-out", "HX-Reswap": "none"})
        request.agent = request.window.agent
        return view(request, *args, **kwargs)

    return window_view(with_agent)


def is_our_own(request: HttpRequest) -> bool:
    """Origin equal to ours, or Sec-Fetch-Site: same-origin where Origin is absent; and htmx's header, always."""
    if request.headers.get("HX-Request") != "true":
        return False
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin == _our_origin()
    return request.headers.get("Sec-Fetch-Site") == "same-origin"


def _our_origin() -> str:
    parts = urlsplit(settings.PORTAL_URL)
    return f"{parts.scheme}://{parts.netloc}"


def _window(request: HttpRequest, code: uuid.UUID) -> Window:
    session = session_from_cookie(request.COOKIES.get(settings.WINDOW_COOKIE, ""), code)
    if session:
        return Window(session.instance, session)
    instance = Instance.objects.select_related("tenant").filter(code=code).first()
    if instance is None:
        raise Http404
    return Window(instance, None)


def language_of(window: Window) -> str:
    return window.agent.spoken_language if window.agent else window.instance.tenant.language


def allow_framing(response: HttpResponseBase, instance: Instance) -> None:
    """Only the origins the tenant named may embed the window."""
    ancestors = [*instance.tenant.embedding_origins] or ["'none'"]
    policy: dict[str, Any] = {**settings.SECURE_CSP, "frame-ancestors": ancestors}
    response.headers["Content-Security-Policy"] = build_policy(policy)
    response.xframe_options_exempt = True  # type: ignore[attr-defined]  # Django looks for it

"""The machine API under /api/v1/: what the contact centre calls.

Numbers travel in bodies, never in addresses. Errors are JSON `{"error": "…"}` with one sentence. The schema is at
/api/v1/openapi.json, a page for people at /api/v1/docs.
"""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Field, NinjaAPI, Schema, Status
from ninja.errors import HttpError, ValidationError
from pydantic import ConfigDict, model_validator

from crmwindow import calls, ivr_api, ivr_write_api, sessions
from crmwindow.machine_keys import REFUSALS, Key, Problem
from tenants import access, limits
from tenants.models import WEBHOOK_KEYS, ApiKey

MAX_EVENT_BYTES = 64 * 1024


class TokenRequest(Schema):
    key: str = Field("", description="The key, unless it comes as HTTP Basic password.")


class Token(Schema):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the scheme of the header, no secret
    expires_in: int = access.TOKEN_SECONDS


class Accepted(Schema):
    call: str | None = Field(description="Code of the call; null when the event is about no call.")


class TicketRequest(Schema):
    """Whose window: exactly one of the three."""

    model_config = ConfigDict(extra="forbid")

    login: str = Field("", max_length=150)
    line: str = Field("", max_length=32)
    email: str = Field("", max_length=254)

    @model_validator(mode="after")
    def names_one(self) -> TicketRequest:
        if sum(bool(value) for value in (self.login, self.line, self.email)) != 1:
            raise ValueError("Name the agent by exactly one of login, line and email.")
        return self


class Ticket(Schema):
    url: str = Field(description="Open it once, within `expires_in` seconds.")
    expires_in: int = int(sessions.TICKET_FOR.total_seconds())


api = NinjaAPI(
    title="IPEX portal",
    version="1",
    description="Call events, CRM windows and IVR functions for IPEX contact centres.",
    urls_namespace="api",
    docs_url="/docs",
    openapi_url="/openapi.json",
)
api.add_router("ivr", ivr_api.router)
api.add_router("ivr", ivr_write_api.router)
EVENT_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["EventName"],
                    "properties": {name: {"type": "string"} for name in WEBHOOK_KEYS},
                    "example": {
                        "EventName": "Ringing",
                        "From": "777123456",
                        "To": "222333444",
                        "Line": "444",
                        "Login": "jana.novakova",
                        "UniqueId": "1412256225.1941",
                        "Direction": "incoming",
                    },
                }
            }
        },
    }
}
TOKEN_BODY = {"requestBody": {"content": {"application/json": {"schema": TokenRequest.model_json_schema()}}}}


@api.exception_handler(access.Refused)
def _refused(request: HttpRequest, refusal: access.Refused) -> HttpResponse:
    response = api.create_response(request, {"error": refusal.sentence}, status=refusal.status)
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="IPEX portal"'
    if refusal.seconds:
        response.headers["Retry-After"] = str(refusal.seconds)
    return response


@api.exception_handler(limits.TooOften)
def _too_often(request: HttpRequest, refusal: limits.TooOften) -> HttpResponse:
    return _refused(request, access.Refused(429, str(refusal), refusal.seconds))


@api.exception_handler(ValidationError)
def _malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first: dict[str, Any] = error.errors[0] if error.errors else {}
    place = ".".join(str(part) for part in first.get("loc", ())[2:])
    sentence = f"{place}: {first.get('msg', '')}" if place else str(first.get("msg", ""))
    return api.create_response(request, {"error": sentence.strip()}, status=422)


@api.exception_handler(HttpError)
def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Ninja's only one: a body that is no JSON."""
    return api.create_response(request, {"error": _("The body cannot be read: it has to be JSON.")}, status=422)


@api.post(
    "token",
    response={200: Token, **REFUSALS},
    auth=None,
    summary="Exchange a key for a token of one hour",
    openapi_extra=TOKEN_BODY,
)
def token(request: HttpRequest) -> Token:
    """For an exchange that fetches a token first. The token opens what its key opens and dies with it."""
    text = access.presented(request) or _key_in_body(request)
    key = access.open_with(text, None, address=request.META.get("REMOTE_ADDR", ""))
    return Token(access_token=access.token_for(key))


def _key_in_body(request: HttpRequest) -> str:
    body = _json(request)
    return str(body.get("key", "")) if isinstance(body, dict) else ""


@api.post(
    "events",
    response={202: Accepted, 413: Problem, **REFUSALS},
    auth=Key(ApiKey.Scope.EVENTS),
    summary="One event of the telephone exchange",
    openapi_extra=EVENT_BODY,
)
def events(request: HttpRequest) -> Status[Any]:
    """The body is read as JSON whatever its Content-Type says; keys may be renamed per customer."""
    key: ApiKey = request.auth  # type: ignore[attr-defined]  # Ninja sets it
    if len(request.body) > MAX_EVENT_BYTES:
        return Status(413, {"error": _("An event has at most 64 kB.")})
    try:
        event = calls.read_event(_json(request), key.tenant)
    except calls.MalformedEvent as error:
        return Status(422, {"error": str(error)})
    call = calls.receive(event, tenant=key.tenant)
    return Status(202, {"call": str(call.code) if call else None})


@api.post(
    "window-tickets",
    response={201: Ticket, 404: Problem, 409: Problem, **REFUSALS},
    auth=Key(ApiKey.Scope.WINDOW),
    summary="Open one agent's window",
)
def window_tickets(request: HttpRequest, body: TicketRequest) -> Status[Any]:
    key: ApiKey = request.auth  # type: ignore[attr-defined]  # Ninja sets it
    try:
        agent = calls.agent_named(key.tenant, login=body.login, line=body.line, email=body.email)
    except calls.SharedLine:
        return Status(409, {"error": _("Several agents share this line. Ask by login or e-mail.")})
    if agent:
        limits.spend_here("ticket", agent.pk)
    try:
        ticket = sessions.issue_ticket(agent=agent, by=key) if agent else None
    except sessions.NotYet:
        ticket = None
    if ticket is None:
        return Status(404, {"error": _("No agent with an enabled CRM window has this name here.")})
    return Status(201, {"url": f"{settings.PORTAL_URL}/window/?ticket={ticket}", "expires_in": 60})


def _json(request: HttpRequest) -> Any:
    """The decoded body, or None when it is no JSON."""
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError):
        return None

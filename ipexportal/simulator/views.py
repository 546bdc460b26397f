"""The Communicator's page and the acts of its phone. Only the demo has these addresses."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, cast

import requests
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csp import csp_override
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST

from ipexportal.sandbox.directory import APP_ID
from ipexportal.simulator import watch
from ipexportal.simulator.exchange import Impossible, exchange
from ipexportal.simulator.journal import journal
from ipexportal.simulator.people import CALLERS, DESKS, MODES, PIN, Desk, caller_named, desk_at, desk_named

WIDTHS = (320, 360, 480, 560)
LONGEST_NUMBER = 40
_http = requests.Session()
_http.trust_env = False


@require_GET
@never_cache
@ensure_csrf_cookie
@csp_override(cast("dict[str, Any]", {**settings.SECURE_CSP, "frame-src": [settings.PORTAL_URL]}))
def communicator(request: HttpRequest) -> HttpResponse:
    """Whose Communicator it is, the host says: on the portal's own address the window would not be cross-site."""
    if request.get_host() == settings.PORTAL.netloc:
        return HttpResponseRedirect(address_of(DESKS[0]))
    desk = desk_at(request.get_host())
    others = [(one, address_of(one)) for one in DESKS if one != desk]
    context = {
        "desk": desk,
        "others": others,
        "callers": CALLERS,
        "modes": MODES,
        "mode": _mode(),
        "widths": WIDTHS,
        "keys": _KEYS,
        "crm": crm_address(),
        "journal_from": max(0, journal.last - 50),
    }
    return render(request, "simulator/communicator.html", context)


_KEYS = (
    ("1", ""), ("2", "ABC"), ("3", "DEF"), ("4", "GHI"), ("5", "JKL"), ("6", "MNO"),
    ("7", "PQRS"), ("8", "TUV"), ("9", "WXYZ"), ("*", ""), ("0", "+"), ("#", ""),
)  # fmt: skip


@require_GET
@never_cache
def state(request: HttpRequest) -> JsonResponse:
    """What the phone shows, and what happened after `since`."""
    watch.look()
    since = request.GET.get("since", "0")
    return JsonResponse(
        {
            "phone": exchange.state(desk_at(request.get_host())),
            "last": journal.last,
            "rows": journal.since(int(since) if since.isdecimal() else 0),
            "summary": journal.summary,
            "microsoft": _mode(),
        }
    )


@require_POST
def act(request: HttpRequest) -> JsonResponse:
    """One button of the phone: {"act": ring|dial|answer|hang_up|transfer|caller, "number"?, "to"?, "caller"?}."""
    asked = _json(request)
    desk = desk_at(request.get_host())
    try:
        _ACTS.get(str(asked.get("act")), _nothing)(desk, asked)
    except Impossible as impossible:
        return JsonResponse({"error": str(impossible)}, status=409)
    return JsonResponse({"phone": exchange.state(desk)})


def _nothing(desk: Desk, asked: dict[str, Any]) -> None:
    raise Impossible(_("This phone has no such button."))


def _number(asked: dict[str, Any]) -> str:
    number = asked.get("number")
    if not isinstance(number, str) or not number.strip() or len(number) > LONGEST_NUMBER:
        raise Impossible(_("Dial a number first."))
    return "".join(number.split())  # an exchange sends digits, however they were dialled


def _transfer(desk: Desk, asked: dict[str, Any]) -> None:
    to = desk_named(str(asked.get("to")))
    if to is None:
        raise Impossible(_("There is no such line."))
    exchange.transfer(desk, to)


def _caller(desk: Desk, asked: dict[str, Any]) -> None:
    caller = caller_named(str(asked.get("caller")))
    if caller is None:
        raise Impossible(_("There is no such caller."))
    if caller.plan == "queue":
        exchange.queue(caller.number)
    elif caller.plan == "handover":
        exchange.handover(desk, caller.number)
    elif caller.plan == "menu":
        exchange.through_menu(desk, caller.number, PIN)
    elif caller.plan == "two":
        exchange.two(desk, CALLERS[0].number, caller.number)
    else:
        if caller.plan == "expired":
            _switch("revoke_sign_ins", {"upn": desk.email})
            _switch("expire_tokens", {})
        exchange.ring(desk, caller.number, direction="incomingLocal" if caller.plan == "internal" else "incoming")


_ACTS: dict[str, Callable[[Desk, dict[str, Any]], object]] = {
    "ring": lambda desk, asked: exchange.ring(desk, _number(asked)),
    "dial": lambda desk, asked: exchange.dial(desk, _number(asked)),
    "answer": lambda desk, asked: exchange.answer(desk),
    "hang_up": lambda desk, asked: exchange.hang_up(desk),
    "transfer": _transfer,
    "caller": _caller,
}


@require_POST
def window(request: HttpRequest) -> JsonResponse:
    """A ticket for the window of this Communicator's agent, asked for with a key as any contact centre would."""
    desk = desk_at(request.get_host())
    try:
        answer = _http.post(
            f"{settings.PORTAL_URL}/api/v1/window-tickets",
            json={"login": desk.login},
            headers={"Authorization": f"Bearer {os.environ.get('SIMULATOR_WINDOW_KEY', '')}"},
            timeout=15,
        )
    except requests.RequestException as error:
        return JsonResponse({"error": type(error).__name__}, status=502)
    return JsonResponse(answer.json(), status=answer.status_code)


@require_POST
def microsoft(request: HttpRequest) -> JsonResponse:
    """How the stand-in for Microsoft behaves from now on: {"mode": running|slow|throttling|down}."""
    mode = _json(request).get("mode")
    if mode not in dict(MODES):
        return JsonResponse({"error": _("There is no such state.")}, status=400)
    if not _switch("microsoft", {"mode": mode}):
        return JsonResponse({"error": _("The stand-in for Microsoft does not answer.")}, status=502)
    return JsonResponse({"microsoft": mode})


def _switch(name: str, values: dict[str, Any]) -> bool:
    try:
        return _http.post(f"{settings.ENTRA_AUTHORITY}/_sandbox/{name}", json=values, timeout=5).ok
    except requests.RequestException:
        return False


def _mode() -> str:
    try:
        answer = _http.get(f"{settings.ENTRA_AUTHORITY}/_sandbox/state", params={"last": 0}, timeout=5)
        return str(answer.json()["microsoft"])
    except (requests.RequestException, ValueError, KeyError):
        return ""


def _json(request: HttpRequest) -> dict[str, Any]:
    try:
        asked = json.loads(request.body)
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}


def crm_address() -> str:
    return f"{settings.ENTRA_AUTHORITY}/main.aspx?appid={APP_ID}"


def address_of(desk: Desk) -> str:
    return f"{settings.PORTAL.scheme}://{desk.host}:{settings.PORTAL.port}/"

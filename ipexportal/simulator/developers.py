"""The page for whoever builds the window into Communicator: buttons for all of host.js, and everything that passes, live.

It is a page of the demo and not of the portal: to frame an agent's window it needs a ticket, and to be heard by it an
embedding origin. In the portal that would let our staff sit down at any agent's window; here agents and callers are invented.
"""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csp import csp_override
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from crmwindow.hub import hub
from crmwindow.models import Outbox
from ipexportal.simulator import received
from ipexportal.simulator.people import DESKS, desk_at
from ipexportal.simulator.views import WIDTHS, address_of, crm_address
from tenants.models import Instance


@require_GET
@never_cache
@ensure_csrf_cookie
@csp_override(cast("dict[str, Any]", {**settings.SECURE_CSP, "frame-src": [settings.PORTAL_URL]}))
def page(request: HttpRequest) -> HttpResponse:
    """On a Communicator's own host, for the window has to be cross-site."""
    if request.get_host() == settings.PORTAL.netloc:
        return HttpResponseRedirect(address_of(DESKS[0]) + reverse("simulator:developers").lstrip("/"))
    context = {
        "desk": desk_at(request.get_host()),
        "crm": crm_address(),
        "widths": WIDTHS,
        "fixed": _fixed_address(),
        "told_from": Outbox.objects.order_by("-pk").values_list("pk", flat=True).first() or 0,
    }
    return render(request, "simulator/developers.html", context)


def _fixed_address() -> str:
    instance = Instance.objects.order_by("pk").first()
    return f"{settings.PORTAL_URL}{reverse('window:shell', args=[instance.code])}" if instance else ""


@require_GET
@never_cache
def events(request: HttpRequest) -> JsonResponse:
    """What happened after `received` and `told`, the numbers that the last answer ended with."""
    heard, last = received.since(_number(request, "received"))
    told, newest = received.told_since(_number(request, "told"))
    return JsonResponse({"rows": heard + told, "received": last, "told": newest, "streams": hub.count})


def _number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0

"""The window's report that a card is painted: durations by the browser's clock, believed for nothing but the statistics."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from crmwindow import timings
from crmwindow.answers import leg_or_404
from crmwindow.sessions import AgentRequest, agent_view


@require_POST
@agent_view
def painted(request: AgentRequest) -> HttpResponse:
    leg = leg_or_404(request, request.POST.get("call", ""))
    pushed, fetched, whole = (timings.read_ms(request.POST.get(name, "")) for name in ("pushed", "fetched", "painted"))
    if whole is None or (fetched or 0) > whole:
        return HttpResponse(status=400)
    timings.painted(leg, pushed=pushed, fetched=fetched, painted=whole)
    return HttpResponse(status=204)

"""What the window's views share: whose call it is about, and the answer that shows who is calling."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render

from crmwindow import calls, came_through, card, presentation, problems, records
from crmwindow.models import Call, IvrStep, Leg
from crmwindow.sessions import AgentRequest, WindowRequest
from tenants import stopwatch
from tenants.dataverse.budget import Budget
from tenants.dataverse.errors import DataverseError

SECONDS = 2.0


def context_of(request: WindowRequest | AgentRequest) -> dict[str, Any]:
    return {"instance": request.window.instance.code, "indexed": request.window.instance.index}


def leg_or_404(request: AgentRequest, code: uuid.UUID | str) -> Leg:
    """This agent's part of that call; anybody else's does not exist."""
    known = uuid_of(str(code))
    leg = calls.leg_of(request.agent, known) if known else None
    if leg is None:
        raise Http404
    leg.agent = request.agent
    if request.window.instance.tenant.is_traced:
        stopwatch.about(leg.pk)
    return leg


def uuid_of(text: str) -> uuid.UUID | None:
    return uuid.UUID(text) if re.fullmatch(r"[0-9a-fA-F-]{32,36}", text) and len(text.replace("-", "")) == 32 else None


def matches_answer(
    request: AgentRequest,
    leg: Leg,
    shown: card.Matches,
    *,
    steps: Iterable[IvrStep] | None = None,
    status: int = 200,
    focus: bool = False,
    **more: Any,
) -> HttpResponse:
    """`steps`: the call's way through the menu, when it is read already."""
    call = came_through.with_path(presentation.call_of(leg), leg, steps)
    context = context_of(request) | {"call": call, "matches": shown, "focus": focus} | more
    if shown.step == "unknown" and leg.call.caller == Call.Caller.NUMBER:
        context |= _options(leg)
    return render(request, "crmwindow/slots.html", context, status=status)


def _options(leg: Leg) -> dict[str, Any]:
    try:
        offered = records.options(leg, budget=Budget(SECONDS))
    except DataverseError as error:
        return {"problem": problems.of(error)}
    with_company = [option.label for option in offered if option.has_company]
    company_for = ", ".join(with_company) if len(with_company) < len(offered) else ""
    shown = {"options": presentation.options_of(offered), "with_company": bool(with_company)}
    return shown | {"company_for": company_for}

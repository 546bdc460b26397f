"""What is kept about a caller or a user, for the customer's admin who is asked: shown, handed out, erased."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from crmwindow.personal_data import NoNumber, Trail, Unwritten, by_agent, by_number, files
from tenants.models import Agent, Tenant
from tenants.portal.guard import PortalRequest, member

TEMPLATE = "crmwindow/portal/personal_data.html"
LONGEST = 200


@require_GET
@member
def page(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    return _show(request, tenant)


@require_POST
@member
def find(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """By number, or users whose name or address is like what was typed; one that was chosen comes by its code."""
    typed = request.POST.get("q", "").strip()
    found = _trail(request, tenant)
    agents = [] if found and found.found else by_agent.search(tenant, typed[:LONGEST])  # 444 may be a user's line
    if found:
        return _show(request, tenant, typed=typed, trail=found, agents=agents)
    error = "" if agents else _nobody(typed)
    return _show(request, tenant, typed=typed, agents=agents, error=error, status=422 if error else 200)


def _nobody(typed: str) -> str:
    if not typed:
        return _("Type a telephone number, or the name or e-mail of a user.")
    return _("This is neither a telephone number nor a user of yours.")


@require_POST
@member
def file(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    found, kind = _trail(request, tenant), request.POST.get("kind", "")
    if found is None or kind not in files.KINDS:
        return redirect("personal:page", tenant.code)
    text = files.export(found, kind, by=request.user)
    types = {"json": "application/json", "csv": "text/csv"}
    headers = {"Content-Disposition": f'attachment; filename="{tenant.slug}-personal-data.{kind}"'}
    return HttpResponse(text, content_type=f"{types[kind]}; charset=utf-8", headers=headers)


@require_POST
@member
def erase(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """Only confirmed, and what is not in the CRM yet only confirmed once more."""
    found = _trail(request, tenant)
    if found is None:
        return redirect("personal:page", tenant.code)
    typed = request.POST.get("q", "").strip()
    if request.POST.get("sure") != "1":
        unsure = _("Mark that it is to be erased.")
        return _show(request, tenant, typed=typed, trail=found, unsure=unsure, status=422)
    erase_ = by_number.erase if found.about == "number" else by_agent.erase
    try:
        counts = erase_(found, by=request.user, also_unwritten=request.POST.get("also_unwritten") == "1")
    except Unwritten:
        unsure = _("Mark that what is not in the CRM yet is to be erased, too.")
        return _show(request, tenant, typed=typed, trail=found, unsure=unsure, status=409)
    number = sum(counts.values())
    text = ngettext("Erased: %(n)d row.", "Erased: %(n)d rows.", number) % {"n": number}
    messages.success(request, text if number else _("Nothing was kept."))
    return redirect("personal:page", tenant.code)


def _trail(request: PortalRequest, tenant: Tenant) -> Trail | None:
    if code := request.POST.get("agent", ""):
        agent = _agent(tenant, code)
        return by_agent.trail(agent) if agent else None
    try:
        return by_number.trail(tenant, request.POST.get("q", ""))
    except NoNumber:
        return None


def _agent(tenant: Tenant, code: str) -> Agent | None:
    try:
        return Agent.objects.filter(tenant=tenant, code=UUID(code)).select_related("tenant").first()
    except ValueError:
        return None


def _show(request: PortalRequest, tenant: Tenant, *, status: int = 200, typed: str = "", **more: Any) -> HttpResponse:
    trail: Trail | None = more.get("trail")
    agent = trail.rows("agent").get() if trail and trail.about == "agent" else None
    context = {"tenant": tenant, "tab": "operation", "typed": typed[:LONGEST], "agent": agent}
    return render(request, TEMPLATE, context | more, status=status)

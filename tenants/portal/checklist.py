"""The check-list, from nothing to calls: each step opens in place under `?step=`, its form posts to its own module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tenants import going_live, microsoft_connections, progress, verification
from tenants.models import Tenant
from tenants.portal import consent_mail, from_to, instance, steps
from tenants.portal.guard import PortalRequest, instance_of, member
from tenants.progress import Progress
from tenants.verification import Report, remedies

Body = Callable[[PortalRequest, Progress, Report | None], dict[str, Any]]


@require_GET
@member
def page(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    return show(request, tenant, opened=request.GET.get("step", ""))


def show(request: PortalRequest, tenant: Tenant, *, opened: str, status: int = 200, **more: Any) -> HttpResponse:
    """With one step open; `more` is what its form holds when it was refused."""
    found = progress.of_one(tenant)
    here = instance_of(tenant)
    report = verification.latest(here) if here else None
    lines = steps.lines(found, report, opened=opened)
    body = _bodies().get(opened, _nothing)(request, found, report)
    context = {
        "tenant": found.facts.tenant,
        "tab": "checklist",
        "instance": here,
        "progress": found,
        "lines": lines,
        "opened": opened,
        "report": report,
        "finished": sum(line.step.state in steps.FINISHED for line in lines),
        "minutes": steps.minutes_left(found),
        "needs": _needs(lines),
        "next": address_of(tenant, opened or "instance"),
    }
    return render(request, "tenants/portal/checklist.html", context | body | more, status=status)


def address_of(tenant: Tenant, step: str) -> str:
    return f"{reverse('portal:checklist', args=[tenant.code])}?step={step}#{step}"


def _needs(lines: list[steps.Line]) -> dict[str, str]:
    """Which steps who can take: {"anybody": "1, 4, 8"}."""
    numbers: dict[str, list[str]] = {}
    for line in lines:
        numbers.setdefault(line.step.needs, []).append(str(line.number))
    return {who: ", ".join(each) for who, each in numbers.items()}


# What the steps show when they are open


def _connection(request: PortalRequest, found: Progress, report: Report | None) -> dict[str, Any]:
    here = found.facts.instance
    return {"connection": microsoft_connections.of(here, request.user) if here else None}


def _live(request: PortalRequest, found: Progress, report: Report | None) -> dict[str, Any]:
    return {
        "ready": going_live.is_ready(found),
        "missing": [line for line in steps.lines(found, report) if line.step in found.missing],
        "in_the_way": going_live.in_the_way(found),
    }


def _nothing(request: PortalRequest, found: Progress, report: Report | None) -> dict[str, Any]:
    return {}


def _system_account(request: PortalRequest, found: Progress, report: Report | None) -> dict[str, Any]:
    return {"application": remedies.APPLICATION, "app_user": remedies.APP_USER}


def _bodies() -> Mapping[str, Body]:
    """Those modules import this one."""
    return {
        "instance": instance.body,
        "consent": consent_mail.body,
        "from_to": from_to.body,
        "fields": _connection,
        "own_table": _connection,
        "system_account": _system_account,
        "live": _live,
    }


# Acts


@require_POST
@member
def skip(request: PortalRequest, tenant: Tenant, key: str) -> HttpResponse:
    return _mark(request, tenant, key, needed=False)


@require_POST
@member
def take_back(request: PortalRequest, tenant: Tenant, key: str) -> HttpResponse:
    return _mark(request, tenant, key, needed=True)


def _mark(request: PortalRequest, tenant: Tenant, key: str, *, needed: bool) -> HttpResponse:
    if key not in steps.SKIPPABLE:
        raise Http404
    going_live.mark_step(tenant, key, by=request.user, needed=needed)
    return redirect(address_of(tenant, key))


@require_POST
@member
def go_live(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    try:
        if going_live.go_live(tenant, by=request.user):
            messages.success(request, _("You are live. From now on we tell you when something stops working."))
    except going_live.NotReady as error:
        messages.error(request, str(error))
    return redirect(address_of(tenant, "live"))


@require_POST
@member
def back_to_setup(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    if going_live.take_back(tenant, by=request.user):
        messages.success(request, _("Taken back: you are setting up again. Windows and calls go on as they are."))
    return redirect(address_of(tenant, "live"))

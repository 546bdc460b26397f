"""The checks of the connection: what was found, who changes it and how, and running them again with live progress."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tenants import microsoft_connections, verification
from tenants.models import Instance, Tenant
from tenants.portal.guard import PortalRequest, instance_of, member, own_path
from tenants.verification import Report, Row


@require_GET
@member
def page(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    instance = instance_of(tenant)
    found = verification.latest(instance) if instance else None
    context = {
        "tenant": tenant,
        "tab": "checklist",
        "instance": instance,
        "report": found,
        "text": as_text(tenant, found),
        "connection": microsoft_connections.of(instance, request.user) if instance else None,
        "next": request.path,
    }
    return render(request, "tenants/portal/checks.html", context)


@require_GET
@member
def report(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """Asked for each second while a run is under way."""
    instance = instance_of(tenant)
    found = verification.latest(instance) if instance else None
    context = {"tenant": tenant, "instance": instance, "report": found, "text": as_text(tenant, found)}
    return render(request, "tenants/portal/checks.html#report", context)


@require_POST
@member
def run(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """Begin; the page that asked (`next`) shows how far it is."""
    begin(request, instance_of(tenant))
    return back(request, resolve_url("portal:checks", tenant.code))


def begin(request: PortalRequest, instance: Instance | None) -> None:
    if instance:
        verification.begin(instance, by=request.user)
    else:
        messages.warning(request, _("There is nothing to check yet. Enter the address of your CRM first."))


def back(request: PortalRequest, otherwise: str) -> HttpResponseRedirect:
    """To the page that the form names, if it is one of ours."""
    return redirect(own_path(request.POST.get("next", "")) or otherwise)


def as_text(tenant: Tenant, found: Report | None) -> str:
    """To paste into an e-mail."""
    if found is None or not found.rows:
        return ""
    groups = (
        (_("Blocks going live"), found.blocking),
        (_("Should be changed"), found.recommended),
        (_("Not verified"), found.not_verified),
        (_("In order"), found.in_order),
    )
    parts = [f"{title}\n" + "\n".join(map(_line, rows)) for title, rows in groups if rows]
    return "\n\n".join([f"{tenant.name}, {tenant.instance.url}", *parts])


def _line(row: Row) -> str:
    said = row.said
    found = f"{said.title}. {said.found}".strip()
    if row.result.state == verification.State.PASSED:
        return f"· {found}"
    steps = [f"    {place}: {path}" for place, path in said.remedy]
    return "\n".join([f"· {found}", *([f"  {said.sentence} ({said.who})"] if said.sentence else []), *steps])

"""A customer's admin connects their own Microsoft account for set-up, keeps it for nightly checks, lets it go; and consent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from tenants import consent as consents
from tenants import microsoft_connections
from tenants.models import MicrosoftConnection, PortalAttempt
from tenants.portal.guard import instance_of, member, own_path
from tenants.portal.microsoft import refused, to_microsoft
from tenants.portal_attempts import Purpose

if TYPE_CHECKING:
    from tenants.models import Instance, Tenant
    from tenants.portal.guard import PortalRequest


@require_GET
@member
def connect(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """A link, not a form: Microsoft's further redirects would break a strict form-action."""
    instance = instance_of(tenant)
    next_page = own_path(request.GET.get("next", ""))
    if instance is None:
        return refused(request, PortalAttempt(purpose=Purpose.CONNECT, next=next_page), "no_instance", status=409)
    return to_microsoft(request, Purpose.CONNECT, instance=instance, next_page=next_page)


@require_POST
@member
def keep(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    connection = _own(request, tenant)
    if connection.is_live:
        microsoft_connections.keep(connection, by=request.user, kept=request.POST.get("kept") == "1")
    return _back(request, tenant, connection)


@require_POST
@member
def disconnect(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    connection = _own(request, tenant)
    microsoft_connections.disconnect(connection, by=request.user)
    messages.success(request, _("The CRM is no longer connected through your account."))
    return _back(request, tenant, connection)


def _own(request: PortalRequest, tenant: Tenant) -> MicrosoftConnection:
    instance = instance_of(tenant)
    connection = microsoft_connections.of(instance, request.user) if instance else None
    if connection is None:
        raise Http404
    return connection


def _back(request: PortalRequest, tenant: Tenant, connection: MicrosoftConnection) -> HttpResponse:
    next_page = own_path(request.POST.get("next", ""))
    if request.htmx:
        context = {"connection": connection, "tenant": tenant, "next": next_page, "changed": True}
        return render(request, "tenants/portal/_connection_changed.html", context)
    return redirect(next_page) if next_page else redirect("portal:checklist", tenant.code)


# Consent for the whole company


@require_GET
@never_cache
def consent(request: HttpRequest, token: str) -> HttpResponse:
    """What the directory's admin reads before Microsoft asks them. Scanners that open it change nothing."""
    instance = _consenting(token)
    if instance is None:
        return refused(request, PortalAttempt(purpose=Purpose.CONSENT), "dead_link", status=404)
    context = {"instance": instance, "token": token, "next": own_path(request.GET.get("next", ""))}
    return render(request, "tenants/portal/consent.html", context)


@require_GET
@never_cache
def consent_at_microsoft(request: HttpRequest, token: str) -> HttpResponse:
    """Its button."""
    instance = _consenting(token)
    if instance is None:
        return refused(request, PortalAttempt(purpose=Purpose.CONSENT), "dead_link", status=404)
    next_page = own_path(request.GET.get("next", ""))
    return to_microsoft(request, Purpose.CONSENT, instance=instance, next_page=next_page)


def _consenting(token: str) -> Instance | None:
    try:
        return consents.instance_of(token)
    except consents.DeadLink:
        return None

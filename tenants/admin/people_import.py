"""Agents of one customer from a list: the portal's pages, in the admin's frame."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenants import access
from tenants.models import Tenant
from tenants.portal import people_import
from tenants.portal.people_import import Places

TEMPLATE = "admin/tenants/agent/import.html"


@require_GET
def choose(request: HttpRequest) -> HttpResponse:
    """Whose agents they are comes first."""
    _permitted(request)
    if code := request.GET.get("customer", ""):
        return redirect("admin:tenants_agent_import_into", access.get_tenant(request, code).code)
    context = {**_context(request, _("Paste or import agents")), "customers": access.tenants_of(request.user)}
    return render(request, "admin/tenants/agent/choose.html", context)


@csrf_exempt  # what is too large is refused before it is read; the rest is protected there
@require_http_methods(["GET", "POST"])
def into(request: HttpRequest, code: uuid.UUID) -> HttpResponse:
    _permitted(request)
    tenant = access.get_tenant(request, code)
    return people_import.reading_page(request, tenant, _places(tenant), _context(request, tenant.name))


@csrf_exempt
@require_POST
def apply(request: HttpRequest, code: uuid.UUID) -> HttpResponse:
    _permitted(request)
    tenant = access.get_tenant(request, code)
    return people_import.applying_page(request, tenant, _places(tenant), _context(request, tenant.name))


def _permitted(request: HttpRequest) -> None:
    if not request.user.has_perms(["tenants.add_agent", "tenants.change_agent"]):
        raise PermissionDenied


def _places(tenant: Tenant) -> Places:
    theirs = f"{resolve_url('admin:tenants_agent_changelist')}?{urlencode({'tenant__id__exact': tenant.pk})}"
    page, applying = (resolve_url(f"admin:tenants_agent_import_{name}", tenant.code) for name in ("into", "apply"))
    return Places(TEMPLATE, page, applying, theirs)


def _context(request: HttpRequest, title: str) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title}

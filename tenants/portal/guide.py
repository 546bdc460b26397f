"""The guide, inside the portal and in the reader's language."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from tenants.guide import guide
from tenants.models import Tenant
from tenants.portal.guard import PortalRequest, member


@require_GET
@member
def page(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    context = {"tenant": tenant, "tab": "checklist", "guide": guide(get_language() or "")}
    return render(request, "tenants/portal/guide.html", context)

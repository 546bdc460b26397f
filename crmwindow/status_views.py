"""The customer's page of how the window has been doing."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crmwindow import operating
from tenants.models import Tenant
from tenants.portal.guard import PortalRequest, member


@require_GET
@member
def page(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    found = operating.of(tenant)
    spans = [(_("last day"), found.day), (_("last 7 days"), found.week)]
    context = {"tenant": tenant, "tab": "operation", "found": found, "spans": spans}
    return render(request, "crmwindow/portal/status.html", context)

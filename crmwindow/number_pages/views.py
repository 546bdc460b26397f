"""The number index as the customer's admin sees it: on or off, how far, how old, what is in the way."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from crmwindow import index, tasks
from crmwindow.index import quality, syncing
from crmwindow.number_pages.words import KINDS
from tenants import configuration
from tenants.configuration import ConfigurationError
from tenants.models import Instance, Tenant
from tenants.portal.guard import PortalRequest, instance_of, member

TEMPLATE = "crmwindow/portal/numbers.html"


@require_GET
@member
def page(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    return render(request, TEMPLATE, _context(tenant))


@require_GET
@member
def state(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """The part that changes by itself while the index is built."""
    return render(request, f"{TEMPLATE}#state", _context(tenant))


def _context(tenant: Tenant) -> dict[str, Any]:
    instance = instance_of(tenant)
    standing = index.standing(instance) if instance else None
    found = quality.counts(instance) if instance and standing and standing.at else {}
    return {
        "tenant": tenant,
        "tab": "ivr",
        "part": "numbers",
        "instance": instance,
        "system_account": getattr(instance, "system_account", None),
        "standing": standing,
        "kinds": [(kind, words, found[kind]) for kind, words in KINDS.items()] if found else [],
    }


@require_POST
@member
def switch(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    on = request.POST.get("on") == "1"
    try:
        configuration.change(tenant, {"instance": {"index": on}}, by=request.user)
    except ConfigurationError as error:
        messages.warning(request, " ".join(mistake.sentence for mistake in error.mistakes))
        return redirect("numbers:page", tenant.code)
    instance = instance_of(tenant)
    if instance:
        _hurry(instance)
    messages.success(
        request,
        _("The number index is on. The records are being read now.")
        if on
        else _("The number index is off and what it knew is removed. Callers are looked for in the CRM itself."),
    )
    return redirect("numbers:page", tenant.code)


@require_POST
@member
def now(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """Look at once what has changed in the CRM."""
    instance = instance_of(tenant)
    if instance and syncing.wanted(instance):
        _hurry(instance)
        messages.success(request, _("We are looking now what has changed in the CRM."))
    return redirect("numbers:page", tenant.code)


def _hurry(instance: Instance) -> None:
    with transaction.atomic():
        syncing.hurry(instance)
        transaction.on_commit(lambda: tasks.sync_index(instance.pk))

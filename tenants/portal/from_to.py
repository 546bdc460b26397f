"""The step in which a customizer makes From and To of Phone Call recommended: before, what changes, their word, after."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tenants import connections, customization, microsoft_connections, verification
from tenants.customization import CannotChange
from tenants.dataverse.budget import Budget
from tenants.dataverse.errors import DataverseError
from tenants.models import MicrosoftConnection, Tenant
from tenants.portal import checklist
from tenants.portal.guard import PortalRequest, instance_of, member
from tenants.progress import Progress
from tenants.verification import Report, remedies, wording
from tenants.verification.results import from_error

READ_SECONDS = 5.0


def body(request: PortalRequest, found: Progress, report: Report | None) -> dict[str, Any]:
    instance = found.facts.instance
    context: dict[str, Any] = {"remedy": remedies.FROM_TO[1:], "checked": report.about("from_to") if report else []}
    if instance is None:
        return context
    context["connection"] = microsoft_connections.of(instance, request.user)
    own = microsoft_connections.own(instance, request.user)
    return context | (_levels(own) if own else {})


def _levels(connection: MicrosoftConnection) -> dict[str, Any]:
    try:
        found = customization.levels(connections.client_for(connection), Budget(READ_SECONDS))
    except DataverseError as error:
        return {"trouble": said(error)}
    required = [level for level in found.values() if not level.editable]
    fixed = any(not level.changeable or level.value == "SystemRequired" for level in required)
    return {
        "levels": [{"name": name, "level": level, "word": word_of(level.value)} for name, level in found.items()],
        "required": bool(required),
        "fixed": fixed,
    }


def word_of(level: str) -> str:
    """As the CRM's own pages call it."""
    words = {
        "None": _("Optional"),
        "Recommended": _("Recommended"),
        "ApplicationRequired": _("Required"),
        "SystemRequired": _("Required by the system"),
    }
    return words.get(level, level)


def said(error: DataverseError) -> str:
    found = from_error(error)
    words = wording.say("from_to", "", found.why, found.evidence)
    return f"{words.found} {words.sentence}".strip()


@require_POST
@member
def relax(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """The change of the CRM, with their own connection."""
    instance = instance_of(tenant)
    own = microsoft_connections.own(instance, request.user) if instance else None
    if own is None:
        messages.warning(request, _("Connect your Microsoft account first; the change is made in your name."))
        return redirect(checklist.address_of(tenant, "from_to"))
    try:
        change = customization.relax(own, by=request.user)
    except CannotChange as error:
        messages.error(request, str(error))
    except DataverseError as error:
        messages.error(request, _("The change was not finished. Do it once more, nothing breaks.") + " " + said(error))
    else:
        verification.begin(own.instance, by=request.user)
        messages.success(request, _was_changed(change))
    return redirect(checklist.address_of(tenant, "from_to"))


def _was_changed(change: customization.Change) -> str:
    if change.before == change.after:
        return _("Nothing had to be changed: From and To are not required.")
    parts = [
        f"phonecall.{name}: {word_of(before)} → {word_of(change.after[name])}" for name, before in change.before.items()
    ]
    return _("Changed and published. %(what)s.") % {"what": ", ".join(parts)}

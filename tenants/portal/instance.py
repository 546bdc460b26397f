"""The steps about the address of the CRM: understood while it is pasted, saved, and moved only by somebody who was warned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from tenants import configuration, microsoft_connections, pasted_address
from tenants.configuration import Changed, ConfigurationError
from tenants.models import Instance, MicrosoftConnection, Tenant
from tenants.pasted_address import App, Understood
from tenants.portal import checklist
from tenants.portal.guard import PortalRequest, instance_of, member
from tenants.portal.steps import app_name
from tenants.portal.under_fields import under_fields
from tenants.progress import Progress
from tenants.verification import Report

LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form brought. `confirmed` is the origin to which moving was agreed."""

    address: str
    app_id: str
    seen: str
    confirmed: str

    @classmethod
    def of(cls, request: PortalRequest) -> Typed:
        names = ("address", "app_id", "seen", "confirmed")
        return cls(*(request.POST.get(name, "").strip()[: LONGEST + 1] for name in names))


def body(request: PortalRequest, found: Progress, report: Report | None) -> dict[str, Any]:
    """As stored; what is known of it comes from the last check, nobody is asked."""
    instance = found.facts.instance
    context: dict[str, Any] = {"seen": configuration.stamp(found.facts.tenant, "instance")}
    if instance is None:
        return context
    return context | {
        "connection": microsoft_connections.of(instance, request.user),
        "address": f"{instance.url}/main.aspx?appid={instance.app_id}",
        "understood": _stored(instance, report),
    }


def _stored(instance: Instance, report: Report | None) -> Understood:
    verdict = pasted_address.judge(f"{instance.url}/main.aspx?appid={instance.app_id}")
    name = app_name(report)
    app = App(str(instance.app_id), name) if name else None
    return Understood(verdict, bool(instance.directory_id), instance.directory_id, app)


@require_POST
@member
def understand(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """Asked for while somebody types."""
    typed = Typed.of(request)
    understood = _understood(request, tenant, typed) if typed.address else None
    context = {"tenant": tenant, "understood": understood, "app_id": typed.app_id, "live": True}
    return render(request, "tenants/portal/steps/instance.html#understood", context)


def _understood(request: PortalRequest, tenant: Tenant, typed: Typed) -> Understood:
    return pasted_address.understand(typed.address, app_id=typed.app_id, connection=_own(request, tenant))


def _own(request: PortalRequest, tenant: Tenant) -> MicrosoftConnection | None:
    instance = instance_of(tenant)
    return microsoft_connections.own(instance, request.user) if instance else None


@require_POST
@member
def save(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    typed = Typed.of(request)
    verdict = pasted_address.judge(typed.address)
    if not verdict.ok:
        return _refused(request, tenant, typed, {"address": str(verdict.reason)})
    app_id = verdict.app_id or typed.app_id or _stored_app(tenant, verdict.origin)
    if not app_id:
        sentence = _("The address names no app. Open your app and paste the address you see then, or enter the app ID.")
        return _refused(request, tenant, typed, {"app_id": sentence})
    losses = _losses(tenant, verdict.origin)
    if losses and typed.confirmed != verdict.origin:
        return _refused(request, tenant, typed, {}, losses=losses, moving_to=verdict.origin)
    return _saved(request, tenant, typed, app_id)


def _saved(request: PortalRequest, tenant: Tenant, typed: Typed, app_id: str) -> HttpResponse:
    data = {"instance": {"url": typed.address, "app_id": app_id}}
    try:
        diff = configuration.change(tenant, data, by=request.user, seen=typed.seen)
    except ConfigurationError as error:
        return _refused(request, tenant, typed, {_field(each.place): each.sentence for each in error.mistakes})
    except Changed as changed:
        return _refused(request, tenant, typed, {}, changed=changed, status=409)
    for note in diff.notes:
        messages.warning(request, note)
    if diff:
        messages.success(request, _("The address is saved."))
    return redirect(checklist.address_of(tenant, "instance"))


def _field(place: str) -> str:
    return "app_id" if place.endswith("app_id") else "address"


def _refused(
    request: PortalRequest, tenant: Tenant, typed: Typed, errors: dict[str, str], *, status: int = 422, **more: Any
) -> HttpResponse:
    context = {
        "address": typed.address,
        "app_id": typed.app_id,
        **under_fields(errors),
        "understood": None if "address" in errors else _understood(request, tenant, typed),
        **more,
    }
    return checklist.show(request, tenant, opened="instance", status=status, **context)


def _stored_app(tenant: Tenant, origin: str) -> str:
    instance = instance_of(tenant)
    return str(instance.app_id) if instance and instance.url == origin else ""


def _losses(tenant: Tenant, origin: str) -> list[str]:
    """What is dropped when an instance that works is moved elsewhere."""
    instance = instance_of(tenant)
    if instance is None or instance.url == origin:
        return []
    signed_in = tenant.agents.exclude(token_cache=b"").count()
    lost = [_("The proof that the CRM is yours; a customizer connects again.")] if instance.is_proven else []
    if signed_in:
        again = ngettext("%(n)d agent must sign in again.", "%(n)d agents must sign in again.", signed_in)
        lost.append(again % {"n": signed_in})
    if instance.microsoft_connections.exclude(token_cache=b"").exists():
        lost.append(_("All Microsoft connections of admins end."))
    if hasattr(instance, "system_account"):
        lost.append(_("The system account signs in anew; if it belongs to the old directory, it has to be replaced."))
    return lost

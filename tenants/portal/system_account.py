"""The tab "IVR": the system account through which the IVR, the number index and nightly checks work. Secrets only go in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tenants import configuration, progress, verification
from tenants.configuration import Changed, ConfigurationError
from tenants.models import Instance, SystemAccount, Tenant
from tenants.portal.guard import PortalRequest, instance_of, member
from tenants.verification import Report, remedies

CHECKS = ("token", "organization", "secret", "org_read", "system_activities")
SECRETS = ("client_secret", "second_client_secret")
VALUES = ("client_id", "secret_expires_on", "second_secret_expires_on")
LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form brought; secrets are never shown again."""

    values: dict[str, str]
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    seen: str = ""

    @classmethod
    def of(cls, request: PortalRequest) -> Typed:
        def typed(name: str) -> str:
            return request.POST.get(name, "").strip()[:LONGEST]

        return cls({name: typed(name) for name in VALUES}, {name: typed(name) for name in SECRETS}, typed("seen"))


@require_GET
@member
def page(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    stored = configuration.stored(tenant, "system_account")
    values = {name: stored.get(name, "") for name in VALUES}
    return _show(request, tenant, Typed(values, seen=configuration.stamp(tenant, "system_account")))


def _show(
    request: PortalRequest,
    tenant: Tenant,
    typed: Typed,
    *,
    errors: dict[str, str] | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    instance = instance_of(tenant)
    account: SystemAccount | None = getattr(instance, "system_account", None)
    errors = errors or {}
    context = {
        "tenant": tenant,
        "tab": "ivr",
        "instance": instance,
        "system_account": account,
        "days": progress.secret_days(account),
        "has": {name: bool(account and getattr(account, name)) for name in SECRETS},
        "values": typed.values,
        "seen": typed.seen,
        "errors": errors,
        "mistakes": [{"field": f"id_{name}", "sentence": sentence} for name, sentence in errors.items()],
        "report": _report(instance),
        "again": "" if request.method == "GET" else request.path,
        "application": remedies.APPLICATION,
        "secret": remedies.SECRET[:1],
        "app_user": remedies.APP_USER,
    }
    return render(request, "tenants/portal/ivr.html", context | more, status=status)


def _report(instance: Instance | None) -> Report | None:
    """What the last checks said about the account."""
    found = verification.latest(instance) if instance else None
    return replace(found, rows=tuple(found.about(*CHECKS))) if found else None


@require_GET
@member
def report(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """Asked for each second while a run is under way."""
    instance = instance_of(tenant)
    account = getattr(instance, "system_account", None)
    context = {"tenant": tenant, "instance": instance, "system_account": account, "report": _report(instance)}
    return render(request, "tenants/portal/ivr.html#report", context)


@require_POST
@member
def save(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    typed = Typed.of(request)
    errors = _missing(tenant, typed)
    if errors:
        return _show(request, tenant, typed, errors=errors, status=422)
    data = {"system_account": typed.values}
    try:
        diff = configuration.change(tenant, data, by=request.user, seen=typed.seen, handed=typed.secrets)
    except ConfigurationError as error:
        found = {each.place.rpartition(".")[2]: each.sentence for each in error.mistakes}
        return _show(request, tenant, typed, errors=found, status=422)
    except Changed as changed:
        fresh = replace(typed, seen=configuration.stamp(tenant, "system_account"))
        return _show(request, tenant, fresh, status=409, changed=changed)
    messages.success(request, _("Saved. It is being tested now.") if diff else _("Nothing was changed."))
    return redirect("portal:ivr", tenant.code)


def _missing(tenant: Tenant, typed: Typed) -> dict[str, str]:
    """A new account is useless without its secret; an empty client ID would remove it, which has its own button."""
    account = getattr(instance_of(tenant), "system_account", None)
    found = {}
    if not typed.values["client_id"]:
        found["client_id"] = _("Enter the application (client) ID from Azure.")
    if not typed.secrets["client_secret"] and not (account and account.client_secret):
        found["client_secret"] = _("Paste the Value of the client secret.")
    return found


@require_POST
@member
def remove(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    try:
        configuration.change(tenant, {"system_account": {"client_id": ""}}, by=request.user)
    except ConfigurationError as error:
        messages.error(request, " ".join(each.sentence for each in error.mistakes))
    else:
        messages.success(request, _("The system account is removed. Delete its secret in Azure as well."))
    return redirect("portal:ivr", tenant.code)

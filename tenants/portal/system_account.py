"""The tab "IVR": the system account through which the IVR, the number index and nightly checks work. Secrets only go in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tenants import configuration, credentials, needed_rights, verification
from tenants.configuration import Changed, ConfigurationError
from tenants.credentials import TooMany
from tenants.key_pairs import Unusable
from tenants.models import CheckResult, Instance, SystemAccount, Tenant
from tenants.portal.guard import PortalRequest, instance_of, member
from tenants.portal.system_credentials import FIELDS, MADE, PLACES, SECRET, Proof
from tenants.portal.under_fields import under_fields
from tenants.verification import Report, Row, remedies

if TYPE_CHECKING:
    from django.contrib.auth.models import User

CHECKS = ("token", "organization", "secret", "org_read", "system_rights")
SECRETS = ("client_secret", "second_client_secret")
VALUES = ("client_id", "secret_expires_on", "second_secret_expires_on")
LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form brought; secrets are never shown again."""

    values: dict[str, str]
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    seen: str = ""
    proof: Proof = field(default_factory=Proof)

    @classmethod
    def of(cls, request: PortalRequest) -> Typed:
        def typed(name: str) -> str:
            return request.POST.get(name, "").strip()[:LONGEST]

        values = {name: typed(name) for name in VALUES}
        return cls(values, {name: typed(name) for name in SECRETS}, typed("seen"), Proof.of(request))


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
    found = verification.latest(instance) if instance else None
    context = {
        "tenant": tenant,
        "tab": "ivr",
        "instance": instance,
        "system_account": account,
        "credentials": _in_use(account),
        "has": {name: bool(account and account.__dict__[name]) for name in SECRETS},
        "proof": typed.proof.way,
        "certificate_code": typed.proof.code,
        "values": typed.values,
        "seen": typed.seen,
        **under_fields(errors),
        "report": _report(found),
        "again": "" if request.method == "GET" else request.path,
        "application": remedies.APPLICATION,
        "secret": remedies.SECRET[:1],
        "app_user": remedies.APP_USER,
        "upload": remedies.CERTIFICATE[1:],
        **_rights(instance, found),
    }
    return render(request, "tenants/portal/ivr.html", context | more, status=status)


def _in_use(account: SystemAccount | None) -> list[dict[str, Any]]:
    """Each credential, the newest first, with what may be said of it."""
    found = credentials.of(account) if account else []
    used = credentials.last_used(found)
    has_worked = bool(found and found[0].worked_at and not found[0].refused_with)
    places = {name: place for place, name in PLACES.items()}
    return [
        {
            "credential": each,
            "place": places.get(each.name, ""),
            "newest": number == 0 and len(found) > 1,
            "used": used is not None and each.name == used.name,
            "old": number > 0 and has_worked,
        }
        for number, each in enumerate(found)
    ]


def _rights(instance: Instance | None, found: Report | None) -> dict[str, Any]:
    """What a role of its own needs, and what the last checks said of each table."""
    if instance is None:
        return {}
    said: dict[str, list[Row]] = {}
    for row in found.about("org_read", "system_rights") if found else []:
        said.setdefault(row.result.subject, []).append(row)
    rows = [{"needed": each, "state": _state(said.get(each.table, []))} for each in needed_rights.of(instance)]
    return {
        "rights": rows,
        "verbs": [needed_rights.LABELS[verb] for verb in needed_rights.VERBS],
        "rights_text": needed_rights.as_text(instance),
        "own_role": remedies.OWN_ROLE,
    }


def _state(rows: list[Row]) -> str:
    states = {row.result.state for row in rows}
    order = (CheckResult.State.FAILED, CheckResult.State.NOT_VERIFIED, CheckResult.State.PASSED)
    return next((state for state in order if state in states), "")


def _report(found: Report | None) -> Report | None:
    """What the last checks said about the account."""
    return replace(found, rows=tuple(found.about(*CHECKS))) if found else None


@require_GET
@member
def report(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """Asked for each second while a run is under way."""
    instance = instance_of(tenant)
    account = getattr(instance, "system_account", None)
    found = verification.latest(instance) if instance else None
    context = {"tenant": tenant, "instance": instance, "system_account": account, "report": _report(found)}
    return render(request, "tenants/portal/ivr.html#report", context)


@require_POST
@member
def save(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    typed = Typed.of(request)
    errors = _missing(tenant, typed)
    if errors:
        return _show(request, tenant, typed, errors=errors, status=422)
    try:
        made = _stored(tenant, typed, by=request.user)
    except Unusable as error:
        return _show(request, tenant, typed, errors={FIELDS[error.of]: str(error)}, status=422)
    except TooMany as error:
        return _show(request, tenant, typed, errors={FIELDS["file"]: str(error)}, status=422)
    except ConfigurationError as error:
        found = {each.place.rpartition(".")[2]: each.sentence for each in error.mistakes}
        return _show(request, tenant, typed, errors=found, status=422)
    except Changed as changed:
        fresh = replace(typed, seen=configuration.stamp(tenant, "system_account"))
        return _show(request, tenant, fresh, status=409, changed=changed)
    messages.success(request, made)
    return redirect("portal:ivr", tenant.code)


def _stored(tenant: Tenant, typed: Typed, *, by: User) -> str:
    """The application and its certificate, both or neither; what to tell.

    Raises Unusable, TooMany, ConfigurationError, Changed.
    """
    pair = typed.proof.key_pair(tenant)
    secrets = {} if pair else typed.secrets
    with transaction.atomic():
        data = {"system_account": typed.values}
        diff = configuration.change(tenant, data, by=by, seen=typed.seen, handed=secrets)
        if pair:
            account = SystemAccount.objects.get(instance__tenant=tenant)
            credentials.add_certificate(account, pair, by=by, made_here=typed.proof.way == MADE, code=typed.proof.code)
    if typed.proof.way == MADE:
        return _("The certificate is made. Download its public part and upload it in Azure, then test.")
    if pair:
        return _("The certificate is stored. Its public part has to be in Azure; it is being tested now.")
    return _("Saved. It is being tested now.") if diff else _("Nothing was changed.")


def _missing(tenant: Tenant, typed: Typed) -> dict[str, str]:
    """A new account is useless without its secret; an empty client ID would remove it, which has its own button."""
    account = getattr(instance_of(tenant), "system_account", None)
    found = {}
    if not typed.values["client_id"]:
        found["client_id"] = _("Enter the application (client) ID from Azure.")
    has_any = account is not None and bool(credentials.of(account))
    if typed.proof.way == SECRET and not typed.secrets["client_secret"] and not has_any:
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

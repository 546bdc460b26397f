"""What the system account proves itself with, on the tab "IVR": certificates in and their public part out, old ones away."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tenants import credentials, key_pairs
from tenants.key_pairs import KeyPair
from tenants.models import SystemAccount, SystemCertificate, Tenant
from tenants.portal.guard import PortalRequest, instance_of, member

SECRET, MADE, OWN = "secret", "make", "own"
PLACES = {"first": "client_secret", "second": "second_client_secret"}
FIELDS = {"file": "certificate_file", "password": "certificate_password"}


@dataclass(frozen=True, slots=True)
class Proof:
    """Which way was chosen, and what came with it. Never shown again."""

    way: str = SECRET
    data: bytes = field(default=b"", repr=False)
    password: str = field(default="", repr=False)
    code: uuid.UUID = field(default_factory=uuid.uuid4)  # made with the form, so that sending it twice makes one

    @classmethod
    def of(cls, request: PortalRequest) -> Proof:
        way = request.POST.get("proof", SECRET)
        known = way if way in (MADE, OWN) else SECRET
        return cls(known, _brought(request), request.POST.get("certificate_password", ""), _code(request))

    def key_pair(self, tenant: Tenant) -> KeyPair | None:
        """None where it is a secret. Raises key_pairs.Unusable."""
        if self.way == MADE:
            return key_pairs.make(f"IPEX IVR {tenant.slug}")
        return key_pairs.read(self.data, self.password) if self.way == OWN else None


def _code(request: PortalRequest) -> uuid.UUID:
    try:
        return uuid.UUID(request.POST.get("certificate_code", ""))
    except ValueError:
        return uuid.uuid4()


def _brought(request: PortalRequest) -> bytes:
    """One byte more than is allowed tells that it is too large."""
    file = request.FILES.get("certificate_file")
    if file is not None and not isinstance(file, list):
        return bytes(file.read(key_pairs.LARGEST + 1))
    return request.POST.get("certificate_text", "")[: key_pairs.LARGEST + 1].encode()


def account_of(tenant: Tenant) -> SystemAccount | None:
    return getattr(instance_of(tenant), "system_account", None)


def _certificate(tenant: Tenant, code: uuid.UUID) -> SystemCertificate:
    return get_object_or_404(SystemCertificate, code=code, account__instance__tenant=tenant)


@require_GET
@member
def download(request: PortalRequest, tenant: Tenant, certificate: uuid.UUID) -> HttpResponse:
    """The public part, as Azure takes it."""
    row = _certificate(tenant, certificate)
    name = f"ipex-ivr-{tenant.slug}-{row.thumbprint[:8].lower()}.cer"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(key_pairs.public_file(row.public_part), content_type="application/pkix-cert", headers=headers)


@require_POST
@member
def remove_certificate(request: PortalRequest, tenant: Tenant, certificate: uuid.UUID) -> HttpResponse:
    row = _certificate(tenant, certificate)
    credentials.remove_certificate(row, by=request.user)
    messages.success(request, _("The certificate and its key are removed here. Remove it in Azure as well."))
    return redirect("portal:ivr", tenant.code)


@require_POST
@member
def remove_secret(request: PortalRequest, tenant: Tenant, place: str) -> HttpResponse:
    account = account_of(tenant)
    if account is None or place not in PLACES:
        raise Http404
    credentials.remove_secret(account, PLACES[place], by=request.user)
    messages.success(request, _("The secret is removed here. Delete it in Azure as well."))
    return redirect("portal:ivr", tenant.code)

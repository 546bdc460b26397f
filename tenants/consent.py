"""Consent of a company's Microsoft admin to IPEX's application: asked for once, given for everybody in the company.

The link may be forwarded to that admin, who needs no account here. What comes back says only that somebody saw the page to
its end; a sign-in without the question is what proves it.

Source: Microsoft, "Admin consent on the Microsoft identity platform".
"""

from __future__ import annotations

import hmac
import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.utils import timezone

from tenants import entra
from tenants.models import Instance, audit, digest

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_signer = signing.Signer(sep=".", salt="tenants.consent")
SOMEBODY = "directory admin"


class DeadLink(Exception):
    """This is no link to a consent, or the CRM has moved since."""


def link(instance: Instance) -> str:
    """To the page that explains and leads to Microsoft; for the portal's button and for an e-mail to the directory's admin."""
    return f"{settings.PORTAL_URL}/signin/microsoft/consent/{token(instance)}/"


def token(instance: Instance) -> str:
    return _signer.sign(f"{instance.code.hex}.{_place(instance)}")


def instance_of(text: str) -> Instance:
    """Raises DeadLink."""
    try:
        code, _sep, place = _signer.unsign(text).partition(".")
    except signing.BadSignature:
        raise DeadLink from None
    instance = Instance.objects.select_related("tenant").filter(code=uuid.UUID(code)).first()
    if instance is None or not hmac.compare_digest(place, _place(instance)):
        raise DeadLink
    return instance


def _place(instance: Instance) -> str:
    return digest(instance.url)[:12]


def address(instance: Instance, *, state: str) -> str:
    """Entra's own page, for that directory and the rights that a sign-in asks for."""
    if not settings.ENTRA_CLIENT_ID:
        raise entra.EntraMisconfigured("The portal's registration with Microsoft is not configured.")
    query = {
        "client_id": settings.ENTRA_CLIENT_ID,
        "scope": f"{instance.url}/.default",
        "redirect_uri": entra.redirect_uri(),
        "state": state,
    }
    return f"{settings.ENTRA_AUTHORITY}/{instance.directory_id}/v2.0/adminconsent?{urlencode(query)}"


def given(instance: Instance, *, answer: dict[str, str], by: User | None) -> None:
    """Microsoft says how it ended. Raises NotTrusted unless it says that this directory consented."""
    if "error" in answer or answer.get("admin_consent", "").lower() != "true":
        code = entra.error_code(answer)
        raise entra.NotTrusted("consent_denied" if code in {"", "AADSTS65004", "access_denied"} else code)
    if answer.get("tenant", "").lower() != str(instance.directory_id):
        raise entra.NotTrusted("other_directory")
    _note(instance, by or SOMEBODY)


@transaction.atomic
def _note(instance: Instance, by: User | str) -> None:
    here = Instance.objects.filter(pk=instance.pk, url=instance.url, directory_id=instance.directory_id)
    if not here.update(consented_at=timezone.now()):
        raise entra.NotTrusted("attempt_expired")
    audit(tenant=instance.tenant, by=by, act="consent.granted", target=instance.url)

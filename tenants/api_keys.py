"""Keys of the machine API: made once, shown once, taken back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from ipaddress import ip_network
from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants.models import ApiKey, audit
from tenants.registration import NotStaff

if TYPE_CHECKING:
    from tenants.models import Tenant


@transaction.atomic
def create(
    tenant: Tenant,
    scope: str,
    by: User | str,
    *,
    addresses: Iterable[str] = (),
    expires_at: datetime | None = None,
) -> str:
    """Answer the key's text, this once. `addresses` are IP addresses or networks (CIDR) it may be used from; none: any.

    Raises ValidationError, and NotStaff when a customer's own user asks for a key that opens windows.
    """
    if scope == ApiKey.Scope.WINDOW and isinstance(by, User) and not (by.is_active and by.is_staff):
        raise NotStaff(_("Keys that open windows are made by IPEX's staff only."))
    key, text = ApiKey.make(
        tenant=tenant, scope=scope, by=str(by), allowed_addresses=networks(addresses), expires_at=expires_at
    )
    key.full_clean(exclude=["last_used_at"])
    key.save()
    audit(tenant=tenant, by=by, act="api_key.created", target=key.prefix, after=_described(key))
    return text


@transaction.atomic
def revoke(key: ApiKey, by: User | str) -> None:
    """From now on the key opens nothing. Revoking twice does no harm."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        audit(tenant=key.tenant, by=by, act="api_key.revoked", target=key.prefix)
    key.refresh_from_db()


def networks(addresses: Iterable[str]) -> list[str]:
    """Each address as a network, "192.0.2.7" as "192.0.2.7/32". Raises ValidationError."""
    found: list[str] = []
    for address in addresses:
        try:
            found.append(str(ip_network(address.strip(), strict=False)))
        except ValueError:
            raise ValidationError(
                _("“%(address)s” is neither an IP address nor a network such as 192.0.2.0/24."),
                params={"address": address},
            ) from None
    return list(dict.fromkeys(found))


def _described(key: ApiKey) -> dict[str, object]:
    expires_at = key.expires_at and key.expires_at.isoformat()
    return {"scope": key.scope, "allowed_addresses": key.allowed_addresses, "expires_at": expires_at}

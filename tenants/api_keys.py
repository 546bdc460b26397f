"""Keys of the machine API: made once, shown once, replaced by a second one while the first still works, taken back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants.models import Agent, ApiKey, AuditEntry, audit
from tenants.registration import NotStaff

if TYPE_CHECKING:
    from tenants.models import Tenant

CUSTOMERS_SCOPES = (ApiKey.Scope.EVENTS, ApiKey.Scope.IVR)
"""Which keys a customer's own admin makes, replaces and revokes."""
MOST = 30
TICKET = "window.ticket"  # the act under which each ticket is audited
WINDOW_LASTS = timedelta(hours=13)  # a window that a ticket opened has ended by then


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
    if tenant.api_keys.live().count() >= MOST:
        raise ValidationError(
            _("There are %(number)d valid keys. Revoke one that nobody uses."), params={"number": MOST}
        )
    if expires_at and expires_at <= timezone.now():
        raise ValidationError({"expires_at": _("This moment has passed.")})
    key, text = ApiKey.make(
        tenant=tenant, scope=scope, by=str(by), allowed_addresses=networks(addresses), expires_at=expires_at
    )
    key.full_clean(exclude=["last_used_at"])
    key.save()
    audit(tenant=tenant, by=by, act="api_key.created", target=key.prefix, after=_described(key))
    return text


@transaction.atomic
def replace(key: ApiKey, by: User | str, *, until: datetime) -> str:
    """A second key that opens the same, shown this once; the first goes on until `until`, or its own end if that is sooner.

    Raises ValidationError, and NotStaff as `create` does.
    """
    key = ApiKey.objects.select_for_update().select_related("tenant").get(pk=key.pk)
    if not key.is_live():
        raise ValidationError(_("This key is not valid any more. Make a new one."))
    text = create(key.tenant, key.scope, by, addresses=key.allowed_addresses)
    key.expires_at = min(until, key.expires_at or until)
    key.save(update_fields=["expires_at"])
    after = {"expires_at": key.expires_at.isoformat(), "by": text[: len(key.prefix)]}
    audit(tenant=key.tenant, by=by, act="api_key.replaced", target=key.prefix, after=after)
    return text


@transaction.atomic
def revoke(key: ApiKey, by: User | str) -> None:
    """From now on the key, its tokens and the windows opened with it open nothing. Revoking twice does no harm."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        closed = _close_windows(key) if key.scope == ApiKey.Scope.WINDOW else 0
        audit(tenant=key.tenant, by=by, act="api_key.revoked", target=key.prefix, after={"windows_closed_of": closed})
    key.refresh_from_db()


def signature(key: ApiKey) -> str:
    """How a key signs what is audited."""
    return f"key {key.prefix}…"


def _close_windows(key: ApiKey) -> int:
    """All windows of whomever the key asked a ticket for: who knows which of them a stolen key opened."""
    asked = AuditEntry.objects.filter(
        tenant=key.tenant, act=TICKET, actor=signature(key), at__gt=timezone.now() - WINDOW_LASTS
    )
    agents = Agent.objects.filter(tenant=key.tenant, code__in=set(asked.values_list("target", flat=True)))
    return agents.update(session_epoch=F("session_epoch") + 1)


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

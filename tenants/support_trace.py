"""For support: see of each call of one customer what Microsoft was asked. Switched on by staff, ends by itself.

What is kept has no number, name, note or token (dataverse.odata.shape).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from tenants.models import Tenant, audit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

HOURS = (1, 8, 24)
LONGEST = timedelta(hours=max(HOURS))


class NotForThatLong(ValueError):
    """Nobody is traced without an end in sight."""


def switch_on(tenant: Tenant, *, hours: int, by: User) -> None:
    """From now on, for so many hours. Raises NotForThatLong."""
    if not 0 < hours <= max(HOURS):
        raise NotForThatLong
    _set(tenant, hours=hours, by=by)


def switch_off(tenant: Tenant, *, by: User) -> None:
    if tenant.is_traced:
        _set(tenant, hours=0, by=by)


def _set(tenant: Tenant, *, hours: int, by: User) -> None:
    until = timezone.now() + timedelta(hours=hours) if hours else None
    with transaction.atomic():
        before = Tenant.objects.select_for_update().values_list("traced_until", flat=True).get(pk=tenant.pk)
        Tenant.objects.filter(pk=tenant.pk).update(traced_until=until)
        audit(
            tenant=tenant,
            by=by,
            act="trace.on" if hours else "trace.off",
            target=tenant.slug,
            before={"until": before.isoformat() if before else None},
            after={"until": until.isoformat() if until else None},
        )
    tenant.traced_until = until

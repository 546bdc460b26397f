"""A row of the voice menu that the CRM refused and nobody wants any more."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from crmwindow.delivering import is_free
from crmwindow.models import CrmWrite
from tenants.models import Tenant, audit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

State = CrmWrite.State


@transaction.atomic
def give_up(*, tenant: Tenant, code: UUID, by: User | str) -> bool:
    """For good: its content is erased, and it stays listed until the end of the retention. False: it waits no more, or is
    on its way."""
    rows = CrmWrite.objects.filter(is_free(timezone.now()), tenant=tenant, code=code, kind=CrmWrite.Kind.IVR)
    gone = rows.filter(state=State.REFUSED).update(state=State.GIVEN_UP, next_try_at=None, content=b"", detail=b"")
    if gone:
        audit(tenant=tenant, by=by, act="write.given_up", target=f"write {code}")
    return bool(gone)


def given_up(tenant: Tenant) -> QuerySet[CrmWrite]:
    """The newest first."""
    rows = CrmWrite.objects.filter(tenant=tenant, state=State.GIVEN_UP).select_related("function", "tenant", "call")
    return rows.defer("content").order_by("-queued_at", "-pk")

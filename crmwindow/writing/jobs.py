"""When a row is sent: after the commit that made it due, after the row before it, or by the sweep."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from crmwindow.delivering import LEASE, is_free
from crmwindow.models import CrmWrite

AT_ONCE = 500
"""Rows that one sweep hurries."""


def deliver_after_commit(pk: int, delay: timedelta = timedelta()) -> None:
    from crmwindow import tasks  # jobs know the verbs, not the other way round

    seconds = delay.total_seconds()

    def enqueue() -> None:
        if seconds:
            tasks.deliver_write.schedule((pk,), delay=seconds + 0.5)
        else:
            tasks.deliver_write(pk)

    transaction.on_commit(enqueue)


def due(now: datetime) -> QuerySet[CrmWrite]:
    """Their time has come, nobody is at them, and no earlier row of the same call is still waiting."""
    earlier = CrmWrite.objects.filter(
        tenant=OuterRef("tenant"), unique_id=OuterRef("unique_id"), state=CrmWrite.State.QUEUED, pk__lt=OuterRef("pk")
    ).exclude(unique_id="")
    rows = CrmWrite.objects.filter(is_free(now), state=CrmWrite.State.QUEUED, next_try_at__lte=now)
    return rows.filter(~Exists(earlier))


def take_lease(pk: int, now: datetime) -> datetime | None:
    """Until then nobody else touches the row; None when it is not due."""
    lease = now + LEASE
    return lease if due(now).filter(pk=pk).update(lease_until=lease) else None


def hurry_the_next(write: CrmWrite, now: datetime) -> None:
    """What waited behind this row may go now."""
    behind = due(now).filter(tenant_id=write.tenant_id, unique_id=write.unique_id, pk__gt=write.pk)
    pk = behind.exclude(unique_id="").order_by("pk").values_list("pk", flat=True).first()
    if pk is not None:
        deliver_after_commit(pk)

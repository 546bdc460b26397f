"""One worker at a time brings a customer's index up to date; whoever lost its lease writes nothing more."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.utils import timezone

from crmwindow.models import NumberIndex
from tenants.models import Instance

LASTS = timedelta(seconds=90)
"""Longer than one page may take."""
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30))


class Lost(Exception):
    """Somebody else has the lease, or the index was switched off."""


@dataclass(frozen=True, slots=True)
class Lease:
    """`since`: what was synchronized after it need not be again in this turn."""

    instance_id: int
    token: uuid.UUID
    since: datetime

    def renew(self) -> None:
        """Inside the transaction that writes: until it ends, nobody else can take the lease. Raises Lost."""
        if not self._update(lease_until=timezone.now() + LASTS):
            raise Lost

    def done(self, *, next_at: datetime) -> None:
        now = timezone.now()
        self._update(due_at=next_at, synced_at=now, problem="", problem_since=None, failures=0, **self._free())

    def interrupted(self) -> None:
        """There is more to do at once."""
        self._update(due_at=self.since, **self._free())

    def failed(self, problem: str, *, retry_after: float | None) -> None:
        """Try again after a pause that grows; when Microsoft names one, not before."""
        now = timezone.now()
        row = NumberIndex.objects.filter(instance_id=self.instance_id).first()
        if row is None:
            return
        pause = PAUSES[min(row.failures, len(PAUSES) - 1)]
        asked = timedelta(seconds=min(retry_after or 0, 3600))
        self._update(problem=problem, problem_since=row.problem_since or now, failures=F("failures") + 1)
        self._update(due_at=now + max(pause, asked), **self._free())

    def _free(self) -> dict[str, None]:
        return {"lease": None, "lease_until": None}

    def _update(self, **values: object) -> int:
        return NumberIndex.objects.filter(instance_id=self.instance_id, lease=self.token).update(**values)


def take(instance: Instance) -> Lease | None:
    """None while another worker is at it."""
    NumberIndex.objects.bulk_create([NumberIndex(instance=instance)], ignore_conflicts=True)
    now, token = timezone.now(), uuid.uuid4()
    rows = NumberIndex.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), instance=instance)
    if not rows.update(lease=token, lease_until=now + LASTS):
        return None
    row = NumberIndex.objects.filter(instance=instance, lease=token).first()
    return Lease(instance.pk, token, min(row.due_at, now)) if row else None

"""A number → the records that hold it, as the index knows. Two small queries, nobody else is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from crmwindow import blind
from crmwindow.models import IndexedNumber, IndexState
from tenants.models import Instance

MOST = 20
"""More records than this are not read one by one; the CRM is asked for all of them at once."""


@dataclass(frozen=True, slots=True)
class Known:
    """`records` are (table, record id), at most one more than MOST; `covered` maps tables to their indexed columns."""

    records: tuple[tuple[str, str], ...] = ()
    covered: dict[str, list[str]] = field(default_factory=dict)

    @property
    def too_many(self) -> bool:
        return len(self.records) > MOST


def known(instance: Instance, e164: str) -> Known:
    """Of tables whose index is complete, made with a key we have, for this country, and not too old."""
    oldest = timezone.now() - timedelta(seconds=settings.INDEX_OLDEST_SECONDS)
    states = IndexState.objects.filter(
        instance=instance,
        stage=IndexState.Stage.SERVING,
        synced_at__gt=oldest,
        country=instance.tenant.country,
        key_id__in=list(settings.INDEX_KEYS),
    )
    serving = {row[0]: row[1:] for row in states.values_list("pk", "table", "key_id", "columns")}
    covered = {table: columns for table, _key_id, columns in serving.values()}
    keys = {key_id for _table, key_id, _columns in serving.values()}
    blinds = [blind.for_index(instance.tenant, key_id)(e164) for key_id in keys]
    if not serving:
        return Known()
    rows = IndexedNumber.objects.filter(blind__in=blinds, state__in=list(serving))
    found = rows.values_list("state_id", "record_id").distinct()[: MOST + 1]
    return Known(tuple((serving[state][0], str(record_id)) for state, record_id in found), covered)

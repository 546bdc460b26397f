"""A number → the records that hold it, as the index knows. One small query, nobody else is asked."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from crmwindow import blind
from crmwindow.models import IndexedNumber, IndexState
from tenants import prepared
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
    tables: dict[int, str] = {}
    covered: dict[str, list[str]] = {}
    records: list[tuple[str, str]] = []
    for state, table, columns, record_id in _rows(instance, e164):
        if record_id is None:
            tables[state] = table
            covered[table] = json.loads(columns)
        else:
            records.append((tables[state], str(UUID(str(record_id)))))
    return Known(tuple(records), covered)


def _rows(instance: Instance, e164: str) -> list[tuple[Any, ...]]:
    """First the tables, without a record, then their records. Written out, for the query builder takes longer than it."""
    keys = tuple(settings.INDEX_KEYS)
    oldest = timezone.now() - timedelta(seconds=settings.INDEX_OLDEST_SECONDS)
    blinds = [blind.for_index(instance.tenant, key_id)(e164) for key_id in keys]
    moment = connection.ops.adapt_datetimefield_value(oldest)
    values = (instance.pk, instance.tenant.country, moment, *keys, *blinds, MOST + 1)
    with prepared.execute(connection, _sql(connection.vendor, len(keys)), values) as cursor:
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


@lru_cache
def _sql(_vendor: str, keys: int) -> str:
    quoted = connection.ops.quote_name
    marks = ", ".join(["%s"] * keys)
    return f"""
        WITH serving AS (
            SELECT id, {quoted("table")} AS name, columns, key_id FROM {quoted(IndexState._meta.db_table)}
            WHERE instance_id = %s AND stage = 'serving' AND country = %s AND synced_at > %s AND key_id IN ({marks})
        )
        SELECT id, name, columns, NULL FROM serving
        UNION ALL
        SELECT id, NULL, NULL, record_id FROM (
            SELECT DISTINCT serving.id, record_id FROM serving
            JOIN {quoted(IndexedNumber._meta.db_table)} AS number ON number.state_id = serving.id
            WHERE blind IN ({marks}) LIMIT %s
        ) AS found"""  # noqa: S608  (names of our own tables; every value is a parameter)

"""How soon cards are there, in figures: of one customer, of many at once, and hour by hour.

Only cards count whose caller could be looked up and whose window was in sight. Percentiles are by nearest rank, made by the
database in one query for any number of customers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber, TruncHour

from crmwindow.models import CardTiming

SLOW_MS = 400
"""Twice what a card should need: a request to Dataverse, the look-up and the window."""


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds from the event to the painted card; None while there were no cards."""

    cards: int = 0
    p50: int | None = None
    p95: int | None = None

    @property
    def is_slow(self) -> bool:
        return self.p95 is not None and self.p95 >= SLOW_MS


def of(tenants: Iterable[int], *, since: datetime) -> dict[int, Times]:
    """By tenant."""
    ranked = _ranked(_measured(tenants, since), "tenant_id")
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for tenant, times in ranked:
        found[tenant] |= times
    return {tenant: Times(**times) for tenant, times in found.items()}


def together(tenants: Iterable[int], *, since: datetime) -> Times:
    times: dict[str, int] = {}
    for _nothing, some in _ranked(_measured(tenants, since)):
        times |= some
    return Times(**times)


def by_hour(tenants: Iterable[int], *, since: datetime) -> dict[int, list[int]]:
    """p95 of each hour that had cards, the oldest first."""
    rows = _measured(tenants, since).annotate(hour=TruncHour("at"))
    found: dict[int, dict[datetime, int]] = defaultdict(dict)
    for tenant, hour, times in _ranked(rows, "tenant_id", "hour"):
        if "p95" in times:
            found[tenant][hour] = times["p95"]
    return {tenant: [hours[hour] for hour in sorted(hours)] for tenant, hours in found.items()}


def _measured(tenants: Iterable[int], since: datetime) -> QuerySet[CardTiming]:
    rows = CardTiming.objects.filter(tenant__in=list(tenants), at__gte=since, ring_ms__isnull=False)
    return rows.exclude(path=CardTiming.Path.NONE)


def _ranked(rows: QuerySet[CardTiming], *groups: str) -> Iterable[tuple[Any, ...]]:
    """(…groups, {"cards", and "p50" or "p95"}) from the two rows of each group that stand at these ranks."""
    partition = [F(group) for group in groups] or None
    placed = rows.annotate(
        place=Window(RowNumber(), partition_by=partition, order_by=[F("ring_ms").asc(), F("pk").asc()]),
        number=Window(Count("pk"), partition_by=partition),
    ).annotate(middle=(F("number") + 1) / 2, late=(F("number") * 95 + 99) / 100)
    chosen = placed.filter(Q(place=F("middle")) | Q(place=F("late")))
    for *group, place, number, middle, late, ms in chosen.values_list(
        *groups, "place", "number", "middle", "late", "ring_ms"
    ):
        times = {"cards": number}
        times |= {"p50": ms} if place == middle else {}
        times |= {"p95": ms} if place == late else {}
        yield (*group, times) if group else (None, times)

"""The table a function writes to, as metadata says it is: its columns, and of some columns what they offer.

Kept per process for an hour; `refresh` reads again. Source: Microsoft, "Query table definitions using the Web API".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from crmwindow.writing.values import CHOICES, MOMENTS, Rules
from tenants import connections
from tenants.dataverse import odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.metadata import Column, Metadata, Table
from tenants.models import Instance

KEPT_SECONDS = 3600.0
MOST_KEPT = 2000
_OPTIONS = "OptionSet($select=Options),GlobalOptionSet($select=Options)"

_tables: dict[tuple[int, str, str], tuple[float, Table]] = {}
_offers: dict[tuple[int, str, str, str], tuple[float, Mapping[int, tuple[str, ...]]]] = {}
_days: dict[tuple[int, str, str, str], tuple[float, bool]] = {}


@dataclass(frozen=True, slots=True)
class Reader:
    """Dataverse as the system account sees it. `standard` is what every look-up needs anyway."""

    instance: Instance
    client: Client
    standard: Metadata
    budget: Budget

    def table(self, name: str) -> Table:
        """Raises NotFound (with `table`) when the organization has none of that name."""
        if known := self.standard.find(name):
            return known
        key = (self.instance.pk, self.instance.url, name.strip().lower())
        if (kept := _kept(_tables, key)) is None:
            kept = _keep(_tables, key, Metadata.load(self.client, [name], self.budget).table(name))
        return kept

    def rules(self, table: Table, columns: Iterable[Column]) -> Rules:
        """Of those columns; asks only about choices and times."""
        wanted = list(columns)
        choices = {column.logical_name: self._offered(table, column) for column in wanted if column.type in CHOICES}
        days = {column.logical_name for column in wanted if column.type in MOMENTS and self._is_day(table, column)}
        return Rules(choices, frozenset(days))

    def _offered(self, table: Table, column: Column) -> Mapping[int, tuple[str, ...]]:
        key = (self.instance.pk, self.instance.url, table.logical_name, column.logical_name)
        if (kept := _kept(_offers, key)) is None:
            said = self._attribute(table, column, "PicklistAttributeMetadata", expand=_OPTIONS)
            options = (said.get("OptionSet") or said.get("GlobalOptionSet") or {}).get("Options") or []
            kept = _keep(_offers, key, {int(each["Value"]): _labels(each) for each in options})
        return kept

    def _is_day(self, table: Table, column: Column) -> bool:
        key = (self.instance.pk, self.instance.url, table.logical_name, column.logical_name)
        if (kept := _kept(_days, key)) is None:
            said = self._attribute(table, column, "DateTimeAttributeMetadata", select=["Format", "DateTimeBehavior"])
            behavior = (said.get("DateTimeBehavior") or {}).get("Value")
            kept = _keep(_days, key, behavior == "DateOnly")
        return kept

    def _attribute(
        self, table: Table, column: Column, cast: str, *, select: Iterable[str] = (), expand: str = ""
    ) -> dict[str, Any]:
        definition = f"EntityDefinitions(LogicalName={odata.lit(table.logical_name)})"
        path = f"{definition}/Attributes(LogicalName={odata.lit(column.logical_name)})/Microsoft.Dynamics.CRM.{cast}"
        query = odata.query(path, select=["LogicalName", *select], expand=expand)
        return self.client.get(query, budget=self.budget).data or {}


def read(instance: Instance, client: Client, budget: Budget, *, refresh: bool = False) -> Reader:
    if refresh:
        forget()
    return Reader(instance, client, connections.metadata(instance, client, budget, refresh=refresh), budget)


def forget() -> None:
    """What was read beyond the look-ups' own tables; it is little and read again when needed."""
    for store in (_tables, _offers, _days):
        store.clear()


def privilege(table: Table, verb: str) -> str:
    """Microsoft: "Security roles and privileges"; all activities share theirs."""
    return f"prv{verb}Activity" if table.id_column == "activityid" else f"prv{verb}{table.schema_name}"


def column_of(table: Table, name: str) -> Column | None:
    return table.find(name) if name.strip() else None


def _labels(option: Mapping[str, Any]) -> tuple[str, ...]:
    localized = (option.get("Label") or {}).get("LocalizedLabels") or []
    return tuple(str(each.get("Label") or "") for each in localized if each.get("Label"))


def _kept[K, V](store: dict[K, tuple[float, V]], key: K) -> V | None:
    read_at, value = store.get(key, (None, None))
    return value if read_at is not None and monotonic() - read_at < KEPT_SECONDS else None


def _keep[K, V](store: dict[K, tuple[float, V]], key: K, value: V) -> V:
    if len(store) > MOST_KEPT:
        store.clear()
    store[key] = monotonic(), value
    return value

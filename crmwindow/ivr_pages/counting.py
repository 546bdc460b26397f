"""How a column is filled, counted in the customer's CRM. Values are read to compare them and kept nowhere."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenants.dataverse import odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.errors import DataverseError

if TYPE_CHECKING:
    from crmwindow.ivr_pages.sight import Sight
    from tenants.dataverse.client import Client
    from tenants.dataverse.metadata import Column, Table

SECONDS = 3.0
SAMPLE = 1000
MOST = 5000
"""Dataverse counts no further."""


@dataclass(frozen=True, slots=True)
class Filled:
    """`of` records there are `with_value`. Of `sampled` values, `repeated` stand in more than one record and `short` are
    too short to identify anybody.
    """

    of: int
    with_value: int
    sampled: int = 0
    repeated: int = 0
    short: int = 0

    @property
    def of_many(self) -> bool:
        return self.of >= MOST

    @property
    def many_with_value(self) -> bool:
        return self.with_value >= MOST


def filled(sight: Sight, table: Table | None, name: str, *, unique: bool = False, least: int = 0) -> Filled | None:
    """None when nobody can look, or the CRM does not answer soon enough."""
    column = table.find(name) if table and name else None
    client = sight.client
    if table is None or column is None or not column.selectable or client is None:
        return None
    budget = Budget(SECONDS)
    try:
        everything = _count(client, table, "", budget)  # also renews the token, in the thread that has a database
        with ThreadPoolExecutor(2, thread_name_prefix="counting") as pool:
            some = pool.submit(_count, client, table, f"{odata.name(column.property)} ne null", budget)
            sample = pool.submit(_values, client, table, column, budget).result() if unique else []
            return Filled(everything, some.result(), len(sample), _repeated(sample), _short(sample, least))
    except DataverseError:
        return None


def _count(client: Client, table: Table, filter: str, budget: Budget) -> int:
    path = odata.query(table.entity_set, select=[table.id_column], filter=filter, count=True)
    data = client.get(path, budget=budget, prefer=["odata.maxpagesize=1"]).data or {}
    count = data.get("@odata.count")
    return count if isinstance(count, int) else 0


def _values(client: Client, table: Table, column: Column, budget: Budget) -> list[str]:
    """The newest, compared as Dataverse compares them: without case and spaces at the ends."""
    order = "modifiedon desc" if "modifiedon" in table.properties else ""
    present = f"{odata.name(column.property)} ne null"
    path = odata.query(table.entity_set, select=[column.property], filter=present, orderby=order, top=SAMPLE)
    texts = (str(row.get(column.property) or "").strip().casefold() for row in client.get(path, budget=budget).rows)
    return [text for text in texts if text]


def _repeated(values: list[str]) -> int:
    return sum(1 for number in Counter(values).values() if number > 1)


def _short(values: list[str], least: int) -> int:
    return sum(1 for value in values if len(value) < least)

"""What an admin's own Microsoft connection shows of tables: their names, their columns, a few records.

Names and columns are kept in memory for some minutes, per connection, because the text is read again while somebody types.
Records are the customer's data: they are never kept.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import phonenumbers

from tenants import connections
from tenants.dataverse import odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.errors import DataverseError
from tenants.dataverse.metadata import Column, Metadata, Table
from tenants.dataverse.table_names import TableName, table_names
from tenants.models import MicrosoftConnection, SystemAccount
from tenants.verification.results import Found, from_error, not_verified

SECONDS = 6.0
KEPT_SECONDS = 180.0
MOST_KEPT = 40
RECORDS = 50
COUNTED = 5000
PREFER = (f"odata.maxpagesize={RECORDS}", 'odata.include-annotations="OData.Community.Display.V1.FormattedValue"')

type Holder = MicrosoftConnection | SystemAccount

logger = logging.getLogger(__name__)
_kept: OrderedDict[tuple[Any, ...], tuple[float, Any]] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Sample:
    """The first records of one table. `count` is at most COUNTED, None when nobody could look; then `why_not` says why."""

    rows: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    count: int | None = None
    why_not: Found | None = None

    def value(self, column: Column) -> str:
        """The first value there is, as a person should read it, on one short line; "" when there is none."""
        texts = (" ".join(odata.shown(row, column.property).split()) for row in self.rows)
        text = next(filter(None, texts), "")
        return text if len(text) <= 60 else f"{text[:59]}…"

    def readable(self, column: Column, country: str) -> int | None:
        """Of a hundred values, how many hold a telephone number; None when there is no value."""
        texts = [text for row in self.rows if (text := odata.shown(row, column.property).strip())]
        return round(100 * sum(_holds_number(text, country) for text in texts) / len(texts)) if texts else None


def _holds_number(text: str, country: str) -> bool:
    return any(True for _found in phonenumbers.PhoneNumberMatcher(text[:200], country or None))


@dataclass(frozen=True, slots=True)
class View:
    """What could be looked at. `metadata` is None when nobody looked, and `why_not` then says why."""

    names: tuple[TableName, ...] = ()
    metadata: Metadata | None = None
    samples: Mapping[str, Sample] = field(default_factory=dict)
    why_not: Found | None = None

    def table(self, name: str) -> Table | None:
        return self.metadata.find(name) if self.metadata else None


def nobody() -> View:
    return View(why_not=not_verified("nobody_to_look"))


def look(
    connection: Holder | None,
    wanted: Mapping[str, Iterable[str]],
    *,
    fresh: bool = False,
    records: bool = True,
    activities: bool = False,
    seconds: float = SECONDS,
) -> View:
    """Look at tables and at some of their columns, all named as typed. Never raises what Microsoft says: it is `why_not`.

    Without `records` only at what they are called. `activities` (tasks, phone calls) are looked at only if asked for: no
    caller is found in them.
    """
    if connection is None:
        return nobody()
    client, budget = connections.client_for(connection), Budget(seconds)
    try:
        known = _names(connection, client, budget, fresh=fresh)
        names = tuple(one for one in known if activities or not one.is_activity)
        metadata = _metadata(connection, client, budget, _there(names, wanted), fresh=fresh)
        return View(names, metadata, _samples(client, budget, metadata, wanted) if records else {})
    except DataverseError as error:
        return View(why_not=from_error(error))


def _there(names: Iterable[TableName], wanted: Iterable[str]) -> list[str]:
    """Logical names of the wanted tables that exist, so that half-typed ones are never asked for."""
    known = {spelling: one.logical_name for one in names for spelling in (one.logical_name, one.schema_name.lower())}
    found = {known[name.strip().lower()] for name in wanted if name.strip().lower() in known}
    return sorted(found)


def _names(connection: Holder, client: Client, budget: Budget, *, fresh: bool) -> tuple[TableName, ...]:
    def read() -> tuple[TableName, ...]:
        return table_names(client, budget, fresh=fresh)

    return _remembered(("names", *_whose(connection)), read, fresh=fresh)


def _metadata(connection: Holder, client: Client, budget: Budget, tables: list[str], *, fresh: bool) -> Metadata:
    def read() -> Metadata:
        return Metadata.load(client, tables, budget, optional=tables, fresh=fresh)

    return _remembered(("tables", *_whose(connection), *tables), read, fresh=fresh)


def _whose(connection: Holder) -> tuple[Any, ...]:
    person = connection.object_id if isinstance(connection, MicrosoftConnection) else connection.client_id
    return connection.pk, connection.instance.url, person


def _remembered[T](key: tuple[Any, ...], read: Callable[[], T], *, fresh: bool) -> T:
    at, found = _kept.get(key, (0.0, None))
    if found is None or fresh or monotonic() - at > KEPT_SECONDS:
        found = read()
        _kept[key] = monotonic(), found
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return found  # type: ignore[no-any-return]


def _samples(
    client: Client, budget: Budget, metadata: Metadata, wanted: Mapping[str, Iterable[str]]
) -> dict[str, Sample]:
    """One request per table, all at once."""
    asked: dict[str, tuple[Table, list[str]]] = {}
    for name, columns in wanted.items():
        if table := metadata.find(name):
            found = [column for typed in columns if (column := table.find(typed)) and column.selectable]
            _table, known = asked.setdefault(table.logical_name, (table, [table.id_column]))
            known += [column.property for column in found]
    if not asked:
        return {}
    with ThreadPoolExecutor(min(4, len(asked)), thread_name_prefix="samples") as pool:
        answers = pool.map(lambda pair: _sample(client, budget, *pair), asked.values())
        return dict(zip(asked, answers, strict=True))


def _sample(client: Client, budget: Budget, table: Table, columns: list[str]) -> Sample:
    order = "modifiedon desc" if "modifiedon" in table.properties else ""
    try:
        path = odata.query(table.entity_set, select=columns, orderby=order, count=True)
        answer = client.get(path, budget=budget, prefer=PREFER)
    except DataverseError as error:
        return Sample(why_not=from_error(error))
    count = (answer.data or {}).get("@odata.count")
    return Sample(tuple(answer.rows[:RECORDS]), count if isinstance(count, int) else len(answer.rows))

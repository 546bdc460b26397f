"""A real record beside the settings: what the card would show of it, read with the acting admin's own connection.

One request per table. Records are the customer's data: they go into the page that asked and are kept nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tenants import connections
from tenants.dataverse import odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.errors import DataverseError, NotFound
from tenants.dataverse.metadata import Column, Metadata, Table
from tenants.models import Instance, MicrosoftConnection
from tenants.verification.results import Found, from_error

SECONDS = 6.0
RECORDS = 25
COMPANY = "parentcustomerid"
type Wanted = Mapping[str, Iterable[Column]]
"""Logical names of tables, each with the columns whose values are wanted."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One record. `company` and `company_id` are a person's."""

    table: Table
    record_id: str
    row: Mapping[str, Any] = field(repr=False)

    def value(self, column: Column) -> str:
        text = odata.shown(self.row, column.property) if column.selectable else ""
        return re.sub(r"[ \t\r\n]+", " ", text).strip()  # not the no-break spaces inside numbers

    @property
    def name(self) -> str:
        return odata.shown(self.row, self.table.name_column).strip() if self.table.name_column else ""

    @property
    def company(self) -> str:
        column = self.table.find(COMPANY)
        return odata.shown(self.row, column.property).strip() if column and self.row.get(column.property) else ""

    @property
    def company_id(self) -> str:
        column = self.table.find(COMPANY)
        if column is None or odata.lookup_table(self.row, column.property) != "account":
            return ""
        return str(self.row.get(column.property) or "").lower()

    @property
    def phone(self) -> str:
        return next(filter(None, (self.value(column) for column in self.table.phone_columns)), "")


@dataclass(frozen=True, slots=True)
class Samples:
    """By logical name of the table. `problems`: why a table has none; `of` counts the records to choose among."""

    records: Mapping[str, Sample] = field(default_factory=dict)
    problems: Mapping[str, Found] = field(default_factory=dict)
    of: int = 0

    @property
    def ids(self) -> dict[str, str]:
        return {table: sample.record_id for table, sample in self.records.items()}


@dataclass(frozen=True, slots=True)
class Sight:
    """What this admin can see of the organization. `metadata` may be what was read last; None when nobody ever looked."""

    metadata: Metadata | None = None
    client: Client | None = None
    budget: Budget | None = None
    problem: Found | None = None


def look(instance: Instance, connection: MicrosoftConnection | None, *, fresh: bool = False) -> Sight:
    """Tables and columns, kept for an hour for the customer; `fresh` reads them anew. Raises nothing that Microsoft says."""
    if connection is None:
        return Sight(connections.known_metadata(instance))
    client, budget = connections.client_for(connection), Budget(SECONDS)
    try:
        return Sight(connections.metadata(instance, client, budget, refresh=fresh), client, budget)
    except DataverseError as error:
        return Sight(connections.known_metadata(instance), problem=from_error(error))


def choose(sight: Sight, wanted: Wanted, *, at: int = 0) -> Samples:
    """A contact with its company, those with most of the wanted values first; of other tables one record each.

    `at` takes the next best, and begins anew after the last.
    """
    reader = _Reader.of(sight)
    if reader is None:
        return Samples(problems={"": sight.problem} if sight.problem else {})
    people = reader.rows("contact", wanted.get("contact", ()))
    companies: list[Sample] = []
    if any(True for _column in wanted.get("account", ())):
        ids = list(dict.fromkeys(filter(None, (person.company_id for person in people))))
        companies = reader.rows("account", wanted["account"], ids=ids)
    pairs = _pairs(people, companies, wanted)
    records = {sample.table.logical_name: sample for sample in (pairs[at % len(pairs)] if pairs else ())}
    for name in wanted:
        if name not in {"contact", "account"}:
            others = sorted(reader.rows(name, wanted[name]), key=lambda one: -_filled(one, wanted))
            records |= {name: others[at % len(others)]} if others else {}
    return Samples(records, reader.problems, len(pairs))


def again(sight: Sight, wanted: Wanted, ids: Mapping[str, str]) -> Samples:
    """The same records once more, `ids` by logical name of their table; what is not there any more is left out."""
    reader = _Reader.of(sight)
    if reader is None:
        return Samples(problems={"": sight.problem} if sight.problem else {})
    found = {name: reader.record(name, wanted.get(name, ()), record_id) for name, record_id in ids.items()}
    return Samples({name: sample for name, sample in found.items() if sample}, reader.problems)


def _pairs(people: list[Sample], companies: list[Sample], wanted: Wanted) -> list[tuple[Sample, ...]]:
    """Newest first among those with equally many values."""
    by_id = {company.record_id: company for company in companies}
    pairs = [(person, *filter(None, [by_id.get(person.company_id)])) for person in people]
    pairs.sort(key=lambda pair: -(sum(_filled(one, wanted) for one in pair) + bool(pair[0].company)))
    return pairs or [(company,) for company in sorted(companies, key=lambda one: -_filled(one, wanted))]


def _filled(sample: Sample, wanted: Wanted) -> int:
    return sum(bool(sample.value(column)) for column in wanted.get(sample.table.logical_name, ()))


@dataclass(slots=True)
class _Reader:
    client: Client
    budget: Budget
    metadata: Metadata
    problems: dict[str, Found] = field(default_factory=dict)

    @classmethod
    def of(cls, sight: Sight) -> _Reader | None:
        if sight.client is None or sight.budget is None or sight.metadata is None:
            return None
        return cls(sight.client, sight.budget, sight.metadata)

    def rows(self, name: str, columns: Iterable[Column], *, ids: Iterable[str] = ()) -> list[Sample]:
        table = self.metadata.find(name)
        if table is None:
            return []
        order = "modifiedon desc" if "modifiedon" in table.properties else ""
        among = odata.or_(*(odata.eq(table.id_column, UUID(each)) for each in ids))
        path = odata.query(table.entity_set, select=_select(table, columns), filter=among, orderby=order, top=RECORDS)
        try:
            rows = self.client.get(path, budget=self.budget, prefer=[odata.ANNOTATIONS]).rows
        except DataverseError as error:
            self.problems[table.logical_name] = from_error(error)
            return []
        return [Sample(table, str(row.get(table.id_column, "")).lower(), row) for row in rows]

    def record(self, name: str, columns: Iterable[Column], record_id: str) -> Sample | None:
        table = self.metadata.find(name)
        if table is None:
            return None
        path = odata.query(odata.record(table.entity_set, record_id), select=_select(table, columns))
        try:
            row = self.client.get(path, budget=self.budget, prefer=[odata.ANNOTATIONS]).data or {}
        except NotFound:
            return None
        except DataverseError as error:
            self.problems[table.logical_name] = from_error(error)
            return None
        return Sample(table, record_id, row)


def _select(table: Table, columns: Iterable[Column]) -> list[str]:
    phones = [column.property for column in table.phone_columns if not column.logical_name.startswith("address")]
    company = [column.property for name in [COMPANY] if (column := table.find(name))]
    wanted = [column.property for column in columns if column.selectable]
    names = [table.id_column, table.name_column, *company, *phones, *wanted]
    return [name for name in dict.fromkeys(names) if name in table.properties]

"""A customer's tables as metadata says they are: which columns to search, show and create.

The customer types names as they like ("myPhone1", "nnn_myLead"); here they become Microsoft's. What metadata does not know is
left out and named in `unknown`, so that no request ever carries it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Literal
from uuid import UUID

from django.utils.translation import gettext as _

from tenants.dataverse.metadata import Column, Metadata, Table
from tenants.models import CustomEntity, DisplayField, Instance, Label, label_in

type Kind = Literal["person", "company", "record"]

CONFIGURATION_SECONDS = 10.0
"""A change of the configuration reaches every process within this time."""
_KINDS: dict[str, Kind] = {"account": "company", "contact": "person", "lead": "person"}
_COMPANIES = {"contact": "parentcustomerid", "lead": "companyname"}
_NAMES = {"contact": ("firstname", "lastname"), "lead": ("firstname", "lastname")}
_PHONES_OF_A_NEW = ("mobilephone", "telephone1")


@dataclass(frozen=True, slots=True)
class ShownField:
    """A configured extra field. `link` is "" or an https address with {value} and {id}."""

    label: Label
    column: Column
    link: str = ""


@dataclass(frozen=True, slots=True)
class SearchTable:
    """A table in which callers are looked for. `names` are joined for its title where `table.name_column` is empty."""

    table: Table
    kind: Kind
    phones: tuple[Column, ...]
    names: tuple[Column, ...] = ()
    company: Column | None = None
    fields: tuple[ShownField, ...] = ()
    own_label: Label = ""

    def label(self, language: str) -> str:
        """The customer's own word for it, else Dataverse's."""
        return label_in(self.own_label, language) or self.table.label(language)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A name in the configuration that the organization does not have. `column` is "" when the table is missing."""

    table: str
    column: str = ""


@dataclass(frozen=True, slots=True)
class Creatable:
    """A kind of record an agent may make. Only these columns are written. `missing` are columns nobody would fill."""

    table: Table
    own_label: Label
    first_name: Column | None
    last_name: Column | None
    company: Column | None
    phones: tuple[Column, ...]
    title: Column | None
    missing: tuple[Column, ...]

    def refused(self, language: str) -> str:
        """Why it cannot be created, in a sentence; "" when it can."""
        if not self.phones:
            return _("There is no column for the phone number.")
        if not self.missing:
            return ""
        columns = ", ".join(column.label(language) for column in self.missing)
        return _("Your CRM requires %(columns)s on %(table)s. Your admin can set it.") % {
            "columns": columns,
            "table": self.table.plural_label(language).lower(),
        }


@dataclass(frozen=True, slots=True)
class Schema:
    """All of it, for one state of configuration and metadata."""

    tables: tuple[SearchTable, ...]
    creatable: tuple[Creatable, ...]
    unknown: tuple[Unknown, ...]
    metadata: Metadata

    def table(self, name: str) -> SearchTable | None:
        return next((each for each in self.tables if each.table.logical_name == name), None)


def search_tables(instance: Instance, metadata: Metadata) -> list[SearchTable]:
    return list(of(instance, metadata).tables)


def display_fields(instance: Instance, metadata: Metadata, table: str) -> list[ShownField]:
    """The extra fields of one table (logical name), in the order shown."""
    found = of(instance, metadata).table(table)
    return list(found.fields) if found else []


def creatable(instance: Instance, metadata: Metadata) -> list[Creatable]:
    return list(of(instance, metadata).creatable)


_kept: dict[UUID, tuple[float, Metadata, Schema]] = {}


def of(instance: Instance, metadata: Metadata) -> Schema:
    """The schema; worked out again when metadata is another object or the configuration may have changed."""
    made_at, known, schema = _kept.get(instance.code, (0.0, None, None))
    if schema is None or known is not metadata or monotonic() - made_at > CONFIGURATION_SECONDS:
        schema = _work_out(instance, metadata)
        _kept[instance.code] = monotonic(), metadata, schema
    return schema


def forget(instance: Instance) -> None:
    """The configuration was changed in this process."""
    _kept.pop(instance.code, None)


def _work_out(instance: Instance, metadata: Metadata) -> Schema:
    fresh = Instance.objects.only("leads", "search_columns").get(pk=instance.pk)
    entities, fields = tuple(fresh.custom_entities.all()), tuple(fresh.display_fields.all())
    return _Builder(fresh, metadata, entities, fields, leads=fresh.leads).schema()


def proposed(
    instance: Instance,
    metadata: Metadata,
    *,
    entities: Iterable[CustomEntity],
    fields: Iterable[DisplayField] = (),
    leads: bool = False,
) -> Schema:
    """What it would be with this configuration, which is not stored."""
    return _Builder(instance, metadata, tuple(entities), tuple(fields), leads=leads).schema()


class _Builder:
    def __init__(
        self,
        instance: Instance,
        metadata: Metadata,
        entities: tuple[CustomEntity, ...],
        fields: tuple[DisplayField, ...],
        *,
        leads: bool,
    ) -> None:
        self.metadata, self.entities, self.display_fields, self.leads = metadata, entities, fields, leads
        self.unknown: list[Unknown] = []
        self.columns_typed = {name.strip().lower(): names for name, names in instance.search_columns.items()}

    def schema(self) -> Schema:
        own = [(entity, table) for entity in self.entities if (table := self._found(entity.table))]
        standard = [table for name in self._standard() if (table := self._found(name))]
        tables = [self._standard_table(table) for table in standard] + [self._own_table(*pair) for pair in own]
        makeable = [self._standard_creatable(table) for table in standard if table.logical_name in _NAMES]
        makeable += [self._own_creatable(*pair) for pair in own]
        self._report_fields({each.table.logical_name for each in tables})
        searched = tuple(each for each in tables if each.phones)
        return Schema(searched, tuple(makeable), tuple(dict.fromkeys(self.unknown)), self.metadata)

    def _standard(self) -> list[str]:
        return ["account", "contact", *(["lead"] if self.leads else [])]

    def _found(self, name: str) -> Table | None:
        table = self.metadata.find(name)
        if table is None:
            self.unknown.append(Unknown(name))
        return table

    def _column(self, table: Table, name: str) -> Column | None:
        column = table.find(name) if name.strip() else None
        if name.strip() and (column is None or not column.selectable):
            self.unknown.append(Unknown(table.logical_name, name))
            return None
        return column

    def _columns(self, table: Table, names: Iterable[str]) -> tuple[Column, ...]:
        found = [column for name in names if (column := self._column(table, name))]
        return tuple({each.logical_name: each for each in found if each.type in {"String", "Memo"}}.values())

    def _standard_table(self, table: Table) -> SearchTable:
        typed = self.columns_typed.get(table.logical_name)
        phones = self._columns(table, typed) if typed else _usual_phones(table)
        company = table.find(_COMPANIES.get(table.logical_name, ""))
        kind = _KINDS.get(table.logical_name, "record")
        return SearchTable(table, kind, phones, company=company, fields=self._fields(table))

    def _own_table(self, entity: CustomEntity, table: Table) -> SearchTable:
        typed = self.columns_typed.get(table.logical_name) or self.columns_typed.get(entity.table.strip().lower())
        names = self._columns(table, [entity.first_name, entity.last_name])
        phones = self._columns(table, typed or entity.phone_columns)
        return SearchTable(table, "record", phones, names, fields=self._fields(table), own_label=entity.label)

    def _fields(self, table: Table) -> tuple[ShownField, ...]:
        names = {table.logical_name, table.schema_name.lower()}
        typed = [field for field in self.display_fields if field.entity.strip().lower() in names]
        found = [(field, self._column(table, field.identifier)) for field in typed]
        return tuple(ShownField(field.label, column, field.link) for field, column in found if column)

    def _report_fields(self, tables: set[str]) -> None:
        for field in self.display_fields:
            table = self.metadata.find(field.entity)
            if table is None or table.logical_name not in tables:
                self.unknown.append(Unknown(field.entity))

    def _standard_creatable(self, table: Table) -> Creatable:
        first, last = (table.find(name) for name in _NAMES[table.logical_name])
        phones = tuple(column for name in _PHONES_OF_A_NEW if (column := _writable(table.find(name))))
        title = table.find("subject") if table.logical_name == "lead" else None
        company = table.find(_COMPANIES[table.logical_name])
        return _creatable(table, "", first, last, company, phones, title)

    def _own_creatable(self, entity: CustomEntity, table: Table) -> Creatable:
        first, last = self._column(table, entity.first_name), self._column(table, entity.last_name)
        phones = tuple(column for column in self._columns(table, entity.phone_columns) if _writable(column))
        name = table.find(table.name_column)
        title = name if name in table.required_for_create and name not in (first, last, *phones) else None
        return _creatable(table, entity.label, first, last, None, phones[:1], title)


def _usual_phones(table: Table) -> tuple[Column, ...]:
    """What metadata marks as telephone numbers, without those of addresses: they lie in another, slow table."""
    return tuple(column for column in table.phone_columns if not column.logical_name.startswith("address"))


def _writable(column: Column | None) -> Column | None:
    return column if column and column.creatable and column.type in {"String", "Memo"} else None


def _creatable(
    table: Table,
    own_label: Label,
    first: Column | None,
    last: Column | None,
    company: Column | None,
    phones: tuple[Column, ...],
    title: Column | None,
) -> Creatable:
    first, last, title, company = _writable(first), _writable(last), _writable(title), _writable(company)
    filled = {column.logical_name for column in (last, title, *phones[:1]) if column}
    missing = tuple(column for column in table.required_for_create if column.logical_name not in filled)
    return Creatable(table, own_label, first, last, company, phones, title, missing)

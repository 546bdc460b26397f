"""The list of extra fields as a form: read from what is stored or typed, changed row by row, given back as configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from django.utils.translation import gettext as _

from tenants import configuration
from tenants.column_search import nearest
from tenants.configuration.crm import STANDARD_TABLES
from tenants.models import LANGUAGES, Instance, Label, Tenant, label_in
from tenants.own_tables.column_words import kind
from tenants.schema import ShownField

if TYPE_CHECKING:
    from django.http import QueryDict

    from tenants.configuration import Mistake
    from tenants.dataverse.metadata import Column, Metadata, Table
    from tenants.samples import Samples

MOST = 100
LONGEST = 2000
CODES = tuple(code for code, _name in LANGUAGES)
State = Literal["ok", "gone", "no_table", "unreadable", "unverified"]
_PLACE = re.compile(r"display_fields\[(\d+)\](?:\.(\w+))?")


@dataclass(slots=True)
class Row:
    """One field. `key` tells rows apart while their order changes; `mistakes` by the name of what is wrong."""

    entity: str
    identifier: str
    labels: Mapping[str, str]
    link: str = ""
    key: int = 0
    mistakes: dict[str, str] = field(default_factory=dict)
    table: Table | None = None
    column: Column | None = None
    state: State = "unverified"
    value: str = ""
    nearest: list[dict[str, str]] = field(default_factory=list)
    table_label: str = ""
    has_sample: bool = False
    inputs: list[tuple[str, str, str]] = field(default_factory=list)

    def label(self, language: str) -> Label:
        """A text of the customer's own language alone stands for all languages."""
        given = {code: text for code, text in self.labels.items() if text}
        return given[language] if given.keys() == {language} else given or ""

    def title(self, language: str) -> str:
        return label_in(self.label(language), language) or self.identifier

    @property
    def replace_mistakes(self) -> list[str]:
        return [self.mistakes[name] for name in ("entity", "identifier") if name in self.mistakes]

    @property
    def why_not(self) -> str:
        return why_not(self.column) if self.column else ""

    @property
    def kind(self) -> str:
        return kind(self.column) if self.column else ""


def stored_rows(tenant: Tenant) -> list[Row]:
    data = configuration.stored(tenant, "display_fields")
    return [
        Row(each["entity"], each["identifier"], _texts(each["label"], tenant), each["link"], key)
        for key, each in enumerate(data, start=1)
    ]


def _texts(label: Label, tenant: Tenant) -> dict[str, str]:
    return {tenant.language: label} if isinstance(label, str) else dict(label)


def typed_rows(data: QueryDict) -> list[Row]:
    names = ("key", "entity", "identifier", "link", *(f"label_{code}" for code in CODES))
    lists = [[text.strip()[:LONGEST] for text in data.getlist(name)[: MOST + 1]] for name in names]
    rows: list[Row] = []
    for key, entity, identifier, link, *labels in zip(*lists, strict=False):
        taken = {row.key for row in rows}
        number = int(key) if key.isdecimal() and len(key) < 5 and int(key) not in taken else max(taken, default=0) + 1
        rows.append(Row(entity, identifier, dict(zip(CODES, labels, strict=True)), link, number))
    return rows


def changed(rows: list[Row], act: str, of: str, to: str) -> list[Row]:
    """`act` is up, down, remove or replace (by the column `to`) of the row whose key is `of`; else nothing changes."""
    at = next((at for at, row in enumerate(rows) if str(row.key) == of), None)
    if at is None:
        return rows
    row, others = rows[at], [*rows[:at], *rows[at + 1 :]]
    if act == "remove":
        return others
    if act in {"up", "down"}:
        place = max(0, at - 1) if act == "up" else at + 1
        return [*others[:place], row, *others[place:]]
    if act == "replace" and to:
        row.identifier = to[:LONGEST]
    return rows


def added(rows: list[Row], entity: str, identifier: str, column: Column | None, tenant: Tenant) -> list[Row]:
    """At the end, labelled as the organization does; what is there already is not added twice."""
    same = (row for row in rows if (row.entity.lower(), row.identifier.lower()) == (entity.lower(), identifier.lower()))
    if not entity or not identifier or next(same, None):
        return rows
    labels = {code: column.labels[code] for code in CODES if column.labels.get(code)} if column else {}
    labels = labels or {tenant.language: column.label(tenant.language) if column else identifier}
    return [
        *rows,
        Row(entity[:LONGEST], identifier[:LONGEST], labels, key=max((row.key for row in rows), default=0) + 1),
    ]


def to_configuration(rows: Iterable[Row], tenant: Tenant) -> list[dict[str, Any]]:
    return [
        {"label": row.label(tenant.language), "entity": row.entity, "identifier": row.identifier, "link": row.link}
        for row in rows
    ]


def take(rows: list[Row], mistakes: Iterable[Mistake]) -> list[str]:
    """Put each at its field; answers those about the list as a whole."""
    others = []
    for mistake in mistakes:
        found = _PLACE.match(mistake.place)
        if found and int(found[1]) < len(rows):
            rows[int(found[1])].mistakes.setdefault(found[2] or "label", mistake.sentence)
        else:
            others.append(mistake.sentence)
    return others


def summary(rows: Iterable[Row], others: Iterable[str], tenant: Tenant) -> list[dict[str, str]]:
    """For the list at the top of the page; each leads to its field."""
    found = [
        {"field": f"{name}-{row.key}", "sentence": f"{row.title(tenant.language)}: {sentence}"}
        for row in rows
        for name, sentence in row.mistakes.items()
    ]
    return [*found, *({"field": "", "sentence": sentence} for sentence in others)]


def describe(rows: Iterable[Row], tenant: Tenant, metadata: Metadata | None, samples: Samples, language: str) -> None:
    """Give each row what is known of its column, and the value of the sample record."""
    languages = sorted(LANGUAGES, key=lambda one: one[0] != tenant.language)
    for row in rows:
        row.inputs = [(code, name, row.labels.get(code, "")) for code, name in languages]
        row.table = metadata.find(row.entity) if metadata else None
        row.column = row.table.find(row.identifier) if row.table else None
        row.state = _state(row, metadata)
        if row.table:
            row.table_label = row.table.label(language)
            near = nearest(row.table, row.identifier) if row.state == "gone" else ()
            row.nearest = [{"name": each.logical_name, "label": each.label(language)} for each in near]
        sample = samples.records.get(row.table.logical_name) if row.table else None
        row.has_sample = sample is not None
        row.value = sample.value(row.column) if sample and row.column else ""


def _state(row: Row, metadata: Metadata | None) -> State:
    if metadata is None:
        return "unverified"
    if row.table is None:
        is_known = row.entity.strip().lower() in metadata.missing
        return "no_table" if is_known else "unverified"
    if row.column is None:
        return "gone"
    return "ok" if row.column.selectable else "unreadable"


def wanted(rows: Iterable[Row], metadata: Metadata | None) -> dict[str, list[Column]]:
    """Columns whose sample values the page shows, by table."""
    found: dict[str, list[Column]] = {}
    for row in rows if metadata else ():
        table = metadata.find(row.entity) if metadata else None
        column = table.find(row.identifier) if table else None
        if table and column and column.selectable:
            found.setdefault(table.logical_name, []).append(column)
    return found


def fields_of(rows: Iterable[Row], table: str, language: str) -> list[ShownField]:
    """As the window has them, of one table."""
    return [
        ShownField(row.label(language), row.column, row.link if row.link.startswith("https://") else "")
        for row in rows
        if row.table and row.column and row.state == "ok" and row.table.logical_name == table
    ]


def tables(tenant: Tenant, metadata: Metadata | None) -> Iterator[tuple[str, Table | None]]:
    """Those a field may come from, under the name the configuration has for them."""
    instance = tenant.instance
    names = [*STANDARD_TABLES[:2], *(STANDARD_TABLES[2:] if instance.leads else ())]
    for name in (*names, *(entity.table for entity in instance.custom_entities.all())):
        yield name, metadata.find(name) if metadata else None


def sample_ids(data: QueryDict, instance: Instance, metadata: Metadata | None) -> dict[str, str]:
    """Which records the page shows, as it says: `contact:25a1…`."""
    known = {table.logical_name for _name, table in tables(instance.tenant, metadata) if table}
    found: dict[str, str] = {}
    for text in data.getlist("sample")[:10]:
        name, _colon, record_id = text.partition(":")
        try:
            found |= {name: str(UUID(record_id))} if name in known else {}
        except ValueError:
            continue
    return found


def why_not(column: Column) -> str:
    """Why a column cannot be on the card; "" when it can."""
    if column.selectable:
        return ""
    if column.readable:
        return _("A list of people and companies does not fit on the card.")
    return _("The CRM does not let anybody read this column.")

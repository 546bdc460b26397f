"""The organization's tables and columns, as metadata and the Web API tell them apart.

Source of names: `data/README.md`. Rules: Microsoft, "Query table definitions using the Web API", "Web API properties".
"""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, Final

from ipexportal.sandbox import customizations

ENGLISH: Final = 1033
CZECH: Final = 1029
LOOKUPS: Final = frozenset({"Lookup", "Customer", "Owner"})
CHOICES: Final = frozenset({"Picklist", "State", "Status", "Boolean"})
HIDDEN_TYPES: Final = frozenset({"PartyList", "CalendarRules", "ManagedProperty", "Virtual", "EntityName"})
EDM_TYPES: Final = {
    "String": "Edm.String",
    "Memo": "Edm.String",
    "Picklist": "Edm.Int32",
    "State": "Edm.Int32",
    "Status": "Edm.Int32",
    "Integer": "Edm.Int32",
    "BigInt": "Edm.Int64",
    "Boolean": "Edm.Boolean",
    "Decimal": "Edm.Decimal",
    "Money": "Edm.Decimal",
    "Double": "Edm.Double",
    "DateTime": "Edm.DateTimeOffset",
}
INDEXED: Final = (
    "telephone1",
    "telephone2",
    "telephone3",
    "mobilephone",
    "company",
    "address1_telephone1",
    "nnn_myphone1",
    "nnn_myphone2",
)


@cache
def metadata_id(*parts: str) -> str:
    """A MetadataId that stays the same from run to run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(("sandbox", *parts))))


@dataclass(frozen=True, slots=True)
class Option:
    """A choice's value; `state` is set for status reasons, `default_status` for states."""

    value: int
    labels: dict[int, str]
    state: int | None = None
    default_status: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `property_name` is its OData name, "" if the Web API does not show it; `edm` its OData type."""

    logical_name: str
    schema_name: str
    type: str
    valid: str = "rcu"
    labels: dict[int, str] = field(default_factory=dict)
    required: str = "None"
    max_length: int | None = None
    format: str = ""
    format_name: str = ""
    behavior: str = ""
    targets: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    attribute_of: str = ""
    precision: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    logical: bool = False
    custom: bool = False
    type_name: str = ""
    level_fixed: bool = False  # RequiredLevel.CanBeChanged is false
    edm: str = field(init=False, default="")
    property_name: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "edm", self._edm())
        object.__setattr__(self, "property_name", self._property_name())

    @property
    def is_lookup(self) -> bool:
        return self.type in LOOKUPS

    @property
    def is_date_only(self) -> bool:
        return self.behavior == "DateOnly"

    @property
    def is_phone(self) -> bool:
        return self.format_name == "Phone"

    def _edm(self) -> str:
        if self.is_lookup or self.type == "Uniqueidentifier":
            return "Edm.Guid"
        return "Edm.Date" if self.is_date_only else EDM_TYPES.get(self.type, "Edm.String")

    def _property_name(self) -> str:
        if "r" not in self.valid or self.type in HIDDEN_TYPES or self.attribute_of:
            return ""
        return f"_{self.logical_name}_value" if self.is_lookup else self.logical_name

    def option(self, value: int) -> Option | None:
        return next((option for option in self.options if option.value == value), None)


@dataclass(frozen=True, slots=True)
class Navigation:
    """A single-valued navigation property; `table` is "owner" where users and teams are both allowed."""

    name: str
    column: str
    table: str
    reverse: str
    relationship: str
    custom: bool = False

    @property
    def targets(self) -> tuple[str, ...]:
        return ("systemuser", "team") if self.table == "owner" else (self.table,)


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection-valued navigation property; `column` of the other table points back, "" for many-to-many."""

    name: str
    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its columns by logical name and its navigation properties by exact name."""

    logical_name: str
    schema_name: str
    entity_set: str
    id_column: str
    name_column: str
    type_code: int
    ownership: str
    is_activity: bool
    has_activities: bool
    change_tracking: bool
    labels: dict[int, str]
    plurals: dict[int, str]
    columns: dict[str, Column]
    navigation: dict[str, Navigation]
    collections: dict[str, Collection]
    properties: dict[str, Column]
    custom: bool = False

    @property
    def user_owned(self) -> bool:
        return self.ownership == "UserOwned"

    @property
    def privilege(self) -> str:
        """What privileges on it are called: activities share theirs (Microsoft: Security privileges)."""
        return "Activity" if self.is_activity or self.logical_name == "activityparty" else self._privilege_name

    @property
    def _privilege_name(self) -> str:
        names = {"systemuser": "User", "transactioncurrency": "TransactionCurrency"}
        return names.get(self.logical_name, self.schema_name)

    def navigation_of(self, column: str, target: str) -> Navigation | None:
        """The navigation property that says `column` points to `target`, the one named after this table first."""
        fitting = [nav for nav in self.navigation.values() if nav.column == column and target in nav.targets]
        exact = [nav for nav in fitting if nav.name == column]
        suffixed = sorted(fitting, key=lambda nav: not nav.name.endswith(self.logical_name))
        return next(iter(exact or suffixed), None)


class Model:
    """All tables of the organization, by logical name and by entity set. `revision` rises with every change."""

    def __init__(self, raw: dict[str, Any], czech: dict[str, dict[str, str]]) -> None:
        self.revision = 0
        self.tables = {name: _table(name, one, czech.get(name, {})) for name, one in raw.items()}
        for table in self.tables.values():
            _resolve_collections(table, raw[table.logical_name].get("collections", {}), self.tables)
        self.sets = {table.entity_set: table for table in self.tables.values()}

    def __getitem__(self, logical_name: str) -> Table:
        return self.tables[logical_name]

    def __iter__(self) -> Iterator[Table]:
        return iter(self.tables.values())

    def change_table(self, table: str, **changes: Any) -> None:
        """Replace what a table is, such as whether it has activities."""
        self.revision += 1
        changed = replace(self.tables[table], **changes)
        self.tables[table] = self.sets[changed.entity_set] = changed

    def change_column(self, table: str, column: str, **changes: Any) -> None:
        """Replace a column's definition, such as its required level."""
        self.revision += 1
        found = self.tables[table]
        found.columns[column] = replace(found.columns[column], **changes)
        if found.columns[column].property_name:
            found.properties[found.columns[column].property_name] = found.columns[column]


def _table(name: str, raw: dict[str, Any], czech: dict[str, str]) -> Table:
    columns = {column: _column(column, one, czech.get(column, "")) for column, one in raw["columns"].items()}
    schema_name = raw["schema_name"]
    return Table(
        logical_name=name,
        schema_name=schema_name,
        entity_set=raw["entity_set"],
        id_column=raw["id_column"],
        name_column=raw["name_column"],
        type_code=raw["type_code"],
        ownership=raw["ownership"],
        is_activity=raw["is_activity"],
        has_activities=raw["has_activities"],
        change_tracking=raw["change_tracking"],
        labels=_labels(raw["label"], czech.get("", "")),
        plurals=_labels(raw["plural"], czech.get("*", "")),
        columns=columns,
        navigation={nav: Navigation(nav, **one) for nav, one in raw["navigation"].items()},
        collections={},
        properties={column.property_name: column for column in columns.values() if column.property_name},
        custom=raw.get("custom", False),
    )


def _resolve_collections(table: Table, raw: dict[str, Any], tables: dict[str, Table]) -> None:
    for name, one in raw.items():
        back = tables[one["table"]].navigation.get(one["partner"])
        many_to_many = one["partner"] == name
        if back or many_to_many:
            table.collections[name] = Collection(name, one["table"], back.column if back else "")


def _labels(english: str | None, czech: str | None) -> dict[int, str]:
    return {code: text for code, text in ((ENGLISH, english), (CZECH, czech)) if text}


def _column(name: str, raw: dict[str, Any], czech: str) -> Column:
    behavior = raw.get("behavior", "UserLocal" if raw["type"] == "DateTime" else "")
    return Column(
        logical_name=name,
        schema_name=raw.get("schema", name),
        type=raw["type"],
        valid=raw.get("valid", "rcu"),
        labels=_labels(raw.get("label"), raw.get("label_cs") or czech),
        required=raw.get("required", "None"),
        max_length=raw.get("max_length"),
        format=raw.get("format", ""),
        format_name=raw.get("format_name", ""),
        behavior=behavior,
        targets=tuple(raw.get("targets", ())),
        options=tuple(_option(int(value), one) for value, one in raw.get("options", {}).items()),
        attribute_of=raw.get("attribute_of", ""),
        precision=raw.get("precision"),
        minimum=raw.get("min"),
        maximum=raw.get("max"),
        logical=raw.get("logical", False),
        custom=raw.get("custom", False),
        type_name=raw.get("type_name", ""),
    )


def _option(value: int, raw: dict[str, Any]) -> Option:
    labels = _labels(raw.get("label"), raw.get("label_cs"))
    return Option(value, labels, raw.get("state"), raw.get("default_status"))


def load() -> Model:
    """The real tables, what their published metadata lacks, and Acme's own additions."""

    data = files("ipexportal.sandbox.data")
    raw = json.loads(data.joinpath("tables.json").read_text(encoding="utf-8"))
    czech = json.loads(data.joinpath("labels.cs.json").read_text(encoding="utf-8"))
    customizations.complete(raw)
    return Model(raw, czech)

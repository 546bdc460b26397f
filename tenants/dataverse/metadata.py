"""What one organization calls its tables, columns and links. Names are read here and never derived or guessed.

Three requests per table (definition with columns and lookups; lengths of texts; lengths of long texts) and two for
phone calls (what they may regard, who may be a party), all at once. What is kept is small and survives `to_dict` and
`from_dict`, so that the caller can cache it per instance.

Source: Microsoft, "Query table definitions using the Web API", "Web API navigation properties", "Column data types".
"""

import json
import re
import zlib
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Self

from tenants.dataverse import errors, odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client

FORMAT = 2
THREADS = 12
PARTIES = "phonecall_activity_parties"
REQUIRED = frozenset({"ApplicationRequired", "SystemRequired"})

_LANGUAGES = {1029: "cs", 1051: "sk", 1033: "en"}
_NEAREST = {"cs": ("cs", "sk"), "sk": ("sk", "cs"), "en": ("en",)}
_LOOKUPS = frozenset({"Lookup", "Customer", "Owner"})
_NOT_COLUMNS = frozenset({"Virtual", "EntityName", "ManagedProperty", "CalendarRules"})

_TABLE = (
    "LogicalName,SchemaName,EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,HasActivities,ChangeTrackingEnabled,"
    "IsCustomEntity,DisplayName,DisplayCollectionName"
)
_COLUMN = (
    "LogicalName,SchemaName,AttributeType,AttributeTypeName,DisplayName,RequiredLevel,IsValidForRead,IsValidForCreate,"
    "IsValidForUpdate,AttributeOf"
)
_LINK = "ReferencedEntity,ReferencingAttribute,ReferencingEntityNavigationPropertyName"
_CASTS = {
    "StringAttributeMetadata": "LogicalName,MaxLength,FormatName",
    "MemoAttributeMetadata": "LogicalName,MaxLength",
}

# Microsoft's own columns, most personal first. contact.company is "Company Phone", shared by colleagues: last of all.
# An assistant's or manager's number belongs to somebody else, and nobody calls from a fax or pager.
_PHONES = ("mobilephone", "telephone1", "telephone2", "telephone3", "home2", "business2", "callback")
_NOT_PHONES = re.compile(r"fax$|^(assistantphone|managerphone|pager)$")

# Dataverse fills these in, whatever their RequiredLevel: a key, an owner, states; a Boolean always has a default.
_FILLED_TYPES = frozenset({"Owner", "State", "Status", "Boolean", "Uniqueidentifier", "PartyList"})
_FILLED_NAMES = re.compile(
    r"(owning|created|modified|overridden|timezone|utcconversion)\w*"
    r"|transactioncurrencyid|exchangerate|versionnumber|importsequencenumber|processid|stageid"
)


@dataclass(frozen=True)
class Column:
    """One column. `type` is Microsoft's AttributeType ("String", "Lookup", …; "MultiSelectPicklist" for that Virtual).

    `max_length` counts UTF-16 code units, None when it is no text. `format` is FormatName ("Text", "Phone", …).
    `required` is None, Recommended, ApplicationRequired or SystemRequired. `navigation` maps the logical name of each
    table a lookup may point to, to the property that `@odata.bind` takes; an owner has the one key "owner".
    """

    logical_name: str
    schema_name: str
    type: str
    required: str = "None"
    readable: bool = True
    creatable: bool = True
    updatable: bool = True
    max_length: int | None = None
    format: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    navigation: Mapping[str, str] = field(default_factory=dict, hash=False)

    def label(self, language: str = "en") -> str:
        """In "cs", "sk" or "en" as far as the organization has it, else in its own language, else the logical name."""
        return best_label(self.labels, language) or self.logical_name

    @cached_property
    def selectable(self) -> bool:
        return bool(self.property) and self.readable

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """Logical names of the tables a lookup may point to."""
        return ("systemuser", "team") if self.type == "Owner" else tuple(self.navigation)

    @cached_property
    def is_phone(self) -> bool:
        """Holds the owner's own telephone number, as far as metadata tells: many organizations use plain text."""
        if self.type != "String" or not self.readable or _NOT_PHONES.search(self.logical_name):
            return False
        return self.format == "Phone" or self.logical_name in _PHONES

    @cached_property
    def property(self) -> str:
        """Its name in `$select`, `$filter` and answers (lookups: `_x_value`); "" when it has none (party lists)."""
        if self.type in _LOOKUPS:
            return f"_{self.logical_name}_value"
        return "" if self.type == "PartyList" else self.logical_name


@dataclass(frozen=True)
class Table:
    """One table. `name_column` is "" when it has none; `columns` are keyed by logical name."""

    logical_name: str
    schema_name: str
    entity_set: str
    id_column: str
    name_column: str = ""
    has_activities: bool = False
    change_tracking: bool = False
    is_custom: bool = False
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    plural_labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    columns: Mapping[str, Column] = field(default_factory=dict, hash=False)

    def label(self, language: str = "en") -> str:
        """As `Column.label`."""
        return best_label(self.labels, language) or self.logical_name

    def plural_label(self, language: str = "en") -> str:
        return best_label(self.plural_labels, language) or self.label(language)

    def find(self, name: str) -> Column | None:
        """The column by logical name, schema name or property, in any case.

        A name without the publisher's prefix ("myPhone1") is understood when exactly one column ends so.
        """
        key = name.strip().lower()
        found = self._by_name.get(key)
        if found or not key:
            return found
        ending = [column for known, column in self.columns.items() if known.partition("_")[2] == key]
        return ending[0] if len(ending) == 1 else None

    def column(self, name: str) -> Column:
        """As `find`; UnknownName when there is none."""
        column = self.find(name)
        if column is None:
            raise errors.UnknownName(f"The table {self.logical_name} has no such column.")
        return column

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        names: dict[str, Column] = {}
        for column in self.columns.values():
            names.setdefault(column.schema_name.lower(), column)
            names.setdefault(column.property or column.logical_name, column)
        return names | dict(self.columns)

    @cached_property
    def properties(self) -> frozenset[str]:
        """All names that `$select` accepts."""
        return frozenset(column.property for column in self.columns.values() if column.selectable)

    @cached_property
    def phone_columns(self) -> tuple[Column, ...]:
        """Columns to search for a caller, best first. Those of addresses come late: they live in another table."""
        return tuple(sorted((column for column in self.columns.values() if column.is_phone), key=_phone_rank))

    @cached_property
    def required_for_create(self) -> tuple[Column, ...]:
        """Columns that a new record needs and Dataverse does not fill in itself.

        The levels ApplicationRequired and SystemRequired count. Dataverse enforces only the latter through the Web API,
        but forms refuse to save while the former are empty, so a card without them would trouble the next person.
        Left out are keys, owner, states, currency, times, and yes/no columns, which always have a default. A required
        choice may have a default, too: metadata of this size does not tell, so it is listed.
        """
        return tuple(column for column in self.columns.values() if self._must_be_given(column))

    def _must_be_given(self, column: Column) -> bool:
        if column.required not in REQUIRED or not column.creatable or column.logical_name == self.id_column:
            return False
        return column.type not in _FILLED_TYPES and not _FILLED_NAMES.fullmatch(column.logical_name)


@dataclass(frozen=True)
class Metadata:
    """Tables of one organization, keyed by logical name, and the links of phone calls.

    `regarding` and `parties` map logical names of tables to navigation properties; `missing` are optional tables that
    the organization does not have.
    """

    tables: Mapping[str, Table]
    regarding: Mapping[str, str] = field(default_factory=dict, hash=False)
    parties: Mapping[str, str] = field(default_factory=dict, hash=False)
    missing: tuple[str, ...] = ()

    @classmethod
    def load(
        cls,
        client: Client,
        tables: Iterable[str],
        budget: Budget,
        *,
        optional: Collection[str] = (),
        fresh: bool = False,
    ) -> Self:
        """Read the named tables (any case). A missing one is NotFound with its name in `table`, unless `optional`.

        `fresh` bypasses Dataverse's own cache of some 30 s, right after somebody changed the schema.
        """
        names = list(dict.fromkeys(name.strip().lower() for name in tables))
        may_miss = {name.strip().lower() for name in optional}
        with ThreadPoolExecutor(THREADS, thread_name_prefix="metadata") as pool:
            reader = _Reader(client, budget, pool, fresh=fresh)
            try:
                return cls._read(reader, names, may_miss)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    @classmethod
    def _read(cls, reader: "_Reader", names: list[str], may_miss: set[str]) -> Self:
        asked = {name: reader.ask(name) for name in names}
        regarding = reader.links("phonecall", "regardingobjectid")
        parties = reader.links("activityparty", "partyid")
        tables: dict[str, Table] = {}
        for name, answers in asked.items():
            try:
                tables[name] = _table(*(answer.result() for answer in answers))
            except (errors.NotFound, errors.UnknownName) as error:
                if name not in may_miss:
                    raise _no_table(name) from error
        missing = tuple(name for name in names if name not in tables)
        return cls(tables, _links(regarding), _links(parties), missing)

    def find(self, name: str) -> Table | None:
        """The table by logical or schema name, in any case."""
        key = name.strip().lower()
        by_schema = (table for table in self.tables.values() if table.schema_name.lower() == key)
        return self.tables.get(key) or next(by_schema, None)

    def table(self, name: str) -> Table:
        """As `find`; NotFound when it was not loaded."""
        table = self.find(name)
        if table is None:
            raise _no_table(name)
        return table

    def regarding_navigation(self, table: str) -> str | None:
        """What `@odata.bind` takes to say that a phone call is about a record of `table`; None when it cannot be."""
        return self.regarding.get(table.strip().lower())

    def party_navigation(self, table: str) -> str | None:
        """What a party of a phone call is bound by; None for tables whose records cannot take part (own tables)."""
        return self.parties.get(table.strip().lower())

    def to_dict(self) -> dict[str, Any]:
        """A small dict, ready for JSON. The content is packed (95 kB become 13), because a row that holds it is read
        far more often than unpacked.
        """
        tables = [
            _brief(table) | {"columns": [_brief(column) for column in table.columns.values()]}
            for table in self.tables.values()
        ]
        links = {"regarding": dict(self.regarding), "parties": dict(self.parties)}
        content = {"tables": tables, "missing": list(self.missing)} | links
        return {"format": FORMAT, "packed": b64encode(zlib.compress(json.dumps(content).encode())).decode()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of `to_dict`; ValueError when another version of this program wrote it: load again then."""
        try:
            if data["format"] != FORMAT:
                raise ValueError("metadata of another version")
            content = json.loads(zlib.decompress(b64decode(data["packed"])))
            tables = {table["logical_name"]: _table_from(table) for table in content["tables"]}
            return cls(tables, content["regarding"], content["parties"], tuple(content["missing"]))
        except (KeyError, TypeError, AttributeError, zlib.error) as error:
            raise ValueError("not metadata") from error


class _Reader:
    """Asks for everything at once."""

    def __init__(self, client: Client, budget: Budget, pool: ThreadPoolExecutor, *, fresh: bool) -> None:
        self._client, self._budget, self._pool, self._fresh = client, budget, pool, fresh

    def ask(self, table: str) -> list[Future[dict[str, Any]]]:
        """The definition, then one answer per cast."""
        if not re.fullmatch(r"[a-z_][a-z0-9_]*", table):
            impossible: Future[dict[str, Any]] = Future()
            impossible.set_exception(_no_table(table))
            return [impossible]
        address = _definition(table)
        expand = f"Attributes($select={_COLUMN}),ManyToOneRelationships($select={_LINK})"
        casts = [
            odata.query(f"{address}/Attributes/Microsoft.Dynamics.CRM.{cast}", select=[select])
            for cast, select in _CASTS.items()
        ]
        return [self._get(path) for path in (odata.query(address, select=[_TABLE], expand=expand), *casts)]

    def links(self, table: str, column: str) -> Future[dict[str, Any]]:
        path = f"{_definition(table)}/ManyToOneRelationships"
        return self._get(odata.query(path, select=[_LINK], filter=odata.eq("ReferencingAttribute", column)))

    def _get(self, path: str) -> Future[dict[str, Any]]:
        return self._pool.submit(self._answer, path)

    def _answer(self, path: str) -> dict[str, Any]:
        return self._client.get(path, budget=self._budget, consistency_strong=self._fresh).data or {}


def _definition(table: str) -> str:
    return f"EntityDefinitions(LogicalName={odata.lit(table)})"


def _no_table(name: str) -> errors.NotFound:
    error = errors.NotFound("The organization has no such table.")
    error.table = name
    return error


def _links(answer: Future[dict[str, Any]]) -> dict[str, str]:
    try:
        return _navigation(answer.result())
    except (errors.NotFound, errors.UnknownName):  # an organization without activities
        return {}


def _navigation(answer: Mapping[str, Any]) -> dict[str, str]:
    """Logical name of the referenced table → navigation property."""
    return {
        link["ReferencedEntity"]: link["ReferencingEntityNavigationPropertyName"]
        for link in _rows(answer, "value")
        if link.get("ReferencedEntity") and link.get("ReferencingEntityNavigationPropertyName")
    }


def _table(definition: Mapping[str, Any], strings: Mapping[str, Any], memos: Mapping[str, Any]) -> Table:
    texts = {row.get("LogicalName"): row for row in (*_rows(strings, "value"), *_rows(memos, "value"))}
    links: dict[str, dict[str, str]] = {}
    for link in _rows(definition, "ManyToOneRelationships"):
        links.setdefault(str(link.get("ReferencingAttribute")), {}).update(_navigation({"value": [link]}))
    columns = [_column(row, texts, links) for row in _rows(definition, "Attributes") if _is_column(row)]
    if not (definition.get("EntitySetName") and definition.get("PrimaryIdAttribute") and columns):
        raise errors.Unavailable("Dataverse's description of a table cannot be read.")
    return Table(
        logical_name=definition["LogicalName"],
        schema_name=definition.get("SchemaName") or definition["LogicalName"],
        entity_set=definition["EntitySetName"],
        id_column=definition["PrimaryIdAttribute"],
        name_column=definition.get("PrimaryNameAttribute") or "",
        has_activities=bool(definition.get("HasActivities")),
        change_tracking=bool(definition.get("ChangeTrackingEnabled")),
        is_custom=bool(definition.get("IsCustomEntity")),
        labels=labels_of(definition.get("DisplayName")),
        plural_labels=labels_of(definition.get("DisplayCollectionName")),
        columns={column.logical_name: column for column in columns},
    )


def _is_column(row: Mapping[str, Any]) -> bool:
    """Not the virtual helpers next to lookups and choices (`owneridname`), which no query accepts."""
    return bool(row.get("LogicalName")) and not row.get("AttributeOf") and _type(row) not in _NOT_COLUMNS


def _type(row: Mapping[str, Any]) -> str:
    if (row.get("AttributeTypeName") or {}).get("Value") == "MultiSelectPicklistType":
        return "MultiSelectPicklist"
    return str(row.get("AttributeType") or "Virtual")


def _column(row: Mapping[str, Any], texts: Mapping[Any, Any], links: Mapping[str, Mapping[str, str]]) -> Column:
    name = row["LogicalName"]
    text = texts.get(name) or {}
    length = text.get("MaxLength")
    return Column(
        logical_name=name,
        schema_name=row.get("SchemaName") or name,
        type=_type(row),
        required=(row.get("RequiredLevel") or {}).get("Value") or "None",
        readable=row.get("IsValidForRead") is not False,
        creatable=row.get("IsValidForCreate") is not False,
        updatable=row.get("IsValidForUpdate") is not False,
        max_length=length if isinstance(length, int) and length > 0 else None,
        format=(text.get("FormatName") or {}).get("Value") or "",
        labels=labels_of(row.get("DisplayName")),
        navigation=links.get(name, {}),
    )


def _rows(data: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = data.get(key)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def labels_of(raw: Any) -> dict[str, str]:
    """Czech, Slovak and English; under "" the organization's own language, when that is another.

    UserLocalizedLabel may be null, LocalizedLabels empty, and the whole label as well.
    """
    raw = raw if isinstance(raw, dict) else {}
    said = [label for label in _rows(raw, "LocalizedLabels") if label.get("Label")]
    labels = {
        _LANGUAGES[label["LanguageCode"]]: label["Label"] for label in said if label.get("LanguageCode") in _LANGUAGES
    }
    own = (raw.get("UserLocalizedLabel") or {}).get("Label") or (said[0]["Label"] if said else "")
    return labels if not own or own in labels.values() else labels | {"": own}


def best_label(labels: Mapping[str, str], language: str) -> str:
    wanted = _NEAREST.get(language[:2].lower(), ())
    return next((labels[code] for code in (*wanted, "", "en", "cs", "sk") if labels.get(code)), "")


def _phone_rank(column: Column) -> tuple[int, str]:
    name = column.logical_name
    if name in _PHONES:
        return _PHONES.index(name), name
    late = {"company": 30}.get(name) or (20 if name.startswith("address") else 10)
    return late, name


def _brief(thing: Table | Column) -> dict[str, Any]:
    """A dataclass as a dict without what equals its defaults."""
    blank: Any = Table("", "", "", "") if isinstance(thing, Table) else Column("", "", "")
    values = ((each.name, getattr(thing, each.name)) for each in fields(thing) if each.name != "columns")
    return {
        name: dict(value) if isinstance(value, Mapping) else value
        for name, value in values
        if value != getattr(blank, name)
    }


def _table_from(data: Mapping[str, Any]) -> Table:
    columns = [Column(**column) for column in data["columns"]]
    return Table(**{**data, "columns": {column.logical_name: column for column in columns}})

"""Whether a request to Dataverse uses only names that are there. Its own reading of requests, not the stand-in's.

The truth is the derived metadata file and what Acme added to it (ipexportal/sandbox/data, customizations), taken as plain
data: entity sets, columns, navigation properties, and what each column may be used for. Everything else in a request that
looks like a name is a mistake.
"""

import json
import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, unquote

from ipexportal.sandbox import Sandbox, customizations
from ipexportal.sandbox.server import Seen

ROOT = "/api/data/v9.2/"
LOOKUPS = {"Lookup", "Customer", "Owner"}
NOT_SHOWN = {"PartyList", "CalendarRules", "ManagedProperty", "Virtual", "EntityName"}
WORDS = {"and", "or", "not", "eq", "ne", "gt", "ge", "lt", "le", "null", "true", "false"}
FUNCTIONS_IN_FILTERS = {"startswith", "endswith", "contains", "Microsoft.Dynamics.CRM.In"}
OPTIONS = {"$select", "$filter", "$expand", "$orderby", "$top", "$count", "$skiptoken", "$deltatoken"}  # in links
ACTS = {  # Microsoft: Web API Function Reference, Web API Action Reference
    "WhoAmI",
    "RetrieveVersion",
    "RetrieveUserPrivileges",
    "RetrieveUserPrivilegeByPrivilegeName",
    "PublishXml",
}
DEFINITION = {  # Microsoft: EntityMetadata, AttributeMetadata, relationship metadata EntityTypes
    "LogicalName", "SchemaName", "EntitySetName", "PrimaryIdAttribute", "PrimaryNameAttribute", "HasActivities",
    "IsCustomEntity", "IsActivity", "IsIntersect", "IsPrivate", "DisplayName",
    "DisplayCollectionName", "ChangeTrackingEnabled", "Privileges",
    "OwnershipType", "ObjectTypeCode", "MetadataId", "CanTriggerWorkflow", "IsCustomizable", "AttributeType",
    "AttributeTypeName", "RequiredLevel", "IsValidForRead", "IsValidForCreate", "IsValidForUpdate", "IsCustomAttribute",
    "AttributeOf", "MaxLength", "DatabaseLength", "FormatName", "Format", "Targets", "IsLogical", "IsPrimaryId",
    "IsPrimaryName", "ReferencingEntityNavigationPropertyName", "ReferencingAttribute", "ReferencingEntity",
    "ReferencedEntity", "ReferencedAttribute", "ReferencedEntityNavigationPropertyName", "KeyAttributes",
    "EntityKeyIndexStatus", "DateTimeBehavior", "OptionSet", "GlobalOptionSet", "Options", "IsManaged", "IsRenameable",
}  # fmt: skip
PARTS = {"Attributes", "ManyToOneRelationships", "OneToManyRelationships", "ManyToManyRelationships", "Keys",
         "OptionSet", "GlobalOptionSet"}  # fmt: skip
STRING = re.compile(r"'(?:[^']|'')*'")
GUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
TIME = re.compile(r"\b\d{4}-\d\d-\d\dT[\d:.]+Z?|\b\d{4}-\d\d-\d\d\b")
NAME = re.compile(r"@?[A-Za-z_][\w.]*(?:/[A-Za-z_][\w.]*)*")
IN = re.compile(r"Microsoft\.Dynamics\.CRM\.In\(PropertyName='([^']*)',PropertyValues=\[(?:[^\]\"]|\"[^\"]*\")*\]\)")
Json = dict[str, Any]


def _organization() -> dict[str, Json]:
    raw: dict[str, Json] = json.loads((files("ipexportal.sandbox") / "data" / "tables.json").read_text())
    customizations.complete(raw)
    return raw


TABLES = _organization()
SETS = {table["entity_set"]: name for name, table in TABLES.items()}


@cache
def properties(table: str, may: str = "r") -> dict[str, str]:
    """OData names of the columns that may be r(ead), c(reated) or u(pdated), and their types."""
    return {
        f"_{name}_value" if column["type"] in LOOKUPS else name: column["type"]
        for name, column in TABLES[table]["columns"].items()
        if may in column.get("valid", "rcu") and column["type"] not in NOT_SHOWN and not column.get("attribute_of")
    }


@cache
def navigation(table: str) -> dict[str, str]:
    """Single- and collection-valued navigation properties and the table each leads to ("owner": several)."""
    of = TABLES[table]
    return {name: one["table"] for name, one in {**of["navigation"], **of["collections"]}.items()}


def mistakes(seen: Seen) -> list[str]:
    """What of this request is not in the metadata; [] for what is no request to Dataverse."""
    if seen.side != "dataverse" or not seen.path.startswith(ROOT):
        return []
    return list(_mistakes(seen))


def _mistakes(seen: Seen) -> Iterator[str]:
    first, *rest = _segments(unquote(seen.path[len(ROOT) :]))
    name, key = _call(first)
    if name == "EntityDefinitions":
        yield from _definition(key, rest, seen)
        return
    if name in ACTS:
        return
    if name not in SETS:
        yield f"entity set {name}"
        return
    table: str | None = SETS[name]
    if key and not GUID.fullmatch(key):
        yield f"key ({key}) of {name}"
    for segment in rest:
        part, _ = _call(segment)
        if part.removeprefix("Microsoft.Dynamics.CRM.") in ACTS and "." in part:
            table = None
        elif table and part in navigation(table):
            table = navigation(table)[part]
        else:
            yield f"{part} after {name}"
            return
    if table:
        yield from _options(table, dict(parse_qsl(seen.query, keep_blank_values=True)))
        yield from _body(table, seen)


def _segments(path: str) -> list[str]:
    """`EntityDefinitions(LogicalName='a')/Attributes` apart; slashes in parentheses stay."""
    return re.findall(r"[^/(]+(?:\([^)]*\))?", path)


def _call(segment: str) -> tuple[str, str]:
    name, _, inner = segment.partition("(")
    return name, inner.removesuffix(")")


def _definition(key: str, rest: list[str], seen: Seen) -> Iterator[str]:
    """Asking for a table that is not there is how one learns that; what is asked about it must exist."""
    table = re.fullmatch(r"LogicalName='([^']*)'", key)
    known = table and table[1] in TABLES
    if key and not known and not (table and seen.status == 404 and table[1] == table[1].lower()):
        yield f"table {key}"
    for segment in rest:
        part, column = _call(segment)
        named = re.fullmatch(r"LogicalName='([^']*)'", column)
        if part not in PARTS and not re.fullmatch(r"Microsoft\.Dynamics\.CRM\.[A-Z]\w+Metadata", part):
            yield f"{part} of a table's definition"
        if named and table and known and named[1] not in TABLES[table[1]]["columns"]:
            yield f"column {named[1]} of {table[1]}"
    for option, value in parse_qsl(seen.query):
        if option == "$select":
            yield from (f"{each} of a definition" for each in value.split(",") if each not in DEFINITION)
        elif option not in OPTIONS | {"LabelLanguages"}:
            yield f"option {option}"


def _options(table: str, options: Json) -> Iterator[str]:
    for option, value in options.items():
        if option == "$select":
            yield from _columns(table, value.split(","))
        elif option == "$orderby":
            yield from _columns(table, [each.split()[0] for each in value.split(",")])
        elif option == "$filter":
            yield from _filter(table, value)
        elif option == "$expand":
            yield from _expand(table, value)
        elif option not in OPTIONS and not option.startswith("@"):
            yield f"option {option}"


def _columns(table: str, names: list[str]) -> Iterator[str]:
    known = properties(table)
    yield from (f"column {name} of {table}" for name in names if name not in known)


def _filter(table: str, text: str) -> Iterator[str]:
    yield from _columns(table, IN.findall(text))
    bare = TIME.sub(" ", GUID.sub(" ", STRING.sub(" ", IN.sub(" ", text))))
    for name in NAME.findall(bare):
        if name in WORDS or name in FUNCTIONS_IN_FILTERS or name.startswith("@"):
            continue
        *way, column = name.split("/")
        at: str | None = table
        for step in way:
            at = navigation(at).get(step) if at in TABLES else None
        if at not in TABLES or column not in properties(at):
            yield f"column {name} of {table} in a filter"


def _expand(table: str, text: str) -> Iterator[str]:
    for name, inner in re.findall(r"([^,(]+)(?:\(([^)]*)\))?", text):
        target = navigation(table).get(name)
        if target is None:
            yield f"navigation property {name} of {table}"
        elif target in TABLES:
            yield from _options(target, dict(part.split("=", 1) for part in inner.split(";") if part))


def _body(table: str, seen: Seen) -> Iterator[str]:
    if seen.method in {"POST", "PATCH"} and seen.body:
        may = "c" if seen.method == "POST" else "cu"  # a PATCH with If-None-Match creates
        yield from _row(table, json.loads(seen.body), may)


def _row(table: str, row: Json, may: str) -> Iterator[str]:
    allowed = {name for each in may for name in properties(table, each)} | {TABLES[table]["id_column"]}
    for key, value in row.items():
        name, _, annotation = key.partition("@")
        if annotation == "odata.bind":
            yield from _bind(table, name, value)
        elif annotation or not name:
            if key != "@odata.type":
                yield f"annotation {key}"
        elif isinstance(value, list):
            target = navigation(table).get(name)
            if target not in TABLES:
                yield f"navigation property {name} of {table}"
                continue
            for part in value:
                yield from _row(target, part, "c")
        elif name not in allowed or name.startswith("_"):
            yield f"column {name} of {table} in a body"


def _bind(table: str, name: str, value: str | None) -> Iterator[str]:
    target = TABLES[table]["navigation"].get(name, {}).get("table")
    if target is None:
        yield f"navigation property {name} of {table}"
        return
    if value is None:
        return
    found = re.fullmatch(r"/?(\w+)\(([0-9a-fA-F-]{36})\)", value)
    targets = {"systemuser", "team"} if target == "owner" else {target}
    if not found or SETS.get(found[1]) not in targets:
        yield f"{name} of {table} bound to {value}"


@dataclass
class Watch:
    """Everything one sandbox was asked, also what it forgot meanwhile, with the test that was running."""

    test: Callable[[], str]
    seen: list[tuple[str, Seen]] = field(default_factory=list)
    on_purpose: bool = False

    def note(self, seen: Seen) -> None:
        if not self.on_purpose:
            self.seen.append((self.test(), seen))

    def mistakes(self) -> list[str]:
        """`test: METHOD path: what is wrong`, each wrong name once."""
        found: dict[str, str] = {}
        for test, seen in self.seen:
            for mistake in mistakes(seen):
                found.setdefault(mistake, f"{test}: {seen.method} {seen.path}: {mistake}")
        return list(found.values())


class Watched(deque[Seen]):
    """The sandbox's list of requests, which tells a `Watch` of each."""

    def __init__(self, watch: Watch, kept: int) -> None:
        super().__init__(maxlen=kept)
        self.watch = watch

    def append(self, seen: Seen, /) -> None:
        super().append(seen)
        self.watch.note(seen)


def watch(sandbox: Sandbox) -> Watch:
    """The watch of this sandbox; the first call begins it."""
    application = sandbox._application
    if not isinstance(application.requests, Watched):
        application.requests = Watched(Watch(_running_test), application.requests.maxlen or 0)
    return application.requests.watch


def _running_test() -> str:
    return os.environ.get("PYTEST_CURRENT_TEST", "?").partition(" ")[0]

"""Cut `tables.json` out of published metadata of real organizations; README.md beside this file names the sources.

Run by hand: `python -m ipexportal.sandbox.data.derive CSDL.xml ENTITYMETADATA.json DEVKIT.json > tables.json`
"""

import json
import re
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree  # trusted input: run by hand on files one has chosen

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
HOSTED = [
    "account",
    "contact",
    "lead",
    "phonecall",
    "task",
    "appointment",
    "activitypointer",
    "activityparty",
    "systemuser",
    "team",
    "businessunit",
    "appmodule",
    "organization",
    "role",
    "transactioncurrency",
]
WITH_ATTRIBUTES = ("account", "contact", "lead", "team", "appmodule")
VENDORS = re.compile(r"^(adx|msa|msdyn|msdyncrm|msdynmkt|msevtmgt|mspp|msgdpr|dnb)_")
EDM_TYPES = {
    "Edm.String": "String",
    "Edm.Int32": "Integer",
    "Edm.Int64": "BigInt",
    "Edm.Boolean": "Boolean",
    "Edm.DateTimeOffset": "DateTime",
    "Edm.Date": "DateTime",
    "Edm.Decimal": "Decimal",
    "Edm.Double": "Double",
    "Edm.Guid": "Uniqueidentifier",
}
SCHEMA_NAMES = {
    "phonecall": "PhoneCall",
    "task": "Task",
    "appointment": "Appointment",
    "activitypointer": "ActivityPointer",
    "activityparty": "ActivityParty",
    "systemuser": "SystemUser",
    "businessunit": "BusinessUnit",
    "organization": "Organization",
    "role": "Role",
    "transactioncurrency": "TransactionCurrency",
}
NAME_COLUMNS = {
    "phonecall": "subject",
    "task": "subject",
    "appointment": "subject",
    "activitypointer": "subject",
    "activityparty": "",
    "systemuser": "fullname",
    "transactioncurrency": "currencyname",
}
TYPE_CODES = {
    "phonecall": 4210,
    "task": 4212,
    "appointment": 4201,
    "activitypointer": 4200,
    "activityparty": 135,
    "systemuser": 8,
    "businessunit": 10,
    "organization": 1019,
    "role": 1036,
    "transactioncurrency": 9105,
}
CUSTOM_OPTIONS = 190_000_000  # values that customizers and add-ons made
KEPT = {
    "schema_name": "schema",
    "label": "label",
    "MaxLength": "max_length",
    "Format": "format",
    "FormatName": "format_name",
    "RequiredLevel": "required",
    "Targets": "targets",
    "AttributeOf": "attribute_of",
    "Precision": "precision",
    "DateTimeBehavior": "behavior",
    "MinValue": "min",
    "MaxValue": "max",
}


def main(csdl: Path, cloud: Path, devkit: Path) -> None:
    types = {str(node.get("Name")): node for node in ElementTree.parse(csdl).iter(f"{EDM}EntityType")}  # noqa: S314
    sets = {
        str(node.get("EntityType")).rpartition(".")[2]: str(node.get("Name"))
        for node in ElementTree.parse(csdl).iter(f"{EDM}EntitySet")  # noqa: S314
    }
    attributes = json.loads(cloud.read_text())
    lookups = json.loads(devkit.read_text())["entities"]
    tables = {}
    for name in HOSTED:
        source = attributes[name] if name in WITH_ATTRIBUTES else None
        table = from_attributes(source) if source else from_csdl(name, types, sets[name], lookups[name])
        table["navigation"] = navigation(name, types, source, table)
        table["collections"] = collections(name, types)
        tables[name] = table
    spell_schema_names(tables)
    json.dump(tables, sys.stdout, ensure_ascii=False, indent=0, sort_keys=False, separators=(",", ":"))


def from_attributes(source: dict[str, Any]) -> dict[str, Any]:
    """A table whose full attribute metadata is published."""
    return {
        "schema_name": source["SchemaName"],
        "entity_set": source["EntitySetName"],
        "id_column": source["PrimaryIdAttribute"],
        "name_column": source["PrimaryNameAttribute"],
        "type_code": source["ObjectTypeCode"],
        "ownership": source["OwnershipType"],
        "is_activity": bool(source["IsActivity"]),
        "has_activities": bool(source["HasActivities"]),
        "change_tracking": bool(source["ChangeTrackingEnabled"]),
        "metadata_id": source["MetadataId"],
        "label": source["DisplayName"],
        "plural": source["DisplayCollectionName"],
        "columns": {
            name: column_of(attribute)
            for name, attribute in source["Attributes"].items()
            if not VENDORS.match(name) and not VENDORS.match(attribute.get("AttributeOf") or "")
        },
    }


def column_of(attribute: dict[str, Any]) -> dict[str, Any]:
    valid = {"r": "IsValidForRead", "c": "IsValidForCreate", "u": "IsValidForUpdate"}
    column = {"type": attribute["type"]}
    if attribute["type"] == "Virtual":
        column["type_name"] = attribute["type_name"]
    for theirs, ours in KEPT.items():
        value = attribute.get(theirs)
        if value not in (None, "", "None", []):
            column[ours] = value
    column["valid"] = "".join(letter for letter, key in valid.items() if attribute.get(key))
    if attribute.get("IsLogical"):
        column["logical"] = True
    if attribute.get("options"):
        column["options"] = {value: one for value, one in attribute["options"].items() if int(value) < CUSTOM_OPTIONS}
    return column


def from_csdl(name: str, types: dict[str, Any], entity_set: str, lookups: dict[str, Any]) -> dict[str, Any]:
    """A table of which only the CSDL is published: types from it, read-only columns and targets from the bind names."""
    activity = name in ("phonecall", "task", "appointment", "activitypointer")
    columns = {}
    for node in properties(types, name):
        column = str(node.get("Name"))
        bare = re.sub(r"^_(.+)_value$", r"\1", column)
        if VENDORS.match(bare) or not EDM_TYPES.get(str(node.get("Type"))):
            continue
        columns[bare] = csdl_column(name, column, bare, str(node.get("Type")), lookups)
    return {
        "schema_name": SCHEMA_NAMES[name],
        "entity_set": entity_set,
        "id_column": "activityid" if activity else f"{name}id",
        "name_column": NAME_COLUMNS.get(name, "name"),
        "type_code": TYPE_CODES[name],
        "ownership": "UserOwned" if activity else "OrganizationOwned",
        "is_activity": activity,
        "has_activities": False,
        "change_tracking": activity,
        "label": "",
        "plural": "",
        "columns": columns,
    }


def csdl_column(table: str, column: str, bare: str, edm: str, lookups: dict[str, Any]) -> dict[str, Any]:
    if column != bare:
        targets = [one["target"] for one in lookups["lookups"] if one["property"] == column]
        targets = [target for target in targets if target in HOSTED]
        return {
            "type": "Owner" if bare == "ownerid" else "Lookup",
            "schema": bare,
            "targets": targets,
            "valid": "r" if column in lookups["read_only"] else "rcu",
        }
    kind = {"statecode": "State", "statuscode": "Status"}.get(bare, EDM_TYPES[edm])
    if kind == "Integer" and (bare.endswith("code") and bare not in ("utcconversiontimezonecode",)):
        kind = "Picklist"
    valid = "r" if column in lookups["read_only"] else "rcu"
    return {"type": kind, "schema": bare, "valid": {f"{table}id": "rc", "activityid": "rc"}.get(bare, valid)}


def properties(types: dict[str, Any], name: str) -> list[Any]:
    node = types[name]
    base = str(node.get("BaseType", "")).rpartition(".")[2]
    inherited = properties(types, base) if base in types else []
    return [*inherited, *node.findall(f"{EDM}Property")]


def navigations(types: dict[str, Any], name: str) -> list[Any]:
    node = types[name]
    base = str(node.get("BaseType", "")).rpartition(".")[2]
    inherited = navigations(types, base) if base in types else []
    return [*inherited, *node.findall(f"{EDM}NavigationProperty")]


def navigation(
    name: str, types: dict[str, Any], source: dict[str, Any] | None, table: dict[str, Any]
) -> dict[str, dict[str, str]]:
    """Single-valued navigation properties to tables that the sandbox hosts."""
    found: dict[str, dict[str, str]] = {}
    for relation in (source or {}).get("ManyToOneRelationships", []):
        if relation["ReferencedEntity"] in (*HOSTED, "owner"):
            found[relation["ReferencingEntityNavigationPropertyName"]] = {
                "column": relation["ReferencingAttribute"],
                "table": relation["ReferencedEntity"],
                "reverse": relation["ReferencedEntityNavigationPropertyName"] or "",
                "relationship": relation["SchemaName"],
            }
    for node in navigations(types, name):
        target, nav = str(node.get("Type")).rpartition(".")[2], str(node.get("Name"))
        target = "owner" if target == "principal" else target
        column = constrained(node) or re.sub(rf"_({'|'.join(HOSTED)})(_{name})?$|_{name}$", "", nav)
        unsuffixed = table["is_activity"] and re.fullmatch(r"regardingobjectid_[a-z]+", nav)
        if nav in found or target not in (*HOSTED, "owner") or column not in table["columns"] or unsuffixed:
            continue
        reverse = str(node.get("Partner") or "")
        found[nav] = {"column": column, "table": target, "reverse": reverse, "relationship": reverse or nav}
    return {nav: one for nav, one in found.items() if one["column"] in table["columns"]}


def constrained(node: Any) -> str:
    constraint = node.find(f"{EDM}ReferentialConstraint")
    if constraint is None:
        return ""
    return re.sub(r"^_(.+)_value$", r"\1", str(constraint.get("Property")))


def collections(name: str, types: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Collection-valued ones: name → the other table and the navigation property there that points back."""
    found = {}
    for node in navigations(types, name):
        kind = re.fullmatch(r"Collection\(mscrm\.(\w+)\)", str(node.get("Type")))
        if kind and kind[1] in HOSTED:
            found[str(node.get("Name"))] = {"table": kind[1], "partner": str(node.get("Partner") or "")}
    return found


def spell_schema_names(tables: dict[str, Any]) -> None:
    """Columns known only from the CSDL take the schema name of a column of the same logical name elsewhere."""
    known = {
        name: column["schema"]
        for table in WITH_ATTRIBUTES
        for name, column in tables[table]["columns"].items()
        if "schema" in column
    }
    for name, table in tables.items():
        for logical, column in table["columns"].items():
            if name not in WITH_ATTRIBUTES:
                column["schema"] = known.get(logical, column["schema"])


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))

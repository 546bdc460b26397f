"""Metadata over the Web API: `EntityDefinitions`, their attributes, casts, choices and relationships.

Microsoft: "Query table definitions using the Web API", EntityMetadata and AttributeMetadata reference.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from ipexportal.sandbox import errors, like
from ipexportal.sandbox.metadata import Column, Model, Navigation, Option, Table, metadata_id
from ipexportal.sandbox.odata import AllOf, AnyOf, Call, Comparison, Expand, Filter, Not, Options, Path, TextTest, Value
from ipexportal.sandbox.odata import parse as parse_options
from ipexportal.sandbox.reading import Caller
from ipexportal.sandbox.rights import VERBS, privilege_id

Json = dict[str, Any]
NAMESPACE: Final = "Microsoft.Dynamics.CRM."
KEY: Final = r"\((?:LogicalName='(?P<{0}>[^']*)'|(?P<{0}_id>[0-9a-fA-F-]{{36}}))\)"
PATH: Final = re.compile(
    r"EntityDefinitions(?:"
    + KEY.format("table")
    + r"(?:/(?P<part>Attributes|ManyToOneRelationships|OneToManyRelationships|ManyToManyRelationships|Keys)"
    + r"(?:"
    + KEY.format("column")
    + r")?(?:/Microsoft\.Dynamics\.CRM\.(?P<cast>\w+))?(?:/(?P<options>OptionSet|GlobalOptionSet))?)?)?"
)
PLAIN: Final = frozenset({"Uniqueidentifier", "Virtual", "EntityName", "CalendarRules"})
CLASSES: Final = {
    "Customer": "LookupAttributeMetadata",
    "Owner": "LookupAttributeMetadata",
    "PartyList": "LookupAttributeMetadata",
}
ENUMS: Final = frozenset({"PicklistAttributeMetadata", "StateAttributeMetadata", "StatusAttributeMetadata"})
CASTS: Final = frozenset(
    {
        "StringAttributeMetadata",
        "MemoAttributeMetadata",
        "LookupAttributeMetadata",
        "DateTimeAttributeMetadata",
        "IntegerAttributeMetadata",
        "BigIntAttributeMetadata",
        "DecimalAttributeMetadata",
        "DoubleAttributeMetadata",
        "MoneyAttributeMetadata",
        "BooleanAttributeMetadata",
        "PicklistAttributeMetadata",
        "StateAttributeMetadata",
        "StatusAttributeMetadata",
        "MultiSelectPicklistAttributeMetadata",
        "EntityNameAttributeMetadata",
        "ManagedPropertyAttributeMetadata",
        "UniqueIdentifierAttributeMetadata",
        "ImageAttributeMetadata",
        "FileAttributeMetadata",
        "EnumAttributeMetadata",
    }
)
OPTION_SET_TYPES: Final = {"State": "State", "Status": "Status", "Boolean": "Boolean"}


@dataclass(slots=True)
class Definitions:
    """Answers one metadata request of one caller."""

    model: Model
    caller: Caller

    def answer(self, path: str, query: str) -> Json:
        """Raises `Refused` 404 for unknown tables and columns, 501 for parts that are not served."""
        found = PATH.fullmatch(path)
        if not found:
            raise errors.unknown_segment(path.partition("(")[0].partition("/")[0])
        options = parse_options(query)
        if not found["table"] and not found["table_id"]:
            return self._list("EntityDefinitions", [self._entity(table, options) for table in self.model], options)
        table = self._table(found["table"], found["table_id"])
        if not found["part"]:
            shown = self._entity(table, options)
            return {
                "@odata.context": self._context("EntityDefinitions", options, single=True),
                **_chosen(shown, options),
            }
        return self._part(table, found, options)

    def _part(self, table: Table, found: re.Match[str], options: Options) -> Json:
        prefix = f"EntityDefinitions('{table.logical_name}')/{found['part']}"
        cast = found["cast"] or ""
        if cast and cast not in CASTS:
            raise errors.unknown_segment(f"{NAMESPACE}{cast}")
        if found["part"] == "Attributes":
            if found["column"] is not None or found["column_id"]:
                column = self._column(table, found["column"], found["column_id"])
                return self._single_attribute(table, column, cast, found["options"], prefix, options)
            columns = [one for one in table.columns.values() if not cast or class_of(one) == cast]
            shown = [self._attribute(table, one, options, cast=cast) for one in columns]
            return self._list(f"{prefix}/{NAMESPACE}{cast}" if cast else prefix, shown, options)
        if found["part"] == "ManyToOneRelationships":
            return self._list(prefix, [self._many_to_one(table, nav) for nav in relations(table)], options)
        if found["part"] == "OneToManyRelationships":
            return self._list(prefix, list(self._one_to_many(table)), options)
        return self._list(prefix, [], options)

    def _single_attribute(
        self, table: Table, column: Column, cast: str, part: str | None, prefix: str, options: Options
    ) -> Json:
        if cast and class_of(column) != cast:
            raise errors.Refused(404, "0x80060888", f"Resource not found for the segment '{NAMESPACE}{cast}'.")
        context = f"{prefix}({column_id(table, column)})" + (f"/{NAMESPACE}{cast}" if cast else "")
        if part:
            shown = self._option_set(table, column) if part == "OptionSet" else None
            return {"@odata.context": self._context(f"{context}/{part}", options, single=True), **(shown or {})}
        shown = self._attribute(table, column, options, cast=cast)
        return {"@odata.context": self._context(context, options, single=True), **_chosen(shown, options)}

    def _list(self, name: str, rows: list[Json], options: Options) -> Json:
        kept = [row for row in rows if options.filter is None or truth(options.filter, row)]
        for order in reversed(options.order):
            kept.sort(key=lambda row: str(row.get(order.column)), reverse=order.descending)
        shown: Json = {"@odata.context": self._context(name, options, single=False)}
        if options.count:
            shown["@odata.count"] = len(kept)
        return {**shown, "value": [_chosen(row, options) for row in kept[: options.top]]}

    def _context(self, name: str, options: Options, *, single: bool) -> str:
        names = [*options.select, *(f"{one.navigation}({','.join(one.options.select)})" for one in options.expand)]
        listed = f"({','.join(names)})" if names else ""
        return f"{self.caller.base}/$metadata#{name}{listed}{'/$entity' if single else ''}"

    def _table(self, name: str | None, table_id: str | None) -> Table:
        for table in self.model:
            if table.logical_name == name or (
                table_id and table_id.lower() == metadata_id("table", table.logical_name)
            ):
                return table
        raise errors.Refused(
            404,
            "0x80060888",
            f"The entity with a name = '{name or table_id}' with namemapping = 'Logical' was not found in the "
            "MetadataCache.",
        )

    def _column(self, table: Table, name: str | None, wanted: str | None) -> Column:
        for column in table.columns.values():
            if column.logical_name == name or (wanted and wanted.lower() == column_id(table, column)):
                return column
        message = f"Could not find an attribute with name '{name or wanted}' on entity '{table.logical_name}'."
        raise errors.Refused(404, "0x80060888", message)

    # one table

    def _entity(self, table: Table, options: Options) -> Json:
        shown: Json = {
            "MetadataId": metadata_id("table", table.logical_name),
            "HasChanged": None,
            "LogicalName": table.logical_name,
            "SchemaName": table.schema_name,
            "EntitySetName": table.entity_set,
            "LogicalCollectionName": table.entity_set,
            "CollectionSchemaName": table.plurals.get(1033, table.schema_name).replace(" ", ""),
            "PrimaryIdAttribute": table.id_column,
            "PrimaryNameAttribute": table.name_column or None,
            "PrimaryImageAttribute": None,
            "ObjectTypeCode": table.type_code,
            "OwnershipType": table.ownership,
            "TableType": "Standard",
            "IsActivity": table.is_activity,
            "IsActivityParty": table.has_activities,
            "IsCustomEntity": table.custom,
            "IsManaged": not table.custom,
            "IsIntersect": False,
            "IsPrivate": False,
            "IsLogicalEntity": False,
            "IsValidForAdvancedFind": True,
            "IsOptimisticConcurrencyEnabled": True,
            "HasActivities": table.has_activities,
            "HasNotes": table.user_owned,
            "ChangeTrackingEnabled": table.change_tracking,
            "DisplayName": self.label("table", table.logical_name, labels=table.labels),
            "DisplayCollectionName": self.label("plural", table.logical_name, labels=table.plurals),
            "Description": self.label("description", table.logical_name, labels={}),
            "CanCreateAttributes": _managed(True, "cancreateattributes"),
            "CanChangeTrackingBeEnabled": _managed(True, "canchangetrackingbeenabled"),
            "IsCustomizable": _managed(True, "iscustomizable"),
            "Privileges": [_privilege(table, verb) for verb in VERBS],
        }
        for expand in options.expand:
            shown[expand.navigation] = self._expanded(table, expand)
        _check_names(options.select, shown, "EntityMetadata")
        return shown

    def _expanded(self, table: Table, expand: Expand) -> list[Json]:
        match expand.navigation:
            case "Attributes":
                rows = [self._attribute(table, one, expand.options) for one in table.columns.values()]
            case "ManyToOneRelationships":
                rows = [self._many_to_one(table, nav) for nav in relations(table)]
            case "OneToManyRelationships":
                rows = list(self._one_to_many(table))
            case "ManyToManyRelationships" | "Keys":
                rows = []
            case unknown:
                raise errors.unknown_property(unknown, "EntityMetadata")
        kept = [row for row in rows if expand.options.filter is None or truth(expand.options.filter, row)]
        return [_chosen(row, expand.options) for row in kept]

    # attributes

    def _attribute(self, table: Table, column: Column, options: Options, *, cast: str = "") -> Json:
        kind = class_of(column)
        shown: Json = {} if cast or kind == "AttributeMetadata" else {"@odata.type": f"#{NAMESPACE}{kind}"}
        shown |= self._common(table, column)
        derived = self._derived(column, kind)
        if not cast:
            _check_names(options.select, shown, "AttributeMetadata")
            if options.expand:
                raise errors.unknown_property(options.expand[0].navigation, "AttributeMetadata")
            return shown if options.select else shown | derived
        shown |= derived
        _check_names(options.select, shown, kind)
        for expand in options.expand:
            shown[expand.navigation] = self._expanded_options(table, column, expand, kind)
        return shown

    def _expanded_options(self, table: Table, column: Column, expand: Expand, kind: str) -> Json | None:
        if expand.navigation not in ("OptionSet", "GlobalOptionSet") or column.type not in (
            "Boolean",
            "State",
            "Status",
            "Picklist",
        ):
            raise errors.unknown_property(expand.navigation, kind)
        if expand.navigation == "GlobalOptionSet":
            return None
        return _chosen(self._option_set(table, column), expand.options)

    def _common(self, table: Table, column: Column) -> Json:
        return {
            "MetadataId": column_id(table, column),
            "HasChanged": None,
            "AttributeOf": column.attribute_of or None,
            "AttributeType": column.type,
            "AttributeTypeName": {"Value": column.type_name or f"{column.type}Type"},
            "EntityLogicalName": table.logical_name,
            "LogicalName": column.logical_name,
            "SchemaName": column.schema_name,
            "DisplayName": self.label(table.logical_name, column.logical_name, labels=column.labels),
            "Description": self.label(table.logical_name, column.logical_name, "description", labels={}),
            "IsCustomAttribute": column.custom,
            "IsManaged": not column.custom,
            "IsLogical": column.logical,
            "IsPrimaryId": column.logical_name == table.id_column,
            "IsPrimaryName": column.logical_name == table.name_column,
            "IsSecured": False,
            "IsValidForRead": "r" in column.valid,
            "IsValidForCreate": "c" in column.valid,
            "IsValidForUpdate": "u" in column.valid,
            "IsValidForAdvancedFind": _managed(not column.attribute_of, "canmodifysearchsettings"),
            "RequiredLevel": {
                "Value": column.required,
                "CanBeChanged": column.required != "SystemRequired" and not column.level_fixed,
                "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings",
            },
            "SourceType": 0,
        }

    def _derived(self, column: Column, kind: str) -> Json:
        match kind:
            case "StringAttributeMetadata" | "MemoAttributeMetadata":
                name = column.format_name or ("TextArea" if column.type == "Memo" else "Text")
                plain = name if name in ("Email", "Text", "TextArea", "Url") else "Text"
                return {
                    "MaxLength": column.max_length,
                    "Format": plain,
                    "FormatName": {"Value": name},
                    "ImeMode": "Auto",
                }
            case "LookupAttributeMetadata":
                return {"Targets": list(column.targets), "Format": "None"}
            case "DateTimeAttributeMetadata":
                behavior = {"Value": column.behavior or "UserLocal"}
                return {"Format": column.format or "DateAndTime", "DateTimeBehavior": behavior, "ImeMode": "Inactive"}
            case "IntegerAttributeMetadata":
                return {"Format": column.format or "None", "MinValue": column.minimum, "MaxValue": column.maximum}
            case "DecimalAttributeMetadata" | "DoubleAttributeMetadata" | "MoneyAttributeMetadata":
                return {"Precision": column.precision, "MinValue": column.minimum, "MaxValue": column.maximum}
            case "BooleanAttributeMetadata":
                return {"DefaultValue": column.logical_name == "directioncode"}
            case "PicklistAttributeMetadata":
                return {"DefaultFormValue": -1, "ParentPicklistLogicalName": None, "ChildPicklistLogicalNames": []}
        return {}

    def _option_set(self, table: Table, column: Column) -> Json:
        name = f"{table.logical_name}_{column.logical_name}"
        shown: Json = {
            "MetadataId": metadata_id("options", name),
            "HasChanged": None,
            "Name": name,
            "IsGlobal": False,
            "IsCustomOptionSet": column.custom,
            "IsManaged": not column.custom,
            "OptionSetType": OPTION_SET_TYPES.get(column.type, "Picklist"),
            "DisplayName": self.label(name, "name", labels=column.labels),
            "Description": self.label(name, "description", labels={}),
        }
        options = {option.value: self._option(name, option, column.type) for option in column.options}
        if column.type == "Boolean":
            blank = [self._option(name, Option(value, {1033: text}), "") for value, text in ((0, "No"), (1, "Yes"))]
            return shown | {"FalseOption": options.get(0, blank[0]), "TrueOption": options.get(1, blank[1])}
        return shown | {"Options": list(options.values())}

    def _option(self, name: str, option: Option, kind: str) -> Json:
        shown: Json = {
            "Value": option.value,
            "Color": None,
            "IsManaged": True,
            "MetadataId": None,
            "HasChanged": None,
            "Label": self.label(name, str(option.value), labels=option.labels),
            "Description": self.label(name, str(option.value), "description", labels={}),
        }
        if kind == "State":
            shown = {"@odata.type": f"#{NAMESPACE}StateOptionMetadata", **shown, "DefaultStatus": option.default_status}
            shown["InvariantName"] = option.labels.get(1033)
        if kind == "Status":
            shown = {"@odata.type": f"#{NAMESPACE}StatusOptionMetadata", **shown, "State": option.state}
        return shown

    def label(self, *parts: str, labels: dict[int, str]) -> Json:
        """All languages, and the caller's own, which is null where nobody translated."""
        localized = [
            {
                "Label": text,
                "LanguageCode": code,
                "IsManaged": True,
                "MetadataId": metadata_id("label", *parts, str(code)),
                "HasChanged": None,
            }
            for code, text in sorted(labels.items(), reverse=True)
        ]
        own = next((one for one in localized if one["LanguageCode"] == self.caller.user.language), None)
        return {"LocalizedLabels": localized, "UserLocalizedLabel": own}

    # relationships

    def _many_to_one(self, table: Table, navigation: Navigation) -> Json:
        referenced = self.model.tables.get(navigation.table)
        return self._relationship(
            table, navigation, navigation.table, referenced.id_column if referenced else "ownerid"
        )

    def _one_to_many(self, table: Table) -> Iterable[Json]:
        for other in self.model:
            for navigation in relations(other):
                if navigation.table == table.logical_name:
                    yield self._relationship(other, navigation, table.logical_name, table.id_column)

    def _relationship(self, table: Table, navigation: Navigation, referenced: str, attribute: str) -> Json:
        return {
            "MetadataId": metadata_id("relationship", table.logical_name, navigation.name),
            "HasChanged": None,
            "SchemaName": navigation.relationship,
            "RelationshipType": "OneToManyRelationship",
            "IsCustomRelationship": navigation.custom,
            "IsManaged": not navigation.custom,
            "IsHierarchical": False,
            "IsValidForAdvancedFind": True,
            "ReferencedEntity": referenced,
            "ReferencedAttribute": attribute,
            "ReferencedEntityNavigationPropertyName": navigation.reverse,
            "ReferencingEntity": table.logical_name,
            "ReferencingAttribute": navigation.column,
            "ReferencingEntityNavigationPropertyName": navigation.name,
        }


def relations(table: Table) -> list[Navigation]:
    """What metadata lists as many-to-one: an activity's inherited look-ups appear under their suffixed names."""
    if not table.is_activity:
        return list(table.navigation.values())
    suffixed = {nav.column for nav in table.navigation.values() if nav.name.endswith(f"_{table.logical_name}")}
    return [
        nav
        for nav in table.navigation.values()
        if nav.column not in suffixed or nav.name.endswith(f"_{table.logical_name}")
    ]


def class_of(column: Column) -> str:
    if column.type in PLAIN:
        return "AttributeMetadata"
    return CLASSES.get(column.type, f"{column.type}AttributeMetadata")


def column_id(table: Table, column: Column) -> str:
    return metadata_id("column", table.logical_name, column.logical_name)


def _privilege(table: Table, verb: str) -> Json:
    """Microsoft: SecurityPrivilegeMetadata complex type."""
    name = f"prv{verb}{table.privilege}"
    reaches = dict.fromkeys(("CanBeBasic", "CanBeLocal", "CanBeDeep"), table.user_owned)
    more = {"CanBeGlobal": True, "CanBeEntityReference": False, "CanBeParentEntityReference": False}
    return {**reaches, **more, "Name": name, "PrivilegeId": privilege_id(name), "PrivilegeType": verb}


def _managed(value: bool, name: str) -> Json:
    return {"Value": value, "CanBeChanged": True, "ManagedPropertyLogicalName": name}


def _check_names(names: Iterable[str], shown: Json, kind: str) -> None:
    for name in names:
        if name not in shown:
            raise errors.unknown_property(name, kind)


def _chosen(row: Json, options: Options) -> Json:
    if not options.select:
        return row
    kept = {*options.select, "MetadataId", "@odata.type", *(one.navigation for one in options.expand)}
    return {name: value for name, value in row.items() if name in kept}


# conditions on metadata


def truth(node: Filter, row: Json) -> bool:
    """Whether a metadata object meets a filter; labels cannot be filtered on."""
    match node:
        case AllOf(parts):
            return all(truth(part, row) for part in parts)
        case AnyOf(parts):
            return any(truth(part, row) for part in parts)
        case Not(part):
            return not truth(part, row)
        case TextTest(function, column, text):
            return like.matches(like.pattern_of(function, text), str(_member(row, column)))
        case Comparison(Path(name), operator, Value(value, kind)):
            return _compare(_member(row, name), operator, value, kind)
        case Call(name):
            raise errors.unknown_function(name)
    raise errors.Refused(400, "0x0", "The filter is not supported on metadata.")


def _member(row: Json, path: str) -> Any:
    found: Any = row
    for name in path.split("/"):
        if not isinstance(found, dict) or name not in found or name in ("DisplayName", "DisplayCollectionName"):
            raise errors.unknown_property(path, "EntityMetadata")
        found = found[name]
    return found


def _compare(value: Any, operator: str, wanted: Any, kind: str) -> bool:
    if isinstance(wanted, str) and isinstance(value, str) and not kind.startswith(NAMESPACE):
        value, wanted = value.casefold(), wanted.casefold()
    match operator:
        case "eq":
            return bool(value == wanted)
        case "ne":
            return bool(value != wanted)
    raise errors.Refused(400, "0x0", f"The operator {operator} is not supported on metadata.")

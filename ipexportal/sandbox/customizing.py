"""Changing a column's definition and publishing it: what was put counts, and is shown, only after it was published.

Microsoft: "Create and update column definitions using the Web API", "Publish customizations", PublishXml and PublishAllXml
actions. Only what the product changes is kept of a definition: its required level; everything else must come along whole,
because PUT replaces the definition.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final
from xml.etree import ElementTree

from ipexportal.sandbox import errors
from ipexportal.sandbox.definitions import NAMESPACE, class_of
from ipexportal.sandbox.directory import User
from ipexportal.sandbox.http import Request, Response
from ipexportal.sandbox.metadata import Column, Model, Table, metadata_id
from ipexportal.sandbox.rights import Rights

Json = dict[str, Any]
ATTRIBUTE: Final = re.compile(r"EntityDefinitions\(LogicalName='(\w+)'\)/Attributes\(LogicalName='(\w+)'\)")
ACTIONS: Final = ("PublishXml", "PublishAllXml")
LEVELS: Final = ("None", "Recommended", "ApplicationRequired", "SystemRequired")
NEEDED: Final = ("AttributeType", "LogicalName", "SchemaName", "DisplayName", "RequiredLevel")


@dataclass(slots=True)
class Customizing:
    """One organization's changes that are not published yet: (table, column) → required level."""

    model: Model
    rights: Rights
    pending: dict[tuple[str, str], str] = field(default_factory=dict)

    def change(self, request: Request, path: str, user: User) -> Response:
        """Any write to metadata. Raises `Refused`."""
        found = ATTRIBUTE.fullmatch(path)
        if not found:
            raise errors.not_implemented("Changing this part of metadata")
        if request.method != "PUT":
            message = f"The requested resource does not support http method '{request.method}'."
            raise errors.Refused(405, "", message)
        table = self.model.tables.get(found[1])
        column = table.columns.get(found[2]) if table else None
        if table is None or column is None:
            message = f"Could not find an attribute with name '{found[2]}' on entity '{found[1]}'."
            raise errors.Refused(404, "0x80060888", message)
        self.rights.require_named(user, "prvWriteAttribute")
        level = _level(_definition(request, table, column), table, column)
        if level != column.required and (column.level_fixed or column.required == "SystemRequired"):
            raise _not_changeable(table, column)
        self.pending[table.logical_name, column.logical_name] = level
        return Response(204, [("OData-Version", "4.0")])

    def publish(self, request: Request, path: str, user: User) -> Response:
        """PublishXml with its ParameterXml, or PublishAllXml. Raises `Refused`."""
        if request.method != "POST":
            uri = f"{request.origin}{request.path}"
            raise errors.Refused(404, "", f"No HTTP resource was found that matches the request URI '{uri}'.")
        wanted = None if path == "PublishAllXml" else self._tables(request)
        self.rights.require_named(user, "prvPublishCustomization")
        for (table, column), level in list(self.pending.items()):
            if wanted is None or table in wanted:
                self.model.change_column(table, column, required=level)
                del self.pending[table, column]
        return Response(204, [("OData-Version", "4.0")])

    def _tables(self, request: Request) -> set[str]:
        text = _json(request).get("ParameterXml")
        if not isinstance(text, str):
            raise errors.Refused(400, "0x80040203", "Required field 'ParameterXml' is missing")
        if "<!" in text:
            raise _not_xml("DTD is prohibited in this XML document.")
        try:
            root = ElementTree.fromstring(text)  # noqa: S314 - no DTD came through, so no entities either
        except ElementTree.ParseError as problem:
            raise _not_xml(str(problem)) from problem
        names = {(entity.text or "").strip() for entity in root.iterfind("entities/entity")}
        for name in names - self.model.tables.keys():
            message = (
                f"The entity with a name = '{name}' with namemapping = 'Logical' was not found in the MetadataCache."
            )
            raise errors.Refused(404, "0x80041102", message)
        return names


def _json(request: Request) -> Json:
    try:
        body = json.loads(request.body)
    except ValueError as problem:
        raise errors.payload("", f"The payload is not valid JSON: {problem}.") from problem
    if not isinstance(body, dict):
        raise errors.payload("", "A JSON object was expected.")
    return body


def _definition(request: Request, table: Table, column: Column) -> Json:
    """The whole definition of that very column, or `Refused`."""
    body = _json(request)
    kind = str(body.get("@odata.type", "")).removeprefix("#")
    if kind != f"{NAMESPACE}{class_of(column)}":
        raise errors.payload(
            "",
            f"A resource with type '{kind or NAMESPACE + 'AttributeMetadata'}' was found, but it is not assignable to the "
            f"expected type '{NAMESPACE}{class_of(column)}'.",
        )
    missing = [name for name in NEEDED if body.get(name) is None]
    if missing:
        raise errors.Refused(400, "0x80040203", f"Required field '{missing[0]}' is missing")
    if (body["LogicalName"], body.get("AttributeType")) != (column.logical_name, column.type):
        message = f"The attribute '{column.logical_name}' of '{table.logical_name}' cannot get another name or type."
        raise errors.Refused(400, "0x80044335", message)
    return body


def _level(body: Json, table: Table, column: Column) -> str:
    said = body["RequiredLevel"]
    level = said.get("Value") if isinstance(said, dict) else None
    if level not in LEVELS:
        raise errors.invalid_value(level, f"{NAMESPACE}AttributeRequiredLevel")
    if level == "SystemRequired" and column.required != level:
        message = f"The required level of '{column.logical_name}' of '{table.logical_name}' cannot be SystemRequired."
        raise errors.Refused(400, "0x80040203", message)
    return str(level)


def _not_changeable(table: Table, column: Column) -> errors.Refused:
    attribute = metadata_id("column", table.logical_name, column.logical_name)
    return errors.Refused(
        400,
        "0x8004f026",
        f"The evaluation of the current component(name=Attribute, id={attribute}) in the current operation (Update) failed "
        "during managed property evaluation of condition: 'Managed Property Name: canmodifyrequirementlevelsettings; "
        "Component Name: Attribute; Attribute Name: canmodifyrequirementlevelsettings;'",
    )


def _not_xml(problem: str) -> errors.Refused:
    return errors.Refused(400, "0x80040203", f"Invalid Argument: ParameterXml is not a publish request. {problem}")

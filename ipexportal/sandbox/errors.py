"""Dataverse's refusals with their real codes and wording, so that a client meets what it will meet at Microsoft's.

Sources: Microsoft, "Compose HTTP requests and handle errors", "Web service error codes", and bodies quoted in public issues.
"""

import json
from typing import Final

from ipexportal.sandbox.directory import ORGANIZATION_ID
from ipexportal.sandbox.http import Response

JSON: Final = "application/json; odata.metadata=minimal"
PAYLOAD: Final = "0x80048d19"
PAYLOAD_HELP: Final = (
    "For more information on this error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293"
)


class Refused(Exception):
    """A request that Dataverse refuses: HTTP status, error code ("0x…" or "") and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def response(self) -> Response:
        return error(self.status, self.code, self.message)


def error(status: int, code: str, message: str) -> Response:
    """The error body that every Web API page documents."""
    body = json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False).encode(errors="replace")
    return Response(status, [("Content-Type", JSON), ("OData-Version", "4.0")], body)


def not_a_member() -> Response:
    """Somebody with a token but without a system user, or from another directory."""
    return error(403, "0x80072560", "The user is not a member of the organization.")


def user_disabled(systemuser_id: str) -> Response:
    """The system user exists, but an administrator deactivated it."""
    text = f"The user with SystemUserId={systemuser_id} in OrganizationContext={ORGANIZATION_ID} is disabled"
    return error(403, "0x80040225", text)


def no_roles(systemuser_id: str) -> Response:
    """The system user exists, but no security role was given to it."""
    said = "SecLib::RetrievePrivilegeForUser failed - no roles are assigned to user."
    return error(403, "0x80042f09", f"{said} Returned hr = -2147209463, User: {systemuser_id}")


def unknown_segment(segment: str) -> Refused:
    return Refused(404, "0x8006088a", f"Resource not found for the segment '{segment}'.")


def unknown_property(name: str, table: str) -> Refused:
    return Refused(400, "0x0", f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{table}'.")


def invalid_property(name: str, table: str) -> Refused:
    kind = f"Microsoft.Dynamics.CRM.{table}"
    return Refused(
        400,
        "0x0",
        "An error occurred while validating input parameters: Microsoft.Crm.CrmException: Invalid property "
        f"'{name}' was found in entity '{kind}'. ---> Microsoft.OData.ODataException: The property '{name}' does not "
        f"exist on type '{kind}'. Make sure to only use property names that are defined by the type.",
    )


def invalid_value(value: object, edm: str) -> Refused:
    return Refused(
        400,
        "0x0",
        "An error occurred while validating input parameters: Microsoft.OData.ODataException: Cannot convert the "
        f"literal '{value}' to the expected type '{edm}'. ---> System.FormatException: Input string was not in a "
        "correct format.",
    )


def payload(entity_set: str, inner: str) -> Refused:
    return Refused(
        400,
        PAYLOAD,
        f"Error identified in Payload provided by the user for Entity :'{entity_set}', {PAYLOAD_HELP}  ---->  "
        f"InnerException : Microsoft.OData.ODataException: {inner}",
    )


def undeclared(entity_set: str, name: str) -> Refused:
    return payload(
        entity_set,
        f"An undeclared property '{name}' which only has property annotations in the payload but no property value was "
        "found in the payload. In OData, only declared navigation properties and declared named streams can be "
        "represented as properties without values.",
    )


def missing(table: str, record_id: str) -> Refused:
    return Refused(404, "0x80040217", f"{table} With Id = {record_id} Does Not Exist")


def duplicate() -> Refused:
    return Refused(412, "0x80040237", "A record with matching key values already exists.")


def other_version() -> Refused:
    message = "The version of the existing record doesn't match the RowVersion property provided."
    return Refused(412, "0x80060882", message)


def too_long(column: str, table: str, limit: int) -> Refused:
    return Refused(
        400,
        "0x80044331",
        f"A validation error occurred. The length of the '{column}' attribute of the '{table}' entity exceeded the "
        f"maximum allowed length of '{limit}'.",
    )


def out_of_range(value: object, column: str, table: str, allowed: str) -> Refused:
    return Refused(
        400,
        "0x80044330",
        f"A validation error occurred. The value {value} of '{column}' on record of type '{table}' is outside the "
        f"valid range. Accepted Values: {allowed}",
    )


def not_implemented(what: str) -> Refused:
    return Refused(501, "0x80060888", f"{what} is not implemented.")


def syntax(position: int, text: str) -> Refused:
    return Refused(400, "0x0", f"Syntax error at position {position} in '{text}'.")


def unknown_function(name: str) -> Refused:
    return Refused(
        400,
        "0x0",
        f"An unknown function with name '{name}' was found. This may also be a function import or a key lookup on a "
        "navigation property, which is not allowed.",
    )


def incompatible(left: str, right: str, operator: str) -> Refused:
    return Refused(
        400,
        "0x0",
        "A binary operator with incompatible types was detected. Found operand types "
        f"'{left}' and '{right}' for operator kind '{operator}'.",
    )

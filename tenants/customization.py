"""The one change of a customer's CRM that we make: Phone Call's From and To from required to recommended.

While they are required, notes can be written but not edited in the CRM's own form. The change is an explicit act of a
signed-in customizer, through their own connection only, and leaves an audit entry with what was before and after.

There is no PATCH for metadata: the complete definition is read (from the database, not from Dataverse's cache), one value
in it changed, and all of it put back; it counts once it is published. Source: Microsoft, "Create and update column
definitions using the Web API", "Publish customizations", PublishXml action.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from tenants import connections
from tenants.dataverse import odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.errors import DataverseError, Refused
from tenants.models import MicrosoftConnection, audit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

COLUMNS = ("from", "to")
WANTED = "Recommended"
EDITABLE = frozenset({"None", "Recommended"})
NEEDED_RIGHTS = ("prvWriteAttribute", "prvPublishCustomization")
CHANGE_SECONDS = 180.0
"""Publishing takes tens of seconds in a large organization."""
_TABLE = "EntityDefinitions(LogicalName='phonecall')"
_CAST = "Microsoft.Dynamics.CRM.LookupAttributeMetadata"
_PUBLISH = "<importexportxml><entities><entity>phonecall</entity></entities></importexportxml>"


@dataclass(frozen=True, slots=True)
class Level:
    """How required a column is: None, Recommended, ApplicationRequired or SystemRequired; and whether that may change."""

    value: str
    changeable: bool

    @property
    def editable(self) -> bool:
        """Whether the CRM's form lets a note be saved while this column is empty."""
        return self.value in EDITABLE


@dataclass(frozen=True, slots=True)
class Change:
    """Required levels by column, before and after."""

    before: Mapping[str, str]
    after: Mapping[str, str]


class CannotChange(Exception):
    """Nothing was changed, and `str()` says why and who can. Acts: the customer's admin."""


def levels(client: Client, budget: Budget) -> dict[str, Level]:
    """Of From and To as they are published now. Raises DataverseError."""
    return {column: _level(client, column, budget) for column in COLUMNS}


def _level(client: Client, column: str, budget: Budget) -> Level:
    path = odata.query(_address(column), select=("LogicalName", "RequiredLevel"))
    said = (client.get(path, budget=budget, consistency_strong=True).data or {}).get("RequiredLevel") or {}
    return Level(str(said.get("Value") or "None"), said.get("CanBeChanged") is not False)


def _address(column: str) -> str:
    return f"{_TABLE}/Attributes(LogicalName={odata.lit(column)})"


def relax(connection: MicrosoftConnection, *, by: User, budget: Budget | None = None) -> Change:
    """Make From and To recommended where they are required, and publish.

    `connection` is the acting admin's own. Raises CannotChange before anything is changed; DataverseError when Microsoft
    stopped it on the way: then the audit entry says how far it came, and doing it again completes it.
    """
    budget = budget or Budget(CHANGE_SECONDS)
    if connection.user_id != by.pk:
        raise CannotChange(_("Somebody else connected this Microsoft account. Connect your own to change the CRM."))
    client = connections.client_for(connection)
    before = levels(client, budget)
    wanted = [column for column in COLUMNS if not before[column].editable]
    if not wanted:
        return Change(_values(before), _values(before))
    _may_be_changed(before, wanted)
    _has_rights(client, connection, budget)
    return _changed(connection, by, before, lambda: _relax(client, wanted, budget))


def _may_be_changed(before: Mapping[str, Level], wanted: list[str]) -> None:
    fixed = [column for column in wanted if not before[column].changeable or before[column].value == "SystemRequired"]
    if fixed:
        sentence = _(
            "Your organization does not let the required level of %(columns)s be changed: a managed solution fixed it. "
            "Its publisher can change that."
        )
        raise CannotChange(sentence % {"columns": ", ".join(f"phonecall.{column}" for column in fixed)})


def _has_rights(client: Client, connection: MicrosoftConnection, budget: Budget) -> None:
    lacking = [right for right in NEEDED_RIGHTS if not _has(client, connection, right, budget)]
    if lacking:
        sentence = _(
            "Your Microsoft account may not change the CRM: it lacks %(rights)s. A System Administrator or System "
            "Customizer can do it."
        )
        raise CannotChange(sentence % {"rights": ", ".join(lacking)})


def _has(client: Client, connection: MicrosoftConnection, right: str, budget: Budget) -> bool:
    user = odata.record("systemusers", connection.systemuser_id)
    function = f"RetrieveUserPrivilegeByPrivilegeName(PrivilegeName={odata.lit(right)})"
    data = client.get(f"{user}/Microsoft.Dynamics.CRM.{function}", budget=budget, consistency_strong=True).data or {}
    return bool(data.get("RolePrivileges"))


def _relax(client: Client, wanted: list[str], budget: Budget) -> dict[str, Level]:
    for column in wanted:
        _put(client, column, budget)
    client.request("POST", "PublishXml", json={"ParameterXml": _PUBLISH}, budget=budget)
    return levels(client, budget)


def _put(client: Client, column: str, budget: Budget) -> None:
    """The whole definition back with one value changed; what is left out would be reset."""
    read = client.get(f"{_address(column)}/{_CAST}", budget=budget, consistency_strong=True).data or {}
    definition = {name: value for name, value in read.items() if not name.startswith("@odata.")}
    if not isinstance(definition.get("RequiredLevel"), dict) or definition.get("LogicalName") != column:
        raise Refused("Dataverse's description of the column cannot be read.")
    definition["RequiredLevel"] = {**definition["RequiredLevel"], "Value": WANTED}
    client.request("PUT", _address(column), json={"@odata.type": _CAST, **definition}, budget=budget, merge_labels=True)


def _changed(
    connection: MicrosoftConnection, by: User, before: Mapping[str, Level], act: Callable[[], dict[str, Level]]
) -> Change:
    """Do it, and leave a trace whatever becomes of it."""
    trace: dict[str, Any] = {"complete": False}
    try:
        after = act()
        trace = {**_values(after), "complete": True}
    except DataverseError as error:
        trace["error"] = f"{type(error).__name__} {error.status or ''} {error.code}".strip()
        raise
    finally:
        audit(
            tenant=connection.instance.tenant,
            by=by,
            act="phonecall.from_to_relaxed",
            target=connection.instance.url,
            before=_values(before),
            after=trace,
        )
    if not all(level.editable for level in after.values()):
        raise Refused("Dataverse accepted the change, but From and To are still required.")
    return Change(_values(before), _values(after))


def _values(levels: Mapping[str, Level]) -> dict[str, str]:
    return {column: level.value for column, level in levels.items()}

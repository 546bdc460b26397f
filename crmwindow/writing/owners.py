"""To whom a new row belongs, and why. Asked of the CRM at the moment of writing, because people come and go.

The record's owner, else the customer's default (a user or a team), else the account's own: what it may not give away, or to
somebody who could not see it, it keeps. Source: Microsoft, "Assign table rows", table references "User" and "Team".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from crmwindow.search import Hit
from crmwindow.writing.tables import Reader, privilege
from tenants.dataverse import errors, odata
from tenants.dataverse.metadata import Table
from tenants.models import Tenant

Rule = Tenant.MissedCallOwner
ACCESS_TEAM = 1  # shares records, owns none


@dataclass(frozen=True, slots=True)
class Owner:
    """`kind` is systemuser or team; "" means the system account itself. `why` says why nobody better was taken."""

    kind: str = ""
    id: UUID | None = None
    name: str = ""
    why: tuple[str, ...] = ()

    @property
    def entity_set(self) -> str:
        return "teams" if self.kind == "team" else "systemusers"

    @property
    def bind(self) -> dict[str, str]:
        return {"ownerid@odata.bind": odata.bind(self.entity_set, self.id)} if self.id else {}


def candidates(
    reader: Reader, table: Table, *, rule: str, record: Hit | None, several: bool = False
) -> Iterator[Owner]:
    """The best first, each with what spoke against those before; last always the account itself."""
    why: list[str] = []
    if rule == Rule.RECORD_OWNER:
        owner_id = UUID(record.owner_id) if record and record.owner_id else None
        if owner_id is None:
            why.append("several" if several else "nobody_found" if record is None else "record_without_owner")
        else:
            yield from _judged(reader, table, owner_id, "record", why)
    if rule:
        default = reader.instance.tenant.missed_call_owner_id
        if default is None:
            why.append("no_default")
        else:
            yield from _judged(reader, table, default, "default", why)
    yield Owner(why=tuple(why))


def _judged(reader: Reader, table: Table, owner_id: UUID, which: str, why: list[str]) -> Iterator[Owner]:
    """That owner if the row may be theirs; what speaks against it is added to `why`, also when it is refused later."""
    kind, name, against = judge(reader, table, owner_id)
    if against:
        why.append(f"{which}_{against}")
        return
    yield Owner(kind, owner_id, name, tuple(why))
    why.append(f"{which}_refused")


def judge(reader: Reader, table: Table, owner_id: UUID) -> tuple[str, str, str]:
    """Kind, name, and why it cannot own rows of this table ("" if it can)."""
    try:
        return _user(reader, table, owner_id)
    except errors.NotFound:
        pass
    except errors.MissingPrivilege:
        return "", "", "unreadable"
    try:
        path = odata.query(odata.record("teams", owner_id), select=["name", "teamtype"])
        team = reader.client.get(path, budget=reader.budget).data or {}
    except errors.NotFound:
        return "", "", "gone"
    except errors.MissingPrivilege:
        return "", "", "unreadable"
    return "team", str(team.get("name") or ""), "shares_only" if team.get("teamtype") == ACCESS_TEAM else ""


def _user(reader: Reader, table: Table, owner_id: UUID) -> tuple[str, str, str]:
    address = odata.record("systemusers", owner_id)
    path = odata.query(address, select=["fullname", "isdisabled"])
    user = reader.client.get(path, budget=reader.budget).data or {}
    name = str(user.get("fullname") or "")
    if user.get("isdisabled"):
        return "systemuser", name, "inactive"
    right = odata.lit(privilege(table, "Read"))
    path = f"{address}/Microsoft.Dynamics.CRM.RetrieveUserPrivilegeByPrivilegeName(PrivilegeName={right})"
    held = (reader.client.get(path, budget=reader.budget).data or {}).get("RolePrivileges")
    return "systemuser", name, "" if held else "may_not_read"


def speaks_of_owner(error: errors.DataverseError) -> bool:
    """Could the refusal of a create be about the owner we chose, rather than about the row?"""
    if isinstance(error, errors.MissingPrivilege):
        return not error.privilege.lower().startswith(("prvcreate", "prvappend"))
    return isinstance(error, errors.NotAMember | errors.NotFound)


def explain(why: str) -> str:
    """In the active language, one sentence each; `why` as stored, words with spaces between."""
    said = {
        "several": _("Several records have this number, so none of their owners was chosen."),
        "nobody_found": _("No record has this number, so it has no owner."),
        "record_without_owner": _("The record has no owner."),
        "record_inactive": _("The record's owner is disabled in the CRM."),
        "record_may_not_read": _("The record's owner may not read this table."),
        "record_gone": _("The record's owner is no longer in the CRM."),
        "record_shares_only": _("The record belongs to a team that cannot own anything."),
        "record_unreadable": _("The system account may not read who the record's owner is."),
        "record_refused": _("The system account may not give it to the record's owner."),
        "no_default": _("No default owner is set up."),
        "default_inactive": _("The default owner is disabled in the CRM."),
        "default_may_not_read": _("The default owner may not read this table."),
        "default_gone": _("The default owner is no longer in the CRM."),
        "default_shares_only": _("The default owner is a team that cannot own anything."),
        "default_unreadable": _("The system account may not read who the default owner is."),
        "default_refused": _("The system account may not give it to the default owner."),
    }
    return " ".join(said[word] for word in why.split() if word in said)

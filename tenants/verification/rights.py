"""Which rights there are on the tables, and who has them, as Dataverse itself says: names of rights are never made up.

Source: Microsoft, EntityMetadata (Privileges), SecurityPrivilegeMetadata, RetrieveUserPrivileges function.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tenants.dataverse import odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.errors import NotFound, UnknownName

WIDEST = ("Basic", "Local", "Deep", "Global")
THREADS = 4
Named = dict[str, str]
"""Id of a right → its name."""


@dataclass(frozen=True, slots=True)
class Rights:
    """`tables`: logical name → verb ("Read") → (id, name); `own`: id → depth, of whoever looks."""

    tables: Mapping[str, Mapping[str, tuple[str, str]]]
    own: Mapping[str, str] = field(default_factory=dict)

    def id(self, table: str, verb: str) -> str:
        return self.tables.get(table, {}).get(verb, ("", ""))[0]

    def name(self, table: str, verb: str) -> str:
        return self.tables.get(table, {}).get(verb, ("", ""))[1]

    def named(self, table: str, *verbs: str) -> Named:
        known = self.tables.get(table, {})
        return dict(known[verb] for verb in verbs if verb in known)

    def for_reading(self, tables: Iterable[str]) -> Named:
        return _joined(self.named(table, "Read") for table in tables)

    def for_notes(self, tables: Iterable[str]) -> Named:
        """To write a phone call and say about whom it is."""
        calls = self.named("phonecall", "Create", "Read", "Write", "Append")
        return calls | _joined(self.named(table, "AppendTo") for table in tables)

    def for_creating(self, tables: Iterable[str]) -> Named:
        return _joined(self.named(table, "Create") for table in tables)

    def of(self, client: Client, user: UUID | str, budget: Budget) -> dict[str, str]:
        """Id → depth of everything a user's roles and teams give."""
        return _privileges(client, user, budget)

    def roles(self, client: Client, user: UUID, budget: Budget) -> set[str]:
        """Names of the roles given to the user directly."""
        path = odata.query(odata.record("systemusers", user) + "/systemuserroles_association", select=("name",))
        return {str(row.get("name")) for row in client.get(path, budget=budget).rows}


def _joined(parts: Iterable[Named]) -> Named:
    return {key: name for part in parts for key, name in part.items()}


def read(client: Client, user: str, tables: Iterable[str], budget: Budget) -> Rights:
    """Ask for all of it at once. A table that does not exist is left out. Raises DataverseError."""
    names = list(dict.fromkeys(tables))
    with ThreadPoolExecutor(THREADS, thread_name_prefix="rights") as pool:
        own = pool.submit(_privileges, client, user, budget)
        found = dict(zip(names, pool.map(lambda name: _of_table(client, name, budget), names), strict=True))
        return Rights({name: rights for name, rights in found.items() if rights}, own.result())


def _of_table(client: Client, table: str, budget: Budget) -> dict[str, tuple[str, str]]:
    path = odata.query(f"EntityDefinitions(LogicalName={odata.lit(table)})", select=("LogicalName", "Privileges"))
    try:
        data = client.get(path, budget=budget).data or {}
    except (NotFound, UnknownName):
        return {}
    return {
        str(each["PrivilegeType"]): (str(each["PrivilegeId"]).lower(), str(each["Name"]))
        for each in _dicts(data.get("Privileges"))
        if each.get("PrivilegeType") and each.get("PrivilegeId") and each.get("Name")
    }


def _privileges(client: Client, user: UUID | str, budget: Budget) -> dict[str, str]:
    path = f"{odata.record('systemusers', user)}/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()"
    found: dict[str, str] = {}
    for each in _dicts((client.get(path, budget=budget, consistency_strong=True).data or {}).get("RolePrivileges")):
        key, depth = str(each.get("PrivilegeId")).lower(), str(each.get("Depth"))
        if key not in found or _reach(depth) > _reach(found[key]):
            found[key] = depth
    return found


def _reach(depth: str) -> int:
    return WIDEST.index(depth) if depth in WIDEST else -1


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []

"""Who may do what: roles give privileges, a privilege has a depth, and a record is seen when the depth reaches its owner.

Microsoft: "Security roles and privileges". Acme has one business unit, so Local, Deep and Global reach equally far.
"""

from dataclasses import dataclass, field
from functools import cache
from typing import Final

from ipexportal.sandbox import errors
from ipexportal.sandbox.directory import Depth, User
from ipexportal.sandbox.http import Response
from ipexportal.sandbox.metadata import Model, Table, metadata_id

VERBS: Final = ("Create", "Read", "Write", "Append", "AppendTo", "Assign", "Delete")
OWNED: Final = ("Account", "Contact", "Lead", "Activity", "nnn_myLead")
OPEN_TO_ALL: Final = ("User", "Team", "BusinessUnit", "Organization", "Role", "AppModule", "TransactionCurrency")
CUSTOMIZING: Final = ("prvReadAttribute", "prvWriteAttribute", "prvPublishCustomization")
ACCESS: Final = {
    "Read": "ReadAccess",
    "Write": "WriteAccess",
    "Append": "AppendAccess",
    "AppendTo": "AppendToAccess",
    "Create": "CreateAccess",
    "Delete": "DeleteAccess",
    "Assign": "AssignAccess",
}


def privilege_id(name: str) -> str:
    return metadata_id("privilege", name)


@cache
def privileges(user: User) -> dict[str, Depth]:
    """Every privilege the user's roles give, with its depth."""
    found: dict[str, Depth] = {}
    for role in user.roles:
        for name, depth in _of_role(role, user.depth).items():
            if name not in found or depth == "Global":
                found[name] = depth
    return found


def _of_role(role: str, reach: Depth) -> dict[str, Depth]:
    match role:
        case "System Administrator":
            all_tables = {f"prv{verb}{table}": "Global" for verb in VERBS for table in (*OWNED, *OPEN_TO_ALL)}
            return {**all_tables, **dict.fromkeys(CUSTOMIZING, "Global")}  # type: ignore[dict-item]
        case "System Customizer":
            return dict.fromkeys(CUSTOMIZING, "Global")
        case "Service Reader":
            return {f"prvRead{table}": "Global" for table in (*OWNED, *OPEN_TO_ALL)}
        case "Service Writer":
            verbs = ("Create", "Read", "Write", "Append", "AppendTo", "Assign")
            return {f"prv{verb}{table}": "Global" for verb in verbs for table in (*OWNED, *OPEN_TO_ALL)}
        case "Salesperson" | "Salesperson without leads":
            found: dict[str, Depth] = {f"prvRead{table}": "Global" for table in OPEN_TO_ALL}
            found |= {f"prv{verb}{table}": reach for verb in VERBS[:-2] for table in OWNED}
            found |= {f"prv{verb}{table}": "Basic" for verb in ("Assign", "Delete") for table in OWNED}
            if role != "Salesperson":
                del found["prvCreateLead"]
            return found
    return {}


@dataclass(slots=True)
class Rights:
    """The organization's rights, with what tests took away from somebody."""

    model: Model
    revoked: set[tuple[str, str | None]] = field(default_factory=set)
    given: dict[str, dict[str, Depth]] = field(default_factory=dict)  # somebody's rights instead of their roles'
    absent: set[str] = field(default_factory=set)  # whose system user does not exist
    disabled: set[str] = field(default_factory=set)  # whose system user is deactivated

    def reset(self) -> None:
        """Everybody is a member again with their roles' rights."""
        for ordered in (self.revoked, self.given, self.absent, self.disabled):
            ordered.clear()

    def refusal(self, user: User) -> Response | None:
        """What the organization answers to somebody who is no member, deactivated or without any role."""
        if not user.systemuser_id or user.upn in self.absent:
            return errors.not_a_member()
        if user.upn in self.disabled:
            return errors.user_disabled(user.systemuser_id)
        return None if self.of(user) else errors.no_roles(user.systemuser_id)

    def of(self, user: User) -> dict[str, Depth]:
        """Every privilege that somebody has, with its depth."""
        known = self.given.get(user.upn, privileges(user))
        taken = {name for name, upn in self.revoked if upn in (None, user.upn)}
        return {name: depth for name, depth in known.items() if name not in taken} if taken else known

    def depth(self, user: User, verb: str, table: Table) -> Depth | None:
        """How far the user's privilege reaches, None without it."""
        return self.of(user).get(f"prv{verb}{table.privilege}")

    def require(self, user: User, verb: str, table: Table) -> Depth:
        """Raises `Refused` 0x80040220 when no role gives the privilege."""
        depth = self.depth(user, verb, table)
        if depth is None:
            raise self._missing_privilege(user, verb, table)
        return depth

    def require_named(self, user: User, name: str) -> None:
        """As `require`, for a privilege that is about no table, such as prvPublishCustomization."""
        if name not in self.of(user):
            raise errors.Refused(
                403,
                "0x80040220",
                f"Principal user (Id={user.systemuser_id}, type=8, roleCount={len(user.roles)}, "
                f"privilegeCount={len(self.of(user))}, accessMode={4 if user.application_id else 0}), is missing "
                f"{name} privilege (Id={privilege_id(name)}). context.Caller={user.systemuser_id}",
            )

    def own_only(self, user: User, verb: str, table: Table) -> bool:
        """Whether the user's privilege (required) reaches no further than own records."""
        return self.require(user, verb, table) == "Basic" and table.user_owned

    def require_everywhere(self, user: User, verb: str, table: Table) -> None:
        """Raises `Refused` 0x80040220 unless the privilege reaches the whole organization."""
        if self.require(user, verb, table) != "Global":
            raise self._missing_privilege(user, verb, table)

    def check(self, user: User, verb: str, table: Table, record_id: str, owner: str | None) -> None:
        """Raises `Refused` 0x80048306 when the privilege does not reach this record."""
        if self.own_only(user, verb, table) and owner != user.systemuser_id:
            raise errors.Refused(
                403,
                "0x80048306",
                f"Principal user (Id={user.systemuser_id}, type=8, roleCount={len(user.roles)}, "
                f"privilegeCount={len(self.of(user))}, accessMode=0) does not have {ACCESS[verb]} right(s) for "
                f"record with id {record_id} of entity {table.logical_name}",
            )

    def _missing_privilege(self, user: User, verb: str, table: Table) -> errors.Refused:
        name = f"prv{verb}{table.privilege}"
        return errors.Refused(
            403,
            "0x80040220",
            f"Principal user (Id={user.systemuser_id}, type=8, roleCount={len(user.roles)}, "
            f"privilegeCount={len(self.of(user))}, accessMode={4 if user.application_id else 0}), is missing {name} "
            f"privilege (Id={privilege_id(name)}) on OTC={table.type_code} for entity '{table.logical_name}' "
            f"(LocalizedName='{table.labels.get(1033, table.schema_name)}'). context.Caller={user.systemuser_id}",
        )

    def access(self, user: User, table: Table, owner: str | None) -> str:
        """RetrievePrincipalAccess's answer for one record."""
        rights = []
        for verb, name in ACCESS.items():
            depth = self.depth(user, verb, table)
            if depth and (depth != "Basic" or not table.user_owned or owner == user.systemuser_id):
                rights.append(name)
        return ", ".join(rights) or "None"

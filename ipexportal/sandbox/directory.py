"""Who exists in the sandbox's two directories, and the identifiers that every run shares."""

from dataclasses import dataclass, field
from typing import Final, Literal

ACME_TENANT: Final = "3f1d2c4b-8a57-4c1e-9d30-5b6a7c8d9e01"
BETA_TENANT: Final = "9c8b7a65-1f2e-4d3c-8b4a-0f1e2d3c4b02"
ORGANIZATION_ID: Final = "b1c2d3e4-0a1b-4c2d-8e3f-405162738401"
BUSINESS_UNIT_ID: Final = "c2d3e4f5-1b2c-4d3e-9f40-516273849502"
APP_ID: Final = "5f0a7c0e-2d1b-4a53-9a60-0c1f4f6f2a11"
CLIENT_ID: Final = "11111111-aaaa-4bbb-8ccc-000000000001"
CLIENT_SECRET: Final = "sandbox-ipex-secret"  # noqa: S105 - a stand-in has nothing to protect
SYSTEM_CLIENT_ID: Final = "22222222-aaaa-4bbb-8ccc-000000000002"
SYSTEM_CLIENT_SECRET: Final = "sandbox-system-secret"  # noqa: S105
EXPIRED_CLIENT_SECRET: Final = "sandbox-expired-secret"  # noqa: S105

Depth = Literal["Basic", "Local", "Deep", "Global"]


@dataclass(frozen=True, slots=True)
class User:
    """An account of a directory. `systemuser_id` is "" for those whom the organization does not know.

    `depth` is how far the user reads; `language` is a Windows LCID (1029 Czech, 1051 Slovak, 1033 English).
    """

    upn: str
    name: str
    oid: str
    systemuser_id: str = ""
    tenant: str = ACME_TENANT
    roles: tuple[str, ...] = field(default=("Salesperson",))
    depth: Depth = "Global"
    language: int = 1029
    disabled: bool = False
    mfa: bool = False
    consent_refused: bool = False
    application_id: str = ""
    note: str = ""


def _person(number: int, upn: str, name: str, *, member: bool = True, **options: object) -> User:
    systemuser_id = f"a5e70000-0000-4000-8000-{number:012d}" if member else ""
    return User(upn, name, f"0b1ec700-0000-4000-8000-{number:012d}", systemuser_id, **options)  # type: ignore[arg-type]


ALICE: Final = _person(
    1, "alice@acme.example", "Alice Veselá", roles=("System Administrator",), note="System Administrator"
)
JANA: Final = _person(2, "jana@acme.example", "Jana Nováková", note="sees the whole organization")
BOB: Final = _person(3, "bob@acme.example", "Bob Beneš", depth="Basic", note="sees only his own records")
KLARA: Final = _person(4, "klara@acme.example", "Klára Šimková", note="sees the whole organization")
DORA: Final = _person(5, "dora@acme.example", "Dora Malá", disabled=True, note="disabled account")
DAN: Final = _person(6, "dan@acme.example", "Dan Urban", member=False, note="not a member of the organization")
MARTIN: Final = _person(7, "martin@acme.example", "Martin Říha", mfa=True, note="second factor required")
IVO: Final = _person(8, "ivo@acme.example", "Ivo Krátký", consent_refused=True, note="refuses consent")
LENA: Final = _person(
    9, "lena@acme.example", "Lena Králová", roles=("Salesperson without leads",), note="may not create leads"
)
EVE: Final = _person(
    10, "eve@beta.example", "Eve Cizí", member=False, tenant=BETA_TENANT, note="another company's directory"
)
SYSTEM: Final = _person(
    11,
    "ipex-system@acme.example",
    "# IPEX IVR",
    roles=("Service Reader", "Service Writer"),
    language=1033,
    application_id=SYSTEM_CLIENT_ID,
    note="application user of the system account",
)

PEOPLE: Final = (ALICE, JANA, BOB, KLARA, DORA, DAN, MARTIN, IVO, LENA, EVE)
USERS: Final = {user.upn: user for user in (*PEOPLE, SYSTEM)}


def is_admin(user: User) -> bool:
    """Whether the account may consent for its whole directory; here whoever runs the CRM, and Beta's only person."""
    return "System Administrator" in user.roles or user.tenant == BETA_TENANT


def members() -> tuple[User, ...]:
    """Those whom the organization knows."""
    return tuple(user for user in USERS.values() if user.systemuser_id)


def employ(count: int) -> None:
    """More salespeople, `agent001@acme.example` and on: a contact centre's worth of people who see everything."""
    for number in range(1, count + 1):
        user = _person(1000 + number, f"agent{number:03}@acme.example", f"Agent {number:03}")
        USERS.setdefault(user.upn, user)

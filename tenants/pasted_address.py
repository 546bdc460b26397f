"""What an address that somebody pasted is: judged, its directory found, its apps named as far as a connection can see.

Nothing is stored. What is fetched passed `eligibility.judge`; apps are read only with the acting admin's own connection, and
only from the instance that it is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from tenants import connections, eligibility, registration
from tenants.dataverse import odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.errors import DataverseError
from tenants.eligibility import Verdict
from tenants.models import MicrosoftConnection

SECONDS = 4.0
MOST_APPS = 30


@dataclass(frozen=True, slots=True)
class App:
    """A model-driven app of the instance."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Understood:
    """`reached` is None where nobody asked. `apps` are those to choose from, where the connection could list them."""

    verdict: Verdict
    reached: bool | None = None
    directory_id: UUID | None = None
    app: App | None = None
    apps: tuple[App, ...] | None = None

    @property
    def host(self) -> str:
        return self.verdict.origin.partition("://")[2]

    @property
    def app_is_unknown(self) -> bool:
        """The apps could be read, and the one of the address is not among them."""
        return bool(self.apps is not None and self.verdict.app_id and self.app is None)


def judge(text: str) -> Verdict:
    return eligibility.judge(
        text, allow_loopback=settings.ALLOW_LOOPBACK_MICROSOFT, refused_ports=settings.REFUSED_LOOPBACK_PORTS
    )


def understand(text: str, *, app_id: str = "", connection: MicrosoftConnection | None = None) -> Understood:
    """Never raises. `app_id` is the one chosen or stored, for an address that names none."""
    verdict = judge(text)
    if not verdict.ok:
        return Understood(verdict)
    budget = Budget(SECONDS)
    probe = registration.probe(verdict.origin, budget)
    apps = _apps(connection, verdict.origin, budget)
    wanted = verdict.app_id or app_id
    chosen = next((app for app in apps or () if app.id == wanted), None)
    return Understood(verdict, probe.status is not None, probe.directory_id, chosen, apps)


def _apps(connection: MicrosoftConnection | None, origin: str, budget: Budget) -> tuple[App, ...] | None:
    if connection is None or connection.instance.url != origin:
        return None
    try:
        return apps_of(connections.client_for(connection), budget)
    except DataverseError:
        return None


def apps_of(client: Client, budget: Budget) -> tuple[App, ...]:
    """Published and other apps that this identity may see. Raises DataverseError."""
    path = odata.query("appmodules", select=("appmoduleid", "name"), top=MOST_APPS)
    rows = client.get(path, budget=budget).rows
    return tuple(App(str(row.get("appmoduleid")).lower(), str(row.get("name"))) for row in rows)

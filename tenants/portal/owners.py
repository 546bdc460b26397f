"""Users and teams of the customer's CRM, to choose from who gets missed calls that nobody else can own.

Read beside the page, as the admin who looks or else through the system account, so the page itself waits for nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from tenants import connections, microsoft_connections
from tenants.dataverse import odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.errors import DataverseError
from tenants.models import Instance, Tenant
from tenants.portal.guard import PortalRequest, instance_of, member

SECONDS = 4.0
MOST = 300
ACCESS_TEAM = 1


@dataclass(frozen=True, slots=True)
class Owner:
    id: str
    name: str
    is_team: bool

    @property
    def label(self) -> str:
        return _("%(name)s (team)") % {"name": self.name} if self.is_team else self.name


@require_GET
@member
def page(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    client = _client(instance_of(tenant), request)
    try:
        owners = list(_owners(client)) if client else []
    except DataverseError:
        owners = []
    chosen = str(tenant.missed_call_owner_id or "")
    context = {"tenant": tenant, "owners": owners, "chosen": _named(owners, chosen), "could_read": bool(owners)}
    return render(request, "tenants/portal/_owners.html", context)


def _client(instance: Instance | None, request: PortalRequest) -> Client | None:
    if instance is None or not instance.is_proven:
        return None
    holder = microsoft_connections.own(instance, request.user) or getattr(instance, "system_account", None)
    return connections.client_for(holder) if holder else None


def _owners(client: Client) -> Iterator[Owner]:
    """Those who can own a record: active users who are people or services, and teams that own. Raises DataverseError."""
    budget = Budget(SECONDS)
    users = odata.query(
        "systemusers",
        select=["systemuserid", "fullname"],
        filter=odata.eq("isdisabled", False),
        orderby="fullname",
        top=MOST,
    )
    teams = odata.query("teams", select=["teamid", "name", "teamtype"], orderby="name", top=MOST)
    for row in client.get(teams, budget=budget).rows:
        if row.get("teamtype") != ACCESS_TEAM:
            yield Owner(str(UUID(row["teamid"])), str(row.get("name") or ""), is_team=True)
    for row in client.get(users, budget=budget).rows:
        yield Owner(str(UUID(row["systemuserid"])), str(row.get("fullname") or ""), is_team=False)


def _named(owners: list[Owner], chosen: str) -> Owner | None:
    return next((owner for owner in owners if owner.id == chosen), None)

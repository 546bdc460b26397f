"""More about one record, read with the agent's own rights: its extra fields, its last phone calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.dateparse import parse_datetime

from crmwindow import lookup
from crmwindow import search as searching
from crmwindow.models import Call, Leg
from crmwindow.search import Hit
from tenants import connections, schema
from tenants.dataverse import errors, odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.metadata import Metadata
from tenants.models import Agent

HISTORY_ROWS = 4


@dataclass(frozen=True, slots=True)
class PastCall:
    """An earlier phone call of a record. `text` is one line; `activity_id` is for the deep link.

    `missed`: nobody took it, so it was left to be done; `owner` is "" when it is the agent who asks.
    """

    at: datetime
    text: str
    direction: str
    activity_id: str
    missed: bool = False
    owner: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """Newest first. `more`: there are others."""

    calls: tuple[PastCall, ...] = ()
    more: bool = False


def reader(agent: Agent, budget: Budget) -> tuple[Client, Metadata]:
    """This agent's Dataverse and what is known of it. Raises DataverseError."""
    instance = agent.tenant.instance
    client = connections.client_for(agent)
    return client, connections.metadata(instance, client, budget)


def details(leg: Leg, *, table: str, record_id: UUID, budget: Budget) -> list[tuple[str, str, str]]:
    """The extra fields (label, formatted value, link) of a record and of its company, for which it asks once more.

    Raises DataverseError; UnknownName for a table that is not configured.
    """
    hit = next((hit for hit in lookup.hits_of(leg) if (hit.table, hit.record_id) == (table, str(record_id))), None)
    if hit is None:
        hit = read_record(leg.agent, table=table, record_id=record_id, budget=budget)
    fields = list(hit.fields)
    if hit.company_id and hit.table != "account":
        fields += _company_fields(leg.agent, hit.company_id, budget)
    return fields


def _company_fields(agent: Agent, company_id: str, budget: Budget) -> list[tuple[str, str, str]]:
    _client, metadata = reader(agent, budget)
    if not schema.display_fields(agent.tenant.instance, metadata, "account"):
        return []
    try:
        return list(read_record(agent, table="account", record_id=UUID(company_id), budget=budget).fields)
    except (errors.MissingPrivilege, errors.NotFound):
        return []  # the agent may see the person, but not the company


def read_record(agent: Agent, *, table: str, record_id: UUID, budget: Budget) -> Hit:
    """One record by its key, as the agent may read it. Raises DataverseError."""
    client, metadata = reader(agent, budget)
    shown_as = schema.of(agent.tenant.instance, metadata).table(table)
    if shown_as is None:
        raise errors.UnknownName("This table is not configured.")
    path = odata.query(odata.record(shown_as.table.entity_set, record_id), select=searching.selected(shown_as))
    row = client.get(path, budget=budget, prefer=[odata.ANNOTATIONS]).data or {}
    return searching.hit_of(shown_as, row, agent.spoken_language)


def history(leg: Leg, *, table: str, record_id: UUID, budget: Budget) -> History:
    """The record's last phone calls. Raises DataverseError."""
    client, metadata = reader(leg.agent, budget)
    calls = metadata.table("phonecall")
    columns = ("activityid", "subject", "description", "directioncode", "actualstart", "createdon", "scheduledend",
               "actualdurationminutes", "_ownerid_value")  # fmt: skip
    path = odata.query(
        calls.entity_set,
        select=[name for name in columns if name in calls.properties],
        filter=odata.eq(calls.column("regardingobjectid").property, record_id),
        orderby="createdon desc",
        top=HISTORY_ROWS + 1,
    )
    me = str(leg.agent.systemuser_id or "")
    rows = client.get(path, budget=budget, prefer=[odata.ANNOTATIONS]).rows
    past = [each for row in rows if (each := _past_call(row, me))]
    return History(tuple(past[:HISTORY_ROWS]), more=len(past) > HISTORY_ROWS)


def _past_call(row: dict[str, Any], me: str) -> PastCall | None:
    at = parse_datetime(str(row.get("actualstart") or row.get("createdon") or ""))
    if at is None:
        return None
    lines = str(row.get("description") or row.get("subject") or "").strip().splitlines()
    direction = Call.Direction.OUTGOING if row.get("directioncode") else Call.Direction.INCOMING
    incoming = direction == Call.Direction.INCOMING
    missed = incoming and bool(row.get("scheduledend")) and row.get("actualdurationminutes") is None
    owner = str(row.get(f"_ownerid_value{odata.FORMATTED}") or "")
    owner = "" if str(row.get("_ownerid_value") or "").lower() == me else owner
    return PastCall(at, lines[0] if lines else "", direction, str(row.get("activityid", "")), missed, owner)

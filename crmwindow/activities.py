"""What is planned about a record: its open tasks and appointments, and phone calls that are due.

All kinds in one question. Phone calls without a due date are left out: that is what logged calls look like. Microsoft: table
reference "Activity (ActivityPointer)".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from crmwindow import one_record
from crmwindow.models import Leg
from tenants.dataverse import odata
from tenants.dataverse.budget import Budget

ACTIVITIES = "activitypointers"
COLUMNS = ("activityid", "activitytypecode", "subject", "scheduledend", "_ownerid_value")
KINDS = "(activitytypecode eq 'task' or activitytypecode eq 'appointment' or activitytypecode eq 'phonecall')"
OPEN = "(statecode eq 0 or statecode eq 3)"  # open; appointments: scheduled
READ = 50
OWNER_NAME = f"_ownerid_value{odata.FORMATTED}"


@dataclass(frozen=True, slots=True)
class Activity:
    """`kind` is its table's logical name; `owner` is "" when it is the agent who asks."""

    kind: str
    subject: str
    due_at: datetime | None
    owner: str
    activity_id: str

    @property
    def is_overdue(self) -> bool:
        return self.due_at is not None and self.due_at < timezone.now()


def open_about(leg: Leg, *, record_id: UUID, budget: Budget) -> list[Activity]:
    """Those due first come first, those without a date last. Raises DataverseError."""
    client, _metadata = one_record.reader(leg.agent, budget)
    about = odata.eq("_regardingobjectid_value", record_id)
    path = odata.query(
        ACTIVITIES,
        select=COLUMNS,
        filter=f"{about} and {OPEN} and {KINDS} and (activitytypecode ne 'phonecall' or scheduledend ne null)",
        orderby="scheduledend asc",
        top=READ,
    )
    rows = client.get(path, budget=budget, prefer=[odata.ANNOTATIONS]).rows
    return _sorted(_activity(row, me=str(leg.agent.systemuser_id or "")) for row in rows)


def _activity(row: dict[str, Any], *, me: str) -> Activity:
    is_mine = bool(me) and str(row.get("_ownerid_value") or "").lower() == me
    return Activity(
        kind=str(row.get("activitytypecode") or ""),
        subject=str(row.get("subject") or ""),
        due_at=parse_datetime(str(row.get("scheduledend") or "")),
        owner="" if is_mine else str(row.get(OWNER_NAME) or ""),
        activity_id=str(row.get("activityid") or ""),
    )


def _sorted(found: Iterable[Activity]) -> list[Activity]:
    now = timezone.now()
    return sorted(found, key=lambda each: (each.due_at is None, each.due_at or now))

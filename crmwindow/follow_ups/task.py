"""A task as Dataverse takes it. Pure: rows and metadata in, request bodies out; only names metadata knows.

Source: Microsoft, table reference "Task", "Associate and disassociate table rows". The owner is whoever creates it.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any
from uuid import UUID

from crmwindow.models import FollowUp
from tenants.dataverse import errors, odata
from tenants.dataverse.metadata import Metadata, Table
from tenants.models import Instance

TASK = "task"
USUAL_LIMITS = {"subject": 200, "description": 2000}
"""Until metadata says otherwise (Microsoft: table reference "Task")."""


def tables(_instance: Instance) -> tuple[str, ...]:
    """What has to be known of an instance for this."""
    return (TASK,)


def limit(metadata: Metadata | None, column: str) -> int:
    """UTF-16 code units that a column takes, as far as metadata was read."""
    table = metadata.find(TASK) if metadata else None
    found = table.find(column) if table else None
    return (found.max_length if found else None) or USUAL_LIMITS[column]


def body(row: FollowUp, metadata: Metadata) -> dict[str, Any]:
    table = metadata.table(TASK)
    wanted = {
        "subject": row.subject,
        "description": row.description or None,
        "scheduledend": row.due_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    known = {name: value for name, value in wanted.items() if value is not None and name in table.columns}
    return known | regarding(row, metadata)


def regarding(row: FollowUp, metadata: Metadata) -> dict[str, Any]:
    """The record the call is about; {} when it is about nobody or that table cannot have activities."""
    call = row.call
    other = metadata.find(call.regarding_table) if call.regarding_id else None
    navigation = _navigation(metadata.table(TASK), call.regarding_table)
    if other is None or navigation is None or call.regarding_id is None:
        return {}
    return {f"{navigation}@odata.bind": odata.bind(other.entity_set, call.regarding_id)}


def _navigation(table: Table, target: str) -> str | None:
    try:
        return table.column("regardingobjectid").navigation.get(target.strip().lower())
    except errors.UnknownName:
        return None


def regarded(row: dict[str, Any]) -> UUID | None:
    """The record that a task read back is about."""
    found = row.get("_regardingobjectid_value")
    return UUID(str(found)) if found else None

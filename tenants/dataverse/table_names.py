"""Which tables an organization has, by name and label only, so that somebody can choose one.

One request, without paging. Left out is what nobody creates: relationship tables, private ones of the platform, and
activities that Dataverse makes itself when something is closed or sent. Sources: Microsoft, "Query table definitions using
the Web API", EntityMetadata EntityType, "Activity tables".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tenants.dataverse import odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.metadata import best_label, labels_of

_SELECT = ("LogicalName", "SchemaName", "IsCustomEntity", "IsActivity", "HasActivities", "DisplayName")
_FILTER = "IsIntersect eq false and IsPrivate eq false"
_MADE_BY_DATAVERSE = frozenset(
    ("activitypointer", "bulkoperation", "incidentresolution", "opportunityclose", "orderclose", "quoteclose",
     "untrackedemail")
)  # fmt: skip


@dataclass(frozen=True)
class TableName:
    """One table that could be chosen."""

    logical_name: str
    schema_name: str
    is_custom: bool = False
    is_activity: bool = False
    has_activities: bool = False
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)

    def label(self, language: str = "en") -> str:
        """As `Table.label`."""
        return best_label(self.labels, language) or self.logical_name


def table_names(client: Client, budget: Budget, *, fresh: bool = False) -> tuple[TableName, ...]:
    """The organization's own first, each group by schema name. Raises DataverseError."""
    path = odata.query("EntityDefinitions", select=_SELECT, filter=_FILTER)
    rows = client.get(path, budget=budget, consistency_strong=fresh).rows
    found = [_table_name(row) for row in rows if row.get("LogicalName") not in {None, "", *_MADE_BY_DATAVERSE}]
    return tuple(sorted(found, key=lambda one: (not one.is_custom, one.schema_name.lower())))


def _table_name(row: Mapping[str, Any]) -> TableName:
    return TableName(
        logical_name=row["LogicalName"],
        schema_name=row.get("SchemaName") or row["LogicalName"],
        is_custom=bool(row.get("IsCustomEntity")),
        is_activity=bool(row.get("IsActivity")),
        has_activities=bool(row.get("HasActivities")),
        labels=labels_of(row.get("DisplayName")),
    )

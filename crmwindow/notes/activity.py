"""A phone call activity as Dataverse takes it. Pure: rows and metadata in, request bodies out; only names metadata knows.

Source: Microsoft, table reference "Phone Call", "Activity tables" (parties), "Associate and disassociate table rows".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils import translation
from django.utils.translation import gettext as _

from crmwindow import phone
from crmwindow.models import Call, Leg
from crmwindow.notes.text import USUAL_LIMIT, Content
from tenants.dataverse import odata
from tenants.dataverse.metadata import PARTIES, Metadata, Table

SENDER, RECIPIENT = 1, 2
OPEN = {"statecode": 0, "statuscode": 1}
MADE, RECEIVED = {"statecode": 1, "statuscode": 2}, {"statecode": 1, "statuscode": 4}
SYSTEM_USERS = "systemusers"  # entity set, Microsoft: table reference "User"


@dataclass(frozen=True, slots=True)
class Activity:
    """One agent's phone call activity. `about` is (logical name, id) of the record it regards."""

    metadata: Metadata
    call: Call
    leg: Leg
    author_id: UUID | None
    about: tuple[str, UUID] | None
    language: str

    @property
    def table(self) -> Table:
        return self.metadata.table("phonecall")

    def body(self, content: Content, ended_at: datetime | None) -> dict[str, Any]:
        """Everything, for creating it."""
        call = self.call
        wanted: dict[str, Any] = {
            "subject": self.subject(),
            "phonenumber": call.number if call.number_blind else None,
            "directioncode": call.direction == Call.Direction.OUTGOING,
        }
        known = {name: value for name, value in wanted.items() if value is not None and name in self.table.columns}
        parties = {PARTIES: found} if (found := self.parties()) else {}
        return known | self.text(content) | self.times(ended_at) | self.regarding() | parties

    def text(self, content: Content) -> dict[str, Any]:
        """The note. The outcome has a column of its own if that is long enough for it, else it is the first line."""
        if has_outcome_column(self.table, content.outcome):
            return {"description": content.text, "subcategory": content.outcome or None}
        return {"description": "\n".join(filter(None, (content.outcome, content.text)))}

    def content_of(self, row: dict[str, Any], outcome: str) -> Content:
        """What a row read back says; `outcome` tells which of the two ways it would have been written."""
        text = str(row.get("description") or "")
        if has_outcome_column(self.table, outcome):
            return Content(text, str(row.get("subcategory") or ""))
        first, _line, rest = text.replace("\r\n", "\n").partition("\n")
        return Content(rest, first) if first == outcome else Content(text)

    def times(self, ended_at: datetime | None) -> dict[str, Any]:
        """Start; end and duration in whole minutes once the agent hung up."""
        started_at = self.leg.answered_at or self.call.started_at
        wanted: dict[str, Any] = {"actualstart": _utc(started_at)}
        if ended_at:
            ended_at = max(started_at, ended_at)
            minutes = int((ended_at - started_at).total_seconds() / 60 + 0.5)
            wanted |= {"actualend": _utc(ended_at), "actualdurationminutes": minutes}
        return {name: value for name, value in wanted.items() if name in self.table.columns}

    def completed(self) -> dict[str, int]:
        return MADE if self.call.direction == Call.Direction.OUTGOING else RECEIVED

    def regarding(self) -> dict[str, Any]:
        """What it is about; {} when it is about nobody or that table cannot have activities."""
        if self.about is None:
            return {}
        navigation = self.metadata.regarding_navigation(self.about[0])
        table = self.metadata.find(self.about[0])
        return {f"{navigation}@odata.bind": odata.bind(table.entity_set, self.about[1])} if navigation and table else {}

    def no_regarding(self) -> dict[str, Any]:
        """Takes away what it was about. Any branch of the lookup will do, they are one column."""
        navigation = next(iter(self.metadata.regarding.values()), None)
        return {f"{navigation}@odata.bind": None} if navigation else {}

    def parties(self) -> list[dict[str, Any]]:
        """Who called whom. Own tables cannot take part: then that side stays empty."""
        outgoing = self.call.direction == Call.Direction.OUTGOING
        agent_side, caller_side = (SENDER, RECIPIENT) if outgoing else (RECIPIENT, SENDER)
        parties = []
        if self.about and (table := self.metadata.find(self.about[0])):
            parties.append(self._party(self.about[0], table.entity_set, self.about[1], caller_side))
        if self.author_id:
            parties.append(self._party("systemuser", SYSTEM_USERS, self.author_id, agent_side))
        return [party for party in parties if party]

    def _party(self, table: str, entity_set: str, record_id: UUID, side: int) -> dict[str, Any]:
        navigation = self.metadata.party_navigation(table)
        if not navigation:
            return {}
        return {"participationtypemask": side, f"{navigation}@odata.bind": odata.bind(entity_set, record_id)}

    def subject(self) -> str:
        """In the customer's language, never empty, cut to its column (it says nothing that is not in other columns)."""
        with translation.override(self.language):
            outgoing = self.call.direction == Call.Direction.OUTGOING
            number = self.spoken_number()
            template = _("Outgoing call %(number)s") if outgoing else _("Incoming call %(number)s")
            subject = (template % {"number": number}).strip()
        column = self.table.columns.get("subject")
        return subject[: (column.max_length if column else None) or 200]

    def spoken_number(self) -> str:
        if self.call.caller == Call.Caller.WITHHELD:
            return _("(withheld number)")
        number = phone.parse(self.call.number, self.call.tenant.country) if self.call.number_blind else None
        return number.display if number else self.call.number


def has_outcome_column(table: Table | None, outcome: str) -> bool:
    column = table.columns.get("subcategory") if table else None
    return column is not None and column.updatable and len(outcome) <= (column.max_length or 0)


def limit(table: Table | None, outcome: str) -> int:
    """UTF-16 code units that the text of a note with this outcome may have. `table`: phonecall, as far as it was read."""
    column = table.find("description") if table else None
    longest = (column.max_length if column else None) or USUAL_LIMIT
    return longest if not outcome or has_outcome_column(table, outcome) else longest - len(outcome) - 1


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

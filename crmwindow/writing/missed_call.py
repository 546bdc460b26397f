"""A call nobody took, as an open phone call activity: somebody has to call back.

Source: Microsoft, table reference "Phone Call"; only names metadata knows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from uuid import UUID

from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from crmwindow.models import Call, CrmWrite, Leg
from crmwindow.notes.activity import Activity
from crmwindow.notes.text import USUAL_LIMIT
from crmwindow.writing import owners
from crmwindow.writing.callers import Caller
from crmwindow.writing.owners import Owner
from tenants.dataverse.metadata import PARTIES, Metadata

LISTED = 10
"""Records named in the text when several have the number."""


def content_of(write: CrmWrite) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(write.content) if write.content else {}
    return found


@dataclass(frozen=True, slots=True)
class MissedCall:
    call: Call
    metadata: Metadata
    caller: Caller

    def body(self, owner: Owner) -> dict[str, Any]:
        hit, columns = self.caller.hit, self.metadata.table("phonecall").columns
        activity = Activity(
            metadata=self.metadata,
            call=self.call,
            leg=Leg(call=self.call),
            author_id=owner.id if owner.kind == "systemuser" else None,
            about=(hit.table, UUID(hit.record_id)) if hit else None,
            language=self.call.tenant.language,
        )
        wanted: dict[str, Any] = {
            "subject": self._subject(activity),
            "description": self._text(owner),
            "directioncode": False,
            "phonenumber": self.call.number if self.call.number_blind else None,
            "actualstart": _utc(self.call.started_at),
            "scheduledend": _utc(timezone.now()),
        }
        known = {name: value for name, value in wanted.items() if value is not None and name in columns}
        parties = {PARTIES: found} if (found := activity.parties()) else {}
        return known | activity.regarding() | parties

    def _subject(self, activity: Activity) -> str:
        with translation.override(self.call.tenant.language):
            number = activity.spoken_number()
            subject = _("Missed call from %(number)s") % {"number": number} if number else _("Missed call")
        column = self.metadata.table("phonecall").columns.get("subject")
        return subject[: (column.max_length if column else None) or 200]

    def _text(self, owner: Owner) -> str:
        """When, in which queue, whose number it may be, and why it has this owner."""
        with translation.override(self.call.tenant.language):
            at = formats.date_format(timezone.localtime(self.call.started_at), "SHORT_DATETIME_FORMAT")
            lines = [_("Nobody took this call (%(at)s).") % {"at": at}]
            if self.call.queue:
                lines.append(_("Queue: %(queue)s") % {"queue": self.call.queue})
            if others := self.caller.others:
                lines.append(_("Several records have this number:"))
                lines += [f"– {hit.name} ({hit.table_label})" for hit in others[:LISTED]]
            if owner.why:
                lines.append(owners.explain(" ".join(owner.why)))
        column = self.metadata.table("phonecall").columns.get("description")
        return "\n".join(lines)[: (column.max_length if column else None) or USUAL_LIMIT]


def _utc(moment: Any) -> str:
    return str(moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))

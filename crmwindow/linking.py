"""Whether Dataverse refused a row because of the record it was to be about. Pure.

Linking needs AppendTo on that record, and the record itself. Source: Microsoft, "Security roles and privileges",
"Web service error codes".
"""

from __future__ import annotations

import re
from uuid import UUID

from crmwindow.models import LeftOut
from tenants.dataverse import errors

type About = tuple[str, UUID]
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ON_A_RECORD = re.compile(r"prv(?:appendto|read)(.+)")
OBJECT_DOES_NOT_EXIST = "0x80040217"


def left_out_because(error: errors.DataverseError, about: About | None) -> str:
    """A `LeftOut`, or "" when it was anything else. `about` is (logical name, id) of the record."""
    if about is None:
        return ""
    if isinstance(error, errors.NotFound):
        return LeftOut.GONE if _names(error, about) else ""
    if isinstance(error, errors.MissingPrivilege):
        return LeftOut.HIDDEN if _names(error, about) or _is_right_on(error, about[0]) else ""
    return ""


def _names(error: errors.DataverseError, about: About) -> bool:
    """Or, where Microsoft says no id at all, that something to be linked is not there."""
    named = _GUID.findall(error.detail.lower())
    return str(about[1]) in named or (not named and error.code == OBJECT_DOES_NOT_EXIST)


def _is_right_on(error: errors.MissingPrivilege, table: str) -> bool:
    """ "prvAppendToContact": a right on that table at all, not on phone calls, tasks or users."""
    found = _ON_A_RECORD.fullmatch(error.privilege.lower())
    return found is not None and found[1] == table.strip().lower()

"""What can go wrong between us and Dataverse, and who must act on it.

    DataverseError
    ├── Unavailable       nobody   no answer in time, connection lost, 5xx, HTML, unreadable: try again
    │   └── Throttled     nobody   429, wait `retry_after` seconds
    ├── SignInRequired    agent    401 even with a fresh token
    ├── NotAMember        admin    the account has no (enabled, licensed) user with a role in this organization
    ├── MissingPrivilege  admin    403, `privilege` and `table` as far as Microsoft names them
    ├── NotFound          nobody   the record is gone (metadata: the table does not exist, `table`)
    ├── VersionMismatch   agent    412, somebody else changed the record since it was read
    ├── AlreadyExists     nobody   412, a record with this key is there: for our own key that is success
    ├── UnknownName       us       a set, property or navigation property that metadata no longer has: read it again
    ├── TooLong           agent    a text is over the limit of `column`
    ├── Closed            us       completed activities are read-only: reopen first
    ├── QueryTooHeavy     us       too many conditions, or a query the database gave up on: never blindly again
    ├── ForeignAddress    us       a link points outside the instance: nothing was sent
    └── Refused           admin    every other 4xx; `detail` has the text of the customer's plug-in

`str(error)` is one English sentence without ids, numbers or texts of records. What Microsoft said is in `detail`, for
support only: it may hold ids and must not be shown to agents nor logged.

Source: Microsoft, "Compose HTTP requests and handle errors", "Web service error codes", "Service protection API
limits".
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import ClassVar, Literal, NamedTuple

Acts = Literal["agent", "admin", "us", "nobody"]


class DataverseError(Exception):
    """Base of the tree: views and the IVR catch this once.

    `status` is the HTTP status, or None when there was no answer; `code` is Microsoft's, as "0x80040217", or "";
    `request_id` is what Microsoft's support asks for; `retry_after` is in seconds. `may_have_applied` tells that this
    or an earlier attempt of the same call may have changed data although nobody said so.
    """

    acts: ClassVar[Acts] = "us"
    sentence: ClassVar[str] = "Dataverse refused the request."

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        code: str = "",
        request_id: str = "",
        retry_after: float | None = None,
        detail: str = "",
        may_have_applied: bool = False,
    ) -> None:
        super().__init__(message or self.sentence)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after
        self.detail = detail
        self.may_have_applied = may_have_applied

    def _named(self, *patterns: str) -> str:
        found = (re.search(pattern, self.detail) for pattern in patterns)
        return next((match[1] for match in found if match), "")


class Unavailable(DataverseError):
    """`reached` is False when surely nothing was sent; `final` means that trying again at once would give the same."""

    acts = "nobody"
    sentence = "Dataverse does not answer as it should just now."

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        code: str = "",
        request_id: str = "",
        retry_after: float | None = None,
        detail: str = "",
        may_have_applied: bool = False,
        reached: bool = True,
        final: bool = False,
    ) -> None:
        super().__init__(
            message,
            status=status,
            code=code,
            request_id=request_id,
            retry_after=retry_after,
            detail=detail,
            may_have_applied=may_have_applied,
        )
        self.reached = reached
        self.final = final


class Throttled(Unavailable):
    sentence = "Dataverse is busy and asks to wait."


class SignInRequired(DataverseError):
    acts = "agent"
    sentence = "Dataverse does not accept the sign-in any more."


class NotAMember(DataverseError):
    acts = "admin"
    sentence = "This account has no active user with a role in the organization."


class MissingPrivilege(DataverseError):
    acts = "admin"
    sentence = "The user lacks a right for this."

    @property
    def privilege(self) -> str:
        """As Microsoft spells it ("prvReadContact"), or "" when it is about one record or not said."""
        return self._named(r"\b(prv[A-Za-z0-9_]+)\b")

    @property
    def table(self) -> str:
        """Logical name, or ""."""
        return self._named(r"for entity '([A-Za-z0-9_]+)'", r"of entity '?([A-Za-z0-9_]+)").lower()


class NotFound(DataverseError):
    acts = "nobody"
    sentence = "The record does not exist in Dataverse."

    table: str = ""


class VersionMismatch(DataverseError):
    acts = "agent"
    sentence = "The record was changed by somebody else meanwhile."


class AlreadyExists(DataverseError):
    acts = "nobody"
    sentence = "A record with this key already exists in Dataverse."


class UnknownName(DataverseError):
    sentence = "Dataverse does not know a table or column by this name."

    @property
    def name(self) -> str:
        """The name Dataverse stumbled over, or ""."""
        return self._named(
            r"property named '([A-Za-z0-9_]+)'",
            r"[Pp]roperty '([A-Za-z0-9_.]+)'",
            r"segment '([A-Za-z0-9_]+)'",
            r"attribute '?([A-Za-z0-9_]+)'?",
        )


class TooLong(DataverseError):
    acts = "agent"
    sentence = "A text is longer than its column allows."

    @property
    def column(self) -> str:
        """Logical name, or ""."""
        return self._named(r"length of the '([A-Za-z0-9_]+)' attribute").lower()

    @property
    def limit(self) -> int | None:
        """Characters, when Dataverse says them."""
        said = self._named(r"maximum allowed length of '(\d+)'")
        return int(said) if said else None


class Closed(DataverseError):
    sentence = "The activity is completed and cannot be changed."


class QueryTooHeavy(DataverseError):
    sentence = "Dataverse gave up on a query."


class ForeignAddress(DataverseError):
    sentence = "A link leads outside the customer's Dataverse and was not followed."


class Refused(DataverseError):
    acts = "admin"


BY_CODE: dict[str, type[DataverseError]] = {
    "0x80072560": NotAMember,  # not a member of the organization, or a token of another directory
    "0x80042f09": NotAMember,  # no security role
    "0x8004d24b": NotAMember,  # no licence
    "0x80040225": NotAMember,  # user disabled
    "0x80040220": MissingPrivilege,
    "0x80040231": MissingPrivilege,
    "0x80048306": MissingPrivilege,  # the privilege is there, its depth does not reach this record
    "0x80048405": MissingPrivilege,
    "0x8004f504": MissingPrivilege,  # column security
    "0x8004f507": MissingPrivilege,
    "0x80040217": NotFound,
    "0x80060891": NotFound,
    "0x80060882": VersionMismatch,
    "0x80040237": AlreadyExists,
    "0x80060892": AlreadyExists,
    "0x8006088a": UnknownName,
    "0x80060888": UnknownName,
    "0x80048d19": UnknownName,
    "0x80041102": UnknownName,
    "0x80041103": UnknownName,
    "0x80044331": TooLong,
    "0x80048573": QueryTooHeavy,  # leading wildcard
    "0x80048574": QueryTooHeavy,
    "0x80048544": QueryTooHeavy,
    "0x80048644": QueryTooHeavy,
    "0x80048744": QueryTooHeavy,
    "0x80048745": QueryTooHeavy,
    "0x80044151": QueryTooHeavy,  # SQL time-out
    "0x8004430c": QueryTooHeavy,  # too many conditions
    "0x8004430d": QueryTooHeavy,
    "0x8004430e": QueryTooHeavy,
    "0x80072321": Throttled,
    "0x80072322": Throttled,
    "0x80072326": Throttled,
    "0x8005f103": Throttled,
    "0x8004a104": Unavailable,  # organization disabled
    "0x8004a113": Unavailable,  # administration mode
    "0x80044150": Unavailable,
}

# Codes are empty or shared for these: only the text tells.
BY_TEXT: tuple[tuple[re.Pattern[str], type[DataverseError]], ...] = (
    (re.compile(r"cannot update closed or cancell?ed activity", re.I), Closed),
    (re.compile(r"could not find a property named|undeclared property|invalid property '", re.I), UnknownName),
    (re.compile(r"resource not found for the segment|no http resource was found", re.I), UnknownName),
    (re.compile(r"not a member of the organization", re.I), NotAMember),
)

BY_STATUS: dict[int, type[DataverseError]] = {
    401: SignInRequired,
    403: MissingPrivilege,
    404: NotFound,
    408: Unavailable,
    412: VersionMismatch,
    414: QueryTooHeavy,
    429: Throttled,
    501: Refused,
}

# What these statuses mean does not depend on who wrote the body.
_PLAIN_STATUSES = frozenset({401, 412, 414, 429})


class Said(NamedTuple):
    """An error body, read: Microsoft's code ("0x…" or "") and text."""

    code: str
    text: str


def from_answer(
    status: int, headers: Mapping[str, str], body: bytes, *, wrote: bool = False, created: bool = False
) -> DataverseError:
    """The error an answer stands for. `wrote`: the request could change data; `created`: it said `If-None-Match: *`."""
    said = read_body(body)
    kind = _kind(status, said, html=bool(body.strip()) and said is None)
    if kind is VersionMismatch and created:
        kind = AlreadyExists
    return kind(
        status=status,
        code=said.code if said else "",
        request_id=headers.get("x-ms-service-request-id", "") or headers.get("REQ_ID", ""),
        retry_after=seconds(headers.get("Retry-After")),
        detail=said.text if said else "",
        may_have_applied=wrote and kind is Unavailable and status >= 500,
    )


def _kind(status: int, said: Said | None, *, html: bool) -> type[DataverseError]:
    if said and said.code in BY_CODE:
        return BY_CODE[said.code]
    for pattern, kind in BY_TEXT:
        if said and pattern.search(said.text):
            return kind
    if html and status not in _PLAIN_STATUSES:
        return Unavailable
    if status in BY_STATUS:
        return BY_STATUS[status]
    return Refused if 400 <= status < 500 else Unavailable


def read_body(body: bytes) -> Said | None:
    """Microsoft's code and text from any shape seen in the wild; None when it is none of them (HTML, cut off)."""
    try:
        data = json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    error = data.get("error", data.get("Error"))
    if isinstance(error, dict):
        return Said(_code(error.get("code")), _text(error))
    if isinstance(error, str):
        return Said("", error)
    text = data.get("Message", data.get("message"))
    return Said(_code(data.get("ErrorCode", "")), text) if isinstance(text, str) else None


def _text(error: dict[str, object]) -> str:
    message = error.get("message")
    if isinstance(message, dict):  # OData v3 front ends: {"lang": …, "value": …}
        message = message.get("value")
    return message if isinstance(message, str) else ""


def _code(raw: object) -> str:
    """Lower case: 0x80040217 from 0x80040217, 0X80040217 or -2147220969; other words ("", "0x0") as they are."""
    text = str(raw if raw is not None else "").strip().lower()
    if re.fullmatch(r"-\d{6,10}", text):
        return f"0x{int(text) & 0xFFFFFFFF:08x}"
    return text[:40]


def seconds(retry_after: str | None) -> float | None:
    """`Retry-After` in seconds: a number or a date; None when absent or nonsense."""
    text = (retry_after or "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
        return float(text)
    try:
        then = parsedate_to_datetime(text)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())

"""What the telephone exchange sends, read and checked. Pure: no rows are touched here.

Source: IPEX documentation, "Webhooks" and "Události (server side)". All values are strings; no event carries a time or a
sequence number, and neither their order nor that they come once is promised.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from crmwindow import phone
from crmwindow.models import Call
from tenants.models import Tenant

CALL_EVENTS = ("NewCall", "Ringing", "Answered", "Hangup", "AttendedTransfer", "CDR")
OPERATOR_EVENTS = ("AgentLogin", "AgentLogout", "AgentPaused", "AgentUnPaused")
_CANONICAL = {name.lower(): name for name in (*CALL_EVENTS, *OPERATOR_EVENTS)}
_LONGEST = {
    "EventName": 60, "From": 200, "To": 200, "Line": 32, "Email": 254, "Login": 150, "UniqueId": 128, "Queue": 200,
    "Direction": 30, "Reason": 100,
}  # fmt: skip
_ANNOUNCED = {"From": "number", "To": "number", "UniqueId": "unique_id", "Direction": "direction"}
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class MalformedEvent(Exception):
    """Not an event we could act on; `str()` is one sentence for whoever set the webhook up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One webhook body. `name` is spelt as documented if it is known; what was absent is ""."""

    name: str
    unique_id: str = ""
    sender: str = ""
    to: str = ""
    line: str = ""
    email: str = ""
    login: str = ""
    queue: str = ""
    direction: str = ""
    reason: str = ""

    @property
    def is_about_a_call(self) -> bool:
        return self.name in CALL_EVENTS

    @property
    def names_somebody(self) -> bool:
        return bool(self.login or self.email or self.line)

    @property
    def elsewhere(self) -> bool:
        return self.name == "Hangup" and "elsewhere" in self.reason.lower()

    @property
    def is_internal(self) -> bool:
        return self.direction.lower().endswith("local")

    @property
    def is_outgoing(self) -> bool:
        """As the exchange says; where it says nothing, a short line that calls a long number is one of ours."""
        if self.direction:
            return self.direction.lower().startswith("outgoing")
        return _is_short(self.sender) and bool(self.to.strip()) and not _is_short(self.to)

    @property
    def customer(self) -> str:
        """The number on the other side: the called one of an outgoing call, else the caller's."""
        return self.to if self.is_outgoing else self.sender


def read_event(body: Any, tenant: Tenant) -> Event:
    """Read a decoded JSON body, with the tenant's renamed keys. Raises MalformedEvent."""
    if not isinstance(body, dict):
        raise MalformedEvent(_("The body must be one JSON object with the keys of one event."))
    keys = {key: str(tenant.webhook_keys.get(key) or key) for key in _LONGEST}
    texts = {key: _text(body, keys[key], longest) for key, longest in _LONGEST.items()}
    name = texts["EventName"].strip()
    if not name:
        raise MalformedEvent(_("The key %(key)s is missing.") % {"key": keys["EventName"]})
    event = _event(_CANONICAL.get(name.lower(), name), texts)
    if event.is_about_a_call and not event.unique_id:
        raise MalformedEvent(_("The key %(key)s is missing.") % {"key": keys["UniqueId"]})
    return event


def announcement(*, number: str, direction: str, unique_id: str) -> Event:
    """What an address or a page says about a call, checked as if the exchange had said it. Raises MalformedEvent."""
    said = {"number": number, "unique_id": unique_id, "direction": direction}
    texts = dict.fromkeys(_LONGEST, "")
    texts |= {key: _text(said, name, _LONGEST[key]) for key, name in _ANNOUNCED.items()}
    return _event("NewCall", texts)


def _event(name: str, texts: dict[str, str]) -> Event:
    """Numbers stay untrimmed: a leading space may be a + that an address lost."""
    trimmed = {key: text.strip() for key, text in texts.items()}
    return Event(
        name=name,
        unique_id=trimmed["UniqueId"],
        sender=texts["From"],
        to=texts["To"],
        line=trimmed["Line"],
        email=trimmed["Email"],
        login=trimmed["Login"],
        queue=trimmed["Queue"],
        direction=trimmed["Direction"],
        reason=trimmed["Reason"],
    )


def _text(body: dict[str, Any], key: str, longest: int) -> str:
    value = body.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedEvent(_("The value of %(key)s must be a string.") % {"key": key})
    if len(value) > longest:
        raise MalformedEvent(
            _("The value of %(key)s is longer than %(longest)d characters.") % {"key": key, "longest": longest}
        )
    if not is_storable(value):
        raise MalformedEvent(_("The value of %(key)s holds control characters.") % {"key": key})
    return value


def is_storable(text: str) -> bool:
    """No control character, and nothing that no database can hold (NUL, half of a surrogate pair)."""
    return not _UNSTORABLE.search(text)


def _is_short(text: str) -> bool:
    return bool(re.fullmatch(r"\s*[*#]?\d{1,5}\s*", text))


@dataclass(frozen=True, kw_only=True, slots=True)
class Party:
    """Who is on the other side, as far as one event tells. `number` is E.164 for "number" and "own"."""

    direction: str
    caller: str
    number: str

    @property
    def weight(self) -> int:
        """Of two events that disagree, the one with more weight is believed; of equals the first."""
        return weight(self.caller, self.number)


_WEIGHTS = {Call.Caller.NUMBER: 5, Call.Caller.OWN: 4, Call.Caller.INTERNAL: 3, Call.Caller.UNREADABLE: 2}


def weight(caller: str, number: str) -> int:
    if caller == Call.Caller.UNREADABLE and not number:
        return 0  # nothing known at all
    return _WEIGHTS.get(Call.Caller(caller), 1)


def party(text: str, *, outgoing: bool, tenant: Tenant) -> Party:
    """Judge a number that the exchange, a URL or a page gave, by the rules of this tenant."""
    judged = phone.caller(text, region=tenant.country, own_numbers=tenant.own_numbers)
    direction = Call.Direction.OUTGOING if outgoing else Call.Direction.INCOMING
    return Party(direction=direction, caller=judged.kind, number=judged.number.e164 if judged.number else judged.raw)

"""How often is too often. Each is a default; the environment's LIMITS changes some: `name=times/seconds[,name=…]`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Rate:
    times: int
    seconds: int


RATES = {
    # counted by the network address that asks, over all processes
    "sign_in": Rate(120, 600),  # ways to Microsoft begun in the portal or by a personal link: each writes a row
    "window_sign_in": Rate(1200, 600),  # the same for windows: a whole call centre may sit behind one address
    "code": Rate(100, 600),  # passwords, mailed codes and second factors typed
    "wrong_key": Rate(60, 60),  # API keys that are none; right ones from the same address go on
    "wrong_ticket": Rate(120, 600),
    # by who is signed in, over all processes
    "check": Rate(30, 600),  # runs of the checks, tries of a function: each asks Microsoft
    "mail": Rate(120, 3600),  # e-mails and invitations asked for
    # by key and by agent, in each process
    "api_call": Rate(1000, 10),
    "ticket": Rate(120, 60),  # a window asks for one each time it is opened
}
_ENTRY = re.compile(r"(\w+)=(\d{1,9})/(\d{1,6})")


def parse_rates(text: str) -> dict[str, Rate]:
    """The defaults with what `text` changes. Raises ImproperlyConfigured."""
    rates = dict(RATES)
    for entry in filter(None, (part.strip() for part in text.split(","))):
        found = _ENTRY.fullmatch(entry)
        if not found or found[1] not in RATES or not int(found[2]) or not int(found[3]):
            raise ImproperlyConfigured(f"LIMITS: “{entry}” is not name=times/seconds. Names: {', '.join(RATES)}.")
        rates[found[1]] = Rate(int(found[2]), int(found[3]))
    return rates

"""What the voice menu sends as the caller's number."""

from __future__ import annotations

from dataclasses import dataclass

from crmwindow import phone
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Caller:
    """`kind` as in `phone.Caller`; only a "number" can find somebody."""

    kind: str
    number: phone.Number | None = None

    @property
    def e164(self) -> str:
        return self.number.e164 if self.number else ""


def read(text: str, tenant: Tenant) -> Caller:
    found = phone.caller(text, region=tenant.country, own_numbers=tenant.own_numbers)
    return Caller(found.kind, found.number if found.kind == "number" else None)

"""What the author of the voice menu copies into the exchange's REST block, and what the menu may get back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext as _

from crmwindow.ivr_pages.form import Form, Kind, variable_of

if TYPE_CHECKING:
    from tenants.models import Tenant

CALLER, CALL, KEYED, KEYED_SECOND = "${CALLER}", "${UNIQUEID}", "${DTMF}", "${DTMF2}"
PATHS = {
    Kind.LOOKUP: "/api/v1/ivr/lookup",
    Kind.VERIFY: "/api/v1/ivr/verify",
    Kind.IDENTIFY: "/api/v1/ivr/verify",
    Kind.WRITE: "/api/v1/ivr/write",
}
KEY = "ipx_ivr_…"


@dataclass(frozen=True, slots=True)
class Request:
    """Ready to be copied, part by part."""

    address: str
    headers: tuple[tuple[str, str], ...]
    body: str


@dataclass(frozen=True, slots=True)
class Result:
    """What comes back and what the menu should do then. `tone` is ok, warn, bad or ""."""

    code: str
    advice: str
    tone: str = ""


def request(form: Form) -> Request:
    headers = [("Authorization", f"Bearer {KEY}"), ("Content-Type", "application/json")]
    if form.kind == Kind.WRITE:
        headers.append(("Idempotency-Key", f"{CALL}-{form.name or 'name'}"))
    body = json.dumps(_body(form), ensure_ascii=False, indent=2)
    return Request(f"{settings.PORTAL_URL}{PATHS[Kind(form.kind)]}", tuple(headers), body)


def _body(form: Form) -> dict[str, Any]:
    body: dict[str, Any] = {"number": CALLER, "unique_id": CALL, "function": form.name}
    if form.compares:
        body["value"] = KEYED
        body |= {"second": KEYED_SECOND} if form.said("second_column") else {}
    if form.kind == Kind.WRITE:
        names = [pair.text or variable_of(pair.column) for pair in form.variables if pair]
        body["values"] = {name: f"${{{name.upper()}}}" for name in names}
    return body


def fields(tenant: Tenant, form: Form) -> list[str]:
    """Names of the further words that a look-up gives: its own, else the extra fields of the caller card."""
    instance = getattr(tenant, "instance", None)
    if form.kind != Kind.LOOKUP or instance is None:
        return []
    own = [pair.text or variable_of(pair.column) for pair in form.variables if pair]
    names = own or [one.identifier for one in instance.display_fields.all()]
    return [f"field_{name}" for name in dict.fromkeys(names)]


def results(form: Form) -> list[Result]:
    human = _("Put the call through to a person.")
    unavailable = Result(
        "unavailable", _("No answer in time, or the CRM is out of reach: put through to a person."), "bad"
    )
    match form.kind:
        case Kind.LOOKUP:
            return [
                Result("found", _("One record. Greet by name, or call its owner at owner_line."), "ok"),
                Result("ambiguous", _("Several records have this number. Go on as with an unknown caller."), "warn"),
                Result("not_found", _("Nobody has this number. Go on as usual."), ""),
                unavailable,
            ]
        case Kind.WRITE:
            return [
                Result("202", _("Taken over. It is written to the CRM even if Microsoft is down just now."), "ok"),
                Result("409", _("The same Idempotency-Key with another body. Nothing more is written."), "warn"),
                Result(
                    "422", _("A value that this function does not know, or no variable where one is needed."), "bad"
                ),
                Result("429", _("Today's limit of rows is reached. Go on without writing."), "warn"),
            ]
    good = "verified" if form.kind == Kind.VERIFY else "identified"
    go_on = _("Go on.") if form.kind == Kind.VERIFY else _("Go on. It is not said that the caller is this customer.")
    return [
        Result(good, go_on, "ok"),
        Result("refused", _("Ask again."), "warn"),
        Result("locked", human, "bad"),
        unavailable,
    ]

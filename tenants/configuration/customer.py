"""[tenant] and [webhook]."""

from __future__ import annotations

from typing import Any

import phonenumbers
from django.utils.translation import gettext as _

from tenants.configuration import checks
from tenants.configuration.mistakes import Place, shorten
from tenants.configuration.sections import Change, Section, Whole
from tenants.models import WEBHOOK_KEYS, Tenant

KEYS: dict[str, checks.Check] = {
    "slug": checks.slug,
    "name": checks.text(200, empty=False),
    "language": checks.choice(*checks.LANGUAGE_CODES),
    "country": checks.country,
    "contact_email": checks.email,
    "embedding_origins": checks.listing(checks.origin, most=50),
    "own_numbers": checks.listing(checks.text(40, empty=False), most=1000),
    "retention_days": checks.number(1, 3650),
    "log_every_call": checks.flag,
    "outcomes": checks.listing(checks.label(200), most=50),
    "missed_call_owner": checks.choice(*Tenant.MissedCallOwner.values),
    "missed_call_owner_id": checks.optional_guid,
    "search_internal_calls": checks.flag,
}
_tenant = checks.table(KEYS, required=["slug"])
_webhook = checks.table({"keys": checks.table({name: checks.text(60, empty=False) for name in WEBHOOK_KEYS})})


def check_tenant(value: Any, place: Place) -> dict[str, Any]:
    data: dict[str, Any] = _tenant(value, place)
    for name in ("embedding_origins", "own_numbers"):
        here = place.key(name)
        items = ((here.item(at), item) for at, item in enumerate(data.get(name, [])) if item)
        checks.unique(items, _("“%(value)s” stands here twice."))
    return data


def check_webhook(value: Any, place: Place) -> dict[str, Any]:
    data: dict[str, Any] = _webhook(value, place)
    keys = place.key("keys")
    renamed = {name: data.get("keys", {}).get(name, name) for name in WEBHOOK_KEYS} if "keys" in data else {}
    checks.unique(
        ((keys.key(name), given) for name, given in renamed.items()), _("Two keys have the name “%(value)s”.")
    )
    return data


def rules(whole: Whole) -> None:
    """A new customer has a name; own numbers are numbers of the customer's country, in whatever spelling."""
    if whole.tenant is None and "slug" in whole.file.get("tenant", {}) and "name" not in whole.file["tenant"]:
        whole.at("tenant").key("name").missing(_("This key is missing; a new customer needs it."))
    country = whole.table("tenant").get("country", "CZ")
    for at, number in enumerate(whole.file.get("tenant", {}).get("own_numbers", [])):
        if number and not _is_number(number, country):
            place = whole.at("tenant").key("own_numbers").item(at)
            place.wrong(_("“%(value)s” is not a telephone number.") % {"value": shorten(number)})


def _is_number(text: str, country: str) -> bool:
    try:
        return bool(phonenumbers.is_possible_number(phonenumbers.parse(text, country)))
    except phonenumbers.NumberParseException:
        return False


def read_tenant(tenant: Tenant) -> dict[str, Any]:
    data = {name: getattr(tenant, name) for name in KEYS}
    return data | {"missed_call_owner_id": str(tenant.missed_call_owner_id or "")}


def write_tenant(tenant: Tenant, data: dict[str, Any], change: Change) -> None:
    change.assign(tenant, data, change.place.key("tenant"))


def read_webhook(tenant: Tenant) -> dict[str, Any]:
    return {"keys": {name: tenant.webhook_keys.get(name, name) for name in WEBHOOK_KEYS}}


def write_webhook(tenant: Tenant, data: dict[str, Any], change: Change) -> None:
    """Only what is renamed is kept: {our key: theirs}."""
    if "keys" in data:
        renamed = {name: given for name, given in data["keys"].items() if name != given}
        change.assign(tenant, {"webhook_keys": renamed}, change.place.key("webhook"))


SECTIONS = [
    Section(
        name="tenant",
        check=check_tenant,
        read=read_tenant,
        write=write_tenant,
        rules=rules,
        private=frozenset({"contact_email", "own_numbers"}),
    ),
    Section(name="webhook", check=check_webhook, read=read_webhook, write=write_webhook),
]

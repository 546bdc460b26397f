"""[[ivr_functions]] of the configuration file."""

from __future__ import annotations

import math
from typing import Any

from django.utils.translation import gettext as _

from crmwindow.models import IvrFunction
from tenants.configuration import Section, checks, register
from tenants.configuration.mistakes import Place, Wrong
from tenants.configuration.sections import Change
from tenants.models import Tenant

Kind = IvrFunction.Kind
NEEDS: dict[str, tuple[str, ...]] = {
    Kind.LOOKUP: (),
    Kind.VERIFY: ("entity", "column"),
    Kind.IDENTIFY: ("entity", "column"),
    Kind.WRITE: ("entity", "columns"),
}
DEFAULTS: dict[str, Any] = {
    "budget_ms": 1500,
    "entity": "",
    "column": "",
    "columns": {},
    "constants": {},
    "title": "",
    "enabled": True,
    "second_column": "",
    "comparison": IvrFunction.Comparison.EXACT.value,
    "attempts": 3,
    "attempts_per_record": 10,
    "badge": True,
    "caller_column": "",
    "owner": "",
    "daily_cap": 1000,
}


def _constant(value: Any, place: Place) -> Any:
    if isinstance(value, str):
        return checks.text(500)(value, place)
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise Wrong(_("A constant is a text, a number, true or false."))


_functions = checks.tables(
    checks.table(
        {
            "name": checks.slug,
            "kind": checks.choice(*Kind.values),
            "budget_ms": checks.number(100, 10_000),
            "entity": checks.optional_identifier,
            "column": checks.optional_identifier,
            "columns": checks.mapping(checks.text(60, empty=False), checks.identifier),
            "constants": checks.mapping(checks.identifier, _constant),
            "title": checks.text(100),
            "enabled": checks.flag,
            "second_column": checks.optional_identifier,
            "comparison": checks.choice(*IvrFunction.Comparison.values),
            "attempts": checks.number(1, 100),
            "attempts_per_record": checks.number(1, 1000),
            "badge": checks.flag,
            "caller_column": checks.optional_identifier,
            "owner": checks.choice("", *Tenant.MissedCallOwner.values),
            "daily_cap": checks.number(1, 100_000),
            "was": checks.slug,  # its name until now, when it is renamed
        },
        required=["name", "kind"],
    ),
    most=200,
)


def check(value: Any, place: Place) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = _functions(value, place)
    names = ((place.item(at).key("name"), item.get("name", "")) for at, item in enumerate(items))
    checks.unique(names, _("Two functions have the name “%(value)s”."))
    _renamed(items, place)
    for at, item in enumerate(items):
        for name in NEEDS.get(item.get("kind", ""), ()):
            if not item.get(name):
                place.item(at).key(name).missing(_("This key is missing; a function of this kind needs it."))
        _once(item, place.item(at))
    return items


def _renamed(items: list[dict[str, Any]], place: Place) -> None:
    """A new name for one function only, and none that another one keeps."""
    names = {item.get("name") for item in items if "was" not in item}
    was = [(place.item(at).key("was"), item["was"]) for at, item in enumerate(items) if "was" in item]
    checks.unique(was, _("Two functions have the name “%(value)s”."))
    for at, name in was:
        if name in names:
            at.wrong(_("Two functions have the name “%(value)s”.") % {"value": name})


def _once(item: dict[str, Any], place: Place) -> None:
    """A column is written from one place only."""
    given = item.get("caller_column", "")
    targets = [(place.key("caller_column"), given)] if given else []
    targets += [(place.key("columns").key(name), column) for name, column in item.get("columns", {}).items()]
    targets += [(place.key("constants").key(column), column) for column in item.get("constants", {})]
    checks.unique(targets, _("The column “%(value)s” stands here twice."))


def read(tenant: Tenant) -> list[dict[str, Any]]:
    return [item_of(row) for row in tenant.ivr_functions.all()]


def item_of(row: IvrFunction) -> dict[str, Any]:
    """One function as the file holds it."""
    return {name: getattr(row, name) for name in ("name", "kind", *DEFAULTS)}


def write(tenant: Tenant, data: list[dict[str, Any]], change: Change) -> None:
    """Functions keep their identity by name, also by the one they had (`was`), whatever else changes."""
    known = {row.name: row for row in tenant.ivr_functions.all()}
    kept = {item["name"] for item in data} | {item["was"] for item in data if "was" in item}
    tenant.ivr_functions.exclude(name__in=kept).delete()
    for position, item in enumerate(data):
        values = {**DEFAULTS, **item, "position": position}
        row = known.get(values.pop("was", "")) or known.get(item["name"])
        if row:
            change.assign(row, values, change.place.key("ivr_functions").item(position))
        else:
            IvrFunction.objects.create(tenant=tenant, **values)


register(Section(name="ivr_functions", check=check, read=read, write=write, before="agents"))

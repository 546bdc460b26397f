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
DEFAULTS: dict[str, Any] = {"budget_ms": 1500, "entity": "", "column": "", "columns": {}, "constants": {}}


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
        },
        required=["name", "kind"],
    ),
    most=200,
)


def check(value: Any, place: Place) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = _functions(value, place)
    names = ((place.item(at).key("name"), item.get("name", "")) for at, item in enumerate(items))
    checks.unique(names, _("Two functions have the name “%(value)s”."))
    for at, item in enumerate(items):
        for name in NEEDS.get(item.get("kind", ""), ()):
            if not item.get(name):
                place.item(at).key(name).missing(_("This key is missing; a function of this kind needs it."))
        _once(item, place.item(at))
    return items


def _once(item: dict[str, Any], place: Place) -> None:
    """A column is written from one place only."""
    targets = [(place.key("columns").key(name), column) for name, column in item.get("columns", {}).items()]
    targets += [(place.key("constants").key(column), column) for column in item.get("constants", {})]
    checks.unique(targets, _("The column “%(value)s” stands here twice."))


def read(tenant: Tenant) -> list[dict[str, Any]]:
    names = ("name", "kind", *DEFAULTS)
    return [{name: getattr(row, name) for name in names} for row in tenant.ivr_functions.all()]


def write(tenant: Tenant, data: list[dict[str, Any]], change: Change) -> None:
    """Functions keep their identity by name, whatever else changes."""
    known = {row.name: row for row in tenant.ivr_functions.all()}
    tenant.ivr_functions.exclude(name__in=[item["name"] for item in data]).delete()
    for position, item in enumerate(data):
        values = {**DEFAULTS, **item, "position": position}
        if row := known.get(item["name"]):
            change.assign(row, values, change.place.key("ivr_functions").item(position))
        else:
            IvrFunction.objects.create(tenant=tenant, **values)


register(Section(name="ivr_functions", check=check, read=read, write=write, before="agents"))

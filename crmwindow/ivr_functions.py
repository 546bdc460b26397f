"""Verbs on one IVR function. All of them save through the configuration: checked, audited, safe against two admins at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from crmwindow.configuration import item_of
from crmwindow.models import IvrFunction
from tenants import configuration
from tenants.models import Tenant, digest

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SECTION = "ivr_functions"
Item = dict[str, Any]


class Gone(Exception):
    """Somebody removed the function while it was open."""


def stamp(function: IvrFunction | None) -> str:
    """Which state of it a form shows; comes back as `seen`."""
    return _digest(item_of(function)) if function else ""


def _digest(item: Item) -> str:
    return digest(json.dumps(item, sort_keys=True, ensure_ascii=False))


def save(tenant: Tenant, item: Item, *, code: UUID | None, by: User, seen: str = "") -> IvrFunction:
    """A new one (no `code`), or that one as it shall be; keys left out are as usual. Others' changes to other functions
    do not matter. Raises ConfigurationError (places begin with `place_of`), configuration.Changed, Gone.
    """
    state = configuration.stamp(tenant, SECTION)
    rows = list(tenant.ivr_functions.all())
    row = next((each for each in rows if each.code == code), None)
    if code and row is None:
        raise Gone
    items = [item_of(each) for each in rows]
    if row is None:
        items.append(item)
    else:
        before = items[rows.index(row)]
        if seen and seen != stamp(row) and _differ(before, item):
            raise configuration.changed_by_another(tenant)
        items[rows.index(row)] = {**item, "was": row.name} if item["name"] != row.name else item
    configuration.change(tenant, {SECTION: items}, by=by, seen=state)
    return tenant.ivr_functions.get(name=item["name"])


def like(tenant: Tenant, item: Item) -> IvrFunction | None:
    """The one that is just so: somebody clicked twice."""
    return next((row for row in tenant.ivr_functions.all() if not _differ(item_of(row), item)), None)


def _differ(stored: Item, item: Item) -> bool:
    return any(stored[name] != value for name, value in item.items())


def place_of(tenant: Tenant, code: UUID | None) -> str:
    """How mistakes name this function, "ivr_functions[2]"; a new one comes last."""
    codes = list(tenant.ivr_functions.values_list("code", flat=True))
    return f"{SECTION}[{codes.index(code) if code in codes else len(codes)}]"


def switch(function: IvrFunction, *, on: bool, by: User) -> None:
    items = [{**item_of(row), **({"enabled": on} if row == function else {})} for row in _all(function)]
    configuration.change(function.tenant, {SECTION: items}, by=by)


def remove(function: IvrFunction, *, by: User) -> None:
    items = [item_of(row) for row in _all(function) if row != function]
    configuration.change(function.tenant, {SECTION: items}, by=by)


def _all(function: IvrFunction) -> list[IvrFunction]:
    return list(function.tenant.ivr_functions.all())

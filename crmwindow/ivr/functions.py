"""The customer's functions, as the voice menu names them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from time import perf_counter

from django.utils.translation import gettext as _

from crmwindow.models import IvrFunction
from tenants import stopwatch
from tenants.briefly import Briefly
from tenants.dataverse.budget import Budget
from tenants.models import Instance, Tenant
from tenants.prepared import Prepared

Kind = IvrFunction.Kind
_functions: Briefly[IvrFunction] = Briefly()
_NAME = re.compile(r"[-a-zA-Z0-9_]{1,60}")
BUDGET_MS = 1500
MICROSOFTS_SHARE = 0.8
"""Of the budget Microsoft may use this part; the rest is ours, to count, to answer and to be heard."""


class NoSuchFunction(Exception):
    """There is none of this name, or it is switched off: the voice menu cannot tell."""

    def __str__(self) -> str:
        return _("There is no function of this name.")


class WrongKind(Exception):
    """`str()` says what the function is for."""


def named(tenant: Tenant, name: str, *kinds: str) -> IvrFunction:
    """Raises NoSuchFunction, WrongKind."""
    of_this = partial(_NAMED.first, tenant=tenant, name=name)
    function = _functions.of((tenant.pk, name), of_this) if _NAME.fullmatch(name) else None
    if function is None:
        raise NoSuchFunction
    if function.kind not in kinds:
        raise WrongKind(_("The function “%(name)s” is of another kind.") % {"name": function.name})
    function.tenant = tenant
    return function


_NAMED = Prepared(lambda tenant, name: IvrFunction.objects.filter(tenant=tenant, name=name, enabled=True)[:1])


def seconds(function: IvrFunction | None, asked_ms: int | None) -> float:
    """How long the answer may take: the caller may only lower it."""
    own = function.budget_ms if function else BUDGET_MS
    return min(own, asked_ms or own) / 1000


def wait(function: IvrFunction | None, asked_ms: int | None = None) -> Budget:
    """For Microsoft, of the time there is since the question came: what it waited for a thread, the caller waited as well."""
    watch = stopwatch.current()
    passed = perf_counter() - watch.began if watch else 0.0
    return Budget(max(0.0, seconds(function, asked_ms) * MICROSOFTS_SHARE - passed))


def tables(instance: Instance) -> Iterable[str]:
    """What functions read and write, beside what the card searches."""
    rows = IvrFunction.objects.filter(tenant__instance=instance).exclude(entity="")
    return dict.fromkeys(rows.values_list("entity", flat=True))

"""Which rights the customer's IVR functions need of the system account."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from crmwindow.models import IvrFunction
from tenants.models import Instance
from tenants.needed_rights import Need


def needs(instance: Instance) -> Iterator[Need]:
    """Of the functions that are switched on; what they read of the record found is read with everything else."""
    functions = IvrFunction.objects.filter(tenant__instance=instance, enabled=True).exclude(entity="")
    for function in functions:
        yield Need(function.entity.strip().lower(), _verbs(function), _why(function))


def _verbs(function: IvrFunction) -> tuple[str, ...]:
    if function.kind != IvrFunction.Kind.WRITE:
        return ("Read",)
    links = ("Append",) if function.caller_column else ()
    assigns = ("Assign",) if function.owner else ()
    return ("Create", "Read", "Write", *links, *assigns)


def _why(function: IvrFunction) -> str:
    writes = function.kind == IvrFunction.Kind.WRITE
    said = _("The IVR function “%(name)s” writes to it.") if writes else _("The IVR function “%(name)s” reads it.")
    return said % {"name": function.title or function.name}

"""What kind of column it is, in a customer's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

if TYPE_CHECKING:
    from tenants.dataverse.metadata import Column

_KINDS = {
    "String": gettext_lazy("text"),
    "Memo": gettext_lazy("long text"),
    "Integer": gettext_lazy("whole number"),
    "BigInt": gettext_lazy("whole number"),
    "Decimal": gettext_lazy("decimal number"),
    "Double": gettext_lazy("decimal number"),
    "Money": gettext_lazy("money"),
    "DateTime": gettext_lazy("date"),
    "Boolean": gettext_lazy("yes or no"),
    "Picklist": gettext_lazy("choice"),
    "State": gettext_lazy("choice"),
    "Status": gettext_lazy("choice"),
    "MultiSelectPicklist": gettext_lazy("several choices"),
    "Lookup": gettext_lazy("link to a record"),
    "Customer": gettext_lazy("link to a record"),
    "Owner": gettext_lazy("link to a record"),
    "Uniqueidentifier": gettext_lazy("identifier"),
}


def kind(column: Column) -> str:
    """In one or two words; Microsoft's own where we have none."""
    if column.is_phone:
        return _("telephone number")
    return str(_KINDS.get(column.type, column.type))


def fact(column: Column) -> str:
    """And how much fits in, for a text."""
    if not column.max_length:
        return kind(column)
    return ngettext(
        "%(kind)s, at most %(most)d character", "%(kind)s, at most %(most)d characters", column.max_length
    ) % {"kind": kind(column), "most": column.max_length}

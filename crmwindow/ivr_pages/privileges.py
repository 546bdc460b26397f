"""Whether the system account may do what a function will ask of it, as Dataverse itself says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmwindow.ivr_pages.form import Form, Kind
from tenants.dataverse.budget import Budget
from tenants.dataverse.errors import DataverseError
from tenants.verification import rights

if TYPE_CHECKING:
    from crmwindow.ivr_pages.sight import Sight

SECONDS = 4.0


def lacking(form: Form, sight: Sight) -> list[str]:
    """Names of privileges; [] when it has all, or nobody can tell."""
    table = sight.table(form.said("entity"))
    if table is None or not sight.as_the_ivr or sight.client is None:
        return []
    link = table.find(form.said("caller_column")) if form.kind == Kind.WRITE and form.said("caller_column") else None
    targets = [name for name in link.targets if name in sight.searched] if link else []
    client, budget = sight.client, Budget(SECONDS)
    try:
        me = client.whoami(budget=budget)
        found = rights.read(client, str(me.user_id), [table.logical_name, *targets], budget)
    except DataverseError:
        return []
    verbs = ("Create", "Read", *(["Append"] if link else [])) if form.kind == Kind.WRITE else ("Read",)
    needed = found.named(table.logical_name, *verbs)
    for target in targets:
        needed |= found.named(target, "AppendTo")
    return sorted(name for key, name in needed.items() if key not in found.own)

"""What can be seen of the customer's CRM while a function is made: through the system account, as the IVR will see it,
else through the acting admin's own connection, else what was read last.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tenants import connections, microsoft_connections, own_tables
from tenants.models import SystemAccount, Tenant, label_in
from tenants.own_tables import View

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from tenants.dataverse.client import Client
    from tenants.dataverse.metadata import Table
    from tenants.models import Instance
    from tenants.own_tables import Holder
    from tenants.verification.results import Found

PEOPLE = ("contact", "account", "lead")


@dataclass(frozen=True, slots=True)
class Sight:
    """`view` may hold only what was read last (`is_old`), or nothing. `holder` is who looked, None when nobody could.

    `searched`: logical names of the tables in which callers are looked for, with the customer's own words for them.
    """

    view: View
    holder: Holder | None = None
    searched: dict[str, str] = field(default_factory=dict)
    is_old: bool = False
    why_not: Found | None = None

    @property
    def client(self) -> Client | None:
        return connections.client_for(self.holder) if self.holder else None

    @property
    def as_the_ivr(self) -> bool:
        return isinstance(self.holder, SystemAccount)

    def table(self, name: str) -> Table | None:
        return self.view.table(name) if name else None

    def is_searched(self, name: str) -> bool:
        table = self.table(name)
        return name.strip().lower() in self.searched or bool(table and table.logical_name in self.searched)

    def label(self, name: str, language: str) -> str:
        """What people call a table: the customer's word, Microsoft's, else its name."""
        logical = table.logical_name if (table := self.table(name)) else name.strip().lower()
        listed = next((one for one in self.view.names if one.logical_name == logical), None)
        return self.searched.get(logical) or (
            table.label(language) if table else listed.label(language) if listed else name
        )


def of(tenant: Tenant, user: User, *names: str, language: str, activities: bool = False, fresh: bool = False) -> Sight:
    """Tables by name, and the columns of those named (as typed). Raises nothing that Microsoft says."""
    instance: Instance | None = getattr(tenant, "instance", None)
    if instance is None:
        return Sight(own_tables.nobody())
    searched, wanted = _searched(instance, language), {name: () for name in names if name}
    refused: Found | None = None
    for holder in filter(None, (getattr(instance, "system_account", None), microsoft_connections.own(instance, user))):
        view = own_tables.look(holder, wanted, fresh=fresh, records=False, activities=activities)
        if view.metadata is not None:
            return Sight(view, holder, searched)
        refused = refused or view.why_not
    known = connections.known_metadata(instance)
    view = View(metadata=known if known and all(known.find(name) for name in wanted) else None, why_not=refused)
    return Sight(view, None, searched, is_old=known is not None, why_not=refused)


def _searched(instance: Instance, language: str) -> dict[str, str]:
    standard = [name for name in PEOPLE if name != "lead" or instance.leads]
    own = {one.table.strip().lower(): label_in(one.label, language) for one in instance.custom_entities.all()}
    return dict.fromkeys(standard, "") | own

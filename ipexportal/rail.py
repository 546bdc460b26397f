"""The admin's rail: what our staff work with, in groups, with counts where one query answers them all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Count, IntegerField, Model, QuerySet, Subquery, Value
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crmwindow.models import Call, IvrFunction, Note
from tenants.models import (
    Agent,
    ApiKey,
    AuditEntry,
    CustomEntity,
    DisplayField,
    Instance,
    Membership,
    OutgoingMail,
    SystemAccount,
    Tenant,
)

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Entry:
    model: type[Model]
    label: StrOrPromise
    icon: str
    count: int | None = None
    current: bool = False
    waiting: bool = False
    """The count is of what waits, not of what there is."""

    @property
    def address(self) -> str:
        return reverse(f"admin:{self.model._meta.app_label}_{self.model._meta.model_name}_changelist")


GROUPS: tuple[tuple[StrOrPromise, tuple[Entry, ...]], ...] = (
    ("", (Entry(Tenant, _("Customers"), "company"),)),
    (
        _("Connection"),
        (
            Entry(Instance, _("Instances"), "cloud"),
            Entry(SystemAccount, _("System accounts"), "key"),
            Entry(CustomEntity, _("Own tables"), "table"),
            Entry(DisplayField, _("Fields on the card"), "list"),
        ),
    ),
    (
        _("People"),
        (
            Entry(Agent, _("Agents"), "people"),
            Entry(Membership, _("Customers' admins"), "person"),
            Entry(OutgoingMail, _("Sent e-mails"), "mail"),
            Entry(User, _("Accounts"), "shield"),
        ),
    ),
    (
        _("Operation"),
        (
            Entry(Call, _("Calls"), "phone"),
            Entry(Note, _("Notes"), "pen", waiting=True),
            Entry(IvrFunction, _("IVR functions"), "swap"),
            Entry(ApiKey, _("API keys"), "lock"),
            Entry(AuditEntry, _("Record of changes"), "file"),
        ),
    ),
)
COUNTED: dict[type[Model], QuerySet[Any]] = {
    Tenant: Tenant.objects.all(),
    Instance: Instance.objects.all(),
    SystemAccount: SystemAccount.objects.all(),
    Agent: Agent.objects.all(),
    Note: Note.objects.filter(state=Note.State.QUEUED),
}


def groups(request: HttpRequest) -> list[tuple[StrOrPromise, list[Entry]]]:
    """What this member of staff may look at."""
    counts = _counts()
    found = []
    for heading, entries in GROUPS:
        seen = [_filled(entry, counts, request.path) for entry in entries if _may_see(entry, request)]
        if seen:
            found.append((heading, seen))
    return found


def _filled(entry: Entry, counts: dict[str, int], path: str) -> Entry:
    return replace(entry, count=counts.get(entry.model.__name__), current=path.startswith(entry.address))


def _may_see(entry: Entry, request: HttpRequest) -> bool:
    shown = admin.site._registry.get(entry.model)
    return shown is not None and shown.has_view_permission(request)


def _counts() -> dict[str, int]:
    numbers = {model.__name__: _number_of(rows) for model, rows in COUNTED.items()}
    return Tenant.objects.order_by().values(**numbers).first() or dict.fromkeys(numbers, 0)


def _number_of(rows: QuerySet[Any]) -> Subquery:
    one = rows.order_by().annotate(one=Value(1)).values("one").annotate(number=Count("pk")).values("number")
    return Subquery(one, output_field=IntegerField())

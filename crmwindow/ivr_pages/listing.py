"""The list of functions, with what the voice menu did with them today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crmwindow.models import IvrFunction, IvrStep
from tenants import connections
from tenants.models import label_in

if TYPE_CHECKING:
    from datetime import datetime

    from django_stubs_ext import StrOrPromise

    from tenants.models import Tenant

Kind = IvrFunction.Kind
KIND_WORDS: Mapping[Kind, tuple[StrOrPromise, StrOrPromise]] = {
    Kind.LOOKUP: (_("Finds"), _("who calls and who looks after them")),
    Kind.VERIFY: (_("Verifies"), _("the caller by a PIN, serial number or order")),
    Kind.IDENTIFY: (_("Identifies"), _("a customer by a number only they have")),
    Kind.WRITE: (_("Writes"), _("a complaint, a questionnaire, an order")),
}
TONES = {
    "found": "ok", "verified": "ok", "identified": "ok", "queued": "ok", "ambiguous": "warn", "refused": "warn",
    "locked": "bad", "unavailable": "bad",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listed:
    """One function. `table` is what people call it; `last` the result of the last call, "" when there was none."""

    row: IvrFunction
    table: str
    today: int = 0
    last: str = ""
    last_at: datetime | None = None

    @property
    def kind(self) -> StrOrPromise:
        return KIND_WORDS[Kind(self.row.kind)][0]

    @property
    def tone(self) -> str:
        return TONES.get(self.last, "")


def of(tenant: Tenant, language: str) -> list[Listed]:
    """In three queries; asks nobody."""
    rows = list(tenant.ivr_functions.all())
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    steps = IvrStep.objects.filter(tenant=tenant, function__isnull=False)
    today = dict(steps.filter(at__gte=midnight).values_list("function").annotate(Count("pk")).order_by())
    last = {step.function_id: step for step in _newest(steps)}
    labels = _labels(tenant, language) if rows else {}
    return [
        Listed(
            row,
            labels.get(row.entity.lower(), row.entity),
            today.get(row.pk, 0),
            last[row.pk].result if row.pk in last else "",
            last[row.pk].at if row.pk in last else None,
        )
        for row in rows
    ]


def _newest(steps: QuerySet[IvrStep]) -> list[IvrStep]:
    """Of each function."""
    newest = steps.filter(function=OuterRef("function")).order_by("-at").values("pk")[:1]
    return list(steps.filter(pk=Subquery(newest)).only("function", "result", "at"))


def _labels(tenant: Tenant, language: str) -> dict[str, str]:
    """What people call a table, by each of its names in small letters: as read last."""
    instance = getattr(tenant, "instance", None)
    metadata = connections.known_metadata(instance) if instance else None
    found: dict[str, str] = {}
    for table in metadata.tables.values() if metadata else ():
        found |= dict.fromkeys((table.logical_name, table.schema_name.lower()), table.label(language))
    for own in instance.custom_entities.all() if instance else ():
        found[own.table.lower()] = label_in(own.label, language) or found.get(own.table.lower(), own.table)
    return found

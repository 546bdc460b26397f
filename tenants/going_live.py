"""The end of the check-list: what is still missing, going live, taking it back; and steps that a customer does not need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import progress
from tenants.models import CheckResult, Tenant, audit
from tenants.progress import Progress
from tenants.verification import Row

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class NotReady(Exception):
    """Something is missing yet. `str()` may be shown."""


def in_the_way(found: Progress) -> list[Row]:
    """Required checks that failed."""
    return [row for row in found.facts.bad if row.result.required and row.result.state == CheckResult.State.FAILED]


def is_ready(found: Progress) -> bool:
    """Checked, no required check failed, and the window is switched on for somebody."""
    return bool(found.facts.checked_at and found.agents.enabled and not found.missing and not in_the_way(found))


def go_live(tenant: Tenant, *, by: User) -> bool:
    """False: they are live already. Raises NotReady."""
    if not is_ready(progress.of_one(tenant)):
        raise NotReady(_("Something is still missing, see the list."))
    return _mark(tenant, by=by, live=True)


def take_back(tenant: Tenant, *, by: User) -> bool:
    """They are being set up again; nothing is switched off."""
    return _mark(tenant, by=by, live=False)


@transaction.atomic
def _mark(tenant: Tenant, *, by: User, live: bool) -> bool:
    at = timezone.now() if live else None
    rows = Tenant.objects.filter(pk=tenant.pk, went_live_at__isnull=live)
    if not rows.update(went_live_at=at):
        return False
    act = "tenant.went_live" if live else "tenant.back_to_setup"
    audit(tenant=tenant, by=by, act=act, target=tenant.slug)
    tenant.went_live_at = at
    return True


@transaction.atomic
def mark_step(tenant: Tenant, key: str, *, by: User, needed: bool) -> None:
    """An optional step of the check-list is not needed, or is after all."""
    row = Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    if (key not in row.skipped_steps) == needed:
        return
    others = [step for step in row.skipped_steps if step != key]
    row.skipped_steps = others if needed else [*others, key]
    row.save(update_fields=["skipped_steps"])
    act = "tenant.step_taken_back" if needed else "tenant.step_skipped"
    audit(tenant=row, by=by, act=act, target=key)
    tenant.skipped_steps = row.skipped_steps

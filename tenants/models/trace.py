"""Who changed what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.customers import Tenant

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class AuditEntry(models.Model):
    """Who changed configuration, access or secrets: what, before and after, never a secret, name, value or note."""

    tenant = models.ForeignKey(
        Tenant, verbose_name=_("customer"), null=True, on_delete=models.SET_NULL, related_name="audit"
    )
    at = models.DateTimeField(_("when"), auto_now_add=True)
    actor = models.CharField(_("who"), max_length=200)
    act = models.CharField(_("act"), max_length=60)
    target = models.CharField(_("what of"), max_length=200, blank=True)
    before = models.JSONField(_("before"), default=dict)
    after = models.JSONField(_("after"), default=dict)

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("record of changes")
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return self.act


def audit(*, tenant: Tenant | None, by: User | str, act: str, target: str = "", **change: dict[str, Any]) -> AuditEntry:
    """Leave a trace; `change` may hold `before` and `after`."""
    return AuditEntry.objects.create(tenant=tenant, actor=str(by), act=act, target=target, **change)

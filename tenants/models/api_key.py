"""What opens the machine API."""

from __future__ import annotations

import secrets
from typing import Any, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.models.customers import Tenant
from tenants.models.shared import Coded, digest


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def live(self) -> Self:
        return self.filter(models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now()), revoked_at=None)


class ApiKey(Coded):
    """Opens the machine API for one purpose. Shown once; the prefix says what it opens."""

    class Scope(models.TextChoices):
        EVENTS = "events", _("Call events")
        WINDOW = "window", _("Opening windows")
        IVR = "ivr", _("IVR")

    tenant = models.ForeignKey(Tenant, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="api_keys")
    scope = models.CharField(_("opens"), max_length=10, choices=Scope)
    prefix = models.CharField(_("beginning"), max_length=24)
    digest = models.CharField(max_length=64, unique=True)
    allowed_addresses = models.JSONField(_("allowed addresses"), default=list, blank=True)
    created_by = models.CharField(_("made by"), max_length=200)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    last_used_at = models.DateTimeField(_("last used"), null=True)
    expires_at = models.DateTimeField(_("valid until"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return f"{self.prefix}…"

    @classmethod
    def make(cls, *, tenant: Tenant, scope: str, by: str, **fields: Any) -> tuple[Self, str]:
        """Answer the unsaved key and, this once, its text `ipx_<scope>_<43 characters>`."""
        text = f"ipx_{scope}_{secrets.token_urlsafe(32)}"
        return cls(tenant=tenant, scope=scope, created_by=by, prefix=text[:16], digest=digest(text), **fields), text

    def is_live(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())

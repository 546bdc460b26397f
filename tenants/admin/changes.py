"""Who changed what."""

from __future__ import annotations

from django.contrib import admin

from tenants.admin.rows import Shown
from tenants.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(Shown):
    list_display = ("at", "actor", "act", "target", "tenant")
    list_filter = ("act", "tenant")
    search_fields = ("actor", "act", "target", "tenant__name", "tenant__slug")
    date_hierarchy = "at"
    list_select_related = ("tenant",)

"""Who changed what, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from tenants import changes
from tenants.admin.rows import Shown
from tenants.models import AuditEntry

if TYPE_CHECKING:
    from tenants.admin.rows import Rows


class ActFilter(admin.SimpleListFilter):
    title = gettext_lazy("what was done")
    parameter_name = "act"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        acts = AuditEntry.objects.order_by("act").values_list("act", flat=True).distinct()
        return [(act, changes.SENTENCES.get(act, act)) for act in acts]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        return queryset.filter(act=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(Shown):
    list_display = ("at", "in_words", "actor", "target", "tenant")
    list_filter = (ActFilter, "tenant")
    search_fields = ("actor", "act", "target", "tenant__name", "tenant__slug")
    date_hierarchy = "at"
    list_select_related = ("tenant",)
    fields = ("at", "in_words", "actor", "act", "target", "tenant", "before", "after")

    @admin.display(description=gettext_lazy("what was done"), ordering="act")
    def in_words(self, entry: AuditEntry) -> str:
        return changes.sentence(entry) if entry.act in changes.SENTENCES else entry.act

"""Customers: the list, their settings, the configuration to download."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants import configuration
from tenants.admin.rows import Kept, Shown, TabularInline
from tenants.models import Membership, Tenant

if TYPE_CHECKING:
    from tenants.admin.rows import Rows


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Tenant)
class TenantAdmin(Kept):
    list_display = ("name", "slug", "address", "is_proven", "agents_with_window")
    list_filter = ("instance__note_state", "language", ("instance__proven_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "slug", "contact_email", "instance__url", "agents__email", "agents__name", "agents__line")
    readonly_fields = ("embedding_origins", "own_numbers", "outcomes", "webhook_keys", "code", "created_at")
    fixed = ("slug",)
    private = frozenset({"contact_email"})
    inlines = (MembershipInline,)
    actions = ("download",)

    def get_queryset(self, request: HttpRequest) -> Rows:
        window = models.Count("agents", filter=models.Q(agents__window=True), distinct=True)
        rows: Rows = super().get_queryset(request).select_related("instance").annotate(windows=window)
        return rows

    @admin.display(description=gettext_lazy("address"))
    def address(self, tenant: Tenant) -> str:
        return str(getattr(tenant, "instance", "–"))

    @admin.display(description=gettext_lazy("proven"), boolean=True)
    def is_proven(self, tenant: Tenant) -> bool:
        return hasattr(tenant, "instance") and tenant.instance.is_proven

    @admin.display(description=gettext_lazy("agents with the window"), ordering="windows")
    def agents_with_window(self, tenant: Any) -> int:
        return int(tenant.windows)

    @admin.action(description=gettext_lazy("Download the configuration (one customer)"))
    def download(self, request: HttpRequest, rows: Rows) -> HttpResponse | None:
        if rows.count() != 1:
            self.message_user(request, _("Choose one customer."), messages.WARNING)
            return None
        tenant = rows.get()
        name = {"Content-Disposition": f'attachment; filename="{tenant.slug}.toml"', "Cache-Control": "no-store"}
        return HttpResponse(configuration.export(tenant), content_type="application/toml", headers=name)


@admin.register(Membership)
class MembershipAdmin(Shown):
    """Who of the customers' people looks after their portal; they are invited on the customer's page."""

    list_display = ("person", "email", "tenant", "created_at", "last_login")
    list_filter = ("tenant",)
    search_fields = ("user__email", "user__username", "user__last_name", "tenant__name", "tenant__slug")
    list_select_related = ("tenant", "user")
    fields = ("tenant", "person", "email", "created_at", "last_login")

    @admin.display(description=gettext_lazy("name"), ordering="user__last_name")
    def person(self, membership: Membership) -> str:
        return membership.user.get_full_name() or membership.user.get_username()

    @admin.display(description=gettext_lazy("e-mail"), ordering="user__email")
    def email(self, membership: Membership) -> str:
        return membership.user.email

    @admin.display(description=gettext_lazy("last signed in"), ordering="user__last_login")
    def last_login(self, membership: Membership) -> datetime | None:
        return membership.user.last_login

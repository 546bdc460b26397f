"""Customers: the list, their settings, the configuration to download."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from tenants import configuration, progress
from tenants.admin import customer_page, registering
from tenants.admin.customer_page import Page, Tab
from tenants.admin.rows import Kept, Shown, TabularInline, without_shortcuts
from tenants.models import Membership, Tenant

if TYPE_CHECKING:
    from django.forms import models as forms

    BaseInlineFormSet = forms.BaseInlineFormSet[Any, Any, Any]
    from tenants.admin.rows import Rows
    from tenants.progress import Progress
else:
    from django.forms.models import BaseInlineFormSet


class NamedRemoval(BaseInlineFormSet):
    """Django's tables of rows leave the box in the last column without a name."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if "DELETE" in form.fields:
            form.fields["DELETE"].widget.attrs["aria-label"] = form.fields["DELETE"].label


class MembershipInline(TabularInline):
    model = Membership
    formset = NamedRemoval
    extra = 0
    autocomplete_fields = ("user",)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return without_shortcuts(super().formfield_for_dbfield(db_field, request, **kwargs))


@admin.register(Tenant)
class TenantAdmin(Kept):
    list_display = ("name", "slug", "address", "is_proven", "agents_with_window")
    list_filter = ("instance__note_state", "language", ("instance__proven_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "slug", "contact_email", "instance__url", "agents__email", "agents__name", "agents__line")
    readonly_fields = (
        "embedding_origins", "own_numbers", "outcomes", "webhook_keys", "skipped_steps", "went_live_at", "code", "created_at"
    )  # fmt: skip
    fixed = ("slug",)
    private = frozenset({"contact_email"})
    fields = (
        "name", "slug", "language", "country", "contact_email", "implementer", "retention_days", "log_every_call",
        "missed_call_owner", "missed_call_owner_id", "search_internal_calls", "embedding_origins", "own_numbers",
        "outcomes", "webhook_keys", "skipped_steps", "went_live_at", "code", "created_at",
    )  # fmt: skip
    inlines = (MembershipInline,)
    actions = ("download",)
    change_form_template = "admin/tenants/tenant/change_form.html"

    def get_urls(self) -> list[Any]:
        looked_at = {
            "setup": customer_page.setup,
            "agents": customer_page.agents,
            "mail": customer_page.mail,
            "changes": customer_page.last_changes,
        }
        acts = {
            "verify": customer_page.verify,
            "remind": customer_page.remind,
            "confirm": customer_page.confirm,
            "invite": customer_page.invite,
            "withdraw": customer_page.withdraw,
        }
        return [
            path("understand/", self.admin_site.admin_view(self.understand), name="tenants_tenant_understand"),
            path("<int:pk>/settings/", self.admin_site.admin_view(self.settings), name="tenants_tenant_settings"),
            *(self._address(name, view, require_GET) for name, view in looked_at.items()),
            *(self._address(name, view, require_POST) for name, view in acts.items()),
            *super().get_urls(),
        ]

    def _address(self, name: str, view: Callable[[Page], HttpResponse], by: Callable[..., Any]) -> Any:
        def shown(request: HttpRequest, pk: int) -> HttpResponse:
            return view(self.page(request, pk, acting=by is require_POST))

        return path(f"<int:pk>/{name}/", self.admin_site.admin_view(by(shown)), name=f"tenants_tenant_{name}")

    def page(self, request: HttpRequest, pk: object, *, acting: bool = False) -> Page:
        """One customer for whoever may look, or may change. Raises Http404, also for those who may not."""
        tenant = self.get_object(request, str(pk))
        allowed = self.has_change_permission if acting else self.has_view_permission
        if tenant is None or not allowed(request, tenant):
            raise Http404
        found = progress.of_one(tenant)
        return Page(request, self.admin_site, tenant, found, self.tabs(tenant, found))

    def tabs(self, tenant: Tenant, found: Progress) -> list[Tab]:
        return customer_page.tabs(tenant, found)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return registering.page(request, self.admin_site)

    def understand(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return registering.preview(request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The customer's page; Django's form is its last tab."""
        return customer_page.show(self.page(request, object_id))

    def settings(self, request: HttpRequest, pk: int) -> HttpResponse:
        frame = customer_page.head(self.page(request, pk)) | {"tab": "settings"}
        return super().change_view(request, str(pk), extra_context=frame)

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        return redirect("admin:tenants_tenant_change", obj.pk)

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

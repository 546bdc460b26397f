"""What the admin looks like as a whole: our names, a search over everything, and only what our staff work with.

Second factors, groups and allauth's own addresses are nobody's business here: a factor's row holds its secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from crmwindow import index
from crmwindow.models import Call, Leg, Note
from ipexportal import account_admin, finding, trace_page  # noqa: F401 - their admin pages register themselves
from tenants.admin.customer_page import MOST, Tab
from tenants.admin.customers import TenantAdmin
from tenants.models import Tenant

if TYPE_CHECKING:
    from tenants.admin.rows import Rows
    from tenants.progress import Progress

for model in (Authenticator, EmailAddress, Group, Tenant):
    admin.site.unregister(model)
admin.site.site_header = admin.site.site_title = "IPEX"
admin.site.index_title = gettext_lazy("Overview of customers")
admin.site.enable_nav_sidebar = False
admin.site.empty_value_display = "–"


@admin.register(Tenant)
class CustomerAdmin(TenantAdmin):
    """Also finds customers by their calls, which only the window knows."""

    search_help_text = gettext_lazy("Name, address, number, e-mail, line or UniqueId of a call.")

    def get_urls(self) -> list[Any]:
        find = self.admin_site.admin_view(self.find)
        calls = self.admin_site.admin_view(require_GET(self.calls))
        return [
            path("find/", find, name="tenants_tenant_find"),
            path("<int:pk>/calls/", calls, name="tenants_tenant_calls"),
            self._address("trace", trace_page.show, require_GET),
            self._address("trace_switch", trace_page.switch, require_POST),
            *super().get_urls(),
        ]

    def tabs(self, tenant: Tenant, found: Progress) -> list[Tab]:
        calls = Tab("calls", _("Calls"), reverse("admin:tenants_tenant_calls", args=[tenant.pk]))
        trace = Tab("trace", _("Response"), reverse("admin:tenants_tenant_trace", args=[tenant.pk]))
        tabs = super().tabs(tenant, found)
        return [*tabs[:3], calls, trace, *tabs[3:]]

    def calls(self, request: HttpRequest, pk: int) -> HttpResponse:
        page = self.page(request, pk)
        legs = Leg.objects.select_related("agent")
        notes = Note.objects.select_related("author")
        rows = Call.objects.filter(tenant=page.tenant).prefetch_related(
            Prefetch("legs", legs), Prefetch("notes", notes)
        )
        known = index.standing(page.instance) if page.instance and page.instance.index else None
        return page.shown("calls", calls=list(rows.order_by("-started_at", "-pk")[:MOST]), index=known)

    def get_search_results(self, request: HttpRequest, queryset: Rows, search_term: str) -> tuple[Rows, bool]:
        return finding.customers(search_term, queryset) if search_term.strip() else queryset, False

    def find(self, request: HttpRequest) -> HttpResponse:
        """Straight to the only customer it leads to, else to the list of all that it does."""
        text = request.GET.get("q", "")
        found = list(finding.customers(text).order_by()[:2]) if text.strip() else []
        if len(found) == 1:
            return redirect("admin:tenants_tenant_change", found[0].pk)
        return redirect(f"{reverse('admin:tenants_tenant_changelist')}?{urlencode({'q': text[: finding.LONGEST]})}")

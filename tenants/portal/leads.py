"""Whether callers are looked for in leads and leads are created from the window, and what stands in the way."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tenants import configuration, own_tables
from tenants.models import Tenant, label_in
from tenants.own_tables import meaning
from tenants.portal.guard import PortalRequest, instance_of, member
from tenants.portal.own_table import base_context, language, own_connection

FILLED = ["firstname", "lastname", "companyname", "mobilephone", "telephone1", "subject"]


@require_GET
@member
def page(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    instance = instance_of(tenant)
    view = own_tables.look(own_connection(request, tenant), {"lead": FILLED}, fresh=True)
    table = view.table("lead")
    problems = meaning.of_leads(instance, view) if instance else []
    rights = meaning.agents_rights(instance, ["lead"]) if instance else None
    context = base_context(request, tenant) | {
        "on": bool(instance and instance.leads),
        "view": view,
        "table": table,
        "plural": table.plural_label(language()) if table else "",
        "sample": view.samples.get("lead"),
        "problems": [*problems, *([rights] if rights else [])],
        "fields": [label_in(one["label"], language()) for one in own_tables.stored(tenant).fields_of("Lead")],
    }
    return render(request, "tenants/portal/own_table_leads.html", context)


@require_POST
@member
def switch(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """On or off, as the form says; a second click says the same."""
    on = request.POST.get("leads") == "on"
    try:
        diff = configuration.change(tenant, {"instance": {"leads": on}}, by=request.user)
    except configuration.ConfigurationError as error:
        messages.error(request, " ".join(mistake.sentence for mistake in error.mistakes))
    else:
        if diff:
            said = _("Callers are looked for in leads too.") if on else _("Leads are no longer looked in.")
            messages.success(request, said)
    return redirect("portal:leads", tenant.code)

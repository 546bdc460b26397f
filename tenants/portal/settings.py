"""The tab "Operation": how calls and notes are handled, whom the window belongs to, what was changed last."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from tenants import changes, configuration, remembered
from tenants.configuration import Changed, ConfigurationError
from tenants.models import Tenant
from tenants.portal import operation_form as forms
from tenants.portal.guard import PortalRequest, instance_of, member
from tenants.portal.operation_form import OperationForm, Outcome


@require_GET
@member
def page(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    form = _form(tenant, initial=forms.initial(tenant))
    return _show(request, tenant, form, forms.stored_outcomes(tenant), seen=_stamp(tenant))


def _form(tenant: Tenant, *args: Any, **kwargs: Any) -> OperationForm:
    return OperationForm(*args, has_instance=instance_of(tenant) is not None, **kwargs)


def _stamp(tenant: Tenant) -> str:
    names = ["tenant", "instance"] if instance_of(tenant) else ["tenant"]
    return configuration.stamp(tenant, *names)


def _show(
    request: PortalRequest,
    tenant: Tenant,
    form: OperationForm,
    outcomes: list[Outcome],
    *,
    seen: str,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    context = {
        "tenant": tenant,
        "tab": "operation",
        "form": form,
        "outcomes": forms.with_room(outcomes),
        "seen": seen,
        "mistakes": _mistakes(form, outcomes),
        "remembered": remembered.count(tenant),
        "changes": changes.of(tenant),
        "again": request.path if request.method == "GET" else "",
    }
    return render(request, "tenants/portal/operation.html", context | more, status=status)


def _mistakes(form: OperationForm, outcomes: list[Outcome]) -> list[dict[str, str]]:
    if not form.is_bound:
        return []
    found = [
        {
            "field": form[name].id_for_label or name if name in form.fields else "",
            "sentence": f"{_label(form, name)}{each}",
        }
        for name in (*form.fields, "__all__")
        for each in form.errors.get(name, ())
    ]
    rows = [(number, each) for number, row in enumerate(outcomes, start=1) for each in row.errors]
    return found + [
        {"field": f"outcome-{number}", "sentence": _("Outcome %(number)d: ") % {"number": number} + each}
        for number, each in rows
    ]


def _label(form: OperationForm, name: str) -> str:
    return f"{form.fields[name].label}: " if name in form.fields else ""


@require_POST
@member
def save(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    form, outcomes = _form(tenant, request.POST), forms.typed_outcomes(request.POST)
    seen = request.POST.get("seen", "")
    if not form.is_valid():
        return _show(request, tenant, form, outcomes, seen=seen, status=422)
    data = form.data_of(row.label(tenant.language) for row in outcomes)
    try:
        diff = configuration.change(tenant, data, by=request.user, seen=seen)
    except ConfigurationError as error:
        forms.note(outcomes, form.take(error.mistakes))
        return _show(request, tenant, form, outcomes, seen=seen, status=422)
    except Changed as changed:
        return _show(request, tenant, form, outcomes, seen=_stamp(tenant), status=409, changed=changed)
    messages.success(request, _("Saved.") if diff else _("Nothing was changed."))
    return redirect("portal:operation", tenant.code)


@require_POST
@member
def outcomes(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """Another order of the outcomes, or one less: shown, not saved yet."""
    form = _form(tenant, initial={**request.POST.dict()})
    act, _sep, at = request.POST.get("act", "").partition(":")
    rows = forms.moved(forms.typed_outcomes(request.POST), act, int(at) if at.isdecimal() and len(at) < 4 else -1)
    return _show(request, tenant, form, rows, seen=request.POST.get("seen", ""), unsaved=True)


@require_POST
@member
def forget(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    forgotten = remembered.forget(tenant, by=request.user)
    sentence = ngettext("%(n)d choice is forgotten.", "%(n)d choices are forgotten.", forgotten) % {"n": forgotten}
    messages.success(request, sentence)
    return redirect("portal:operation", tenant.code)


@require_GET
@member
def file(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """The whole configuration without secrets, as IPEX can import it."""
    name = f"{tenant.slug}.toml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(configuration.export(tenant), content_type="application/toml; charset=utf-8", headers=headers)

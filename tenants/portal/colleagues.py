"""Handing a step to a colleague: an invitation by e-mail, the address of the step, and who looks after the set-up already."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tenants import invitations
from tenants.models import LANGUAGES, Membership, Tenant
from tenants.portal import checklist, steps
from tenants.portal.guard import PortalRequest, member
from tenants.post import TooSoon


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form brought."""

    email: str = ""
    language: str = ""
    step: str = ""

    @classmethod
    def of(cls, values: dict[str, str]) -> Typed:
        step = values.get("step", "")
        language = values.get("language", "")
        known = language in dict(LANGUAGES)
        email = values.get("email", "").strip()[:300]
        return cls(email, language if known else "", step if step in steps.TITLES else "")


@require_GET
@member
def page(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    return _show(request, tenant, Typed.of(request.GET.dict()))


def _show(request: PortalRequest, tenant: Tenant, typed: Typed, *, error: str = "", status: int = 200) -> HttpResponse:
    step = typed.step
    context = {
        "tenant": tenant,
        "tab": "checklist",
        "typed": typed,
        "steps": list(steps.TITLES.items()),
        "languages": LANGUAGES,
        "link": settings.PORTAL_URL + checklist.address_of(tenant, step) if step else "",
        "open": tenant.invitations.open(),
        "members": Membership.objects.filter(tenant=tenant, user__is_active=True).select_related("user"),
        "error": error,
        "mistakes": [{"field": "id_email", "sentence": error}] if error else [],
    }
    return render(request, "tenants/portal/colleagues.html", context, status=status)


@require_POST
@member
def invite(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    typed = Typed.of(request.POST.dict())
    try:
        invitations.invite(tenant=tenant, email=typed.email, by=request.user, language=typed.language)
    except ValidationError as error:
        return _show(request, tenant, typed, error=" ".join(error.messages), status=422)
    except TooSoon as error:
        return _show(request, tenant, typed, error=str(error), status=422)
    messages.success(request, _("The invitation is on its way to %(email)s.") % {"email": typed.email})
    return redirect("portal:colleagues", tenant.code)


@require_POST
@member
def withdraw(request: PortalRequest, tenant: Tenant, invitation: uuid.UUID) -> HttpResponse:
    found = get_object_or_404(tenant.invitations, code=invitation)
    invitations.withdraw(found, by=request.user)
    messages.success(
        request, _("The invitation of %(email)s is withdrawn, its link no longer works.") % {"email": found.email}
    )
    return redirect("portal:colleagues", tenant.code)

"""Where somebody lands who has just signed in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url

from tenants import access
from tenants.portal.guard import signed_in
from tenants.portal.invitation import BACK, accept_waiting


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """Staff to the cockpit, somebody with one customer to their check-list; the others choose.

    An invitation that was chosen before signing in is accepted first; with a password goes a second factor.
    """
    if (accepted := accept_waiting(request)) is not None:
        address = resolve_url("portal:checklist", accepted.tenant.code)
        return redirect("mfa_activate_totp" if request.session.get(BACK) == address else address)
    if request.user.is_staff:
        return redirect("admin:index")
    tenants = list(access.tenants_of(request.user)[:2])
    if len(tenants) == 1:
        return redirect("portal:checklist", tenants[0].code)
    return render(request, "tenants/portal/home.html", {"tenants": access.tenants_of(request.user)})

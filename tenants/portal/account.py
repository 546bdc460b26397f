"""Your account: the name, the language, and the ways to sign in."""

from __future__ import annotations

from typing import cast

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from tenants import invitations
from tenants.portal.guard import PortalRequest, signed_in


class Name(forms.Form):
    name = forms.CharField(max_length=150)


@require_GET
@signed_in
def show(request: HttpRequest) -> HttpResponse:
    return _page(
        cast("PortalRequest", request), Name(initial={"name": cast("PortalRequest", request).user.get_full_name()})
    )


@require_POST
@signed_in
def rename(request: HttpRequest) -> HttpResponse:
    form, user = Name(request.POST), cast("PortalRequest", request).user
    if not form.is_valid():
        return _page(cast("PortalRequest", request), form, status=422)
    invitations.rename(user, form.cleaned_data["name"])
    messages.success(request, _("The name is saved."))
    return redirect("portal:account")


def _page(request: PortalRequest, form: Name, status: int = 200) -> HttpResponse:
    kinds = {each.type: each for each in Authenticator.objects.filter(user=request.user)}
    codes = kinds.get(Authenticator.Type.RECOVERY_CODES)
    context = {
        "form": form,
        "here": resolve_url("portal:account"),
        "has_password": request.user.has_usable_password(),
        "second_factor": kinds.get(Authenticator.Type.TOTP),
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else 0,
        "linked": request.user.linked_accounts.all(),
    }
    return render(request, "tenants/portal/account.html", context, status=status)

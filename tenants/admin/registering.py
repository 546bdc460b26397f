"""The one form in which an implementer registers a customer, and what it understood of a pasted address."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import phonenumbers
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tenants import intake, pasted_address
from tenants.admin.rows import staff
from tenants.models import LANGUAGES, Tenant

if TYPE_CHECKING:
    from uuid import UUID

    from django.contrib.admin import AdminSite

    from tenants.pasted_address import Understood

LOOK = "_look"
_NEAR = ("CZ", "SK", "PL", "DE", "AT", "HU")


def _countries() -> list[tuple[str, str]]:
    others = sorted(phonenumbers.SUPPORTED_REGIONS - set(_NEAR))
    return [(code, f"{code}  +{phonenumbers.country_code_for_region(code)}") for code in (*_NEAR, *others)]


class CustomerForm(forms.Form):
    code = forms.UUIDField(widget=forms.HiddenInput)
    name = forms.CharField(label=gettext_lazy("Name of the customer"), max_length=200)
    slug = forms.SlugField(
        label=gettext_lazy("Short name"),
        max_length=60,
        required=False,
        help_text=gettext_lazy("For commands and files. Left empty, it is made from the name."),
    )
    email = forms.EmailField(
        label=gettext_lazy("E-mail of the customer's admin"),
        help_text=gettext_lazy("Gets the invitation to the portal and is the contact until somebody accepts it."),
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=LANGUAGES)
    country = forms.ChoiceField(label=gettext_lazy("Country of phone numbers"), choices=_countries)
    url = forms.CharField(
        label=gettext_lazy("Address of the CRM"),
        required=False,
        max_length=2000,
        help_text=gettext_lazy(
            "Any page of the CRM, copied from the browser with everything in it. Left empty, the customer gives it."
        ),
    )
    app_id = forms.UUIDField(
        label=gettext_lazy("App ID"),
        required=False,
        help_text=gettext_lazy("Only when the address has no appid= in it."),
        error_messages={"invalid": gettext_lazy("An app ID looks like 5f0a7c0e-2d1b-4a53-9a60-0c1f4f6f2a11.")},
    )
    understood: Understood | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""

    def clean_name(self) -> str:
        return " ".join(str(self.cleaned_data["name"]).split())

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"].lower()
        taken = Tenant.objects.filter(slug=slug).first() if slug else None
        if taken and taken.code != self.cleaned_data.get("code"):
            sentence = _("%(customer)s has this short name already.") % {"customer": taken.name}
            raise ValidationError(sentence)
        return slug

    def clean_url(self) -> str:
        text: str = self.cleaned_data["url"].strip()
        if text:
            self.understood = pasted_address.understand(text)
            if not self.understood.verdict.ok:
                raise ValidationError(str(self.understood.verdict.reason))
        return text

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        found = self.understood
        if found and found.verdict.ok and not self.app and "app_id" not in self.errors:
            sentence = _("The address names no app. Open the app in the CRM and paste that address, or enter its ID.")
            self.add_error("app_id", sentence)
        return data

    @property
    def app(self) -> UUID | None:
        """Its ID: the one that was typed, else the one in the address."""
        typed = self.cleaned_data.get("app_id")
        named = self.understood.verdict.app_id if self.understood else ""
        return typed or (uuid.UUID(named) if named else None)

    def newcomer(self) -> intake.Newcomer:
        data = self.cleaned_data
        return intake.Newcomer(
            code=data["code"],
            name=data["name"],
            slug=data["slug"] or intake.propose_slug(data["name"]),
            email=data["email"],
            language=data["language"],
            country=data["country"],
        )


def page(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show the form, look at the address (without scripts a button of its own does), or register."""
    if request.method != "POST":
        begun = {"code": uuid.uuid4(), "language": (get_language() or "cs")[:2], "country": "CZ"}
        return _shown(request, site, CustomerForm(initial=begun))
    form = CustomerForm(request.POST)
    if LOOK in request.POST:
        text = request.POST.get("url", "")
        return _shown(request, site, CustomerForm(initial=request.POST.dict()), _looked_at(text))
    if not form.is_valid():
        return _shown(request, site, form, form.understood, status=422)
    return _register(request, site, form)


def _register(request: HttpRequest, site: AdminSite, form: CustomerForm) -> HttpResponse:
    try:
        tenant, made = intake.register(form.newcomer(), understood=form.understood, app_id=form.app, by=staff(request))
    except ValidationError as error:
        form.add_error(None, error.messages)
        return _shown(request, site, form, form.understood, status=422)
    if made:
        _say(request, tenant, form.understood)
    return redirect("admin:tenants_tenant_change", tenant.pk)


def _say(request: HttpRequest, tenant: Tenant, understood: Understood | None) -> None:
    invited = _("%(customer)s is registered. The invitation goes to %(email)s.")
    messages.success(request, invited % {"customer": tenant.name, "email": tenant.contact_email})
    owner = intake.owner_of(understood.verdict.origin) if understood else None
    if owner:
        sentence = _("The address is confirmed as %(owner)s's already. Here it is a second claim until you decide.")
        messages.warning(request, sentence % {"owner": owner.name})
    elif understood and not understood.directory_id:
        sentence = _("The Entra directory is not verified yet: the instance did not say it. It is asked again later.")
        messages.warning(request, sentence)


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """What the address under the field means: a fragment."""
    found = _looked_at(request.POST.get("url", ""))
    return TemplateResponse(request, "admin/tenants/tenant/_understood.html", _about(found))


def _about(understood: Understood | None) -> dict[str, Any]:
    url = understood.verdict.origin if understood else ""
    if not url:
        return {"understood": understood}
    return {"understood": understood, "owner": intake.owner_of(url), "claimants": intake.claimants_of(url)}


def _looked_at(text: str) -> Understood | None:
    return pasted_address.understand(text) if text.strip() else None


def _shown(
    request: HttpRequest, site: AdminSite, form: CustomerForm, understood: Understood | None = None, status: int = 200
) -> HttpResponse:
    mistakes = [
        {"field": form[name].id_for_label if name in form.fields else "", "sentence": sentence}
        for name, sentences in form.errors.items()
        for sentence in sentences
    ]
    context = site.each_context(request) | {
        "title": _("New customer"),
        "form": form,
        "mistakes": mistakes,
    }
    context |= _about(understood)
    return TemplateResponse(request, "admin/tenants/tenant/register.html", context, status=status)

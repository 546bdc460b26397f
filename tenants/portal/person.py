"""One person by hand: added, or what is known of them changed. Each mistake stands under its field."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from tenants import configuration, roster
from tenants.models import LANGUAGES, Agent, AuditEntry, Tenant, digest
from tenants.portal.guard import PortalRequest, member
from tenants.portal.people import person_of
from tenants.roster import comparing, standing
from tenants.roster.columns import FIELDS, LABELS

PERSON = "tenants/portal/person.html"


class PersonForm(forms.Form):
    name = forms.CharField(label=LABELS["name"], max_length=200, strip=True)
    email = forms.EmailField(
        label=LABELS["email"], max_length=254, help_text=gettext_lazy("The activation e-mail goes there.")
    )
    login = forms.CharField(
        label=gettext_lazy("Login in Communicator"),
        max_length=150,
        required=False,
        help_text=gettext_lazy("Calls name the person by it."),
    )
    line = forms.CharField(
        label=LABELS["line"], max_length=32, required=False, help_text=gettext_lazy("The internal number, like 444.")
    )
    upn = forms.CharField(
        label=LABELS["upn"],
        max_length=200,
        required=False,
        help_text=gettext_lazy("Only if it is not the e-mail: the name used to sign in to Microsoft."),
    )
    language = forms.ChoiceField(
        label=LABELS["language"],
        required=False,
        choices=[
            (
                "",
                gettext_lazy("As the company"),
            ),
            *LANGUAGES,
        ],
    )
    window = forms.BooleanField(label=gettext_lazy("Switch the window on right away"), required=False)

    def __init__(self, tenant: Tenant, agent: Agent | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant, self.agent = tenant, agent
        self.fields["email"].widget.attrs["autocomplete"] = "off"
        if agent is not None:
            del self.fields["window"]
        for name, field in self.fields.items():
            if self.is_bound and name in self.errors:
                field.widget.attrs["aria-invalid"] = "true"

    def clean(self) -> dict[str, str]:
        """What a list is told about, is told here as well."""
        data: dict[str, str] = super().clean() or {}
        given = {name: data[name] for name in FIELDS if data.get(name)}
        if given.get("upn", "").casefold() == given.get("email", "").casefold():
            data["upn"] = given["upn"] = ""
        for name in given:
            if any(not letter.isprintable() for letter in given[name]):
                self.add_error(name, _("This text holds a line break or another control character."))
        if given.get("upn") and (wrong := list(comparing.faults({"upn": given["upn"]}))):
            self.add_error("upn", ValidationError(wrong))
        for name, sentence in comparing.taken(self.tenant, given, agent=self.agent).items():
            self.add_error(name, sentence)
        return data

    @property
    def values(self) -> dict[str, str]:
        return {name: self.cleaned_data.get(name, "") for name in FIELDS}

    @property
    def mistakes(self) -> list[dict[str, str]]:
        return [
            {"field": self[name].id_for_label if name in self.fields else "", "sentence": str(sentence)}
            for name, sentences in self.errors.items()
            for sentence in sentences
        ]


@require_http_methods(["GET", "POST"])
@member
def add(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    form = PersonForm(tenant, None, request.POST or None)
    if request.method == "POST" and form.is_valid() and _added(form, request):
        return redirect("portal:people", tenant.code)
    context = {"tenant": tenant, "tab": "people", "form": form, "mistakes": form.mistakes if form.is_bound else []}
    return render(request, PERSON, context, status=422 if form.is_bound else 200)


def _added(form: PersonForm, request: PortalRequest) -> bool:
    window = form.cleaned_data["window"]
    item = {**form.values, "window": window}
    try:
        configuration.change(form.tenant, {"agents": [item]}, by=request.user)
    except configuration.ConfigurationError as error:  # somebody else added the same in this moment
        for mistake in error.mistakes:
            form.add_error(None, mistake.sentence)
        return False
    name = {"name": item["name"]}
    if window:
        messages.info(request, _("%(name)s is on the list and the window is on.") % name)
    else:
        messages.info(request, _("%(name)s is on the list. Nothing is sent until the window is switched on.") % name)
    return True


@require_http_methods(["GET", "POST"])
@member
def edit(request: PortalRequest, tenant: Tenant, agent: uuid.UUID) -> HttpResponse:
    person = person_of(tenant, agent)
    changed = None
    form = PersonForm(tenant, person, request.POST or None, initial={name: getattr(person, name) for name in FIELDS})
    if request.method == "POST" and form.is_valid():
        changed = _changed_meanwhile(person, form.values, request.POST.get("seen", ""))
        if changed is None and _changed(form, person, request):
            return redirect("portal:person", tenant.code, agent)
    context = {
        "tenant": tenant, "tab": "people", "agent": person, "standing": standing.standing_of(person), "form": form,
        "seen": stamp(person), "changed": changed, "mistakes": form.mistakes if form.is_bound else [],
    }  # fmt: skip
    return render(request, PERSON, context, status=(409 if changed else 422) if form.is_bound else 200)


def _changed(form: PersonForm, person: Agent, request: PortalRequest) -> bool:
    """Whether it was saved; also when there was nothing to save."""
    before = person.email
    try:
        saved = roster.change(person, form.values, by=request.user)
    except IntegrityError:
        form.add_error(None, _("Somebody else has got the same e-mail or login in this moment. Check the list."))
        return False
    moved = saved and form.values["email"] != before and person.window and not person.is_signed_in
    if moved:
        messages.info(request, _("Saved. The activation e-mail goes to the new address."))
    elif saved:
        messages.info(request, _("Saved."))
    else:
        messages.info(request, _("Nothing changed."))
    return True


def stamp(agent: Agent) -> str:
    """Which state of the person the form shows."""
    return digest(json.dumps([getattr(agent, name) for name in FIELDS]))[:16]


def _changed_meanwhile(agent: Agent, values: dict[str, str], seen: str) -> configuration.Changed | None:
    if seen == stamp(agent) or all(getattr(agent, name) == value for name, value in values.items()):
        return None
    acts = ["agent.changed", "configuration.changed", "configuration.imported"]
    last = AuditEntry.objects.filter(tenant=agent.tenant, act__in=acts).first()
    return configuration.Changed(last.actor if last else "", last.at if last else None)

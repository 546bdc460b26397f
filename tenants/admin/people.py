"""Agents, and what is done with them by the dozen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants import activation, post, registration, roster
from tenants.admin import people_import
from tenants.admin.rows import Kept, staff
from tenants.models import Agent
from tenants.portal.people import told_of_disabling, told_of_enabling, told_of_sending
from tenants.roster import comparing, standing
from tenants.roster.columns import FIELDS

if TYPE_CHECKING:
    from tenants.admin.rows import Rows


class StepFilter(admin.SimpleListFilter):
    title = gettext_lazy("how far")
    parameter_name = "step"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("stuck", gettext_lazy("Stuck")), *activation.Step.choices]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        if self.value() == "stuck":
            return queryset.exclude(stuck_with="")
        return queryset.filter(step=self.value()) if self.value() else queryset


class AgentForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean(self) -> dict[str, Any]:
        """What two people cannot share, as the portal says it."""
        data = super().clean() or {}
        agent = self.instance if self.instance.pk else None
        tenant = agent.tenant if agent else data.get("tenant")
        if tenant:
            values = {name: data[name] for name in FIELDS if data.get(name)}
            for name, sentence in comparing.taken(tenant, values, agent=agent).items():
                self.add_error(name, sentence)
        return data


@admin.register(Agent)
class AgentAdmin(Kept):
    form = AgentForm
    list_display = ("name", "tenant", "email", "login", "line", "how_far", "stuck", "last_call_at")
    list_filter = (StepFilter, "window", "tenant")
    search_fields = ("name", "email", "upn", "login", "line", "tenant__name", "tenant__slug")
    autocomplete_fields = ("tenant",)
    list_select_related = ("tenant",)
    fields = (
        "tenant", "name", "email", "upn", "login", "line", "language",
        "window", "sign_in_error", "signed_in_at", "first_card_at", "first_note_at", "last_call_at", "code",
    )  # fmt: skip
    readonly_fields = (
        "window", "sign_in_error", "signed_in_at", "first_card_at", "first_note_at", "last_call_at", "code"
    )  # fmt: skip
    private = frozenset({"name", "email", "upn", "login", "line"})
    actions = ("enable", "disable", "send_again")

    def get_queryset(self, request: HttpRequest) -> Rows:
        return activation.with_steps(super().get_queryset(request))

    @admin.display(description=gettext_lazy("how far"), ordering="step_since")
    def how_far(self, agent: Agent) -> str:
        return activation.state_of(agent).label

    @admin.display(description=gettext_lazy("stuck with"))
    def stuck(self, agent: Agent) -> str:
        return standing.obstacle(agent) or "–"

    def get_urls(self) -> list[Any]:
        pages: dict[str, tuple[str, Callable[..., HttpResponse]]] = {
            "": ("import", people_import.choose),
            "<uuid:code>/": ("import_into", people_import.into),
            "<uuid:code>/apply/": ("import_apply", people_import.apply),
        }
        return [
            path(f"import/{where}", self.admin_site.admin_view(view), name=f"tenants_agent_{name}")
            for where, (name, view) in pages.items()
        ] + super().get_urls()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """By the portal's verb, which also sends the activation e-mail to a corrected address."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        values = {name: form.cleaned_data[name] for name in form.changed_data if name in FIELDS}
        roster.change(Agent.objects.get(pk=obj.pk), values, by=staff(request))

    @admin.action(description=gettext_lazy("Enable the CRM window"))
    def enable(self, request: HttpRequest, rows: Rows) -> None:
        self.message_user(request, told_of_enabling(registration.enable_windows(rows, by=staff(request))))

    @admin.action(description=gettext_lazy("Disable the CRM window and sign out"))
    def disable(self, request: HttpRequest, rows: Rows) -> None:
        self.message_user(request, told_of_disabling(registration.disable_windows(rows, by=staff(request))))

    @admin.action(description=gettext_lazy("Send the activation e-mail again"))
    def send_again(self, request: HttpRequest, rows: Rows) -> None:
        """Of one person it says when and why; of many how many."""
        people = list(rows.select_related("tenant"))
        if len(people) != 1:
            fates = activation.send_all_again(people, by=staff(request))
            level = messages.SUCCESS if fates["sent"] else messages.WARNING
            self.message_user(request, told_of_sending(fates), level)
            return
        try:
            activation.send_again(people[0], by=staff(request))
        except (post.TooSoon, post.NotSendable) as error:
            self.message_user(request, f"{people[0]}: {error}", messages.WARNING)
        else:
            self.message_user(request, _("%(agent)s: the e-mail is on its way.") % {"agent": people[0]})

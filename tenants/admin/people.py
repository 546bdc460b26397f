"""Agents, and what is done with them by the dozen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants import activation, post, registration
from tenants.admin.rows import Kept, staff
from tenants.models import Agent

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


@admin.register(Agent)
class AgentAdmin(Kept):
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
        state = activation.state_of(agent)
        failed = state.step == activation.Step.MAIL_FAILED
        if state.refusal:
            return f"{state.refusal.title} ({state.error})"
        return state.mail_error if failed else "–"

    @admin.action(description=gettext_lazy("Enable the CRM window"))
    def enable(self, request: HttpRequest, rows: Rows) -> None:
        for agent in rows.select_related("tenant"):
            registration.enable_window(agent, staff(request))

    @admin.action(description=gettext_lazy("Disable the CRM window and sign out"))
    def disable(self, request: HttpRequest, rows: Rows) -> None:
        for agent in rows.select_related("tenant"):
            registration.disable_window(agent, staff(request))

    @admin.action(description=gettext_lazy("Send the activation e-mail again"))
    def send_again(self, request: HttpRequest, rows: Rows) -> None:
        for agent in rows.select_related("tenant"):
            try:
                activation.send_again(agent, by=staff(request))
            except (post.TooSoon, post.NotSendable) as error:
                self.message_user(request, f"{agent}: {error}", messages.WARNING)
            else:
                self.message_user(request, _("%(agent)s: the e-mail is on its way.") % {"agent": agent})

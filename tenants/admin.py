"""The implementers' tool. It shows no secret, deletes nothing, and acts through the same verbs as everybody else.

Lists that have rules of their own (origins, outcomes, tables, fields, agents by the dozen) are changed with the configuration
file; here they are shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants import activation, api_keys, configuration, eligibility, emails, post, registration
from tenants.models import (
    Agent,
    ApiKey,
    AuditEntry,
    CustomEntity,
    DisplayField,
    Instance,
    Invitation,
    Membership,
    OutgoingMail,
    SystemAccount,
    Tenant,
    audit,
    digest,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet

    Rows = QuerySet[Any]
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin, TabularInline = admin.ModelAdmin, admin.TabularInline

HIDDEN = "•••"
PREVIEW = {  # mail programs want styles inside the page; scripts, forms and other servers stay away
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


def staff(request: HttpRequest) -> User:
    return cast("User", request.user)


class Kept(ModelAdmin):
    """Rows are changed, never deleted here; each change is audited and saves only what changed."""

    fixed: tuple[str, ...] = ("tenant",)
    private: frozenset[str] = frozenset()

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, *(self.fixed if obj else ()))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        names = [name for name in form.changed_data if name in form.cleaned_data]
        before = type(obj)._default_manager.filter(pk=obj.pk).values(*names).first() if change and names else {}
        if change:
            obj.save(update_fields=names)
        else:
            obj.save()
        tenant = obj if isinstance(obj, Tenant) else obj.tenant
        audit(
            tenant=tenant,
            by=staff(request),
            act=f"{obj._meta.model_name}.{'changed' if change else 'added'}",
            target=f"{obj._meta.model_name} {obj.code}",
            before={name: self._audited(name, value) for name, value in (before or {}).items()},
            after={name: self._audited(name, getattr(obj, name)) for name in names},
        )

    def _audited(self, name: str, value: object) -> object:
        if name in self.private:
            return HIDDEN
        return value if isinstance(value, bool | int) or value is None else str(value)


class Shown(ModelAdmin):
    """Rows that are only looked at."""

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


class ShownInline(TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Tenant)
class TenantAdmin(Kept):
    list_display = ("name", "slug", "address", "is_proven", "agents_with_window")
    list_filter = ("instance__note_state", "language", ("instance__proven_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "slug", "contact_email", "instance__url", "agents__email", "agents__name", "agents__line")
    readonly_fields = ("embedding_origins", "own_numbers", "outcomes", "webhook_keys", "code", "created_at")
    fixed = ("slug",)
    private = frozenset({"contact_email"})
    inlines = (MembershipInline,)
    actions = ("download",)

    def get_queryset(self, request: HttpRequest) -> Rows:
        window = models.Count("agents", filter=models.Q(agents__window=True), distinct=True)
        rows: Rows = super().get_queryset(request).select_related("instance").annotate(windows=window)
        return rows

    @admin.display(description=gettext_lazy("address"))
    def address(self, tenant: Tenant) -> str:
        return str(getattr(tenant, "instance", "–"))

    @admin.display(description=gettext_lazy("proven"), boolean=True)
    def is_proven(self, tenant: Tenant) -> bool:
        return hasattr(tenant, "instance") and tenant.instance.is_proven

    @admin.display(description=gettext_lazy("agents with the window"), ordering="windows")
    def agents_with_window(self, tenant: Any) -> int:
        return int(tenant.windows)

    @admin.action(description=gettext_lazy("Download the configuration (one customer)"))
    def download(self, request: HttpRequest, rows: Rows) -> HttpResponse | None:
        if rows.count() != 1:
            self.message_user(request, _("Choose one customer."), messages.WARNING)
            return None
        tenant = rows.get()
        name = {"Content-Disposition": f'attachment; filename="{tenant.slug}.toml"', "Cache-Control": "no-store"}
        return HttpResponse(configuration.export(tenant), content_type="application/toml", headers=name)


class InstanceForm(forms.ModelForm):  # type: ignore[type-arg]
    url = forms.CharField(
        label=gettext_lazy("address"), max_length=2000, help_text=gettext_lazy("May be pasted from the browser.")
    )
    app_id = forms.UUIDField(label=gettext_lazy("model-driven app ID"), required=False)

    def clean(self) -> dict[str, Any]:
        """The pasted address as an origin, and the app it names unless another is typed."""
        data = super().clean() or {}
        verdict = eligibility.judge(
            data.get("url", ""),
            allow_loopback=settings.ALLOW_LOOPBACK_MICROSOFT,
            refused_ports=settings.REFUSED_LOOPBACK_PORTS,
        )
        if not verdict.ok:
            raise ValidationError({"url": str(verdict.reason)})
        data["url"] = verdict.origin
        data["app_id"] = data.get("app_id") or verdict.app_id
        if not data["app_id"]:
            raise ValidationError({"app_id": _("The address names no app, so its ID is needed.")})
        return data


class CustomEntityInline(ShownInline):
    model = CustomEntity


class DisplayFieldInline(ShownInline):
    model = DisplayField


@admin.register(Instance)
class InstanceAdmin(Kept):
    form = InstanceForm
    list_display = ("url", "tenant", "is_proven", "proven_by", "note_state", "leads", "index")
    list_filter = (("proven_at", admin.EmptyFieldListFilter), "note_state", "leads", "index")
    search_fields = ("url", "app_id", "directory_id", "organization_id", "tenant__name", "tenant__slug")
    autocomplete_fields = ("tenant",)
    list_select_related = ("tenant",)
    fields = (
        "tenant", "url", "app_id", "directory_id", "note_state", "leads",
        "index", "search_columns", "organization_id", "proven_at", "proven_by", "code",
    )  # fmt: skip
    readonly_fields = ("index", "search_columns", "organization_id", "proven_at", "proven_by", "code")
    inlines = (CustomEntityInline, DisplayFieldInline)
    actions = ("confirm",)

    @admin.display(description=gettext_lazy("proven"), boolean=True, ordering="proven_at")
    def is_proven(self, instance: Instance) -> bool:
        return instance.is_proven

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Another address or directory goes through the verb, which drops the proof; the rest is saved as usual."""
        moved = {"url", "directory_id"} & set(form.changed_data)
        if change and moved:
            row = Instance.objects.get(pk=obj.pk)
            dropped = row.is_proven
            registration.change_address(row, by=staff(request), url=obj.url, directory_id=obj.directory_id)
            form.changed_data = [name for name in form.changed_data if name not in moved]
            if dropped and not row.is_proven:
                sentence = _("The proof that the instance is the customer's is dropped; agents must sign in again.")
                self.message_user(request, sentence, messages.WARNING)
        if form.changed_data or not change:
            super().save_model(request, obj, form, change)

    @admin.action(description=gettext_lazy("Confirm that the instance is the customer's"))
    def confirm(self, request: HttpRequest, rows: Rows) -> None:
        for instance in rows.select_related("tenant"):
            try:
                registration.confirm(instance, by=staff(request))
            except (registration.NotProven, registration.NotStaff) as error:
                self.message_user(request, f"{instance}: {error}", messages.ERROR)
            else:
                self.message_user(request, _("%(url)s is confirmed.") % {"url": instance})


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


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    addresses = forms.CharField(
        label=gettext_lazy("allowed addresses"),
        required=False,
        help_text=gettext_lazy("IP addresses or networks such as 192.0.2.0/24, with spaces between; empty: any."),
    )

    class Meta:
        model = ApiKey
        fields = ("tenant", "scope", "expires_at")

    def clean_addresses(self) -> list[str]:
        return api_keys.networks(self.cleaned_data["addresses"].replace(",", " ").split())


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    list_display = ("prefix", "tenant", "scope", "is_live", "created_by", "created_at", "last_used_at", "expires_at")
    list_filter = ("scope", ("revoked_at", admin.EmptyFieldListFilter), "tenant")
    search_fields = ("prefix", "tenant__name", "tenant__slug", "created_by")
    autocomplete_fields = ("tenant",)
    list_select_related = ("tenant",)
    exclude = ("digest",)
    form = ApiKeyForm
    actions = ("revoke",)

    @admin.display(description=gettext_lazy("valid"), boolean=True)
    def is_live(self, key: ApiKey) -> bool:
        return key.is_live()

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        addresses, expires_at = form.cleaned_data["addresses"], form.cleaned_data["expires_at"]
        text = api_keys.create(obj.tenant, obj.scope, staff(request), addresses=addresses, expires_at=expires_at)
        obj.__dict__.update(ApiKey.objects.get(digest=digest(text)).__dict__)
        obj.text = text

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """The key itself, this once; not as a message, which would lie in a cookie."""
        context = {**self.admin_site.each_context(request), "title": _("The new API key"), "key": obj, "text": obj.text}
        return TemplateResponse(request, "tenants/admin_api_key.html", context)

    @admin.action(description=gettext_lazy("Revoke"))
    def revoke(self, request: HttpRequest, rows: Rows) -> None:
        for key in rows.select_related("tenant"):
            api_keys.revoke(key, staff(request))


@admin.register(SystemAccount)
class SystemAccountAdmin(Shown):
    list_display = ("instance", "client_id", "secret_expires_on", "second_secret_expires_on", "sign_in_error")
    search_fields = ("instance__url", "instance__tenant__name", "client_id")
    list_select_related = ("instance",)
    fields = (
        "instance",
        "client_id",
        "secret_expires_on",
        "second_secret_expires_on",
        "sign_in_error",
        "token_expires_at",
    )


@admin.register(Invitation)
class InvitationAdmin(Shown):
    list_display = ("email", "tenant", "invited_by", "created_at", "expires_at", "accepted_at")
    list_filter = (("accepted_at", admin.EmptyFieldListFilter), "tenant")
    search_fields = ("email", "tenant__name", "tenant__slug")
    list_select_related = ("tenant",)


@admin.register(OutgoingMail)
class OutgoingMailAdmin(Shown):
    list_display = ("created_at", "kind", "tenant", "recipient", "state", "attempts", "last_error", "sent_at")
    list_filter = ("state", "kind", "tenant")
    search_fields = ("agent__email", "agent__name", "user__email", "invitation__email", "tenant__name", "tenant__slug")
    list_select_related = ("tenant", "agent", "user", "invitation")
    fields = (
        "kind", "tenant", "recipient", "language", "state", "attempts", "last_error", "created_at", "next_try_at",
        "sent_at", "preview", "code",
    )  # fmt: skip
    readonly_fields = ("recipient", "preview")
    actions = ("send_again",)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tenants.change_outgoingmail")

    def get_urls(self) -> list[Any]:
        shown = self.admin_site.admin_view(self.show)
        return [path("<int:pk>/preview/", shown, name="tenants_outgoingmail_preview"), *super().get_urls()]

    @admin.display(description=gettext_lazy("recipient"))
    def recipient(self, mail: OutgoingMail) -> str:
        return str(mail.agent or mail.invitation or mail.user or mail.tenant.contact_email)

    @admin.display(description=gettext_lazy("preview"))
    def preview(self, mail: OutgoingMail) -> str:
        address = reverse("admin:tenants_outgoingmail_preview", args=[mail.pk])
        return format_html(
            '<a href="{}" target="_blank" rel="noopener">{}</a>', address, _("Show as it would be sent now")
        )

    def show(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The page as mail programs get it, but with a link that leads nowhere. Its styles are inside, scripts never run."""
        mail = self.get_object(request, str(pk))
        if mail is None or not self.has_view_permission(request, mail):
            raise Http404
        try:
            page = str(emails.compose(mail, preview=True).alternatives[0][0])
        except (emails.NotWanted, ValueError) as error:
            self.message_user(request, _("This e-mail would not be sent now: %(code)s.") % {"code": error})
            return redirect("admin:tenants_outgoingmail_change", pk)
        return HttpResponse(page, headers=PREVIEW)

    @admin.action(description=gettext_lazy("Send again"), permissions=["send"])
    def send_again(self, request: HttpRequest, rows: Rows) -> None:
        for mail in rows.select_related("tenant", "agent__tenant"):
            try:
                post.again(mail, by=staff(request))
            except post.TooSoon as error:
                self.message_user(request, f"{self.recipient(mail)}: {error}", messages.WARNING)
            else:
                sentence = _("%(agent)s: the e-mail is on its way.") % {"agent": self.recipient(mail)}
                self.message_user(request, sentence)


@admin.register(AuditEntry)
class AuditEntryAdmin(Shown):
    list_display = ("at", "actor", "act", "target", "tenant")
    list_filter = ("act", "tenant")
    search_fields = ("actor", "act", "target", "tenant__name", "tenant__slug")
    date_hierarchy = "at"
    list_select_related = ("tenant",)

"""Instances, their tables and fields, and the system accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants import eligibility, registration
from tenants.admin.rows import Kept, Shown, ShownInline, staff
from tenants.models import CustomEntity, DisplayField, Instance, SystemAccount, label_in

if TYPE_CHECKING:
    from tenants.admin.rows import Rows


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


class Labelled:
    """A row's label in the reader's language."""

    @admin.display(description=gettext_lazy("label"))
    def in_words(self, row: CustomEntity | DisplayField) -> str:
        return label_in(row.label)


class CustomEntityInline(Labelled, ShownInline):
    model = CustomEntity
    fields = readonly_fields = ("in_words", "table", "id_column", "phone_columns", "last_name", "first_name")


class DisplayFieldInline(Labelled, ShownInline):
    model = DisplayField
    fields = readonly_fields = ("in_words", "entity", "identifier", "link")


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


@admin.register(SystemAccount)
class SystemAccountAdmin(Shown):
    list_display = (
        "instance", "client_id", "secret_expires_on", "second_secret_expires_on", "certificate_expires_on", "sign_in_error",
    )  # fmt: skip
    search_fields = ("instance__url", "instance__tenant__name", "client_id")
    list_select_related = ("instance",)
    fields = (
        "instance",
        "client_id",
        "secret_expires_on",
        "second_secret_expires_on",
        "certificate_expires_on",
        "sign_in_error",
        "token_expires_at",
    )


@admin.register(CustomEntity)
class CustomEntityAdmin(Labelled, Shown):
    list_display = ("table", "instance", "in_words", "id_column", "columns", "last_name", "first_name")
    search_fields = ("table", "instance__url", "instance__tenant__name")
    list_select_related = ("instance",)

    @admin.display(description=gettext_lazy("phone columns"))
    def columns(self, entity: CustomEntity) -> str:
        return ", ".join(entity.phone_columns)


@admin.register(DisplayField)
class DisplayFieldAdmin(Labelled, Shown):
    list_display = ("in_words", "instance", "entity", "identifier", "link")
    list_filter = ("entity",)
    search_fields = ("identifier", "entity", "instance__url", "instance__tenant__name")
    list_select_related = ("instance",)

"""Keys of the machine API: made here, shown once, revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants import api_keys
from tenants.admin.rows import Plain, staff
from tenants.models import ApiKey, digest

if TYPE_CHECKING:
    from tenants.admin.rows import Rows

OVERLAP = timedelta(days=7)


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
class ApiKeyAdmin(Plain):
    list_display = ("prefix", "tenant", "scope", "is_live", "created_by", "created_at", "last_used_at", "expires_at")
    list_filter = ("scope", ("revoked_at", admin.EmptyFieldListFilter), "tenant")
    search_fields = ("prefix", "tenant__name", "tenant__slug", "created_by")
    autocomplete_fields = ("tenant",)
    list_select_related = ("tenant",)
    exclude = ("digest",)
    form = ApiKeyForm
    actions = ("replace", "revoke")

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
        return self._shown(request, obj, obj.text)

    def _shown(self, request: HttpRequest, key: ApiKey, text: str) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": _("The new API key"), "key": key, "text": text}
        return TemplateResponse(request, "tenants/admin_api_key.html", context)

    @admin.action(description=gettext_lazy("Make a second key, the first ends in a week"))
    def replace(self, request: HttpRequest, rows: Rows) -> HttpResponse | None:
        keys = list(rows.select_related("tenant")[:2])
        if len(keys) != 1:
            messages.warning(request, _("Choose one key. Its successor is shown once."))
            return None
        try:
            text = api_keys.replace(keys[0], staff(request), until=timezone.now() + OVERLAP)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return None
        return self._shown(request, ApiKey.objects.get(digest=digest(text)), text)

    @admin.action(description=gettext_lazy("Revoke"))
    def revoke(self, request: HttpRequest, rows: Rows) -> None:
        for key in rows.select_related("tenant"):
            api_keys.revoke(key, staff(request))

"""Admins of which rows are changed or only looked at; nothing is deleted, every change is audited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.contrib.admin.options import ActionLocation
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext as _

from tenants.models import Tenant, audit

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet

    Rows = QuerySet[Any]
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin, TabularInline = admin.ModelAdmin, admin.TabularInline

HIDDEN = "•••"


def staff(request: HttpRequest) -> User:
    return cast("User", request.user)


def without_shortcuts(field: Any) -> Any:
    """A choice of another row without Django's buttons that add, change or delete that row; nothing chosen is a dash."""
    for name in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
        if field is not None and hasattr(field.widget, name):
            setattr(field.widget, name, False)
    if getattr(field, "empty_label", None):
        field.empty_label = "–"
    return field


class Plain(ModelAdmin):
    """Rows are chosen in forms; they are made and changed on pages of their own. One kind of saving is enough."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return without_shortcuts(super().formfield_for_dbfield(db_field, request, **kwargs))

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs.setdefault("choices", db_field.get_choices(include_blank=db_field.blank, blank_choice=[("", "–")]))
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def get_action_choices(
        self, request: HttpRequest, default_choices: Any = None, action_location: Any = ActionLocation.CHANGE_LIST
    ) -> Any:
        choose = default_choices or [("", _("Choose an action"))]
        return super().get_action_choices(request, choose, action_location)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        context |= {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().render_change_form(request, context, *args, **kwargs)


class Kept(Plain):
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


class Shown(Plain):
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

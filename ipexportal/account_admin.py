"""The portal's users in the admin: their second factor is reset here, its secret is never seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from ipexportal import accounts

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    _UserAdmin = UserAdmin[User]
else:
    _UserAdmin = UserAdmin  # not subscriptable when it runs

admin.site.unregister(User)


@admin.register(User)
class AccountAdmin(_UserAdmin):
    actions = ("reset_second_factor",)

    @admin.action(permissions=["change"], description=_("Reset the second factor (lost phone and recovery codes)"))
    def reset_second_factor(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        by = cast("User", request.user)
        number = sum(accounts.forget_second_factor(user, by=by) for user in rows)
        sentence = ngettext("%(number)d second factor was reset.", "%(number)d second factors were reset.", number)
        messages.success(request, sentence % {"number": number})

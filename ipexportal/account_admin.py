"""The portal's users in the admin: their second factor is reset here, its secret is never seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from ipexportal import accounts

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    _UserAdmin = UserAdmin[User]
    _ChangeForm = UserChangeForm[User]
    _CreationForm = AdminUserCreationForm[User]
else:  # not subscriptable when it runs
    _UserAdmin, _ChangeForm, _CreationForm = UserAdmin, UserChangeForm, AdminUserCreationForm

admin.site.unregister(User)


def one_account_per_address(form: Any) -> str:
    """In small letters, as whoever signs in is looked up."""
    email = str(form.cleaned_data["email"] or "").lower()
    others = User.objects.filter(email__iexact=email).exclude(pk=form.instance.pk)
    if email and others.exists():
        raise ValidationError(_("Somebody else has an account with this e-mail."))
    return email


class AccountForm(_ChangeForm):
    clean_email = one_account_per_address


class NewAccountForm(_CreationForm):
    clean_email = one_account_per_address

    class Meta(AdminUserCreationForm.Meta):
        fields = ("username", "email")


@admin.register(User)
class AccountAdmin(_UserAdmin):
    """People sign in with their e-mail, so it is asked for when an account is made."""

    form, add_form = AccountForm, NewAccountForm
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "email", "usable_password", "password1", "password2")}),
    )
    actions = ("reset_second_factor",)

    @admin.action(permissions=["change"], description=_("Reset the second factor (lost phone and recovery codes)"))
    def reset_second_factor(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        by = cast("User", request.user)
        number = sum(accounts.forget_second_factor(user, by=by) for user in rows)
        sentence = ngettext("%(number)d second factor was reset.", "%(number)d second factors were reset.", number)
        messages.success(request, sentence % {"number": number})

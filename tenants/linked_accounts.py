"""Signing in to the portal with Microsoft: whom a Microsoft account signs in, linking one, letting it go.

An account is linked only by somebody signed in already, or by whoever opens an invitation. It is known by directory and
object, never by an e-mail address, which a foreign directory may put into its accounts as it likes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.db import transaction

from tenants import invitations
from tenants.entra import Identity, NotTrusted
from tenants.models import Invitation, LinkedAccount, audit

if TYPE_CHECKING:
    from django.db.models import QuerySet


def user_of(identity: Identity) -> User:
    """Whom this account signs in. Raises NotTrusted: nobody (`not_linked`), or somebody switched off (`inactive`)."""
    account = _known(identity)
    if account is None:
        raise NotTrusted("not_linked", identity.principal_name)
    if not account.user.is_active:
        raise NotTrusted("inactive", identity.principal_name)
    if account.account != _shown(identity):
        LinkedAccount.objects.filter(pk=account.pk).update(account=_shown(identity))
    return account.user


def _known(identity: Identity) -> LinkedAccount | None:
    rows = LinkedAccount.objects.select_related("user")
    return rows.filter(directory_id=identity.directory_id, object_id=identity.object_id).first()


@transaction.atomic
def link(*, user: User, identity: Identity) -> tuple[LinkedAccount, bool]:
    """`user` is signed in and came back with this identity; and whether that is new.

    Raises NotTrusted when it signs somebody else in.
    """
    account, made = LinkedAccount.objects.get_or_create(
        directory_id=identity.directory_id,
        object_id=identity.object_id,
        defaults={"user": user, "account": _shown(identity)},
    )
    if account.user_id != user.pk:
        raise NotTrusted("linked_to_other", identity.principal_name)
    if made:
        audit(tenant=None, by=user, act="account.microsoft_linked", target=user.get_username())
    return account, made


@transaction.atomic
def unlink(account: LinkedAccount, *, by: User) -> None:
    """It signs nobody in any more; a mailed code still does."""
    if LinkedAccount.objects.filter(pk=account.pk).delete()[0]:
        audit(tenant=None, by=by, act="account.microsoft_unlinked", target=account.user.get_username())


def of(user: User) -> QuerySet[LinkedAccount]:
    return LinkedAccount.objects.filter(user=user)


def open_account(token: str, *, identity: Identity) -> User:
    """A new person of the portal from an invitation and a Microsoft account that is nobody's yet.

    Codes go to the invited address, which is where the link was read. Raises DeadInvitation, and NotTrusted when that
    address has its person already: then a mailed code has to show that they are the same.
    """
    invitation = invitations.shown(token)
    with transaction.atomic():
        Invitation.objects.select_for_update().get(pk=invitation.pk)
        if User.objects.filter(email__iexact=invitation.email).exists():
            raise NotTrusted("account_exists", identity.principal_name)
        user = invitations.account_for(token, name=_printable(identity.name))
        link(user=user, identity=identity)
        invitations.accept(token, user=user)
    return user


def _shown(identity: Identity) -> str:
    return _printable(identity.principal_name)[:200]


def _printable(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())

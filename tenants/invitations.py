"""Invite somebody to look after their customer's portal, and let them in once they have shown the link and signed in.

The link alone logs nobody in and is never matched by e-mail: whoever holds it signs in or makes their account, and the verb
then makes that account a member. It is signed, dies when it is used, withdrawn or replaced by a newer one, and expires.
"""

from __future__ import annotations

import hmac
import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from tenants import post
from tenants.models import INVITED_FOR, Invitation, Membership, OutgoingMail, Tenant, audit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Kind = OutgoingMail.Kind
_signer = signing.Signer(sep=".", salt="tenants.invitations")


class DeadInvitation(Exception):
    """`reason` is expired, used, replaced or unknown; `str()` may be shown to whoever holds the link."""

    def __init__(self, reason: str, invitation: Invitation | None = None) -> None:
        super().__init__(_sentences()[reason])
        self.reason = reason
        self.invitation = invitation


def _sentences() -> dict[str, str]:
    return {
        "expired": _("This invitation has expired. Whoever sent it can send another."),
        "used": _("This invitation was already used. Sign in with the account it was accepted with."),
        "replaced": _("A newer invitation was sent since. Use the link in the last e-mail."),
        "unknown": _("This is no invitation. Copy the whole link from the e-mail."),
    }


@transaction.atomic
def invite(*, tenant: Tenant, email: str, by: User | str, language: str = "") -> Invitation:
    """A new invitation, or the open one once more with a new link. Raises ValidationError, TooSoon."""
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    email = email.strip()
    if Membership.objects.filter(tenant=tenant, user__email__iexact=email, user__is_active=True).exists():
        raise ValidationError({"email": _("Somebody with this e-mail looks after this customer already.")})
    waiting = Invitation.objects.filter(tenant=tenant, email__iexact=email, accepted_at=None).first()
    return _renewed(waiting, by, language) if waiting else _invited(tenant, email, by, language)


def _invited(tenant: Tenant, email: str, by: User | str, language: str) -> Invitation:
    invitation = Invitation(
        tenant=tenant, email=email, language=language, invited_by=str(by), expires_at=timezone.now() + INVITED_FOR
    )
    invitation.full_clean()
    invitation.save()
    post.put_in(Kind.INVITATION, tenant=tenant, language=language or tenant.language, invitation=invitation)
    audit(tenant=tenant, by=by, act="invitation.sent", target=str(invitation.code))
    return invitation


def _renewed(invitation: Invitation, by: User | str, language: str) -> Invitation:
    last = OutgoingMail.objects.filter(invitation=invitation).order_by("-created_at", "-pk").first()
    invitation.language = language or invitation.language
    invitation.expires_at = timezone.now() + INVITED_FOR
    invitation.save(update_fields=["language", "expires_at"])
    if last:
        post.again(last, by=by)
    audit(tenant=invitation.tenant, by=by, act="invitation.renewed", target=str(invitation.code))
    return invitation


@transaction.atomic
def withdraw(invitation: Invitation, *, by: User | str) -> None:
    """Its link dies; an accepted one stays as it is."""
    now = timezone.now()
    if Invitation.objects.filter(pk=invitation.pk).open().update(expires_at=now):
        audit(tenant=invitation.tenant, by=by, act="invitation.withdrawn", target=str(invitation.code))
    invitation.refresh_from_db()


def link(invitation: Invitation) -> str:
    """Made when the e-mail is sent."""
    token = _signer.sign(f"{invitation.code.hex}.{_state(invitation)}")
    return f"{settings.PORTAL_URL}/invitation/{token}/"


def shown(token: str) -> Invitation:
    """The invitation behind a link, for the page that asks to sign in first. Raises DeadInvitation."""
    return _opened(token, lock=False)


@transaction.atomic
def accept(token: str, *, user: User) -> Membership:
    """`user` is signed in and becomes a member; of two who are at it, the first. Raises DeadInvitation.

    Once more by the same user, as by a double click or a second tab, changes nothing.
    """
    try:
        invitation = _opened(token, lock=True)
    except DeadInvitation as dead:
        if again := _accepted_before(dead.invitation, user):
            return again
        raise
    invitation.accepted_at, invitation.accepted_by = timezone.now(), user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    membership, _made = Membership.objects.get_or_create(user=user, tenant=invitation.tenant)
    audit(tenant=invitation.tenant, by=user, act="invitation.accepted", target=str(invitation.code))
    return membership


def _accepted_before(invitation: Invitation | None, user: User) -> Membership | None:
    if invitation is None or invitation.accepted_by_id != user.pk:
        return None
    return Membership.objects.filter(user=user, tenant=invitation.tenant_id).first()


@transaction.atomic
def account_for(token: str, *, name: str) -> User:
    """The account with the invited address; a new one, named so, if nobody has it. Opens nothing before its owner proves
    the address by a mailed code. Raises DeadInvitation.
    """
    invitation = _opened(token, lock=True)
    email = invitation.email.lower()
    users = get_user_model()._default_manager
    user = users.filter(email__iexact=email).order_by("pk").first()
    if user is None:
        taken = len(email) > 150 or users.filter(username=email).exists()
        user = users.create_user(f"{email[:100]} {invitation.code.hex}" if taken else email, email)
        rename(user, name)
        audit(tenant=invitation.tenant, by=user, act="account.made", target=str(invitation.code))
    return user


def rename(user: User, name: str) -> None:
    """In one field, as people say it; the last word is the surname."""
    first, _space, last = " ".join(name.split()).rpartition(" ")
    user.first_name, user.last_name = first[:150], last[:150]
    user.save(update_fields=["first_name", "last_name"])


def _opened(token: str, *, lock: bool) -> Invitation:
    try:
        code, _sep, state = _signer.unsign(token).partition(".")
    except signing.BadSignature:
        raise DeadInvitation("unknown") from None
    rows = Invitation.objects.select_for_update() if lock else Invitation.objects.select_related("tenant")
    invitation = rows.filter(code=uuid.UUID(code)).first()
    if invitation is None:
        raise DeadInvitation("unknown")
    if invitation.accepted_at:
        raise DeadInvitation("used", invitation)
    if not invitation.is_open:
        raise DeadInvitation("expired")
    if not hmac.compare_digest(state, _state(invitation)):
        raise DeadInvitation("replaced")
    return invitation


def _state(invitation: Invitation) -> str:
    parts = (invitation.email, invitation.expires_at.timestamp(), invitation.accepted_at)
    return salted_hmac(
        "tenants.invitations.state", repr([str(part) for part in parts]), algorithm="sha256"
    ).hexdigest()[:20]

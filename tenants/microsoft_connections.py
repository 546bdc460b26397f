"""A customer's admin connects their own Microsoft account for set-up, keeps it for nightly checks, or lets it go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from tenants import sign_in
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client, Me
from tenants.entra import Identity, NotTrusted
from tenants.fields import seal
from tenants.models import Instance, MicrosoftConnection, audit
from tenants.registration import SIGNED_OUT

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ROLES_SECONDS = 5.0


def connect(instance: Instance, *, user: User, identity: Identity, keep: bool = False) -> MicrosoftConnection:
    """Store what a sign-in (entra.begin, entra.redeem) brought; a customizer's proves the instance as well.

    Raises NotTrusted, DataverseError. `user` is signed in to the portal and belongs to the instance's customer.
    """
    me = sign_in.vouch(instance, identity)
    client = Client(origin=instance.url, token=lambda force: identity.access_token)
    may_customize = sign_in.is_customizer(client, me, Budget(ROLES_SECONDS))
    return _store(instance, user, identity, me, may_customize=may_customize, keep=keep)


@transaction.atomic
def _store(
    instance: Instance, user: User, identity: Identity, me: Me, *, may_customize: bool, keep: bool
) -> MicrosoftConnection:
    row = Instance.objects.select_for_update().get(pk=instance.pk)
    if not row.is_proven or (row.url, row.directory_id) != (instance.url, identity.directory_id):
        raise NotTrusted("attempt_expired", identity.principal_name)
    connection, _made = MicrosoftConnection.objects.get_or_create(
        instance=instance,
        user=user,
        defaults={
            "directory_id": identity.directory_id,
            "object_id": identity.object_id,
            "systemuser_id": me.user_id,
        },
    )
    MicrosoftConnection.objects.filter(pk=connection.pk).update(
        account=identity.principal_name,
        directory_id=identity.directory_id,
        object_id=identity.object_id,
        systemuser_id=me.user_id,
        may_customize=may_customize,
        kept=keep,
        connected_at=timezone.now(),
        last_used_at=timezone.now(),
        token_cache=seal(connection, "token_cache", identity.cache),
        token_version=F("token_version") + 1,
        token_expires_at=identity.expires_at,
        refresh_lease_until=None,
        sign_in_error="",
    )
    audit(tenant=row.tenant, by=user, act="microsoft.connected", target=row.url, after={"kept": keep})
    connection.refresh_from_db()
    return connection


@transaction.atomic
def keep(connection: MicrosoftConnection, *, by: User, kept: bool) -> None:
    """Keep it for nightly checks, or no longer."""
    if MicrosoftConnection.objects.filter(pk=connection.pk).exclude(kept=kept).update(kept=kept):
        act = "microsoft.kept" if kept else "microsoft.not_kept"
        audit(tenant=connection.instance.tenant, by=by, act=act, target=connection.instance.url)
    connection.kept = kept


@transaction.atomic
def disconnect(connection: MicrosoftConnection, *, by: User | str) -> None:
    """Erase the tokens; whoever is refreshing them right now restores nothing."""
    if MicrosoftConnection.objects.filter(pk=connection.pk).exclude(token_cache=b"").update(**SIGNED_OUT, kept=False):
        audit(tenant=connection.instance.tenant, by=by, act="microsoft.disconnected", target=connection.instance.url)
    connection.refresh_from_db()


def end_idle() -> int:
    """Erase the tokens of connections whose day is over; for the sweep."""
    return MicrosoftConnection.objects.ended().update(**SIGNED_OUT)


def of(instance: Instance, user: User) -> MicrosoftConnection | None:
    """What this admin connected last, live or ended (`ending` says why)."""
    return MicrosoftConnection.objects.filter(instance=instance, user=user).select_related("instance").first()


def own(instance: Instance, user: User) -> MicrosoftConnection | None:
    """This admin's own live connection: the only one that may show them values or change the CRM."""
    return MicrosoftConnection.objects.live().filter(instance=instance, user=user).select_related("instance").first()

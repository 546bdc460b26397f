"""Verbs about a customer's instance and whose it is: register, prove, confirm, move; and an agent's window on and off.

An instance is claimed until somebody proves it. Address and organization are unique over proven instances (database
constraints); moving an instance drops the proof and with it everything its agents had signed in to.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants import activation
from tenants.dataverse.transport import shared_session
from tenants.models import Agent, AuditEntry, Instance, MicrosoftConnection, SignInAttempt, SystemAccount, Tenant, audit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from tenants.dataverse.budget import Budget

Outcome = SignInAttempt.Outcome
PROBE = "/api/data/v9.2/WhoAmI"
PROBE_SECONDS = 5.0
GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
SIGNED_OUT: dict[str, Any] = {
    "token_cache": b"",
    "token_version": F("token_version") + 1,
    "token_expires_at": None,
    "refresh_lease_until": None,
    "sign_in_error": "",
}


SWITCHED = ("code", "tenant", "window", "language")
MOVED = (
    "url", "directory_id", "proven_at", "proven_by", "organization_id",
    "metadata", "metadata_read_at", "refuses_nested_parties", "consented_at",
)  # fmt: skip


class NotProven(Exception):
    """This does not show that the instance is the tenant's. `str()` may be shown to whoever tried. Acts: admin."""


class SecondClaim(NotProven):
    """Somebody else proved the same address or organization. Acts: us; the answer does not say who, nor that."""


class NotStaff(Exception):
    """Only IPEX's own people may do this."""


# Registering


@transaction.atomic
def register(
    *,
    slug: str,
    name: str,
    url: str,
    app_id: uuid.UUID,
    directory_id: uuid.UUID | None = None,
    by: User | str,
) -> Instance:
    """A new customer and the instance they claim. `url` is an origin that eligibility.judge accepted.

    Raises ValidationError.
    """
    tenant = Tenant(slug=slug, name=name)
    tenant.full_clean()
    tenant.save()
    instance = Instance(tenant=tenant, url=url, app_id=app_id, directory_id=directory_id)
    instance.full_clean()
    instance.save()
    after = {"slug": slug, "url": url, "app_id": str(app_id)}
    audit(tenant=tenant, by=by, act="tenant.registered", target=slug, after=after)
    return instance


def find_directory(origin: str, budget: Budget) -> uuid.UUID | None:
    """The Entra directory an instance names to somebody without a token; None when it cannot be reached or names none."""
    return probe(origin, budget).directory_id


@dataclass(frozen=True, slots=True)
class Probe:
    """What an instance says to somebody without a token. `status` is the HTTP status, None when nothing answered."""

    status: int | None
    directory_id: uuid.UUID | None


def probe(origin: str, budget: Budget) -> Probe:
    """Ask an instance without a token, which it answers with 401 and the name of its directory.

    Source: Microsoft, "Use OAuth authentication with Dataverse" (the 401 challenge). Never inside a transaction.
    """
    seconds = min(PROBE_SECONDS, budget.left())
    if seconds <= 0:
        return Probe(None, None)
    try:
        with shared_session().get(origin + PROBE, timeout=seconds, allow_redirects=False, stream=True) as answer:
            challenge = answer.headers.get("WWW-Authenticate", "") if answer.status_code == 401 else ""
            return Probe(answer.status_code, _directory_in(challenge))
    except requests.RequestException:
        return Probe(None, None)


def _directory_in(challenge: str) -> uuid.UUID | None:
    address = re.search(r'authorization_uri\s*=\s*"?([^\s",]+)', challenge, re.IGNORECASE)
    found = GUID.search(urlsplit(address[1]).path) if address else None
    return uuid.UUID(found[0]) if found else None


# Proving


def prove(instance: Instance, *, by: User | str, organization_id: uuid.UUID, directory_id: uuid.UUID) -> None:
    """Somebody who may customize this organization signed in to it: from now on it is the tenant's.

    Of an instance that an implementer confirmed, this notes the organization that the first sign-in, whoever's, meets.
    `instance` is the row as it was when they signed in. Raises SecondClaim, audited for the implementers, and NotProven
    when the instance was moved meanwhile.
    """
    act = "instance.organization_noted" if instance.is_proven else "instance.proven"
    values: dict[str, uuid.UUID | None] = {"organization_id": organization_id, "directory_id": directory_id}
    _mark_proven(instance, by=by, act=act, values=values)


def confirm(instance: Instance, *, by: User) -> None:
    """A named implementer vouches for it, also when another organization now stands at its address.

    Raises NotStaff, SecondClaim, NotProven.
    """
    if not (by.is_active and by.is_staff):
        raise NotStaff(_("Only an active member of IPEX's staff may confirm an instance."))
    _mark_proven(instance, by=by, act="instance.confirmed", values={"organization_id": None})


def _mark_proven(instance: Instance, *, by: User | str, act: str, values: dict[str, uuid.UUID | None]) -> None:
    try:
        with transaction.atomic():
            _store_proof(instance, by=by, act=act, values=values)
    except (IntegrityError, ValidationError) as error:
        audit(tenant=None, by=by, act="instance.second_claim", target=f"{instance.tenant.slug} {instance.url}")
        raise SecondClaim(
            _("This instance cannot be connected yet. IPEX will look into it and get in touch.")
        ) from error
    instance.refresh_from_db()


def _store_proof(instance: Instance, *, by: User | str, act: str, values: dict[str, uuid.UUID | None]) -> None:
    row = Instance.objects.select_for_update().get(pk=instance.pk)
    if (row.url, row.directory_id) != (instance.url, instance.directory_id):
        raise NotProven(_("The instance's address was changed meanwhile. Sign in again."))
    if row.is_proven and all(getattr(row, name) == value for name, value in values.items()):
        return
    before = _ownership(row)
    if act != "instance.organization_noted":
        row.proven_at, row.proven_by = timezone.now(), str(by)
    for name, value in values.items():
        setattr(row, name, value)
    row.validate_constraints()
    row.save(update_fields=["proven_at", "proven_by", *values])
    audit(tenant=row.tenant, by=by, act=act, target=row.url, before=before, after=_ownership(row))
    if not before["proven"]:
        activation.invite_waiting(row.tenant, by=by)


def _ownership(row: Instance) -> dict[str, Any]:
    known = {"url": row.url, "directory_id": row.directory_id, "organization_id": row.organization_id}
    return {name: value and str(value) for name, value in known.items()} | {"proven": row.is_proven}


# Moving


def with_directory(instance: Instance, *, by: User | str, budget: Budget) -> Instance:
    """The instance with its Entra directory, looked for when it is not known yet and kept when found.

    Raises NotProven when it cannot be found.
    """
    if instance.directory_id:
        return instance
    found = find_directory(instance.url, budget)
    if found is None:
        raise NotProven(NOT_VERIFIED)
    with transaction.atomic():
        row = Instance.objects.select_for_update().get(pk=instance.pk)
        if row.directory_id is None and row.url == instance.url:
            change_address(row, by=by, directory_id=found)
    return row


@transaction.atomic
def change_address(
    instance: Instance, *, by: User | str, url: str | None = None, directory_id: uuid.UUID | None = None
) -> bool:
    """Another address or directory: the proof and everybody's tokens are dropped, all windows close. False: no change.

    Absent values stay, except that a new address without a directory forgets the old one's. `instance` is the locked or
    only row being changed; it is saved.
    """
    moved = url is not None and url != instance.url
    wanted = directory_id or (None if moved else instance.directory_id)
    if not moved and wanted == instance.directory_id:
        return False
    before = _ownership(instance)
    if instance.directory_id is not None or moved:
        _drop_proof(instance, another_directory=wanted != instance.directory_id)
    instance.url, instance.directory_id = url or instance.url, wanted
    instance.save(update_fields=MOVED)
    audit(
        tenant=instance.tenant,
        by=by,
        act="instance.address_changed",
        target=instance.url,
        before=before,
        after=_ownership(instance),
    )
    return True


def _drop_proof(instance: Instance, *, another_directory: bool) -> None:
    instance.proven_at, instance.proven_by, instance.organization_id = None, "", None
    instance.metadata, instance.metadata_read_at, instance.refuses_nested_parties = {}, None, False
    forgotten: dict[str, Any] = {"systemuser_id": None}
    if another_directory:  # they are other accounts there
        forgotten |= {"directory_id": None, "object_id": None}
        instance.consented_at = None
    agents = Agent.objects.filter(tenant=instance.tenant)
    agents.update(**SIGNED_OUT, **forgotten, session_epoch=F("session_epoch") + 1)
    SystemAccount.objects.filter(instance=instance).update(**SIGNED_OUT)
    MicrosoftConnection.objects.filter(instance=instance).update(**SIGNED_OUT, kept=False)
    under_way = SignInAttempt.objects.filter(instance=instance, outcome__in=[Outcome.WAITING, Outcome.CODE])
    under_way.update(state_digest=None, flow=b"", outcome=Outcome.REFUSED, reason="attempt_expired")


# Agents


@transaction.atomic
def enable_window(agent: Agent, by: User | str) -> None:
    if Agent.objects.filter(pk=agent.pk, window=False).update(window=True):
        _audit_window(agent, by, enabled=True)
        activation.invite(agent)
    agent.window = True


@transaction.atomic
def disable_window(agent: Agent, by: User | str) -> None:
    """Closes all their windows and signs them out; who they are at Microsoft stays bound."""
    disabled = Agent.objects.filter(pk=agent.pk, window=True).update(
        window=False, session_epoch=F("session_epoch") + 1, **SIGNED_OUT
    )
    if disabled:
        _audit_window(agent, by, enabled=False)
    agent.refresh_from_db()


@transaction.atomic
def enable_windows(agents: Iterable[Agent], *, by: User | str) -> int:
    """The same for many agents, in a few queries. Answers how many windows were off before."""
    switched = _switch(agents, to=True, by=by)
    activation.invite_all(switched)
    return len(switched)


@transaction.atomic
def disable_windows(agents: Iterable[Agent], *, by: User | str) -> int:
    """The same for many agents, in a few queries. Answers how many windows were on before."""
    return len(_switch(agents, to=False, by=by))


def _switch(agents: Iterable[Agent], *, to: bool, by: User | str) -> list[Agent]:
    """Those whose window was the other way round."""
    closed: dict[str, Any] = {} if to else {"session_epoch": F("session_epoch") + 1, **SIGNED_OUT}
    switched: list[Agent] = []
    for some in batched((agent.pk for agent in agents), 500):
        rows = Agent.objects.select_for_update(no_key=True).prefetch_related("tenant").only(*SWITCHED)
        others = list(rows.filter(pk__in=some, window=not to))
        Agent.objects.filter(pk__in=[agent.pk for agent in others]).update(window=to, **closed)
        switched += others
    for agent in switched:
        agent.window = to
    entries = [AuditEntry(tenant=agent.tenant, actor=str(by), **_window_act(agent, enabled=to)) for agent in switched]
    AuditEntry.objects.bulk_create(entries, batch_size=500)
    return switched


def _audit_window(agent: Agent, by: User | str, *, enabled: bool) -> None:
    audit(tenant=agent.tenant, by=by, **_window_act(agent, enabled=enabled))


def _window_act(agent: Agent, *, enabled: bool) -> dict[str, Any]:
    return {
        "act": "agent.window_enabled" if enabled else "agent.window_disabled",
        "target": f"agent {agent.code}",
        "before": {"window": not enabled},
        "after": {"window": enabled},
    }


NOT_VERIFIED = gettext_lazy(
    "The Entra directory is not verified: the instance could not be reached. The next import looks for it again."
)

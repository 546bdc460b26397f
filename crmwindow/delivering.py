"""What every delivery of one of our rows into Dataverse shares: leases, the create that cannot double, verdicts, pauses.

The rows are notes, follow-up tasks and what the system account writes. Each has `next_try_at`, `lease_until` and `tries`, and a
`code` that is also its GUID in Dataverse.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from tenants.dataverse import errors
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.metadata import Table
from tenants.models import Agent, Instance

SECONDS = 15.0
LEASE = timedelta(seconds=60)
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 600.0


class LostLease(Exception):
    """We took so long that somebody else has taken over."""


def is_free(now: datetime) -> Q:
    """Nobody is at it, or whoever was has died."""
    return Q(lease_until=None) | Q(lease_until__lt=now)


# ── once ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def create_once(
    client: Client,
    *,
    instance: Instance,
    table: Table,
    record_id: UUID,
    body: dict[str, Any],
    parties: str,
    budget: Budget,
) -> None:
    """`PATCH` with `If-None-Match: *`; where nested `parties` are refused there, `POST` with our own key."""
    key = {table.id_column: str(record_id)}
    if instance.refuses_nested_parties and parties in body:
        client.create(table.entity_set, body | key, budget=budget)
        return
    try:
        client.create(table.entity_set, body, record_id=str(record_id), budget=budget)
    except (errors.Refused, errors.UnknownName) as error:
        if parties not in body or error.status != 400:
            raise
        client.create(table.entity_set, body | key, budget=budget)
        instance.refuses_nested_parties = True
        Instance.objects.filter(pk=instance.pk).update(refuses_nested_parties=True)


def create_and_read(
    create: Callable[[], object], read: Callable[[], dict[str, Any]]
) -> tuple[dict[str, Any], errors.DataverseError | None]:
    """The record as it was read back, and the error that hid whether it was this request that made it.

    Raises what `create` raised when the record is not there.
    """
    lost: errors.DataverseError | None = None
    try:
        create()
    except (errors.AlreadyExists, errors.Unavailable) as error:
        if isinstance(error, errors.Unavailable) and not error.may_have_applied:
            raise
        lost = error
    try:
        return read(), lost
    except errors.NotFound:
        raise lost or errors.Unavailable("The record is not there although Dataverse took it.") from None


# ── when it did not work ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Verdict:
    """`problem` is a short word; `final`: trying the same again would not help, somebody has to act first."""

    problem: str
    final: bool = False


VERDICTS: tuple[tuple[type[errors.DataverseError], Verdict], ...] = (
    (errors.SignInRequired, Verdict("sign_in")),
    (errors.Throttled, Verdict("throttled")),
    (errors.Unavailable, Verdict("unavailable")),
    (errors.NotAMember, Verdict("not_a_member", final=True)),
    (errors.MissingPrivilege, Verdict("missing_privilege", final=True)),
    (errors.TooLong, Verdict("too_long", final=True)),
    (errors.NotFound, Verdict("gone", final=True)),
    (errors.Refused, Verdict("refused", final=True)),
    (errors.UnknownName, Verdict("drift")),
)


def verdict_of(error: errors.DataverseError) -> Verdict:
    return next((verdict for kind, verdict in VERDICTS if isinstance(error, kind)), Verdict("error"))


def pause(error: errors.DataverseError, tries: int) -> timedelta:
    """Microsoft's Retry-After, else growing from 5 s to 10 min; a missing sign-in is waited for at that pace."""
    if isinstance(error, errors.SignInRequired):
        return timedelta(seconds=LONGEST_PAUSE)
    growing = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tries, 10))
    seconds = error.retry_after if error.retry_after is not None else growing
    return timedelta(seconds=max(seconds, 1.0) + random.random() * seconds / 4)  # noqa: S311 - jitter, no secret


def signed_in_meanwhile(author: Agent) -> bool:
    """Since this row of theirs was read. Whoever was told found the delivery under way, which then failed for want of it."""
    return Agent.objects.filter(pk=author.pk).exclude(signed_in_at=author.signed_in_at).exists()

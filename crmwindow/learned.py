"""Whom agents chose for a number. Their admin may know how many numbers there are, and have all forgotten."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from crmwindow.blind import blind, blinds
from crmwindow.models import LearnedMatch, Leg
from tenants.models import Tenant
from tenants.prepared import Prepared


def recall(leg: Leg) -> tuple[str, str] | None:
    """(table, record id) that this agent chose for the call's number, to be remembered."""
    numbers = blinds(leg.call.tenant, leg.call.number)
    known = _CHOSEN.first(agent=leg.agent, numbers=numbers)
    return (known.table, str(known.record_id)) if known else None


_CHOSEN = Prepared(
    lambda agent, numbers: LearnedMatch.objects.filter(agent=agent, number_blind__in=numbers).order_by("pk")[:1]
)


def remember(leg: Leg, *, table: str, record_id: UUID) -> None:
    """Inside a transaction; the last choice counts."""
    number, tenant = leg.call.number, leg.call.tenant
    choice: dict[str, Any] = {"table": table, "record_id": record_id, "chosen_at": timezone.now()}
    if not _of(leg).update(**choice):
        row = LearnedMatch(tenant=tenant, agent=leg.agent, number=number, number_blind=blind(tenant, number), **choice)
        LearnedMatch.objects.bulk_create([row], ignore_conflicts=True)


def revoke(leg: Leg) -> None:
    """This agent's choice for this number counts no longer; the order is as if there had been none."""
    _of(leg).delete()


def _of(leg: Leg) -> QuerySet[LearnedMatch]:
    return LearnedMatch.objects.filter(agent=leg.agent, number_blind__in=blinds(leg.call.tenant, leg.call.number))


def count(tenant: Tenant) -> int:
    return LearnedMatch.objects.filter(tenant=tenant).values("number_blind").distinct().count()


def forget(tenant: Tenant) -> int:
    """Of all agents; answers how many choices that were."""
    return LearnedMatch.objects.filter(tenant=tenant).delete()[0]

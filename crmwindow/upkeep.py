"""Remove what has served its time. What was not written to the CRM yet is never removed here silently."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from crmwindow import unwritten, writing
from crmwindow.ivr import attempts
from crmwindow.models import (
    Asked,
    Call,
    CallCandidates,
    CrmWrite,
    IvrStep,
    LearnedMatch,
    Lookup,
    Opening,
    Outbox,
    WindowSession,
    WindowTicket,
)
from crmwindow.personal_data import by_agent
from crmwindow.sessions import TICKETS_KEPT
from crmwindow.timings import TRACES_KEPT
from tenants.models import AuditEntry, PortalAttempt, SignInAttempt, Tenant, audit

LOOKUPS_KEPT = timedelta(hours=12)
OUTBOX_KEPT = timedelta(hours=1)
CHOICES_KEPT = timedelta(days=365)
"""And longer while the number still calls."""


def tidy() -> None:
    now = timezone.now()
    WindowTicket.objects.filter(created_at__lt=now - TICKETS_KEPT).delete()
    WindowSession.objects.filter(expires_at__lt=now).delete()
    SignInAttempt.objects.filter(expires_at__lt=now - timedelta(days=1)).delete()
    PortalAttempt.objects.filter(expires_at__lt=now - timedelta(days=1)).delete()
    Opening.objects.filter(expires_at__lt=now - timedelta(hours=1)).delete()
    Outbox.objects.filter(at__lt=now - OUTBOX_KEPT).delete()
    Lookup.objects.filter(finished_at__lt=now - LOOKUPS_KEPT).delete()
    CallCandidates.objects.filter(found_at__lt=now - LOOKUPS_KEPT).exclude(records=[]).update(records=[])
    Asked.objects.filter(at__lt=now - TRACES_KEPT).delete()
    Session.objects.filter(expire_date__lt=now).delete()
    attempts.tidy()
    for tenant in Tenant.objects.only("pk", "retention_days"):
        _give_up_missed_calls(tenant)
        _expired_calls(tenant).delete()
        _expired_writes(tenant).delete()
        before = now - timedelta(days=tenant.retention_days)
        IvrStep.objects.filter(tenant=tenant, at__lt=before).delete()
        AuditEntry.objects.filter(tenant=tenant, act="window.ticket", at__lt=before).delete()  # who worked when
    _unused_choices().delete()
    by_agent.tidy()


def _expired_calls(tenant: Tenant) -> QuerySet[Call]:
    """Calls past the tenant's retention of which all is in the CRM; the others stay until somebody deals with them."""
    before = timezone.now() - timedelta(days=tenant.retention_days)
    waiting = (unwritten.notes(), unwritten.tasks(), unwritten.writes())
    kept = [~Exists(rows.filter(call=OuterRef("pk"))) for rows in waiting]
    return Call.objects.filter(*kept, tenant=tenant, started_at__lt=before)


def _unused_choices() -> QuerySet[LearnedMatch]:
    calls = Call.objects.filter(tenant=OuterRef("tenant"), number_blind=OuterRef("number_blind"))
    return LearnedMatch.objects.filter(~Exists(calls), chosen_at__lt=timezone.now() - CHOICES_KEPT)


def _expired_writes(tenant: Tenant) -> QuerySet[CrmWrite]:
    """Those that are in the CRM, were not wanted after all, or were given up."""
    before = timezone.now() - timedelta(days=tenant.retention_days)
    done = [CrmWrite.State.WRITTEN, CrmWrite.State.WITHDRAWN, CrmWrite.State.GIVEN_UP]
    return CrmWrite.objects.filter(tenant=tenant, state__in=done, queued_at__lt=before)


@transaction.atomic
def _give_up_missed_calls(tenant: Tenant) -> None:
    """Without a system account missed calls were only listed; at the end of the retention that is noted, and they go."""
    before = timezone.now() - timedelta(days=tenant.retention_days)
    waiting = writing.unwritten(tenant).filter(kind=CrmWrite.Kind.MISSED_CALL, state=CrmWrite.State.NO_ACCOUNT)
    given_up = waiting.filter(queued_at__lt=before).update(state=CrmWrite.State.WITHDRAWN, next_try_at=None)
    if given_up:
        audit(tenant=tenant, by="upkeep", act="missed_calls.given_up", target=tenant.slug, after={"calls": given_up})

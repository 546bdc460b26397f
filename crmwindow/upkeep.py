"""Remove what has served its time. What was not written to the CRM yet is never removed here silently."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from crmwindow import writing
from crmwindow.ivr import attempts
from crmwindow.models import (
    Asked,
    Call,
    CallCandidates,
    CrmWrite,
    FollowUp,
    IvrStep,
    Lookup,
    Note,
    Opening,
    Outbox,
    WindowSession,
    WindowTicket,
)
from crmwindow.sessions import TICKETS_KEPT
from crmwindow.timings import TRACES_KEPT
from tenants.models import PortalAttempt, SignInAttempt, Tenant, audit

LOOKUPS_KEPT = timedelta(hours=12)
OUTBOX_KEPT = timedelta(hours=1)


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
    attempts.tidy()
    for tenant in Tenant.objects.only("pk", "retention_days"):
        _give_up_missed_calls(tenant)
        _expired_calls(tenant).delete()
        _expired_writes(tenant).delete()
        IvrStep.objects.filter(tenant=tenant, at__lt=now - timedelta(days=tenant.retention_days)).delete()


def _expired_calls(tenant: Tenant) -> QuerySet[Call]:
    """Calls past the tenant's retention of which all is in the CRM; the others stay until somebody deals with them."""
    unwritten = (
        Note.objects.filter(call=OuterRef("pk"))
        .exclude(state=Note.State.WRITTEN)
        .exclude(state=Note.State.DRAFT, revision=0)
    )
    planned = FollowUp.objects.filter(call=OuterRef("pk")).exclude(state=FollowUp.State.WRITTEN)
    pending = Note.objects.filter(call=OuterRef("pk"), written_revision__lt=F("revision"))
    before = timezone.now() - timedelta(days=tenant.retention_days)
    writes = CrmWrite.objects.filter(call=OuterRef("pk"), state__in=writing.UNWRITTEN)
    kept = ~Exists(unwritten) & ~Exists(pending) & ~Exists(planned) & ~Exists(writes)
    return Call.objects.filter(kept, tenant=tenant, started_at__lt=before)


def _expired_writes(tenant: Tenant) -> QuerySet[CrmWrite]:
    """Those that are in the CRM, or were not wanted after all."""
    before = timezone.now() - timedelta(days=tenant.retention_days)
    done = [CrmWrite.State.WRITTEN, CrmWrite.State.WITHDRAWN]
    return CrmWrite.objects.filter(tenant=tenant, state__in=done, queued_at__lt=before)


@transaction.atomic
def _give_up_missed_calls(tenant: Tenant) -> None:
    """Without a system account missed calls were only listed; at the end of the retention that is noted, and they go."""
    before = timezone.now() - timedelta(days=tenant.retention_days)
    waiting = writing.unwritten(tenant).filter(kind=CrmWrite.Kind.MISSED_CALL, state=CrmWrite.State.NO_ACCOUNT)
    given_up = waiting.filter(queued_at__lt=before).update(state=CrmWrite.State.WITHDRAWN, next_try_at=None)
    if given_up:
        audit(tenant=tenant, by="upkeep", act="missed_calls.given_up", target=tenant.slug, after={"calls": given_up})

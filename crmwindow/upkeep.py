"""Remove what has served its time. Notes that were not written yet are never removed here."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from crmwindow.models import Call, Lookup, Note, Opening, Outbox, WindowSession, WindowTicket
from crmwindow.sessions import TICKETS_KEPT
from tenants.models import PortalAttempt, SignInAttempt, Tenant

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
    for tenant in Tenant.objects.only("pk", "retention_days"):
        _expired_calls(tenant).delete()


def _expired_calls(tenant: Tenant) -> QuerySet[Call]:
    """Calls past the tenant's retention whose notes are all in the CRM; the others stay until somebody deals with them."""
    unwritten = (
        Note.objects.filter(call=OuterRef("pk"))
        .exclude(state=Note.State.WRITTEN)
        .exclude(state=Note.State.DRAFT, revision=0)
    )
    pending = Note.objects.filter(call=OuterRef("pk"), written_revision__lt=F("revision"))
    before = timezone.now() - timedelta(days=tenant.retention_days)
    return Call.objects.filter(~Exists(unwritten), ~Exists(pending), tenant=tenant, started_at__lt=before)

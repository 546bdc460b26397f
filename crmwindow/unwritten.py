"""What is here only, because it is not in the customer's CRM yet. Nobody removes it without saying so."""

from __future__ import annotations

from django.db.models import F, Q, QuerySet

from crmwindow.models import CrmWrite, FollowUp, Note
from crmwindow.writing import UNWRITTEN


def notes() -> QuerySet[Note]:
    """But for those in which nobody wrote anything."""
    written = Q(state=Note.State.WRITTEN, written_revision__gte=F("revision"))
    empty = Q(revision=0) | Q(text=b"", outcome="")
    return Note.objects.exclude(written | (Q(state=Note.State.DRAFT, written_revision=0) & empty))


def tasks() -> QuerySet[FollowUp]:
    return FollowUp.objects.exclude(state=FollowUp.State.WRITTEN)


def writes() -> QuerySet[CrmWrite]:
    return CrmWrite.objects.filter(state__in=UNWRITTEN)

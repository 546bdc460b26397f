"""How a customer's window has been doing: how soon cards are there, who was found, what became of notes, and what it needs.

Read in a fixed number of queries. Nothing of it is a promise: every figure is counted from the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Q
from django.utils import timezone

from crmwindow import card_times, index
from crmwindow.card_times import Times
from crmwindow.index.standing import Standing
from crmwindow.models import Call, Lookup, Note
from tenants import progress
from tenants.models import CheckRun, Tenant
from tenants.progress import Progress

DAY, WEEK, HOUR = timedelta(days=1), timedelta(days=7), timedelta(hours=1)
TROUBLED = ("unavailable", "throttled", "sign_in", "not_a_member")


@dataclass(frozen=True, slots=True)
class Notes:
    """`written` of the last seven days; the others as they are now.

    `lost` were written by an agent, are not in the CRM as they were written, and nothing would ever write them.
    """

    written: int
    waiting: int
    refused: int
    lost: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Callers:
    """Of the last seven days: calls whose number was looked up, and those whose caller was in the CRM."""

    looked_up: int
    known: int

    @property
    def rate(self) -> float | None:
        """Per cent."""
        return 100 * self.known / self.looked_up if self.looked_up else None


@dataclass(frozen=True, slots=True)
class Microsoft:
    """Of the last hour's look-ups: how many there were, and at how many Microsoft did not answer or refused the agent."""

    asked: int
    unanswered: int
    refused: int


@dataclass(frozen=True, slots=True)
class Nightly:
    at: datetime
    failed: int
    warned: int


@dataclass(frozen=True, slots=True)
class Operating:
    day: Times
    week: Times
    callers: Callers
    notes: Notes
    microsoft: Microsoft
    index: Standing | None
    nightly: Nightly | None
    progress: Progress


def of(tenant: Tenant) -> Operating:
    now, instance = timezone.now(), getattr(tenant, "instance", None)
    return Operating(
        day=card_times.of([tenant.pk], since=now - DAY).get(tenant.pk, Times()),
        week=card_times.of([tenant.pk], since=now - WEEK).get(tenant.pk, Times()),
        callers=_callers(tenant, now),
        notes=_notes(tenant, now),
        microsoft=_microsoft(tenant, now),
        index=index.standing(instance) if instance else None,
        nightly=_nightly(tenant),
        progress=progress.of_one(tenant),
    )


def _callers(tenant: Tenant, now: datetime) -> Callers:
    calls = Call.objects.filter(tenant=tenant, started_at__gte=now - WEEK)
    looked_up, known = Q(known__isnull=False), Q(known=True)
    return Callers(**calls.aggregate(looked_up=Count("pk", filter=looked_up), known=Count("pk", filter=known)))


def _notes(tenant: Tenant, now: datetime) -> Notes:
    state, queued = Note.State, Q(state=Note.State.QUEUED)
    stale = Q(state=state.WRITTEN, written_revision__lt=F("revision"), next_try_at=None, lease_until=None)
    emptied = Q(state__in=[state.QUEUED, state.REFUSED], written_revision__lt=F("revision"), text=b"", outcome="")
    gone = emptied & Q(erased_at__isnull=False)
    notes = Note.objects.filter(author__tenant=tenant)
    counted = notes.aggregate(
        written=Count("pk", filter=Q(written_at__gte=now - WEEK, state=state.WRITTEN)),
        waiting=Count("pk", filter=queued),
        refused=Count("pk", filter=Q(state=state.REFUSED)),
        lost=Count("pk", filter=stale | gone),
    )
    oldest = notes.filter(queued).order_by("queued_at").values_list("queued_at", flat=True).first()
    return Notes(**counted, oldest=oldest)


def _microsoft(tenant: Tenant, now: datetime) -> Microsoft:
    rows = Lookup.objects.filter(leg__agent__tenant=tenant, finished_at__gte=now - HOUR)
    return Microsoft(
        **rows.aggregate(
            asked=Count("pk"),
            unanswered=Count("pk", filter=Q(problem__in=("unavailable", "throttled"))),
            refused=Count("pk", filter=Q(problem__in=("sign_in", "not_a_member"))),
        )
    )


def _nightly(tenant: Tenant) -> Nightly | None:
    runs = CheckRun.objects.filter(instance__tenant=tenant, by="nightly", finished_at__isnull=False)
    run = runs.annotate(
        failed=Count("results", filter=Q(results__state="failed")),
        warned=Count("results", filter=Q(results__state="warning")),
    ).first()
    return Nightly(run.finished_at, run.failed, run.warned) if run and run.finished_at else None

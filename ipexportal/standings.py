"""How every customer stands today, the most urgent first: their progress, and what the window knows of calls and notes.

Read in a fixed number of queries for any number of customers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crmwindow import card_times
from crmwindow.card_times import Times
from crmwindow.models import Call, CrmWrite, Note
from tenants import progress
from tenants.models import Tenant
from tenants.progress import SECRET_NOW, SECRET_SOON, Blocker, Progress, Stage

COUNTED_FOR = timedelta(days=7)
LATE = timedelta(minutes=10)
"""A note that waits longer than this is worth somebody's look."""
HEAVY = (
    "instance__metadata",
    "instance__system_account__token_cache",
    "instance__system_account__client_secret",
    "instance__system_account__second_client_secret",
)


@dataclass(frozen=True, slots=True)
class Calls:
    """Of the last seven days: how many were looked up, and of these, whose caller was in the CRM."""

    today: int = 0
    looked_up: int = 0
    known: int = 0

    @property
    def share(self) -> float | None:
        """In per cent; None while nothing was looked up."""
        return 100 * self.known / self.looked_up if self.looked_up else None


@dataclass(frozen=True, slots=True)
class Notes:
    """Not in the CRM: `waiting` are tried again by themselves, `refused` need their agent. `problem` is a word of notes.

    `writes_*` are missed calls and what the IVR writes; what only waits for a system account is not counted.
    """

    waiting: int = 0
    refused: int = 0
    since: datetime | None = None
    next_try_at: datetime | None = None
    problem: str = ""
    writes_waiting: int = 0
    writes_refused: int = 0

    @property
    def all_waiting(self) -> int:
        return self.waiting + self.writes_waiting

    @property
    def all_refused(self) -> int:
        return self.refused + self.writes_refused

    @property
    def are_late(self) -> bool:
        return self.since is not None and self.since < timezone.now() - LATE

    @property
    def blocker(self) -> Blocker | None:
        if self.refused:
            cause = ngettext("%(n)d note was not written", "%(n)d notes were not written", self.refused)
            return Blocker(cause % {"n": self.refused}, "agents", self.since)
        if self.writes_refused:
            cause = ngettext(
                "%(n)d row was refused by the CRM", "%(n)d rows were refused by the CRM", self.writes_refused
            )
            return Blocker(cause % {"n": self.writes_refused}, "customer", None)
        if not self.are_late:
            return None
        if self.problem == "sign_in":
            return Blocker(_("Notes wait for their agents to sign in"), "agents", self.since)
        if self.problem == "drift":
            return Blocker(_("The CRM's tables have changed"), "customer", self.since)
        throttled = self.problem == "throttled"
        cause = _("Microsoft asks us to wait") if throttled else _("Microsoft is not responding")
        return Blocker(cause, "microsoft", self.since)


@dataclass(frozen=True, slots=True)
class Standing:
    """One customer's row."""

    tenant: Tenant
    progress: Progress
    calls: Calls = field(default=Calls())
    notes: Notes = field(default=Notes())
    ring: Times = field(default=Times())
    hours: tuple[int, ...] = ()
    """p95 from ringing to the card, hour by hour."""

    @property
    def spark(self) -> str:
        """A polyline's points in a box of 56 by 16; "" while there is no line to draw."""
        if len(self.hours) < 2:
            return ""
        lowest, highest = min(self.hours), max(self.hours)
        steps, height = len(self.hours) - 1, max(1, highest - lowest)
        return " ".join(
            f"{1 + 54 * at / steps:.1f},{14 - 12 * (ms - lowest) / height:.1f}" for at, ms in enumerate(self.hours)
        )

    @property
    def blocker(self) -> Blocker:
        """Whatever keeps the customer from working; else what keeps their notes."""
        found = self.progress.blocker
        return (self.notes.blocker or found) if found.who == "nobody" else found

    @property
    def cause(self) -> str:
        failed = self.progress.failed_check
        if failed and self.blocker.cause == failed.said.title:
            return _("Failed: %(check)s") % {"check": failed.said.title}
        return self.blocker.cause

    @property
    def word(self) -> str:
        """The phase, unless the stage says more."""
        stage, phase = self.progress.stage, self.progress.phase
        says_more = stage == Stage.TROUBLE or (stage == Stage.READY and phase == 3)
        return self.progress.stage_word if says_more else self.progress.phase_word

    @property
    def segments(self) -> list[str]:
        """Of the five: done, now, bad, or nothing yet."""
        phase, last = self.progress.phase, "bad" if self.progress.stage == Stage.TROUBLE else "now"
        if phase == 5:
            return ["live"] * 4 + ["bad" if last == "bad" else "live"]
        return ["done"] * (phase - 1) + [last] + [""] * (5 - phase)

    @property
    def host(self) -> str:
        instance = self.progress.facts.instance
        return instance.url.partition("//")[2] if instance else ""

    @property
    def wanted(self) -> int:
        """Of how many agents the window is to be used."""
        return self.progress.agents.enabled or self.progress.agents.listed

    @property
    def failed_checks(self) -> int:
        return sum(row.result.state == "failed" for row in self.progress.facts.bad)

    @property
    def expiry_tone(self) -> str:
        days = self.progress.secret_days
        return "" if days is None or days > SECRET_SOON else "bad" if days <= SECRET_NOW else "warn"

    @property
    def nobody_signed_in(self) -> bool:
        return self.progress.agents.enabled > 0 and self.progress.agents.signed_in == 0

    @property
    def urgency(self) -> tuple[int, int, datetime, str]:
        """Smallest first: broken, about to break, notes held up, our turn, others' turn (the furthest first), nobody's."""
        signs = (
            self.progress.stage == Stage.TROUBLE,
            self.expiry_tone == "bad",
            bool(self.notes.all_refused or self.notes.are_late),
            self.blocker.who == "ipex",
            self.blocker.who != "nobody",
            self.expiry_tone == "warn",
        )
        rank = signs.index(True) if True in signs else len(signs)
        return rank, -self.progress.phase, self.blocker.since or timezone.now(), self.tenant.name.casefold()


def of(tenants: Any) -> list[Standing]:
    """Of these customers (a query), the most urgent first."""
    rows = list(tenants.select_related("instance__system_account").defer(*HEAVY))
    keys = [tenant.pk for tenant in rows]
    found, calls, notes = progress.of(rows), _calls(keys), _notes(keys)
    standings = [
        Standing(tenant, found[tenant.pk], calls.get(tenant.pk, Calls()), notes.get(tenant.pk, Notes()))
        for tenant in rows
    ]
    return sorted(standings, key=lambda standing: standing.urgency)


def timed(standings: Iterable[Standing]) -> list[Standing]:
    """With how soon their cards are there, the last day and hour by hour of its half."""
    rows, now = list(standings), timezone.now()
    keys = [standing.tenant.pk for standing in rows]
    times = card_times.of(keys, since=now - timedelta(days=1))
    hours = card_times.by_hour(keys, since=now - timedelta(hours=12))
    return [
        replace(each, ring=times.get(each.tenant.pk, Times()), hours=tuple(hours.get(each.tenant.pk, ())))
        for each in rows
    ]


def _calls(keys: Iterable[int]) -> dict[int, Calls]:
    now = timezone.now()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = Call.objects.filter(tenant__in=keys, started_at__gte=now - COUNTED_FOR).order_by().values("tenant_id")
    counted = rows.annotate(
        today=Count("pk", filter=Q(started_at__gte=midnight, merged_into=None)),
        looked_up=Count("pk", filter=Q(known__isnull=False)),
        found=Count("pk", filter=Q(known=True)),
    )
    return {row["tenant_id"]: Calls(row["today"], row["looked_up"], row["found"]) for row in counted}


def _notes(keys: Iterable[int]) -> dict[int, Notes]:
    queued, refused = Q(state=Note.State.QUEUED), Q(state=Note.State.REFUSED)
    unwritten = Note.objects.filter(state__in=[Note.State.QUEUED, Note.State.REFUSED], author__tenant__in=keys)
    rows = unwritten.order_by().values("author__tenant_id")
    counted = rows.annotate(
        waiting=Count("pk", filter=queued),
        refused=Count("pk", filter=refused),
        since=Min("queued_at", filter=queued),
        next_try_at=Min("next_try_at", filter=queued),
        problem=Max("problem", filter=queued),
    )
    found = {
        row.pop("author__tenant_id"): row | {"problem": row["problem"] or ""} for row in map(dict[str, Any], counted)
    }
    for tenant, writes in _writes(keys).items():
        found.setdefault(tenant, {}).update(writes)
    return {tenant: Notes(**values) for tenant, values in found.items()}


def _writes(keys: Iterable[int]) -> dict[int, dict[str, int]]:
    queued, refused = Q(state=CrmWrite.State.QUEUED), Q(state=CrmWrite.State.REFUSED)
    rows = CrmWrite.objects.filter(queued | refused, tenant__in=keys).order_by().values("tenant_id")
    counted = rows.annotate(writes_waiting=Count("pk", filter=queued), writes_refused=Count("pk", filter=refused))
    return {row.pop("tenant_id"): row for row in map(dict[str, Any], counted)}

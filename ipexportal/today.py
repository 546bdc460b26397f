"""What to do today: for the customers who need it most one sentence each, and one act that leads to the right page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ipexportal.standings import Standing
from tenants.models import OutgoingMail, Tenant
from tenants.progress import Stage

if TYPE_CHECKING:
    from datetime import datetime

MOST = 5


@dataclass(frozen=True, slots=True)
class Task:
    """`aside` is what was done already; `tone` is bad, warn or accent (our turn)."""

    tenant: Tenant
    icon: str
    tone: str
    sentence: str
    act: str
    address: str
    aside: str = ""


Make = Callable[[Standing, int], Task]


def tasks(standings: Iterable[Standing]) -> list[Task]:
    """Of customers in the order of their urgency."""
    urgent = [(standing, make) for standing in standings if (make := _kind(standing))][:MOST]
    warned = _warned([standing for standing, make in urgent if make is _secret])
    return [make(standing, warned.get(standing.tenant.pk, 0)) for standing, make in urgent]


def _kind(standing: Standing) -> Make | None:
    if standing.progress.stage == Stage.TROUBLE and standing.failed_checks:
        return _check
    if standing.expiry_tone == "bad":
        return _secret
    if standing.notes.refused or standing.notes.are_late:
        return _held_up
    if standing.notes.writes_refused:
        return _refused_writes
    return _our_turn if standing.blocker.who == "ipex" else None


def _warned(standings: list[Standing]) -> dict[int, int]:
    """On how many days the customer's admins were told of the secret's end."""
    told = OutgoingMail.objects.filter(
        kind=OutgoingMail.Kind.SECRET_EXPIRING,
        state=OutgoingMail.State.SENT,
        system_account__in=[standing.progress.facts.account for standing in standings],
    )
    days = told.order_by().values("tenant_id").annotate(days=Count(TruncDate("sent_at"), distinct=True))
    return {row["tenant_id"]: row["days"] for row in days}


def _check(standing: Standing, _warned: int) -> Task:
    row = standing.progress.failed_check
    assert row is not None
    sentence = _("A check fails: %(check)s. %(consequence)s") % {
        "check": row.said.title,
        "consequence": row.said.consequence,
    }
    address = reverse("admin:tenants_tenant_change", args=[standing.tenant.pk])
    return Task(standing.tenant, "warning", "bad", sentence, _("Show"), address, ago(row.result.since))


def _secret(standing: Standing, warned: int) -> Task:
    days = standing.progress.secret_days or 0
    if days < 0:
        sentence = _("The system account's secret or certificate has expired. IVR and the number index have stopped.")
    elif days == 0:
        sentence = _(
            "The system account's secret or certificate expires today. IVR and the number index will then stop."
        )
    else:
        sentence = ngettext(
            "The system account's secret or certificate expires in %(days)d day. IVR and the number index will then stop.",
            "The system account's secret or certificate expires in %(days)d days. IVR and the number index will then stop.",
            days,
        ) % {"days": days}
    aside = ngettext("admin told %(n)d time", "admin told %(n)d times", warned) % {"n": warned} if warned else ""
    address = reverse("portal:ivr", args=[standing.tenant.code])
    return Task(standing.tenant, "key", "bad", sentence, _("Enter the other secret"), address, aside)


def _refused_writes(standing: Standing, _warned: int) -> Task:
    refused = standing.notes.writes_refused
    sentence = ngettext(
        "%(n)d missed call or IVR write was refused by the CRM.",
        "%(n)d missed calls or IVR writes were refused by the CRM.",
        refused,
    )
    address = reverse("not_logged", args=[standing.tenant.code])
    return Task(standing.tenant, "pen", "bad", sentence % {"n": refused}, _("Show"), address)


def _held_up(standing: Standing, _warned: int) -> Task:
    notes, state = standing.notes, "refused" if standing.notes.refused else "queued"
    address = reverse("admin:crmwindow_note_changelist")
    address += f"?call__tenant__id__exact={standing.tenant.pk}&state__exact={state}"
    if notes.refused:
        sentence = ngettext(
            "%(n)d note was not written to the CRM. Its agent sees the reason.",
            "%(n)d notes were not written to the CRM. Their agents see the reason.",
            notes.refused,
        ) % {"n": notes.refused}
        return Task(standing.tenant, "pen", "bad", sentence, _("Show"), address)
    blocker = notes.blocker
    waiting = ngettext(
        "%(n)d note has been waiting for %(time)s.", "%(n)d notes have been waiting for %(time)s.", notes.waiting
    ) % {"n": notes.waiting, "time": ago(notes.since)}
    sentence = f"{blocker.cause}. {waiting}" if blocker else waiting
    if blocker and blocker.who == "microsoft":
        sentence += " " + _("They are written by themselves.")
    again = _("next try %(time)s") % {"time": _clock(notes.next_try_at)} if notes.next_try_at else ""
    return Task(standing.tenant, "clock", "warn", sentence, _("Show"), address, again)


def _our_turn(standing: Standing, _warned: int) -> Task:
    blocker = standing.blocker
    address = reverse("admin:tenants_tenant_change", args=[standing.tenant.pk])
    return Task(standing.tenant, "person", "accent", f"{standing.cause}.", _("Open"), address, ago(blocker.since))


def ago(at: datetime | None) -> str:
    """Like "47 min", "5 h", "2 days"; "" when it is not known."""
    if at is None:
        return ""
    minutes = max(int((timezone.now() - at).total_seconds() // 60), 0)
    if minutes < 60:
        return _("%(n)d min") % {"n": max(minutes, 1)}
    if minutes < 48 * 60:
        return _("%(n)d h") % {"n": minutes // 60}
    days = minutes // (24 * 60)
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}


def _clock(at: datetime) -> str:
    return timezone.localtime(at).strftime("%H:%M").removeprefix("0")

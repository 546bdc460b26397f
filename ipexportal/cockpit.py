"""The admin's first page: every customer on one screen, who is stuck and on whom, and what to do about it today.

Plain links and one form; the part that changes renews itself (static/js/cockpit.js asks for it, templates/admin/cockpit.html).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _
from huey.contrib.djhuey import HUEY

from crmwindow import card_times
from crmwindow.card_times import Times
from ipexportal import finding, standings, today
from ipexportal.standings import Standing
from tenants import access
from tenants.models import AuditEntry, Instance, OutgoingMail
from tenants.progress import Stage

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MOST = 50
RECENT = timedelta(days=7)
CLAIMS_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Filter:
    """One answer to "who is stuck?"."""

    key: str
    label: StrOrPromise
    holds: Callable[[Standing], bool]


FILTERS = (
    Filter("", _("All"), lambda standing: True),
    Filter("customer", _("Waiting for the customer"), lambda standing: standing.blocker.who == "customer"),
    Filter("ipex", _("Waiting for us"), lambda standing: standing.blocker.who == "ipex"),
    Filter("ready", _("Ready or pilot"), lambda standing: standing.progress.stage == Stage.READY),
    Filter("trouble", _("Trouble"), lambda standing: standing.progress.stage == Stage.TROUBLE),
    Filter("secret", _("Secret within 60 days"), lambda standing: bool(standing.expiry_tone)),
    Filter("nobody", _("Nobody signed in"), lambda standing: standing.nobody_signed_in),
)


@dataclass(frozen=True, slots=True)
class Chip:
    filter: Filter
    count: int
    chosen: bool
    query: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Of all customers together."""

    customers: int
    live: int
    agents: int
    wanted: int
    calls_today: int
    ring: Times
    share: float | None
    notes_waiting: int
    notes_refused: int


@dataclass(frozen=True, slots=True)
class Sign:
    """Something about the whole portal that ought to be nought. `address` is where one looks at it."""

    label: StrOrPromise
    number: int
    address: str = ""
    tone: str = "warn"


class Office(AdminSite):
    """Django's admin, whose first page is the cockpit."""

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        context = self.each_context(request) | {"title": _("Overview of customers"), **cockpit(request)}
        part = "#live" if request.headers.get("HX-Request") else ""
        request.current_app = self.name
        response = TemplateResponse(request, f"admin/cockpit.html{part}", context | (extra_context or {}))
        patch_vary_headers(response, ["HX-Request"])
        return response


def cockpit(request: HttpRequest) -> dict[str, Any]:
    """What the page shows. Whatever the address carries beside a known filter and a text is ignored."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[: finding.LONGEST]
    chosen = next((each for each in FILTERS if each.key == request.GET.get("who", "")), FILTERS[0])
    everybody = standings.of(access.tenants_of(request.user))
    found = _found(everybody, text)
    rows = [standing for standing in found if chosen.holds(standing)]
    shown = rows if request.GET.get("show") == "all" else rows[:MOST]
    return {
        "now": timezone.now(),
        "figures": _figures(everybody),
        "tasks": today.tasks(everybody),
        "signs": _signs(),
        "chips": [_chip(each, found, chosen, text) for each in FILTERS],
        "chosen": chosen,
        "text": text,
        "standings": standings.timed(shown),
        "total": len(rows),
        "everybody": len(everybody),
        "longest": finding.LONGEST,
        "all_query": query(who=chosen.key, q=text, show="all"),
        "here": query(who=chosen.key, q=text, show=request.GET.get("show") if len(shown) > MOST else ""),
        "filter_query": query(who=chosen.key),
    }


def query(**values: str | None) -> str:
    """As in an address; without what is empty. Always begins with "?", so that it replaces what is there."""
    return "?" + urlencode({name: value for name, value in values.items() if value})


def _found(everybody: list[Standing], text: str) -> list[Standing]:
    if not text:
        return everybody
    keys = set(finding.customers(text).order_by().values_list("pk", flat=True))
    return [standing for standing in everybody if standing.tenant.pk in keys]


def _chip(each: Filter, found: list[Standing], chosen: Filter, text: str) -> Chip:
    number = sum(each.holds(standing) for standing in found)
    return Chip(each, number, each is chosen, query(who=each.key, q=text))


def _figures(everybody: list[Standing]) -> Figures:
    looked_up = sum(standing.calls.looked_up for standing in everybody)
    known = sum(standing.calls.known for standing in everybody)
    return Figures(
        customers=len(everybody),
        live=sum(standing.progress.phase == 5 for standing in everybody),
        agents=sum(standing.progress.agents.signed_in for standing in everybody),
        wanted=sum(standing.progress.agents.enabled for standing in everybody),
        calls_today=sum(standing.calls.today for standing in everybody),
        ring=card_times.together((standing.tenant.pk for standing in everybody), since=_midnight()),
        share=standings.Calls(looked_up=looked_up, known=known).share,
        notes_waiting=sum(standing.notes.all_waiting for standing in everybody),
        notes_refused=sum(standing.notes.all_refused for standing in everybody),
    )


def _midnight() -> datetime:
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def _signs() -> list[Sign]:
    """How the portal itself is doing."""
    now = timezone.now()
    mail, instances, entries = (
        reverse(f"admin:tenants_{name}_changelist") for name in ("outgoingmail", "instance", "auditentry")
    )
    failed = OutgoingMail.objects.filter(state=OutgoingMail.State.FAILED, created_at__gte=now - RECENT)
    overdue = OutgoingMail.objects.filter(state=OutgoingMail.State.QUEUED, next_try_at__lt=now - standings.LATE)
    second = AuditEntry.objects.filter(act="instance.second_claim", at__gte=now - CLAIMS_FOR)
    return [
        Sign(_("E-mails not sent, 7 days"), _number(failed), f"{mail}?state__exact=failed", "bad"),
        Sign(_("E-mails overdue"), _number(overdue), f"{mail}?state__exact=queued"),
        Sign(_("Jobs waiting"), HUEY.pending_count(), tone=""),
        Sign(
            _("Instances to be confirmed"),
            _number(Instance.objects.filter(proven_at=None)),
            f"{instances}?proven_at__isempty=1",
        ),
        Sign(_("Second claims, 30 days"), _number(second), f"{entries}?act=instance.second_claim", "bad"),
    ]


def _number(rows: QuerySet[Any]) -> int:
    return rows.order_by().count()

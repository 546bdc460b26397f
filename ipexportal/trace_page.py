"""A customer's calls step by step, for our staff: when what was done, and, while support traces, what Dataverse was asked."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from crmwindow import card_times
from crmwindow.card_times import Times
from crmwindow.models import Asked, CardTiming
from tenants import support_trace
from tenants.admin.customer_page import Page
from tenants.admin.rows import staff

MOST = 25
MOST_ASKED = 60


@dataclass(frozen=True, slots=True)
class Step:
    """`ms` since the exchange's event; since the stream's event for those of the browser."""

    word: str
    ms: int


@dataclass(frozen=True, slots=True)
class Way:
    """One card's way."""

    timing: CardTiming
    steps: list[Step]
    asked: list[Asked]


def show(page: Page) -> HttpResponse:
    since = timezone.now() - timedelta(days=1)
    times = card_times.of([page.tenant.pk], since=since).get(page.tenant.pk, Times())
    return page.shown("trace", ways=_ways(page), times=times, hours=support_trace.HOURS)


def switch(page: Page) -> HttpResponse:
    """For so many hours; 0 ends it."""
    typed, by = page.request.POST.get("hours", ""), staff(page.request)
    hours = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 4 else -1
    if hours == 0:
        support_trace.switch_off(page.tenant, by=by)
        messages.success(page.request, _("The trace is off. What it has kept goes after seven days."))
    elif hours in support_trace.HOURS:
        support_trace.switch_on(page.tenant, hours=hours, by=by)
        messages.success(page.request, _("The trace is on and ends by itself."))
    else:
        messages.warning(page.request, _("Choose for how long."))
    return redirect("admin:tenants_tenant_trace", page.tenant.pk)


def _ways(page: Page) -> list[Way]:
    rows = CardTiming.objects.filter(tenant=page.tenant).select_related("leg__agent", "leg__call")
    newest = list(rows.order_by("-at", "-pk")[:MOST])
    asked: dict[int, list[Asked]] = defaultdict(list)
    for each in Asked.objects.filter(leg__in=[timing.leg_id for timing in newest]).order_by("at", "pk"):
        asked[each.leg_id].append(each)
    return [Way(timing, _steps(timing), asked[timing.leg_id][:MOST_ASKED]) for timing in newest]


def _steps(timing: CardTiming) -> list[Step]:
    named = [
        (_("told to the window"), timing.told_ms),
        (_("stored"), timing.committed_ms),
        (_("look-up begun"), timing.begun_ms),
        (_("candidates known"), timing.candidates_ms),
        *((_("answer of %(table)s") % {"table": table}, ms) for table, ms in sorted(timing.tables_ms.items())),
        (_("look-up finished"), timing.answered_ms),
        (_("on the way to the window"), timing.pushed_ms),
        (_("in the browser: call shown"), timing.fetched_ms),
        (_("in the browser: card painted"), timing.painted_ms),
    ]
    return [Step(word, ms) for word, ms in named if ms is not None]

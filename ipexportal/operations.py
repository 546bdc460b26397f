"""For whoever operates the portal: is it alive, is it ready, and how busy is it.

`/healthz` and `/readyz` say ok or what is not, nothing else. `/metrics` needs `Authorization: Bearer METRICS_TOKEN` and
does not exist while that is unset; its labels never hold a tenant, number or e-mail.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Count, Min
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from huey.contrib.djhuey import HUEY
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from crmwindow import tallies
from crmwindow.hub import hub
from crmwindow.models import CardTiming, CrmWrite, FollowUp, Note
from tenants import key_check


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """It can work: the database answers, and FIELD_KEYS open what is in it."""
    missing = _missing()
    status, text = (503, f"not ready: {missing}") if missing else (200, "ok")
    return HttpResponse(text, status=status, content_type="text/plain")


def _missing() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return "" if key_check.opens() else "FIELD_KEYS"
    except DatabaseError:
        return "database"


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not settings.METRICS_TOKEN or not constant_time_compare(given, settings.METRICS_TOKEN):
        raise Http404
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


class Portal(Collector):
    """Read when asked. True over all processes, from the database: everything but the streams, which are this process's."""

    def collect(self) -> Iterator[Metric]:
        tallies.flush()
        yield GaugeMetricFamily("ipex_streams", "Open event streams of this process", value=hub.count)
        yield from _cards()
        yield _lookups()
        yield _asked()
        yield from _notes()
        yield from _jobs()

    def describe(self) -> list[Metric]:
        return []  # else registering would already ask the database


def _cards() -> Iterator[Metric]:
    """How long after the exchange's event the agent's browser had painted the card."""
    family = HistogramMetricFamily(
        "ipex_ring_to_card_seconds", "From the exchange's event to the painted card", labels=["path"]
    )
    sums = tallies.sums("card")
    for path in CardTiming.Path.INDEX, CardTiming.Path.LIVE:
        below, buckets = 0, []
        for limit in (*tallies.CARD_LIMITS, None):
            below += sums.get(f"{path} {limit or '+Inf'}", (0, 0.0))[0]
            buckets.append((str(limit / 1000) if limit else "+Inf", below))
        total = sum(seconds for label, (_count, seconds) in sums.items() if label.startswith(f"{path} "))
        family.add_metric([path], buckets, total)
    yield family


def _lookups() -> Metric:
    family = SummaryMetricFamily("ipex_lookup_seconds", "Look-ups of callers, by how they were found", labels=["path"])
    for path, (count, seconds) in sorted(tallies.sums("lookup").items()):
        family.add_metric([path], count, seconds)
    return family


def _asked() -> Metric:
    family = SummaryMetricFamily(
        "ipex_dataverse_request_seconds", "Attempts at Dataverse, by outcome", labels=["outcome"]
    )
    for outcome, (count, seconds) in sorted(tallies.sums("dataverse").items()):
        family.add_metric([outcome], count, seconds)
    return family


def _notes() -> Iterator[Metric]:
    counted = dict(Note.objects.order_by().values_list("state").annotate(Count("pk")))
    family = GaugeMetricFamily("ipex_notes", "Notes kept, by state", labels=["state"])
    for state in Note.State.values:
        family.add_metric([state], counted.get(state, 0))
    yield family
    queued = Note.State.QUEUED
    yield GaugeMetricFamily("ipex_notes_waiting", "Notes waiting to be written to a CRM", value=counted.get(queued, 0))
    oldest = Note.objects.filter(state=queued).aggregate(at=Min("queued_at"))["at"]
    yield GaugeMetricFamily("ipex_oldest_waiting_note_seconds", "Age of the oldest of them", value=_age(oldest))


def _jobs() -> Iterator[Metric]:
    """Of rows that a job should have taken up by now: the queue only hurries them."""
    yield GaugeMetricFamily("ipex_jobs_queued", "Jobs in the queue", value=HUEY.pending_count())
    now, due = timezone.now(), []
    for model in (Note, FollowUp, CrmWrite):
        due.append(model.objects.filter(state="queued", next_try_at__lte=now).aggregate(at=Min("next_try_at"))["at"])
    late = min((at for at in due if at), default=None)
    yield GaugeMetricFamily("ipex_job_age_seconds", "How long the longest overdue job has been due", value=_age(late))


def _age(moment: datetime | None) -> float:
    return max(0.0, (timezone.now() - moment).total_seconds()) if moment else 0.0


REGISTRY.register(Portal())

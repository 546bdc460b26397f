"""For whoever operates the portal: is it alive, is it ready, and how busy is it.

`/healthz` and `/readyz` say ok or not, nothing else. `/metrics` needs `Authorization: Bearer METRICS_TOKEN` and does not exist
while that is unset; its labels never hold a tenant, number or e-mail.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from crmwindow.hub import hub
from crmwindow.models import Note


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """It can work: the database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("not ready", status=503, content_type="text/plain")
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not settings.METRICS_TOKEN or not constant_time_compare(given, settings.METRICS_TOKEN):
        raise Http404
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


class Portal(Collector):
    """Read when asked: this process's streams, and what waits in the database."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("ipex_streams", "Open event streams of this process", value=hub.count)
        waiting = Note.objects.filter(state=Note.State.QUEUED)
        yield GaugeMetricFamily("ipex_notes_waiting", "Notes waiting to be written to a CRM", value=waiting.count())
        oldest = waiting.order_by("queued_at").values_list("queued_at", flat=True).first()
        age = (timezone.now() - oldest).total_seconds() if oldest else 0.0
        yield GaugeMetricFamily("ipex_oldest_waiting_note_seconds", "Age of the oldest of them", value=age)

    def describe(self) -> list[GaugeMetricFamily]:
        return []  # else registering would already ask the database


REGISTRY.register(Portal())

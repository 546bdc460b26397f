"""How long a card took, step by step: from the exchange's event to what the agent's browser painted.

Nothing here is on the way: the look-up's thread writes its part after it has told the window, and the window reports once,
after it has painted. No number and no name is kept. What the figures are and on whose clock: models.CardTiming.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

from django.db import DatabaseError
from django.utils import timezone

from crmwindow import tallies
from crmwindow.models import Asked, CardTiming, Leg
from tenants import stopwatch
from tenants.models import Tenant
from tenants.prepared import PreparedInsert
from tenants.stopwatch import Watch

LONGEST_MS = 10 * 60 * 1000
TRACES_KEPT = timedelta(days=7)
TABLE = "table "

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Arrival:
    """An event of the exchange, by this process's perf_counter: when it came, was told to windows, was committed."""

    received: float = field(default_factory=perf_counter)
    at: datetime = field(default_factory=timezone.now)
    told: float | None = None
    committed: float | None = None

    def is_committed(self) -> None:
        self.committed = perf_counter()

    def after(self, moment: float | None) -> int | None:
        """Milliseconds."""
        return None if moment is None else _ms(moment - self.received)


def arrival() -> Arrival:
    """Of what the current request brings."""
    watch = stopwatch.current()
    return Arrival(watch.began) if watch else Arrival()


def watch_of(leg: Leg) -> Watch:
    """For a look-up of this leg; its agent's tenant is read already."""
    return Watch(about=leg.pk if leg.agent.tenant.is_traced else None)


@contextmanager
def tracing(leg: Leg, tenant: Tenant) -> Iterator[None]:
    """Around work about this leg outside of a request; without a trace it is nothing."""
    if leg.pk is None or not tenant.is_traced:
        yield
        return
    with stopwatch.watching(Watch(about=leg.pk)) as watch:
        try:
            yield
        finally:
            keep_questions(watch)


def keep(leg: Leg, watch: Watch, came: Arrival | None, *, readable: bool) -> None:
    """What this process saw. A failure to write it down harms nobody."""
    start = came.received if came else watch.began

    def at(name: str) -> int | None:
        seconds = watch.marks.get(name)
        return None if seconds is None else _ms(watch.began + seconds - start)

    values: dict[str, Any] = {
        **_told(came),
        "path": watch.labels.get("path", "") if readable else "",
        "begun_ms": _ms(watch.began - start),
        "candidates_ms": at("candidates"),
        "tables_ms": {name.removeprefix(TABLE): at(name) for name in watch.marks if name.startswith(TABLE)},
        "answered_ms": at("answered"),
    }
    try:
        _put(leg, values)
        keep_questions(watch)
    except DatabaseError:
        logger.exception("A look-up's timing could not be kept.")
    tallies.add("lookup", values["path"] or "failed", perf_counter() - watch.began)


def arrived(leg: Leg, came: Arrival) -> None:
    """Its look-up is somebody else's, who began before this event was through."""
    _put(leg, _told(came))


def _told(came: Arrival | None) -> dict[str, int | None]:
    return {"told_ms": came.after(came.told), "committed_ms": came.after(came.committed)} if came else {}


def keep_questions(watch: Watch) -> None:
    """What was asked of Dataverse, if support traces this customer."""
    if watch.about is None or not watch.questions:
        return
    now, ends = timezone.now(), perf_counter()
    Asked.objects.bulk_create(
        Asked(
            leg_id=watch.about,
            at=now - timedelta(seconds=ends - watch.began - each.after),
            method=each.method,
            shape=each.shape,
            status=each.status,
            ms=_ms(each.took),
        )
        for each in watch.questions
    )
    watch.questions.clear()


def painted(leg: Leg, *, pushed: int | None, fetched: int | None, painted: int) -> None:
    """The window's own report, once per card; `pushed` is None when the card came up without the stream."""
    if CardTiming.objects.filter(leg=leg, painted_ms__isnull=False).exists():
        return
    _put(leg, {"pushed_ms": pushed, "fetched_ms": fetched, "painted_ms": painted})
    row = CardTiming.objects.filter(leg=leg).values_list("path", "ring_ms").first()
    if row and row[0] and row[1] is not None:
        tallies.card(row[0], row[1])


def _put(leg: Leg, values: dict[str, Any]) -> None:
    """Either half may come first."""
    row = CardTiming(leg=leg, tenant_id=leg.agent.tenant_id, at=timezone.now(), **values)
    if (put := _known_puts.get(tuple(values))) is None:
        put = _known_puts[tuple(values)] = PreparedInsert(CardTiming, key="leg", renewed=tuple(values))
    put(row)


_known_puts: dict[tuple[str, ...], PreparedInsert[CardTiming]] = {}


def read_ms(text: str) -> int | None:
    """Milliseconds as a window reports them; None when it could not have measured that."""
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        return None
    return value if (value := int(text)) <= LONGEST_MS else None


def _ms(seconds: float) -> int:
    return min(LONGEST_MS, max(0, round(1000 * seconds)))

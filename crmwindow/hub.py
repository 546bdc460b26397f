"""One listener per process: from the outbox to every open stream of this process.

On PostgreSQL it holds one direct connection that LISTENs (PgBouncer in transaction mode would break that: see
STREAM_DATABASE_URL). A notification sent while it reconnects is lost, so afterwards every stream asks for its state.
Another thread looks once a second whether the streams' sessions still stand: of thousands that takes long enough to be heard.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep, time
from typing import Any

import psycopg
from django.conf import settings
from django.db import close_old_connections, connection
from django.db.models import DurationField, ExpressionWrapper, F, Max
from django.db.models.functions import Now

from crmwindow import tallies
from crmwindow.models import Outbox
from crmwindow.outbox import CHANNEL, MOMENT, REVOKED, STATE, read, woken
from crmwindow.sessions import live_among

POLL_SECONDS = 0.1
CHECK_SECONDS = 1.0
_AGE = ExpressionWrapper(Now() - F("at"), DurationField())  # both times by the database's clock
ELSEWHERE = "elsewhere"  # this process ends: the window connects anew, to another one
QUIET, GONE = "quiet", "gone"  # nothing new for some time; the window went away
SMALL_NEWS = 2  # meant for some of the agent's windows; two such are for all of them
WEIGHTS = {"": 0, QUIET: 1, STATE: 3, REVOKED: 4, ELSEWHERE: 4, GONE: 5}  # of news that meet in one stream

logger = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Subscriber:
    """One open stream and what it has still to hear, at most one thing. There are thousands, so it is small."""

    agent: int
    session: int
    loop: asyncio.AbstractEventLoop
    age: int | None = None  # milliseconds that this took to get here
    _kind: str = ""
    _waiting: asyncio.Future[None] | None = None

    def tell(self, kind: str, age: int | None = None) -> None:
        self.loop.call_soon_threadsafe(self.put, kind, age)

    def put(self, kind: str, age: int | None = None) -> None:
        """In the event loop only. What weighs less than what waits to be heard adds nothing to it."""
        weight, waits = WEIGHTS.get(kind, SMALL_NEWS), WEIGHTS.get(self._kind, SMALL_NEWS)
        if weight > waits:
            self._kind, self.age = kind, age
        elif weight == waits == SMALL_NEWS and kind != self._kind:
            self._kind = STATE
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(None)

    async def news(self) -> str:
        """What there is to hear next."""
        if not self._kind:
            self._waiting = self.loop.create_future()
            await self._waiting
        kind, self._kind, self._waiting = self._kind, "", None
        return kind


class Hub:
    def __init__(self) -> None:
        self._subscribers: dict[int, set[Subscriber]] = {}
        self._lock = threading.Lock()
        self._threads: dict[str, threading.Thread] = {}
        self._stopping = threading.Event()

    @contextmanager
    def subscribed(self, *, agent: int, session: int) -> Iterator[Subscriber]:
        """A stream of this event loop, for as long as the block runs."""
        subscriber = Subscriber(agent, session, asyncio.get_running_loop())
        with self._lock:
            self._subscribers.setdefault(agent, set()).add(subscriber)
        self.start()
        try:
            yield subscriber
        finally:
            with self._lock:
                self._subscribers[agent].discard(subscriber)
                if not self._subscribers[agent]:
                    del self._subscribers[agent]

    @property
    def count(self) -> int:
        """Open streams of this process."""
        return len(self._all())

    def start(self) -> None:
        with self._lock:
            for name, work in (("hub", self._listens), ("hub-check", self._checks)):
                if name not in self._threads or not self._threads[name].is_alive():
                    self._stopping.clear()
                    self._threads[name] = threading.Thread(target=work, name=name, daemon=True)
                    self._threads[name].start()

    def let_go(self) -> None:
        """End every stream; their windows find another process, or this one's successor."""
        for subscriber in self._all():
            subscriber.tell(ELSEWHERE)

    def stop(self) -> None:
        """End every stream and the listener."""
        self._stopping.set()
        woken.set()
        self.let_go()
        for thread in self._threads.values():
            thread.join(timeout=3)

    def _listens(self) -> None:
        listen = self._listen if connection.vendor == "postgresql" else self._poll
        while not self._stopping.is_set():
            try:
                listen()
            except Exception:
                if not self._stopping.is_set():
                    logger.exception("The listener lost its connection and starts again.")
                    sleep(0.5)
            finally:
                connection.close()

    def _checks(self) -> None:
        while not self._stopping.wait(CHECK_SECONDS):
            try:
                self._check()
            except Exception:
                if not self._stopping.is_set():
                    logger.exception("Whether the sessions of open streams still stand could not be asked.")
        connection.close()

    def _listen(self) -> None:
        with psycopg.connect(**_direct(), autocommit=True) as listener:
            listener.execute(f"LISTEN {CHANNEL}")
            self._tell_all()
            compared, ahead = monotonic(), _ahead(listener)
            while not self._stopping.is_set():
                for each in listener.notifies(timeout=CHECK_SECONDS, stop_after=1):
                    news = read(each.payload)
                    self._pass_on(news.agents, news.kind, time() + ahead - news.at)
                if monotonic() - compared >= CHECK_SECONDS:
                    compared, ahead = monotonic(), _ahead(listener)

    def _poll(self) -> None:
        last = self._newest()
        self._tell_all()
        while not self._stopping.is_set():
            woken.wait(POLL_SECONDS)
            woken.clear()
            rows = Outbox.objects.filter(pk__gt=last).order_by("pk")
            for row, agent, kind, age in rows.values_list("pk", "agent_id", "kind", _AGE):
                last = row
                self._pass_on([agent], kind, age.total_seconds())

    def _newest(self) -> int:
        return Outbox.objects.aggregate(newest=Max("pk"))["newest"] or 0

    def _pass_on(self, agents: Iterable[int], kind: str, age: float) -> None:
        """Tell the streams of these agents what happened `age` seconds ago."""
        for agent in agents:
            for subscriber in self._of(agent):
                subscriber.tell(kind, round(1000 * max(0.0, age)))

    def _check(self) -> None:
        """Streams whose session ended, expired, or whose agent was disabled hear of it."""
        close_old_connections()
        tallies.flush_if_due()
        subscribers = self._all()
        live = live_among({subscriber.session for subscriber in subscribers}) if subscribers else set()
        for subscriber in subscribers:
            if subscriber.session not in live:
                subscriber.tell(REVOKED)

    def _tell_all(self) -> None:
        for subscriber in self._all():
            subscriber.tell(STATE)

    def _of(self, agent: int) -> list[Subscriber]:
        with self._lock:
            return list(self._subscribers.get(agent, ()))

    def _all(self) -> list[Subscriber]:
        with self._lock:
            return [subscriber for group in self._subscribers.values() for subscriber in group]


def _ahead(listener: psycopg.Connection[Any]) -> float:
    """Seconds by which the database's clock is ahead of this process's."""
    row = listener.execute(f"SELECT {MOMENT}").fetchone()
    return float(row[0]) - time() if row else 0.0


def _direct() -> dict[str, Any]:
    """How to reach PostgreSQL without a pool between."""
    if settings.STREAM_DATABASE_URL:
        return {"conninfo": settings.STREAM_DATABASE_URL}
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    given = connection.settings_dict
    return {ours: given[theirs] for theirs, ours in names.items() if given.get(theirs)}


hub = Hub()

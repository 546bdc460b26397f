"""Agents at their windows: each with a ticket of the contact centre, its session's cookie and its event stream, over HTTP."""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from crmwindow.models import Outbox
from ipexportal.benchmarks import Void
from ipexportal.benchmarks.wire import Answer, Stream, Wire, open_stream
from tenants.models import Agent

AT_ONCE = 8
LOST_AFTER = 5.0
BROWSER = {  # what a browser sends with a stream: the server keeps it as long as the stream is open
    "Accept": "text/event-stream",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "cs-CZ,cs;q=0.9,en;q=0.8",
    "Cache-Control": "no-cache",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "same-origin",
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0",
}


@dataclass(eq=False, slots=True)
class Seat:
    """One agent's window. `heard`: when news came (time.time()); `told` is called then with their kind."""

    agent: Agent
    cookie: str
    wire: Wire
    stream: Stream | None = None
    heard: list[float] = field(default_factory=list)
    told: Callable[[str], None] | None = None

    @property
    def headers(self) -> dict[str, str]:
        """As the window's own script sends them."""
        return {"Cookie": self.cookie, "HX-Request": "true", "Origin": self.wire.origin}

    def hear(self, kind: str, at: float) -> None:
        self.heard.append(at)
        if self.told:
            self.told(kind)


async def take(wires: Sequence[Wire], key: str, agents: Iterable[Agent]) -> list[Seat]:
    """A session for each, by a ticket; in turn over these wires, on which they stay."""
    return await at_once([_seat(wires[place % len(wires)], key, agent) for place, agent in enumerate(agents)])


async def _seat(wire: Wire, key: str, agent: Agent) -> Seat:
    body = json.dumps({"login": agent.login}).encode()
    ticket = await patient(
        lambda: wire.post("/api/v1/window-tickets", body, "application/json", Authorization=f"Bearer {key}")
    )
    if ticket.status != 201:
        raise Void(f"a ticket was answered {ticket.status}: {ticket.text[:200]}")
    parts = urlsplit(json.loads(ticket.body)["url"])
    entered = await patient(lambda: wire.get(f"{parts.path}?{parts.query}"))
    cookie = entered.headers.get("set-cookie", "").partition(";")[0]
    if entered.status != 303 or not cookie.startswith(f"{settings.WINDOW_COOKIE}="):
        raise Void(f"a ticket opened no window: {entered.status}")
    return Seat(agent, cookie, wire)


async def patient(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Again when it is told to slow down."""
    while (answer := await ask()).status == 429:
        await asyncio.sleep(float(answer.headers.get("retry-after", "1")))
    return answer


async def open_streams(instance: str, seats: Iterable[Seat]) -> None:
    async def listen(seat: Seat) -> None:
        path = f"/window/events?instance={instance}"
        seat.stream = await open_stream(seat.wire, path, seat.hear, Cookie=seat.cookie, **BROWSER)

    await at_once([listen(seat) for seat in seats])


async def at_once[T](all_of: Sequence[Awaitable[T]]) -> list[T]:
    """Some at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(each: Awaitable[T]) -> T:
        async with gate:
            return await each

    return await asyncio.gather(*(one(each) for each in all_of))


def close(seats: Iterable[Seat]) -> None:
    for seat in seats:
        if seat.stream:
            seat.stream.close()


def newest_news() -> int:
    return Outbox.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def delays(seats: Iterable[Seat], *, after: int) -> tuple[list[float], int]:
    """Milliseconds from each commit that concerned one of these windows to the event there; and how many heard nothing.

    Several pieces of news may come as one event, but never before the last of them was committed.
    """
    heard = {seat.agent.pk: seat.heard for seat in seats}
    found, missed = [], 0
    for agent, committed in _news(after):
        if agent in heard:
            place = bisect_right(heard[agent], committed)
            if place < len(heard[agent]) and heard[agent][place] < committed + LOST_AFTER:
                found.append(1000 * (heard[agent][place] - committed))
            else:
                missed += 1
    return found, missed


def strangers(seats: Iterable[Seat], *, since: float, after: int) -> int:
    """Events that were about nobody's call."""
    news = {agent for agent, _committed in _news(after)}
    return sum(at > since for seat in seats if seat.agent.pk not in news for at in seat.heard)


def _news(after: int) -> list[tuple[int, float]]:
    """(agent, when it was committed), from PostgreSQL's own record: both clocks are this machine's."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW track_commit_timestamp")
        if cursor.fetchone()[0] != "on":
            raise Void("PostgreSQL has to run with track_commit_timestamp=on")
        cursor.execute(
            "SELECT agent_id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8"
            " FROM crmwindow_outbox WHERE id > %s ORDER BY id",
            [after],
        )
        return list(cursor.fetchall())

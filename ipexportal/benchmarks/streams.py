"""Idle windows on one uvicorn process: what each costs, and how soon the right one hears of a call among all the others.

Every window is an agent's, with a ticket of the contact centre and the session it opened, over HTTP. The clients are one
asyncio process beside the server's. Memory is PSS from /proc, before and after, once everything a call needs is loaded. Time is
from PostgreSQL's commit of the news to its arrival at the window; it is measured while some windows are rung and looked up for.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async

from ipexportal.benchmarks import Void, machine, percentile, seats
from ipexportal.benchmarks.crew import Portal, production
from ipexportal.benchmarks.seats import Seat
from ipexportal.benchmarks.stage import idle_crew, microsoft, signed_in_crew
from ipexportal.benchmarks.wire import Wire
from tenants import api_keys
from tenants.models import Agent, ApiKey

RATE = 10.0
TALK_SECONDS = 1.0
SETTLE_SECONDS = 2.0
WARM_CALLS = 30


def measure(*, quick: bool, latency_ms: float, say: Callable[[str], object]) -> dict[str, Any]:
    sizes, rung, calls = ((50, 200), 20, 50) if quick else ((100, 1000, 2000), 60, 300)
    machine.allow_files(sizes[-1])
    with microsoft(records=200, agents=rung) as stand_in:
        stand_in.latency(latency_ms)
        say(f"{rung} agents sign in…")
        agents = signed_in_crew(stand_in, rung)
        agents += idle_crew(agents[0].tenant, sizes[-1] - rung)
        keys = {scope: api_keys.create(agents[0].tenant, scope, "benchmark") for scope in ("events", "window")}
        with production(workers=1) as portal:
            run = _Run(portal, agents, rung, keys, say)
            figures = asyncio.run(run.all(sizes, calls))
    return {"quick": quick, "windows": list(sizes), "calls_per_size": calls, "calls_per_s": RATE, **figures}


class _Run:
    def __init__(
        self, portal: Portal, agents: list[Agent], rung: int, keys: dict[str, str], say: Callable[[str], object]
    ) -> None:
        self.portal, self.agents, self.rung, self.keys, self.say = portal, agents, rung, keys, say
        self.database = machine.database_server()
        self.wire = Wire(portal.url)
        self.instance = str(agents[0].tenant.instance.code)
        self.turn = 0

    async def all(self, sizes: tuple[int, ...], calls: int) -> dict[str, Any]:
        self.say(f"{len(self.agents)} agents take their seats…")
        everybody = await seats.take([self.wire], self.keys[ApiKey.Scope.WINDOW], self.agents)
        await self._warm_up(everybody[: self.rung])
        before = self._memory()
        figures: dict[str, Any] = {f"{name}_mb_before": round(kb / 1024, 1) for name, (kb, _threads) in before.items()}
        opened = 0
        for size in sizes:
            self.say(f"{size} windows…")
            await self._open(everybody[opened:size])
            opened = size
            figures |= self._cost(size, before) | await self._delays(everybody[:size], calls, size)
        seats.close(everybody)
        return figures

    async def _open(self, some: list[Seat]) -> None:
        await seats.open_streams(self.instance, some)
        await asyncio.sleep(SETTLE_SECONDS)

    async def _warm_up(self, some: list[Seat]) -> None:
        """What the first calls and windows load is not counted as the price of later ones."""
        await self._open(some)
        await self._calls(some, WARM_CALLS)
        seats.close(some)
        await asyncio.sleep(SETTLE_SECONDS)

    def _memory(self) -> dict[str, tuple[int, int]]:
        """Of each kind of process: (kilobytes, threads)."""
        groups = {
            "web": [process.pid for process in self.portal.web],
            "jobs": [process.pid for process in self.portal.jobs],
            "database": machine.family(self.database),
        }
        costs = {name: machine.cost(pids) for name, pids in groups.items()}
        return {name: (cost.pss_kb, cost.threads) for name, cost in costs.items()}

    def _cost(self, size: int, before: dict[str, tuple[int, int]]) -> dict[str, Any]:
        after = self._memory()
        return {
            f"kb_per_stream_{size}": round((after["web"][0] - before["web"][0]) / size, 1),
            f"threads_{size}": after["web"][1],
            **{f"{name}_mb_{size}": round(kb / 1024, 1) for name, (kb, _threads) in after.items()},
        }

    async def _delays(self, open_now: list[Seat], calls: int, size: int) -> dict[str, Any]:
        newest = await sync_to_async(seats.newest_news)()
        since = time.time()
        await self._calls(open_now[: self.rung], calls)
        found, missed = await sync_to_async(seats.delays)(open_now, after=newest)
        if missed:
            raise Void(f"{missed} pieces of news did not come to their window")
        if await sync_to_async(seats.strangers)(open_now, since=since, after=newest):
            raise Void("a window was told of somebody else's call")
        return {
            f"events_{size}": len(found),
            f"event_p50_ms_{size}": percentile(found, 50),
            f"event_p99_ms_{size}": percentile(found, 99),
        }

    async def _calls(self, some: list[Seat], count: int) -> None:
        """One after the other at an even pace, each at another window."""
        ringing = []
        started = asyncio.get_running_loop().time()
        for number in range(count):
            await asyncio.sleep(started + number / RATE - asyncio.get_running_loop().time())
            ringing.append(asyncio.ensure_future(self._call(some[number % len(some)].agent)))
        await asyncio.gather(*ringing)
        await asyncio.sleep(SETTLE_SECONDS)

    async def _call(self, agent: Agent) -> None:
        self.turn += 1
        common = {"UniqueId": f"stream.{self.turn}", "From": f"7{self.turn:08}", "Direction": "incoming"}
        await self._tell(common | {"EventName": "Ringing", "Login": agent.login})
        await asyncio.sleep(TALK_SECONDS)
        await self._tell(common | {"EventName": "Hangup", "Reason": "No user response"})

    async def _tell(self, event: dict[str, str]) -> None:
        headers = {"Authorization": f"Bearer {self.keys[ApiKey.Scope.EVENTS]}"}
        answer = await self.wire.post("/api/v1/events", json.dumps(event).encode(), "application/json", **headers)
        if answer.status != 202:
            raise Void(f"an event was answered {answer.status}")
